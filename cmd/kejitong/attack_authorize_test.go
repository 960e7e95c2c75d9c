package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// S1 (RFC 9700 section 2.1): a redirect URI is compared byte by byte. On SQLite
// alone: nothing is stored before the comparison.
func TestRedirectURIMutations(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	const tenant = "https://rp.example.gov.cn/cb?tenant=1"
	s.client("web", func(c *client.Client) { c.Metadata.RedirectURIs = []string{rpcb, tenant} })
	b := s.browser().still()
	for _, uri := range []string{
		"", rpcb + "/", rpcb + "?", rpcb + "#", rpcb + "#code=1", rpcb + "?code=1", rpcb + "?state=1", rpcb + "?iss=1", rpcb + "&code=1",
		tenant + "&code=1", tenant + "&", tenant + "#", "https://rp.example.gov.cn/cb?Tenant=1", "https://rp.example.gov.cn/cb?tenant=2",
		"https://rp.example.gov.cn/cb/../cb", "https://rp.example.gov.cn/x/../cb", "https://rp.example.gov.cn/./cb", "https://rp.example.gov.cn//cb",
		"https://rp.example.gov.cn/cb/..;/", "https://rp.example.gov.cn/%63b", "https://rp.example.gov.cn/cb%2f", "https://rp.example.gov.cn/%2e%2e%2fcb", "https://rp.example.gov.cn/%252fcb",
		"https://user@rp.example.gov.cn/cb", "https://user:pass@rp.example.gov.cn/cb", "https://rp.example.gov.cn@evil.test/cb", "https://evil.test@rp.example.gov.cn/cb",
		"https://a@b@rp.example.gov.cn/cb", `https://rp.example.gov.cn\@evil.test/cb`, `https://evil.test\@rp.example.gov.cn/cb`, `https:\\rp.example.gov.cn\cb`, `https://rp.example.gov.cn\cb`,
		"https://rp.example.gov.cn/cb\t", "https://rp.example.gov.cn/c\nb", "\thttps://rp.example.gov.cn/cb", " " + rpcb, rpcb + " ", "https://rp.example.gov.cn/cb\x00",
		"HTTPS://rp.example.gov.cn/cb", "https://RP.example.gov.cn/cb", "https://rp.example.gov.cn/CB", "http://rp.example.gov.cn/cb", "//rp.example.gov.cn/cb", "rp.example.gov.cn/cb", "/cb",
		"https://rp.example.gov.cn:443/cb", "https://rp.example.gov.cn:444/cb", "https://rp.example.gov.cn./cb", "https://rp.example.gov.cn.evil.test/cb", "https://evil.test/?https://rp.example.gov.cn/cb",
		"https://rp.example.gov.cn/c", "https://rp.example.gov.cn/", "https://rp.example.gov.cn", "https://rp.example.gov.cn/cbx", "https://rp.example.gov.cn/cb/extra",
		"https://rp.exаmple.gov.cn/cb", "https://rp.example.gov.cn/ｃb", "javascript:alert(1)", "data:text/html,1", "urn:ietf:wg:oauth:2.0:oob", strings.Repeat("a", 5000),
	} {
		s.run(fmt.Sprintf("%.60q", uri), func(t *testing.T, s *arena) {
			for _, mode := range []string{"query", "form_post"} {
				a := asking("web", "openid", "redirect_uri", uri, "response_mode", mode)
				for name, p := range map[string]page{"GET": b.get(s.authorizeURL(a)), "POST": b.send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params)} {
					refusedHere(t, p)
					if strings.Contains(uniform(p)+p.Header.Get("Content-Security-Policy"), "evil.test") || len(uri) > 4000 && strings.Contains(uniform(p), "aaaa") {
						t.Errorf("%s: the page repeats the URI", name)
					}
				}
			}
			if status, m := s.post("/oauth2/par", "web", asking("web", "openid", "redirect_uri", uri).params); status != http.StatusBadRequest || text(m, "error") != "invalid_request" {
				t.Errorf("PAR: %d %v, want invalid_request", status, m)
			}
		})
	}
	for _, uri := range []string{rpcb, tenant} {
		if p := b.get(s.authorizeURL(asking("web", "openid", "redirect_uri", uri))); p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/login?") {
			t.Errorf("control: the registered URI %s is refused: %d %s", uri, p.StatusCode, p.Header.Get("Location"))
		}
	}
	a := asking("web", "openid", "redirect_uri", tenant, "prompt", "none")
	s.refused(a, b.get(s.authorizeURL(a)), "login_required") // the query of the URI stays as it is
	if l := b.get(s.authorizeURL(a)).Header.Get("Location"); !strings.HasPrefix(l, tenant+"&") {
		t.Errorf("Location %q, want the registered query kept and added to (conformance 3.5)", l)
	}
}

