package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kejitong/provider/operator"
	"kejitong/store/storetest"
)

var (
	onceSecret = regexp.MustCompile(`id="secret">([^<]+)<`)
	factorText = regexp.MustCompile(`id="factor">([^<]+)<`)
)

// Somebody new is proposed by one, confirmed by another, enrols with what the
// second one hands over, and works.
func TestDeskHiresWithFourEyes(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		sys, sec := r.atDesk("sysadmin"), r.atDesk("secadmin")
		p := sys.submit(sys.get(r.issuer+"/admin/operators"), "login_name", url.Values{"login_name": {"zhaoliu"}, "role": {"reviewer"}})
		if !strings.Contains(p.body, "zhaoliu") {
			t.Fatalf("not proposed:\n%s", p.body)
		}
		if n := r.ask(`SELECT COUNT(*) FROM operators WHERE login_key = 'zhaoliu'`); n != 0 {
			t.Error("an operator that nobody confirmed is there")
		}
		p = sec.submit(sec.get(r.issuer+"/admin/approvals"), "decision=approve", url.Values{"decision": {"approve"}})
		found := onceSecret.FindStringSubmatch(p.body)
		if found == nil {
			t.Fatalf("no secret:\n%s", p.body)
		}
		if strings.Contains(r.logs.String(), found[1]) {
			t.Error("the log tells the secret")
		}
		fresh := r.browser()
		bad := fresh.submit(fresh.get(r.issuer+"/admin/enrol"), "secret", url.Values{"secret": {"x" + found[1]}})
		if !strings.Contains(bad.body, "密钥不正确") {
			t.Errorf("a wrong secret: %s", bad.body)
		}
		p = fresh.submit(bad, "secret", url.Values{"secret": {found[1]}})
		factor := factorText.FindStringSubmatch(p.body)
		if factor == nil || strings.Contains(p.Request.URL.String(), found[1]) {
			t.Fatalf("at %s:\n%s", p.Request.URL, p.body)
		}
		secret := strings.ReplaceAll(factor[1], " ", "")
		p = fresh.submit(p, "password", url.Values{"password": {"short"}, "again": {"short"}, "code": {r.deskCode(secret)}})
		if !strings.Contains(p.body, `class="why"`) || strings.Contains(p.body, `value="short"`) {
			t.Errorf("a weak password:\n%s", p.body)
		}
		const chosen = "Velvet-Harbor-71"
		p = fresh.submit(p, "password", url.Values{"password": {chosen}, "again": {chosen}, "code": {r.deskCode(secret)}})
		if !strings.Contains(p.body, "账号已启用") {
			t.Fatalf("not enrolled:\n%s", p.body)
		}
		r.later()
		in := url.Values{"username": {"zhaoliu"}, "password": {chosen}, "code": {r.deskCode(secret)}}
		if p = fresh.submit(fresh.get(r.issuer+"/admin/login"), "username", in); p.Request.URL.Path != "/admin" {
			t.Fatalf("cannot sign in:\n%s", p.body)
		}
		if p = fresh.get(r.issuer + "/admin/cases"); p.StatusCode != http.StatusOK {
			t.Errorf("the new reviewer's queue: %d", p.StatusCode)
		}
		// C1: after 90 days there is one page left, until the password is another.
		r.clock.move(operator.PasswordLife + time.Minute)
		if p = fresh.submit(fresh.get(r.issuer+"/admin/login"), "username", url.Values{"username": {"zhaoliu"}, "password": {chosen}, "code": {r.deskCode(secret)}}); p.Request.URL.Path != "/admin/self" {
			t.Errorf("an old password opens %s", p.Request.URL.Path)
		}
	})
}

// S34, S35, S48: the cookie is the desk's own and strict; failures look alike.
func TestDeskSignInAnswers(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	o := r.operator("auditor")
	try := func(v url.Values) string {
		t.Helper()
		b := r.browser()
		p := b.submit(b.get(r.issuer+"/admin/login"), "username", v)
		if p.StatusCode != http.StatusOK || p.Request.URL.Path != "/admin/login" {
			t.Fatalf("%v: %d at %s", v, p.StatusCode, p.Request.URL)
		}
		body := regexp.MustCompile(`(name="form_token" value|nonce|class="code"|name="username" type="text" value)(=|>)("[^"]*"|[a-z0-9]+)`).ReplaceAllString(p.body, "$1")
		return body
	}
	wrong := try(url.Values{"username": {o.Username}, "password": {"x"}, "code": {r.deskCode(o.Factor)}})
	for name, v := range map[string]url.Values{
		"unknown": {"username": {"nobody"}, "password": {o.Password}, "code": {r.deskCode(o.Factor)}}, "code": {"username": {o.Username}, "password": {o.Password}, "code": {"000000"}},
		"an account": {"username": {"zhangsan"}, "password": {r.account("a").Password}, "code": {"000000"}}, "empty": {"username": {""}, "password": {""}, "code": {""}},
	} {
		if got := try(v); got != wrong {
			t.Errorf("%s is answered otherwise:\n%s\n%s", name, got, wrong)
		}
	}
	b := r.browser()
	page := b.get(r.issuer + "/admin/login")
	f := findForm(t, page.body, "username").values
	f.Set("username", o.Username)
	f.Set("password", o.Password)
	f.Set("code", r.deskCode(o.Factor))
	p := b.deskSend(r.issuer+"/admin/login", f)
	cookie := ""
	for _, c := range p.Header.Values("Set-Cookie") {
		if strings.Contains(c, "kejitong_desk=") {
			cookie = c
		}
	}
	if !strings.Contains(cookie, "SameSite=Strict") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "Path=/") {
		t.Errorf("cookie %q", cookie)
	}
	// The session of an account opens nothing here, nor the desk's there.
	if p := b.get(r.issuer + "/"); strings.Contains(p.body, o.Username) {
		t.Error("an operator is signed in at the platform")
	}
	r.clock.move(operator.Idle)
	if p := b.still().get(r.issuer + "/admin"); p.StatusCode != http.StatusSeeOther {
		t.Errorf("an idle session: %d", p.StatusCode)
	}
}
