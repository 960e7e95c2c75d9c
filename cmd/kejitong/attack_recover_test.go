package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/factor"
)

// setPassword posts the second step of a reset by hand.
func (b *browser) setPassword(r *rig, token, flow string, more ...string) page {
	b.t.Helper()
	v := url.Values{"form_token": {token}, "password": {freshPassword}, "password_again": {freshPassword}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return b.send(http.MethodPost, r.issuer+"/forgot/reset/verify?flow="+flow, v, "Origin", r.issuer, "Sec-Fetch-Site", "same-origin")
}

func flowIn(p page) string { return p.Request.URL.Query().Get("flow") }

func tokenIn(t testing.TB, p page) string {
	t.Helper()
	return findForm(t, p.body, "form_token").values.Get("form_token")
}

// Steps of a reset skipped, reordered, swapped, mixed, forged, repeated: none sets
// a password (S56). Each row stands for one attack.
func TestRecoverySteps(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		victim, phone := r.account("a"), r.person("a").Account.Profile.Phone
		own := r.person("d").Account.Profile.Phone // the attacker's own account and number
		b := r.browser()
		begun := b.askReset(r, "natural_person", victim.Username)
		token := tokenIn(t, begun)
		mine := b.press(b.askReset(r, "natural_person", r.account("d").Username), "send=code", "mobile", own)
		code := r.sms(own, 1)
		appeal := b.press(b.get(r.issuer+"/appeal/unit"), "unit_name", captcha("unit_name", "示例科技有限公司")...)
		stranger := r.browser()
		strange := tokenIn(t, stranger.askReset(r, "natural_person", victim.Username))

		gone := func(name string, p page) {
			t.Helper()
			if p.StatusCode != http.StatusGone {
				t.Errorf("%s: %d", name, p.StatusCode)
			}
		}
		again := func(name string, p page) { // the form again, with an error
			t.Helper()
			if p.StatusCode != http.StatusOK || p.Request.URL.Path != "/forgot/reset/verify" || !strings.Contains(p.body, `role="alert"`) {
				t.Errorf("%s: %d at %s", name, p.StatusCode, p.Request.URL.Path)
			}
		}
		gone("no flow", b.setPassword(r, token, ""))
		gone("a forged flow", b.setPassword(r, token, strings.Repeat("A", 43)))
		gone("another browser's flow", stranger.setPassword(r, strange, flowIn(mine), "code", code))
		gone("another browser's page", stranger.get(mine.Request.URL.String()))
		gone("an appeal's flow", b.setPassword(r, token, flowIn(appeal), "code", code))
		gone("a reset's flow at the evidence", b.get(r.issuer+"/appeal/evidence?flow="+flowIn(mine)))
		gone("a reset's flow at the progress", b.get(r.issuer+"/appeal/progress?flow="+flowIn(mine)))
		gone("a reset's flow at the receipt", b.get(r.issuer+"/appeal/filed?flow="+flowIn(mine)))
		again("no code was asked for", b.setPassword(r, token, flowIn(begun), "code", "000000"))
		again("the code of the attacker's flow in the victim's", b.setPassword(r, token, flowIn(begun), "code", code))
		again("no code", b.setPassword(r, token, flowIn(mine)))
		again("an empty form", b.send(http.MethodPost, mine.Request.URL.String(), url.Values{"form_token": {token}}, "Origin", r.issuer))
		for name, header := range map[string][]string{"cross-site": {"Sec-Fetch-Site", "cross-site"}, "another origin": {"Origin", "https://evil.example"}} {
			v := url.Values{"form_token": {token}, "code": {code}, "password": {freshPassword}, "password_again": {freshPassword}}
			if p := b.send(http.MethodPost, mine.Request.URL.String(), v, header...); p.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %d", name, p.StatusCode)
			}
		}
		if n := r.audited(audit.PasswordReset); n != 0 {
			t.Fatalf("%d passwords were set", n)
		}
		// The attacker's own reset, with fields that name the victim: his own
		// password changes, and the flow is spent (S59).
		done := b.setPassword(r, token, flowIn(mine), "code", code, "login_name", victim.Username, "account", string(r.person("a").Account.ID),
			"user_id", string(r.person("a").Account.ID), "step", "proved", "mobile", phone)
		at(t, done, "/forgot/done")
		if p := b.setPassword(r, token, flowIn(mine), "code", code); p.Request.URL.Path == "/forgot/done" && r.audited(audit.PasswordReset) != 1 {
			t.Error("a flow was spent twice")
		}
		if n := r.audited(audit.PasswordReset); n != 1 {
			t.Errorf("%d resets", n)
		}
		if !r.browser().signsIn(r, "natural_person", victim.Username, victim.Password) {
			t.Error("the victim's password changed")
		}
		// What changes between the code and the password ends the flow.
		p := b.press(b.askReset(r, "natural_person", victim.Username), "send=code", "mobile", phone)
		code = r.sms(phone, 1)
		if err := r.app.db.SetAccountState(t.Context(), r.person("a").Account.ID, account.Frozen, audit.Event{Kind: audit.AccountChanged}); err != nil {
			t.Fatal(err)
		}
		gone("frozen meanwhile", b.setPassword(r, token, flowIn(p), "code", code))
	})
}

