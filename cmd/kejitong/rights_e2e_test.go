package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
)

// decides posts a decision of the unit's, with b signed in a moment ago.
func (b *browser) decides(r *rig, do, right string, all bool) page {
	b.t.Helper()
	page := r.issuer + "/me/unit/grants"
	v := url.Values{"do": {do}, "right": {right}, "form_token": {b.formToken(page)}}
	if all {
		v.Set("all", "yes")
	}
	return b.deskSend(page, v, "Referer", page)
}

// rightOf gives the case's grant of the first system for a unit.
func (r *rig) rightOf(c, unitID string) entitlement.Grant {
	r.t.Helper()
	for _, g := range r.person(c).Grants {
		if g.System == hightech && g.UnitID == unitID {
			return g
		}
	}
	r.t.Fatalf("%s holds nothing for %s", c, unitID)
	return entitlement.Grant{}
}

// G1: what the migration gave is the verified unit's to confirm or revoke, and
// nobody else's; revoked, it is over within a second on every replica (S62).
func TestUnitsDecideOverWhatOthersHold(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		all := []*rig{r}
		if r.options.Driver == "postgres" {
			all = append(all, r.replica())
		}
		unit := r.person("b").Unit
		migrated := r.rightOf("c", unit.ID)
		h := r.holds("c", "hightech-enterprise")
		path := "/me/unit/grants"

		person := r.browser()
		r.walkIn(person, "c", path).wants(t, http.StatusForbidden, path)
		b := r.browser()
		r.walkIn(b, "b", path).wants(t, 200, path, "王*", "原平台迁移", "确认此人的全部授权")

		// Another unit's grant, one that is not there, and one's own.
		var elsewhere entitlement.Grant
		for _, g := range r.person("e").Grants {
			if g.UnitID != unit.ID {
				elsewhere = g
			}
		}
		for name, right := range map[string]string{"another unit's": elsewhere.ID, "no grant": "nothing", "its own": r.rightOf("b", unit.ID).ID} {
			for _, do := range []string{"confirm", "revoke"} {
				if to := b.decides(r, do, right, false).Header.Get("Location"); to != path+"?done=late" {
					t.Errorf("%s, %s: led to %q", name, do, to)
				}
			}
		}
		if g := r.rightOf("b", unit.ID); !g.Live(r.clock.now()) {
			t.Error("a unit's own grant went")
		}
		// Without the form token, and from a person's session.
		if p := b.deskSend(r.issuer+path, url.Values{"do": {"revoke"}, "right": {migrated.ID}}); p.StatusCode != http.StatusForbidden {
			t.Errorf("without a token: %d", p.StatusCode)
		}
		// An old sign-in is asked to show itself again (S63).
		old := r.browser()
		r.walkIn(old, "b", path)
		r.clock.move(6 * time.Minute)
		if to := old.decides(r, "revoke", migrated.ID, true).Header.Get("Location"); !strings.HasPrefix(to, "/login?again=1") {
			t.Errorf("an old sign-in decides: %q", to)
		}
		for _, x := range all {
			x.as(t).wantAlive(h.id, h.offline, "nothing was decided")
		}

		b = r.browser()
		r.walkIn(b, "b", path)
		if to := b.decides(r, "confirm", migrated.ID, false).Header.Get("Location"); to != path+"?done=confirmed" {
			t.Fatalf("confirm led to %q", to)
		}
		if g := r.rightOf("c", unit.ID); g.Source != entitlement.Delegated || !g.Until.Equal(migrated.Until) || !g.Live(r.clock.now()) {
			t.Errorf("confirmed: %+v", g)
		}
		if m := r.person("c").Mandates[0]; m.Source != entitlement.Delegated {
			t.Errorf("confirmed: %+v", m)
		}
		r.toldOf("+8613800000000", entitlement.NoticeConfirmed)
		h.id = "hightech-enterprise"
		r.wantAlive(h.id, h.offline, "confirming takes nothing")
		if to := b.decides(r, "confirm", migrated.ID, false).Header.Get("Location"); to != path+"?done=late" {
			t.Errorf("confirmed twice: %q", to)
		}

		fresh := r.holds("c", "hightech-enterprise")
		if to := b.decides(r, "revoke", migrated.ID, true).Header.Get("Location"); to != path+"?done=revoked" {
			t.Fatalf("revoke led to %q", to)
		}
		for _, x := range all {
			x.clock.move(time.Second)
			fresh.wantOver(x.as(t), false)
		}
		fresh.wantNoNewCode(r, false)
		r.toldOf("+8613800000000", "mandate_ended")
		for _, g := range r.person("c").Grants {
			if g.State != entitlement.Revoked {
				t.Errorf("left %+v", g)
			}
		}
		if p := b.get(r.issuer + path); strings.Contains(p.body, "王*") || !strings.Contains(p.body, "刘*") {
			t.Errorf("the page says:\n%s", p.body)
		}
		lines, err := r.app.db.RightHistory(t.Context(), migrated.ID, "", 10)
		if err != nil || len(lines) != 3 || lines[0].To != entitlement.Revoked || lines[0].Actor != string(r.person("b").Account.ID) {
			t.Errorf("history: %+v, %v", lines, err)
		}

		// An unverified legal account rules over nobody (G1, settled for M).
		r.exec(`UPDATE accounts SET realname_status = 'unverified' WHERE id = ?`, string(r.person("b").Account.ID))
		b.get(r.issuer+path).wants(t, http.StatusForbidden, path)
	})
}