// S2 (RFC 8252 sections 7.3, 8.3): for native clients the port of a loopback
// address may differ, and nothing else may, for nobody else.
func TestLoopbackRedirects(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		public := func(kind string, uris ...string) func(*client.Client) {
			return func(c *client.Client) {
				m := &c.Metadata
				m.ApplicationType, m.RedirectURIs, m.TokenEndpointAuthMethod, c.SecretDigest = kind, uris, "none", ""
			}
		}
		const v4, v6 = "http://127.0.0.1/cb", "http://[::1]/cb"
		s.client("native", public("native", v4, v6, "https://127.0.0.1/secure", "http://localhost/cb", "cn.gov.example.app:/cb"))
		s.client("native-port", public("native", "http://127.0.0.1:7000/cb"))
		s.client("web", public("web", v4, v6))
		b := s.browser().still()
		for _, row := range []struct{ client, uri string }{
			{"web", "http://127.0.0.1:53123/cb"}, {"web", "http://[::1]:53123/cb"}, {"native", "http://localhost:53123/cb"}, {"native", "https://127.0.0.1:53123/cb"},
			{"native", "https://127.0.0.1/cb"}, {"native", "https://127.0.0.1:53123/secure"}, {"native", "http://127.0.0.1/secure"}, {"native", "http://127.0.0.1:53123/"},
			{"native", "http://127.0.0.1:53123/cb/"}, {"native", "http://127.0.0.1:53123/cb?"}, {"native", "http://127.0.0.1:53123/cb?a=1"}, {"native", "http://127.0.0.1:53123/%63b"},
			{"native", "http://127.0.0.1:/cb"}, {"native", "http://127.0.0.1:123456/cb"}, {"native", "http://127.0.0.1:1x/cb"}, {"native", "http://127.0.0.1:-1/cb"},
			{"native", "http://127.0.0.1:80@evil.test/cb"}, {"native", "http://u:p@127.0.0.1:53123/cb"}, {"native", "http://127.0.0.1.evil.test/cb"}, {"native", "http://127.0.0.1evil.test/cb"},
			{"native", "http://127.0.0.2:53123/cb"}, {"native", "http://127.1/cb"}, {"native", "http://2130706433/cb"}, {"native", "http://0x7f.0.0.1/cb"}, {"native", "http://[::ffff:127.0.0.1]/cb"},
			{"native", "http://[0:0:0:0:0:0:0:1]/cb"}, {"native", "http://[::1%25eth0]/cb"}, {"native", "HTTP://127.0.0.1:53123/cb"}, {"native", "cn.gov.example.app:/cb/"},
		} {
			s.run(row.client+" "+row.uri, func(t *testing.T, s *arena) {
				refusedHere(t, b.get(s.authorizeURL(asking(row.client, "openid", "redirect_uri", row.uri))))
			})
		}
		for _, row := range []struct{ client, uri string }{
			{"native", v4}, {"native", "http://127.0.0.1:53123/cb"}, {"native", "http://[::1]:53123/cb"}, {"native-port", "http://127.0.0.1:8000/cb"}, {"native", "cn.gov.example.app:/cb"},
		} {
			s.run(row.client+" "+row.uri, func(t *testing.T, s *arena) {
				b := s.browser()
				a := asking(row.client, "openid", "redirect_uri", row.uri)
				p := b.get(s.authorizeURL(a))
				policy := p.Header.Get("Content-Security-Policy")
				if origin := regexp.MustCompile(`^http://127[^/]+|^[^:]+:`).FindString(row.uri); !strings.Contains(policy, " "+origin) {
					t.Errorf("the sign-in page's form-action lacks %s: %s", origin, policy)
				}
				b = b.still()
				p = b.press(p, "username", "username", s.account("a").Username, "password", s.account("a").Password)
				p = b.get(s.issuer + p.Header.Get("Location"))
				code := s.answer(a, p).Get("code")
				redeem := func(uri string) (int, map[string]any) {
					return s.post("/oauth2/token", "", url.Values{"grant_type": {"authorization_code"}, "client_id": {row.client}, "code": {code}, "redirect_uri": {uri}, "code_verifier": {a.verifier}})
				}
				if strings.Contains(row.uri, ":53123") {
					if status, m := redeem(v4); status != http.StatusBadRequest || text(m, "error") != "invalid_grant" {
						t.Errorf("another port at the token endpoint: %d %v, want invalid_grant (RFC 6749 section 4.1.3)", status, m)
					}
				}
				if status, m := redeem(row.uri); status != http.StatusOK {
					t.Errorf("token endpoint: %d %v", status, m)
				}
			})
		}
	})
}

