package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/fault"
)

// Reviewer is who decides. Account is the platform account that the reviewer has
// as a person, empty if there is none known.
type Reviewer struct {
	ID      string
	Account account.ID
}

// Case is an appeal beside what is known of the account that it concerns.
type Case struct {
	Appeal   Appeal
	Subject  *Subject            // nil if no account was found
	Own      *Subject            // of an appeal for a login name: who gets it
	Evidence []document.Document // to be seen by document.Service.View with the appeal's id as the case
}

// maxReason bounds a reason in characters.
const maxReason = 500

// Appeals gives the appeals that f selects, the oldest first, as they stand now.
func (s *Service) Appeals(ctx context.Context, f Filter) ([]Appeal, error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	now := s.Now()
	f.Now = now
	all, err := s.Store.Appeals(ctx, f)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i] = all[i].At(now)
	}
	return all, nil
}

// Appeal gives one case; fault.NotFound if there is none.
func (s *Service) Appeal(ctx context.Context, id string) (Case, error) {
	a, err := s.Store.Appeal(ctx, id)
	if err != nil {
		return Case{}, err
	}
	c := Case{Appeal: a.At(s.Now())}
	if c.Evidence, err = s.Documents.List(ctx, a.ID); err != nil {
		return Case{}, err
	}
	if c.Subject, err = s.known(ctx, a.Account); err != nil {
		return Case{}, err
	}
	c.Own, err = s.known(ctx, a.Claim.Own)
	return c, err
}

// known is the account with that id, nil for none.
func (s *Service) known(ctx context.Context, id account.ID) (*Subject, error) {
	if id == "" {
		return nil, nil
	}
	return s.subject(ctx, id)
}

// Assign gives the appeal to a reviewer, or to nobody (to empty).
func (s *Service) Assign(ctx context.Context, id string, version int64, by Reviewer, to string) error {
	return s.decide(ctx, id, version, by, func(a *Appeal) (audit.Event, error) {
		if !a.State.Open() {
			return audit.Event{}, conflict()
		}
		a.Assignee = to
		return audit.Event{Kind: audit.AppealAssigned}, nil
	})
}

// Concern says which account the appeal concerns, or which one gets a login name,
// where the data alone did not or where a reviewer knows better. Only before
// anybody approved.
func (s *Service) Concern(ctx context.Context, id string, version int64, by Reviewer, who account.ID) error {
	sub, err := s.Store.Subject(ctx, who)
	if err != nil {
		return err
	}
	return s.decide(ctx, id, version, by, func(a *Appeal) (audit.Event, error) {
		if !fits(a.Kind, sub.Account) {
			return audit.Event{}, &fault.Error{Kind: fault.Invalid, Field: "account", Msg: MsgOtherKind}
		}
		if by.Account == who {
			return audit.Event{}, fault.New(fault.Refused, MsgOwnCase)
		}
		if err := s.turn(a, Concern, by.ID, ""); err != nil {
			return audit.Event{}, err
		}
		if a.Kind.Reclaims() {
			a.Claim.Own = who
		} else {
			a.Account = who
		}
		return audit.Event{Kind: audit.AppealConcerned, Detail: string(who)}, nil
	})
}

// Approve approves. The first approval waits for another reviewer's; the second
// one opens the way to a new password, after the hold if the mobile changes
// (S57) or second factors are lost, or to the login name after the time in which its
// holder may object. The version must be the one that the reviewer saw, else fault.Conflict;
// fault.Refused for a reviewer's own case and for two approvals by one reviewer.
func (s *Service) Approve(ctx context.Context, id string, version int64, by Reviewer, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	return s.decide(ctx, id, version, by, func(a *Appeal) (audit.Event, error) {
		if err := s.concerns(ctx, *a); err != nil {
			return audit.Event{}, err
		}
		all, err := s.Documents.List(ctx, a.ID)
		if err != nil {
			return audit.Event{}, err
		}
		if document.AnyWaits(all) {
			return audit.Event{}, fault.New(fault.Refused, MsgUnscanned)
		}
		if a.State == Seconding && a.First == by.ID {
			return audit.Event{}, fault.New(fault.Refused, MsgSameReviewer)
		}
		if err := s.turn(a, Approve, by.ID, reason); err != nil {
			return audit.Event{}, err
		}
		if a.State == Seconding {
			a.First = by.ID
			return audit.Event{Kind: audit.AppealApproved, Detail: "first"}, nil
		}
		a.Second = by.ID
		return audit.Event{Kind: audit.AppealApproved, Detail: "second"}, nil
	})
}

// Reject ends the appeal. The reason is told to the one who filed it.
func (s *Service) Reject(ctx context.Context, id string, version int64, by Reviewer, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	return s.decide(ctx, id, version, by, func(a *Appeal) (audit.Event, error) {
		return audit.Event{Kind: audit.AppealRejected}, s.turn(a, Reject, by.ID, reason)
	})
}

// decide changes the appeal as deed says if it still has the version, in one
// transaction with the audit row and the notices.
func (s *Service) decide(ctx context.Context, id string, version int64, by Reviewer, deed func(*Appeal) (audit.Event, error)) error {
	if by.ID == "" {
		return fmt.Errorf("recovery: a reviewer without an id")
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		a, err := s.Store.Appeal(ctx, id)
		if err != nil {
			return err
		}
		if a.Version != version {
			return conflict()
		}
		if by.Account != "" && (a.Account == by.Account || a.Claim.Own == by.Account) { // S58: reviewer = subject
			return fault.New(fault.Refused, MsgOwnCase)
		}
		now := s.Now()
		before := a.State
		a = a.At(now)
		ev, err := deed(&a)
		if err != nil {
			return err
		}
		if a.State == Approved && before != Approved {
			if err := s.approved(ctx, &a, now); err != nil {
				return err
			}
		}
		if a.State == Rejected {
			if err := s.rejected(ctx, a); err != nil {
				return err
			}
		}
		ev.Actor, ev.Object = by.ID, a.ID
		return s.save(ctx, a, ev)
	})
}

// save stores an appeal after a deed, and closes its evidence with it.
func (s *Service) save(ctx context.Context, a Appeal, ev audit.Event) error {
	a.UpdatedAt = s.Now()
	if err := s.Store.SaveAppeal(ctx, a, audit.From(ctx, ev)); err != nil || a.State.Open() {
		return err
	}
	return s.Documents.CloseCase(ctx, a.ID)
}

// turn applies a deed by the rule of Next.
func (s *Service) turn(a *Appeal, d Deed, by, reason string) error {
	next, ok := Next(a.State, d)
	if !ok {
		return conflict()
	}
	a.State = next
	a.History = append(a.History, Turn{At: s.Now().Truncate(time.Millisecond), Deed: d, By: by, Reason: strings.TrimSpace(reason)})
	return nil
}

func conflict() error { return fault.New(fault.Conflict, MsgChanged) }

func checkReason(reason string) error {
	n := utf8.RuneCountInString(strings.TrimSpace(reason))
	if n == 0 || n > maxReason || !utf8.ValidString(reason) {
		return &fault.Error{Kind: fault.Invalid, Field: "reason", Msg: MsgReason}
	}
	return nil
}

// fits tells whether an account may be got back by an appeal of that kind.
func fits(k Kind, a account.Account) bool { return a.Kind == k.Of() }
