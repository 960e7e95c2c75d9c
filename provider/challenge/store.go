package challenge

import (
	"context"
	"time"

	"kejitong/provider/audit"
)

// Store keeps what was asked and answered. What may happen once is a
// compare-and-swap.
type Store interface {
	// InTx runs fn in a transaction, or in the one that ctx carries.
	InTx(ctx context.Context, fn func(context.Context) error) error

	// SpendCaptcha notes that a captcha was answered; false if it was before. Of
	// many answers at once one is the first. It commits by itself and refuses to
	// run within a transaction, so that no rollback makes a captcha good again.
	SpendCaptcha(ctx context.Context, key string, until time.Time) (bool, error)

	// Tally gives the times of a tally and keeps others from reading it until the
	// transaction of ctx ends. None is an empty one.
	Tally(ctx context.Context, key string) ([]time.Time, error)
	// PutTally replaces the times of a tally that Tally gave; it may be forgotten
	// at until.
	PutTally(ctx context.Context, key string, times []time.Time, until time.Time) error
	// CountTry counts one more within the window that key's first try began and
	// gives the count and the window's end.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (n int, end time.Time, err error)

	// PutCode replaces the code of c's slot, whatever became of the one before.
	PutCode(ctx context.Context, c Code) error
	// TryCode counts a guess at the code of slot and gives its digest;
	// fault.NotFound if there is none, it is over at now or has had most guesses
	// already. It commits by itself and refuses to run within a transaction, so
	// that no rollback gives a guess back.
	TryCode(ctx context.Context, slot string, most int, now time.Time) (digest string, err error)
	// UseCode takes the code away; false if it is gone or another one by now.
	UseCode(ctx context.Context, slot, digest string) (bool, error)

	// Record writes an event.
	Record(ctx context.Context, ev audit.Event) error
}

// Code is a one-time code as it is stored: nobody learns from it what was sent
// to whom.
type Code struct {
	Slot      string // keyed digest of purpose, flow and recipient
	Digest    string // keyed digest of slot and code
	ExpiresAt time.Time
}
