package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"kejitong/provider/client"
)

// S10 (OpenID Connect Core sections 3.1.2.1, 3.1.2.6, 5.5.1.1): when the user is
// asked, when not, and what is answered when asking is forbidden.
func TestPrompts(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		s.client("strong", func(c *client.Client) { c.Metadata.RequiredACR = "urn:fuwu:aal:3" })
		s.client("impatient", func(c *client.Client) { c.Metadata.DefaultMaxAge = new(int64) })
		own := func(c string) string { // an ID token of the account of case c
			a := asking("web", "openid")
			b := s.browser()
			b.in(s, c)
			return text(s.redeem(a, b.get(s.authorizeURL(a))), "id_token")
		}
		mine, other := own("a"), own("c")
		essential := func(v string) string { return `{"id_token":{"acr":{"essential":true,"values":["` + v + `"]}}}` }
		type params []string
		// The session is zhangsan's and five minutes old; want is an error, the page
		// that asks, or "code".
		for _, row := range []struct {
			name, client string
			more         params
			want         string
		}{
			{"none, too old", "web", params{"prompt", "none", "max_age", "60"}, "login_required"},
			{"none, a hint about somebody else", "web", params{"prompt", "none", "id_token_hint", other}, "login_required"},
			{"none, a sub of somebody else", "web", params{"prompt", "none", "claims", `{"id_token":{"sub":{"value":"somebody"}}}`}, "login_required"},
			{"none, class out of reach for the client", "strong", params{"prompt", "none"}, "unmet_authentication_requirements"},
			{"none, default_max_age of the client", "impatient", params{"prompt", "none"}, "login_required"},
			{"class out of reach for the client", "strong", nil, "unmet_authentication_requirements"}, // R40
			{"essential class out of reach", "web", params{"claims", essential("urn:fuwu:aal:3")}, "unmet_authentication_requirements"},
			{"login", "web", params{"prompt", "login"}, "/login"},
			{"login consent", "web", params{"prompt", "login consent"}, "/login"},
			{"max_age 0", "web", params{"max_age", "0"}, "/login"},
			{"max_age 1", "web", params{"max_age", "1"}, "/login"},
			{"default_max_age", "impatient", nil, "/login"},
			{"a hint about somebody else", "web", params{"id_token_hint", other}, "/login"},
			{"select_account", "web", params{"prompt", "select_account"}, "/login/account"},
			{"select_account consent", "web", params{"prompt", "select_account consent"}, "/login/account"},
			{"consent, first party too (settlement 20)", "web", params{"prompt", "consent"}, "/consent"},
			{"no prompt", "web", nil, "code"},
			{"none", "web", params{"prompt", "none"}, "code"},
			{"none, young enough", "web", params{"prompt", "none", "max_age", "10000"}, "code"},
			{"none, own hint", "web", params{"prompt", "none", "id_token_hint", mine}, "code"},
			{"acr_values are voluntary (settlement 5)", "web", params{"acr_values", "urn:fuwu:aal:3 x"}, "code"},
			{"essential class reached", "web", params{"prompt", "none", "claims", essential("urn:fuwu:aal:1")}, "code"},
			{"essential class without a value", "web", params{"claims", `{"id_token":{"acr":{"essential":true}}}`}, "code"},
			{"voluntary class out of reach", "web", params{"claims", `{"id_token":{"acr":{"values":["urn:fuwu:aal:3"]}}}`}, "code"},
		} {
			s.run(row.name, func(t *testing.T, s *arena) {
				b := s.browser()
				b.in(s, "a")
				s.exec("UPDATE sessions SET auth_time = auth_time - 300000")
				old := authTime(t, s, b)
				a := asking(row.client, "openid", row.more...)
				p := b.get(s.authorizeURL(a))
				if strings.HasPrefix(row.want, "/") {
					at(t, p, row.want)
					for range 3 {
						switch p.Request.URL.Path {
						case "/login":
							p = b.signIn(s.stage, p, "a")
						case "/login/account":
							p = b.press(p, "account=current")
						case "/consent":
							p = b.press(p, "decision=allow")
						}
					}
					if strings.Contains(row.name, "hint") {
						at(t, p, "/login") // zhangsan again: no positive answer about another than the one hinted at
						s.refused(a, b.press(p, "cancel=yes"), "access_denied")
						return
					}
				} else if row.want != "code" {
					s.refused(a, p, row.want)
					return
				}
				claims := idToken(t, s.redeem(a, p))
				fresh := claims["auth_time"].(float64) > old
				if want := row.want == "/login"; fresh != want {
					t.Errorf("auth_time %v after %v: freshly signed in %v, want %v", claims["auth_time"], old, fresh, want)
				}
				if claims["acr"] != "urn:fuwu:aal:1" {
					t.Errorf("acr %v, want what was reached and nothing else", claims["acr"])
				}
			})
		}
		for _, prompt := range []string{"-", "login", "select_account", "consent"} {
			s.run("nobody signed in, prompt "+prompt, func(t *testing.T, s *arena) {
				at(t, s.browser().get(s.authorizeURL(asking("web", "openid", "prompt", prompt))), "/login")
			})
		}
		s.run("login, then cancel (CVE-2023-6787)", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			who := s.whois(b)
			a := asking("web", "openid", "prompt", "login")
			p := b.get(s.authorizeURL(a))
			s.refused(a, b.press(p, "cancel=yes"), "access_denied")
			for name, again := range map[string]page{
				"the form":        b.press(p, "username", "username", s.account("a").Username, "password", s.account("a").Password),
				"the interaction": b.get(s.issuer + "/oauth2/authorize?" + p.Request.URL.RawQuery),
			} {
				if got := s.answer(a, again).Get("error"); got != "access_denied" {
					t.Errorf("%s once more: %q, want access_denied for good", name, got)
				}
			}
			if got := s.whois(b); got != who {
				t.Errorf("the session is %q's, want %q's: cancelling changes nothing", got, who)
			}
		})
		s.run("another account instead", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			before := s.whois(b)
			a := asking("web", "openid org", "prompt", "select_account")
			p := b.press(b.get(s.authorizeURL(a)), "account=other")
			at(t, p, "/login")
			if s.whois(b) != before {
				t.Error("asking for another account already ended the session")
			}
			if c := idToken(t, s.redeem(a, b.signIn(s.stage, p, "b"))); c["sub"] == before || c["nonce"] != a.params.Get("nonce") {
				t.Errorf("claims %v, want the unit's and the same request's", c)
			}
			if s.whois(b) == before {
				t.Error("the session is still the person's")
			}
		})
	})
}

