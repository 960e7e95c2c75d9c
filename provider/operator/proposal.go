package operator

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Matter is what two people have to agree on (S80).
type Matter string

// The matters.
const (
	Roster    Matter = "roster"    // a change of the operators
	Export    Matter = "export"    // the trail leaves the house
	Catalogue Matter = "catalogue" // a change of the business systems
)

// ProposalState is where a proposal stands.
type ProposalState string

// The states. An approved export waits to be fetched once; everything else is done
// with its approval.
const (
	Open     ProposalState = "open"
	Approved ProposalState = "approved"
	Refused  ProposalState = "refused"
	Done     ProposalState = "done"
)

// How long a proposal waits for an answer, and an approved export to be fetched.
const (
	ProposalLife = 7 * 24 * time.Hour
	FetchLife    = 24 * time.Hour
)

// Proposal is what one operator wants and another has to confirm.
type Proposal struct {
	ID      string
	Matter  Matter
	Subject string // the operator concerned, or the business system; empty if none
	What    string // JSON: a Change, what to export, or what the domain of the matter made of it
	By      string
	At      time.Time
	Until   time.Time
	State   ProposalState
	Decider string
	Decided time.Time
}

// Over tells whether its time has run out.
func (p Proposal) Over(now time.Time) bool { return p.State == Open && !now.Before(p.Until) }

// Change is what a proposal about the roster wants.
func (p Proposal) Change() (c Change) {
	if p.Matter == Roster {
		_ = json.Unmarshal([]byte(p.What), &c) // we wrote it; an empty change is refused
	}
	return c
}

// deciders are the roles that may confirm a matter.
func deciders(m Matter) []Role {
	if m == Export {
		return []Role{SecurityAdmin, Auditor}
	}
	return []Role{SecurityAdmin}
}

// proposer is the role that proposes a matter.
func proposer(m Matter) Role {
	if m == Export {
		return Auditor
	}
	return SystemAdmin
}

// MayDecide tells whether o may confirm or refuse p: another person, of a role
// for it, whom it does not concern.
func (p Proposal) MayDecide(o Operator, now time.Time) bool {
	return p.State == Open && !p.Over(now) && p.By != o.ID && p.Subject != o.ID && slices.Contains(deciders(p.Matter), o.Role)
}

// ProposeChange asks for a change of the roster.
func (s *Service) ProposeChange(ctx context.Context, by Operator, c Change) error {
	o, err := s.Check(ctx, c)
	if err != nil {
		return err
	}
	subject := o.ID
	if c.Deed == Add {
		subject = ""
	}
	return s.propose(ctx, by, Roster, subject, c, string(c.Deed))
}

// ProposeExport asks for an export of what the filter says.
func (s *Service) ProposeExport(ctx context.Context, by Operator, filter any) error {
	return s.propose(ctx, by, Export, "", filter, "")
}

// ProposeDeed asks for what another domain does once somebody agreed (see
// Service.Deeds).
func (s *Service) ProposeDeed(ctx context.Context, by Operator, m Matter, subject string, what any) error {
	if s.Deeds[m] == nil {
		return fault.New(fault.Invalid, "nobody does that")
	}
	return s.propose(ctx, by, m, subject, what, subject)
}

func (s *Service) propose(ctx context.Context, by Operator, m Matter, subject string, what any, detail string) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	now := s.Now()
	p := Proposal{ID: random(16), Matter: m, Subject: subject, What: string(text), By: by.ID, At: now, Until: now.Add(ProposalLife), State: Open}
	ev := audit.Event{Kind: audit.ProposalMade, Actor: by.ID, Object: p.ID, Detail: string(m)}
	if detail != "" {
		ev.Detail += " " + detail
	}
	return s.Store.Propose(ctx, p, ev)
}

// Decide confirms or refuses a proposal. Confirming does what was proposed, but for
// exports, in the transaction that settles it: what cannot be done any more stays
// open; so does what somebody proposed who may not propose it any more. Of Add and Reset the one-time secret comes back with the operator. Of two
// who decide at once, one does (fault.Conflict for the other).
func (s *Service) Decide(ctx context.Context, by Operator, id string, confirm bool) (o Operator, secret string, err error) {
	p, err := s.Store.Proposal(ctx, id)
	if err != nil {
		return o, "", err
	}
	now := s.Now()
	if !p.MayDecide(by, now) {
		return o, "", s.refusal(p, by, now)
	}
	to, kind := Refused, audit.ProposalRefused
	if confirm {
		to, kind = Approved, audit.ProposalApproved
		if p.Matter != Export {
			to = Done
		}
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		ev := audit.Event{Kind: kind, Actor: by.ID, Object: p.ID, Detail: string(p.Matter)}
		won, err := s.Store.SettleProposal(ctx, p.ID, Open, to, by.ID, now, ev)
		if err == nil && !won {
			err = &fault.Error{Kind: fault.Conflict, Msg: MsgProposalOver}
		}
		if err == nil && confirm {
			err = s.stillTwo(ctx, p, by)
		}
		if err != nil || to != Done {
			return err
		}
		if p.Matter == Roster {
			o, secret, err = s.Apply(ctx, p.Change(), by.ID)
			return err
		}
		do := s.Deeds[p.Matter]
		if do == nil {
			return fault.New(fault.Invalid, "nobody does that")
		}
		return do(ctx, p, by.ID)
	})
	if err != nil {
		return Operator{}, "", err
	}
	return o, secret, nil
}

// stillTwo looks at both people as they are now: nothing is done for somebody who
// was disabled or lost the role since he proposed it, nor on the word of somebody
// who did since this request of his began (S80).
func (s *Service) stillTwo(ctx context.Context, p Proposal, by Operator) error {
	asked, err := s.Store.Operator(ctx, p.By)
	if err != nil {
		return err
	}
	if asked.State != Active || asked.Role != proposer(p.Matter) {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgProposerGone}
	}
	decider, err := s.Store.Operator(ctx, by.ID)
	if err != nil {
		return err
	}
	if decider.State != Active || decider.Role != by.Role {
		return &fault.Error{Kind: fault.Refused, Msg: MsgNotDecider}
	}
	return nil
}

func (s *Service) refusal(p Proposal, by Operator, now time.Time) error {
	switch {
	case p.State != Open || p.Over(now):
		return &fault.Error{Kind: fault.Conflict, Msg: MsgProposalOver}
	case p.By == by.ID || p.Subject == by.ID:
		return &fault.Error{Kind: fault.Refused, Msg: MsgOwnProposal}
	}
	return &fault.Error{Kind: fault.Refused, Msg: MsgNotDecider}
}

// Fetch uses an approved export up: who asked for it gets it, once, within a day.
func (s *Service) Fetch(ctx context.Context, by Operator, id string) (Proposal, error) {
	p, err := s.Store.Proposal(ctx, id)
	if err != nil {
		return Proposal{}, err
	}
	now := s.Now()
	if p.Matter != Export || p.By != by.ID {
		return Proposal{}, fault.New(fault.NotFound, "no such export")
	}
	if p.State != Approved || !now.Before(p.Decided.Add(FetchLife)) {
		return Proposal{}, &fault.Error{Kind: fault.Conflict, Msg: MsgProposalOver}
	}
	won, err := s.Store.SettleProposal(ctx, id, Approved, Done, p.Decider, p.Decided, audit.Event{Kind: audit.TrailExported, Actor: by.ID, Object: id})
	if err == nil && !won {
		err = &fault.Error{Kind: fault.Conflict, Msg: MsgProposalOver}
	}
	return p, err
}
