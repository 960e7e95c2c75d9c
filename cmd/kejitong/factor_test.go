package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/session"
)

var (
	secretShown = regexp.MustCompile(`id="totp-secret">([A-Z2-7 ]+)<`)
	codeShown   = regexp.MustCompile(`<li class="code">([0-9A-Z-]{19})</li>`)
)

// mobileOf is the proved mobile of the account of a case.
func (s *stage) mobileOf(c string) string {
	s.t.Helper()
	a, err := s.app.db.AccountByLogin(s.t.Context(), strings.ToLower(s.account(c).Username))
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Profile.Phone
}

// bySMS shows an SMS code on the page of the second factor.
func (b *browser) bySMS(s *stage, p page, c string) page {
	b.t.Helper()
	if !strings.Contains(p.body, `name="send"`) {
		p = b.get(p.Request.URL.String() + sep(p.Request.URL) + "way=sms")
	}
	before := len(s.told(s.mobileOf(c)))
	p = b.submit(p, "send", url.Values{"send": {"code"}})
	code := s.await(s.mobileOf(c), before+1).Code
	return b.submit(p, "code", url.Values{"code": {code}})
}

// factorHolder is a browser whose account has an authenticator app.
type factorHolder struct {
	*browser
	r      *rig
	c      string
	secret string
	codes  []string
}

// code is the app's, so many steps from now.
func (h *factorHolder) code(steps int) string {
	h.t.Helper()
	c, err := totp.GenerateCode(h.secret, h.r.clock.now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// enrols signs the account of a case in and adds an authenticator app to it.
func (r *rig) enrols(c string) *factorHolder {
	r.t.Helper()
	h := &factorHolder{browser: r.browser(), r: r, c: c}
	p := h.signIn(r.stage, h.get(r.issuer+"/login?next=/me/security"), c)
	p = h.submit(p, "begin", url.Values{"begin": {"yes"}})
	m := secretShown.FindStringSubmatch(p.body)
	if m == nil {
		r.t.Fatalf("no secret at %s:\n%s", p.Request.URL, p.body)
	}
	h.secret = strings.ReplaceAll(m[1], " ", "")
	if wrong := h.submit(p, "offer", url.Values{"code": {"000000"}}); !strings.Contains(wrong.body, `id="factor-code-why"`) || !strings.Contains(wrong.body, m[1]) {
		r.t.Errorf("a wrong first code: %d %s", wrong.StatusCode, wrong.body)
	}
	p = h.submit(p, "offer", url.Values{"code": {h.code(0)}})
	for _, m := range codeShown.FindAllStringSubmatch(p.body, -1) {
		h.codes = append(h.codes, m[1])
	}
	if len(h.codes) != 10 {
		r.t.Fatalf("%d recovery codes:\n%s", len(h.codes), p.body)
	}
	r.clock.move(time.Minute) // the code of the enrolment is used
	return h
}

func onFactorPage(p page) bool { return p.Request.URL.Path == "/login/factor" }

// asked signs in with the password alone and gives the page of the second factor.
func (h *factorHolder) asked(b *browser) page {
	h.t.Helper()
	p := b.signIn(h.r.stage, b.get(h.r.issuer+"/login?next=/me"), h.c)
	if !onFactorPage(p) {
		h.t.Fatalf("the right password leads to %s", p.Request.URL)
	}
	return p
}

func inside(p page) bool { return p.StatusCode == http.StatusOK && p.Request.URL.Path == "/me" }

// The second factor after the password: what is not one lets nobody in, and until
// one is shown there is no session and nothing of the account can be changed (S60).
func TestSecondFactorAtSignIn(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		h := r.enrols("a")
		b := r.browser()
		p := h.asked(b)
		for _, path := range []string{"/me", "/me/security", "/me/security/password", "/me/security/passkey", "/me/devices"} {
			if got := b.get(r.issuer + path); got.Request.URL.Path != "/login" {
				t.Errorf("%s is open before the second factor: %s", path, got.Request.URL)
			}
		}
		sessions := r.ask(`SELECT COUNT(*) FROM sessions`)
		for name, fill := range map[string]url.Values{
			"nothing":                {},
			"a wrong code":           {"code": {"000000"}},
			"a way that is not open": {"way": {"passkey"}, "answer": {"{}"}},
			"no way":                 {"way": {"trust me"}, "code": {h.code(0)}},
		} {
			got := b.submit(p, "code", fill)
			if got.StatusCode != http.StatusOK || inside(b.get(r.issuer+"/me")) {
				t.Errorf("%s: %d %s", name, got.StatusCode, got.Request.URL)
			}
		}
		if n := r.ask(`SELECT COUNT(*) FROM sessions`); n != sessions {
			t.Errorf("%d sessions more before the factor", n-sessions)
		}
		other := r.browser()
		other.get(r.issuer + "/login")
		if got := other.get(p.Request.URL.String()); got.StatusCode != http.StatusForbidden { // S36
			t.Errorf("in another browser: %d", got.StatusCode)
		}
		code := h.code(0)
		if got := b.submit(p, "code", url.Values{"code": {code}}); !inside(got) {
			t.Fatalf("the right code: %d %s\n%s", got.StatusCode, got.Request.URL, got.body)
		}
		if got := b.submit(p, "code", url.Values{"code": {code}}); !inside(got) { // clicked twice
			t.Errorf("sent twice: %d %s", got.StatusCode, got.Request.URL)
		}
		b2 := r.browser()
		if got := b2.submit(h.asked(b2), "code", url.Values{"code": {code}}); inside(got) || !strings.Contains(got.body, `id="factor-code-why"`) {
			t.Errorf("a code that was used: %s", got.Request.URL)
		}
		if n := r.ask(`SELECT COUNT(*) FROM sessions WHERE acr = 'urn:fuwu:aal:2' AND amr = '["pwd","otp"]' AND factor_at > 0`); n != 1 {
			t.Errorf("%d sessions of the second class", n)
		}
		if n := r.audited(audit.FactorFailed); n != 3 { // nothing, wrong, used
			t.Errorf("%d failed factors on record", n)
		}
	})
}

