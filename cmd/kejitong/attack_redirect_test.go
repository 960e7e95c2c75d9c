package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

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
