package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kejitong/provider/client"
)

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
				{"request object", "", good + "&request=e30.e30.", "", "web", 400, "invalid_request_object"},
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
			if status, m := s.post("/oauth2/par", "pushes", asking("pushes", "openid").with("client_id", "-").params); status != http.StatusCreated {
				t.Errorf("credentials alone say which client: %d %v", status, m)
			}
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
