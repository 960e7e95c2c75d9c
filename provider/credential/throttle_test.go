package credential_test

import (
	"testing"
	"time"

	"kejitong/provider/credential"
)

func TestCount(t *testing.T) {
	limits := credential.Limits{PairLimit: 5, LockFor: 15 * time.Minute, AccountLimit: 100}
	t0 := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	tally := func(n int, ago time.Duration) credential.Tally {
		return credential.Tally{Failures: n, LastAt: t0.Add(-ago)}
	}
	for _, c := range []struct {
		name                string
		pair, acct          credential.Tally
		wantPair, wantAcct  credential.Tally
		allowed             bool
		lockedFor           time.Duration
		pairCount, acctCout int
	}{
		{"sixth guess", tally(5, time.Minute), tally(5, time.Minute), tally(5, time.Minute), tally(5, time.Minute), false, 14 * time.Minute, 6, 5},
		{"a second before the lock ends", tally(5, 15*time.Minute-time.Second), tally(5, 0), tally(5, 15*time.Minute-time.Second), tally(5, 0), false, time.Second, 6, 5},
		{"a second guess at what is exhausted", tally(1, time.Minute), tally(100, time.Minute), tally(1, time.Minute), tally(100, time.Minute), false, 14 * time.Minute, 1, 101},
		{"the pair had guesses before the account was exhausted", tally(3, time.Minute), tally(100, 0), tally(3, time.Minute), tally(100, 0), false, 14 * time.Minute, 3, 101},
		{"exhausted, a second before the pair's next guess", tally(1, 15*time.Minute-time.Second), tally(100, 0), tally(1, 15*time.Minute-time.Second), tally(100, 0), false, time.Second, 1, 101},
		{"exhausted stays so for a year", tally(1, time.Minute), tally(100, 365*24*time.Hour), tally(1, time.Minute), tally(100, 365*24*time.Hour), false, 14 * time.Minute, 1, 101},
		{"more than the limit stored", tally(9, time.Minute), tally(9, 0), tally(9, time.Minute), tally(9, 0), false, 14 * time.Minute, 6, 9},
		{"first", credential.Tally{}, credential.Tally{}, tally(1, 0), tally(1, 0), true, 0, 1, 1},
		{"fifth locks what comes after", tally(4, time.Second), tally(4, time.Second), tally(5, 0), tally(5, 0), true, 15 * time.Minute, 5, 5},
		{"the lock is over, the account remembers", tally(5, 15*time.Minute), tally(5, 15*time.Minute), tally(1, 0), tally(6, 0), true, 0, 1, 6},
		{"hundredth locks its pair", credential.Tally{}, tally(99, time.Hour), tally(1, 0), tally(100, 0), true, 15 * time.Minute, 1, 100},
		{"exhausted, from a fresh address", credential.Tally{}, tally(100, time.Hour), tally(1, 0), tally(100, 0), true, 15 * time.Minute, 1, 100},
		{"exhausted, after the lock", tally(1, 15*time.Minute), tally(100, 15*time.Minute), tally(1, 0), tally(100, 0), true, 15 * time.Minute, 1, 100},
		{"exhausted under a higher limit", credential.Tally{}, tally(500, time.Hour), tally(1, 0), tally(100, 0), true, 15 * time.Minute, 1, 100},
		{"nine are remembered for a day less a second", credential.Tally{}, tally(9, 24*time.Hour-time.Second), tally(1, 0), tally(10, 0), true, 0, 1, 10},
		{"nine are forgotten after a day", credential.Tally{}, tally(9, 24*time.Hour), tally(1, 0), tally(1, 0), true, 0, 1, 1},
		{"ten are remembered for longer", credential.Tally{}, tally(10, 399*24*time.Hour), tally(1, 0), tally(11, 0), true, 0, 1, 11},
		{"a hundred are forgotten at last", credential.Tally{}, tally(100, 400*24*time.Hour), tally(1, 0), tally(1, 0), true, 0, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair, acct, s := credential.Count(c.pair, c.acct, limits, t0)
			if pair != c.wantPair || acct != c.wantAcct {
				t.Errorf("stored %v, %v; want %v, %v", pair, acct, c.wantPair, c.wantAcct)
			}
			var until time.Time
			if c.lockedFor > 0 {
				until = t0.Add(c.lockedFor)
			}
			if s.Allowed(limits) != c.allowed || !s.LockedUntil.Equal(until) || s.PairFailures != c.pairCount || s.AccountFailures != c.acctCout {
				t.Errorf("standing %+v, allowed %v", s, s.Allowed(limits))
			}
		})
	}
}

