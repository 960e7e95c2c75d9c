package oidc

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/keys"
)

// OpenID Connect Core §9, client_secret_jwt: the secret signs, and nothing else
// does; neither method takes the other's keys (RFC 8725 §2.1, §3.1).
func TestSecretAssertion(t *testing.T) {
	h := newHouse(t)
	secret, other := strings.Repeat("s3cret-", 6), strings.Repeat("0ther-", 6)
	rs, ec := newPair(t, "rs", jose.RS256), newPair(t, "ec", jose.ES256)
	put := func(id, method, secret string, change func(*client.Metadata)) *client.Client {
		c := &client.Client{ID: id, State: client.Active, Reviewed: true, CreatedAt: h.Now(), UpdatedAt: h.Now(), Metadata: webClient(func(m *client.Metadata) {
			m.TokenEndpointAuthMethod = method
			if change != nil {
				change(m)
			}
		})}
		if secret != "" {
			if err := c.SetSecret(h.Keys.Snapshot(), secret); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.db.PutClient(t.Context(), c, did(audit.ClientCreated)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	mac := put("mac", client.AuthSecretJWT, secret, func(m *client.Metadata) { m.JWKS = jwks(t, rs, ec) })
	put("strict", client.AuthSecretJWT, secret, func(m *client.Metadata) { m.StrictAssertionAud = true })
	put("basic", client.AuthBasic, secret, nil)
	put("keyed", client.AuthJWT, "", func(m *client.Metadata) { m.JWKS = jwks(t, rs, ec) })
	moved := put("moved", client.AuthSecretJWT, secret, nil)
	moved.SecretSealed = mac.SecretSealed // a ciphertext put into another row
	if err := h.db.PutClient(t.Context(), moved, did(audit.ClientChanged)); err != nil {
		t.Fatal(err)
	}
	h.clock.pass(client.MaxAge)

	// Only the method that needs the secret again keeps it, and not in clear.
	for id, want := range map[string]bool{"mac": true, "basic": false} {
		c := h.find(id)
		if (c.SecretSealed != "") != want || c.SecretDigest == "" || strings.Contains(c.SecretSealed, secret) {
			t.Errorf("%s keeps %q", id, c.SecretSealed)
		}
	}

	now := h.Now().Unix()
	good := func(id string) claims {
		return claims{"iss": id, "sub": id, "aud": issuer, "exp": now + 60, "iat": now, "jti": noiseOf(t)}
	}
	hs := claims{"alg": "HS256"}
	hs512 := func(input []byte) []byte {
		m := hmac.New(sha512.New, []byte(secret))
		m.Write(input)
		return m.Sum(nil)
	}
	public := rs.jwk()
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"another secret", forge(t, hs, good("mac"), macSigner([]byte(other))), false},
		{"no secret", forge(t, hs, good("mac"), macSigner(nil)), false},
		{"the digest of the secret", forge(t, hs, good("mac"), macSigner([]byte(h.find("mac").SecretDigest))), false},
		{"the sealed text", forge(t, hs, good("mac"), macSigner([]byte(h.find("mac").SecretSealed))), false},
		{"no signature", forge(t, hs, good("mac"), unsigned), false},
		{"alg none", forge(t, claims{"alg": "none"}, good("mac"), unsigned), false},
		{"HS512", forge(t, claims{"alg": "HS512"}, good("mac"), hs512), false},
		{"its RSA key", rs.sign(t, "", good("mac")), false},
		{"its elliptic key", ec.sign(t, "", good("mac")), false},
		{"a client of private_key_jwt, its public key as the secret", forge(t, claims{"alg": "HS256", "kid": "rs"}, good("keyed"), macSigner(encode(t, public))), false},
		{"a client of private_key_jwt, an empty secret", forge(t, hs, good("keyed"), macSigner(nil)), false},
		{"a client of client_secret_basic", forge(t, hs, good("basic"), macSigner([]byte(secret))), false},
		{"a secret sealed for another row", forge(t, hs, good("moved"), macSigner([]byte(secret))), false},
		{"expired", forge(t, hs, with(good("mac"), claims{"exp": now - 60}), macSigner([]byte(secret))), false},
		{"another audience", forge(t, hs, with(good("mac"), claims{"aud": "https://x"}), macSigner([]byte(secret))), false},
		{"no jti", forge(t, hs, with(good("mac"), claims{"jti": nil}), macSigner([]byte(secret))), false},
		{"strict, array", forge(t, hs, with(good("strict"), claims{"aud": []string{issuer}}), macSigner([]byte(secret))), false},

		{"the secret", forge(t, hs, good("mac"), macSigner([]byte(secret))), true},
		{"strict, the issuer", forge(t, hs, good("strict"), macSigner([]byte(secret))), true},
		{"the token endpoint as audience", forge(t, hs, with(good("mac"), claims{"aud": issuer + "/oauth2/token"}), macSigner([]byte(secret))), true},
	} {
		err := h.present("/oauth2/token", c.text)
		if c.ok && err != nil || !c.ok && codeOfError(err) != "invalid_client" {
			t.Errorf("%s: %v, want accepted: %v", c.name, err, c.ok)
		}
	}
	once := forge(t, hs, good("mac"), macSigner([]byte(secret)))
	if err := h.present("/oauth2/token", once); err != nil {
		t.Fatal(err)
	}
	if got := codeOfError(h.present("/oauth2/token", once)); got != "invalid_client" {
		t.Errorf("the same assertion again: %q", got)
	}
	// The secret itself is no credential of such a client (S17).
	if w := h.post("/oauth2/token", adding(nil, "grant_type", "refresh_token", "refresh_token", "x", "client_id", "mac", "client_secret", secret)); w.Code != 401 {
		t.Errorf("the secret in the body: %d", w.Code)
	}
	if w := h.post("/oauth2/token", adding(nil, "grant_type", "refresh_token", "refresh_token", "x"), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("mac:"+secret))); w.Code != 401 {
		t.Errorf("the secret by Basic: %d", w.Code)
	}
	// A client that changes its method lets go of what it no longer needs.
	c := *h.find("mac")
	c.Metadata.TokenEndpointAuthMethod = client.AuthBasic
	if !c.KeepsSecret() || c.SecretSealed != "" || !c.Knows(h.Keys.Snapshot(), secret, h.Now()) {
		t.Error("client_secret_jwt to basic: the sealed secret stays, or the digest is gone")
	}
	b := *h.find("basic")
	b.Metadata.TokenEndpointAuthMethod = client.AuthSecretJWT
	if b.KeepsSecret() {
		t.Error("basic to client_secret_jwt: the secret cannot be known")
	}
	if _, err := b.Recover(h.Keys.Snapshot(), h.Now()); err == nil || keys.SharedSecret == keys.ClientSecret {
		t.Error("a secret that was never sealed opens")
	}
}

// FuzzBasic: Basic credentials of any form are refused or give a client id
// that the database can hold; nothing in them ends up in the error.
func FuzzBasic(f *testing.F) {
	for _, s := range []string{"Basic YTpi", "basic YTpi", "Basic", "Basic ", "Bearer x", "Basic YQ==", "Basic JTAwOmI=", "Basic /+8="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		cr, err := basic(header)
		if err != nil {
			if codeOfError(err) != "invalid_client" {
				t.Errorf("%q: %v", header, err)
			}
			return
		}
		if cr.method != methodBasic || cr.id == "" {
			t.Errorf("%q gives %+v", header, cr)
		}
	})
}

// FuzzCertificateHeader: whatever a proxy sends, a certificate comes of it or
// nothing.
func FuzzCertificateHeader(f *testing.F) {
	f.Add(":AAAA:", false)
	f.Add("-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A", true)
	f.Add("", true)
	f.Fuzz(func(t *testing.T, text string, asPEM bool) {
		if c := parseCertificate([]string{text}, asPEM); c != nil && len(c.Raw) == 0 {
			t.Error("a certificate of nothing")
		}
	})
}
