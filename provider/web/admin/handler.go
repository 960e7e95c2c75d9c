package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/entitlement"
	"kejitong/provider/integrator"
	"kejitong/provider/keys"
	"kejitong/provider/operator"
	"kejitong/provider/principal"
	"kejitong/provider/realname"
	"kejitong/provider/recovery"
	"kejitong/provider/session"
	"kejitong/provider/torch"
	"kejitong/provider/web"
	"kejitong/provider/webhook"
)

// Accounts is what the desk reads and changes of accounts and units.
type Accounts interface {
	AccountByLogin(ctx context.Context, loginKey string) (account.Account, error)
	AccountsBy(ctx context.Context, by account.By, value string) ([]account.ID, error)
	ProvedBy(ctx context.Context, idType, number string) (account.ID, error)
	UnitByUSCC(ctx context.Context, uscc account.USCC) (account.Unit, error)
	// HoldAccount and ReleaseAccount freeze an active account, ending its sessions
	// and tokens, and let a frozen one in again; fault.Conflict if it is neither.
	HoldAccount(ctx context.Context, id account.ID, now time.Time, ev audit.Event) error
	ReleaseAccount(ctx context.Context, id account.ID, ev audit.Event) error
	// SetUnitState moves a unit from one state to another; fault.Conflict if it is
	// not in the first.
	SetUnitState(ctx context.Context, id string, from, to account.State, ev audit.Event) error
}

// Trail is the audit trail as auditors read it.
type Trail interface {
	// SearchAudit gives up to limit rows that f selects with ids below before, the
	// newest first, looking through no more than span ids; reached is how far it
	// looked: what is below was not looked at. 0 means that nothing is left.
	SearchAudit(ctx context.Context, f audit.Filter, before, span int64, limit int) (rows []audit.Row, reached int64, err error)
	Record(ctx context.Context, ev audit.Event) error
}

// Papers are the documents of cases; *document.Service is it.
type Papers interface {
	List(ctx context.Context, caseID string) ([]document.Document, error)
	View(ctx context.Context, a document.Access, ev audit.Event) (document.Picture, error)
}

// Waker makes the outbox look for work now.
type Waker interface{ Wake() }

// Appeals is what reviewers do with appeals; *recovery.Service is it.
type Appeals interface {
	Appeals(ctx context.Context, f recovery.Filter) ([]recovery.Appeal, error)
	Appeal(ctx context.Context, id string) (recovery.Case, error)
	Assign(ctx context.Context, id string, version int64, by recovery.Reviewer, to string) error
	Concern(ctx context.Context, id string, version int64, by recovery.Reviewer, who account.ID) error
	Approve(ctx context.Context, id string, version int64, by recovery.Reviewer, reason string) error
	Reject(ctx context.Context, id string, version int64, by recovery.Reviewer, reason string) error
}

// Handler serves the desk. All fields must be set before Mount, but for those that
// say otherwise.
type Handler struct {
	Web         *web.Kit
	Desk        *operator.Service
	Board       *operator.Board
	Accounts    Accounts
	Principals  principal.Reader
	Sessions    *session.Service
	Trail       Trail
	Chain       *audit.Chain
	Cases       realname.Desk
	Appeals     Appeals
	Papers      Papers                                     // nil: there are none
	Integrators *integrator.Service                        //
	Catalogue   *entitlement.Service                       // business systems and grants
	Census      *entitlement.Census                        //
	Rights      Rights                                     //
	Systems     Systems                                    //
	Clients     AllClients                                 //
	Hooks       *webhook.Service                           // who is told of changes
	ClientLog   ClientLog                                  // why requests of clients failed
	Imports     *torch.Ledger                              // what came from the former platform
	Picture     func(secret, login string) ([]byte, error) // QR code of a second factor; nil shows none
	Keys        func() *keys.Snapshot                      //
	Networks    []netip.Prefix                             // from which the desk may be reached; empty: from everywhere
	Limits      Limits                                     //
	Glance      Glancer                                    // nil: the front page shows no plots
	Outbox      Waker                                      //
	Now         func() time.Time                           //
	Log         *slog.Logger                               //
}

// Limits bound what one operator sees of others' data.
type Limits struct {
	Reveals  int // fields revealed in an hour; 30 if 0
	Searches int // searches for accounts in an hour; 300 if 0
}

func (l Limits) reveals() int {
	if l.Reveals > 0 {
		return l.Reveals
	}
	return 30
}

func (l Limits) searches() int {
	if l.Searches > 0 {
		return l.Searches
	}
	return 300
}

// see sends the browser on. 303, so that nothing posted is posted again.
func see(w http.ResponseWriter, path string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
