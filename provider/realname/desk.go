package realname

import (
	"context"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

const longestRemark = 500

// HandIn puts the account's case before a reviewer, with the documents that its
// folder holds: after a failure, after a rejection, or where documents decide from
// the start. fault.Invalid (field "documents") if there are none, fault.Conflict
// if there is nothing to review.
func (s *Service) HandIn(ctx context.Context, id account.ID, ev audit.Event) (Case, error) {
	var c Case
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if c, err = s.Store.CaseOf(ctx, id); err != nil {
			return err
		}
		was := c.State
		to, ok := Next(was, HandIn)
		if !ok {
			return conflict("", MsgNoReview)
		}
		if err := s.papered(ctx, c); err != nil {
			return err
		}
		c.State, c.PapersAt, c.Reviewer = to, s.Now(), ""
		ev.Kind, ev.Object = audit.RealNameHandedIn, c.ID
		return s.step(ctx, &c, was, ev)
	})
	return c, err
}

func (s *Service) papered(ctx context.Context, c Case) error {
	n := 0
	if s.Papers != nil {
		var err error
		if n, err = s.Papers.Count(ctx, c.Folder); err != nil {
			return err
		}
	}
	if n == 0 {
		return wrong("documents", MsgPapersMissing)
	}
	return nil
}

// Assign implements Desk.
func (s *Service) Assign(ctx context.Context, d Decision) (Case, error) {
	return s.decide(ctx, d, func(ctx context.Context, c *Case, ev audit.Event) error {
		c.Reviewer = d.Operator
		ev.Kind, ev.Detail = audit.RealNameAssigned, d.Operator
		return s.write(ctx, c, ManualReview, ev)
	})
}

// Approve implements Desk.
func (s *Service) Approve(ctx context.Context, d Decision) (Case, error) {
	return s.decide(ctx, d, func(ctx context.Context, c *Case, ev audit.Event) error {
		if c.PapersAt.Equal(noTime) {
			return wrong("documents", MsgPapersMissing)
		}
		if err := s.papered(ctx, *c); err != nil {
			return err
		}
		scanned, err := s.Papers.Scanned(ctx, c.Folder)
		if err != nil {
			return err
		}
		if !scanned { // nobody decides on what he could not look at
			return wrong("documents", MsgPapersUnscanned)
		}
		c.Method, c.Checker, c.CheckID, c.Remark, c.Reviewer = account.MethodManual, s.Reviewed, c.Number, d.Remark, d.Operator
		if err := s.passed(ctx, *c, Approve, ev); err != nil {
			return err
		}
		*c, err = s.Store.CaseByID(ctx, c.ID)
		return err
	})
}

// Reject implements Desk.
func (s *Service) Reject(ctx context.Context, d Decision) (Case, error) {
	if !contains(Grounds[:], d.Reason) {
		return Case{}, wrong("reason", MsgGrounds)
	}
	return s.decide(ctx, d, func(ctx context.Context, c *Case, ev audit.Event) error {
		folder := c.Folder
		c.State, _ = Next(ManualReview, Reject)
		c.Reasons, c.Remark, c.Reviewer = []Reason{{Code: d.Reason}}, d.Remark, d.Operator
		c.Method, c.DecidedAt, c.PapersAt, c.Folder = account.MethodManual, s.Now(), noTime, string(account.NewID())
		ev.Kind, ev.Result, ev.Detail = audit.RealNameRejected, "refused", d.Reason
		// The case comes before its folder here as it does when it passes: two who
		// decide at once must not wait for each other.
		if err := s.step(ctx, c, ManualReview, ev); err != nil {
			return err
		}
		if err := s.closeFolder(ctx, folder); err != nil {
			return err
		}
		h, err := s.Store.Holder(ctx, c.Account)
		if err != nil {
			return err
		}
		return s.tell(ctx, h.Account, *c, "realname_rejected", c.Number)
	})
}

// decide runs one act of a reviewer on the case as he saw it.
func (s *Service) decide(ctx context.Context, d Decision, act func(ctx context.Context, c *Case, ev audit.Event) error) (Case, error) {
	if !utf8.ValidString(d.Remark) || utf8.RuneCountInString(d.Remark) > longestRemark {
		return Case{}, wrong("remark", MsgRemark)
	}
	var c Case
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if c, err = s.Store.CaseByID(ctx, d.Case); err != nil {
			return err
		}
		if c.State != ManualReview || c.Version != d.Version {
			return conflict("", MsgMoved)
		}
		if err := s.notOwn(ctx, c, d); err != nil {
			return err
		}
		return act(ctx, &c, audit.Event{Actor: d.Operator, Object: c.ID})
	})
	if err != nil {
		return Case{}, err
	}
	return c, nil
}

// notOwn keeps reviewers from their own cases (S58): the account that is known to
// be theirs, and every unit that names them its representative or handler.
func (s *Service) notOwn(ctx context.Context, c Case, d Decision) error {
	own := &fault.Error{Kind: fault.Refused, Msg: MsgOwnCase}
	if d.Self == "" {
		return nil
	}
	if d.Self == c.Account {
		return own
	}
	h, err := s.Store.Holder(ctx, d.Self)
	if err != nil {
		return err
	}
	mine := h.Account.Profile.IDType + "|" + h.Account.Profile.IDNumber
	if h.Account.Profile.IDNumber == "" {
		return nil
	}
	if p := c.Entry.Person; p != nil && p.IDType+"|"+p.IDNumber == mine {
		return own
	}
	if u := c.Entry.Unit; u != nil && (u.LegalRep.IDType+"|"+u.LegalRep.IDNumber == mine || u.Handler.IDType+"|"+u.Handler.IDNumber == mine) {
		return own
	}
	return nil
}
