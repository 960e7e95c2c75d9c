package integrator

import (
	"context"
	"strings"
	"unicode/utf8"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// Reviewer is an operator who decides.
type Reviewer struct {
	ID       string
	Accounts []account.ID // their own, as far as known: nobody decides about himself
}

func (r Reviewer) owns(team []Member) bool {
	for _, m := range team {
		for _, id := range r.Accounts {
			if m.Account == id {
				return true
			}
		}
	}
	return false
}

var tidings = map[Decision]struct{ what, notice string }{
	Approve: {WhatApproved, NoticeApproved}, Reject: {WhatRejected, NoticeRejected}, Return: {WhatReturned, NoticeReturned},
}

// Decide is what an operator says to a submission. Anything but an approval needs
// a reason; an approval makes the client that is in earnest, without a secret: the
// team makes that.
func (s *Service) Decide(ctx context.Context, by Reviewer, project string, version int64, d Decision, reason string) error {
	to, ok := next[d]
	reason = strings.TrimSpace(reason)
	switch {
	case !ok:
		return &fault.Error{Kind: fault.Invalid, Field: "decision", Msg: MsgEmpty}
	case d != Approve && reason == "":
		return &fault.Error{Kind: fault.Invalid, Field: "reason", Msg: MsgReason}
	case utf8.RuneCountInString(reason) > 500:
		return &fault.Error{Kind: fault.Invalid, Field: "reason", Msg: MsgLong}
	}
	p, err := s.Store.Project(ctx, project)
	if err != nil {
		return err
	}
	if p.State != Submitted {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgDecided}
	}
	if err := s.notOwn(ctx, by, p.ID); err != nil {
		return err
	}
	p.State, p.Reason, p.Decider, p.DecidedAt, p.Version = to, reason, by.ID, s.Now(), version
	var made *client.Client
	if d == Approve {
		p.Production = client.FreshID("app-")
		if made, err = s.made(ctx, p, p.Production, false); err != nil {
			return err
		}
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.save(ctx, p); err != nil {
			return err
		}
		if made != nil {
			c := *made
			if err := s.Store.PutClient(ctx, &c, clientEvent(ctx, audit.ClientCreated, by.ID, c.ID, "approved")); err != nil {
				return err
			}
		}
		if err := s.note(ctx, p.ID, "", by.ID, tidings[d].what); err != nil {
			return err
		}
		if err := s.tell(ctx, p, tidings[d].notice, p.ID+"|"+p.DecidedAt.Format("20060102150405.000")); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.ProjectDecided, by.ID, p.ID, string(d)))
	})
	return s.changed(err)
}

func (s *Service) notOwn(ctx context.Context, by Reviewer, project string) error {
	team, err := s.Store.TeamOf(ctx, project)
	if err == nil && by.owns(team) {
		err = &fault.Error{Kind: fault.Refused, Msg: MsgOwn}
	}
	return err
}

// DecideChange is what an operator says to a proposal. An approved one takes effect
// if what it changes is still as it was when it was made, and the whole that comes
// of it is vetted anew.
func (s *Service) DecideChange(ctx context.Context, by Reviewer, proposal string, d Decision, reason string) error {
	reason = strings.TrimSpace(reason)
	switch {
	case d != Approve && d != Reject:
		return &fault.Error{Kind: fault.Invalid, Field: "decision", Msg: MsgEmpty}
	case d == Reject && reason == "":
		return &fault.Error{Kind: fault.Invalid, Field: "reason", Msg: MsgReason}
	case utf8.RuneCountInString(reason) > 500:
		return &fault.Error{Kind: fault.Invalid, Field: "reason", Msg: MsgLong}
	}
	pr, err := s.Store.ClientProposal(ctx, proposal)
	if err != nil {
		return err
	}
	if pr.State != Open {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgDecided}
	}
	p, err := s.Store.Project(ctx, pr.Project)
	if err == nil {
		err = s.notOwn(ctx, by, p.ID)
	}
	if err != nil {
		return err
	}
	to, what, notice := Refused, WhatRefused, NoticeRefused
	var c *client.Client
	if d == Approve {
		to, what, notice = Accepted, WhatAccepted, NoticeAccepted
		if c, err = s.proposed(ctx, pr); err != nil {
			return err
		}
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		won, err := s.Store.SettleClientProposal(ctx, pr.ID, to, reason, by.ID, s.Now())
		if err == nil && !won {
			err = &fault.Error{Kind: fault.Conflict, Msg: MsgDecided}
		}
		if err != nil {
			return err
		}
		if c != nil {
			fresh := *c
			if err := s.amend(ctx, &fresh, clientEvent(ctx, audit.ClientChanged, by.ID, c.ID, names(pr.Edits))); err != nil {
				return err
			}
		}
		if err := s.note(ctx, p.ID, pr.Client, by.ID, what, pr.Edits...); err != nil {
			return err
		}
		if err := s.tell(ctx, p, notice, pr.ID); err != nil {
			return err
		}
		return s.Store.Record(ctx, clientEvent(ctx, audit.ClientDecided, by.ID, pr.Client, string(d)))
	})
	return s.changed(err)
}

// proposed is the client as an approval would leave it.
func (s *Service) proposed(ctx context.Context, pr Proposal) (*client.Client, error) {
	c, err := s.Store.Client(ctx, pr.Client)
	if err != nil {
		return nil, err
	}
	m, err := patched(c.Metadata, pr.Edits)
	if err != nil {
		return nil, err
	}
	if m, err = s.Vet(ctx, policy(c.Sandbox != "", m), m); err != nil {
		return nil, err
	}
	out := *c
	out.Metadata, out.UpdatedAt = m, s.Now()
	out.KeepsSecret()
	return &out, nil
}

// Admit lets the verified person with the login name connect systems in their own
// name, Dismiss ends it; what they connected stays.
func (s *Service) Admit(ctx context.Context, by Reviewer, login string) error {
	key, err := account.NormaliseLogin(login)
	if err != nil {
		return &fault.Error{Kind: fault.Invalid, Field: "login", Msg: MsgLogin}
	}
	a, err := s.Store.AccountByLogin(ctx, key)
	if fault.Is(err, fault.NotFound) || err == nil && (a.Kind != account.NaturalPerson || !a.RealName.Verified() || !a.Usable() || a.Sandbox != "") {
		return &fault.Error{Kind: fault.Invalid, Field: "login", Msg: MsgPerson}
	}
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if fresh, err := s.Store.Admit(ctx, a.ID, by.ID, s.Now()); err != nil || !fresh {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.PersonAdmitted, by.ID, string(a.ID), ""))
	})
}

// Dismiss undoes Admit.
func (s *Service) Dismiss(ctx context.Context, by Reviewer, id account.ID) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if gone, err := s.Store.Dismiss(ctx, id); err != nil || !gone {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.PersonDismissed, by.ID, string(id), ""))
	})
}
