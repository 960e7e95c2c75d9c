package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/factor"
	"kejitong/store"
)

// factorRacing is what of a second factor may happen once.
type factorRacing interface {
	AdvanceFactor(ctx context.Context, r factor.Record, counter int64, secret []byte, now time.Time) (bool, error)
	UseRecoveryCode(ctx context.Context, s factor.Subject, digest string, now time.Time, ev audit.Event) (bool, error)
	TakeCeremony(ctx context.Context, key string) (bool, error)
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error)
}

// RunFactors runs the races of second factors, as Run does the others.
func RunFactors(t *testing.T, options func(testing.TB) store.Options) {
	o := options(t)
	o.MaxOpen = connections
	db, _ := Ready(t, o)
	now := time.Now().UTC().Truncate(time.Millisecond)
	ev := audit.Event{Kind: audit.FactorAdded, Actor: "race"}
	who := factor.Subject{Realm: factor.Operators, ID: "race"}
	const guesses = 5
	for _, r := range []struct {
		name    string
		rounds  int
		winners int
		prepare func(t *testing.T, s factorRacing) func(i int) (bool, error)
	}{
		{"one step of a TOTP secret shown by many", 20, 1, func(t *testing.T, s factorRacing) func(int) (bool, error) {
			r := factor.Record{Factor: factor.Factor{ID: unique(t), Kind: factor.TOTP, CreatedAt: now}, Subject: factor.Subject{Realm: factor.Operators, ID: unique(t)},
				Secret: []byte("secret"), Counter: 1000}
			if err := db.AddFactor(t.Context(), r, ev); err != nil {
				t.Fatal(err)
			}
			return func(int) (bool, error) { return s.AdvanceFactor(t.Context(), r, 1001, nil, now) }
		}},
		{"one recovery code used by many", 20, 1, func(t *testing.T, s factorRacing) func(int) (bool, error) {
			code := unique(t)
			if err := db.PutRecoveryCodes(t.Context(), who, []string{code}, ev); err != nil {
				t.Fatal(err)
			}
			return func(int) (bool, error) { return s.UseRecoveryCode(t.Context(), who, code, now, ev) }
		}},
		{"one challenge answered by many", 20, 1, func(t *testing.T, s factorRacing) func(int) (bool, error) {
			key := unique(t)
			if err := db.OpenCeremony(t.Context(), factor.Ceremony{Key: key, Subject: who, ExpiresAt: now.Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
			return func(int) (bool, error) { return s.TakeCeremony(t.Context(), key) }
		}},
		{"many guesses at one subject's codes", 20, guesses, func(t *testing.T, s factorRacing) func(int) (bool, error) {
			key := unique(t)
			return func(int) (bool, error) {
				n, _, err := s.CountTry(t.Context(), key, time.Hour, now)
				return n <= guesses, err
			}
		}},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := race(t, r.prepare(t, unguarded(t, o))); got == r.winners {
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

func (h hasty) AdvanceFactor(ctx context.Context, r factor.Record, counter int64, _ []byte, _ time.Time) (bool, error) {
	have, err := h.decide(ctx, `SELECT counter FROM factors WHERE id = ?`, r.ID)
	if err != nil || have >= counter {
		return false, err
	}
	return true, h.write(ctx, `UPDATE factors SET counter = ? WHERE id = ?`, counter, r.ID)
}

func (h hasty) UseRecoveryCode(ctx context.Context, _ factor.Subject, digest string, now time.Time, _ audit.Event) (bool, error) {
	used, err := h.decide(ctx, `SELECT used_at FROM recovery_codes WHERE digest = ?`, digest)
	if err != nil || used > 0 {
		return false, err
	}
	return true, h.write(ctx, `UPDATE recovery_codes SET used_at = ? WHERE digest = ?`, now.UnixMilli(), digest)
}

func (h hasty) TakeCeremony(ctx context.Context, key string) (bool, error) {
	n, err := h.decide(ctx, `SELECT COUNT(*) FROM ceremonies WHERE key = ?`, key)
	if err == nil && n != 1 {
		err = errors.New(fmt.Sprint(n, " ceremonies"))
	}
	if err != nil {
		return false, err
	}
	return true, h.write(ctx, `DELETE FROM ceremonies WHERE key = ?`, key)
}