// S3 (RFC 6749 section 4.1.2.1): without a trusted redirect URI nothing is sent
// anywhere, and the page does not say which part was wrong.
func TestRefusedWithoutATrustedClient(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("good", nil)
		s.client("disabled", func(c *client.Client) { c.State = client.Disabled })
		b := s.browser().still()
		var first string
		for _, row := range []struct{ name, query string }{
			{"unknown client", asking("nobody", "openid").params.Encode()},
			{"disabled client", asking("disabled", "openid").params.Encode()},
			{"no client", asking("good", "openid", "client_id", "-").params.Encode()},
			{"empty client", asking("good", "openid", "client_id", "").params.Encode()},
			{"client with NUL", asking("good\x00", "openid").params.Encode()},
			{"client that is no text", asking("good\xff", "openid").params.Encode()},
			{"client of 300 letters", asking(strings.Repeat("c", 300), "openid").params.Encode()},
			{"client in other letters", asking("GOOD", "openid").params.Encode()},
			{"no redirect URI though one alone is registered", asking("good", "openid", "redirect_uri", "-").params.Encode()},
			{"redirect URI of another client", asking("good", "openid", "redirect_uri", democb).params.Encode()},
			{"two clients", asking("good", "openid").params.Encode() + "&client_id=demo-code"},
			{"two redirect URIs", asking("good", "openid").params.Encode() + "&redirect_uri=https%3A%2F%2Fevil.test"},
			{"the same redirect URI twice", asking("good", "openid").params.Encode() + "&redirect_uri=" + url.QueryEscape(rpcb)},
			{"malformed query", asking("good", "openid").params.Encode() + "&a=%zz"},
			{"semicolons", strings.ReplaceAll(asking("good", "openid").params.Encode(), "&", ";")},
			{"nothing", ""},
			{"unknown request_uri", "client_id=good&request_uri=urn:ietf:params:oauth:request_uri:nothing"},
		} {
			s.run(row.name, func(t *testing.T, s *arena) {
				p := b.get(s.issuer + "/oauth2/authorize?" + row.query)
				refusedHere(t, p)
				if body := uniform(p); first == "" {
					first = body
				} else if body != first {
					t.Errorf("the page differs from that for an unknown client:\n%s\nnot\n%s", body, first)
				}
			})
		}
		if p := b.get(s.authorizeURL(asking("good", "openid"))); p.StatusCode != http.StatusSeeOther {
			t.Errorf("control: %d", p.StatusCode)
		}
	})
}

// uniform is a page without what differs from one response to the next.
func uniform(p page) string { return nonces.ReplaceAllString(p.body, "*") }

