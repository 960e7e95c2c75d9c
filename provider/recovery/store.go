package recovery

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// Store keeps flows, appeals and holds, and knows the accounts.
type Store interface {
	// InTx makes what fn does with its ctx stand or fall together.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// Record writes an event.
	Record(ctx context.Context, ev audit.Event) error

	// PutFlow inserts a flow.
	PutFlow(ctx context.Context, f Flow) error
	// Flow gives the flow with that key; fault.NotFound if there is none.
	Flow(ctx context.Context, key string) (Flow, error)
	// SaveFlow replaces the flow if it still has f.Version, which then grows by
	// one; fault.Conflict otherwise.
	SaveFlow(ctx context.Context, f Flow) error

	// SubjectByLogin and Subject give an account with its unit and its last
	// sign-in, whatever its state; fault.NotFound if there is none.
	SubjectByLogin(ctx context.Context, loginKey string) (Subject, error)
	Subject(ctx context.Context, id account.ID) (Subject, error)
	// SubjectByUSCC gives the legal account of the unit with that code;
	// fault.NotFound if there is no such unit or it has no account.
	SubjectByUSCC(ctx context.Context, uscc account.USCC) (Subject, error)
	// ProvedBy gives the account that a document is verified on; fault.NotFound
	// if there is none.
	ProvedBy(ctx context.Context, idType, number string) (account.ID, error)
	// Administrators gives the accounts that administer the unit at now, the
	// unit's own account excepted.
	Administrators(ctx context.Context, unitID string, now time.Time) ([]account.Account, error)
	// PutAccount replaces an account that still has a.Version, with its password,
	// and records ev; fault.Conflict if it changed meanwhile.
	PutAccount(ctx context.Context, a account.Account, phc string, ev audit.Event) error

	// YieldUnitName takes a unit's name from the units of unverified legal accounts
	// that bear it, the one with that code excepted, and records ev for each. It
	// gives their accounts.
	YieldUnitName(ctx context.Context, name string, but account.USCC, ev audit.Event) ([]account.ID, error)

	// CountTry counts under key in windows of that length.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (n int, end time.Time, err error)

	// FileAppeal inserts an appeal and records ev. fault.Conflict with field
	// mobile while another open one has the same new number.
	FileAppeal(ctx context.Context, a Appeal, ev audit.Event) error
	// SaveAppeal replaces the appeal if it still has a.Version, which then grows
	// by one, and records ev; fault.Conflict otherwise.
	SaveAppeal(ctx context.Context, a Appeal, ev audit.Event) error
	// Appeal and AppealByNumber give one appeal; fault.NotFound if there is none.
	Appeal(ctx context.Context, id string) (Appeal, error)
	AppealByNumber(ctx context.Context, number string) (Appeal, error)
	// Appeals gives the appeals that f selects, the oldest first.
	Appeals(ctx context.Context, f Filter) ([]Appeal, error)

	// PutHold holds the account; a hold that lasts longer already stays.
	PutHold(ctx context.Context, id account.ID, reason string, until time.Time) error
	// Hold gives the end of the account's hold, zero if there is none.
	Hold(ctx context.Context, id account.ID) (time.Time, error)
}

// Subject is an account as recovery sees it.
type Subject struct {
	Account    account.Account
	Unit       *account.Unit // a legal account's own
	LastSignIn time.Time     // zero if it is not known that anybody ever did
}

// Filter selects appeals. Zero fields select all.
type Filter struct {
	Open     bool // only those that something may still happen to
	State    State
	Of       account.Kind // whose window
	Account  account.ID
	Assignee string
	Free     bool      // only those that nobody works on
	Before   time.Time // filed no later
	Now      time.Time // with Open: those that lapsed by then are not open; the service sets it
	// After is the last appeal of the page before.
	After struct {
		CreatedAt time.Time
		ID        string
	}
	Limit int // 50 if 0
}