// Guessing locks, even across sign-ins; recovery codes are good once; an SMS does,
// but allows no sensitive change.
func TestOtherWaysOfTheSecondFactor(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		h := r.enrols("a")
		for range 5 {
			b := r.browser()
			b.submit(h.asked(b), "code", url.Values{"code": {"000000"}})
		}
		b := r.browser()
		if got := b.submit(h.asked(b), "code", url.Values{"code": {h.code(0)}}); got.StatusCode != http.StatusTooManyRequests || inside(b.get(r.issuer+"/me")) {
			t.Errorf("the sixth guess: %d", got.StatusCode)
		}
		if n := r.audited(audit.FactorThrottled); n != 1 {
			t.Errorf("%d refused guesses on record", n)
		}
		r.clock.move(16 * time.Minute)

		recovery := func(code string) page {
			b := r.browser()
			p := h.asked(b)
			p = b.get(p.Request.URL.String() + "&way=recovery")
			return b.submit(p, "code", url.Values{"code": {code}})
		}
		if got := recovery(h.codes[3]); !inside(got) {
			t.Errorf("a recovery code: %d %s", got.StatusCode, got.Request.URL)
		}
		if m := r.await(r.mobileOf("a"), 2); m.Purpose != "recovery_code_used" {
			t.Errorf("the owner was told %q", m.Purpose)
		}
		if got := recovery(h.codes[3]); inside(got) {
			t.Error("a recovery code twice")
		}

		b = r.browser()
		if got := b.bySMS(r.stage, h.asked(b), "a"); !inside(got) {
			t.Fatalf("an SMS: %d %s\n%s", got.StatusCode, got.Request.URL, got.body)
		}
		p := b.get(r.issuer + "/me/security/password")
		if !onFactorPage(p) || strings.Contains(p.body, "way=sms") {
			t.Errorf("a sensitive change after an SMS: %s", p.Request.URL)
		}
		if p = b.submit(p, "code", url.Values{"code": {h.code(0)}}); p.Request.URL.Path != "/me/security/password" {
			t.Errorf("after the code: %s", p.Request.URL)
		}
	})
}

// S63: a sensitive change takes the method that is required, fresh: the second
// factor where there is one, whatever else was shown since, and brings back to
// where one was. The session gets another cookie (S35).
func TestStepUp(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		h := r.enrols("a")
		b := r.browser()
		b.submit(h.asked(b), "code", url.Values{"code": {h.code(0)}})
		p := b.get(r.issuer + "/me/security/passkey")
		if onFactorPage(p) {
			t.Errorf("asked again at once: %s", p.Request.URL)
		}
		r.clock.move(6 * time.Minute)
		list := b.get(r.issuer + "/me/security")
		p = b.submit(list, "do=remove", url.Values{"do": {"remove"}})
		if !onFactorPage(p) || r.ask(`SELECT COUNT(*) FROM factors`) != 1 {
			t.Fatalf("removed without a fresh factor: %s", p.Request.URL)
		}
		r.exec(`UPDATE sessions SET auth_time = ?`, r.clock.now().UnixMilli()) // a fresh password alone does not count
		p = b.submit(list, "do=remove", url.Values{"do": {"remove"}})
		if !onFactorPage(p) {
			t.Fatalf("removed by a fresh password: %s", p.Request.URL)
		}
		before, authTime := b.cookie("kejitong_session"), r.ask(`SELECT MAX(auth_time) FROM sessions`)
		code := h.code(0)
		if got := b.submit(p, "code", url.Values{"code": {"000000"}}); !onFactorPage(got) {
			t.Errorf("a wrong code: %s", got.Request.URL)
		}
		done := b.submit(p, "code", url.Values{"code": {code}})
		if done.Request.URL.Path != "/me/security" {
			t.Errorf("the step leads to %s", done.Request.URL)
		}
		if b.cookie("kejitong_session") == before {
			t.Error("the session kept its cookie")
		}
		if r.ask(`SELECT MAX(auth_time) FROM sessions`) != authTime {
			t.Error("the factor made a new sign-in of it")
		}
		if got := b.submit(done, "do=remove", url.Values{"do": {"remove"}}); got.Request.URL.Path != "/me/security" || r.ask(`SELECT COUNT(*) FROM factors`) != 0 || r.ask(`SELECT COUNT(*) FROM recovery_codes`) != 0 {
			t.Errorf("not removed: %s", got.Request.URL)
		}
		if n := r.audited(audit.SessionRaised); n != 1 {
			t.Errorf("%d raised sessions on record", n)
		}

		// Without a factor the sign-in itself has to be fresh.
		c := r.browser()
		c.signIn(r.stage, c.get(r.issuer+"/login"), "c")
		r.clock.move(6 * time.Minute)
		p = c.get(r.issuer + "/me/security/passkey")
		if p.Request.URL.Path != "/login" {
			t.Fatalf("no password asked: %s", p.Request.URL)
		}
		p = c.submit(c.get(r.issuer+"/me/security"), "begin", url.Values{"begin": {"yes"}})
		if p.Request.URL.Path != "/login" || p.Request.URL.Query().Get("next") != "/me/security" {
			t.Errorf("an enrolment without a fresh password: %s", p.Request.URL)
		}
	})
}

