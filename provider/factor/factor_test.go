package factor_test

import (
	"encoding/base32"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kejitong/provider/audit"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/storetest"
)

var start = time.Date(2026, 3, 1, 4, 0, 10, 0, time.UTC)

// bench is a service on a real store with a clock that stands still.
type bench struct {
	*factor.Service
	t   *testing.T
	db  *store.DB
	now time.Time
}

func onBoth(t *testing.T, fn func(t *testing.T, b *bench)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := &bench{t: t, db: db, now: start}
		rp, err := factor.RelyingParty("https://sso.example.gov.cn", "平台")
		must(t, err)
		b.Service = &factor.Service{Store: db, Issuer: "平台", Passkeys: rp, Key: []byte("0123456789abcdef0123456789abcdef"), Now: func() time.Time { return b.now }}
		db.Now = b.Now
		fn(t, b)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var wang = factor.Subject{Realm: factor.Operators, ID: "wang"}

func did() audit.Event { return audit.Event{Actor: "wang"} }

// code is the secret's code at the service's time and so many steps from it.
func (b *bench) code(secret string, steps int) string {
	b.t.Helper()
	c, err := totp.GenerateCode(secret, b.now.Add(time.Duration(steps)*30*time.Second))
	must(b.t, err)
	return c
}

// enrolled gives who a TOTP whose first code is used, and the recovery codes.
func (b *bench) enrolled(who factor.Subject) (secret string, codes []string) {
	b.t.Helper()
	ctx := b.t.Context()
	o, err := b.BeginTOTP(ctx, who, "browser", "wang")
	must(b.t, err)
	codes, err = b.ConfirmTOTP(ctx, who, "browser", o.ID, b.code(o.Secret, 0), did())
	must(b.t, err)
	return o.Secret, codes
}

func (b *bench) trail(kind audit.Kind) (n int) {
	b.t.Helper()
	rows, err := b.db.RecentAudit(b.t.Context(), 200)
	must(b.t, err)
	for _, r := range rows {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

// Whatever is not the code of now is refused, in the same words; the window is one
// step to either side, and a step is good once (RFC 6238 §5.2).
func TestCodesThatAreNotAccepted(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.Limits.Guesses = 100
		secret, codes := b.enrolled(wang)
		other, _ := b.enrolled(factor.Subject{Realm: factor.Accounts, ID: b.account()})
		present := b.code(secret, 0)
		b.now = b.now.Add(2 * time.Minute)
		for name, code := range map[string]string{
			"empty": "", "two steps late": b.code(secret, -2), "two steps early": b.code(secret, 2), "the one of the enrolment": present,
			"of another secret": b.code(other, 0), "a digit short": b.code(secret, 0)[:5], "a digit more": b.code(secret, 0) + "0",
			"letters": "abcdef", "a recovery code": codes[0], "very long": strings.Repeat("1", 4096),
		} {
			_, err := b.CheckTOTP(t.Context(), wang, code)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != "code" || f.Msg != factor.MsgWrongCode {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.CheckTOTP(t.Context(), factor.Subject{Realm: factor.Accounts, ID: "wang"}, b.code(secret, 0)); !fault.Is(err, fault.Invalid) {
			t.Errorf("the same id in another realm: %v", err)
		}
		late := b.code(secret, -1)
		for _, good := range []string{late, " " + b.code(secret, 0)[:3] + " " + b.code(secret, 0)[3:], fullWidth(b.code(secret, 1))} {
			if p, err := b.CheckTOTP(t.Context(), wang, good); err != nil || p.AMR != "otp" || p.Kind != factor.TOTP {
				t.Errorf("%q: %+v %v", good, p, err)
			}
			if _, err := b.CheckTOTP(t.Context(), wang, good); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q again: %v", good, err)
			}
		}
		if _, err := b.CheckTOTP(t.Context(), wang, late); !fault.Is(err, fault.Invalid) {
			t.Errorf("a step before one that was used: %v", err)
		}
	})
}

func fullWidth(s string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '０' }, s)
}

