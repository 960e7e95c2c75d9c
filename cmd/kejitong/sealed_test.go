package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// sealer is a relying party's key that answers are encrypted to.
type sealer struct {
	key *ecdsa.PrivateKey
	kid string
}

func newSealer(t testing.TB, kid string) sealer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return sealer{k, kid}
}

func (k sealer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.key.Public(), KeyID: k.kid, Use: "enc"}
}

func (k sealer) set(t testing.TB) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.public()}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open decrypts with exactly these algorithms and tells what is inside.
func (k sealer) open(t testing.TB, text, alg, enc string) (inside, cty string) {
	t.Helper()
	parsed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
	if err != nil {
		t.Fatalf("no JWE with %s and %s: %v", alg, enc, err)
	}
	b, err := parsed.Decrypt(k.key)
	if err != nil {
		t.Fatal(err)
	}
	cty, _ = parsed.Header.ExtraHeaders["cty"].(string)
	if parsed.Header.KeyID != k.kid {
		t.Errorf("kid %q, want %q", parsed.Header.KeyID, k.kid)
	}
	return string(b), cty
}

// published verifies a JWS with the provider's published keys, as anybody can,
// and gives its claims and typ.
func (r *rig) published(text, alg string) (map[string]any, string) {
	r.t.Helper()
	res, err := http.Get(r.issuer + "/oauth2/jwks")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		r.t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		r.t.Fatalf("no JWS with %s: %v", alg, err)
	}
	head := jws.Signatures[0].Protected
	found := set.Key(head.KeyID)
	if len(found) != 1 || found[0].Algorithm != alg {
		r.t.Fatalf("kid %q names %d published keys", head.KeyID, len(found))
	}
	body, err := jws.Verify(found[0])
	if err != nil {
		r.t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(body, &claims); err != nil {
		r.t.Fatal(err)
	}
	typ, _ := head.ExtraHeaders["typ"].(string)
	return claims, typ
}

// UserInfo as each client registered it (OpenID Connect Core §5.3.2): the same
// claims, and for a signed answer issuer and client beside them.
func TestUserinfoSignedAndEncrypted(t *testing.T) {
	key := newSealer(t, "enc-1")
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		for id, m := range map[string]client.Metadata{
			"u-plain": {}, "u-rs256": {UserinfoSignedResponseAlg: "RS256"}, "u-ps256": {UserinfoSignedResponseAlg: "PS256"},
			"u-es256": {UserinfoSignedResponseAlg: "ES256"}, "u-eddsa": {UserinfoSignedResponseAlg: "EdDSA"},
			"u-sealed": {UserinfoEncryptedResponseAlg: "ECDH-ES", UserinfoEncryptedResponseEnc: "A256GCM", JWKS: key.set(t)},
			"u-both":   {UserinfoSignedResponseAlg: "ES256", UserinfoEncryptedResponseAlg: "ECDH-ES+A128KW", JWKS: key.set(t)},
		} {
			t.Run(id, func(t *testing.T) {
				s := r.as(t)
				s.register(id, m)
				tokens := s.granted(b.as(t), "a", id, "openid profile")
				got := s.info(text(tokens, "access_token"))
				kind, body := got.header.Get("Content-Type"), got.body
				inside := got.raw
				if m.UserinfoEncryptedResponseAlg != "" {
					enc := m.UserinfoEncryptedResponseEnc
					if enc == "" {
						enc = "A128CBC-HS256" // Registration §2
					}
					var cty string
					inside, cty = key.open(t, got.raw, m.UserinfoEncryptedResponseAlg, enc)
					if want := map[bool]string{true: "JWT", false: ""}[m.UserinfoSignedResponseAlg != ""]; cty != want { // RFC 7519 §5.2
						t.Errorf("cty %q, want %q", cty, want)
					}
				}
				if alg := m.UserinfoSignedResponseAlg; alg != "" {
					var typ string
					if body, typ = s.published(inside, alg); typ != "JWT" || body["iss"] != s.name() || body["aud"] != id {
						t.Errorf("typ %q, %v", typ, body)
					}
					for _, name := range []string{"nonce", "exp"} { // conformance: it is no ID token
						if body[name] != nil {
							t.Errorf("%s is in it", name)
						}
					}
				} else if err := json.Unmarshal([]byte(inside), &body); err != nil {
					t.Fatal(err)
				}
				if want := map[bool]string{true: "application/json", false: "application/jwt"}[id == "u-plain"]; kind != want || got.status != 200 {
					t.Errorf("%d %s, want %s", got.status, kind, want)
				}
				if sub := idToken(t, tokens)["sub"]; body["sub"] != sub || body["name"] != "张三" {
					t.Errorf("sub %v (ID token %v), name %v", body["sub"], sub, body["name"])
				}
				// Errors stay what they are (RFC 6750 §3).
				if bad := s.info("x"); bad.status != 401 || bad.header.Get("Content-Type") != "application/json" || bad.err() != "invalid_token" {
					t.Errorf("a bad token: %s, %s", bad, bad.header.Get("Content-Type"))
				}
				if !strings.HasPrefix(kind, "application/jwt") || m.UserinfoEncryptedResponseAlg != "" {
					return
				}
				// RFC 8725 §3.11: it passes neither for an ID token nor for an access token.
				a := request(id, "openid")
				a.params.Set("id_token_hint", got.raw)
				a.params.Set("prompt", "none")
				if q := callback(t, b.as(t).get(s.authorizeURL(a))); q.Get("error") != "invalid_request" {
					t.Errorf("as an id_token_hint: %v", q)
				}
				s.want(s.info(got.raw), 401, "invalid_token", "as an access token")
			})
		}
		t.Run("no key to encrypt to", func(t *testing.T) {
			s := r.as(t)
			s.register("u-keyless", client.Metadata{UserinfoEncryptedResponseAlg: "RSA-OAEP-256", JWKS: key.set(t)})
			got := s.info(text(s.granted(b.as(t), "a", "u-keyless", "openid profile"), "access_token"))
			if s.want(got, 400, "invalid_request", "userinfo"); strings.Contains(got.raw, "张三") {
				t.Error("the claims are in the error")
			}
		})
	})
}