var nonces = regexp.MustCompile(`nonce="[^"]+"|name="form_token" value="[^"]+"|return_to=[^"]+|class="code">[a-z2-7]{16}<`)

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
	deep := strings.Repeat(`{"a":`, 6) + "1" + strings.Repeat("}", 6)
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
		{"S10 unknown prompt", "web", []string{"prompt", "create"}, "invalid_request"},
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
		{"P4 unsigned request object", "web", []string{"request", unsigned}, "request_not_supported"},
		{"P4 request object beside a pushed one's URI", "web", []string{"request", unsigned, "request_uri", "https://rp.example.gov.cn/r"}, "*_not_supported"},
		{"S11 request_uri", "web", []string{"request_uri", "http://" + address + "/request.jwt"}, "request_uri_not_supported"},
		{"S11 request_uri into the house", "web", []string{"request_uri", "http://169.254.169.254/latest"}, "request_uri_not_supported"},
		{"registration", "web", []string{"registration", "{}"}, "registration_not_supported"},
		{"S12 a client that must push", "pushes", nil, "invalid_request"},
		{"claims no JSON", "web", []string{"claims", "{"}, "invalid_request"},
		{"claims no object", "web", []string{"claims", "[]"}, "invalid_request"},
		{"S6 claims six deep", "web", []string{"claims", deep}, "invalid_request"},
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
					if got != row.want && (row.want[0] != '*' || !strings.HasSuffix(got, row.want[1:])) {
						t.Errorf("response_mode %s: error %q, want %q", mode, got, row.want)
					}
				}
			}
		})
	}
	for _, mode := range []string{"fragment", "web_message", "jwt", "query.jwt", "form_post.jwt", "Query"} {
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
	control := asking("web", "openid").with("claims", strings.Repeat(`{"a":`, 5)+"1"+strings.Repeat("}", 5), "state", strings.Repeat("s", 1024), "nonce", strings.Repeat("n", 1024), "scope", strings.TrimSpace(strings.Repeat("openid ", 64)))
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
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		b := s.browser()
		b.in(s, "a")
		for _, value := range []string{
			`"><script>alert(1)</script>`, `'"<>&;=+%20%0d%0a`, "a b\tc", "{{.}}${x}`", "状态 🐉 é", strings.Repeat("z", 1024), "a&code=stolen&iss=https://evil.test", "\u2028\u202e", "null", "-",
		} {
			for _, mode := range []string{"query", "form_post"} {
				a := asking("web", "openid", "response_mode", mode)
				a.params.Set("state", value)
				a.params.Set("nonce", value)
				p := b.get(s.authorizeURL(a))
				if strings.Contains(p.body, "<script>alert") {
					t.Errorf("state %q is markup in the page", value)
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
		a := asking("web", "openid", "state", "-", "nonce", "-") // conformance 3.1-8
		if m := s.redeem(a, b.get(s.authorizeURL(a))); idToken(t, m)["nonce"] != nil {
			t.Errorf("nonce %v where none was sent", idToken(t, m)["nonce"])
		}
	})
}

// A form on another site may post the request (OpenID Connect Core section
// 3.1.2.1, conformance 3.1-31). It comes without our cookies, so it is parked
// and taken up by a GET that brings them (settlement 22).
func TestPostFromAnotherSite(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		a, target := asking("web", "openid"), s.issuer+"/oauth2/authorize"
		outside := s.browser().still() // what the cross-site POST looks like: no cookies
		for _, row := range []struct {
			name   string
			p      page
			status int
		}{
			{"JSON", outside.send(http.MethodPost, target, a.params, "Content-Type", "application/json"), http.StatusBadRequest},
			{"multipart", outside.send(http.MethodPost, target, a.params, "Content-Type", "multipart/form-data; boundary=x"), http.StatusBadRequest},
			{"no type", outside.send(http.MethodPost, target, a.params, "Content-Type", ""), http.StatusBadRequest},
			{"in the URL and in the body", outside.send(http.MethodPost, target+"?state=x", a.params), http.StatusBadRequest},
			{"another client in the URL", outside.send(http.MethodPost, target+"?client_id=demo-code", a.params), http.StatusBadRequest},
			{"PUT", outside.send(http.MethodPut, target, a.params), http.StatusMethodNotAllowed},
		} {
			if row.p.StatusCode != row.status || row.p.Header.Get("Location") != "" {
				t.Errorf("%s: %d to %q, want %d", row.name, row.p.StatusCode, row.p.Header.Get("Location"), row.status)
			}
		}
		for name, header := range map[string][]string{
			"cross-site form": {"Origin", "https://rp.example.gov.cn", "Sec-Fetch-Site", "cross-site"}, "opaque origin": {"Origin", "null"}, "old browser": nil,
		} {
			s.run(name, func(t *testing.T, s *arena) {
				a := asking("web", "openid")
				p := outside.send(http.MethodPost, target, a.params, header...)
				l := p.Header.Get("Location")
				if p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(l, "/oauth2/authorize?") || strings.Contains(l, a.params.Get("state")) {
					t.Fatalf("got %d to %q, want 303 to a parked request without its values", p.StatusCode, l)
				}
				b := s.browser()
				b.in(s, "a")
				q := s.answer(a, b.get(s.issuer+l))
				if status, m := s.exchange(a, q.Get("code")); status != http.StatusOK {
					t.Errorf("token endpoint: %d %v", status, m)
				}
				again := s.answer(a, b.still().get(s.issuer+l))
				if again.Has("code") {
					t.Error("the parked request gave a second code")
				}
			})
		}
	})
}

