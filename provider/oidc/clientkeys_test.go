package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/provider/outbound"
)

// Which of a client's keys may verify what: of the right type and strength, for
// signing, and by its kid if both sides name one.
func TestWhichKeyVerifies(t *testing.T) {
	ed, ec := newPair(t, "ed", jose.EdDSA), newPair(t, "ec", jose.ES256)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8207, 1), E: 65537}
	strong := newPair(t, "rs", jose.RS256)
	with := func(k jose.JSONWebKey, change func(*jose.JSONWebKey)) jose.JSONWebKey { change(&k); return k }
	for _, c := range []struct {
		name     string
		key      jose.JSONWebKey
		kid, alg string
		tried    bool
	}{
		{"kid differs", ed.jwk(), "zz", "EdDSA", false},
		{"for encryption", with(ed.jwk(), func(k *jose.JSONWebKey) { k.Use = "enc" }), "ed", "EdDSA", false},
		{"for another algorithm", with(strong.jwk(), func(k *jose.JSONWebKey) { k.Algorithm = "PS256" }), "rs", "RS256", false},
		{"of another type", ec.jwk(), "ec", "EdDSA", false},
		{"RSA key, ES256", strong.jwk(), "", "ES256", false},
		{"RSA key, HS256", strong.jwk(), "", "HS256", false},
		{"RSA of 1024 bits", jose.JSONWebKey{Key: weak.Public()}, "", "RS256", false}, // RFC 7518 §3.3, S70
		{"RSA of 8208 bits", jose.JSONWebKey{Key: huge}, "", "RS256", false},
		{"RSA of 8208 bits, PS256", jose.JSONWebKey{Key: huge}, "", "PS256", false},
		{"P-384 for ES256", jose.JSONWebKey{Key: p384.Public()}, "", "ES256", false}, // RFC 7518 §3.4
		{"a private key", jose.JSONWebKey{Key: ed.private, KeyID: "ed"}, "ed", "EdDSA", false},
		{"a shared secret", jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "h"}, "h", "HS256", false},
		{"kid fits", ed.jwk(), "ed", "EdDSA", true},
		{"no kid in the header", ed.jwk(), "", "EdDSA", true},
		{"no kid in the key", with(ed.jwk(), func(k *jose.JSONWebKey) { k.KeyID = "" }), "ed", "EdDSA", true},
		{"no use", with(ec.jwk(), func(k *jose.JSONWebKey) { k.Use = "" }), "ec", "ES256", true},
		{"RS256", strong.jwk(), "rs", "RS256", true},
		{"PS256 with the same key", strong.jwk(), "rs", "PS256", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tried := false
			anyKey(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{c.key}}, c.kid, c.alg, func(any) bool { tried = true; return true })
			if tried != c.tried {
				t.Errorf("tried: %v", tried)
			}
		})
	}
	t.Run("without kids every fitting key gets its try", func(t *testing.T) {
		second := newPair(t, "", jose.EdDSA)
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: newPair(t, "", jose.EdDSA).private.Public()}, ec.jwk(), {Key: second.private.Public()}}}
		tries := 0
		ok := anyKey(set, "", "EdDSA", func(k any) bool {
			tries++
			return second.private.Public().(ed25519.PublicKey).Equal(k)
		})
		if !ok || tries != 2 {
			t.Errorf("%v after %d tries", ok, tries)
		}
	})
}

// remote is a relying party's key server.
type remote struct {
	*httptest.Server
	hits atomic.Int64
	body atomic.Value // []byte
	code atomic.Int64
}

func newRemote(t *testing.T, body []byte) *remote {
	r := &remote{}
	r.body.Store(body)
	r.code.Store(http.StatusOK)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.hits.Add(1)
		w.WriteHeader(int(r.code.Load()))
		_, _ = w.Write(r.body.Load().([]byte)) // the test asserts on what the caller made of it
	}))
	t.Cleanup(r.Close)
	return r
}

// letOut lets the provider fetch from r although it is on this machine.
func (h *house) letOut(t *testing.T, r *remote) {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.Outbound = &outbound.Client{Allow: []string{u.Host}, Timeout: 5 * time.Second, MaxBody: 64 << 10}
	h.Outbound.Init()
	h.jwks.Outbound = h.Outbound
}

func (h *house) assertionBy(k pair) string {
	return k.sign(h.t, "", claims{"iss": "rp", "sub": "rp", "aud": issuer, "exp": h.Now().Unix() + 60, "jti": noiseOf(h.t)})
}

func byURI(uri string) client.Metadata {
	return webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.JWKSURI = methodJWT, uri })
}

