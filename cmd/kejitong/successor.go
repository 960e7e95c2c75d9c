package main

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/holder"
	"kejitong/provider/realname"
)

// succeed ends the mandates of those who led a unit before its new legal
// representative was verified; what others hold for it goes on. Their tokens end
// with the mandates.
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
		for _, m := range who.Mandates {
			if m.Unit.ID != c.After.Unit.ID || m.Relation != entitlement.LegalRep || m.State == entitlement.Revoked {
				continue
			}
			m.State, m.Until = entitlement.Revoked, a.clock()
			ev := audit.Event{Kind: audit.EntitlementEnded, Actor: "verification", Object: m.ID, Detail: "legal representative succeeded"}
			if err := a.db.PutMandate(ctx, m, audit.From(ctx, ev)); err != nil {
				return err
			}
		}
	}
	return nil
}