// A session that ended while the second factor was shown is not raised from the
// dead.
func TestRaisingAnEndedSession(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		h := r.enrols("a")
		b := r.browser()
		b.submit(h.asked(b), "code", url.Values{"code": {h.code(0)}})
		r.clock.move(6 * time.Minute)
		p := b.get(r.issuer + "/me/security/password")
		r.exec(`UPDATE sessions SET ended_at = 1`)
		b.submit(p, "code", url.Values{"code": {h.code(0)}})
		if n := r.ask(`SELECT COUNT(*) FROM sessions WHERE ended_at = 0`); n != 0 || inside(b.get(r.issuer+"/me")) {
			t.Errorf("%d sessions live", n)
		}
	})
}

// An essential acr forces the second factor where the account can reach the class,
// and is an error where it cannot; a voluntary one forces nothing (settlement 5).
func TestEssentialClassBySecondFactor(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.clock.stop()
		r.register("web", client.Metadata{})
		essential := func(class, prompt string) attempt {
			a := request("web", "openid")
			a.params.Set("claims", `{"id_token":{"acr":{"essential":true,"value":"`+class+`"}}}`)
			if prompt != "" {
				a.params.Set("prompt", prompt)
			}
			return a
		}
		b := r.browser()
		b.signIn(r.stage, b.get(r.issuer+"/login"), "a")
		if q := callback(t, b.get(r.authorizeURL(essential("urn:fuwu:aal:2", "none")))); q.Get("error") != "interaction_required" {
			t.Errorf("silently, by SMS: %v", q)
		}
		if q := callback(t, b.get(r.authorizeURL(essential("urn:fuwu:aal:3", "")))); q.Get("error") != "unmet_authentication_requirements" {
			t.Errorf("out of reach: %v", q)
		}
		voluntary := request("web", "openid")
		voluntary.params.Set("acr_values", "urn:fuwu:aal:2")
		if q := callback(t, b.get(r.authorizeURL(voluntary))); q.Get("code") == "" {
			t.Errorf("voluntary: %v", q)
		}
		a := essential("urn:fuwu:aal:2", "")
		p := b.get(r.authorizeURL(a))
		if !onFactorPage(p) {
			t.Fatalf("the request leads to %s", p.Request.URL)
		}
		if q := callback(t, b.submit(p, "cancel", url.Values{"cancel": {"yes"}})); q.Get("error") != "access_denied" {
			t.Errorf("cancelled: %v", q)
		}
		p = b.bySMS(r.stage, b.get(r.authorizeURL(a)), "a")
		claims := idToken(t, r.redeem(a, callback(t, p).Get("code")))
		if claims["acr"] != "urn:fuwu:aal:2" || len(claims["amr"].([]any)) != 2 {
			t.Errorf("acr %v amr %v", claims["acr"], claims["amr"])
		}
		again := essential("urn:fuwu:aal:2", "none")
		if q := callback(t, b.get(r.authorizeURL(again))); q.Get("code") == "" {
			t.Errorf("afterwards: %v", q)
		}
		// A sign-in that owes a factor anyway is not asked twice.
		h := r.enrols("c")
		fresh := r.browser()
		a = essential("urn:fuwu:aal:2", "")
		p = fresh.signIn(r.stage, fresh.get(r.authorizeURL(a)), "c")
		if q := callback(t, fresh.submit(p, "code", url.Values{"code": {h.code(0)}})); q.Get("code") == "" {
			t.Errorf("with the app: %v", q)
		}
	})
}

// sessionsOf are the living sessions of the account of a case.
func (s *stage) sessionsOf(c string) []session.Session {
	s.t.Helper()
	a, err := s.app.db.AccountByLogin(s.t.Context(), strings.ToLower(s.account(c).Username))
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := s.app.db.SessionsOf(s.t.Context(), a.ID, now())
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}