// Encrypted ID tokens are signed ones inside (OpenID Connect Core §2, §10.2),
// at the code and at each refresh; without a key there is none, and the code is
// not spent on the failure.
func TestEncryptedIDTokens(t *testing.T) {
	key := newSealer(t, "")
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		r.register("sealed", client.Metadata{IDTokenEncryptedResponseAlg: "ECDH-ES+A256KW", IDTokenEncryptedResponseEnc: "A256CBC-HS512", IDTokenSignedResponseAlg: "ES256", JWKS: key.set(t)})
		a := request("sealed", "openid offline_access")
		first := r.redeem(a, r.code(b, "a", a))
		again := r.refresh("sealed", text(first, "refresh_token"))
		r.want(again, 200, "", "refresh")
		var subs []any
		for _, m := range []map[string]any{first, again.body} {
			inside, cty := key.open(t, text(m, "id_token"), "ECDH-ES+A256KW", "A256CBC-HS512")
			c, typ := r.published(inside, "ES256")
			if cty != "JWT" || typ != "JWT" || c["aud"] != "sealed" || c["at_hash"] == nil {
				t.Errorf("cty %q, typ %q, %v", cty, typ, c)
			}
			subs = append(subs, c["sub"])
		}
		if subs[0] != subs[1] || subs[0] == nil {
			t.Errorf("subjects %v", subs)
		}
		r.register("keyless", client.Metadata{IDTokenEncryptedResponseAlg: "RSA-OAEP", JWKS: key.set(t)})
		a = request("keyless", "openid")
		code := r.code(b, "a", a)
		before := r.state()
		got := r.token("keyless", codeForm(a, code))
		r.want(got, 400, "invalid_request", "no key")
		if r.state() != before {
			t.Errorf("the failure changed something: %s, before %s", r.state(), before)
		}
	})
}

