package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

// third makes the case e act for one more unit, so that with any one gone there is
// still something to choose.
func (r *rig) third() account.Unit {
	r.t.Helper()
	did := audit.Event{Kind: audit.EntitlementMade, Actor: "test"}
	u := *r.person("b").Unit
	u.ID, u.USCC, u.Name, u.AccountID = "third", account.CompleteUSCC("91110000MA9ZZT03"), "第三家有限公司", ""
	e := r.person("e").Account.ID
	m := entitlement.Mandate{ID: "third", Account: e, Unit: u, Relation: entitlement.Handler, State: entitlement.Active, Source: entitlement.Delegated, From: r.clock.now()}
	g := entitlement.Grant{ID: "third", Account: e, UnitID: u.ID, System: hightech, Actions: []string{"apply"}, State: entitlement.Active, Source: entitlement.Delegated, From: r.clock.now()}
	for _, err := range []error{r.app.db.PutUnit(r.t.Context(), u, did), r.app.db.PutMandate(r.t.Context(), m, did), r.app.db.PutGrant(r.t.Context(), g, did)} {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return u
}

// offered are the codes of the units that a chooser offers, in its order.
func offered(p page) (out []string) {
	for _, part := range strings.Split(p.body, `name="org"`)[1:] {
		for _, code := range []string{demoUSCC, otherUnit, string(account.CompleteUSCC("91110000MA9ZZT03"))} {
			if strings.Contains(part, code) {
				out = append(out, code)
			}
		}
	}
	return out
}

// The chooser offers what opens the system now and nothing else, the last choice
// first; without one, and without a hint, nothing is issued in silence.
func TestChooserOffersWhatOpens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		u, ctx := r.third(), t.Context()
		b := r.browser()
		r.walkIn(b, "e", "/me")
		ask := func(more ...string) page { return b.get(r.authorizeURL(r.systemRequest().with(more...))) }
		if got := offered(ask()); len(got) != 3 {
			t.Fatalf("offered: %v", got)
		}
		// One token for one unit, in turn; the last choice stands first.
		for _, uscc := range []string{otherUnit, string(u.USCC), demoUSCC} {
			a := r.systemRequest()
			p := b.get(r.authorizeURL(a))
			m := r.redeem(a, callback(t, b.submit(p, "org", url.Values{"org": {r.unitID(uscc)}})).Get("code"))
			if org, _ := claimsOf(t, text(m, "id_token"))["org"].(map[string]any); org["uscc"] != uscc {
				t.Errorf("chosen %s, the token says %v", uscc, org)
			}
			if got := offered(ask()); len(got) != 3 || got[0] != uscc {
				t.Errorf("after %s: offered %v", uscc, got)
			}
		}
		// So it does in the next session; another system and somebody else have choices
		// of their own.
		next := r.browser()
		r.walkIn(next, "e", "/me")
		if got := offered(next.get(r.authorizeURL(r.systemRequest()))); len(got) != 3 || got[0] != demoUSCC {
			t.Errorf("in the next session: offered %v", got)
		}
		for at, who := range map[string]string{"another": string(r.person("e").Account.ID), "hightech-enterprise": "somebody"} {
			if last, err := r.app.db.LastChosen(ctx, account.ID(who), at); err != nil || last != "" {
				t.Errorf("%s at %s chose %q, %v", who, at, last, err)
			}
		}
		for _, row := range []struct{ hint, want string }{
			{"-", "interaction_required"}, {otherUnit, ""}, {strings.ToLower(otherUnit), ""},
			{string(account.CompleteUSCC("91110000MA9ZZT09")), "access_denied"}, {"'; --", "access_denied"},
		} {
			q := callback(t, ask("prompt", "none", "org_hint", row.hint))
			if q.Get("error") != row.want || (q.Get("code") != "") != (row.want == "") || strings.Contains(q.Encode(), "MA9ZZT09") {
				t.Errorf("hint %s: %v", row.hint, q)
			}
		}

		did := audit.Event{Kind: audit.EntitlementSet, Actor: "test"}
		mandate := func(change func(m *entitlement.Mandate)) func() error {
			return func() error {
				m := r.person("e").Mandates[slices.IndexFunc(r.person("e").Mandates, func(m entitlement.Mandate) bool { return m.Unit.ID == u.ID })]
				m.State, m.From, m.Until = entitlement.Active, r.clock.now().Add(-time.Minute), time.Time{}
				change(&m)
				return r.app.db.PutMandate(ctx, m, did)
			}
		}
		grant := func(change func(g *entitlement.Grant)) func() error {
			return func() error {
				g := entitlement.Grant{ID: "third", Account: r.person("e").Account.ID, UnitID: u.ID, System: hightech, Actions: []string{"apply"},
					State: entitlement.Active, Source: entitlement.Delegated, From: r.clock.now().Add(-time.Minute)}
				change(&g)
				return r.app.db.PutGrant(ctx, g, did)
			}
		}
		unit := func(state account.State, status string) func() error {
			return func() error {
				u.State, u.Status = state, status
				return r.app.db.PutUnit(ctx, u, did)
			}
		}
		stands := unit(account.Active, account.UnitRegistered)
		heldM, heldG := mandate(func(*entitlement.Mandate) {}), grant(func(*entitlement.Grant) {})
		for _, row := range []struct {
			name       string
			take, back func() error
		}{
			{"mandate not confirmed", mandate(func(m *entitlement.Mandate) { m.State = entitlement.Pending }), heldM},
			{"mandate suspended", mandate(func(m *entitlement.Mandate) { m.State = entitlement.Suspended }), heldM},
			{"mandate ended", mandate(func(m *entitlement.Mandate) { m.State = entitlement.Revoked }), heldM},
			{"mandate run out", mandate(func(m *entitlement.Mandate) { m.Until = r.clock.now() }), heldM},
			{"mandate of later", mandate(func(m *entitlement.Mandate) { m.From = r.clock.now().Add(time.Hour) }), heldM},
			{"mandate altered", func() error { r.exec(`UPDATE mandates SET relation = 'admin' WHERE id = 'third'`); return nil }, heldM},
			{"entry suspended", grant(func(g *entitlement.Grant) { g.State = entitlement.Suspended }), heldG},
			{"entry run out", grant(func(g *entitlement.Grant) { g.Until = r.clock.now() }), heldG},
			{"unit frozen", unit(account.Frozen, account.UnitRegistered), stands},
			{"unit deregistered", unit(account.Active, account.UnitDeregistered), stands},
		} {
			drawn := ask() // before it is taken
			if err := row.take(); err != nil {
				t.Fatal(err)
			}
			if got := offered(ask()); len(got) != 2 || strings.Contains(strings.Join(got, " "), string(u.USCC)) {
				t.Errorf("%s: offered %v", row.name, got)
			}
			if p := b.submit(drawn, "org", url.Values{"org": {u.ID}}); p.StatusCode != http.StatusForbidden {
				t.Errorf("%s: chosen all the same: %d at %s", row.name, p.StatusCode, p.Request.URL)
			}
			if q := callback(t, ask("prompt", "none", "org_hint", string(u.USCC))); q.Get("error") != "access_denied" || q.Get("code") != "" {
				t.Errorf("%s: by a hint: %v", row.name, q)
			}
			if err := row.back(); err != nil {
				t.Fatal(err)
			}
			if got := offered(ask()); len(got) != 3 {
				t.Fatalf("%s, undone: offered %v", row.name, got)
			}
		}
	})
}
