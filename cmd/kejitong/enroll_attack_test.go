package main

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"kejitong/provider/account"
)

// S36, S37, S53, S56, S59: the pages of registration under attack, over HTTP.
func TestRegistrationUnderAttack(t *testing.T) {
	onRigs(t, func(t *testing.T, s *rig) {
		const mobile, login = "13911119001", "steadfast"
		a := s.applicant(mobile)
		form := a.prove("/register/person")

		// S56: what the last form says, from a browser that went no step, and from
		// another browser that carries this one's cookie.
		stranger := s.browser()
		stranger.get(s.issuer+"/register/account").ends(t, "/register")
		token := url.Values{"form_token": {findForm(t, stranger.get(s.issuer+"/register/person").body, "mobile").values.Get("form_token")}}
		with := func(f, more url.Values) url.Values {
			all := url.Values{}
			for _, from := range []url.Values{f, more} {
				for k, v := range from {
					all[k] = v
				}
			}
			return all
		}
		stranger.raw("/register/account", with(personForm(login), token)).ends(t, "/register")
		stranger.raw("/forgot/name/found", with(url.Values{"login": {"0"}}, token)).ends(t, "/forgot/name")
		for _, c := range a.http.Jar.Cookies(a.home) {
			if c.Name == "kejitong_signup" {
				stranger.http.Jar.SetCookies(stranger.home, []*http.Cookie{c})
			}
		}
		stranger.raw("/register/account", with(personForm(login), token)).ends(t, "/register").holds(t, "重新开始")

		// S37: without the form token, or with another browser's, nothing is taken.
		for name, f := range map[string]url.Values{"none": personForm(login), "another browser's": with(personForm(login), token)} {
			if got := a.raw("/register/account", f); got.StatusCode != http.StatusForbidden {
				t.Errorf("form token: %s: %d", name, got.StatusCode)
			}
		}
		if n := s.ask(`SELECT COUNT(*) FROM accounts WHERE login_key = ?`, login); n != 0 {
			t.Fatal("an attack made an account")
		}

		// S59: what no field of the form is for changes nothing.
		p := a.submit(form, "login_name", with(personForm(login), url.Values{
			"state": {"frozen"}, "kind": {"legal_entity"}, "realname_status": {"verified"}, "realname_level": {"L4"}, "verified": {"true"}, "role": {"admin"},
			"account_id": {"AAAAAAAAAAAAAAAAAAAAAA"}, "mobile": {"13900000000"}, "phone_verified": {"false"}, "uscc": {"91110000MA0000269Y"}, "unit_name": {"北京夹带科技公司"},
		})).ends(t, "/register/done")
		acc, err := s.app.db.AccountByLogin(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		if acc.Kind != account.NaturalPerson || acc.State != account.Active || acc.UnitID != "" || acc.RealName != (account.RealName{Status: account.StatusUnverified, Level: "L1"}) ||
			acc.Profile != (account.Profile{Phone: "+86" + mobile, PhoneVerified: true}) {
			t.Errorf("account %+v", acc)
		}
		if n := s.ask(`SELECT COUNT(*) FROM units WHERE name = '北京夹带科技公司'`); n != 0 {
			t.Error("a person's form made a unit")
		}
		// The outcome is this browser's alone, and the flow is good once.
		p.holds(t, login)
		stranger.get(s.issuer+"/register/done").lacks(t, login)
		a.at("/register/account").ends(t, "/register")

		// S49: known mobile or not, the first two pages are the same.
		s.clock.move(2 * time.Minute)
		known, unknown := s.applicant(mobile), s.applicant("13911119002")
		var pages [2]page
		for i, who := range []*applicant{known, unknown} {
			pages[i] = who.submit(who.at("/register/person"), "mobile", url.Values{"mobile": {who.mobile}, "captcha": {demoCaptcha}, "terms": {"yes"}, "adult": {"yes"}}).ends(t, "/register/code")
		}
		if a, b := len(pages[0].body), len(pages[1].body); a != b || pages[0].StatusCode != pages[1].StatusCode {
			t.Errorf("known mobile: %d bytes, unknown: %d", a, b)
		}
	})
}