// Introspection answered as a JWT (RFC 9701): for whoever asks for it, and for
// clients that registered it; with the same things in it, and of no other use.
func TestIntrospectionAsJWT(t *testing.T) {
	key := newSealer(t, "e")
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		r.register("api-es", client.Metadata{ResourceIdentifiers: []string{api}, IntrospectionSignedResponseAlg: "ES256"})
		r.register("api-sealed", client.Metadata{ResourceIdentifiers: []string{api}, IntrospectionEncryptedResponseAlg: "ECDH-ES", IntrospectionEncryptedResponseEnc: "A128GCM", JWKS: key.set(t)})
		r.register("api-keyless", client.Metadata{ResourceIdentifiers: []string{api}, IntrospectionEncryptedResponseAlg: "RSA-OAEP", JWKS: key.set(t)})
		token := text(r.granted(r.browser(), "a", "opaque", "openid profile"), "access_token")
		plain := r.inspect("api", token).body
		ask := func(s *rig, asker, token string, accept ...string) answer {
			q := s.form("/oauth2/introspect", url.Values{"token": {token}}, s.creds(asker))
			q.Header["Accept"] = accept
			return s.sent(q)
		}
		for _, row := range []struct {
			name, asker, alg string // alg "": JSON
			accept           []string
		}{
			{"any type", "api", "", []string{"*/*"}},
			{"any application type", "api", "", []string{"application/*"}},
			{"refused by weight", "api", "", []string{"application/token-introspection+jwt;q=0, application/json"}},
			{"a weight that is none", "api", "", []string{"application/token-introspection+jwt;q=x"}},
			{"plain JWT", "api", "", []string{"application/jwt"}},
			{"asked for", "api", "RS256", []string{"application/token-introspection+jwt"}},
			{"asked for among others", "api", "RS256", []string{"text/html", "application/json;q=0.5, Application/Token-Introspection+JWT; q=0.9"}},
			{"registered", "api-es", "ES256", []string{"*/*"}},
			{"registered encrypted", "api-sealed", "RS256", nil},
			{"without a key", "api-keyless", "", nil},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.as(t)
				for _, shown := range []string{token, "x"} {
					got := ask(s, row.asker, shown, row.accept...)
					if row.asker == "api-keyless" {
						if s.want(got, 400, "invalid_request", "no key"); strings.Contains(got.raw, "active") {
							t.Errorf("a plain answer: %s", got.raw)
						}
						continue
					}
					if row.alg == "" {
						if got.status != 200 || got.header.Get("Content-Type") != "application/json" || got.body["active"] != (shown == token) {
							t.Errorf("%s of type %s", got, got.header.Get("Content-Type"))
						}
						continue
					}
					if kind := got.header.Get("Content-Type"); got.status != 200 || kind != "application/token-introspection+jwt" {
						t.Fatalf("%d %s", got.status, kind)
					}
					inside := got.raw
					if row.asker == "api-sealed" {
						inside, _ = key.open(t, got.raw, "ECDH-ES", "A128GCM")
					}
					c, typ := s.published(inside, row.alg)
					if typ != "token-introspection+jwt" || c["iss"] != s.name() || c["aud"] != row.asker || c["iat"] == nil || c["sub"] != nil || c["exp"] != nil || len(c) != 4 { // §5
						t.Errorf("typ %q, %v", typ, c)
					}
					said, _ := c["token_introspection"].(map[string]any)
					want := plain
					if shown != token {
						want = map[string]any{"active": false}
					}
					if a, b := asJSON(t, said), asJSON(t, want); a != b {
						t.Errorf("it says\n%s, want\n%s", a, b)
					}
					s.want(s.info(inside), 401, "invalid_token", "as an access token") // §8.1
				}
			})
		}
		t.Run("nobody", func(t *testing.T) {
			q := r.form("/oauth2/introspect", url.Values{"token": {token}}, nil)
			q.Header.Set("Accept", "application/token-introspection+jwt")
			got := r.as(t).sent(q)
			if r.as(t).want(got, 401, "invalid_client", "nobody"); got.header.Get("Content-Type") != "application/json" {
				t.Errorf("an error of type %s", got.header.Get("Content-Type"))
			}
		})
		for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
			id := "api-" + strings.ToLower(alg)
			r.register(id, client.Metadata{ResourceIdentifiers: []string{api}, IntrospectionSignedResponseAlg: alg})
			if c, _ := r.published(ask(r, id, token).raw, alg); !slices.Contains([]any{id}, c["aud"]) {
				t.Errorf("%s: aud %v", alg, c["aud"])
			}
		}
	})
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
