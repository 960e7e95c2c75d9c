package oidc

import (
	"reflect"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

// Identity leaves the provider as verified or not at all: whatever an
// unverified account calls itself is nobody's name.
func TestNothingVerifiedOfTheUnverified(t *testing.T) {
	h := newHouse(t)
	for _, status := range []string{account.StatusUnverified, account.StatusPending, account.StatusFailed, account.StatusManualReview, account.StatusRejected} {
		for _, g := range []*principal.Held{rich(person()), rich(unitSession()), rich(newcomer())} {
			g.Principal.Account.RealName.Status = status
			g.Grant.Data.Scopes = everyScope
			rp := hightechClient()
			rp.Metadata.FullIDToken = true
			id, ui := h.released(rp, g)
			for _, name := range []string{"name", "verified_claims", "org_legal_representative"} {
				if id[name] != nil || ui[name] != nil {
					t.Errorf("%s %s: %s is released", status, g.Principal.Account.Kind, name)
				}
			}
			for _, m := range []map[string]any{id, ui} {
				r := m["realname"].(map[string]any)
				if r["status"] != status || r["method"] != nil {
					t.Errorf("realname = %v", r)
				}
			}
		}
	}
	_, ui := h.released(hightechClient(), person())
	if ui["name"] != "张三" {
		t.Errorf("a verified name: %v", ui["name"])
	}
}

// A relying party keys its enterprise data on org.uscc: a legal account that
// nobody verified must not bring one (case d: no org).
func TestUnverifiedLegalAccountSpeaksForNoUnit(t *testing.T) {
	h := newHouse(t)
	g := unitSession()
	g.Principal.Account.RealName = account.RealName{Status: account.StatusPending, Level: "L1"}
	g.Grant.Data.Scopes = []string{consent.OpenID, consent.Org, consent.Groups}
	id, ui := h.released(hightechClient(), g)
	if id["org"] != nil || ui["org"] != nil {
		t.Errorf("org: %v %v", id["org"], ui["org"])
	}
	for _, v := range id["groups"].([]any) {
		if v == "relation:self" {
			t.Error("groups claim the relation")
		}
	}
}

// One token speaks for one unit, and for none once the account no longer acts
// for it.
func TestUnitOfTheGrant(t *testing.T) {
	h := newHouse(t)
	now := h.Now()
	for _, c := range []struct {
		name   string
		change func(*principal.Held)
	}{
		{"mandate revoked", func(g *principal.Held) { g.Principal.Mandates[0].State = entitlement.Revoked }},
		{"mandate suspended", func(g *principal.Held) { g.Principal.Mandates[0].State = entitlement.Suspended }},
		{"mandate run out", func(g *principal.Held) { g.Principal.Mandates[0].Until = now }},
		{"mandate for another unit", func(g *principal.Held) { g.Principal.Mandates[0].Unit.ID = "unit-2" }},
		{"unit frozen", func(g *principal.Held) { g.Principal.Mandates[0].Unit.State = account.Frozen }},
		{"unit deregistered", func(g *principal.Held) { g.Principal.Mandates[0].Unit.Status = account.UnitDeregistered }},
		{"token for the person alone", func(g *principal.Held) { g.Grant.UnitID = "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := handler()
			c.change(g)
			id, ui := h.released(hightechClient(), g)
			if id["org"] != nil || ui["org"] != nil || ui["verified_claims"] != nil {
				t.Errorf("org %v %v, verified_claims %v", id["org"], ui["org"], ui["verified_claims"])
			}
		})
	}
	t.Run("the one that was chosen, of two", func(t *testing.T) {
		g := handler()
		second := g.Principal.Mandates[0]
		second.Unit.ID, second.Unit.USCC, second.Relation = "unit-2", "91110000MA00000077", entitlement.Admin
		g.Principal.Mandates = append(g.Principal.Mandates, second)
		g.Grant.UnitID = "unit-2"
		id, _ := h.released(hightechClient(), g)
		org := id["org"].(map[string]any)
		if org["uscc"] != "91110000MA00000077" || org["relation"] != "admin" {
			t.Errorf("org = %v", org)
		}
		if !reflect.DeepEqual(id["entitlements"], any([]any{})) {
			t.Errorf("entitlements of the other unit: %v", id["entitlements"])
		}
	})
}

// The authority member: whence the grant came and on which days it holds, as
// written in China Standard Time.
func TestAuthority(t *testing.T) {
	h := newHouse(t)
	permission := func(t *testing.T, g *principal.Held) (by, valid map[string]any) {
		t.Helper()
		_, ui := h.released(hightechClient(), g)
		a := ui["verified_claims"].(map[string]any)["claims"].(map[string]any)["authority"].([]any)
		if len(a) != 1 {
			t.Fatalf("authority: %s", pretty(a))
		}
		first := a[0].(map[string]any)
		return first["granted_by"].(map[string]any), first["permission"].([]any)[0].(map[string]any)["validity"].([]any)[0].(map[string]any)
	}
	t.Run("delegated by the unit's own account", func(t *testing.T) {
		g := handler()
		g.Principal.Grants[0].Source = entitlement.Delegated
		by, _ := permission(t, g)
		if !reflect.DeepEqual(by, map[string]any{"method": "delegated"}) {
			t.Errorf("granted_by = %v", by)
		}
		_, ui := h.released(hightechClient(), g)
		if org := ui["org"].(map[string]any); org["grant_source"] != nil || org["grant_expires_at"] != nil {
			t.Errorf("org speaks of a migration: %v", org)
		}
	})
	t.Run("days are those of Beijing", func(t *testing.T) {
		g := handler()
		g.Principal.Grants[0].From = time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)  // 21 November, 00:00
		g.Principal.Grants[0].Until = time.Date(2027, 11, 11, 16, 0, 0, 0, time.UTC) // up to the end of 11 November
		if _, valid := permission(t, g); valid["start"] != "2026-11-21" || valid["end"] != "2027-11-11" {
			t.Errorf("validity = %v", valid)
		}
	})
	t.Run("no longer than the mandate, and not before it", func(t *testing.T) {
		g := handler()
		g.Principal.Grants[0].Until = time.Time{}
		g.Principal.Mandates[0].From = time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC)
		g.Principal.Mandates[0].Until = time.Date(2027, 1, 31, 16, 0, 0, 0, time.UTC)
		if _, valid := permission(t, g); valid["start"] != "2026-11-22" || valid["end"] != "2027-01-31" {
			t.Errorf("validity = %v", valid)
		}
	})
	t.Run("open-ended", func(t *testing.T) {
		g := handler()
		g.Principal.Grants[0].Until, g.Principal.Mandates[0].Until = time.Time{}, time.Time{}
		if _, valid := permission(t, g); valid["end"] != nil {
			t.Errorf("validity = %v", valid)
		}
	})
	t.Run("nobody delegates to himself", func(t *testing.T) {
		g := unitSession()
		g.Grant.Data.Scopes = []string{consent.OpenID, consent.Org, consent.Authority}
		if _, ui := h.released(hightechClient(), g); ui["verified_claims"] != nil {
			t.Errorf("verified_claims = %v", ui["verified_claims"])
		}
	})
}
