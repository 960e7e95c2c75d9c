package mandate

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// BySystem is whose word an end was that neither side asked for.
const BySystem = "system"

// EndFor is the unit's word: the person no longer acts for it, from the next use of
// any token on. by must rule over the person's role; fault.Conflict if there is
// nothing to end.
func (s *Service) EndFor(ctx context.Context, by account.ID, unit string, person account.ID) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Store.HeldUnit(ctx, unit); err != nil {
			return err
		}
		rule, err := s.Rules(ctx, by, unit)
		if err != nil {
			return err
		}
		who, err := s.Store.Standing(ctx, person)
		if err != nil {
			return err
		}
		for _, m := range who.Mandates {
			if m.Unit.ID == unit && !m.State.Over() && !MayName(rule.Relation, m.Relation) {
				return &fault.Error{Kind: fault.Refused, Msg: MsgMay}
			}
		}
		if err := s.end(ctx, who, unit, string(by), "unit"); err != nil {
			return err
		}
		return s.tell(ctx, who.Account, unit+string(person)+stamp(s.Now()), "mandate_ended", rule.Unit.Name)
	})
}

// Leave is the person's word: he acts for the unit no more.
func (s *Service) Leave(ctx context.Context, person account.ID, unit string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		u, err := s.Store.HeldUnit(ctx, unit)
		if err != nil {
			return err
		}
		who, err := s.Store.Standing(ctx, person)
		if err != nil {
			return err
		}
		if err := s.end(ctx, who, unit, string(person), "person"); err != nil {
			return err
		}
		return s.tellUnit(ctx, u, unit+string(person)+stamp(s.Now()), "mandate_left", account.MaskName(who.Account.Profile.Name))
	})
}

// Succeed ends by EndBy what somebody led of a unit whose register names another legal
// representative now, and tells him.
func (s *Service) Succeed(ctx context.Context, unit account.Unit, person account.ID) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.EndBy(ctx, "verification", unit.ID, person); err != nil {
			return err
		}
		who, err := s.Store.Standing(ctx, person)
		if err != nil {
			return err
		}
		return s.tell(ctx, who.Account, string(account.NewID()), "mandate_succeeded", unit.Name)
	})
}

// EndBy ends it by somebody else's word, such as an operator's; the reason stands
// in the trail. Nothing to end is no fault.
func (s *Service) EndBy(ctx context.Context, actor string, unit string, person account.ID) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Store.HeldUnit(ctx, unit); err != nil {
			return err
		}
		who, err := s.Store.Standing(ctx, person)
		if err != nil {
			return err
		}
		err = s.end(ctx, who, unit, actor, BySystem)
		if fault.Is(err, fault.Conflict) {
			return nil
		}
		return err
	})
}

// end takes the unit from the person: mandates, what was handed over, the
// invitation, what the unit offers him beside, and what he offered others in its
// name. It runs within ctx's transaction, which holds the unit.
func (s *Service) end(ctx context.Context, who Standing, unit, actor, side string) error {
	now, found := s.Now(), false
	list, err := s.Store.InvitationsTo(ctx, who.Account.ID, shown)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Unit != unit || !i.State.Open() {
			continue
		}
		by := Withdraw // else a yes to an old offer would bring it back
		if i.State == Active {
			found, by = true, End
		}
		if err := s.move(ctx, i, by, actor, side, audit.HandlerEnded); err != nil {
			return err
		}
	}
	for _, m := range who.Mandates {
		if m.Unit.ID != unit || m.State.Over() {
			continue
		}
		found = true
		if m.State = entitlement.Revoked; m.Until.IsZero() || now.Before(m.Until) {
			m.Until = now
		}
		ev := audit.From(ctx, audit.Event{Kind: audit.EntitlementEnded, Actor: actor, Object: m.ID, Detail: "mandate"})
		if err := s.Store.PutMandate(ctx, m, ev); err != nil {
			return err
		}
	}
	for _, g := range who.Grants {
		// Whatever it came from: named anew, he holds what is named then, and no more.
		if g.UnitID == unit && !g.State.Over() {
			found = true
			if err := s.revoke(ctx, g, actor); err != nil {
				return err
			}
		}
	}
	if !found {
		return errOver
	}
	return s.withdrawOffersOf(ctx, who.Account.ID, unit, actor)
}

// withdrawOffersOf takes back what somebody offered who rules no more.
func (s *Service) withdrawOffersOf(ctx context.Context, inviter account.ID, unit, actor string) error {
	list, err := s.Store.InvitationsOf(ctx, unit, shown)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Inviter != inviter || i.State != Offered {
			continue
		}
		if err := s.move(ctx, i, Withdraw, actor, BySystem, audit.HandlerEnded); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}
