package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/store"
)

// runChallenges runs the races for captchas and one-time codes (S53, S54, S55),
// each first against a store that reads, then writes.
func runChallenges(t *testing.T, db *store.DB, o store.Options, now time.Time) {
	code := func(t *testing.T) challenge.Code {
		t.Helper()
		c := challenge.Code{Slot: unique(t), Digest: unique(t), ExpiresAt: now.Add(time.Minute)}
		if err := db.PutCode(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, r := range []struct {
		name            string
		rounds, winners int
		prepare         func(t *testing.T, s challenge.Store) func(i int) (bool, error)
	}{
		{"one captcha answered by many", 20, 1, func(t *testing.T, s challenge.Store) func(int) (bool, error) {
			key := unique(t)
			return func(int) (bool, error) { return s.SpendCaptcha(t.Context(), key, now.Add(time.Minute)) }
		}},
		{"one code guessed at by many", 20, challenge.CodeGuesses, func(t *testing.T, s challenge.Store) func(int) (bool, error) {
			slot := code(t).Slot
			return func(int) (bool, error) {
				_, err := s.TryCode(t.Context(), slot, challenge.CodeGuesses, now)
				if fault.Is(err, fault.NotFound) {
					return false, nil
				}
				return true, err
			}
		}},
		{"one code used by many", 20, 1, func(t *testing.T, s challenge.Store) func(int) (bool, error) {
			c := code(t)
			return func(int) (bool, error) { return s.UseCode(t.Context(), c.Slot, c.Digest) }
		}},
		{"many codes asked for to one number", 5, 1, func(t *testing.T, s challenge.Store) func(int) (bool, error) {
			number := "+8613" + numbered(unique(t))
			desk := desk(s, now)
			// Addresses of their own, a network each: what an address has asked for
			// counts over all rounds, those of the careless store among them.
			subnet := "2001:db8:" + numbered(unique(t))[:4]
			return func(i int) (bool, error) {
				return sent(desk.Send(meeting(t.Context(), 1), challenge.Ask{
					Purpose: challenge.Reset, Flow: string(rune('a' + i)), Channel: notify.SMS, To: number, Address: fmt.Sprintf("%s:%x::1", subnet, i),
				}, audit.Event{}))
			}
		}},
		{"many codes asked for from one address", 5, 20, func(t *testing.T, s challenge.Store) func(int) (bool, error) {
			numbers := make([]string, racers)
			for i := range numbers {
				numbers[i] = "+8613" + numbered(unique(t))
			}
			desk := desk(s, now)
			network := "2001:db8:" + numbered(unique(t))[:4] + "::1"
			return func(i int) (bool, error) {
				return sent(desk.Send(meeting(t.Context(), 2), challenge.Ask{
					Purpose: challenge.Reset, Flow: "f", Channel: notify.SMS, To: numbers[i], Address: network,
				}, audit.Event{}))
			}
		}},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := race(t, r.prepare(t, forgetful{unguarded(t, o)})); got == r.winners {
				t.Fatalf("control: careless code has %d winners, too: this race proves nothing", got)
			}
			for round := range r.rounds {
				if got := race(t, r.prepare(t, db)); got != r.winners {
					t.Fatalf("round %d: %d winners, want %d", round, got, r.winners)
				}
			}
		})
	}
}

func desk(s challenge.Store, now time.Time) *challenge.Desk {
	return &challenge.Desk{
		Store: s, Queue: nobody{}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Caps: challenge.Caps{Global: 1 << 30},
		MAC: func(parts ...string) []byte { m := sha256.Sum256([]byte(strings.Join(parts, "\x00"))); return m[:] },
	}
}

func sent(_ challenge.Sent, err error) (bool, error) {
	if fault.Is(err, fault.Throttled) {
		return false, nil
	}
	return err == nil, err
}

// numbered gives nine digits of a digest of s.
func numbered(s string) string {
	sum := sha256.Sum256([]byte(s))
	out := make([]byte, 9)
	for i := range out {
		out[i] = '0' + sum[i]%10
	}
	return string(out)
}

type nobody struct{}

func (nobody) Queue(context.Context, notify.Message) error { return nil }

// forgetful is challenge.Store without guards.
type forgetful struct{ hasty }

// meeting gives a racer's context: the nth tally that the racer reads is the one
// that all of them want, and there forgetful makes them meet.
func meeting(ctx context.Context, nth int) context.Context {
	return context.WithValue(ctx, tallies{}, &nth)
}

type tallies struct{}

var _ challenge.Store = forgetful{}

func (f forgetful) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (f forgetful) SpendCaptcha(ctx context.Context, key string, until time.Time) (bool, error) {
	n, err := f.decide(ctx, `SELECT COUNT(*) FROM spent_captchas WHERE key = ?`, key)
	if err != nil || n > 0 {
		return false, err
	}
	return true, f.write(ctx, `INSERT INTO spent_captchas (key, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING`, key, until.UnixMilli())
}

func (f forgetful) TryCode(ctx context.Context, slot string, most int, _ time.Time) (string, error) {
	n, err := f.decide(ctx, `SELECT tries FROM one_time_codes WHERE slot = ?`, slot)
	if err != nil {
		return "", err
	}
	if n >= int64(most) {
		return "", fault.New(fault.NotFound, "no more guesses")
	}
	return "", f.write(ctx, `UPDATE one_time_codes SET tries = ? WHERE slot = ?`, n+1, slot)
}

func (f forgetful) UseCode(ctx context.Context, slot, _ string) (bool, error) {
	n, err := f.decide(ctx, `SELECT COUNT(*) FROM one_time_codes WHERE slot = ?`, slot)
	if err != nil || n == 0 {
		return false, err
	}
	return true, f.write(ctx, `DELETE FROM one_time_codes WHERE slot = ?`, slot)
}

func (f forgetful) Tally(ctx context.Context, key string) ([]time.Time, error) {
	var raw string
	err := f.db.QueryRowxContext(ctx, f.db.Rebind(`SELECT COALESCE(MAX(times), '[]') FROM send_tallies WHERE key = ?`), key).Scan(&raw)
	if err != nil {
		return nil, err
	}
	left := ctx.Value(tallies{}).(*int) //nolint:forcetypeassert // both races carry it
	if *left--; *left == 0 {
		f.meet.Done()
		f.meet.Wait()
	}
	var ms []int64
	if err := json.Unmarshal([]byte(raw), &ms); err != nil {
		return nil, err
	}
	times := make([]time.Time, len(ms))
	for i, m := range ms {
		times[i] = time.UnixMilli(m)
	}
	return times, nil
}

func (f forgetful) PutTally(ctx context.Context, key string, times []time.Time, until time.Time) error {
	ms := make([]int64, len(times))
	for i, t := range times {
		ms[i] = t.UnixMilli()
	}
	raw, err := json.Marshal(ms)
	if err != nil {
		return err
	}
	return f.write(ctx, `
INSERT INTO send_tallies (key, times, expires_at) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET times = excluded.times, expires_at = excluded.expires_at`, key, string(raw), until.UnixMilli())
}

func (f forgetful) CountTry(_ context.Context, _ string, window time.Duration, now time.Time) (int, time.Time, error) {
	return 1, now.Add(window), nil
}

func (f forgetful) PutCode(context.Context, challenge.Code) error { return nil }

func (f forgetful) Record(context.Context, audit.Event) error { return nil }
