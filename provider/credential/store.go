package credential

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// Store keeps passwords and the counters of guesses.
type Store interface {
	// Reserve counts one guess on both counters by the rule of Count and
	// returns the standing. It is atomic over all replicas and commits by
	// itself, in a transaction of its own even if ctx carries one, so that a
	// caller's rollback does not give the guess back.
	Reserve(ctx context.Context, keys Keys, limits Limits, now time.Time) (Standing, error)

	// Refund clears the counters after a success. An empty key leaves that
	// counter alone: recovery, which knows no address, clears the account's.
	Refund(ctx context.Context, keys Keys, now time.Time) error

	// Return gives one reserved guess back, which was not held against a password
	// after all. Like Reserve it stands by itself.
	Return(ctx context.Context, keys Keys, now time.Time) error

	// FindLogin gives the login of a canonical login name; fault.NotFound when
	// there is none.
	FindLogin(ctx context.Context, loginKey string) (Login, error)

	// Rehash replaces the password hash if the account still has version, and
	// does nothing otherwise: a password changed meanwhile must not come back.
	// It is no change of the password for the owner (PasswordChangedAt stays).
	Rehash(ctx context.Context, id account.ID, version int64, phc string) error

	// ChangePassword replaces the password by one that the owner chose, if the
	// account is active and still has version, and records ev; the account then
	// has version+1. fault.Unproven otherwise.
	ChangePassword(ctx context.Context, id account.ID, version int64, phc string, ev audit.Event) error
}

// Login is what an account signs in with.
type Login struct {
	AccountID  account.ID
	Kind       account.Kind
	State      account.State
	Password   string // PHC string; empty if the account has no password
	MustChange bool   // the password was set by somebody else
	Factor     bool   // a second factor is enrolled, and owed
	Version    int64  // of the account, for Rehash and for Proof
}
