package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// pair is a client's, or a forger's, key.
type pair struct {
	kid     string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

// RSA keys are slow to find, so that all tests share one.
var sharedRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newPair(t testing.TB, kid string, alg jose.SignatureAlgorithm) pair {
	t.Helper()
	var k crypto.Signer
	var err error
	switch alg {
	case jose.RS256, jose.PS256:
		k, err = sharedRSA()
	case jose.ES256:
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, k, err = ed25519.GenerateKey(rand.Reader)
	default:
		t.Fatalf("no key for %s", alg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair{kid, alg, k}
}

func (p pair) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: p.private.Public(), KeyID: p.kid, Use: "sig"}
}

// jwks is the key set of pairs as a client registers it.
func jwks(t testing.TB, pairs ...pair) json.RawMessage {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, p := range pairs {
		set.Keys = append(set.Keys, p.jwk())
	}
	return encode(t, set)
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sign makes a well-formed JWS with go-jose.
func (p pair) sign(t testing.TB, typ string, payload claims) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	if typ != "" {
		opts = opts.WithType(jose.ContentType(typ))
	}
	if p.kid != "" {
		opts = opts.WithHeader("kid", p.kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.private}, opts)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(encode(t, payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// forge makes a JWS by hand, with any header and any signature.
func forge(t testing.TB, header, payload claims, sign func(input []byte) []byte) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64(encode(t, header)) + "." + b64(encode(t, payload))
	return input + "." + b64(sign([]byte(input)))
}

// unsigned leaves the signature out (RFC 7515 §6).
func unsigned([]byte) []byte { return nil }

// edSigner signs by hand with an Ed25519 key.
func edSigner(p pair) func([]byte) []byte {
	return func(input []byte) []byte { return ed25519.Sign(p.private.(ed25519.PrivateKey), input) }
}

// macSigner is HS256 with something public as the secret (RFC 8725 §2.1).
func macSigner(secret []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(input)
		return h.Sum(nil)
	}
}

// with is m with some members set, or removed where the value is nil.
func with(m claims, set claims) claims {
	out := claims{}
	merge(out, m)
	for k, v := range set {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

// with is the same key under another algorithm.
func (p pair) with(alg jose.SignatureAlgorithm) pair { return pair{p.kid, alg, p.private} }

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
