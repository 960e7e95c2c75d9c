package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/realname"
)

// claimed redeems the code in p and gives what the system learns.
func (r *rig) claimed(a attempt, p page) map[string]any {
	r.t.Helper()
	status, m := r.exchange(a, callback(r.t, p).Get("code"))
	if status != http.StatusOK {
		r.t.Fatalf("token endpoint answered %d: %v", status, m)
	}
	_, info := r.userinfo(text(m, "access_token"))
	return info
}

// entitled tells whether the claims name the entitlement.
func entitledTo(info map[string]any, name string) bool {
	list, _ := info["entitlements"].([]any)
	return slices.Contains(list, any(name))
}

func orgOf(info map[string]any) string {
	org, _ := info["org"].(map[string]any)
	return text(org, "uscc")
}

// The whole way of both kinds (R12–R21, R36, R40), without script: register, be
// verified, enter. A person who acts for the unit asks it first.
func TestFromRegistrationIntoTheSystem(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		e, who := demoEntities()[1], demoPersons()[1]
		unit := r.applicant(e.LegalRep.Mobile)
		unit.asks = true
		p := unit.enrolled(unitForm(e.USCC, e.USCC, e.Name))
		p = unit.link(p, "/login?window=legal_entity")
		unit.submit(p, "username", url.Values{"username": {e.USCC}, "password": {chosenPassword}}).wants(t, 200, "/")
		a := r.systemRequest()
		p = unit.get(r.authorizeURL(a))
		p.wants(t, 200, "/refused", "请先完成实名认证")
		p = unit.follows(p, "/me/realname/status?next=")
		p = unit.settled(unit.submit(p, "unit_name", entryForm(e)))
		p.wants(t, 200, "/me/realname/status", "已认证")
		p = unit.follows(p, "/oauth2/authorize?interaction=")
		p.wants(t, 200, "/login/entry", e.Name, e.USCC)
		info := r.claimed(a, unit.submit(p, "decision=allow", url.Values{"decision": {"allow"}}))
		if !entitledTo(info, "hightech_enterprise:apply") || orgOf(info) != e.USCC || text(info, "account_type") != "legal_entity" {
			t.Errorf("the unit's claims: %v", info)
		}

		person := r.applicant(who.Mobile)
		p = person.enrolled(personForm("lin.xiaoyu"))
		p = person.link(p, "/login?window=natural_person")
		person.submit(p, "username", url.Values{"username": {"lin.xiaoyu"}, "password": {chosenPassword}}).wants(t, 200, "/")
		r.actsFor("lin.xiaoyu", e.USCC)
		a = r.systemRequest()
		p = person.get(r.authorizeURL(a))
		p.wants(t, 200, "/refused", "请先完成实名认证")
		p = person.follows(p, "/me/realname/status?next=")
		p = person.settled(person.submit(p, "id_number", url.Values{"name": {who.Name}, "id_type": {account.DocResident}, "id_number": {who.IDNumber}}))
		p.wants(t, 200, "/me/realname/status", "已认证")
		p = person.follows(p, "/oauth2/authorize?interaction=")
		p.wants(t, 200, "/refused", "尚未获得该系统的授权")
		p = person.follows(p, "/me/services/ask?")
		person.submit(p, "ask=yes", url.Values{"org": {r.word(`SELECT id FROM units WHERE uscc = ?`, e.USCC)}, "action": {"apply"}}).wants(t, 200, "/me/grants", "等待处理")
		p = unit.get(r.issuer + "/me/unit/requests")
		p.wants(t, 200, "/me/unit/requests", "林**")
		unit.submit(p, "grant", url.Values{"grant": {r.word(`SELECT id FROM entry_requests`)}, "action": {"apply"}, "days": {"30"}}).wants(t, 200, "/me/unit/requests", "已同意")
		info = r.claimed(a, person.get(r.authorizeURL(a)))
		if !entitledTo(info, "hightech_enterprise:apply") || entitledTo(info, "hightech_enterprise:report") || orgOf(info) != e.USCC || text(info, "account_type") != "natural_person" {
			t.Errorf("the person's claims: %v", info)
		}
	})
}

