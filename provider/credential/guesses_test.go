package credential_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
)

// Settlement 30: at a hundred failures in a row from anywhere the password alone
// no longer suffices, known name or not; a reset gives the guesses back, and the
// owner's own browser never lost them.
func TestHundredGuessesFromEverywhere(t *testing.T) {
	for _, name := range []string{"18711111111", "nobody"} {
		d := newDesk(t)
		guess := func(ip, password, device string) error {
			_, err := d.Judge(t.Context(), credential.Guess{Username: name, Password: password, Kind: account.NaturalPerson, IP: ip, Device: device})
			return err
		}
		for i := range 60 {
			for range 2 {
				_ = guess(fmt.Sprintf("192.0.2.%d", i), "wrong", "")
			}
		}
		if n := d.Hasher.Computations(); n != 99 {
			t.Errorf("%s: %d guesses verified, want 99", name, n)
		}
		var f *credential.Failure
		if err := guess("198.51.100.1", right, ""); !errors.As(err, &f) || f.Reason != credential.AccountExhausted {
			t.Errorf("%s: the password from a fresh address: %v", name, err)
		}
		d.now = d.now.Add(24 * time.Hour)
		if err := guess("198.51.100.1", right, ""); !errors.As(err, &f) || f.Reason != credential.AccountExhausted {
			t.Errorf("%s: a day later: %v", name, err)
		}
		if name == "nobody" {
			continue
		}
		if err := guess("192.0.2.1", right, d.Remember(name)); err != nil {
			t.Errorf("the owner's own browser: %v", err)
		}
		if err := guess("198.51.100.2", right, ""); err != nil {
			t.Errorf("after the owner's success: %v", err)
		}
	}
}

// S52: a known browser has guesses of its own, no more of them than others, and
// for one name.
func TestAKnownBrowserIsNoWayRoundTheLimits(t *testing.T) {
	d := newDesk(t)
	device := d.Remember("18711111111")
	try := func(name, password, device string) credential.Reason {
		t.Helper()
		_, err := d.Judge(t.Context(), credential.Guess{Username: name, Password: password, IP: "192.0.2.1", Device: device})
		var f *credential.Failure
		if err != nil && !errors.As(err, &f) {
			t.Fatal(err)
		}
		if f == nil {
			return ""
		}
		return f.Reason
	}
	for range 5 {
		if r := try("18711111111", "wrong", ""); r != credential.Mismatch {
			t.Fatal(r)
		}
	}
	if r := try("18711111111", right, ""); r != credential.PairLocked {
		t.Errorf("somebody else at the address: %q", r)
	}
	for range 5 {
		if r := try("18711111111", "wrong", device); r != credential.Mismatch {
			t.Errorf("the owner's browser: %q", r)
		}
	}
	if r := try("18711111111", right, device); r != credential.PairLocked {
		t.Errorf("six guesses of one browser: %q", r)
	}
	for what, forged := range map[string]string{
		"another name's": d.Remember("oldcost"), "no token": "x", "a changed one": "A" + device[1:], "a longer one": device + "A",
	} {
		if r := try("18711111111", right, forged); r != credential.PairLocked {
			t.Errorf("%s: %q", what, r)
		}
	}
	d.now = d.now.Add(credential.DeviceLife)
	for range 5 {
		try("18711111111", "wrong", "")
	}
	if r := try("18711111111", right, device); r != credential.PairLocked {
		t.Errorf("a token of half a year ago: %q", r)
	}
}

var errCaptcha = &fault.Error{Kind: fault.Invalid, Field: "captcha", Msg: "challenge.captcha"}

// Settlement 30, S53: a captcha is owed from the third failure of a pair and from
// the tenth of an account, for unknown names alike; a guess without one is
// neither judged nor counted.
func TestCaptchaIsOwed(t *testing.T) {
	for _, name := range []string{"18711111111", "nobody", "frozen"} {
		d := newDesk(t)
		solved, asked := false, 0
		guess := func(ip, password string) error {
			_, err := d.Judge(t.Context(), credential.Guess{
				Username: name, Password: password, IP: ip,
				Captcha: func(context.Context) error {
					asked++
					if solved {
						return nil
					}
					return errCaptcha
				},
			})
			return err
		}
		var f *credential.Failure
		var u *credential.Unasked
		for i := range 3 {
			if err := guess("192.0.2.1", "wrong"); !errors.As(err, &f) || f.Standing.OwesNext(d.Limits) != (i == 2) {
				t.Errorf("%s: failure %d: %v", name, i+1, err)
			}
		}
		if asked != 0 {
			t.Errorf("%s: asked before the third failure", name)
		}
		work := d.Hasher.Computations()
		for range 50 {
			if err := guess("192.0.2.1", right); !errors.As(err, &u) || !fault.Is(err, fault.Invalid) {
				t.Fatalf("%s: without the captcha: %v", name, err)
			}
		}
		if n := d.Hasher.Computations() - work; n != 0 || asked != 50 {
			t.Errorf("%s: %d hashes, asked %d times", name, n, asked)
		}
		solved = true
		for i := range 2 {
			if err := guess("192.0.2.1", "wrong"); !errors.As(err, &f) || f.Throttled() {
				t.Errorf("%s: failure %d: %v", name, i+4, err)
			}
		}
		if err := guess("192.0.2.1", right); !errors.As(err, &f) || f.Reason != credential.PairLocked {
			t.Errorf("%s: the sixth: %v", name, err)
		}
		for i := range 5 { // five more elsewhere make ten
			_ = guess(fmt.Sprintf("192.0.2.%d", 10+i), "wrong")
		}
		solved = false
		if err := guess("198.51.100.1", right); !errors.As(err, &u) {
			t.Errorf("%s: the eleventh, from elsewhere: %v", name, err)
		}
	}
}

