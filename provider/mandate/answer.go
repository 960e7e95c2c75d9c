package mandate

import (
	"context"
	"slices"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

var errOver = &fault.Error{Kind: fault.Conflict, Msg: MsgOver}

// theirs gives the invitation if it is the person's; fault.NotFound for one of
// somebody else.
func (s *Service) theirs(ctx context.Context, id account.ID, invitation string) (Invitation, error) {
	i, err := s.Store.Invitation(ctx, invitation)
	if err != nil {
		return i, err
	}
	if id == "" || i.Person != id {
		return Invitation{}, fault.New(fault.NotFound, "no such invitation") // S79
	}
	return i, nil
}

// Confirm is the person's yes: mandate and delegated entitlements are written in
// one transaction, in place of those that the person had for the unit. It is
// looked at as it is now: who invited must still rule, and the unit must still hold
// what it offered. fault.Conflict where it was answered or withdrawn meanwhile.
func (s *Service) Confirm(ctx context.Context, id account.ID, invitation string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		i, err := s.theirs(ctx, id, invitation)
		if err != nil {
			return err
		}
		unit, err := s.Store.HeldUnit(ctx, i.Unit)
		if err != nil {
			return err
		}
		now := s.Now()
		to, ok := Next(i.State, Confirm)
		if !ok || !now.Before(i.AnswerBy) || !now.Before(i.Until) {
			return errOver
		}
		who, err := s.Store.Standing(ctx, id)
		if err != nil {
			return err
		}
		rule, err := s.Rules(ctx, i.Inviter, i.Unit)
		if fault.Is(err, fault.Refused) || err == nil && (!MayName(rule.Relation, i.Relation) || !Within(i.Scope, rule.Holds) || !who.eligible() || !unit.Usable() || !s.fits(ctx, who, i, rule)) {
			return &fault.Error{Kind: fault.Refused, Msg: MsgChanged}
		}
		if err != nil {
			return err
		}
		was := i.State
		i.State, i.AnsweredAt = to, now
		ev := audit.From(ctx, audit.Event{Kind: audit.HandlerConfirmed, Actor: string(id), Object: i.ID, Detail: string(i.Relation)})
		// Before it is moved: one invitation of a unit is active for a person.
		if err := s.replace(ctx, i); err != nil {
			return err
		}
		if won, err := s.Store.MoveInvitation(ctx, i, was, ev); err != nil || !won {
			if err == nil {
				err = errOver
			}
			return err
		}
		if err := s.give(ctx, who, unit, i, rule.own); err != nil {
			return err
		}
		return s.tellUnit(ctx, unit, i.ID, "mandate_confirmed", account.MaskName(i.Name))
	})
}

// replace closes what else the unit offered or gave the person by invitation.
func (s *Service) replace(ctx context.Context, by Invitation) error {
	others, err := s.Store.InvitationsTo(ctx, by.Person, shown)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.Unit != by.Unit || o.ID == by.ID {
			continue
		}
		was := o.State
		to, ok := Next(was, Replace)
		if !ok {
			continue
		}
		o.State, o.EndedAt, o.EndedBy = to, s.Now(), "system"
		ev := audit.From(ctx, audit.Event{Kind: audit.HandlerEnded, Actor: string(by.Person), Object: o.ID, Detail: "replaced"})
		if _, err := s.Store.MoveInvitation(ctx, o, was, ev); err != nil {
			return err
		}
	}
	return nil
}

