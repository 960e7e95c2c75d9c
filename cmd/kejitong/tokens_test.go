package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// genuine verifies a JWS of the provider as a relying party does, with the keys
// that it publishes, and gives its claims.
func (r *rig) genuine(compact, typ string, alg jose.SignatureAlgorithm) map[string]any {
	r.t.Helper()
	res, err := direct.Get(r.issuer + "/oauth2/jwks")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		r.t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{alg})
	if err != nil {
		r.t.Fatalf("not a JWS under %s: %v", alg, err)
	}
	h := jws.Signatures[0].Header
	if got := h.ExtraHeaders[jose.HeaderType]; got != typ {
		r.t.Errorf("typ %v, want %q", got, typ)
	}
	found := set.Key(h.KeyID)
	if h.KeyID == "" || len(found) != 1 {
		r.t.Fatalf("kid %q names %d published keys, want 1", h.KeyID, len(found))
	}
	if !found[0].IsPublic() || found[0].Algorithm != string(alg) || found[0].Use != "sig" {
		r.t.Errorf("the published key is %s for %q, want a public one for signatures under %s", found[0].Algorithm, found[0].Use, alg)
	}
	body, err := jws.Verify(found[0])
	if err != nil {
		r.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		r.t.Fatal(err)
	}
	return m
}

// A JWT access token says what RFC 9068 §2 asks for and nothing stale.
func TestJWTAccessTokens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		r.register("rs256", client.Metadata{AccessTokenFormat: "jwt", AccessTokenAlg: "RS256"})
		m := r.granted(r.browser(), "a", "jwt", "openid profile")
		c := r.genuine(text(m, "access_token"), "at+jwt", jose.ES256)
		id := r.genuine(text(m, "id_token"), "JWT", jose.RS256)
		want := map[string]any{
			"iss": r.name(), "client_id": "jwt", "aud": []any{api, r.name()}, "scope": "openid profile", "sub": id["sub"],
			"auth_time": id["auth_time"], "acr": id["acr"], "amr": id["amr"], "jti": c["jti"], "iat": c["iat"], "exp": c["exp"],
		}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("claims\n%v, want\n%v", c, want)
		}
		if life := c["exp"].(float64) - c["iat"].(float64); life <= 0 || life > 600 {
			t.Errorf("it lives %v s, want 600 at most (S23)", life)
		}
		if got, _ := m["expires_in"].(float64); got <= 0 || got > 600 {
			t.Errorf("expires_in %v", m["expires_in"])
		}
		r.clock.move(2 * time.Minute)
		next := r.refresh("jwt", text(m, "refresh_token"))
		n := r.genuine(text(next.body, "access_token"), "at+jwt", jose.ES256)
		if n["iat"].(float64) < c["iat"].(float64)+120 || n["exp"].(float64) < c["exp"].(float64)+120 || n["jti"] == c["jti"] {
			t.Errorf("after the refresh iat %v, exp %v, jti %v: not those of a new token", n["iat"], n["exp"], n["jti"])
		}
		again := r.genuine(text(next.body, "id_token"), "JWT", jose.RS256)
		// OpenID Connect Core §12.2.
		for _, same := range []string{"iss", "sub", "aud", "auth_time", "azp", "sid"} {
			if !reflect.DeepEqual(again[same], id[same]) {
				t.Errorf("%s of the refreshed ID token: %v, was %v", same, again[same], id[same])
			}
		}
		if again["iat"].(float64) < id["iat"].(float64)+120 {
			t.Errorf("iat of the refreshed ID token: %v, was %v", again["iat"], id["iat"])
		}
		r.genuine(text(r.granted(r.browser(), "a", "rs256", "openid"), "access_token"), "at+jwt", jose.RS256)
	})
}

// Tokens without a user (RFC 6749 §4.4, RFC 9068 §2.2): no refresh token, no
// user's scopes, nothing at userinfo, and dead once revoked.
func TestServiceTokens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		r.register("mixed", client.Metadata{GrantTypes: []string{"client_credentials", "authorization_code", "refresh_token"}, Scope: "openid profile demo.read"})
		for _, row := range []struct{ name, id, scope, code string }{
			{"scope of another client", "service", "demo.read admin", "invalid_scope"},
			{"openid", "service", "openid", "invalid_scope"},
		} {
			v := url.Values{"grant_type": {"client_credentials"}, "scope": {row.scope}}
			r.want(r.token(row.id, v), 400, row.code, row.name)
		}
		if got := r.serviceToken("mixed", "openid demo.read"); text(got, "scope") != "demo.read" {
			t.Errorf("scope of a token without a user: %q, want no user's scope in it", text(got, "scope"))
		}
		for _, id := range []string{"service", "service-jwt"} {
			m := r.serviceToken(id, "")
			token := text(m, "access_token")
			if text(m, "scope") != "demo.read demo.write" || m["refresh_token"] != nil || m["id_token"] != nil || m["token_type"] != "Bearer" {
				t.Errorf("%s: %v", id, answer{status: 200, body: m})
			}
			if got := r.info(token); got.status != 401 {
				t.Errorf("%s: userinfo answered %s, want 401: there is no user", id, got)
			}
			if id == "service-jwt" {
				c := r.genuine(token, "at+jwt", jose.ES256)
				want := map[string]any{
					"iss": r.name(), "sub": id, "client_id": id, "aud": []any{api}, "scope": "demo.read demo.write", "jti": c["jti"], "iat": c["iat"], "exp": c["exp"],
				}
				if !reflect.DeepEqual(c, want) {
					t.Errorf("claims\n%v, want\n%v", c, want)
				}
			}
			second := text(r.serviceToken(id, ""), "access_token")
			r.want(r.revoked(id, token), 200, "", "revocation")
			if got := r.inspect("api", token); got.body["active"] != false {
				t.Errorf("%s: lives after it was revoked: %s", id, got)
			}
			if got := r.inspect("api", second); got.body["active"] != true {
				t.Errorf("%s: another token died with it: %s", id, got)
			}
			r.clock.move(601 * time.Second)
			if got := r.inspect("api", second); got.body["active"] != false {
				t.Errorf("%s: lives after ten minutes: %s", id, got)
			}
		}
	})
}