// S12 (RFC 9126): a pushed request is its client's own, lives 90 seconds until
// it is first visited, is used once, and nothing beside it counts.
func TestPushedRequests(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		s.client("other", nil)
		s.client("pushes", func(c *client.Client) { c.Metadata.RequirePushedAuthRequests = true })
		push := func(t *testing.T, s *arena, a attempt) string {
			t.Helper()
			status, m := s.post("/oauth2/par", a.params.Get("client_id"), a.params)
			uri := text(m, "request_uri")
			if status != http.StatusCreated || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || m["expires_in"] != 90.0 {
				t.Fatalf("PAR: %d %v, want 201 with a URN for 90 s", status, m)
			}
			return uri
		}
		visit := func(client, uri string, more ...string) string {
			q := url.Values{"client_id": {client}, "request_uri": {uri}}
			for i := 0; i+1 < len(more); i += 2 {
				q.Set(more[i], more[i+1])
			}
			return s.issuer + "/oauth2/authorize?" + q.Encode()
		}
		b := s.browser()
		b.in(s, "a")

		s.run("refused at the endpoint", func(t *testing.T, s *arena) {
			good := asking("web", "openid").params.Encode()
			for _, row := range []struct {
				name, query, body, kind, client string
				status                          int
				want                            string
			}{
				{"no credentials", "", good, "", "", 401, "invalid_client"},
				{"another client's credentials", "", good, "", "other", 401, "invalid_client"},
				{"request_uri inside (RFC 9126 section 2.1)", "", good + "&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax", "", "web", 400, "invalid_request"},
				{"request object", "", good + "&request=e30.e30.", "", "web", 400, "request_not_supported"},
				{"repeated", "", good + "&scope=openid", "", "web", 400, "invalid_request"},
				{"in the URL", "?prompt=none", good, "", "web", 400, "invalid_request"},
				{"JSON", "", "{}", "application/json", "web", 400, "invalid_request"},
				{"response type", "", strings.Replace(good, "response_type=code", "response_type=token", 1), "", "web", 400, "unsupported_response_type"},
				{"no challenge", "", strings.Replace(good, "code_challenge=", "x=", 1), "", "web", 400, "invalid_request"},
			} {
				r, err := http.NewRequest(http.MethodPost, s.issuer+"/oauth2/par"+row.query, strings.NewReader(row.body))
				if err != nil {
					t.Fatal(err)
				}
				if row.kind == "" {
					row.kind = "application/x-www-form-urlencoded"
				}
				r.Header.Set("Content-Type", row.kind)
				if row.client != "" {
					r.SetBasicAuth(row.client, s.secret(row.client))
				}
				if status, m := s.send(r); status != row.status || text(m, "error") != row.want || text(m, "request_uri") != "" {
					t.Errorf("%s: %d %v, want %d %s", row.name, status, m, row.status, row.want)
				}
			}
		})
		s.run("another client", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			uri := push(t, s, a)
			for _, client := range []string{"other", "", "nobody"} {
				refusedHere(t, b.get(visit(client, uri)))
			}
			refusedHere(t, b.get(visit("web", uri)+"&client_id=other"))
			refusedHere(t, b.get(visit("web", uri)+"&request_uri="+url.QueryEscape(uri)))
			refusedHere(t, b.get(visit("web", uri+"x")))
			if !s.answer(a, b.get(visit("web", uri))).Has("code") {
				t.Error("control: the owner gets no code")
			}
		})
		s.run("reuse", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			uri := push(t, s, a)
			s.redeem(a, b.get(visit("web", uri)))
			s.refused(a, b.get(visit("web", uri)), "invalid_request_uri")
		})
		s.run("64 visits at once", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			uri := push(t, s, a)
			var codes atomic.Int64
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					if s.answer(a, b.get(visit("web", uri))).Has("code") {
						codes.Add(1)
					}
				})
			}
			wg.Wait()
			if n := codes.Load(); n != 1 {
				t.Errorf("%d codes, want 1", n)
			}
		})
		s.run("after 90 seconds", func(t *testing.T, s *arena) {
			a := asking("web", "openid")
			uri := push(t, s, a)
			s.exec("UPDATE pushed_requests SET expires_at = expires_at - 90001")
			s.refused(a, b.get(visit("web", uri)), "invalid_request_uri")
		})
		s.run("visited in time, finished later", func(t *testing.T, s *arena) { // settlement 16
			a := asking("web", "openid", "prompt", "login")
			uri := push(t, s, a)
			p := b.get(visit("web", uri))
			at(t, p, "/login")
			s.exec("UPDATE pushed_requests SET expires_at = expires_at - 90001")
			s.redeem(a, b.signIn(s.stage, p, "a"))
			s.refused(a, b.get(visit("web", uri)), "invalid_request_uri")
		})
		s.run("parameters beside it", func(t *testing.T, s *arena) { // RFC 9101 section 5: ignored
			a := asking("web", "openid")
			p := b.get(visit("web", push(t, s, a), "scope", "openid phone", "state", "evil", "nonce", "evil", "redirect_uri", "https://evil.test", "prompt", "login", "response_mode", "form_post", "claims", `{"userinfo":{"name":null}}`))
			m := s.redeem(a, p)
			if m["scope"] != "openid" || idToken(t, m)["nonce"] != a.params.Get("nonce") {
				t.Errorf("scope %v, nonce %v: want the pushed ones", m["scope"], idToken(t, m)["nonce"])
			}
			a = asking("web", "openid", "state", "-")
			if s.answer(a, b.get(visit("web", push(t, s, a), "state", "outside"))).Has("state") {
				t.Error("a state that was not pushed came back")
			}
		})
		s.run("by POST and for a client that must", func(t *testing.T, s *arena) {
			a := asking("pushes", "openid")
			s.refused(a, b.still().send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params), "invalid_request")
			q := url.Values{"client_id": {"pushes"}, "request_uri": {push(t, s, a)}}
			s.redeem(a, b.send(http.MethodPost, s.issuer+"/oauth2/authorize", q, "Origin", "https://rp.example.gov.cn"))
		})
		s.run("values stay inside (CVE-2024-4540)", func(t *testing.T, s *arena) {
			a := asking("web", "openid", "login_hint", "canary-pushed-hint", "nonce", "canary-pushed-nonce")
			fresh := s.browser().still()
			at := visit("web", push(t, s, a))
			for range 3 {
				p := fresh.get(at)
				for _, place := range []string{p.Header.Get("Location"), strings.Join(p.Header["Set-Cookie"], " "), s.logs.String()} {
					if strings.Contains(place, "canary-pushed") {
						t.Errorf("a pushed value stands in %q", place)
					}
				}
				if p.StatusCode != http.StatusSeeOther {
					break
				}
				at = s.issuer + p.Header.Get("Location")
			}
		})
	})
}
