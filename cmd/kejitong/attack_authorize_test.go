package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// Errors that belong to the client go to the client: S4 to S10, each with state
// and iss (S8), in the query and by form_post (conformance 3.3). No session is
// involved, so SQLite alone.
func TestRefusedAtTheClient(t *testing.T) {
	var knocks atomic.Int64
	canary := http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { knocks.Add(1) })}
	address := listen(t, &canary)
	s := newArena(t, storetest.SQLite(t), func(c *config.Config) { c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, address) })
	s.client("web", func(c *client.Client) { c.Metadata.Audience = []string{"urn:a", "urn:b"} })
	s.client("relaxed", func(c *client.Client) { c.Metadata.PKCEOptional = true })
	s.client("public", func(c *client.Client) {
		c.Metadata.TokenEndpointAuthMethod, c.Metadata.PKCEOptional, c.SecretDigest = "none", true, ""
	})
	s.client("pushes", func(c *client.Client) { c.Metadata.RequirePushedAuthRequests = true })
	unsigned := "eyJhbGciOiJub25lIn0.eyJjbGllbnRfaWQiOiJ3ZWIiLCJyZWRpcmVjdF91cmkiOiJodHRwczovL3JwLmV4YW1wbGUuZ292LmNuL2NiIn0."
	// Plain claims may nest five deep, the evidence asked for in verified_claims twelve.
	nested := func(plain, verified int) string {
		return `{"userinfo":{"a":` + strings.Repeat("[", plain-2) + strings.Repeat("]", plain-2) + `,"verified_claims":` + strings.Repeat("[", verified-2) + strings.Repeat("]", verified-2) + "}}"
	}
	foreignHint := "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"
	b := s.browser().still()
	for _, row := range []struct {
		name, client string
		more         []string
		want         string
	}{
		{"S4 token", "web", []string{"response_type", "token"}, "unsupported_response_type"},
		{"S4 id_token", "web", []string{"response_type", "id_token"}, "unsupported_response_type"},
		{"S4 id_token token", "web", []string{"response_type", "id_token token"}, "unsupported_response_type"},
		{"S4 code id_token", "web", []string{"response_type", "code id_token"}, "unsupported_response_type"},
		{"S4 code token", "web", []string{"response_type", "code token"}, "unsupported_response_type"},
		{"S4 none", "web", []string{"response_type", "none"}, "unsupported_response_type"},
		{"S4 Code", "web", []string{"response_type", "Code"}, "unsupported_response_type"},
		{"S4 code code", "web", []string{"response_type", "code code"}, "unsupported_response_type"},
		{"S4 no response type (conformance 3.1-2)", "web", []string{"response_type", "-"}, "invalid_request"},
		{"S4 empty response type", "web", []string{"response_type", ""}, "invalid_request"},
		{"S7 no challenge", "web", []string{"code_challenge", "-", "code_challenge_method", "-"}, "invalid_request"},
		{"S7 no challenge, public client that asks for leniency", "public", []string{"code_challenge", "-", "code_challenge_method", "-"}, "invalid_request"},
		{"S7 method without a challenge", "relaxed", []string{"code_challenge", "-"}, "invalid_request"},
		{"S7 no method", "web", []string{"code_challenge_method", "-"}, "invalid_request"},
		{"S7 no method where PKCE is optional", "relaxed", []string{"code_challenge_method", "-"}, "invalid_request"},
		{"S7 plain", "web", []string{"code_challenge_method", "plain"}, "invalid_request"},
		{"S7 s256", "web", []string{"code_challenge_method", "s256"}, "invalid_request"},
		{"S7 challenge of 42", "web", []string{"code_challenge", strings.Repeat("a", 42)}, "invalid_request"},
		{"S7 challenge of 44", "web", []string{"code_challenge", strings.Repeat("a", 43) + "="}, "invalid_request"},
		{"S7 challenge of other letters", "web", []string{"code_challenge", strings.Repeat("a", 42) + "+"}, "invalid_request"},
		{"S10 none login", "web", []string{"prompt", "none login"}, "invalid_request"},
		{"S10 consent none", "web", []string{"prompt", "consent none"}, "invalid_request"},
		{"S10 unknown prompt", "web", []string{"prompt", "signup"}, "invalid_request"},
		{"S10 none create", "web", []string{"prompt", "none create"}, "invalid_request"},
		{"S10 nobody signed in", "web", []string{"prompt", "none"}, "login_required"},
		{"S10 nobody signed in, 128 letters of state (conformance 3.1-18)", "web", []string{"prompt", "none", "state", strings.Repeat("s", 128)}, "login_required"},
		{"S10 essential acr out of reach", "web", []string{"claims", `{"id_token":{"acr":{"essential":true,"values":["urn:fuwu:aal:3"]}}}`}, "unmet_authentication_requirements"},
		{"S10 essential acr unheard of", "web", []string{"claims", `{"id_token":{"acr":{"essential":true,"value":"loa9"}}}`}, "unmet_authentication_requirements"},
		{"S10 hint that is no token", "web", []string{"id_token_hint", "x"}, "invalid_request"},
		{"S10 hint that we did not sign", "web", []string{"id_token_hint", foreignHint}, "invalid_request"},
		{"S10 unsigned hint", "web", []string{"id_token_hint", unsigned}, "invalid_request"},
		{"max_age below nothing", "web", []string{"max_age", "-1"}, "invalid_request"},
		{"max_age no number", "web", []string{"max_age", "1e3"}, "invalid_request"},
		{"max_age beyond all numbers", "web", []string{"max_age", strings.Repeat("9", 30)}, "invalid_request"},
		{"P4 unsigned request object", "web", []string{"request", unsigned}, "invalid_request_object"},
		{"P4 request object beside a request_uri", "web", []string{"request", unsigned, "request_uri", "https://rp.example.gov.cn/r"}, "invalid_request"},
		{"S11 request_uri", "web", []string{"request_uri", "http://" + address + "/request.jwt"}, "request_uri_not_supported"},
		{"S11 request_uri into the house", "web", []string{"request_uri", "http://169.254.169.254/latest"}, "request_uri_not_supported"},
		{"registration", "web", []string{"registration", "{}"}, "registration_not_supported"},
		{"S12 a client that must push", "pushes", nil, "invalid_request"},
		{"claims no JSON", "web", []string{"claims", "{"}, "invalid_request"},
		{"claims no object", "web", []string{"claims", "[]"}, "invalid_request"},
		{"S6 claims 6 deep", "web", []string{"claims", nested(6, 12)}, "invalid_request"},
		{"S6 verified_claims 13 deep", "web", []string{"claims", nested(5, 13)}, "invalid_request"},
		{"S6 claims too long", "web", []string{"claims", `{"id_token":{"` + strings.Repeat("n", 4<<10) + `":null}}`}, "invalid_request"},
		{"S6 65 scopes", "web", []string{"scope", strings.Repeat("openid ", 64) + "profile"}, "invalid_scope"},
		{"S6 a scope of 5000 letters", "web", []string{"scope", strings.Repeat("s", 5000)}, "invalid_scope"},
		{"S6 state too long", "web", []string{"state", strings.Repeat("s", 1025)}, "invalid_request"},
		{"S6 nonce too long", "web", []string{"nonce", strings.Repeat("n", 1025)}, "invalid_request"},
		{"NUL in the nonce", "web", []string{"nonce", "a\x00b"}, "invalid_request"},
		{"nonce that no JSON can carry", "web", []string{"nonce", "a\xffb"}, "invalid_request"},
	} {
		s.run(row.name, func(t *testing.T, s *arena) {
			for _, mode := range []string{"-", "form_post"} {
				a := asking(row.client, "openid", row.more...).with("response_mode", mode)
				if len(s.authorizeURL(a)) > 8<<10 {
					t.Fatal("the URL is refused for its length")
				}
				for _, p := range []page{b.get(s.authorizeURL(a)), b.send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params, "Origin", "https://rp.example.gov.cn", "Sec-Fetch-Site", "cross-site")} {
					if l := p.Header.Get("Location"); row.want == "login_required" && strings.HasPrefix(l, "/oauth2/authorize?") {
						p = b.get(s.issuer + l) // whoever posts is asked again with cookies
					}
					got := s.answer(a, p).Get("error")
					if got != row.want {
						t.Errorf("response_mode %s: error %q, want %q", mode, got, row.want)
					}
				}
			}
		})
	}
	for _, mode := range []string{"fragment", "fragment.jwt", "web_message", "jwt.jwt", ".jwt", "JWT", "Query"} {
		s.run("S4 response mode "+mode, func(t *testing.T, s *arena) {
			a := asking("web", "openid", "response_mode", mode)
			s.refused(a, b.get(s.authorizeURL(a)), "invalid_request")
		})
	}
	for _, name := range []string{"scope", "state", "nonce", "response_type", "response_mode", "code_challenge", "code_challenge_method", "prompt", "max_age", "claims", "ui_locales"} { // unknown ones are not even kept (RFC 6749 section 3.1)
		s.run("S5 repeated "+name, func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			twice := "&" + name + "=" + url.QueryEscape(a.params.Get(name)) + "&" + name + "="
			p := b.get(s.authorizeURL(a.with(name, "-")) + twice)
			if q := callback(t, p); q.Get("error") != "invalid_request" || q.Get("iss") != s.issuer || q.Has("code") {
				t.Errorf("got %v, want invalid_request (RFC 6749 section 3.1)", q)
			}
		})
	}
	if n := knocks.Load(); n != 0 {
		t.Errorf("%d outbound connections, want none (S11)", n)
	}
	control := asking("web", "openid").with("claims", nested(5, 12), "state", strings.Repeat("s", 1024), "nonce", strings.Repeat("n", 1024), "scope", strings.TrimSpace(strings.Repeat("openid ", 64)))
	for name, u := range map[string]string{"at the limits": s.authorizeURL(control), "resource twice (settled: RFC 8707)": s.authorizeURL(asking("web", "openid")) + "&resource=urn:a&resource=urn:b"} {
		if p := b.get(u); p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/login?") {
			t.Errorf("control, %s: %d %s", name, p.StatusCode, p.Header.Get("Location"))
		}
	}
}