var fleeting = regexp.MustCompile(`flow%3D[A-Za-z0-9_-]+|nonce="[^"]+"|class="code">[a-z2-7]{16}<|name="form_token" value="[^"]+"`)

// A name that nobody has, a wrong window, a number that is not on file and a
// frozen account look like one that exists: same pages, no message (R31, S49).
func TestResetIsNoOracle(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		phone := r.person("a").Account.Profile.Phone
		ask := func(window, login, mobile string) (string, string, string) {
			p := b.askReset(r, window, login)
			found := fleeting.ReplaceAllString(strings.ReplaceAll(p.body, login, "LOGIN"), "")
			more := []string{"mobile", mobile}
			if window == "legal_entity" {
				more = append(more, "unit_name", "示例科技有限公司", "uscc", demoUSCC)
			}
			p = b.press(p, "send=code", more...)
			sent := fleeting.ReplaceAllString(strings.ReplaceAll(p.body, login, "LOGIN"), "")
			p = b.press(p, "code", "code", "000000", "password", freshPassword, "password_again", freshPassword)
			r.clock.move(61 * time.Second)
			return found, sent, fleeting.ReplaceAllString(strings.ReplaceAll(p.body, login, "LOGIN"), "")
		}
		plain := func(s, mobile string) string {
			return strings.ReplaceAll(strings.ReplaceAll(s, mobile, "MOBILE"), account.MaskMobile(mobile), "MASKED")
		}
		local := strings.TrimPrefix(phone, "+86")
		f0, s0, c0 := ask("natural_person", "zhangsan", local)
		for name, c := range map[string][2]string{
			"nobody":         {"nobodyhere", "13812345678"},
			"another number": {"zhangsan", "13812345679"},
			"the unit's":     {demoUSCC, "13812345670"},
		} {
			f, s, w := ask("natural_person", c[0], c[1])
			if f != f0 || plain(s, c[1]) != plain(s0, local) || plain(w, c[1]) != plain(c0, local) {
				t.Errorf("%s is told apart", name)
			}
			if len(r.told("+86"+c[1])) != 0 {
				t.Errorf("%s: a message went out", name)
			}
		}
		if r.await(phone, 1).Code == "" {
			t.Error("the control: no code went out at all")
		}
		if n := r.audited(audit.RecoveryAsked); n != 4 {
			t.Errorf("%d rows of 4 requests", n)
		}
	})
}

// After three months without a sign-in the number alone is not enough: it may be
// somebody else's by now.
func TestDormantAccountsAskForTheDocument(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.move(91 * 24 * time.Hour)
		b := r.browser()
		who := r.person("a").Account
		prove := func(c string, n int) page {
			phone := r.person(c).Account.Profile.Phone
			p := b.press(b.askReset(r, "natural_person", r.account(c).Username), "send=code", "mobile", phone)
			return b.press(p, "code", "code", r.sms(phone, n), "password", freshPassword, "password_again", freshPassword)
		}
		secrets := []string{"password", freshPassword, "password_again", freshPassword}
		p := prove("a", 1)
		if !strings.Contains(p.body, "证件号码后六位") || r.audited(audit.PasswordReset) != 0 {
			t.Fatalf("the number alone was enough: %s", p.body)
		}
		flow := p
		for range 3 {
			p = b.press(flow, "digits", append(secrets, "digits", "111111")...)
		}
		if p = b.press(flow, "digits", append(secrets, "digits", who.Profile.IDNumber[12:])...); p.StatusCode != http.StatusGone {
			t.Errorf("a fourth try: %d", p.StatusCode)
		}
		r.clock.move(2 * time.Minute)
		p = prove("a", 2)
		p = b.press(p, "digits", append(secrets, "digits", strings.ToLower(who.Profile.IDNumber[12:]))...)
		at(t, p, "/forgot/done")
		if p = prove("d", 1); p.StatusCode != http.StatusForbidden || !strings.Contains(p.body, "请通过申诉找回密码") {
			t.Errorf("nothing to ask for: %d", p.StatusCode)
		}
	})
}

