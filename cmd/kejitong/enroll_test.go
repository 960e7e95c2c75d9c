package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// R12, R13, R16: a person registers, signs in at the window that is offered with
// the login name filled in, and is asked for the real name before any business.
func TestPersonRegistersWithoutScript(t *testing.T) {
	onRigs(t, func(t *testing.T, s *rig) {
		a := s.applicant("13911112222")
		before := s.audited(audit.AccountCreated)
		p := a.link(a.at("/login"), "/register").ends(t, "/register")
		a.link(p, "/register/person").ends(t, "/register/person").holds(t, "14")
		if p = a.enrolled(personForm("Lantern.Reader")); s.audited(audit.AccountCreated) != before+1 || s.audited(audit.SignUpProved) != 1 {
			t.Error("the trail holds not one row each of what was proved and what was created")
		}
		p.holds(t, "Lantern.Reader", "实名认证")
		p = a.link(p, "/login?window=natural_person").holds(t, `value="Lantern.Reader"`)
		p = a.submit(p, "username", url.Values{"username": {"lantern.reader"}, "password": {chosenPassword}})
		if p.Request.URL.Path != "/" || !strings.Contains(p.body, "Lantern.Reader") {
			t.Fatalf("not signed in: at %s\n%s", p.Request.URL, textOf(p.body))
		}
		a.at("/login?other=1").lacks(t, `value="Lantern.Reader"`) // the hint is gone once it served
		got := a.get(s.authorizeURL(newAttempt("openid")))
		if got.StatusCode != 0 && got.Request.URL.Path == "/refused" {
			t.Error("the demonstration's own client lets the unverified in")
		}

		// What is kept is what was asked for, in canonical form.
		acc, err := s.app.db.AccountByLogin(t.Context(), "lantern.reader")
		if err != nil {
			t.Fatal(err)
		}
		want := account.Profile{Phone: "+8613911112222", PhoneVerified: true}
		if acc.Kind != account.NaturalPerson || acc.RealName.Status != account.StatusUnverified || acc.Profile != want {
			t.Errorf("account %+v", acc)
		}
		if n := s.ask(`SELECT COUNT(*) FROM agreements WHERE account_id = ? AND version = '2026-11' AND age_declared = TRUE`, string(acc.ID)); n != 1 {
			t.Errorf("%d agreements", n)
		}
	})
}

// R12, R13, R15: a unit registers with its contact; the account stands for it,
// unverified.
func TestUnitRegistersWithoutScript(t *testing.T) {
	onRigs(t, func(t *testing.T, s *rig) {
		const uscc, name = "91110000MA0000269Y", "北京提灯科技（有限合伙）"
		a := s.applicant("13911113333")
		p := a.enrolled(unitForm(uscc, "９１１１００００－ma000 0269y", " "+name+" "))
		p = a.link(p, "/login?window=legal_entity").holds(t, `value="`+uscc+`"`)
		p = a.submit(p, "username", url.Values{"username": {uscc}, "password": {chosenPassword}})
		p.holds(t, name)
		u, err := s.app.db.UnitByUSCC(t.Context(), uscc)
		if err != nil {
			t.Fatal(err)
		}
		acc, err := s.app.db.AccountByID(t.Context(), u.AccountID)
		if err != nil {
			t.Fatal(err)
		}
		if u.Name != name || u.State != account.Active || u.RealName.Verified() || u.Type != account.UnitEnterprise || u.Region != "110000" || acc.UnitID != u.ID {
			t.Errorf("unit %+v", u)
		}
		if c := acc.Profile.Contact; c == nil || *c != (account.Person{Name: "王五", Phone: "+8613911113333", PhoneVerified: true}) || acc.Profile.Name != "" {
			t.Errorf("profile %+v", acc.Profile)
		}
		// Nobody becomes a unit by saying so: until its real name is verified no
		// system is told that the account is that unit.
		got := a.get(s.authorizeURL(newAttempt("openid org")))
		for hops := 0; got.StatusCode == 200 && hops < 3; hops++ {
			got = a.submit(got, "decision=allow", url.Values{"decision": {"allow"}})
		}
		q := callback(t, got)
		if q.Get("code") == "" {
			t.Fatalf("no code: %v", q)
		}
	})
}

// OpenID Connect Initiating User Registration 1.0: prompt=create leads to the
// registration, and from there the request goes on.
func TestPromptCreate(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		a := s.applicant("13911114444")
		req := newAttempt("openid")
		req.params.Set("prompt", "create")
		req.params.Set("ui_locales", "en")
		p := a.get(s.authorizeURL(req)).ends(t, "/register").holds(t, `lang="en"`, "示例接入系统")
		query := p.Request.URL.RawQuery
		p = a.submit(a.prove("/register/person?"+query), "login_name", personForm("newcomer.from.system")).ends(t, "/register/done")
		p = a.link(p, "/login?window=natural_person").ends(t, "/login").holds(t, `value="newcomer.from.system"`)
		p = a.submit(p, "username", url.Values{"username": {"newcomer.from.system"}, "password": {chosenPassword}})
		for hops := 0; p.StatusCode == 200 && hops < 3; hops++ {
			p = a.submit(p, "decision=allow", url.Values{"decision": {"allow"}})
		}
		if q := callback(t, p); q.Get("code") == "" || q.Get("state") != req.params.Get("state") {
			t.Errorf("no code but %v", q)
		}
	})
}

// 忘记登录名: the mobile's own accounts, and a unit's by its data and its
// contact's mobile.
func TestForgottenLoginName(t *testing.T) {
	onRigs(t, func(t *testing.T, s *rig) {
		const uscc, name, mobile = "91110000MA0000269Y", "北京提灯科技（有限合伙）", "13911115555"
		again := func() { s.clock.move(61 * time.Second) } // C30: a code a minute
		s.applicant(mobile).enrolled(personForm("first.of.two"))
		again()
		s.applicant(mobile).enrolled(unitForm("lantern-unit", uscc, name))
		again()

		look := func(a *applicant, path string, fill url.Values) page {
			fill.Set("captcha", demoCaptcha)
			return a.submit(a.at(path), "mobile", fill).ends(t, "/forgot/name/code")
		}
		a := s.applicant(mobile)
		p := look(a, "/forgot/name?next=%2Fme", url.Values{"mobile": {"+86 139-1111-5555"}})
		p = a.submit(p, "code", url.Values{"code": {a.code()}}).ends(t, "/forgot/name/found").holds(t, "first.of.two", "lantern-unit")
		p = a.submit(p, "login=1", url.Values{"login": {"1"}}).ends(t, "/login").holds(t, `value="lantern-unit"`, `name="window" value="legal_entity"`)
		if p.Request.URL.Query().Get("next") != "/me" {
			t.Errorf("the way on is lost: %s", p.Request.URL)
		}

		again()
		a = s.applicant(mobile)
		p = look(a, "/forgot/name?by=unit", url.Values{"mobile": {mobile}, "uscc": {uscc}, "unit_name": {"北京提灯科技(有限合伙)"}})
		a.submit(p, "code", url.Values{"code": {a.code()}}).ends(t, "/forgot/name/found").holds(t, "lantern-unit").lacks(t, "first.of.two")

		// A number without accounts is told so, once it is proved.
		a = s.applicant("13911116666")
		p = look(a, "/forgot/name", url.Values{"mobile": {"13911116666"}})
		a.submit(p, "code", url.Values{"code": {a.code()}}).ends(t, "/forgot/name/found").holds(t, "/register", "/appeal").lacks(t, "first.of.two")
	})
}
