package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// Under each algorithm the hashes of code, token and state are right, for opaque
// and for JWT access tokens, openly and inside a signed response (OpenID Connect
// Core sections 3.1.3.6 and 3.3.2.11, JARM section 3). The algorithms are the
// same on both databases.
func TestFrontChannelAlgorithms(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), frontOn)
	op, err := oidc.NewProvider(context.WithoutCancel(t.Context()), s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.in(s, "a")
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		for _, format := range []string{"opaque", "jwt"} {
			id := "alg-" + alg + "-" + format
			s.fronted(id, func(m *client.Metadata) {
				m.IDTokenSignedResponseAlg, m.AuthorizationSignedResponseAlg, m.AccessTokenFormat = alg, alg, format
			})
			for _, kind := range frontTypes {
				for _, mode := range []string{"-", "jwt", "form_post.jwt"} {
					s.run(id+" "+kind+" by "+mode, func(t *testing.T, s *arena) {
						a := asking(id, "openid", "response_type", kind, "response_mode", mode)
						q := s.answer(a, b.as(t).get(s.authorizeURL(a)))
						if q.Has("id_token") {
							s.vouched(op, a, q, alg)
						}
						if token := q.Get("access_token"); token != "" {
							if status, ui := s.userinfo(token); status != http.StatusOK || (strings.Count(token, ".") == 2) != (format == "jwt") {
								t.Errorf("userinfo: %d %v", status, ui)
							}
						}
					})
				}
			}
		}
	}
	for _, kind := range []string{"code id_token", "id_token"} { // no state, no s_hash
		a := asking("alg-RS256-opaque", "openid", "response_type", kind, "response_mode", "jwt", "state", "-")
		s.vouched(op, a, s.answer(a, b.get(s.authorizeURL(a))), "RS256")
	}
}

// A client under FAPI that registered nothing gets PS256, never RS256 (FAPI 2.0
// Security Profile section 5.4.1), and nothing but a code.
func TestSignedResponsesUnderFAPI(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), frontOn)
	for id, alg := range map[string]string{"fapi": "", "fapi-rs": "RS256", "fapi-es": "ES256"} {
		s.fronted(id, func(m *client.Metadata) {
			m.SecurityProfile, m.AuthorizationSignedResponseAlg = client.FAPI2Signed, alg
		})
	}
	b := s.browser().still()
	for id, want := range map[string]string{"fapi": "PS256", "fapi-rs": "PS256", "fapi-es": "ES256"} {
		// Whatever else the profile has to say about this request, the answer is signed.
		p := b.get(s.authorizeURL(asking(id, "openid", "response_mode", "jwt", "prompt", "none")))
		loc, err := p.Location()
		if err != nil {
			t.Fatalf("%s: %d %v", id, p.StatusCode, err)
		}
		jws, err := jose.ParseSignedCompact(loc.Query().Get("response"), []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256})
		if err != nil || len(loc.Query()) != 1 {
			t.Fatalf("%s: %v %v", id, loc.Query(), err)
		}
		if got := jws.Signatures[0].Protected.Algorithm; got != want {
			t.Errorf("%s: signed with %s, want %s", id, got, want)
		}
	}
	for _, kind := range frontTypes {
		p := b.get(s.authorizeURL(asking("fapi", "openid", "response_type", kind)))
		if l := p.Header.Get("Location"); !strings.Contains(l, "#error=") {
			t.Errorf("%s: %d to %s, want an error in the fragment", kind, p.StatusCode, l)
		}
	}
}