// Who signed in lately is not asked, also after the session was swept.
func TestLastSignInOutlivesTheSession(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who := r.account("a")
		r.clock.move(89 * 24 * time.Hour)
		if !r.browser().signsIn(r, "natural_person", who.Username, who.Password) {
			t.Fatal("no sign-in")
		}
		r.clock.move(30 * 24 * time.Hour)
		for n := 1; n > 0; {
			var err error
			if n, err = r.app.db.SweepExpired(t.Context(), r.clock.now().Add(-time.Hour), 100); err != nil {
				t.Fatal(err)
			}
		}
		if r.ask(`SELECT COUNT(*) FROM sessions`) != 0 {
			t.Fatal("the session was not swept")
		}
		b, phone := r.browser(), r.person("a").Account.Profile.Phone
		p := b.press(b.askReset(r, "natural_person", who.Username), "send=code", "mobile", phone)
		p = b.press(p, "code", "code", r.sms(phone, 1), "password", freshPassword, "password_again", freshPassword)
		at(t, p, "/forgot/done")
	})
}

// A second factor counts at a reset, of persons and units, and stays enrolled; the
// number alone, which is all that a thief of the telephone has, opens nothing (S57).
func TestFactorsAreAskedForAtAReset(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		for _, row := range []struct {
			of, kind, login string
			enrolled        int // how many messages the enrolment itself sends
		}{{"b", "legal_entity", demoUSCC, 1}, {"a", "natural_person", "zhangsan", 1}} {
			holder := r.person(row.of)
			who := factor.Subject{Realm: factor.Accounts, ID: string(holder.Account.ID)}
			_, codes, err := r.app.factors.AddTOTP(t.Context(), who, audit.Event{Kind: audit.AccountChanged, Actor: string(holder.Account.ID)})
			if err != nil {
				t.Fatal(err)
			}
			on := []string{"mobile", holder.Account.Profile.Phone}
			if holder.Unit != nil && row.kind == "legal_entity" {
				on = []string{"mobile", holder.Account.Profile.Contact.Phone, "unit_name", holder.Unit.Name, "uscc", demoUSCC}
			}
			resets := r.audited(audit.PasswordReset)
			b := r.browser()
			p := b.press(b.askReset(r, row.kind, row.login), "send=code", on...)
			secrets := []string{"password", freshPassword, "password_again", freshPassword}
			p = b.press(p, "code", append(secrets, "code", r.sms(on[1], 1+row.enrolled))...)
			if !strings.Contains(p.body, "动态口令或备用码") || r.audited(audit.PasswordReset) != resets {
				t.Fatalf("%s: the factor is not asked for: %s", row.login, p.body)
			}
			for _, attack := range [][]string{{"factor", ""}, {"factor", "000000"}, {"factor", codes[0] + "x"}} {
				if bad := b.press(p, "factor", append(secrets, attack...)...); !strings.Contains(bad.body, "factor-why") {
					t.Errorf("%s, %q: %s", row.login, attack[1], bad.body)
				}
			}
			if r.audited(audit.PasswordReset) != resets {
				t.Fatalf("%s: reset by the number alone", row.login)
			}
			p = b.press(p, "factor", append(secrets, "factor", codes[0])...)
			at(t, p, "/forgot/done")
			if e, err := r.app.factors.Enrolled(t.Context(), who); err != nil || !e.Any() {
				t.Errorf("%s: the factor went with the password: %v, %v", row.login, e, err)
			}
		}
	})
}