// S6: what is too long is refused before anything is made of it. No state.
func TestOversizedRequests(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	s.client("web", nil)
	b := s.browser().still()
	a := asking("web", "openid")
	long := strings.Repeat("x", 9<<10)
	for _, row := range []struct {
		name string
		p    page
		want int
	}{
		{"URL", b.get(s.authorizeURL(a.with("login_hint", long))), http.StatusRequestURITooLong},
		{"header", b.send(http.MethodGet, s.authorizeURL(a), nil, "A", long, "B", long), http.StatusRequestHeaderFieldsTooLarge},
		{"body of authorize", b.send(http.MethodPost, s.issuer+"/oauth2/authorize", a.with("login_hint", strings.Repeat("x", 65<<10)).params), http.StatusRequestEntityTooLarge},
		{"body of logout", b.send(http.MethodPost, s.issuer+"/oauth2/logout", url.Values{"state": {strings.Repeat("x", 65<<10)}}), http.StatusRequestEntityTooLarge},
		{"body of login", b.send(http.MethodPost, s.issuer+"/login", url.Values{"username": {strings.Repeat("x", 65<<10)}}), http.StatusRequestEntityTooLarge},
		{"Accept-Language is not even read", b.send(http.MethodGet, s.issuer+"/login", nil, "Accept-Language", "en,"+strings.Repeat("en;q=0.1,", 40)), http.StatusOK},
	} {
		if row.p.StatusCode != row.want {
			t.Errorf("%s: %d, want %d", row.name, row.p.StatusCode, row.want)
		}
		if row.want == http.StatusOK && row.p.Header.Get("Content-Language") != "zh-CN" {
			t.Errorf("%s: %s", row.name, row.p.Header.Get("Content-Language"))
		}
	}
	for path, size := range map[string]int{"/oauth2/token": 17 << 10, "/oauth2/par": 65 << 10, "/oauth2/revoke": 17 << 10, "/oauth2/introspect": 17 << 10} {
		if status, m := s.post(path, "web", url.Values{"token": {strings.Repeat("x", size)}, "grant_type": {"refresh_token"}}); status != http.StatusRequestEntityTooLarge || text(m, "error") == "" {
			t.Errorf("%s with %d bytes: %d %v, want 413", path, size, status, m)
		}
	}
}