// Five guesses, then nothing for a quarter of an hour, not even the right code;
// recovery codes count with them. A success forgets the guesses.
func TestGuessing(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		secret, codes := b.enrolled(wang)
		ctx := t.Context()
		b.now = b.now.Add(time.Minute)
		for range 4 {
			_, err := b.CheckTOTP(ctx, wang, "000000")
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
		}
		if _, err := b.CheckTOTP(ctx, wang, b.code(secret, 0)); err != nil {
			t.Fatalf("the fifth, right: %v", err)
		}
		for i := range 5 {
			if i%2 == 0 {
				_, err := b.CheckRecovery(ctx, wang, "0000-0000-0000-0000", did())
				if !fault.Is(err, fault.Invalid) {
					t.Fatal(err)
				}
			} else if _, err := b.CheckTOTP(ctx, wang, "000000"); !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
		}
		b.now = b.now.Add(time.Minute)
		_, err := b.CheckTOTP(ctx, wang, b.code(secret, 0))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Throttled || f.RetryAfter != 14*time.Minute {
			t.Errorf("the sixth: %v", err)
		}
		if _, err := b.CheckRecovery(ctx, wang, codes[0], did()); !fault.Is(err, fault.Throttled) {
			t.Errorf("a recovery code while locked: %v", err)
		}
		b.now = b.now.Add(14 * time.Minute)
		if _, err := b.CheckTOTP(ctx, wang, b.code(secret, 0)); err != nil {
			t.Errorf("after the lock: %v", err)
		}
	})
}

// 64 wrong guesses at once: exactly five are looked at. 64 times the right code:
// one is accepted.
func TestGuessesAndCodesAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		secret, _ := b.enrolled(wang)
		b.now = b.now.Add(time.Minute)
		at := func(code string) map[fault.Kind]int {
			var mu sync.Mutex
			var wg sync.WaitGroup
			got := map[fault.Kind]int{}
			for range 64 {
				wg.Go(func() {
					_, err := b.CheckTOTP(t.Context(), wang, code)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						got[-1]++
					} else {
						got[fault.KindOf(err)]++
					}
				})
			}
			wg.Wait()
			return got
		}
		if got := at("000000"); got[fault.Invalid] != 5 || got[fault.Throttled] != 59 {
			t.Errorf("wrong guesses: %v", got)
		}
		b.now = b.now.Add(time.Hour)
		b.Limits.Guesses = 64
		if got := at(b.code(secret, 0)); got[-1] != 1 || got[fault.Invalid] != 63 {
			t.Errorf("the right code: %v", got)
		}
	})
}

// Recovery codes: ten, each good once, none left of the former ones after new
// ones, none of somebody else's, gone with the last factor.
func TestRecoveryCodes(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.Limits.Guesses = 100
		_, codes := b.enrolled(wang)
		li := factor.Subject{Realm: factor.Operators, ID: "li"}
		_, others := b.enrolled(li)
		ctx := t.Context()
		if len(codes) != 10 || len(others) != 10 {
			t.Fatalf("%d and %d codes", len(codes), len(others))
		}
		if _, err := b.CheckRecovery(ctx, wang, others[0], did()); !fault.Is(err, fault.Invalid) {
			t.Errorf("somebody else's: %v", err)
		}
		typed := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(codes[0], "-", " "), "0", "o"))
		if p, err := b.CheckRecovery(ctx, wang, typed, did()); err != nil || p.Left != 9 || p.AMR != "otp" {
			t.Errorf("%q: %+v %v", typed, p, err)
		}
		if _, err := b.CheckRecovery(ctx, wang, codes[0], did()); !fault.Is(err, fault.Invalid) {
			t.Errorf("used: %v", err)
		}
		fresh, err := b.Regenerate(ctx, wang, did())
		must(t, err)
		if _, err := b.CheckRecovery(ctx, wang, codes[1], did()); !fault.Is(err, fault.Invalid) {
			t.Errorf("of the former ones: %v", err)
		}
		e, err := b.Enrolled(ctx, wang)
		must(t, err)
		must(t, b.Remove(ctx, wang, e.Factors[0].ID, did()))
		if _, err := b.CheckRecovery(ctx, wang, fresh[0], did()); !fault.Is(err, fault.Invalid) {
			t.Errorf("after the last factor: %v", err)
		}
		for kind, want := range map[audit.Kind]int{audit.FactorAdded: 2, audit.FactorRemoved: 1, audit.RecoveryCodesMade: 3, audit.RecoveryCodeUsed: 1} {
			if got := b.trail(kind); got != want {
				t.Errorf("%s: %d rows, want %d", kind, got, want)
			}
		}
	})
}

