package main

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
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
	"kejitong/provider/outbox"
	"kejitong/provider/realname"
	"kejitong/store/storetest"
)

// otherUnit is the second one that liuliu acts for.
const otherUnit = "91110000MA00000077"

// hands is a provider with two business systems, which are told of sign-outs. On
// PostgreSQL it is processes of the operating system behind a balancer, as shipped.
type hands struct {
	*rig            // what the world sees; its app is one more replica, which seeds
	all      []*rig // each replica by itself
	post     *receiver
	lb       *balancer // nil where there is one process alone
	replicas []*process
	conf     string
}

func onHands(t *testing.T, fn func(t *testing.T, h hands)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		rc := newReceiver(t)
		r := newRig(t, storetest.SQLite(t), rc.allowed, nil)
		fn(t, hands{rig: r, all: []*rig{r}, post: rc}.opens())
	})
	t.Run("postgres", func(t *testing.T) { fn(t, newHands(t)) })
}

// newHands starts two processes.
func newHands(t *testing.T) hands {
	t.Helper()
	rc, lb := newReceiver(t), newBalancer(t)
	f := newFleet(t, 2, func(c *config.Config) {
		c.Issuer = lb.url()
		rc.allowed(c)
	})
	h := hands{rig: f.as(t), all: []*rig{f.rig}, post: rc, lb: lb, replicas: f.replicas, conf: f.conf}
	h.issuer = lb.url()
	for _, p := range f.replicas {
		at := f.as(t)
		at.issuer = p.url
		h.all = append(h.all, at)
	}
	return h.opens()
}

func (rc *receiver) allowed(c *config.Config) {
	c.Clients.OutboundAllow = []string{strings.TrimPrefix(rc.URL, "http://")}
}

// opens registers the systems.
func (h hands) opens() hands {
	h.t.Helper()
	for id, system := range map[string]entitlement.SystemID{"first": hightech, "second": techSME} {
		h.register(id, client.Metadata{
			IDTokenSignedResponseAlg: "ES256", BusinessSystems: []entitlement.SystemID{system}, AcceptMigrated: true, Scope: "openid org entitlements offline_access",
			BackchannelLogoutURI: h.post.URL + "/" + id, BackchannelSessionNeeded: true,
		})
	}
	h.on(0)
	return h
}

// on leads browsers to one process from now on.
func (h hands) on(i int) {
	if h.lb == nil {
		return
	}
	h.lb.to(h.replicas[i])
	http.DefaultClient.CloseIdleConnections()
}

// commands runs a command line of the operator beside the processes.
func (h hands) commands(verbs []string, flags ...string) {
	h.t.Helper()
	var out bytes.Buffer
	line := slices.Concat(verbs, []string{"--config", h.conf}, flags)
	if err := dispatch(h.t.Context(), line, &out); err != nil {
		h.t.Fatalf("kejitong %s: %v\n%s", strings.Join(line, " "), err, out.String())
	}
}

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

