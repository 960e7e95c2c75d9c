package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// A token is shown to the client that it was issued to and to a resource server
// that its audience names; for everybody else it does not exist (RFC 7662 §2.1,
// §2.2, §4).
func TestIntrospection(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		r.register("named", client.Metadata{ResourceIdentifiers: []string{api + "/v2"}})
		r.register("by-id", client.Metadata{})
		r.register("for-by-id", client.Metadata{Audience: []string{"by-id"}})
		b := r.browser()
		tokens := map[string]map[string]any{
			"opaque": r.granted(b, "a", "opaque", "openid profile"), "jwt": r.granted(b, "a", "jwt", "openid profile"),
			"for-by-id": r.granted(b, "a", "for-by-id", "openid"),
			"service":   r.serviceToken("service", "demo.read"), "service-jwt": r.serviceToken("service-jwt", "demo.read"),
		}
		t.Run("by nobody and by public clients", func(t *testing.T) {
			s := r.as(t)
			for id, m := range tokens {
				v := url.Values{"token": {text(m, "access_token")}}
				s.want(s.call("/oauth2/introspect", v, nil), 401, "invalid_client", id+" by nobody")
				s.want(s.call("/oauth2/introspect", v, inBody("client_id", "public")), 401, "invalid_client", id+" by a public client")
				s.want(s.call("/oauth2/introspect", v, basically("api", "x")), 401, "invalid_client", id+" with a wrong secret")
				s.want(s.call("/oauth2/introspect", v, header("Bearer "+text(m, "access_token"))), 401, "invalid_client", id+" with itself")
			}
		})
		t.Run("by clients that it does not concern", func(t *testing.T) {
			s := r.as(t)
			for id, m := range tokens {
				for _, asker := range []string{"other", "named", "by-id", "api", "opaque", "jwt"} {
					concerned := asker == id || asker == "api" && id != "for-by-id" || asker == "by-id" && id == "for-by-id"
					for _, accept := range []string{"application/json", "application/jwt", "text/html", "*/*"} {
						q := s.form("/oauth2/introspect", url.Values{"token": {text(m, "access_token")}}, s.creds(asker))
						q.Header.Set("Accept", accept)
						got := s.sent(q)
						if active := got.body["active"] == true; got.status != 200 || active != concerned || !active && len(got.body) != 1 {
							t.Errorf("%s asks about a token of %s, accepting %s: %s, want active %v", asker, id, accept, got, concerned)
						}
						if c := got.header.Get("Content-Type"); c != "application/json" {
							t.Errorf("accepting %s: content type %q", accept, c)
						}
					}
				}
				if refresh := text(m, "refresh_token"); refresh != "" {
					for _, asker := range []string{"other", "api", "by-id"} {
						if got := s.inspect(asker, refresh); got.body["active"] != false || len(got.body) != 1 {
							t.Errorf("%s asks about a refresh token of %s: %s", asker, id, got)
						}
					}
				}
			}
		})
		t.Run("by those that it concerns", func(t *testing.T) {
			s := r.as(t)
			for id, m := range tokens {
				asker := "api"
				if id == "for-by-id" {
					asker = "by-id"
				}
				got := s.inspect(asker, text(m, "access_token")).body
				if got["client_id"] != id || got["iss"] != s.name() || got["token_type"] != "Bearer" {
					t.Errorf("token of %s: %v", id, got)
				}
				aud, _ := got["aud"].([]any)
				if !slices.ContainsFunc(aud, func(a any) bool { return a == api || a == "by-id" }) {
					t.Errorf("audience of a token of %s: %v", id, got["aud"])
				}
				left := time.Unix(int64(got["exp"].(float64)), 0).Sub(s.clock.now())
				if left <= 0 || left > 10*time.Minute {
					t.Errorf("token of %s lives %v more, want ten minutes at most (S23)", id, left)
				}
				want := s.info(text(m, "access_token")).body["sub"]
				if m["id_token"] == nil { // client_credentials: the client itself
					want = id
				}
				if got["sub"] != want {
					t.Errorf("sub of a token of %s: %v, want %v", id, got["sub"], want)
				}
			}
		})
	})
}