// actsFor makes the account a handler of the unit.
func (r *rig) actsFor(login, uscc string) {
	r.t.Helper()
	ctx := r.t.Context()
	a, err := r.app.db.AccountByLogin(ctx, login)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := r.app.db.UnitByUSCC(ctx, account.USCC(uscc))
	if err != nil {
		r.t.Fatal(err)
	}
	err = r.app.db.PutMandate(ctx, entitlement.Mandate{
		ID: string(account.NewID()), Account: a.ID, Unit: account.Unit{ID: u.ID}, Relation: entitlement.Handler, State: entitlement.Active, Source: entitlement.Delegated, From: r.clock.now(),
	}, audit.Event{Kind: audit.EntitlementMade, Actor: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
}

// legacyDocument is the identity document of the holder of the n-th account.
func legacyDocument(n int) (name, number string) {
	return "钱" + string([]rune("一二三四五六七八九十百千万亿甲乙丙丁")[n%18]), account.CompleteResidentID(fmt.Sprintf("11000019820101%03d", n+1))
}

// knowLegacy puts what the registers know of everybody who came over beside the
// demonstration's own lines.
func (r *rig) knowLegacy(list []legacyAccount) {
	r.t.Helper()
	var lines []realname.Line
	for n, l := range list {
		name, number := legacyDocument(n)
		lines = append(lines, realname.Line{Person: &realname.PersonRecord{Name: name, IDType: account.DocResident, IDNumber: number}})
		if u, err := r.app.db.UnitByUSCC(r.t.Context(), account.USCC(l.Key)); len(l.Key) == 18 && err == nil {
			lines = append(lines, realname.Line{Unit: &realname.UnitRecord{USCC: u.USCC, Name: u.Name, RepName: name, RepIDType: account.DocResident, RepIDNumber: number}})
		}
	}
	if _, err := r.app.db.LoadRegister(r.t.Context(), lines, audit.Event{Kind: audit.RegisterLoaded, Actor: "test"}); err != nil {
		r.t.Fatal(err)
	}
}

// R1–R10, R40, tables E and I: from the look-up of each outcome to the system's
// page, with the claims that it must get; or to what is left to do.
func TestEachOutcomeFromLookUpToTheSystem(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		if err := r.cast.seedLegacy(t.Context(), r.app); err != nil {
			t.Fatal(err)
		}
		list := r.cast.legacyAccounts()
		r.knowLegacy(list)
		m := moved{rig: r, g: r.cast.legacy()}
		seen := map[string]bool{}
		for n, l := range list {
			seen[l.Outcome] = true
			b := r.browser()
			p := m.lookUp(b, l.Key)
			at(t, p, "/lookup/answer")
			code, _, _ := strings.Cut(l.Outcome, "/")
			if l.Password == "" { // nothing to sign in with: the way on is told
				if !strings.Contains(p.body, `href="/register`) && !strings.Contains(p.body, `href="/appeal`) && !strings.Contains(p.body, `href="/forgot`) {
					t.Errorf("%s: no way on:\n%s", l.Outcome, textOf(p.body))
				}
				continue
			}
			p = b.get(r.issuer + "/login?window=" + l.Window)
			p = b.submit(p, "username", url.Values{"username": {l.LoginName}, "password": {l.Password}})
			if p.Request.URL.Path != "/" {
				t.Errorf("%s: the password leads to %s", l.Outcome, p.Request.URL)
				continue
			}
			unit := l.Kind == "unit"
			a := r.systemRequest()
			if !unit { // a person's own matters: the client with an open gate
				a = newAttempt("openid profile")
			}
			p = b.get(r.authorizeURL(a))
			if p.Request.URL.Path == "/refused" {
				name, number := legacyDocument(n)
				form := url.Values{"name": {name}, "id_type": {account.DocResident}, "id_number": {number}}
				field := "id_number"
				if l.Window == "legal_entity" {
					u, err := r.app.db.UnitByUSCC(t.Context(), account.USCC(l.Key))
					if err != nil {
						t.Fatal(err)
					}
					field, form = "unit_name", entryForm(demoEntity{u.Name, l.Key, demoPerson{name, number, "13800000000"}})
				}
				p = b.settled(b.submit(b.follows(p, "/me/realname/status?next="), field, form))
				if !strings.Contains(p.body, "返回业务系统继续办理") {
					t.Errorf("%s: not verified:\n%s", l.Outcome, textOf(p.body))
					continue
				}
				p = b.follows(p, "/oauth2/authorize?interaction=")
			}
			info := r.claimed(a, p)
			kind := l.Window
			if text(info, "account_type") != kind || unit && (orgOf(info) != l.Key || !entitledTo(info, "hightech_enterprise:apply")) {
				t.Errorf("%s (%s): the system learns %v", l.Outcome, code, info)
			}
		}
		for _, code := range []string{"E0a", "E0b", "E1", "E2", "E3", "E4", "E5", "E6", "I0", "I1", "I2", "I3", "I4", "I5", "I6"} {
			if !seen[code] {
				t.Errorf("no account of outcome %s was walked", code)
			}
		}
	})
}