// give writes what the invitation names, and takes what it does not: whatever the
// person held for the unit by delegation or by the move of the Torch accounts (G1)
// stands anew or is over.
func (s *Service) give(ctx context.Context, who Standing, unit account.Unit, i Invitation, own []entitlement.Grant) error {
	now := s.Now()
	m := entitlement.Mandate{ID: string(account.NewID())}
	for _, old := range who.Mandates {
		if old.Unit.ID == unit.ID && !old.State.Over() {
			m = old
		}
	}
	if m.Relation != entitlement.LegalRep || !m.Live(now) { // an office stands as it is
		m.Account, m.Unit, m.Relation, m.State, m.Source, m.From, m.Until = i.Person, unit, i.Relation, entitlement.Active, entitlement.Delegated, now, i.Until
		ev := audit.From(ctx, audit.Event{Kind: audit.EntitlementMade, Actor: string(i.Inviter), Object: m.ID, Detail: "mandate"})
		if err := s.Store.PutMandate(ctx, m, ev); err != nil {
			return err
		}
	}
	used := map[string]bool{}
	for _, sc := range i.Scope {
		g := entitlement.Grant{ID: string(account.NewID())}
		for _, old := range who.Grants {
			if old.UnitID == unit.ID && old.System == sc.System && handed(old) {
				g.ID = old.ID
			}
		}
		g.Account, g.UnitID, g.System, g.Actions = i.Person, unit.ID, sc.System, slices.Clone(sc.Actions)
		g.State, g.Source, g.From, g.Until = entitlement.Active, entitlement.Delegated, now, i.Until
		if g, _ = g.Bounded(own, now); len(g.Actions) == 0 {
			continue // nothing was named of this system
		}
		used[g.ID] = true
		ev := audit.From(ctx, audit.Event{Kind: audit.EntitlementMade, Actor: string(i.Inviter), Object: g.ID, Detail: string(g.System)})
		if err := s.Store.PutGrant(ctx, g, ev); err != nil {
			return err
		}
	}
	for _, old := range who.Grants {
		if old.UnitID == unit.ID && handed(old) && !used[old.ID] {
			if err := s.revoke(ctx, old, string(i.Person)); err != nil {
				return err
			}
		}
	}
	return nil
}

// handed tells whether a grant is one that a unit rules over and that is not over.
func handed(g entitlement.Grant) bool {
	return (g.Source == entitlement.Delegated || g.Source == entitlement.TorchMigration) && !g.State.Over()
}

func (s *Service) revoke(ctx context.Context, g entitlement.Grant, by string) error {
	g.State = entitlement.Revoked
	if now := s.Now(); g.Until.IsZero() || now.Before(g.Until) {
		g.Until = now
	}
	return s.Store.PutGrant(ctx, g, audit.From(ctx, audit.Event{Kind: audit.EntitlementEnded, Actor: by, Object: g.ID, Detail: string(g.System)}))
}

// Decline is the person's no. fault.Conflict where it was answered or withdrawn
// meanwhile.
func (s *Service) Decline(ctx context.Context, id account.ID, invitation string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		i, err := s.theirs(ctx, id, invitation)
		if err != nil {
			return err
		}
		unit, err := s.Store.HeldUnit(ctx, i.Unit)
		if err != nil {
			return err
		}
		if err := s.move(ctx, i, Decline, string(id), "person", audit.HandlerDeclined); err != nil {
			return err
		}
		return s.tellUnit(ctx, unit, i.ID, "mandate_declined", account.MaskName(i.Name))
	})
}

// Withdraw takes an offer back. Who ruled when it was made need not be who rules
// now. fault.Conflict where it was answered meanwhile.
func (s *Service) Withdraw(ctx context.Context, by account.ID, invitation string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		i, err := s.Store.Invitation(ctx, invitation)
		if err != nil {
			return err
		}
		rule, err := s.Rules(ctx, by, i.Unit)
		if fault.Is(err, fault.Refused) {
			return fault.New(fault.NotFound, "no such invitation") // S79
		}
		if err != nil {
			return err
		}
		if !MayName(rule.Relation, i.Relation) {
			return &fault.Error{Kind: fault.Refused, Msg: MsgMay}
		}
		return s.move(ctx, i, Withdraw, string(by), "unit", audit.HandlerEnded)
	})
}

// move is a step that changes the invitation alone.
func (s *Service) move(ctx context.Context, i Invitation, e Event, actor, side string, kind audit.Kind) error {
	was := i.State
	to, ok := Next(was, e)
	if !ok {
		return errOver
	}
	i.State, i.AnsweredAt, i.EndedAt, i.EndedBy = to, s.Now(), s.Now(), side
	ev := audit.From(ctx, audit.Event{Kind: kind, Actor: actor, Object: i.ID, Detail: string(e)})
	won, err := s.Store.MoveInvitation(ctx, i, was, ev)
	if err == nil && !won {
		err = errOver
	}
	return err
}
