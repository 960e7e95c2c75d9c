package main

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/holder"
	"kejitong/provider/realname"
)

// succeed takes the unit from those who led it before its new legal representative
// was verified: mandate, what they held by it, what they offered in its name, and
// their tokens; they are told. What others hold for it goes on: the unit's own account, and not
// who led it, holds the most that they have.
func (a *app) succeed(ctx context.Context, c realname.Change) error {
	was, is := c.Before.Account.Profile.LegalRep, c.After.Account.Profile.LegalRep
	if c.After.Unit == nil || !holder.Succeeded(was, is) {
		return nil
	}
	leaders, err := a.db.Leaders(ctx, c.After.Unit.ID)
	if err != nil {
		return err
	}
	for _, id := range leaders {
		who, err := a.db.ByAccount(ctx, id)
		if err != nil {
			return err
		}
		if p := who.Account.Profile; who.Account.RealName.Verified() && !holder.Succeeded(&account.Person{IDType: p.IDType, IDNumber: p.IDNumber}, is) {
			continue // the new one himself
		}
		if err := a.handlers.Succeed(ctx, *c.After.Unit, id); err != nil {
			return err
		}
	}
	return nil
}
