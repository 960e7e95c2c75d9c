package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

// opener is a key pair that answers are encrypted to.
type opener struct {
	kid     string
	private crypto.Signer
}

func newOpener(t testing.TB, kid string, curve elliptic.Curve) opener {
	t.Helper()
	k, err := crypto.Signer(nil), error(nil)
	if curve == nil {
		k, err = sharedRSA()
	} else {
		k, err = ecdsa.GenerateKey(curve, rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return opener{kid, k}
}

func (o opener) jwk(use string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: o.private.Public(), KeyID: o.kid, Use: use}
}

// open decrypts as a relying party does, with exactly the registered algorithms.
func (o opener) open(t testing.TB, text, alg, enc string) ([]byte, jose.Header) {
	t.Helper()
	parsed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
	if err != nil {
		t.Fatalf("%.60s…: %v", text, err)
	}
	plain, err := parsed.Decrypt(o.private)
	if err != nil {
		t.Fatal(err)
	}
	return plain, parsed.Header
}

func setOf(t testing.TB, list ...jose.JSONWebKey) json.RawMessage {
	return encode(t, jose.JSONWebKeySet{Keys: list})
}

// Every algorithm that may be registered opens with the client's private key,
// and the header says what is inside (RFC 7519 §5.2) and which key it is for.
func TestEveryRegistrableEncryptionOpens(t *testing.T) {
	h := newHouse(t)
	for _, alg := range client.KeyEncryptions() {
		curve := elliptic.Curve(nil)
		if strings.HasPrefix(alg, "ECDH") {
			curve = elliptic.P256()
		}
		o := newOpener(t, "k1", curve)
		c := &client.Client{ID: "rp", Metadata: client.Metadata{JWKS: setOf(t, o.jwk("enc"))}}
		for _, enc := range client.ContentEncryptions() {
			text, err := h.sealFor(t.Context(), c, sealing{alg, enc}, "JWT", "a.b.c")
			if err != nil {
				t.Fatalf("%s %s: %v", alg, enc, err)
			}
			plain, head := o.open(t, text, alg, enc)
			if string(plain) != "a.b.c" || head.KeyID != "k1" || head.ExtraHeaders["cty"] != "JWT" || head.ExtraHeaders["zip"] != nil {
				t.Errorf("%s %s: %q under %+v", alg, enc, plain, head)
			}
		}
	}
	for _, curve := range []elliptic.Curve{elliptic.P384(), elliptic.P521()} {
		o := newOpener(t, "", curve)
		c := &client.Client{ID: "rp", Metadata: client.Metadata{JWKS: setOf(t, o.jwk("enc"))}}
		text, err := h.sealFor(t.Context(), c, sealing{alg: "ECDH-ES"}, "", "{}")
		if err != nil {
			t.Fatal(err)
		}
		if _, head := o.open(t, text, "ECDH-ES", "A128CBC-HS256"); head.ExtraHeaders["cty"] != nil || head.KeyID != "" {
			t.Errorf("%s: header %+v", curve.Params().Name, head)
		}
	}
}

// Which key is taken, and that there is never a plain answer in place of an
// encrypted one.
func TestWhichKeyIsEncryptedTo(t *testing.T) {
	h := newHouse(t)
	ec, other := newOpener(t, "ec", elliptic.P256()), newOpener(t, "other", elliptic.P256())
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	with := func(k jose.JSONWebKey, alg string) jose.JSONWebKey { k.Algorithm = alg; return k }
	for _, c := range []struct {
		name, alg, kid string // kid "": none fits
		keys           []jose.JSONWebKey
	}{
		{"no keys", "ECDH-ES", "", nil},
		{"for signatures alone", "ECDH-ES", "", []jose.JSONWebKey{ec.jwk("sig")}},
		{"of another type", "RSA-OAEP-256", "", []jose.JSONWebKey{ec.jwk("enc")}},
		{"for a signing algorithm", "ECDH-ES", "", []jose.JSONWebKey{with(ec.jwk(""), "ES256")}},
		{"for another algorithm", "ECDH-ES", "", []jose.JSONWebKey{with(ec.jwk("enc"), "ECDH-ES+A128KW")}},
		{"RSA of 1024 bits", "RSA-OAEP-256", "", []jose.JSONWebKey{{Key: weak.Public(), KeyID: "weak", Use: "enc"}}},
		{"a private key", "ECDH-ES", "", []jose.JSONWebKey{{Key: ec.private, KeyID: "ec", Use: "enc"}}},
		{"RSA1_5 was registered somehow", "RSA1_5", "", []jose.JSONWebKey{newOpener(t, "rsa", nil).jwk("enc")}},
		{"a key that says enc goes before one that says nothing", "ECDH-ES", "ec", []jose.JSONWebKey{other.jwk(""), ec.jwk("enc")}},
		{"no key says enc", "ECDH-ES", "other", []jose.JSONWebKey{ec.jwk("sig"), other.jwk("")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rp := &client.Client{ID: "rp", Metadata: client.Metadata{JWKS: setOf(t, c.keys...)}}
			text, err := h.sealFor(t.Context(), rp, sealing{c.alg, "A128GCM"}, "", `{"secret":1}`)
			if c.kid == "" {
				if !errors.Is(err, errNoSealKey) || text != "" {
					t.Fatalf("got %q, %v", text, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A128GCM})
			if err != nil || parsed.Header.KeyID != c.kid {
				t.Errorf("kid %q, %v", parsed.Header.KeyID, err)
			}
		})
	}
	if text, err := h.sealFor(t.Context(), &client.Client{ID: "rp"}, sealing{}, "JWT", "a.b.c"); err != nil || text != "a.b.c" {
		t.Errorf("without a registered algorithm: %q, %v", text, err)
	}
	if _, err := h.sealFor(t.Context(), &client.Client{ID: "rp"}, sealing{alg: "ECDH-ES"}, "JWT", "a.b.c"); !errors.Is(err, errNoSealKey) {
		t.Errorf("a client without any keys: %v", err)
	}
}

// A key that the client has just published behind its jwks_uri is found, at the
// pace at which keys are fetched at all.
func TestEncryptionFindsANewKey(t *testing.T) {
	h := newHouse(t)
	ec, rs := newOpener(t, "ec", elliptic.P256()), newOpener(t, "rs", nil)
	r := newRemote(t, setOf(t, ec.jwk("sig")))
	h.letOut(t, r)
	c := &client.Client{ID: "rp", Metadata: client.Metadata{JWKSURI: r.URL}}
	seal := func(alg string) error {
		text, err := h.sealFor(t.Context(), c, sealing{alg: alg}, "", "{}")
		if err == nil {
			rs.open(t, text, alg, "A128CBC-HS256")
		}
		return err
	}
	if err := seal("RSA-OAEP-256"); !errors.Is(err, errNoSealKey) {
		t.Fatalf("got %v", err)
	}
	r.body.Store([]byte(setOf(t, ec.jwk("sig"), rs.jwk("enc"))))
	for range 20 {
		if err := seal("RSA-OAEP-256"); !errors.Is(err, errNoSealKey) {
			t.Fatalf("within five seconds: %v", err)
		}
	}
	h.clock.pass(5 * time.Second)
	if err := seal("RSA-OAEP-256"); err != nil {
		t.Errorf("a new key is not found: %v", err)
	}
	if n := r.hits.Load(); n != 2 {
		t.Errorf("%d fetches", n)
	}
	r.code.Store(500)
	h.clock.pass(time.Hour)
	if err := seal("RSA-OAEP-256"); err != nil {
		t.Errorf("the known key is forgotten when the server fails: %v", err)
	}
}
