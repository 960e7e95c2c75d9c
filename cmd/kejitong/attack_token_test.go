package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/provider/keys"
)

// api is the resource server that the clients of these tests get tokens for.
const api = "https://api.example"

// castOfTokens registers clients with both forms of access token, one that has
// nothing to do with them, and the resource server.
func (r *rig) castOfTokens() {
	r.t.Helper()
	for id, m := range map[string]client.Metadata{
		"opaque": {}, "jwt": {AccessTokenFormat: "jwt"}, "other": {},
		"api":         {ResourceIdentifiers: []string{api}},
		"service":     {GrantTypes: []string{"client_credentials"}, Scope: "demo.read demo.write"},
		"service-jwt": {GrantTypes: []string{"client_credentials"}, Scope: "demo.read demo.write", AccessTokenFormat: "jwt"},
		"public":      {TokenEndpointAuthMethod: "none"},
	} {
		if id != "other" && id != "api" {
			m.Audience = []string{api}
		}
		r.register(id, m)
	}
}

// serviceToken gets a token without a user.
func (r *rig) serviceToken(id, scope string) map[string]any {
	r.t.Helper()
	v := url.Values{"grant_type": {"client_credentials"}}
	if scope != "" {
		v.Set("scope", scope)
	}
	got := r.token(id, v)
	if got.status != http.StatusOK {
		r.t.Fatalf("client credentials: %s", got)
	}
	return got.body
}

// No token, assertion or code passes for another kind of thing, at no endpoint
// (RFC 8725 §3.11, RFC 9700 §2.3, RFC 6750 §2).
func TestTokensOfOneKindPassForNoOther(t *testing.T) {
	key := newSigner(t, "ES256", "k")
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		r.register("keyed", client.Metadata{TokenEndpointAuthMethod: "private_key_jwt", JWKS: key.set(t), GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		b := r.browser()
		opaque, asJWT := r.granted(b, "a", "opaque", "openid"), r.granted(b, "a", "jwt", "openid")
		unused := request("opaque", "openid")
		code := r.code(b, "a", unused)
		snap := r.app.ring.Snapshot()
		signed := func(typ string, claims map[string]any) string {
			text, err := snap.Sign(keys.RS256, typ, claims)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		sub, soon := text(r.info(text(asJWT, "access_token")).body, "sub"), r.clock.now().Add(time.Minute).Unix()
		things := map[string]string{
			"code":          code,
			"refresh token": text(opaque, "refresh_token"),
			"ID token":      text(opaque, "id_token"),
			"assertion":     key.sign(t, r.assertion("keyed"), nil),
			"client secret": r.secret("opaque"),
			"logout token": signed("logout+jwt", map[string]any{
				"iss": r.name(), "aud": "opaque", "sub": sub, "iat": soon - 60, "exp": soon, "jti": "x", "events": map[string]any{},
			}),
			"access token of no grant": signed("at+jwt", map[string]any{
				"iss": r.name(), "aud": r.name(), "sub": sub, "client_id": "jwt", "iat": soon - 60, "exp": soon, "jti": randomText(16) + ".x", "scope": "openid",
			}),
			"access token":      text(opaque, "access_token"),
			"JWT access token":  text(asJWT, "access_token"),
			"service token":     text(r.serviceToken("service", ""), "access_token"),
			"JWT service token": text(r.serviceToken("service-jwt", ""), "access_token"),
		}
		before := r.state()
		for name, thing := range things {
			t.Run(name, func(t *testing.T) {
				s := r.as(t)
				if name != "access token" && name != "JWT access token" {
					s.want(s.info(thing), 401, "invalid_token", "as access token at userinfo")
				}
				if name != "refresh token" {
					for _, id := range []string{"opaque", "jwt"} {
						s.want(s.refresh(id, thing), 400, "invalid_grant", "as refresh token")
					}
				}
				if name != "code" {
					s.want(s.token("opaque", codeForm(unused, thing)), 400, "invalid_grant", "as code")
				}
				if !strings.HasSuffix(name, "access token") && !strings.HasSuffix(name, "service token") && name != "refresh token" {
					for _, id := range []string{"opaque", "jwt", "api"} {
						if got := s.inspect(id, thing); got.status != 200 || got.body["active"] != false || len(got.body) != 1 {
							t.Errorf("introspection: %s, want active false", got)
						}
						s.want(s.revoked(id, thing), 200, "", "revocation")
					}
				}
				if name != "assertion" {
					s.want(s.call("/oauth2/token", service, assert(thing)), 401, "invalid_client", "as assertion")
				}
				if name != "ID token" {
					a := request("opaque", "openid")
					a.params.Set("prompt", "none")
					a.params.Set("id_token_hint", thing)
					if q := callback(t, b.as(t).get(s.authorizeURL(a))); q.Get("code") != "" || q.Get("error") == "" {
						t.Errorf("as id_token_hint: %v, want an error", q)
					}
					p := b.as(t).get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {thing}}.Encode())
					if p.StatusCode != http.StatusBadRequest {
						t.Errorf("as id_token_hint of a sign-out: %d, want a page with 400", p.StatusCode)
					}
				}
			})
		}
		r.same(before, "the wrong use of a token")
		r.wantAlive("opaque", opaque, "after all of it")
		r.wantAlive("jwt", asJWT, "after all of it")
		r.redeem(unused, code)
	})
}

