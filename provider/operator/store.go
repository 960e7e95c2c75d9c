package operator

import (
	"context"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/credential"
)

// Store keeps operators, their sessions, what they propose and what they tell
// everybody.
type Store interface {
	// InTx lets what fn does stand or fall together.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Record writes an event by itself.
	Record(ctx context.Context, ev audit.Event) error

	// AddOperator inserts o; fault.Conflict with field login_name if the name is
	// another operator's.
	AddOperator(ctx context.Context, o Operator, ev audit.Event) error
	// ChangeOperator replaces the operator with o's id if it still has o.Version,
	// which then grows; fault.Conflict if not. Step, SeenAt and CreatedAt stay.
	ChangeOperator(ctx context.Context, o Operator, ev audit.Event) error
	// Operator, OperatorByLogin and OperatorByInvite give one operator;
	// fault.NotFound if there is none.
	Operator(ctx context.Context, id string) (Operator, error)
	OperatorByLogin(ctx context.Context, loginKey string) (Operator, error)
	OperatorByInvite(ctx context.Context, digest string) (Operator, error)
	// Operators gives all, by login name.
	Operators(ctx context.Context) ([]Operator, error)
	// SpendStep moves the spent time step of the second factor forward; false if
	// step or a later one was spent already, so that a code opens one session.
	SpendStep(ctx context.Context, id string, step int64) (bool, error)

	// StartDesk inserts s and records ev, if the operator is active and still has
	// version; fault.Unproven if not.
	StartDesk(ctx context.Context, s Session, version int64, ev audit.Event) error
	// DeskByKey gives a session in whatever state, with its operator;
	// fault.NotFound if there is none.
	DeskByKey(ctx context.Context, key string) (Session, Operator, error)
	// TouchDesk moves SeenAt forward.
	TouchDesk(ctx context.Context, key string, now time.Time) error
	// EndDesk ends the live session with the key and records ev; nothing happens
	// if there is none.
	EndDesk(ctx context.Context, key string, now time.Time, ev audit.Event) error
	// EndDesks ends every live session of the operator but the one with the key
	// given (empty: none is left out).
	EndDesks(ctx context.Context, operator, exceptKey string, now time.Time) error

	// Propose inserts p and records ev.
	Propose(ctx context.Context, p Proposal, ev audit.Event) error
	// Proposal gives one; fault.NotFound if there is none.
	Proposal(ctx context.Context, id string) (Proposal, error)
	// Proposals gives the newest ones, up to limit.
	Proposals(ctx context.Context, limit int) ([]Proposal, error)
	// SettleProposal moves a proposal from one state to another, names who did
	// it and records ev; false if it is not in that state any more.
	SettleProposal(ctx context.Context, id string, from, to ProposalState, by string, now time.Time, ev audit.Event) (bool, error)

	// CountTry counts one more try under key within window and gives how many
	// there were, this one included, and when the window ends.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error)
}

// Guesses are the counters of package credential, by its rule.
type Guesses interface {
	Reserve(ctx context.Context, keys credential.Keys, limits credential.Limits, now time.Time) (credential.Standing, error)
	Refund(ctx context.Context, keys credential.Keys, now time.Time) error
}
