package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"time"
)

// Limits bound how often passwords may be guessed. Zero fields take the
// defaults, so that the zero value is the rule of the house.
type Limits struct {
	PairLimit    int           // verified guesses per login name and address before the pair is locked; default 5
	LockFor      time.Duration // how long it is locked, and after which rest its count starts anew; default 15 minutes
	AccountLimit int           // guesses without a success from anywhere at which the password alone no longer suffices; default 100
	CaptchaAfter int           // failures of a pair after which a guess needs a captcha; default 3
	CaptchaFrom  int           // failures of an account from anywhere after which one from anywhere does; default 10
	FailureFloor time.Duration // failures are answered no sooner than this after the start; default 400 ms, negative for none
}

// OrDefault fills the zero fields.
func (l Limits) OrDefault() Limits {
	if l.PairLimit == 0 {
		l.PairLimit = 5
	}
	if l.LockFor == 0 {
		l.LockFor = 15 * time.Minute
	}
	if l.AccountLimit == 0 {
		l.AccountLimit = 100
	}
	if l.CaptchaAfter == 0 {
		l.CaptchaAfter = 3
	}
	if l.CaptchaFrom == 0 {
		l.CaptchaFrom = 10
	}
	if l.FailureFloor == 0 {
		l.FailureFloor = 400 * time.Millisecond
	}
	return l
}

// Keys name the two counters of a guess: HMAC-SHA-256 values, 43 characters of
// base64url, so that a stolen table of counters names nobody.
type Keys struct {
	Pair    string // canonical login name and client address
	Account string // canonical login name alone
}

// keysOf makes the counters' names. Names that no account has are counted like
// the others. The address counts exactly for IPv4 and by its /64 for IPv6,
// which one subscriber has to himself; what is no address shares one counter.
func keysOf(key []byte, loginKey, ip string) Keys {
	mac := func(purpose, text string) string {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(purpose + "\x00" + text)) // canonical names hold no NUL
		return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	return Keys{
		Pair:    mac("guess by pair", loginKey+"\x00"+Network(ip)),
		Account: mac("guess by account", loginKey),
	}
}

// Network is what an address counts as: itself, or for IPv6 its /64. What is no
// address is one network, too.
func Network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

// Standing is how a guess stands after it was counted.
type Standing struct {
	PairFailures    int       // guesses of the pair in a row, this one included; above PairLimit if this one is refused
	AccountFailures int       // guesses of the account in a row, no more than AccountLimit; above it if this one is refused for their number
	LockedUntil     time.Time // end of the pair's lock; zero if it is not locked and this guess does not lock it
}

// Allowed tells whether the guess may be verified. The guess that reaches a
// limit still may; it locks what comes after.
func (s Standing) Allowed(l Limits) bool {
	l = l.OrDefault()
	return s.PairFailures <= l.PairLimit && s.AccountFailures <= l.AccountLimit
}

// Owes tells whether the guess, which is counted already, needs a captcha
// (settlement 30).
func (s Standing) Owes(l Limits) bool {
	l = l.OrDefault()
	return s.PairFailures > l.CaptchaAfter || s.AccountFailures > l.CaptchaFrom
}

// OwesNext tells whether the next guess needs one, if this one was a failure.
func (s Standing) OwesNext(l Limits) bool {
	l = l.OrDefault()
	return s.PairFailures >= l.CaptchaAfter || s.AccountFailures >= l.CaptchaFrom
}

// Exhausted tells whether the account had so many failures that a password alone
// proves nothing any more: another proof, or a reset, is the way in.
func (s Standing) Exhausted(l Limits) bool { return s.AccountFailures >= l.OrDefault().AccountLimit }

// Tally is one counter as it is stored; the zero Tally is a counter that does
// not exist.
type Tally struct {
	Failures int
	LastAt   time.Time // the last counted guess
}

// How long an account's tally is kept after its last guess. A few failures are
// forgotten by the next day, whoever made them and of whatever name.
const (
	fewGuesses  = 10
	RememberFew = 24 * time.Hour
	Remember    = 400 * 24 * time.Hour
)

// Many is the number of an account's failures from which on they are kept for
// Remember, below it for RememberFew.
func (l Limits) Many() int { return min(fewGuesses, l.OrDefault().AccountLimit) }

// Kept is how long a tally of the account is kept after its last guess.
func (l Limits) Kept(failures int) time.Duration {
	if failures < l.Many() {
		return RememberFew
	}
	return Remember
}

// Count is the rule of Store.Reserve: given both counters as they are, it
// gives both as they shall be stored and the standing to return. A refused
// guess changes neither counter: a lock is not prolonged by knocking, and one
// address alone cannot use up an account's guesses.
//
// Whoever keeps the counters decides what becomes of an account whose guesses are
// used up: Count still leaves each address one guess per LockFor. Service, which
// has other ways in, takes none of them; see Standing.Exhausted.
func Count(pair, acct Tally, l Limits, now time.Time) (Tally, Tally, Standing) {
	l = l.OrDefault()
	if !now.Before(pair.LastAt.Add(l.LockFor)) {
		pair = Tally{}
	}
	if !now.Before(acct.LastAt.Add(l.Kept(acct.Failures))) {
		acct = Tally{}
	}
	switch {
	case pair.Failures >= l.PairLimit:
		return pair, acct, Standing{l.PairLimit + 1, min(acct.Failures, l.AccountLimit), pair.LastAt.Add(l.LockFor)}
	case pair.Failures >= l.Allowance(acct.Failures):
		return pair, acct, Standing{pair.Failures, l.AccountLimit + 1, pair.LastAt.Add(l.LockFor)}
	}
	pair = Tally{pair.Failures + 1, now}
	acct = Tally{min(acct.Failures+1, l.AccountLimit), now}
	s := Standing{PairFailures: pair.Failures, AccountFailures: acct.Failures}
	if pair.Failures >= l.Allowance(acct.Failures) {
		s.LockedUntil = now.Add(l.LockFor)
	}
	return pair, acct, s
}

// Allowance is how many guesses a pair has before it is locked, if the account
// has had that many failures.
func (l Limits) Allowance(failures int) int {
	l = l.OrDefault()
	if failures >= l.AccountLimit {
		return 1
	}
	return l.PairLimit
}