// Whatever takes a unit from somebody takes effect at the next code, refresh, UserInfo
// and introspection of every process, the moment that whoever did it has the answer;
// no new token comes, and the system concerned, and it alone, is told to end its own
// session (S62). What people do they do at one process, while tokens came from another;
// what operators do are commands. The processes are as shipped, with their own clocks.
func TestWhoActsForAUnitNoMoreIsStoppedEverywhere(t *testing.T) {
	onHands(t, func(t *testing.T, h hands) {
		ctx := t.Context()
		unit, e := *h.person("b").Unit, string(h.person("e").Account.ID)
		lead(h, unit)
		type act struct {
			people  func(h hands) // at a process
			verbs   []string      // or a command
			flags   func(hands) []string
			without func(h hands) error // the same where one process has the database for itself
		}
		frozen := func(from, to account.State) func(hands) error {
			return func(h hands) error {
				return h.app.db.SetUnitState(ctx, unit.ID, from, to, deed(audit.UnitChanged, unit.ID, "test"))
			}
		}
		uscc := func(hands) []string { return []string{"--uscc", demoUSCC, "--reason", "test"} }
		grant := func(h hands) []string { return []string{"--id", h.own().ID, "--reason", "test"} }
		for _, row := range []struct {
			name, c   string
			end, undo act
		}{
			{"the unit's own grant suspended", "e",
				act{verbs: []string{"grant", "suspend"}, flags: grant, without: func(h hands) error { return h.ownMoves(entitlement.Suspend) }},
				act{verbs: []string{"grant", "resume"}, flags: grant, without: func(h hands) error { return h.ownMoves(entitlement.Resume) }}},
			{"the unit's own grant revoked", "e", act{
				verbs: []string{"grant", "end"}, flags: func(hands) []string { return []string{"--login", demoUSCC, "--system", string(hightech)} },
				without: func(h hands) error { return h.ownMoves(entitlement.Revoke) },
			}, act{}},
			{"the unit frozen", "e",
				act{verbs: []string{"unit", "freeze"}, flags: uscc, without: frozen(account.Active, account.Frozen)},
				act{verbs: []string{"unit", "release"}, flags: uscc, without: frozen(account.Frozen, account.Active)}},
			{"ended by the unit", "e", act{people: func(h hands) {
				b := h.browser()
				b.submit(h.walkIn(b, "b", "/me/handlers"), "end", url.Values{"end": {e}}).wants(h.t, 200, "/me/handlers", "授权已收回")
			}}, act{}},
			{"left by the handler", "e", act{people: func(h hands) {
				b := h.browser()
				b.submit(h.walkIn(b, "e", "/me/mandates"), "leave", url.Values{"leave": {unit.ID}}).wants(h.t, 200, "/me/mandates")
			}}, act{}},
			{"another legal representative", "a", act{people: hands.succeeds}, act{}},
			{"ended by an operator", "e", act{
				verbs: []string{"unit", "mandate", "end"}, flags: func(h hands) []string { return []string{"--login", h.account("e").Username, "--uscc", demoUSCC} },
				without: func(h hands) error { return h.app.handlers.EndBy(ctx, "operator", unit.ID, account.ID(e)) },
			}, act{}},
			{"the unit deregistered", "e", act{
				verbs: []string{"unit", "end"}, flags: func(hands) []string { return []string{"--uscc", demoUSCC} },
				without: func(h hands) error {
					return (&holder.Service{Store: h.app.db, Now: h.clock.now}).EndUnit(ctx, holder.UnitEnd{Unit: unit.ID, How: holder.Deregistered, By: "operator"})
				},
			}, act{}},
		} {
			t.Run(row.name, func(t *testing.T) {
				h := h
				h.rig = h.as(t)
				do := func(a act) {
					t.Helper()
					switch {
					case a.people != nil:
						h.on(1)
						a.people(h)
						h.on(0)
					case h.conf != "":
						h.commands(a.verbs, a.flags(h)...)
						h.app.runner.Wake() // the next look of one that does not know comes within seconds
					default:
						if err := a.without(h); err != nil {
							t.Fatal(err)
						}
					}
				}
				h.restores()
				h.quiet()
				h.on(0)
				b, elsewhere := h.browser(), h.browser()
				m := h.enters(b, row.c, "first", demoUSCC)
				late := unitRequest("first", demoUSCC)
				code := h.code(b, row.c, late)
				stays := h.enters(elsewhere, "e", "second", otherUnit)
				for _, x := range h.all {
					x.as(t).wantAlive("first", m, "before")
				}
				do(row.end)
				for _, x := range h.all {
					x := x.as(t)
					x.want(x.refresh("first", text(m, "refresh_token")), 400, "invalid_grant", "refresh")
					x.want(x.token("first", codeForm(late, code)), 400, "invalid_grant", "code")
					x.wantDead("first", m, "taken")
					if got := x.info(text(m, "access_token")); got.status != http.StatusUnauthorized {
						t.Errorf("userinfo: %s", got)
					}
					for _, kind := range []string{"access_token", "refresh_token"} {
						if got := x.inspect("first", text(m, kind)); got.status != http.StatusOK || got.body["active"] != false || len(got.body) != 1 {
							t.Errorf("introspection of the %s: %s", kind, got)
						}
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
				if row.undo.verbs == nil {
					return
				}
				do(row.undo)
				h.wantDead("first", m, "after it was undone") // for good
				a = request("first", "openid org").with("org_hint", demoUSCC)
				b.signOut(h.rig, text(h.redeem(a, h.code(b, row.c, a)), "id_token"))
				n = h.post.next(t)
				n.answer <- http.StatusOK
			})
		}
	})
}

// own is the unit's own grant of the first system.
func (h hands) own() entitlement.Grant {
	h.t.Helper()
	grants := h.person("b").Grants
	i := slices.IndexFunc(grants, func(g entitlement.Grant) bool { return g.System == hightech })
	if i < 0 {
		h.t.Fatal("the unit has no grant")
	}
	return grants[i]
}

// ownMoves does d to it.
func (h hands) ownMoves(d entitlement.Deed) error {
	g := h.own()
	change := func(g entitlement.Grant) (entitlement.Grant, error) { return g.After(d, h.clock.now()) }
	return h.app.db.ChangeGrant(h.t.Context(), g.ID, change, deed(audit.EntitlementSet, g.ID, "test"))
}

// quiet waits until every system was told, and fails if one was that had not to be.
// Messages to people may still wait: of these processes only one carries any.
func (h hands) quiet() {
	h.t.Helper()
	const owed = `SELECT COUNT(*) FROM outbox WHERE kind = ?`
	for deadline := time.Now().Add(20 * time.Second); h.ask(owed, string(outbox.BackchannelLogout)) != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("a logout token is never delivered")
		}
	}
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
func (h hands) succeeds() {
	h.t.Helper()
	ctx, unit := h.t.Context(), h.person("b").Unit
	offered, err := h.app.handlers.Invite(ctx, h.person("a").Account.ID, mandate.Wish{
		Unit: unit.ID, Who: "newcomer", Name: "赵云", Relation: entitlement.Handler, Months: 12, Scope: []entitlement.Scope{{System: hightech, Actions: []string{"apply"}}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	next := demoPerson{"孙立", account.CompleteResidentID("11000019750820101"), "13800000000"}
	line := realname.Line{Unit: &realname.UnitRecord{
		USCC: unit.USCC, Name: unit.Name, RepName: next.Name, RepIDType: account.DocResident, RepIDNumber: next.IDNumber,
	}}
	if _, err := h.app.db.LoadRegister(ctx, []realname.Line{line}, audit.Event{Kind: audit.RegisterLoaded, Actor: "test"}); err != nil {
		h.t.Fatal(err)
	}
	b := h.browser()
	p := h.walkIn(b, "b", "/me/unit/change")
	p = b.submit(p, "unit_name", url.Values{
		"unit_name": {unit.Name}, "unit_type": {"enterprise"}, "region": {"mainland"}, "legal_rep_name": {next.Name}, "legal_rep_id_type": {account.DocResident},
		"legal_rep_id_number": {next.IDNumber}, "handler_same": {"yes"}, "handler_mobile": {next.Mobile}, "handler_until": {h.clock.now().AddDate(0, 6, 0).Format("2006-01-02")},
	})
	b.settled(b.submit(p, "confirm=yes", url.Values{"confirm": {"yes"}})).wants(h.t, 200, "/me/realname/status", "已认证")
	if h.lb == nil { // else another process may have had the message, and carries none
		h.toldOf(h.person("a").Account.Profile.Phone, "mandate_succeeded")
	}
	if i, err := h.app.db.Invitation(ctx, offered.ID); err != nil || i.State != mandate.Withdrawn {
		h.t.Errorf("what the former one offered is %s, %v", i.State, err)
	}
	if who := h.person("c"); len(who.Units(h.clock.now())) != 1 {
		h.t.Errorf("a handler lost the unit: %+v", who.Mandates)
	}
}
