package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// signer is a client's key.
type signer struct {
	alg jose.SignatureAlgorithm
	key crypto.Signer
	kid string
}

func newSigner(t testing.TB, alg, kid string) signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{jose.SignatureAlgorithm(alg), key, kid}
}

// with is the same key under another algorithm or kid.
func (k signer) with(alg, kid string) signer {
	return signer{jose.SignatureAlgorithm(alg), k.key, kid}
}

func (k signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.key.Public(), KeyID: k.kid, Use: "sig"}
}

// set is the JWKS of this key and others.
func (k signer) set(t testing.TB, more ...jose.JSONWebKey) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: append([]jose.JSONWebKey{k.public()}, more...)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sign makes a compact JWS with further header members.
func (k signer) sign(t testing.TB, claims map[string]any, head map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	for name, v := range head {
		opts.WithHeader(jose.HeaderKey(name), v)
	}
	if k.kid != "" {
		opts.WithHeader("kid", k.kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: k.key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// macSigned is a JWS whose key is a secret.
func macSigned(t testing.TB, secret, alg string, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: []byte(secret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// prove authenticates with a fresh and proper assertion of the client.
func (k signer) prove(t testing.TB, r *rig, id string) func(*http.Request, url.Values) {
	return func(_ *http.Request, v url.Values) {
		assert(k.sign(t, r.assertion(id), nil))(nil, v)
	}
}

func assert(text string) proof {
	return inBody("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", text)
}

// assertion gives the claims of a proper assertion (RFC 7523 §3).
func (r *rig) assertion(id string) map[string]any {
	t := r.clock.now()
	return map[string]any{
		"iss": id, "sub": id, "aud": r.name(), "jti": randomText(16), "iat": t.Unix(), "nbf": t.Unix(), "exp": t.Add(time.Minute).Unix(),
	}
}

// unsecured is a JWS without signature.
func unsecured(t testing.TB, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc(body) + "."
}
