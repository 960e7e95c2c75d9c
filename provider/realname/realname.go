// Package realname is real-name verification (实名认证): somebody enters who they
// are, a verifier compares it with an authority's register, and if that does not
// settle it, a reviewer looks at documents.
//
// What is entered lives in a case, sealed, and reaches the account's profile only
// with the verdict, in one transaction with it: claims are always those of the
// last verified snapshot (R21). Next is the whole state machine. A case is decided
// once: every transition names the version that it saw.
//
// Verifiers run from the outbox, so that no page waits for an authority. Documents
// belong to package document, entitlements that follow a verdict to Service.Earn,
// pages to the portal and the desk.
package realname

import (
	"context"
	"time"

	"kejitong/provider/account"
)

// Case is one application for verification. It holds personal data; only its
// owner and the reviewer in charge see it.
type Case struct {
	ID        string // 128 random bits; what audit rows name
	Number    string // 受理编号, told to people, and the account's process id afterwards
	Account   account.ID
	Kind      account.Kind
	State     State
	Entry     Entry
	Reasons   []Reason // why it failed or waits, in the order of the form
	Remark    string   // the reviewer's own words to the applicant
	Method    string   // account.MethodAuto or account.MethodManual, of the last decision
	CheckID   string   // the checker's reference
	Checker   string   // who compared: the verifier's organisation
	Reviewer  string   // operator in charge of the review, "" if none
	Folder    string   // the case of package document that evidence goes to; another one after each verdict
	OpenedAt  time.Time
	SentAt    time.Time // entered or corrected last
	PapersAt  time.Time // documents handed in for review; zero if none are
	DecidedAt time.Time // last verdict, of verifier or reviewer
	Version   int64
}

// Waits tells whether a review is open that no documents were handed in for yet.
func (c Case) Waits() bool { return c.State == ManualReview && c.PapersAt.IsZero() }

// Since is when the case came into its state.
func (c Case) Since() time.Time {
	switch {
	case c.State == Pending:
		return c.SentAt
	case c.State == ManualReview && !c.PapersAt.IsZero():
		return c.PapersAt
	case c.State == ManualReview && c.DecidedAt.Before(c.SentAt):
		return c.SentAt
	}
	return c.DecidedAt
}

// Filter narrows the queue. Zero fields do not narrow.
type Filter struct {
	Kind     account.Kind
	State    State         // ManualReview if empty
	Reviewer string        // in charge; Unassigned for nobody
	Waiting  bool          // also cases whose documents are not there yet
	Older    time.Duration // waiting at least so long
	After    string        // Item.Cursor of the last one seen
	Limit    int           // 50 if 0, at most 200
}

// Unassigned as a Filter.Reviewer means cases that nobody has taken.
const Unassigned = "-"

// Item is a line of the queue: no personal data beyond the name of a unit.
type Item struct {
	ID       string
	Number   string
	Account  account.ID
	Kind     account.Kind
	State    State
	Reviewer string
	SentAt   time.Time
	PapersAt time.Time
	Version  int64
	Cursor   string
}

// Decision is a reviewer's act on a case as he saw it.
type Decision struct {
	Case     string
	Version  int64      // of the case that he saw; fault.Conflict if it moved on
	Operator string     // who decides
	Self     account.ID // his own account as a citizen, if it is known: nobody decides his own case (S58)
	Reason   string     // for a rejection: one of Grounds
	Remark   string     // in own words, shown to the applicant; at most 500 characters
}

// Desk is what reviewers do with cases. Service implements it.
type Desk interface {
	// Queue gives the cases that wait, oldest first.
	Queue(ctx context.Context, f Filter) ([]Item, error)
	// Case gives a case; fault.NotFound if there is none. Reading one is an act of
	// its own for the trail, which the caller records.
	Case(ctx context.Context, id string) (Case, error)
	// Assign puts d.Operator in charge, or nobody with an empty one. fault.Conflict
	// if the case changed.
	Assign(ctx context.Context, d Decision) (Case, error)
	// Approve verifies the account with what the case says. fault.Conflict if the
	// case changed or is not under review; fault.Refused if it is the reviewer's
	// own; fault.Invalid (field "documents") if there are none.
	Approve(ctx context.Context, d Decision) (Case, error)
	// Reject sends the case back with a reason. Faults as of Approve.
	Reject(ctx context.Context, d Decision) (Case, error)
}