// R8, G1: what the migration left awakens with the real name; the verified unit is
// told, an unverified one is not.
func TestTheUnitIsToldOfWhatAwakens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		unit, who := r.person("b").Unit, r.person("d").Account
		did := audit.Event{Kind: audit.EntitlementMade, Actor: "test"}
		leave := func() {
			m := entitlement.Mandate{ID: string(account.NewID()), Account: who.ID, Unit: *unit, Relation: entitlement.Handler, State: entitlement.Pending,
				Source: entitlement.TorchMigration, From: r.clock.now()}
			g := entitlement.Grant{ID: string(account.NewID()), Account: who.ID, UnitID: unit.ID, System: hightech, Actions: []string{"apply"},
				State: entitlement.Pending, Source: entitlement.TorchMigration, From: r.clock.now()}
			if err := r.app.db.PutMandate(t.Context(), m, did); err != nil {
				t.Fatal(err)
			}
			if err := r.app.db.PutGrant(t.Context(), g, did); err != nil {
				t.Fatal(err)
			}
		}
		told := func() (n int) {
			for _, m := range r.told("office@example.com") {
				if m.Purpose == entitlement.NoticeAwakened {
					n++
				}
			}
			return n
		}
		leave()
		legal := string(r.person("b").Account.ID)
		r.exec(`UPDATE accounts SET realname_status = 'unverified' WHERE id = ?`, legal)
		if err := r.app.rights.Awaken(t.Context(), who.ID); err != nil {
			t.Fatal(err)
		}
		if g := r.rightOf("d", unit.ID); !g.Live(r.clock.now()) || g.Source != entitlement.TorchMigration || g.Until.After(r.clock.now().AddDate(1, 0, 0)) {
			t.Errorf("awake: %+v", g)
		}
		if told() != 0 {
			t.Error("an unverified unit was told")
		}
		r.exec(`UPDATE accounts SET realname_status = 'verified' WHERE id = ?`, legal)
		leave()
		if err := r.app.rights.Awaken(t.Context(), who.ID); err != nil {
			t.Fatal(err)
		}
		if m := r.toldOf("office@example.com", entitlement.NoticeAwakened); !strings.Contains(m.Text, unit.Name) {
			t.Errorf("told %q", m.Text)
		}
		if err := r.app.rights.Awaken(t.Context(), who.ID); err != nil || told() != 1 {
			t.Errorf("told %d times, %v", told(), err)
		}
	})
}

// R4: a verified enterprise may enter 高企 and 科小, an individual business (and
// whatever else is no enterprise) may not; the catalogue decides.
func TestWhoEarnsWhat(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		verified := account.RealName{Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: r.clock.now()}
		did := audit.Event{Kind: audit.AccountCreated, Actor: "test"}
		for kind, want := range map[string][]entitlement.SystemID{
			account.UnitEnterprise: {hightech, techSME}, account.UnitIndividualBusiness: nil, account.UnitPublicInstitution: nil,
		} {
			code := map[string]string{account.UnitEnterprise: "91", account.UnitIndividualBusiness: "92", account.UnitPublicInstitution: "12"}[kind]
			u := account.Unit{ID: string(account.NewID()), USCC: account.CompleteUSCC(code + "110000MA9ZZT01"), Name: "单位" + code, Type: kind, Region: "110000",
				RegistrationAuthority: code[:1], Status: account.UnitRegistered, State: account.Active, RealName: verified, VerifiedAt: r.clock.now()}
			a := account.Account{ID: account.NewID(), Kind: account.LegalEntity, LoginName: string(u.USCC), LoginKey: strings.ToLower(string(u.USCC)), State: account.Active,
				UnitID: u.ID, RealName: verified, Profile: account.Profile{Name: u.Name}}
			u.AccountID = a.ID
			if err := r.app.db.PutUnit(t.Context(), u, did); err != nil {
				t.Fatal(err)
			}
			if err := r.app.db.PutAccount(t.Context(), a, "", did); err != nil {
				t.Fatal(err)
			}
			for range 2 { // verified again, nothing is earned twice
				if err := r.app.rights.Earn(t.Context(), a, &u); err != nil {
					t.Fatal(err)
				}
			}
			who, err := r.app.db.ByAccount(t.Context(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			got := map[entitlement.SystemID]bool{}
			for _, g := range who.Grants {
				got[g.System] = g.Live(r.clock.now())
			}
			if len(who.Grants) != len(want) {
				t.Errorf("%s earned %+v", kind, who.Grants)
			}
			for _, y := range want {
				if !got[y] {
					t.Errorf("%s did not earn %s", kind, y)
				}
			}
		}
	})
}

