package realname

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/notify"
)

// Holder is an account with the unit that it stands for, nil if it stands for
// none.
type Holder struct {
	Account account.Account
	Unit    *account.Unit
}

// Store keeps cases, and reads and writes those whom they are about.
type Store interface {
	// InTx runs fn in a transaction that rides in the ctx it is given.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// AddCase inserts c with version 1. fault.Conflict if the account has a case
	// that is not verified.
	AddCase(ctx context.Context, c Case, ev audit.Event) error
	// PutCase replaces the case with c's id, which must have c.Version and state
	// was, and counts the version up. fault.Conflict if it has not: of any number
	// of callers with one version exactly one wins.
	PutCase(ctx context.Context, c Case, was State, ev audit.Event) error
	// CaseByID gives a case; fault.NotFound if there is none.
	CaseByID(ctx context.Context, id string) (Case, error)
	// CaseOf gives the account's newest case; fault.NotFound if it has none.
	CaseOf(ctx context.Context, id account.ID) (Case, error)
	// Cases gives the queue, oldest first.
	Cases(ctx context.Context, f Filter, now time.Time) ([]Item, error)
	// QueueCheck owes the case, in the given version, an answer of the verifier.
	QueueCheck(ctx context.Context, id string, version int64) error
	// CountEntry counts an entry of the account and gives how many there were in
	// the window, and when that ends.
	CountEntry(ctx context.Context, id account.ID, window time.Duration, now time.Time) (int, time.Time, error)

	// Holder gives an account; fault.NotFound if there is none.
	Holder(ctx context.Context, id account.ID) (Holder, error)
	// UnitByUSCC gives a unit; fault.NotFound if there is none.
	UnitByUSCC(ctx context.Context, uscc account.USCC) (account.Unit, error)
	// UnitNameHolder gives the account of the unit that bears a name, in any
	// spelling; fault.NotFound if there is none.
	UnitNameHolder(ctx context.Context, name string) (account.ID, error)
	// YieldUnit takes the unit with that code from an unverified legal account other
	// than to, and YieldUnitName its name from unverified ones whose unit has another
	// code. They record ev for each account that lost something, and give them.
	YieldUnit(ctx context.Context, uscc account.USCC, to account.ID, ev audit.Event) ([]account.ID, error)
	YieldUnitName(ctx context.Context, name string, but account.USCC, ev audit.Event) ([]account.ID, error)
	// ProvedBy gives the account that a document is verified on.
	ProvedBy(ctx context.Context, idType, number string) (account.ID, error)
	// PutAccount replaces the account if it has a.Version. fault.Conflict if it has
	// not, and with field "id_number" if its document is verified on another one.
	PutAccount(ctx context.Context, a account.Account, phc string, ev audit.Event) error
	// PutUnit inserts or replaces the unit. fault.Conflict with field "uscc" or
	// "unit_name" if another one has that.
	PutUnit(ctx context.Context, u account.Unit, ev audit.Event) error
}

// Papers is what became of the evidence (package document).
type Papers interface {
	// Count tells how many documents a folder holds, those in quarantine excepted.
	Count(ctx context.Context, folder string) (int, error)
	// Scanned tells whether none of them waits for the scanner.
	Scanned(ctx context.Context, folder string) (bool, error)
	// Close lets nothing be added to a folder any more. It rides in ctx's
	// transaction.
	Close(ctx context.Context, folder string) error
}

// Change is a verdict's effect on its account: how it was and how it is now.
type Change struct{ Before, After Holder }

// Service runs verifications. All fields but Verifier, Papers, After and Messages
// must be set.
type Service struct {
	Store    Store
	Verifier Verifier // nil: all cases are for documents
	Papers   Papers   // nil: there is no place for documents
	// After is what follows from a verification (entitlements, mandates of a former
	// legal representative), in its transaction.
	After    []func(ctx context.Context, c Change) error
	Messages notify.Queue // nil: nobody is told
	Reviewed string       // who compares documents, as clients are told it
	Limit    int          // entries of one account in a day
	Wake     func()       // makes the outbox look now
	Now      func() time.Time
}

var _ Desk = (*Service)(nil)

// Of gives the account's newest case; fault.NotFound if it has none.
func (s *Service) Of(ctx context.Context, id account.ID) (Case, error) {
	return s.Store.CaseOf(ctx, id)
}

// Queue implements Desk.
func (s *Service) Queue(ctx context.Context, f Filter) ([]Item, error) {
	return s.Store.Cases(ctx, f, s.Now())
}

// Case implements Desk.
func (s *Service) Case(ctx context.Context, id string) (Case, error) {
	return s.Store.CaseByID(ctx, id)
}

// tell promises a message to whoever looks after the account, if it can be
// reached.
func (s *Service) tell(ctx context.Context, a account.Account, c Case, purpose string, args ...string) error {
	if s.Messages == nil {
		return nil
	}
	to := a.Profile.ProvedMobile()
	if to == "" {
		return nil
	}
	return s.Messages.Queue(ctx, notify.Message{
		ID: c.ID + "." + purpose + "." + itoa(c.Version), Channel: notify.SMS, To: to, Purpose: purpose, Args: args, Locale: a.Locale,
	})
}