// Outcome E4 in a real browser: a natural person signs in with a USCC, is verified,
// confirms the unit's data and is in the system with the unit's entitlement.
func TestMovedHandlerInChromium(t *testing.T) {
	s := theatre(t)
	if err := s.cast.seedLegacy(t.Context(), s.app); err != nil {
		t.Fatal(err)
	}
	list := s.cast.legacyAccounts()
	n := slices.IndexFunc(list, func(l legacyAccount) bool { return l.Outcome == "E4" })
	l := list[n]
	r := &rig{stage: s}
	r.knowLegacy(list)
	name, number := legacyDocument(n)
	ctx, violations := chromium(t, 375)
	step := func(called string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		act(ctx, t, called, actions...)
		picture(ctx, t, "moved-"+called+"-375")
	}
	step("1-look-up", chromedp.Navigate(s.issuer+"/lookup"), chromedp.WaitVisible("input#uscc"))
	step("2-answer", chromedp.SendKeys("input#uscc", l.Key), chromedp.SendKeys("input#captcha", demoCaptcha), chromedp.Submit("input#uscc"), chromedp.WaitVisible(`a[href*="/login?"]`))
	step("3-system", chromedp.Navigate(s.cast.systems[0].BaseURL), chromedp.Click("#sign_in"), chromedp.WaitVisible("#username"))
	step("4-refused", chromedp.SendKeys("#username", l.LoginName), chromedp.SendKeys("#password", l.Password), chromedp.Submit("#password"), chromedp.WaitVisible(`a[href^="/me/realname/status"]`))
	step("5-real-name", chromedp.Click(`a[href^="/me/realname/status"]`), chromedp.WaitVisible("input#id_number"))
	step("6-verified", chromedp.SendKeys("input#name", name), chromedp.SendKeys("input#id_number", number), chromedp.Submit("input#id_number"), chromedp.WaitVisible(`a[href^="/oauth2/authorize"]`))
	step("7-confirm", chromedp.Click(`a[href^="/oauth2/authorize"]`), chromedp.WaitVisible(`button[value="allow"]`))
	step("8-in", chromedp.Click(`button[value="allow"]`), chromedp.WaitVisible("#id_token"))
	id, err := chromedp.Run(ctx, chromedp.TextContent("#id_token"))
	if err != nil || !strings.Contains(id, l.Key) || !strings.Contains(id, "hightech_enterprise:apply") {
		t.Errorf("the system learns %s, %v", id, err)
	}
	if len(*violations) > 0 {
		t.Errorf("the browser complained:\n%s", strings.Join(*violations, "\n"))
	}
}
