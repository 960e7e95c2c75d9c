package mandate

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// shown is how many invitations are looked at.
const shown = 200

// Acts is somebody who acts for a unit.
type Acts struct {
	Mandate entitlement.Mandate
	Account account.Account
	Grants  []entitlement.Grant // for the unit, not over
	May     bool                // who asks may end it
}

// Handlers gives who acts for the unit and what was offered, to somebody who rules
// over that; fault.Refused for others.
func (s *Service) Handlers(ctx context.Context, id account.ID, unit string) (Rule, []Acts, []Invitation, error) {
	rule, err := s.Rules(ctx, id, unit)
	if err != nil {
		return rule, nil, nil, err
	}
	people, err := s.acting(ctx, unit)
	if err != nil {
		return rule, nil, nil, err
	}
	for n := range people {
		people[n].May = MayName(rule.Relation, people[n].Mandate.Relation) && people[n].Account.ID != id
	}
	offers, err := s.Store.InvitationsOf(ctx, unit, shown)
	return rule, people, offers, err
}

// acting gives everybody whose mandate for the unit is not over.
func (s *Service) acting(ctx context.Context, unit string) ([]Acts, error) {
	list, err := s.Store.MandatesOf(ctx, unit)
	if err != nil {
		return nil, err
	}
	var out []Acts
	for _, m := range list {
		who, err := s.Store.Standing(ctx, m.Account)
		if err != nil {
			return nil, err
		}
		a := Acts{Mandate: m, Account: who.Account}
		for _, own := range who.Mandates {
			if own.ID == m.ID {
				a.Mandate = own
			}
		}
		for _, g := range who.Grants {
			if g.UnitID == unit && !g.State.Over() {
				a.Grants = append(a.Grants, g)
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// Mine gives what a person was offered and can still answer.
func (s *Service) Mine(ctx context.Context, id account.ID) ([]Invitation, error) {
	list, err := s.Store.InvitationsTo(ctx, id, shown)
	if err != nil {
		return nil, err
	}
	var out []Invitation
	for _, i := range list {
		if now := s.Now(); i.State == Offered && now.Before(i.AnswerBy) && now.Before(i.Until) {
			out = append(out, i)
		}
	}
	return out, nil
}