// authTime is the auth_time of the browser's session, in seconds.
func authTime(t *testing.T, s *arena, b *browser) float64 {
	t.Helper()
	a := asking("web", "openid", "prompt", "none", "max_age", "1000000")
	v, ok := idToken(t, s.redeem(a, b.get(s.authorizeURL(a))))["auth_time"].(float64)
	if !ok {
		t.Fatal("no auth_time though max_age was asked for")
	}
	return v
}

// S16, S36: tabs do not mix, and an interaction is worth nothing in another
// browser.
func TestInterleavedTabs(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		s.client("other", func(c *client.Client) { c.Metadata.RedirectURIs = []string{"https://other.example.gov.cn/cb"} })
		b := s.browser()
		one := asking("web", "openid")
		two := asking("other", "openid", "redirect_uri", "https://other.example.gov.cn/cb", "prompt", "consent")
		tab1, tab2 := b.get(s.authorizeURL(one)), b.get(s.authorizeURL(two))
		id1, id2 := tab1.Request.URL.Query().Get("interaction"), tab2.Request.URL.Query().Get("interaction")
		login := url.Values{"username": {s.account("a").Username}, "password": {s.account("a").Password}, "window": {"natural_person"}}
		token := findForm(t, tab1.body, "username").values.Get("form_token")

		s.run("swapped ids", func(t *testing.T, s *arena) {
			f := url.Values{"form_token": {token}, "interaction": {id2}, "username": login["username"], "password": login["password"], "window": login["window"]}
			if p := b.still().send(http.MethodPost, s.issuer+"/login?interaction="+id1, f); p.StatusCode != http.StatusBadRequest || b.cookie("session") != "" {
				t.Errorf("a form of one tab at the other's address: %d, want 400 and no session", p.StatusCode)
			}
		})
		tab2 = b.signIn(s.stage, tab2, "a")
		at(t, tab2, "/consent")
		s.run("another browser", func(t *testing.T, s *arena) {
			thief := s.browser()
			thief.in(s, "c")
			who, mine := s.whois(thief), s.whois(b)
			stolen := findForm(t, thief.get(s.issuer+"/login?other=1").body, "username").values.Get("form_token")
			for _, id := range []string{id1, id2} {
				for _, path := range []string{"/login", "/login/account", "/login/unit", "/consent", "/refused", "/logout", "/oauth2/authorize"} {
					u := s.issuer + path + "?interaction=" + id
					if p := thief.still().get(u); p.StatusCode != http.StatusForbidden {
						t.Errorf("GET %s: %d, want 403", path, p.StatusCode)
					}
					if path == "/oauth2/authorize" {
						continue
					}
					f := url.Values{"form_token": {stolen}, "interaction": {id}, "decision": {"allow"}, "cancel": {"yes"}, "account": {"current"}, "logout": {"yes"}, "username": login["username"], "password": login["password"]}
					if p := thief.still().send(http.MethodPost, u, f); p.StatusCode != http.StatusForbidden {
						t.Errorf("POST %s: %d, want 403", path, p.StatusCode)
					}
				}
			}
			if s.whois(thief) != who || s.whois(b) != mine {
				t.Error("a session changed")
			}
		})
		p1 := b.signIn(s.stage, tab1, "a")
		code1 := s.answer(one, p1).Get("code")
		tab2 = b.press(tab2, "decision=allow")
		code2 := s.answer(two, tab2).Get("code")
		if code1 == "" || code1 == code2 {
			t.Fatal("the tabs share a code")
		}
		if status, m := s.post("/oauth2/token", "other", url.Values{"grant_type": {"authorization_code"}, "code": {code1}, "redirect_uri": {rpcb}, "code_verifier": {one.verifier}}); status != http.StatusBadRequest || text(m, "error") != "invalid_grant" {
			t.Errorf("a code at the other tab's client: %d %v", status, m)
		}
		for _, row := range []struct {
			a    attempt
			code string
		}{{one, code1}, {two, code2}} {
			if status, m := s.exchange(row.a, row.code); status != http.StatusOK || idToken(t, m)["nonce"] != row.a.params.Get("nonce") {
				t.Errorf("%s: %d %v", row.a.params.Get("client_id"), status, m)
			}
		}
	})
}

// S38: whoever clicks twice arrives once, with one code.
func TestDoubleSubmit(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		b := s.browser()
		a := asking("web", "openid", "prompt", "consent")
		p := b.signIn(s.stage, b.get(s.authorizeURL(a)), "a")
		at(t, p, "/consent")
		before := s.count("SELECT COUNT(*) FROM grants")
		codes := make([]string, 8)
		var wg sync.WaitGroup
		for i := range codes {
			wg.Go(func() { codes[i] = s.answer(a, b.press(p, "decision=allow")).Get("code") })
		}
		wg.Wait()
		if len(slices.Compact(codes)) != 1 || codes[0] == "" {
			t.Errorf("codes %q, want one", codes)
		}
		if n := s.count("SELECT COUNT(*) FROM grants") - before; n != 1 {
			t.Errorf("%d grants, want 1", n)
		}
		if status, m := s.exchange(a, codes[0]); status != http.StatusOK {
			t.Fatalf("token endpoint: %d %v", status, m)
		}
		if p := b.press(p, "decision=allow"); p.StatusCode != http.StatusGone {
			t.Errorf("the form once more after the code was spent: %d, want 410", p.StatusCode)
		}
	})
}