// S9 (OpenID Connect Core section 3.1.2.1): state and nonce come back as they
// were sent, whatever they hold, and never as markup.
func TestOpaqueParametersComeBack(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.fronted("web", nil)
		b := s.browser()
		b.in(s, "a")
		for _, value := range []string{
			`"><script>alert(1)</script>`, `'"<>&;=+%20%0d%0a`, "a b\tc", "{{.}}${x}`", "状态 🐉 é", strings.Repeat("z", 1024), "a&code=stolen&iss=https://evil.test", "\u2028\u202e", "null", "-",
		} {
			for _, mode := range []string{"query", "fragment", "form_post", "jwt", "form_post.jwt", "- id_token", "form_post id_token", "jwt id_token"} {
				mode, front := strings.CutSuffix(mode, " id_token")
				a := asking("web", "openid", "response_mode", mode)
				if front {
					a = a.with("response_type", "code id_token")
				}
				a.params.Set("state", value)
				a.params.Set("nonce", value)
				p := b.get(s.authorizeURL(a))
				if strings.Contains(p.body, "<script>alert") {
					t.Errorf("state %q is markup in the page", value)
				}
				if front {
					if got := idToken(t, map[string]any{"id_token": s.answer(a, p).Get("id_token")})["nonce"]; got != value {
						t.Errorf("nonce %q from the authorization endpoint, want %q", got, value)
					}
				}
				if got := idToken(t, s.redeem(a, p))["nonce"]; got != value {
					t.Errorf("nonce %q, want %q", got, value)
				}
			}
		}
		for _, name := range []string{"login_hint", "ui_locales", "org_hint", "display", "claims_locales", "unknown"} {
			p := b.get(s.authorizeURL(asking("web", "openid", name, `"><script>alert(1)</script>`, "prompt", "login")))
			at(t, p, "/login")
			if strings.Contains(p.body, "<script>alert") {
				t.Errorf("%s is markup in the sign-in page", name)
			}
		}
		for name, values := range map[string][]string{ // conformance 3.1-15, -16, -22, -25, -26
			"display": {"page", "popup", "touch", "wap"}, "ui_locales": {"se", "se zh-CN"}, "claims_locales": {"se", "se en"}, "extra": {"foobar"},
		} {
			for _, value := range values {
				a := asking("web", "openid", name, value, "prompt", "login")
				p := b.get(s.authorizeURL(a))
				at(t, p, "/login")
				s.redeem(a, b.signIn(s.stage, p, "a"))
			}
		}
		a := asking("web", "openid", "state", "-", "nonce", "-") // conformance 3.1-8
		if m := s.redeem(a, b.get(s.authorizeURL(a))); idToken(t, m)["nonce"] != nil {
			t.Errorf("nonce %v where none was sent", idToken(t, m)["nonce"])
		}
	})
}