// opened decrypts a response to the client's key and gives the JWT inside (JARM
// section 2.2, RFC 7519 section 5.2).
func opened(t *testing.T, key any, response, alg, enc string) string {
	t.Helper()
	jwe, err := jose.ParseEncryptedCompact(response, []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
	if err != nil {
		t.Fatalf("no JWE with %s and %s: %v", alg, enc, err)
	}
	if cty, _ := jwe.Header.ExtraHeaders["cty"].(string); cty != "JWT" {
		t.Errorf("cty %q, want JWT", cty)
	}
	b, err := jwe.Decrypt(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Encrypted responses: signed inside, for codes and for tokens, which may then
// even travel in the query (JARM sections 2.2 and 2.3.1). Without a key nothing
// is sent, least of all in the clear.
func TestEncryptedResponses(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), frontOn)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "e", Use: "enc"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.fronted("sealed", func(m *client.Metadata) {
		m.JWKS, m.AuthorizationEncryptedResponseAlg, m.AuthorizationEncryptedResponseEnc = set, "ECDH-ES+A256KW", "A256GCM"
	})
	s.fronted("keyless", func(m *client.Metadata) { m.AuthorizationEncryptedResponseAlg = "ECDH-ES" })
	b := s.browser()
	b.in(s, "a")
	refusedHere(t, b.get(s.authorizeURL(asking("keyless", "openid", "response_mode", "jwt"))))
	for kind, modes := range map[string][]string{"code": {"jwt", "query.jwt", "form_post.jwt"}, "code id_token token": {"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}} {
		for _, mode := range modes {
			a := asking("sealed", "openid", "response_type", kind, "response_mode", mode)
			p := b.get(s.authorizeURL(a))
			var q url.Values
			if mode == "form_post.jwt" {
				q = findForm(t, p.body, "response").values
			} else {
				loc, err := p.Location()
				if err != nil {
					t.Fatal(err)
				}
				if q = loc.Query(); len(q) == 0 {
					if q, err = url.ParseQuery(loc.Fragment); err != nil || mode == "query.jwt" {
						t.Fatalf("%s: %s %v", mode, loc, err)
					}
				}
			}
			if len(q) != 1 {
				t.Fatalf("%s: %v", mode, q)
			}
			inside := s.unwrapped(a, opened(t, key, q.Get("response"), "ECDH-ES+A256KW", "A256GCM"))
			for _, word := range strings.Fields(strings.Replace(kind, " token", " access_token", 1)) {
				if inside.Get(word) == "" {
					t.Errorf("%s by %s: no %s inside", kind, mode, word)
				}
			}
			if inside.Get("state") != a.params.Get("state") || inside.Get("iss") != s.issuer {
				t.Errorf("state %q, iss %q", inside.Get("state"), inside.Get("iss"))
			}
		}
	}
}

// provesSealedResponse: the response opens with the client's key under the
// algorithm that it registered.
func provesSealedResponse(member string) func(*testing.T, *advertised, string) {
	return func(t *testing.T, d *advertised, v string) {
		alg, enc := "ECDH-ES", v
		if member == "alg" {
			alg, enc = v, "A128CBC-HS256"
		}
		ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ec.Public(), KeyID: "ec", Use: "enc"}, {Key: d.key["RS256"].key.Public(), KeyID: "rsa", Use: "enc"}}})
		if err != nil {
			t.Fatal(err)
		}
		id := "sealed-response-" + strings.ReplaceAll(v, "+", "-")
		d.client(id, func(c *client.Client) {
			m := &c.Metadata
			m.JWKS, m.AuthorizationEncryptedResponseAlg, m.AuthorizationEncryptedResponseEnc = set, alg, enc
		})
		b := d.browser()
		b.in(d.arena, "a")
		a := asking(id, "openid", "response_mode", "jwt")
		loc, err := b.get(d.authorizeURL(a)).Location()
		if err != nil {
			t.Fatal(err)
		}
		var key any = ec
		if strings.HasPrefix(alg, "RSA") {
			key = d.key["RS256"].key
		}
		if q := d.unwrapped(a, opened(t, key, loc.Query().Get("response"), alg, enc)); q.Get("code") == "" {
			t.Errorf("inside stands %v", q)
		}
	}
}
