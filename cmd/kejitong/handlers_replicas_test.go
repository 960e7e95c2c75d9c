package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/holder"
	"kejitong/provider/mandate"
	"kejitong/provider/realname"
	"kejitong/store"
	"kejitong/store/storetest"
)

// otherUnit is the second one that liuliu acts for.
const otherUnit = "91110000MA00000077"

// hands is a provider at several addresses with two business systems, which are
// told of sign-outs.
type hands struct {
	*rig
	all  []*rig
	post *receiver
}

func onHands(t *testing.T, fn func(t *testing.T, h hands)) {
	t.Helper()
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			rc := newReceiver(t)
			r := newRig(t, o, func(c *config.Config) { c.Clients.OutboundAllow = []string{strings.TrimPrefix(rc.URL, "http://")} }, nil)
			for id, system := range map[string]entitlement.SystemID{"first": hightech, "second": techSME} {
				r.register(id, client.Metadata{
					BusinessSystems: []entitlement.SystemID{system}, AcceptMigrated: true, Scope: "openid org entitlements offline_access",
					BackchannelLogoutURI: rc.URL + "/" + id, BackchannelSessionNeeded: true,
				})
			}
			h := hands{r, []*rig{r}, rc}
			if o.Driver == "postgres" {
				h.all = append(h.all, r.replica(), r.replica())
			}
			fn(t, h)
		})
	}
}

// at is where a deed is done: not where the tokens were issued, if there is another.
func (h hands) at() *app { return h.all[len(h.all)-1].app }

func unitRequest(id, uscc string) attempt {
	return request(id, "openid org entitlements offline_access").with("org_hint", uscc)
}

// enters gives the tokens of the case at a system for a unit.
func (h hands) enters(b *browser, c, id, uscc string) map[string]any {
	h.t.Helper()
	a := unitRequest(id, uscc)
	return h.redeem(a, h.code(b, c, a))
}

// restores gives the case e what the cast has, after a row took it.
func (h hands) restores() {
	h.t.Helper()
	did := audit.Event{Kind: audit.EntitlementMade, Actor: "test"}
	must := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	unit, e := h.person("b").Unit.ID, h.person("e")
	for _, g := range h.person("b").Grants {
		g.State, g.Until = entitlement.Active, time.Time{}
		must(h.app.db.PutGrant(h.t.Context(), g, did))
	}
	for _, m := range e.Mandates {
		if m.Unit.ID == unit {
			m.State, m.Until = entitlement.Active, h.clock.now().AddDate(1, 0, 0)
			must(h.app.db.PutMandate(h.t.Context(), m, did))
		}
	}
	for _, g := range e.Grants {
		if g.UnitID == unit {
			g.State, g.Until = entitlement.Active, h.clock.now().AddDate(1, 0, 0)
			must(h.app.db.PutGrant(h.t.Context(), g, did))
		}
	}
}

// Whatever takes a unit from somebody takes effect at the next refresh, UserInfo and
// introspection of every replica, no new token comes, and the system concerned, and
// it alone, is told to end its own session (S62).
func TestWhoActsForAUnitNoMoreIsStoppedEverywhere(t *testing.T) {
	onHands(t, func(t *testing.T, h hands) {
		ctx := t.Context()
		unit, own, e := *h.person("b").Unit, h.person("b").Account.ID, h.person("e").Account.ID
		lead(h, unit)
		for _, row := range []struct {
			name, c string
			end     func(h hands) error
			undo    func(h hands) error
		}{
			{"the unit's own grant suspended", "e", func(h hands) error { return h.own(entitlement.Suspend) }, func(h hands) error { return h.own(entitlement.Resume) }},
			{"the unit's own grant revoked", "e", func(h hands) error { return h.own(entitlement.Revoke) }, nil},
			{"the unit frozen", "e", func(h hands) error {
				return h.at().db.SetUnitState(ctx, unit.ID, account.Active, account.Frozen, deed(audit.UnitChanged, unit.ID, "freeze"))
			}, func(h hands) error {
				return h.at().db.SetUnitState(ctx, unit.ID, account.Frozen, account.Active, deed(audit.UnitChanged, unit.ID, "release"))
			}},
			{"ended by the unit", "e", func(h hands) error { return h.at().handlers.EndFor(ctx, own, unit.ID, e) }, nil},
			{"left by the handler", "e", func(h hands) error { return h.at().handlers.Leave(ctx, e, unit.ID) }, nil},
			{"another legal representative", "a", func(h hands) error { return h.succeeds() }, nil},
			{"the unit deregistered", "e", func(h hands) error {
				return (&holder.Service{Store: h.at().db, Now: h.clock.now}).EndUnit(ctx, holder.UnitEnd{Unit: unit.ID, How: holder.Deregistered, By: "operator"})
			}, nil},
		} {
			t.Run(row.name, func(t *testing.T) {
				h := hands{h.as(t), h.all, h.post}
				h.restores()
				h.quiet()
				b, elsewhere := h.browser(), h.browser()
				m := h.enters(b, row.c, "first", demoUSCC)
				stays := h.enters(elsewhere, "e", "second", otherUnit)
				for _, x := range h.all {
					x.as(t).wantAlive("first", m, "before")
				}
				if err := row.end(h); err != nil {
					t.Fatal(err)
				}
				for _, x := range h.all {
					x := x.as(t)
					x.want(x.refresh("first", text(m, "refresh_token")), 400, "invalid_grant", "refresh")
					x.wantDead("first", m, "taken")
					if got := x.info(text(m, "access_token")); got.status != http.StatusUnauthorized {
						t.Errorf("userinfo: %s", got)
					}
					x.wantAlive("second", stays, "for another unit")
				}
				a := unitRequest("first", demoUSCC).with("prompt", "none")
				if q := callback(t, b.get(h.authorizeURL(a))); q.Get("code") != "" || q.Get("error") == "" {
					t.Errorf("a new code, or no error: %v", q)
				}
				n := h.post.next(t)
				n.answer <- http.StatusOK
				if n.path != "/first" {
					t.Errorf("told: %s", n.path)
				}
				if got := claimsOf(t, n.form.Get("logout_token")); got["sub"] != claimsOf(t, text(m, "id_token"))["sub"] {
					t.Errorf("told of %v", got)
				}
				h.quiet()
				if row.undo == nil {
					return
				}
				if err := row.undo(h); err != nil {
					t.Fatal(err)
				}
				h.wantDead("first", m, "after it was undone") // for good
				a = request("first", "openid org").with("org_hint", demoUSCC)
				b.signOut(h.rig, text(h.redeem(a, h.code(b, row.c, a)), "id_token"))
				n = h.post.next(t)
				n.answer <- http.StatusOK
			})
		}
	})
}