// Who is who to whom (OpenID Connect Core §8, S29): pairwise by default and per
// sector, public on registration; the sid differs for each client, so that it
// does not undo that.
func TestSubjectsAndSessionIDs(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		one := "https://sector.example"
		for id, m := range map[string]client.Metadata{
			"a1": {RedirectURIs: []string{one + "/a1/cb"}}, "a2": {RedirectURIs: []string{one + "/a2/cb"}}, "b": {},
			"p1": {SubjectType: "public"}, "p2": {SubjectType: "public"},
			"local1": {RedirectURIs: []string{"http://127.0.0.1:9998/cb"}}, "local2": {RedirectURIs: []string{"http://127.0.0.1:9998/cb"}},
		} {
			r.register(id, m)
		}
		redirect := map[string]string{"a1": one + "/a1/cb", "a2": one + "/a2/cb", "local1": "http://127.0.0.1:9998/cb", "local2": "http://127.0.0.1:9998/cb"}
		subs, sids := map[string]string{}, map[string]string{}
		who := func(c string, b *browser, id string) string {
			a := request(id, "openid profile")
			if u := redirect[id]; u != "" {
				a.params.Set("redirect_uri", u)
			}
			m := r.redeem(a, r.code(b, c, a))
			idt := r.genuine(text(m, "id_token"), "JWT", jose.RS256)
			sub, _ := idt["sub"].(string)
			if got := r.info(text(m, "access_token")).body["sub"]; got != sub || sub == "" || len(sub) > 255 {
				t.Errorf("%s: userinfo is about %v, the ID token about %q (OpenID Connect Core section 5.3.2)", id, got, sub)
			}
			if got := r.inspect(id, text(m, "access_token")).body["sub"]; got != sub {
				t.Errorf("%s: introspection is about %v, the ID token about %q", id, got, sub)
			}
			sids[id], _ = idt["sid"].(string)
			return sub
		}
		b := r.browser()
		ids := []string{"a1", "a2", "b", "p1", "p2", "local1", "local2"}
		for _, id := range ids {
			subs[id] = who("a", b, id)
		}
		equal := map[string]bool{"a1 a2": true, "p1 p2": true}
		for i, x := range ids {
			for _, y := range ids[i+1:] {
				if (subs[x] == subs[y]) != equal[x+" "+y] {
					t.Errorf("sub for %s and %s: %q and %q", x, y, subs[x], subs[y])
				}
				if sids[x] == sids[y] || sids[x] == "" {
					t.Errorf("sid for %s and %s: %q and %q", x, y, sids[x], sids[y])
				}
			}
		}
		account := string(r.person("a").Account.ID)
		if subs["p1"] != account || slices.Contains([]string{subs["a1"], subs["b"]}, account) {
			t.Error("the account's id is the public sub, and no pairwise one")
		}
		first := sids["a1"]
		if who("a", b, "a1") != subs["a1"] || sids["a1"] != first {
			t.Error("the same session got another sub or sid at the same client")
		}
		if who("a", r.browser(), "a1") != subs["a1"] || sids["a1"] == first {
			t.Error("another session of the same account must have the same sub and another sid")
		}
		if who("d", r.browser(), "a1") == subs["a1"] {
			t.Error("two accounts have one sub")
		}
	})
}

// What userinfo says (OpenID Connect Core §5.3): of the granted scopes, of that
// account, in any of the three ways to ask, and the number of a document only
// under the scope made for it (S29).
func TestUserinfo(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		number := r.person("a").Account.Profile.IDNumber
		for _, row := range []struct {
			scope      string
			with, sans []string
		}{
			{"openid", []string{"sub"}, []string{"name", "phone_number", "email", "org", "entitlements"}},
			{"openid profile", []string{"sub", "name"}, []string{"phone_number", "email"}},
			{"openid phone", []string{"sub", "phone_number", "phone_number_verified"}, []string{"name"}},
		} {
			r.register("rp", client.Metadata{Scope: "openid profile phone email"})
			m := r.granted(b, "a", "rp", row.scope)
			token := text(m, "access_token")
			got := r.info(token)
			for _, name := range row.with {
				if v, there := got.body[name]; !there || v == "" || v == nil {
					t.Errorf("%s: %s is missing: %s", row.scope, name, got)
				}
			}
			for _, name := range row.sans {
				if _, there := got.body[name]; there {
					t.Errorf("%s: %s was not asked for: %s", row.scope, name, got)
				}
			}
			if number == "" || strings.Contains(got.raw, number) || strings.Contains(text(m, "id_token"), number) {
				t.Errorf("%s: the number of the document is released", row.scope)
			}
			q, err := http.NewRequest(http.MethodPost, r.issuer+"/oauth2/userinfo", bytes.NewBufferString("access_token="+token))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			inBody := r.sent(q)
			q, err = http.NewRequest(http.MethodPost, r.issuer+"/oauth2/userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Authorization", "Bearer "+token)
			if inHeader := r.sent(q); inHeader.raw != got.raw || inBody.raw != got.raw {
				t.Errorf("three ways to ask, three answers:\n%s\n%s\n%s", got, inHeader, inBody)
			}
			if c := got.header.Get("Content-Type"); c != "application/json" {
				t.Errorf("content type %q", c)
			}
		}
	})
}
