package main

import (
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/realname"
)

// When another legal representative is verified, the former one acts for the unit
// no more, with any token; handlers go on.
func TestALegalRepresentativeIsSucceeded(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		unit := *r.person("b").Unit
		former := r.person("a").Account
		m := entitlement.Mandate{ID: "led", Account: former.ID, Unit: unit, Relation: entitlement.LegalRep, State: entitlement.Active, Source: entitlement.Verification, From: now().Add(-time.Hour)}
		if err := r.app.db.PutMandate(ctx, m, deed(audit.EntitlementMade, m.ID, "")); err != nil {
			t.Fatal(err)
		}
		holder := func(idNumber string) realname.Holder {
			a := r.person("b").Account
			a.Profile.LegalRep = &account.Person{Name: "张三", IDType: account.DocResident, IDNumber: idNumber}
			return realname.Holder{Account: a, Unit: &unit}
		}
		acts := func() bool {
			p, err := r.app.db.ByAccount(ctx, former.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, ok := p.ActsFor(unit.ID, now())
			return ok
		}
		// The same person under a corrected name, and the new one himself, stay.
		for _, c := range []realname.Change{
			{Before: holder(former.Profile.IDNumber), After: holder(former.Profile.IDNumber)},
			{Before: holder("110000199001010013"), After: holder(former.Profile.IDNumber)},
		} {
			if err := r.app.succeed(ctx, c); err != nil || !acts() {
				t.Fatalf("taken from the one who leads: %v", err)
			}
		}
		handlers := r.ask(`SELECT COUNT(*) FROM mandates WHERE unit_id = ? AND relation = 'handler' AND state = 'active'`, unit.ID)
		if err := r.app.succeed(ctx, realname.Change{Before: holder(former.Profile.IDNumber), After: holder("110000199001010013")}); err != nil || acts() {
			t.Errorf("the former one still acts: %v", err)
		}
		if n := r.ask(`SELECT COUNT(*) FROM mandates WHERE unit_id = ? AND relation = 'handler' AND state = 'active'`, unit.ID); n != handlers || n == 0 {
			t.Errorf("%d handlers, had %d", n, handlers)
		}
	})
}
