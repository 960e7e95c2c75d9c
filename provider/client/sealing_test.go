package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// How answers are to be signed and encrypted: what is registered can be done,
// with a key that the registration shows (OpenID Connect Registration §2, JARM
// §3, RFC 9701 §6).
func TestHowAnswersAreSealed(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), 2047)
	rsaKey := &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537} // no real key: only its size is looked at
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	put := func(members ...string) func(int, map[string]any) {
		return func(_ int, m map[string]any) {
			for _, member := range members {
				name, value, _ := strings.Cut(member, "=")
				if value == "" {
					delete(m, name)
					continue
				}
				m[name] = value
			}
		}
	}
	enc, sig, plain := publicSet(t, put("use=enc"), rsaKey), publicSet(t, nil, rsaKey), publicSet(t, put("use="), rsaKey)
	for _, c := range []struct {
		name, field string // the field at fault, "" if accepted
		change      func(*client.Metadata)
	}{
		{"an enc alone", "id_token_encrypted_response_enc", func(m *client.Metadata) { m.JWKS, m.IDTokenEncryptedResponseEnc = enc, "A128GCM" }},
		{"RSA1_5", "id_token_encrypted_response_alg", func(m *client.Metadata) { m.JWKS, m.IDTokenEncryptedResponseAlg = enc, "RSA1_5" }},
		{"dir", "userinfo_encrypted_response_alg", func(m *client.Metadata) { m.JWKS, m.UserinfoEncryptedResponseAlg = enc, "dir" }},
		{"a password", "userinfo_encrypted_response_alg", func(m *client.Metadata) {
			m.JWKS, m.UserinfoEncryptedResponseAlg = enc, "PBES2-HS256+A128KW"
		}},
		{"an unknown enc", "authorization_encrypted_response_enc", func(m *client.Metadata) {
			m.JWKS, m.AuthorizationEncryptedResponseAlg, m.AuthorizationEncryptedResponseEnc = enc, "RSA-OAEP-256", "A192CBC-HS384"
		}},
		{"no keys at all", "introspection_encrypted_response_alg", func(m *client.Metadata) { m.IntrospectionEncryptedResponseAlg = "RSA-OAEP-256" }},
		{"a key for signatures", "jwks", func(m *client.Metadata) { m.JWKS, m.IDTokenEncryptedResponseAlg = sig, "RSA-OAEP-256" }},
		{"a key of another type", "jwks", func(m *client.Metadata) { m.JWKS, m.IDTokenEncryptedResponseAlg = enc, "ECDH-ES" }},
		{"a key for another algorithm", "jwks", func(m *client.Metadata) {
			m.JWKS, m.IDTokenEncryptedResponseAlg = publicSet(t, put("use=enc", "alg=RSA-OAEP"), rsaKey), "RSA-OAEP-256"
		}},
		{"userinfo unsigned by name", "userinfo_signed_response_alg", func(m *client.Metadata) { m.UserinfoSignedResponseAlg = "none" }},
		{"userinfo with a shared secret", "userinfo_signed_response_alg", func(m *client.Metadata) { m.UserinfoSignedResponseAlg = "HS256" }},
		{"introspection unsigned by name", "introspection_signed_response_alg", func(m *client.Metadata) { m.IntrospectionSignedResponseAlg = "none" }},
		{"signed userinfo", "", func(m *client.Metadata) { m.UserinfoSignedResponseAlg = "RS256" }},
		{"a key for encryption", "", func(m *client.Metadata) { m.JWKS, m.IDTokenEncryptedResponseAlg = enc, "RSA-OAEP-256" }},
		{"a key that does not say", "", func(m *client.Metadata) { m.JWKS, m.IDTokenEncryptedResponseAlg = plain, "RSA-OAEP" }},
		{"P-384", "", func(m *client.Metadata) {
			m.JWKS, m.UserinfoEncryptedResponseAlg = publicSet(t, put("use=enc"), &p384.PublicKey), "ECDH-ES+A256KW"
		}},
		{"keys elsewhere", "", func(m *client.Metadata) {
			m.JWKSURI, m.IDTokenEncryptedResponseAlg = "https://rp.example.cn/jwks", "ECDH-ES"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := web(c.change).Normalise()
			var f *fault.Error
			if c.field != "" {
				if !errors.As(err, &f) || f.Field != c.field {
					t.Errorf("got %v, want a fault of %s", err, c.field)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.IDTokenEncryptedResponseAlg != "" && m.IDTokenEncryptedResponseEnc != "A128CBC-HS256" { // Registration §2: the default
				t.Errorf("enc is %q", m.IDTokenEncryptedResponseEnc)
			}
		})
	}
}