// Ways to show an access token that are none (RFC 6750 §2, §3; RFC 9700 §4.3.2).
func TestBearerTokenInTheWrongPlace(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		token := text(r.granted(r.browser(), "a", "opaque", "openid"), "access_token")
		form := "application/x-www-form-urlencoded"
		for _, row := range []struct {
			name, method, query, body, kind string
			header                          []string
			status                          int
			code                            string
		}{
			{name: "nothing", method: "GET", status: 401},
			{name: "in the URL", method: "GET", query: "access_token=" + token, status: 400, code: "invalid_request"}, // RFC 6750 §3.1
			{name: "in the URL of a POST", method: "POST", query: "access_token=" + token, kind: form, status: 400, code: "invalid_request"},
			{name: "in the URL, too", method: "GET", query: "access_token=" + token, header: []string{"Bearer " + token}, status: 400, code: "invalid_request"},
			{name: "in header and body", method: "POST", header: []string{"Bearer " + token}, body: "access_token=" + token, kind: form, status: 400, code: "invalid_request"},
			{name: "twice in the header", method: "GET", header: []string{"Bearer " + token, "Bearer " + token}, status: 400, code: "invalid_request"},
			{name: "twice in the body", method: "POST", body: "access_token=" + token + "&access_token=" + token, kind: form, status: 400, code: "invalid_request"},
			{name: "in the body of a GET", method: "GET", body: "access_token=" + token, kind: form, status: 401},
			{name: "in a JSON body", method: "POST", body: `{"access_token":"` + token + `"}`, kind: "application/json", status: 401},
			{name: "without scheme", method: "GET", header: []string{token}, status: 401},
			{name: "as Basic", method: "GET", header: []string{"Basic " + token}, status: 401},
			{name: "as DPoP", method: "GET", header: []string{"DPoP " + token}, status: 401, code: "invalid_dpop_proof"}, // RFC 9449 §7.1
			{name: "with a word more", method: "GET", header: []string{"Bearer " + token + " x"}, status: 401, code: "invalid_token"},
			{name: "of 15 KiB", method: "GET", header: []string{"Bearer " + strings.Repeat("a", 15<<10)}, status: 401, code: "invalid_token"},
			{name: "a JWT of 15 KiB", method: "GET", header: []string{"Bearer " + strings.Repeat("a", 7<<10) + "." + strings.Repeat("b", 8<<10) + ".c"}, status: 401, code: "invalid_token"},

			{name: "header", method: "GET", header: []string{"Bearer " + token}, status: 200},
			{name: "header, small letters", method: "GET", header: []string{"bearer " + token}, status: 200},
			{name: "header of a POST", method: "POST", header: []string{"Bearer " + token}, status: 200},
			{name: "body of a POST", method: "POST", body: "access_token=" + token, kind: form, status: 200},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				q, err := http.NewRequest(row.method, s.issuer+"/oauth2/userinfo?"+row.query, strings.NewReader(row.body))
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range row.header {
					q.Header.Add("Authorization", h)
				}
				if row.kind != "" {
					q.Header.Set("Content-Type", row.kind)
				}
				got := s.sent(q)
				s.want(got, row.status, row.code, row.name)
				want := "Bearer "
				if row.name == "as DPoP" {
					want = "DPoP "
				}
				if c := got.header.Get("WWW-Authenticate"); row.status != 200 && !strings.HasPrefix(c, want) {
					t.Errorf("challenge %q, want %s(RFC 6750 section 3)", c, want)
				}
			})
		}
	})
}

