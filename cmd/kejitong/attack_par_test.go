package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// What a PAR endpoint gets wrong by habit: whose request it was, what was
// pushed with it, what is added later, when it is used up (RFC 9126 §2 to §4,
// §7; conformance 4.4).
func TestPushedRequestsOneByOne(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		for _, id := range []string{"one", "two"} {
			s.client(id, nil)
		}
		s.client("fapi", func(c *client.Client) { c.Metadata.SecurityProfile = client.FAPI2 })
		b := s.browser()
		b.in(s, "a")
		push := func(t *testing.T, s *arena, a attempt) string {
			t.Helper()
			status, m := s.post("/oauth2/par", a.params.Get("client_id"), a.params)
			if status != http.StatusCreated {
				t.Fatalf("PAR: %d %v", status, m)
			}
			return text(m, "request_uri")
		}
		visit := func(s *arena, id, uri string) string {
			return s.issuer + "/oauth2/authorize?" + url.Values{"client_id": {id}, "request_uri": {uri}}.Encode()
		}
		for _, verb := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} { // RFC 9126 §2.3
			s.run(verb, func(t *testing.T, s *arena) {
				p := b.send(verb, s.issuer+"/oauth2/par", asking("one", "openid").params)
				if p.StatusCode != http.StatusMethodNotAllowed || p.Header.Get("Allow") != http.MethodPost || p.Header.Get("Content-Type") != "application/json" || !strings.Contains(p.body, `"error":"invalid_request"`) {
					t.Errorf("%d %q %s: %s", p.StatusCode, p.Header.Get("Allow"), p.Header.Get("Content-Type"), p.body)
				}
			})
		}
		s.run("another client's name in the body", func(t *testing.T, s *arena) { // what would be stored for the wrong one
			before := s.count("SELECT COUNT(*) FROM pushed_requests")
			status, m := s.post("/oauth2/par", "one", asking("two", "openid").params)
			if status != http.StatusUnauthorized || text(m, "error") != "invalid_client" {
				t.Errorf("%d %v", status, m)
			}
			if n := s.count("SELECT COUNT(*) FROM pushed_requests") - before; n != 0 {
				t.Errorf("%d requests stored", n)
			}
		})
		s.run("the answer", func(t *testing.T, s *arena) {
			r, err := http.NewRequest(http.MethodPost, s.issuer+"/oauth2/par", strings.NewReader(asking("one", "openid").params.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("one", s.secret("one"))
			p := b.do(r)
			if p.StatusCode != http.StatusCreated || p.Header.Get("Content-Type") != "application/json" || p.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s %s", p.StatusCode, p.Header.Get("Content-Type"), p.Header.Get("Cache-Control"))
			}
		})
		s.run("entropy", func(t *testing.T, s *arena) { // conformance 3.0: more than 96 bits by Shannon's estimate, on each one
			seen := map[string]bool{}
			for range 16 {
				id := strings.TrimPrefix(push(t, s, asking("one", "openid")), "urn:ietf:params:oauth:request_uri:")
				if got := shannon(id); got <= 96 || len(id) < 22 || seen[id] {
					t.Errorf("%q: %.0f bits by estimate", id, got)
				}
				seen[id] = true
			}
		})
		s.run("no credential is kept", func(t *testing.T, s *arena) {
			a := asking("one", "openid").with("client_secret", s.secret("one"))
			if status, m := s.post("/oauth2/par", "", a.params); status != http.StatusCreated {
				t.Fatalf("%d %v", status, m)
			}
			if n := s.count("SELECT COUNT(*) FROM pushed_requests WHERE form LIKE '%client_secret%' OR form LIKE ?", "%"+s.secret("one")+"%"); n != 0 {
				t.Errorf("%d stored requests hold the secret", n)
			}
		})
		s.run("two visits before anybody signed in", func(t *testing.T, s *arena) { // settled: parked, not consumed
			a := asking("one", "openid")
			uri, fresh := push(t, s, a), s.browser()
			first := fresh.get(visit(s, "one", uri))
			at(t, first, "/login")
			p := fresh.get(visit(s, "one", uri))
			at(t, p, "/login")
			s.redeem(a, fresh.signIn(s.stage, p, "a"))
			s.refused(a, fresh.get(visit(s, "one", uri)), "invalid_request_uri")
			if p := fresh.get(s.issuer + "/oauth2/authorize?" + first.Request.URL.RawQuery); p.StatusCode == http.StatusSeeOther && s.answer(a, p).Has("code") {
				t.Error("the first visit gave a second code")
			}
		})
		s.run("two browsers", func(t *testing.T, s *arena) { // the address leaked: one of them wins
			a := asking("one", "openid")
			uri := push(t, s, a)
			s.redeem(a, b.get(visit(s, "one", uri)))
			thief := s.browser()
			thief.in(s, "c")
			s.refused(a, thief.get(visit(s, "one", uri)), "invalid_request_uri")
		})
		s.run("sizes", func(t *testing.T, s *arena) { // conformance 4.4: all of them come back
			for name, set := range map[string][]string{
				"no state": {"state", "-"}, "no nonce": {"nonce", "-"}, "64 of nonce": {"nonce", strings.Repeat("n", 64)}, "384 of nonce": {"nonce", strings.Repeat("n", 384)},
				"128 of state": {"state", strings.Repeat("s", 128)}, "1000 of state": {"state", strings.Repeat("s", 1000)}, "scopes reversed": {"scope", "profile openid"},
			} {
				a := asking("one", "openid", set...)
				m := s.redeem(a, b.get(visit(s, "one", push(t, s, a))))
				if got, want := idToken(t, m)["nonce"], a.params.Get("nonce"); got != want && !(want == "" && got == nil) {
					t.Errorf("%s: nonce %v", name, got)
				}
			}
			for name, set := range map[string][]string{"1025 of state": {"state", strings.Repeat("s", 1025)}, "1025 of nonce": {"nonce", strings.Repeat("n", 1025)}} {
				if status, m := s.post("/oauth2/par", "one", asking("one", "openid", set...).params); status != http.StatusBadRequest || text(m, "error") != "invalid_request" {
					t.Errorf("%s: %d %v", name, status, m)
				}
			}
		})
		s.run("in any order, with what OAuth repeats", func(t *testing.T, s *arena) {
			a := asking("one", "openid")
			uri := push(t, s, a)
			s.redeem(a, b.get(s.issuer+"/oauth2/authorize?scope=openid&request_uri="+url.QueryEscape(uri)+"&state=other&response_type=code&nonce=other&redirect_uri="+url.QueryEscape(rpcb)+"&client_id=one"))
		})
		s.run("a FAPI client that does not push", func(t *testing.T, s *arena) { // FAPI 2.0 Security Profile §5.3.2.2
			a := asking("fapi", "openid")
			s.refused(a, b.still().get(s.authorizeURL(a)), "invalid_request")
			s.refused(a, b.still().send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params), "invalid_request")
		})
		s.run("declined", func(t *testing.T, s *arena) { // the request is over, with the state that was pushed
			a := asking("one", "openid", "prompt", "consent")
			uri := push(t, s, a)
			p := b.get(visit(s, "one", uri) + "&state=outside")
			at(t, p, "/consent")
			s.refused(a, b.press(p, "decision=deny"), "access_denied")
		})
	})
}