func TestOneAddressCannotUseUpAnAccount(t *testing.T) {
	var pair, acct credential.Tally
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	for range 1000 {
		pair, acct, _ = credential.Count(pair, acct, credential.Limits{}, at)
		at = at.Add(time.Second / 2)
	}
	if acct.Failures != 5 {
		t.Errorf("a thousand guesses within 500 s count %d on the account, want 5", acct.Failures)
	}
}

// Whoever uses up an account's guesses from many addresses shuts nobody out: the
// owner has a guess from an address of his own, and each guesser one per lock.
func TestNobodyIsLockedOutForGood(t *testing.T) {
	var acct credential.Tally
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	pairs := make([]credential.Tally, 50)
	allowed, minutes := 0, 24*60
	for minute := range minutes {
		for i := range pairs {
			var s credential.Standing
			if pairs[i], acct, s = credential.Count(pairs[i], acct, credential.Limits{}, at); s.Allowed(credential.Limits{}) && minute > 60 {
				allowed++
			}
		}
		at = at.Add(time.Minute)
	}
	if acct.Failures != 100 {
		t.Fatalf("%d failures: the account is not used up", acct.Failures)
	}
	if want := len(pairs) * (minutes - 60) / 15; allowed > want {
		t.Errorf("%d guesses in a day, want %d at most", allowed, want)
	}
	if _, _, s := credential.Count(credential.Tally{}, acct, credential.Limits{}, at); !s.Allowed(credential.Limits{}) {
		t.Error("the owner has no guess")
	}
}

func TestKeys(t *testing.T) {
	s := &credential.Service{Key: make([]byte, 32)}
	base := s.Keys("18711111111", "192.0.2.1")
	for _, c := range []struct {
		name, login, ip           string
		samePair, sameAccountName bool
	}{
		{"another name", "18711111112", "192.0.2.1", false, false},
		{"another address", "18711111111", "192.0.2.2", false, true},
		{"no address", "18711111111", "", false, true},
		{"full width", "１８７１１１１１１１１", "192.0.2.1", true, true},
		{"+86 and blanks", "+86 187 1111 1111", "192.0.2.1", true, true},
		{"mapped address", "18711111111", "::ffff:192.0.2.1", true, true},
	} {
		got := s.Keys(c.login, c.ip)
		if (got.Pair == base.Pair) != c.samePair || (got.Account == base.Account) != c.sameAccountName {
			t.Errorf("%s: pair same %v, account same %v", c.name, got.Pair == base.Pair, got.Account == base.Account)
		}
		if got.Pair == got.Account || len(got.Pair) != 43 || len(got.Account) != 43 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	v6 := s.Keys("zhangsan", "2001:db8:1:2:3::4").Pair
	if s.Keys("zhangsan", "2001:db8:1:2:ffff::1").Pair != v6 {
		t.Error("one /64 has two counters")
	}
	if s.Keys("zhangsan", "2001:db8:1:3::4").Pair == v6 {
		t.Error("two /64 share a counter")
	}
	if s.Keys("a\u200bb", "").Account == s.Keys("a\u200bc", "").Account {
		t.Error("names without a canonical form share a counter")
	}
	other := &credential.Service{Key: append(make([]byte, 31), 1)}
	if other.Keys("18711111111", "192.0.2.1").Pair == base.Pair {
		t.Error("the key does not matter")
	}
}