// own does d to the unit's own grant of the first system.
func (h hands) own(d entitlement.Deed) error {
	for _, g := range h.person("b").Grants {
		if g.System != hightech {
			continue
		}
		change := func(g entitlement.Grant) (entitlement.Grant, error) { return g.After(d, h.clock.now()) }
		if err := h.at().db.ChangeGrant(h.t.Context(), g.ID, change, deed(audit.EntitlementSet, g.ID, "test")); err != nil {
			return err
		}
	}
	return nil
}

// quiet waits until everything was delivered, and fails if a system was told that
// had not to be.
func (h hands) quiet() {
	h.t.Helper()
	h.settled(0, 0)
	h.post.none(h.t, "nothing is owed")
}

// lead makes the case a lead the unit, with an entry of his own.
func lead(h hands, unit account.Unit) {
	h.t.Helper()
	a, did := h.person("a").Account.ID, audit.Event{Kind: audit.EntitlementMade, Actor: "test"}
	m := entitlement.Mandate{ID: "led", Account: a, Unit: unit, Relation: entitlement.LegalRep, State: entitlement.Active, Source: entitlement.Verification, From: h.clock.now()}
	g := entitlement.Grant{ID: "led", Account: a, UnitID: unit.ID, System: hightech, Actions: []string{"apply"}, State: entitlement.Active, Source: entitlement.Verification, From: h.clock.now()}
	if err := h.app.db.PutMandate(h.t.Context(), m, did); err != nil {
		h.t.Fatal(err)
	}
	if err := h.app.db.PutGrant(h.t.Context(), g, did); err != nil {
		h.t.Fatal(err)
	}
}

// succeeds has the unit enter another legal representative, whom the register knows.
// What the former one offered in its name goes with him.
func (h hands) succeeds() error {
	h.t.Helper()
	ctx, unit := h.t.Context(), h.person("b").Unit
	offered, err := h.app.handlers.Invite(ctx, h.person("a").Account.ID, mandate.Wish{
		Unit: unit.ID, Who: "newcomer", Name: "赵云", Relation: entitlement.Handler, Months: 12, Scope: []entitlement.Scope{{System: hightech, Actions: []string{"apply"}}},
	})
	if err != nil {
		return err
	}
	next := demoPerson{"孙立", account.CompleteResidentID("11000019750820101"), "13800000000"}
	line := realname.Line{Unit: &realname.UnitRecord{
		USCC: unit.USCC, Name: unit.Name, RepName: next.Name, RepIDType: account.DocResident, RepIDNumber: next.IDNumber,
	}}
	if _, err := h.app.db.LoadRegister(ctx, []realname.Line{line}, audit.Event{Kind: audit.RegisterLoaded, Actor: "test"}); err != nil {
		return err
	}
	b := h.browser()
	p := h.walkIn(b, "b", "/me/unit/change")
	p = b.submit(p, "unit_name", url.Values{
		"unit_name": {unit.Name}, "unit_type": {"enterprise"}, "region": {"mainland"}, "legal_rep_name": {next.Name}, "legal_rep_id_type": {account.DocResident},
		"legal_rep_id_number": {next.IDNumber}, "handler_same": {"yes"}, "handler_mobile": {next.Mobile}, "handler_until": {h.clock.now().AddDate(0, 6, 0).Format("2006-01-02")},
	})
	b.settled(b.submit(p, "confirm=yes", url.Values{"confirm": {"yes"}})).wants(h.t, 200, "/me/realname/status", "已认证")
	if i, err := h.app.db.Invitation(ctx, offered.ID); err != nil || i.State != mandate.Withdrawn {
		h.t.Errorf("what the former one offered is %s, %v", i.State, err)
	}
	if who := h.person("c"); len(who.Units(h.clock.now())) != 1 {
		h.t.Errorf("a handler lost the unit: %+v", who.Mandates)
	}
	return nil
}