// S27 and the pace for keys behind a jwks_uri: an unknown kid or a failed
// signature may fetch anew after five seconds, in a burst of three.
func TestKeysAreFetchedAtAMeasuredPace(t *testing.T) {
	h := newHouse(t)
	first, second, thief := newPair(t, "one", jose.EdDSA), newPair(t, "two", jose.EdDSA), newPair(t, "evil", jose.EdDSA)
	r := newRemote(t, jwks(t, first))
	h.letOut(t, r)
	h.register("rp", "", byURI(r.URL))
	good := func(k pair) bool { return h.present("/oauth2/token", h.assertionBy(k)) == nil }
	want := func(hits int64, when string) {
		t.Helper()
		if got := r.hits.Load(); got != hits {
			t.Fatalf("%s: %d fetches, want %d", when, got, hits)
		}
	}
	for range 2 {
		if !good(first) {
			t.Fatal("the published key is refused")
		}
	}
	want(1, "two good assertions")
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if good(thief) {
				t.Error("a stranger's key is accepted")
			}
		})
	}
	wg.Wait()
	want(1, "a flood within five seconds")
	r.body.Store([]byte(jwks(t, first, second)))
	h.clock.pass(5 * time.Second)
	if !good(second) {
		t.Error("a new key is not found after five seconds")
	}
	want(2, "a new kid")
	for range 60 {
		good(thief)
	}
	want(2, "a flood in the same second")
	h.clock.pass(5 * time.Second)
	for range 10 {
		good(thief)
	}
	want(3, "the third of the burst")
	for range 9 {
		h.clock.pass(5 * time.Second)
		good(thief)
	}
	want(3, "the rest of the minute")
	if !good(first) || !good(second) {
		t.Error("the flood keeps the genuine keys out")
	}
	h.clock.pass(time.Minute)
	good(thief)
	want(4, "a minute later")
}

// After the burst it is once a minute, however long the flood lasts.
func TestALongFloodOfBadAssertions(t *testing.T) {
	h := newHouse(t)
	first, thief := newPair(t, "one", jose.EdDSA), newPair(t, "evil", jose.EdDSA)
	r := newRemote(t, jwks(t, first))
	h.letOut(t, r)
	h.register("rp", "", byURI(r.URL))
	for range 10 * 12 {
		if h.present("/oauth2/token", h.assertionBy(thief)) == nil {
			t.Fatal("a stranger's key is accepted")
		}
		h.clock.pass(5 * time.Second)
	}
	if n := r.hits.Load(); n > jwksBurst+10 {
		t.Errorf("%d fetches in ten minutes", n)
	}
}

// Whatever the key server says, what is cached stays, and nothing is fetched
// more often for it.
func TestAFailingKeyServer(t *testing.T) {
	for _, c := range []struct {
		name, body string
		code       int64
	}{
		{"500", "", 500},
		{"redirect", "", 302},
		{"no JSON", "<html>", 200},
		{"longer than 64 KiB", `{"keys":[],"x":"` + strings.Repeat("a", 64<<10) + `"}`, 200}, // S66
		{"more than 64 keys", `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},`, 65), ",") + `]}`, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			key := newPair(t, "one", jose.EdDSA)
			r := newRemote(t, jwks(t, key))
			h.letOut(t, r)
			h.register("rp", "", byURI(r.URL))
			if err := h.present("/oauth2/token", h.assertionBy(key)); err != nil {
				t.Fatal(err)
			}
			r.body.Store([]byte(c.body))
			r.code.Store(c.code)
			h.clock.pass(jwksLife)
			if err := h.present("/oauth2/token", h.assertionBy(key)); err != nil {
				t.Errorf("the cached key is forgotten: %v", err)
			}
			for range 20 {
				h.clock.pass(time.Second)
				_ = h.present("/oauth2/token", h.assertionBy(key)) // counted by the server
			}
			if n := r.hits.Load(); n > 4 {
				t.Errorf("%d fetches", n)
			}
		})
	}
}

// S66: a jwks_uri inside the network is never dialled, however it is written.
func TestKeysAreNotFetchedFromInside(t *testing.T) {
	h := newHouse(t)
	key := newPair(t, "one", jose.EdDSA)
	canary := newRemote(t, jwks(t, key))
	port := canary.URL[strings.LastIndex(canary.URL, ":"):]
	for _, uri := range []string{canary.URL, "http://localhost" + port, "https://127.0.0.1" + port, "http://[::ffff:127.0.0.1]" + port, "http://0.0.0.0" + port, "http://2130706433" + port} {
		h.register("rp", "", byURI(uri+"/"+noiseOf(t)))
		if err := h.present("/oauth2/token", h.assertionBy(key)); codeOfError(err) != "invalid_client" {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if n := canary.hits.Load(); n != 0 {
		t.Errorf("the canary saw %d connections", n)
	}
}