// A system that the catalogue has only now, and that verification earns: who was
// verified before finds it among the services and at its gate, without an
// operator's doing (R36, R40); once, however many come at once. Whoever does not
// qualify, or had it taken, gets nothing.
func TestSystemsThatCameLater(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		catalogued := func(id entitlement.SystemID) {
			t.Helper()
			y := entitlement.System{ID: id, NameZH: "后来的系统" + string(id), NameEN: "Later " + string(id), Owner: "示例", EntryURL: "https://" + string(id) + ".example/login", Level: "L2",
				Actions: []string{"apply"}, AccountKinds: []account.Kind{account.LegalEntity}, UnitTypes: []string{account.UnitEnterprise}, Earned: true}
			if err := r.app.db.PutSystem(t.Context(), y, audit.Event{Kind: audit.SystemChanged, Actor: "test"}); err != nil {
				t.Fatal(err)
			}
			r.register(string(id), client.Metadata{Name: "后来的系统", Scope: "openid org entitlements", RedirectURIs: []string{rpcb}})
			c, err := r.app.db.Client(t.Context(), string(id))
			if err == nil {
				c.Metadata.BusinessSystems, c.Metadata.ClaimsProfile = []entitlement.SystemID{id}, client.Kejitong
				err = r.app.db.PutClient(t.Context(), c, audit.Event{Kind: audit.ClientChanged, Actor: "test"})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		of := func(c string, id entitlement.SystemID) (out []entitlement.Grant) {
			for _, g := range r.person(c).Grants {
				if g.System == id {
					out = append(out, g)
				}
			}
			return out
		}
		catalogued("later")
		b := r.browser()
		r.walkIn(b, "b", "/me/services").wants(t, 200, "/me/services", "后来的系统later")
		if got := of("b", "later"); len(got) != 1 || !got[0].Live(r.clock.now()) || got[0].Source != entitlement.Verification || got[0].UnitID != r.person("b").Unit.ID {
			t.Fatalf("after a look at the services the unit holds %+v", got)
		}
		for _, c := range []string{"a", "c", "d", "e"} { // persons, and one who is not verified
			r.walkIn(r.browser(), c, "/me/services")
			if got := of(c, "later"); len(got) != 0 {
				t.Errorf("%s holds %+v", c, got)
			}
		}

		catalogued("gate")
		a := asking("gate", "openid org entitlements")
		p := b.get(r.authorizeURL(a))
		if where := p.Request.URL.Path; where == "/refused" || where == "/login" {
			t.Fatalf("the gate of a system that is earned leads to %s", p.Request.URL)
		}
		if got := of("b", "gate"); len(got) != 1 {
			t.Fatalf("at the gate the unit got %+v", got)
		}

		// What an operator took does not come back, whatever its source was.
		for id, source := range map[entitlement.SystemID]entitlement.Source{"taken": entitlement.Verification, "ended": entitlement.Delegated} {
			catalogued(id)
			g := entitlement.Grant{ID: string(account.NewID()), Account: r.person("b").Account.ID, UnitID: r.person("b").Unit.ID, System: id, Actions: []string{"apply"},
				State: entitlement.Revoked, Source: source, From: r.clock.now()}
			if err := r.app.db.PutGrant(t.Context(), g, audit.Event{Kind: audit.EntitlementMade, Actor: "test"}); err != nil {
				t.Fatal(err)
			}
			b.get(r.issuer + "/me/services")
			at(t, b.get(r.authorizeURL(asking(string(id), "openid org entitlements"))), "/refused")
			if got := of("b", id); len(got) != 1 || got[0].State != entitlement.Revoked {
				t.Errorf("%s: after it was taken the unit holds %+v", id, got)
			}
		}

		// Many at once.
		catalogued("many")
		who := r.person("b")
		systems, err := r.app.db.Systems(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := r.app.rights.CatchUp(t.Context(), who.Account, who.Unit, systems, who.Grants); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := of("b", "many"); len(got) != 1 {
			t.Errorf("sixteen at once made %d grants", len(got))
		}
	})
}
