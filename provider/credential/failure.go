package credential

import (
	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Reason is why a password was not accepted; for the audit trail, never for
// the answer.
type Reason string

// The reasons.
const (
	Unknown          Reason = "unknown"           // no such login name
	Mismatch         Reason = "mismatch"          // another password
	Frozen           Reason = "frozen"            // the account is frozen
	Closed           Reason = "closed"            // the account is closed
	NoPassword       Reason = "no_password"       // the account has none
	BadHash          Reason = "bad_hash"          // what is stored is no hash that we honour
	PairLocked       Reason = "pair_locked"       // too many guesses from this address
	Changed          Reason = "changed"           // the right password, but the account changed before the session began
	AccountExhausted Reason = "account_exhausted" // too many guesses in a row from anywhere
	CaptchaOwed      Reason = "captcha_owed"      // for the audit trail of guesses that were not judged
)

// Failure is every outcome that must look like a wrong password. Its text and
// its fault (fault.Unproven, MsgMismatch) are the same for all reasons.
type Failure struct {
	Reason    Reason
	AccountID account.ID // empty unless the login name is known and the guess was allowed
	Standing  Standing
	Cause     error // for the log: what is wrong with a stored hash
}

// Throttled tells whether the guess was refused unverified.
func (f *Failure) Throttled() bool { return f.Reason == PairLocked || f.Reason == AccountExhausted }

// Error gives the one text of all failures.
func (f *Failure) Error() string { return MsgMismatch }

// Unwrap gives the one fault of all failures.
func (f *Failure) Unwrap() error { return &fault.Error{Kind: fault.Unproven, Msg: MsgMismatch} }

// Unasked is a guess that was neither judged nor counted, since the captcha that
// it needs was not solved (S53). Cause is what was wrong with that.
type Unasked struct{ Cause error }

// Error gives the cause's text.
func (u *Unasked) Error() string { return u.Cause.Error() }

// Unwrap gives the cause, a fault of the field "captcha".
func (u *Unasked) Unwrap() error { return u.Cause }

// WrongWindow is the right password in the other kind's window. It is neither
// a session nor a counted failure; the caller may keep Proof in a single-use,
// browser-bound form and offer the other window.
type WrongWindow struct {
	Kind      account.Kind // the account's own
	AccountID account.ID
	Proof     Proof
}

// Error gives the message key.
func (w *WrongWindow) Error() string { return MsgWrongWindow }

// Unwrap gives fault.Refused.
func (w *WrongWindow) Unwrap() error { return &fault.Error{Kind: fault.Refused, Msg: MsgWrongWindow} }