// sums is credential.WatchStore in memory, for one process.
type sums struct {
	minutes map[time.Time]map[string]credential.Counts
}

func (s *sums) AddSignIns(_ context.Context, minute time.Time, counts map[string]credential.Counts) error {
	if s.minutes[minute] == nil {
		s.minutes[minute] = map[string]credential.Counts{}
	}
	for n, c := range counts {
		old := s.minutes[minute][n]
		s.minutes[minute][n] = credential.Counts{Succeeded: old.Succeeded + c.Succeeded, Failed: old.Failed + c.Failed}
	}
	return nil
}

func (s *sums) SumSignIns(_ context.Context, since time.Time, failures int64) (all credential.Counts, networks map[string]credential.Counts, err error) {
	sum := map[string]credential.Counts{}
	for minute, counts := range s.minutes {
		if minute.Before(since) {
			continue
		}
		for n, c := range counts {
			all.Succeeded, all.Failed = all.Succeeded+c.Succeeded, all.Failed+c.Failed
			sum[n] = credential.Counts{Succeeded: sum[n].Succeeded + c.Succeeded, Failed: sum[n].Failed + c.Failed}
		}
	}
	for n, c := range sum {
		if c.Failed < failures {
			delete(sum, n)
		}
	}
	return all, sum, nil
}

// S52: one password on many accounts, from one network or from hundreds.
func TestSpraying(t *testing.T) {
	for _, row := range []struct {
		name         string
		ip           func(i int) string
		failed, good int
		there, here  bool // a captcha is asked in that network, and elsewhere
	}{
		{"one network", func(i int) string { return fmt.Sprintf("192.0.2.%d", i%256) }, 50, 0, true, false},
		{"one network, nearly", func(i int) string { return fmt.Sprintf("192.0.2.%d", i%256) }, 49, 0, false, false},
		{"an office where most get in", func(int) string { return "192.0.2.1" }, 60, 61, false, false},
		{"five hundred networks", func(i int) string { return fmt.Sprintf("10.%d.%d.1", i/256, i%256) }, 500, 400, true, true},
		{"a busy day", func(i int) string { return fmt.Sprintf("10.%d.%d.1", i/256, i%256) }, 600, 601, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk(t)
			d.Watch = &credential.Watch{Store: &sums{minutes: map[time.Time]map[string]credential.Counts{}}, Now: func() time.Time { return d.now }, Log: quiet()}
			for i := range max(row.failed, row.good) {
				if i < row.failed {
					d.Watch.Note(row.ip(i), true)
				}
				if i < row.good {
					d.Watch.Note(row.ip(i), false)
				}
			}
			if err := d.Watch.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if there, here := d.Watch.Wary(row.ip(0)), d.Watch.Wary("203.0.113.1"); there != row.there || here != row.here {
				t.Errorf("there %v, elsewhere %v", there, here)
			}
			guess := credential.Guess{Username: "18711111111", Password: right, IP: row.ip(0), Captcha: func(context.Context) error { return errCaptcha }}
			var u *credential.Unasked
			if _, err := d.Judge(t.Context(), guess); errors.As(err, &u) != row.there {
				t.Errorf("the right password: %v", err)
			}
			guess.Device = d.Remember("18711111111")
			if _, err := d.Judge(t.Context(), guess); err != nil {
				t.Errorf("the owner's own browser: %v", err)
			}
			d.now = d.now.Add(12 * time.Minute)
			if err := d.Watch.Refresh(t.Context()); err != nil || d.Watch.Wary(row.ip(0)) {
				t.Errorf("twelve minutes later: %v", err)
			}
		})
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