// Texts made of real tokens by somebody without a key change nothing and say
// nothing (S24).
func TestForgedAccessTokens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		b := r.browser()
		opaque, asJWT := r.granted(b, "a", "opaque", "openid"), r.granted(b, "a", "jwt", "openid")
		second := r.granted(b, "a", "opaque", "openid")
		of := func(m map[string]any) string { return text(m, "access_token") }
		forged := forgeries(t, of(opaque))
		x, y := of(opaque), of(second)
		forged["halves of two"], forged["halves of two, turned"] = x[:len(x)/2]+y[len(y)/2:], y[:len(y)/2]+x[len(x)/2:]
		forged["MAC of another"] = x[:len(x)-43] + y[len(y)-43:]
		parts := strings.Split(of(asJWT), ".")
		others := strings.Split(of(r.granted(b, "a", "jwt", "openid")), ".")
		idParts := strings.Split(text(asJWT, "id_token"), ".")
		join := func(p ...string) string { return strings.Join(p, ".") }
		forged["JWT, claims of another"] = join(parts[0], others[1], parts[2])
		forged["JWT, signature of another"] = join(parts[0], parts[1], others[2])
		forged["JWT, header of the ID token"] = join(idParts[0], parts[1], parts[2])
		forged["JWT, claims of the ID token"] = join(parts[0], idParts[1], parts[2])
		forged["JWT without signature"] = join(parts[0], parts[1], "")
		forged["JWT, alg none"] = join("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0", parts[1], "")
		forged["JWT, a part more"] = join(parts[0], parts[1], parts[2], "x")
		forged["JWT, encrypted"] = join("eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjEwMDAwMDAsImVuYyI6IkExMjhHQ00iLCJ6aXAiOiJERUYifQ", "a", "b", "c", "d")
		forged["JWT signed by a stranger"] = newSigner(t, "ES256", r.kid("ES256")).sign(t, claimsOf(t, of(asJWT)), map[string]any{"typ": "at+jwt"})
		forged["JWT, key in the header"] = func() string {
			k := newSigner(t, "ES256", "")
			return k.sign(t, claimsOf(t, of(asJWT)), map[string]any{"typ": "at+jwt", "jwk": k.public()})
		}()
		before := r.state()
		for name, f := range forged {
			if strings.ContainsAny(f, "\n\x00") {
				continue // no header can carry it
			}
			q, err := http.NewRequest(http.MethodGet, r.issuer+"/oauth2/userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Authorization", "Bearer "+f)
			if got := r.sent(q); got.status != 401 && name != "a space before" {
				t.Errorf("%s: userinfo answered %s", name, got)
			}
			for _, id := range []string{"opaque", "jwt", "api"} {
				if got := r.inspect(id, f); got.status != 200 || got.body["active"] != false || len(got.body) != 1 {
					t.Errorf("%s: introspection by %s answered %s", name, id, got)
				}
				if got := r.revoked(id, f); got.status != 200 {
					t.Errorf("%s: revocation by %s answered %s", name, id, got)
				}
			}
		}
		r.same(before, "forged tokens")
		r.wantAlive("opaque", opaque, "victim")
		r.wantAlive("jwt", asJWT, "victim")
	})
}

// kid is that of the active signing key.
func (r *rig) kid(alg string) string {
	r.t.Helper()
	text, err := r.app.ring.Snapshot().Sign(keys.Algorithm(alg), "JWT", map[string]any{})
	if err != nil {
		r.t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		r.t.Fatal(err)
	}
	return jws.Signatures[0].Header.KeyID
}

// claimsOf reads a JWS without looking at its signature.
func claimsOf(t testing.TB, compact string) map[string]any {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