// protocol.require_par (RFC 9126 §5): nobody's request counts unless it was
// pushed, and discovery says so.
func TestEverybodyMustPush(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), func(c *config.Config) { c.Protocol.RequirePAR = true })
	key := newSigner(t, "ES256", "k")
	s.client("web", func(c *client.Client) { c.Metadata.JWKS = key.set(t) })
	b := s.browser()
	b.in(s, "a")
	a := asking("web", "openid")
	for name, p := range map[string]page{
		"plain": b.still().get(s.authorizeURL(a)), "posted": b.still().send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params),
		"signed": b.still().get(s.authorizeURL(a.with("request", key.sign(t, s.object(a), nil)))),
	} {
		if got := s.answer(a, p).Get("error"); got != "invalid_request" {
			t.Errorf("%s: %q", name, got)
		}
	}
	status, m := s.post("/oauth2/par", "web", a.params)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, m)
	}
	s.redeem(a, b.get(s.issuer+"/oauth2/authorize?"+url.Values{"client_id": {"web"}, "request_uri": {text(m, "request_uri")}}.Encode()))
	if p := b.get(s.issuer + "/.well-known/openid-configuration"); !strings.Contains(p.body, `"require_pushed_authorization_requests": true`) {
		t.Error("discovery does not say so")
	}
}