// Whatever token of a grant is revoked, all of them are dead when the answer is
// there (RFC 7009 §2.1, §2.2); nobody revokes what is not his.
func TestRevocation(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		b := r.browser()
		get := func(id string) map[string]any {
			if id == "service" || id == "service-jwt" {
				return r.serviceToken(id, "demo.read")
			}
			return r.granted(b, "a", id, "openid offline_access")
		}
		kinds := map[string][]string{"service": {"access_token"}, "service-jwt": {"access_token"}}
		for _, id := range []string{"opaque", "jwt", "public"} {
			kinds[id] = []string{"access_token", "refresh_token"}
		}
		for _, id := range slices.Sorted(maps.Keys(kinds)) {
			for _, kind := range kinds[id] {
				t.Run(id+" "+kind, func(t *testing.T) {
					s := r.as(t)
					m := get(id)
					shown := text(m, kind)
					live := func() bool {
						got := s.inspect("api", text(m, "access_token"))
						return got.status == 200 && got.body["active"] == true
					}
					before := s.state()
					s.want(s.call("/oauth2/revoke", url.Values{"token": {shown}}, nil), 401, "invalid_client", "nobody")
					for _, thief := range []string{"other", "api"} {
						s.want(s.revoked(thief, shown), 200, "", thief) // RFC 7009 §2.2: it tells nothing
					}
					s.same(before, "another client's revocation")
					if !live() {
						t.Fatal("the token is dead before its owner revoked it")
					}
					trail := s.audited(audit.TokenRevoked)
					s.want(s.call("/oauth2/revoke", url.Values{"token": {shown}, "token_type_hint": {"nonsense"}}, s.creds(id)), 200, "", "owner")
					if live() {
						t.Error("the access token lives after 200")
					}
					s.want(s.revoked(id, shown), 200, "", "owner, again")
					if n := s.audited(audit.TokenRevoked) - trail; n != 1 {
						t.Errorf("%d audit records, want 1", n)
					}
					if m["refresh_token"] == nil {
						return
					}
					s.want(s.refresh(id, text(m, "refresh_token")), 400, "invalid_grant", "refresh afterwards")
					if got := s.info(text(m, "access_token")); got.status != 401 {
						t.Errorf("userinfo afterwards: %s", got)
					}
				})
			}
		}
		t.Run("a successor dies with its predecessor", func(t *testing.T) {
			s := r.as(t)
			m := get("jwt")
			next := s.refresh("jwt", text(m, "refresh_token")).body
			s.want(s.revoked("jwt", text(m, "refresh_token")), 200, "", "the old refresh token")
			s.wantDead("jwt", next, "after its predecessor was revoked")
			s.wantDead("jwt", m, "after it was revoked")
		})
		t.Run("no token", func(t *testing.T) {
			s := r.as(t)
			for _, path := range []string{"/oauth2/revoke", "/oauth2/introspect"} {
				s.want(s.call(path, url.Values{}, s.creds("opaque")), 400, "invalid_request", path)
				s.want(s.call(path, url.Values{"token": {"a", "b"}}, s.creds("opaque")), 400, "invalid_request", path+" twice")
			}
		})
	})
}

// While 64 refreshes of one token are under way, it is revoked. After the 200
// nothing of the family lives, whoever came first (S26).
func TestRevocationAmongRefreshes(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		b := r.browser()
		for range 6 {
			m := r.granted(b, "a", "jwt", "openid")
			answers := race(t, racers, func(i int) *http.Request {
				if i == racers/2 {
					return r.form("/oauth2/revoke", url.Values{"token": {text(m, "refresh_token")}}, r.creds("jwt"))
				}
				return r.form("/oauth2/token", refreshForm(text(m, "refresh_token")), r.creds("jwt"))
			})
			r.want(answers[racers/2], 200, "", "revocation")
			r.wantDead("jwt", m, "after 200")
			won := 0
			for i, a := range answers {
				switch {
				case i == racers/2:
				case a.status == 200:
					if won++; won < 4 {
						r.wantDead("jwt", a.body, "successor, after 200")
					}
				default:
					r.want(a, 400, "invalid_grant", "refresh")
				}
			}
		}
	})
}

// While the database is away every answer is 503 with Retry-After: a revocation
// is never acknowledged, a client never told that it is unknown, a token never
// called invalid (RFC 7009 §2.2.1). When it is back, all is as it was.
func TestDatabaseAway(t *testing.T) {
	link := newLink(t, storetest.Postgres(t))
	r := newRig(t, link.options, nil, nil)
	r.castOfTokens()
	b := r.browser()
	opaque, asJWT := r.granted(b, "a", "opaque", "openid"), r.granted(b, "a", "jwt", "openid")
	a := request("opaque", "openid")
	code := r.code(b, "a", a)
	tokens := map[string]string{
		"opaque": text(opaque, "access_token"), "jwt": text(asJWT, "access_token"),
		"service": text(r.serviceToken("service", ""), "access_token"), "service-jwt": text(r.serviceToken("service-jwt", ""), "access_token"),
	}
	away := func(got answer, why string) {
		t.Helper()
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: %s, Retry-After %q, want 503 with one", why, got, got.header.Get("Retry-After"))
		}
	}
	link.cut()
	for _, known := range []bool{true, false} { // with the client still in memory, and not
		if !known {
			r.clock.move(time.Second)
		}
		for id, token := range tokens {
			away(r.revoked(id, token), "revocation of an access token of "+id)
			away(r.inspect(id, token), "introspection of an access token of "+id)
		}
		for id, m := range map[string]map[string]any{"opaque": opaque, "jwt": asJWT} {
			away(r.revoked(id, text(m, "refresh_token")), "revocation of a refresh token of "+id)
			away(r.info(text(m, "access_token")), "userinfo with a token of "+id)
			away(r.refresh(id, text(m, "refresh_token")), "refresh by "+id)
		}
		away(r.token("opaque", codeForm(a, code)), "code")
		away(r.call("/oauth2/par", a.params, r.creds("opaque")), "pushed request")
	}
	link.mend()
	r.wantAlive("opaque", opaque, "when the database is back")
	r.wantAlive("jwt", asJWT, "when the database is back")
	r.redeem(a, code)
	for id, token := range tokens {
		r.want(r.revoked(id, token), 200, "", "revocation by "+id)
		if got := r.inspect("api", token); got.body["active"] != false {
			t.Errorf("a token of %s lives after 200: %s", id, got)
		}
	}
}
