package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store"
	"kejitong/store/storetest"
)

// What a step of the protocol sends to the database: statements, BEGIN and
// COMMIT, as docs/performance.md counts them. PostgreSQL does with one reading
// and one writing statement; SQLite, which cannot write inside WITH, wraps a
// deed and its record into a transaction. A figure that grows is a regression,
// one that shrinks is written down.
//
// The registry of clients looks at its version twice a second, whatever the
// load; time stands still here so that no look falls into a step. A step whose
// client or keys are not in memory yet is not what is counted: each runs once
// before.
func TestStatementsPerStep(t *testing.T) {
	const sqlite, postgres = 0, 1
	for kind, o := range []store.Options{sqlite: storetest.SQLite(t), postgres: storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			r := newRig(t, o, func(c *config.Config) {
				frontOn(c)
				c.Protocol.JWTBearerGrant = true
			}, nil)
			r.clock.stop()
			r.castOfTokens()
			r.register("hybrid", client.Metadata{
				GrantTypes: []string{"authorization_code", "implicit", "refresh_token"}, ResponseTypes: []string{"id_token token", "code id_token token"},
			})
			r.castOfDevices()
			r.register("backend", client.Metadata{ResourceIdentifiers: []string{api}, GrantTypes: []string{exchangeGrant}, Scope: "openid profile"})
			key := newSigner(t, "ES256", "k")
			r.register("batch", client.Metadata{GrantTypes: []string{"authorization_code", "refresh_token", bearerGrant}, JWKS: key.set(t)})
			r.register("keyed", client.Metadata{TokenEndpointAuthMethod: "private_key_jwt", JWKS: key.set(t), GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})

			var n store.Counter
			counting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				r.app.handler.ServeHTTP(w, q.WithContext(store.WithCounter(q.Context(), &n)))
			}))
			t.Cleanup(counting.Close)
			s := r.as(t)
			s.issuer = counting.URL

			b, counted := r.browser(), s.browser()
			counted.http.Jar = b.http.Jar // cookies know no ports
			get := func(id string) map[string]any { return r.granted(b.as(t), "a", id, "openid profile") }
			authorize := func(id string) string {
				a := request(id, "openid profile")
				p := counted.get(s.authorizeURL(a))
				return callback(t, p).Get("code")
			}
			front := func(kind string) (attempt, url.Values) {
				a := request("hybrid", "openid profile")
				a.params.Set("response_type", kind)
				loc, err := counted.get(s.authorizeURL(a)).Location()
				if err != nil {
					t.Fatal(err)
				}
				q, err := url.ParseQuery(loc.Fragment)
				if err != nil || q.Get("access_token") == "" {
					t.Fatalf("no token at %s: %v", loc, err)
				}
				return a, q
			}
			m, asJWT := get("opaque"), get("jwt")
			serviceToken := func(id string) string { return text(r.serviceToken(id, ""), "access_token") }
			for _, step := range []struct {
				name string
				want [2]int64 // SQLite, PostgreSQL
				// ready prepares, uncounted, and gives what is counted.
				ready func() func()
			}{
				{"authorize, signed in", [2]int64{2, 2}, func() func() { return func() { authorize("opaque") } }},
				{"authorize, implicit", [2]int64{5, 2}, func() func() {
					return func() { front("id_token token") }
				}},
				{"authorize, hybrid", [2]int64{5, 2}, func() func() {
					return func() { front("code id_token token") }
				}},
				{"token, hybrid", [2]int64{5, 2}, func() func() {
					a, q := front("code id_token token")
					return func() { s.redeem(a, q.Get("code")) }
				}},
				{"token", [2]int64{5, 2}, func() func() {
					a := request("opaque", "openid profile")
					code := r.code(b, "a", a)
					return func() { s.redeem(a, code) }
				}},
				{"token, replayed", [2]int64{5, 2}, func() func() {
					a := request("opaque", "openid profile")
					code := r.code(b, "a", a)
					r.redeem(a, code)
					return func() { s.want(s.token("opaque", codeForm(a, code)), 400, "invalid_grant", "replay") }
				}},
				{"token, bad verifier", [2]int64{5, 2}, func() func() {
					a := request("opaque", "openid profile")
					v := codeForm(a, r.code(b, "a", a))
					v.Set("code_verifier", randomText(32))
					return func() { s.want(s.token("opaque", v), 400, "invalid_grant", "verifier") }
				}},
				{"token, garbage", [2]int64{0, 0}, func() func() {
					a := request("opaque", "openid profile")
					return func() { s.want(s.token("opaque", codeForm(a, randomText(74))), 400, "invalid_grant", "garbage") }
				}},
				{"refresh", [2]int64{2, 2}, func() func() {
					old := text(get("opaque"), "refresh_token")
					return func() { s.want(s.refresh("opaque", old), 200, "", "refresh") }
				}},
				{"refresh, retried", [2]int64{1, 1}, func() func() {
					old := text(get("opaque"), "refresh_token")
					r.refresh("opaque", old)
					return func() { s.want(s.refresh("opaque", old), 200, "", "retry") }
				}},
				{"refresh, JWT", [2]int64{2, 2}, func() func() {
					old := text(get("jwt"), "refresh_token")
					return func() { s.want(s.refresh("jwt", old), 200, "", "refresh") }
				}},
				{"client credentials", [2]int64{0, 0}, func() func() { return func() { s.serviceToken("service", "") } }},
				{"client credentials, JWT", [2]int64{0, 0}, func() func() { return func() { s.serviceToken("service-jwt", "") } }},
				{"client credentials by assertion", [2]int64{1, 1}, func() func() {
					return func() { s.want(s.call("/oauth2/token", service, key.prove(t, s, "keyed")), 200, "", "assertion") }
				}},
				{"client credentials by DPoP", [2]int64{1, 1}, func() func() {
					return func() { s.want(s.tokenBy("service", key, service), 200, "", "DPoP") }
				}},
				{"userinfo by DPoP", [2]int64{2, 2}, func() func() {
					a := request("opaque", "openid")
					token := text(r.tokenBy("opaque", key, codeForm(a, r.code(b, "a", a))).body, "access_token")
					return func() { s.want(s.infoDPoP(token, key), 200, "", "DPoP") }
				}},
				{"introspection", [2]int64{1, 1}, func() func() { return func() { s.inspect("opaque", text(m, "access_token")) } }},
				{"introspection by the resource server, JWT", [2]int64{1, 1}, func() func() { return func() { s.inspect("api", text(asJWT, "access_token")) } }},
				{"introspection of a refresh token", [2]int64{1, 1}, func() func() { return func() { s.inspect("opaque", text(m, "refresh_token")) } }},
				{"introspection of a service token", [2]int64{1, 1}, func() func() {
					token := serviceToken("service")
					return func() { s.inspect("api", token) }
				}},
				{"introspection of garbage", [2]int64{0, 0}, func() func() { return func() { s.inspect("api", randomText(74)) } }},
				{"userinfo", [2]int64{1, 1}, func() func() { return func() { s.want(s.info(text(m, "access_token")), 200, "", "userinfo") } }},
				{"userinfo, JWT", [2]int64{1, 1}, func() func() { return func() { s.want(s.info(text(asJWT, "access_token")), 200, "", "userinfo") } }},
				{"userinfo, garbage", [2]int64{0, 0}, func() func() { return func() { s.info(randomText(74)) } }},
				{"revocation", [2]int64{5, 2}, func() func() {
					m := get("opaque")
					return func() { s.want(s.revoked("opaque", text(m, "access_token")), 200, "", "revocation") }
				}},
				{"revocation of a service token", [2]int64{4, 1}, func() func() {
					token := serviceToken("service")
					return func() { s.want(s.revoked("service", token), 200, "", "revocation") }
				}},
				{"pushed request", [2]int64{1, 1}, func() func() {
					a := request("opaque", "openid")
					return func() { s.want(s.call("/oauth2/par", a.params, s.creds("opaque")), 201, "", "push") }
				}},
				{"authorize, pushed", [2]int64{7, 3}, func() func() {
					a := request("opaque", "openid")
					uri := text(r.call("/oauth2/par", a.params, r.creds("opaque")).body, "request_uri")
					return func() {
						p := counted.get(s.issuer + "/oauth2/authorize?" + url.Values{"client_id": {"opaque"}, "request_uri": {uri}}.Encode())
						if callback(t, p).Get("code") == "" {
							t.Error("no code for a pushed request")
						}
					}
				}},
				{"authorize, nobody signed in", [2]int64{1, 1}, func() func() {
					fresh := s.browser()
					fresh.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
					return func() { fresh.get(s.authorizeURL(request("opaque", "openid"))) }
				}},
				{"authorize, prompt=none and nobody signed in", [2]int64{0, 0}, func() func() {
					a := request("opaque", "openid")
					a.params.Set("prompt", "none")
					return func() { s.browser().get(s.authorizeURL(a)) }
				}},
				{"device authorization", [2]int64{1, 1}, func() func() { return func() { s.want(s.device("tv"), 200, "", "device") } }},
				{"device, its code typed by somebody signed in", [2]int64{5, 5}, func() func() {
					d, p := r.device("tv"), counted.get(s.issuer+"/device")
					counted.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
					return func() {
						p := counted.submit(p, "user_code", url.Values{"user_code": {text(d.body, "user_code")}})
						if p.StatusCode != http.StatusSeeOther {
							t.Errorf("code typed: %d", p.StatusCode)
						}
						counted.http.CheckRedirect = nil
					}
				}},
				{"device, polling", [2]int64{1, 1}, func() func() {
					d := r.device("tv")
					return func() { s.want(s.poll("tv", d), 400, "authorization_pending", "poll") }
				}},
				{"device, polling with garbage", [2]int64{0, 0}, func() func() {
					return func() {
						s.want(s.poll("tv", answer{body: map[string]any{"device_code": "x"}}), 400, "invalid_grant", "garbage")
					}
				}},
				{"device, tokens", [2]int64{6, 3}, func() func() {
					d := r.device("tv")
					r.allow(b, "a", d)
					return func() { s.want(s.poll("tv", d), 200, "", "tokens") }
				}},
				{"token exchange", [2]int64{5, 2}, func() func() {
					subject := text(get("opaque"), "access_token")
					return func() { s.want(s.token("backend", exchanging(subject)), 200, "", "exchange") }
				}},
				{"introspection of an exchanged token", [2]int64{2, 2}, func() func() {
					token := text(r.token("backend", exchanging(text(get("opaque"), "access_token"))).body, "access_token")
					return func() { s.inspect("backend", token) }
				}},
				{"token by a JWT of the client's own", [2]int64{3, 3}, func() func() {
					m := r.granted(b.as(t), "a", "batch", "openid offline_access")
					sub := text(r.info(text(m, "access_token")).body, "sub")
					return func() {
						s.want(s.token("batch", bearing(key.sign(t, r.speaking("batch", sub), nil))), 200, "", "assertion")
					}
				}},
				{"discovery", [2]int64{0, 0}, func() func() {
					return func() { counted.get(s.issuer + "/.well-known/openid-configuration") }
				}},
				{"JWKS", [2]int64{0, 0}, func() func() { return func() { counted.get(s.issuer + "/oauth2/jwks") } }},
			} {
				for range 2 { // the second time everything that is kept in memory is there
					run := step.ready()
					n.N.Store(0)
					run()
				}
				if got := n.N.Load(); got != step.want[kind] {
					t.Errorf("%s: %d statements, want %d", step.name, got, step.want[kind])
				}
			}
		})
	}
}