// An enrolment belongs to one subject, browser and purpose, ends, and is used
// once; a wrong code leaves it.
func TestEnrolmentsOfOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		o, err := b.BeginTOTP(ctx, wang, "browser", "wang")
		must(t, err)
		if text, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(o.Secret); err != nil || len(text) != 20 || len(o.QR) < 100 {
			t.Errorf("the offer: %v", err)
		}
		for name, c := range map[string]struct {
			who         factor.Subject
			binding, id string
		}{
			"another browser": {wang, "other", o.ID}, "another subject": {factor.Subject{Realm: factor.Operators, ID: "li"}, "browser", o.ID},
			"another realm": {factor.Subject{Realm: factor.Accounts, ID: "wang"}, "browser", o.ID}, "no such id": {wang, "browser", "x"}, "empty": {wang, "browser", ""},
		} {
			if _, err := b.ConfirmTOTP(ctx, c.who, c.binding, c.id, b.code(o.Secret, 0), did()); !fault.Is(err, fault.Gone) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := b.OfferedTOTP(ctx, c.who, c.binding, c.id, "wang"); !fault.Is(err, fault.Gone) {
				t.Errorf("%s, shown: %v", name, err)
			}
		}
		if _, err := b.CheckPasskey(ctx, wang, "browser", o.ID, "{}"); !fault.Is(err, fault.Gone) {
			t.Errorf("for a passkey: %v", err)
		}
		if _, err := b.ConfirmTOTP(ctx, wang, "browser", o.ID, "000000", did()); !fault.Is(err, fault.Invalid) {
			t.Errorf("wrong code: %v", err)
		}
		again, err := b.OfferedTOTP(ctx, wang, "browser", o.ID, "wang")
		if err != nil || again.Secret != o.Secret {
			t.Errorf("shown again: %v", err)
		}
		second, err := b.BeginTOTP(ctx, wang, "browser", "wang")
		must(t, err)
		b.now = b.now.Add(11 * time.Minute)
		if _, err := b.ConfirmTOTP(ctx, wang, "browser", o.ID, b.code(o.Secret, 0), did()); !fault.Is(err, fault.Gone) {
			t.Errorf("after its time: %v", err)
		}
		b.now = b.now.Add(-11 * time.Minute)
		_, err = b.ConfirmTOTP(ctx, wang, "browser", o.ID, b.code(o.Secret, 0), did())
		must(t, err)
		if _, err = b.ConfirmTOTP(ctx, wang, "browser", o.ID, b.code(o.Secret, 0), did()); !fault.Is(err, fault.Gone) {
			t.Errorf("used: %v", err)
		}
		if _, err = b.ConfirmTOTP(ctx, wang, "browser", second.ID, b.code(second.Secret, 0), did()); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second TOTP: %v", err)
		}
		if _, err := b.BeginTOTP(ctx, wang, "browser", "wang"); !fault.Is(err, fault.Conflict) {
			t.Errorf("another beside it: %v", err)
		}
	})
}

// What is kept opens nothing for who reads the database: no secret, no code.
func TestWhatIsKept(t *testing.T) {
	o := storetest.SQLite(t)
	db, _ := storetest.Ready(t, o)
	b := &bench{t: t, db: db, now: start}
	b.Service = &factor.Service{Store: db, Issuer: "平台", Key: make([]byte, 32), Now: func() time.Time { return b.now }}
	secret, codes := b.enrolled(wang)
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	must(t, err)
	for _, plain := range []string{secret, string(raw), codes[0], strings.ReplaceAll(codes[0], "-", "")} {
		if n := storetest.Count(t, o, `SELECT COUNT(*) FROM factors f, recovery_codes c WHERE f.secret LIKE '%' || ? || '%' OR c.digest LIKE '%' || ? || '%'`, plain, plain); n != 0 {
			t.Errorf("%d rows hold %q", n, plain)
		}
	}
}

// Others' factors cannot be renamed or removed by their ids (S79).
func TestFactorsOfOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		b.enrolled(wang)
		e, err := b.Enrolled(ctx, wang)
		must(t, err)
		li := factor.Subject{Realm: factor.Operators, ID: "li"}
		id := e.Factors[0].ID
		if err := b.Remove(ctx, li, id, did()); !fault.Is(err, fault.NotFound) {
			t.Errorf("remove: %v", err)
		}
		if err := b.Rename(ctx, li, id, "x", did()); !fault.Is(err, fault.NotFound) {
			t.Errorf("rename: %v", err)
		}
		for _, name := range []string{strings.Repeat("长", 33), "a\u202eb", "a\nb", "\xff"} {
			if err := b.Rename(ctx, wang, id, name, did()); !fault.Is(err, fault.Invalid) {
				t.Errorf("name %q: %v", name, err)
			}
		}
		must(t, b.Rename(ctx, wang, id, " 办公室手机 ", did()))
		if e, err = b.Enrolled(ctx, wang); err != nil || e.Factors[0].Name != "办公室手机" {
			t.Errorf("%+v %v", e, err)
		}
	})
}
