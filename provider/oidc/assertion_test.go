package oidc

import (
	"context"
	"crypto/x509"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/provider/token"
)

// present authenticates with an assertion at an endpoint.
func (h *house) present(path, text string) error {
	r := httptest.NewRequest("POST", issuer+path, nil)
	_, err := h.identify(h.t.Context(), r, url.Values{"client_assertion_type": {assertionJWT}, "client_assertion": {text}})
	return err
}

// S18, RFC 7523 §3. Each row changes a good assertion; the clock stands still.
func TestAssertion(t *testing.T) {
	h := newHouse(t)
	ed, ec, rs, ps := newPair(t, "ed", jose.EdDSA), newPair(t, "ec", jose.ES256), newPair(t, "rs", jose.RS256), newPair(t, "rs", jose.PS256)
	jwt := func(change func(*client.Metadata)) client.Metadata {
		return webClient(func(m *client.Metadata) {
			m.TokenEndpointAuthMethod, m.JWKS = methodJWT, jwks(t, ed, ec, rs)
			if change != nil {
				change(m)
			}
		})
	}
	h.register("rp", "", jwt(nil))
	h.register("es-only", "", jwt(func(m *client.Metadata) { m.TokenEndpointAuthAlg = "ES256" }))
	h.register("strict", "", jwt(func(m *client.Metadata) { m.StrictAssertionAud = true }))
	h.register("keyless", "", jwt(func(m *client.Metadata) { m.JWKS = nil }))
	h.register("other-key", "", jwt(func(m *client.Metadata) { m.JWKS = jwks(t, newPair(t, "ed", jose.EdDSA)) }))
	h.register("by-secret", "s", webClient(func(m *client.Metadata) { m.JWKS = jwks(t, ed) }))
	now := h.Now().Unix()
	good := func() claims {
		return claims{"iss": "rp", "sub": "rp", "aud": issuer, "exp": now + 60, "iat": now, "jti": noiseOf(t)}
	}
	of := func(id string, set claims) claims { return with(good(), with(claims{"iss": id, "sub": id}, set)) }
	head := claims{"alg": "EdDSA", "kid": "ed"}
	der, err := x509.MarshalPKIXPublicKey(rs.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	plain := func(set claims) string { return ed.sign(t, "JWT", with(good(), set)) }
	for _, c := range []struct {
		name, path, text string
		ok               bool
	}{
		{"rubbish", "", "assertion", false},
		{"aud is somebody else", "", plain(claims{"aud": "https://other.example.cn"}), false},
		{"aud missing", "", plain(claims{"aud": nil}), false},
		{"aud empty", "", plain(claims{"aud": []string{}}), false},
		{"aud is the client", "", plain(claims{"aud": "rp"}), false},
		{"aud is the issuer and a slash", "", plain(claims{"aud": issuer + "/"}), false},
		{"aud is the issuer in capitals", "", plain(claims{"aud": "HTTPS://fuwu.example.gov.cn"}), false},
		{"aud is another endpoint", "/oauth2/token", plain(claims{"aud": issuer + "/oauth2/par"}), false},
		{"strict: aud is an array", "", ed.sign(t, "", of("strict", claims{"aud": []string{issuer}})), false},
		{"strict: aud is the endpoint", "", ed.sign(t, "", of("strict", claims{"aud": issuer + "/oauth2/token"})), false},
		{"strict: aud is both", "", ed.sign(t, "", of("strict", claims{"aud": []string{issuer, issuer + "/oauth2/token"}})), false},
		{"iss is not sub", "", plain(claims{"iss": "strict"}), false},
		{"iss missing", "", plain(claims{"iss": nil}), false},
		{"sub missing", "", plain(claims{"sub": nil}), false},
		{"neither", "", plain(claims{"iss": nil, "sub": nil}), false},
		{"unknown client", "", ed.sign(t, "", of("nobody", nil)), false},
		{"a client with another key", "", ed.sign(t, "", of("other-key", nil)), false},
		{"a client without keys", "", ed.sign(t, "", of("keyless", nil)), false},
		{"a client that uses a secret", "", ed.sign(t, "", of("by-secret", nil)), false},
		{"no exp", "", plain(claims{"exp": nil}), false},
		{"exp is a word", "", plain(claims{"exp": "soon"}), false},
		{"expired by more than the skew", "", plain(claims{"exp": now - 11}), false},
		{"exp more than five minutes ahead", "", plain(claims{"exp": now + 361}), false},
		{"exp a year ahead", "", plain(claims{"exp": now + 31536000}), false},
		{"no jti", "", plain(claims{"jti": nil}), false},
		{"empty jti", "", plain(claims{"jti": ""}), false},
		{"jti of 513 bytes", "", plain(claims{"jti": string(make([]byte, 513))}), false},
		{"iat 61 seconds ahead", "", plain(claims{"iat": now + 61}), false},
		{"nbf 61 seconds ahead", "", plain(claims{"nbf": now + 61}), false},
		{"alg none", "", forge(t, claims{"alg": "none"}, good(), unsigned), false},
		{"alg NONE and a kid", "", forge(t, claims{"alg": "NONE", "kid": "ed"}, good(), unsigned), false},
		{"HS256 with the public key", "", forge(t, claims{"alg": "HS256", "kid": "rs"}, good(), macSigner(der)), false},
		{"HS256 with the public JWK", "", forge(t, claims{"alg": "HS256", "kid": "rs"}, good(), macSigner(encode(t, rs.jwk()))), false},
		{"HS256 without a kid", "", forge(t, claims{"alg": "HS256"}, good(), macSigner(der)), false},
		{"HS256 with an empty secret", "", forge(t, claims{"alg": "HS256"}, good(), macSigner(nil)), false},
		{"an algorithm beside the registered one", "", ed.sign(t, "", of("es-only", nil)), false},
		{"jwk in the header", "", forge(t, with(head, claims{"jwk": ed.jwk()}), good(), edSigner(ed)), false},
		{"a forger's jwk in the header", "", forge(t, with(head, claims{"jwk": newPair(t, "ed", jose.EdDSA).jwk()}), good(), edSigner(ed)), false},
		{"jku in the header", "", forge(t, with(head, claims{"jku": "https://evil.test/jwks"}), good(), edSigner(ed)), false},
		{"x5u in the header", "", forge(t, with(head, claims{"x5u": "https://evil.test/x"}), good(), edSigner(ed)), false},
		{"x5c in the header", "", forge(t, with(head, claims{"x5c": []string{"AA"}}), good(), edSigner(ed)), false},
		{"crit in the header", "", forge(t, with(head, claims{"crit": []string{"exp"}, "exp": 1}), good(), edSigner(ed)), false},
		{"empty crit", "", forge(t, with(head, claims{"crit": []string{}}), good(), edSigner(ed)), false},
		{"b64 in the header", "", forge(t, with(head, claims{"b64": false, "crit": []string{"b64"}}), good(), edSigner(ed)), false},
		{"a kid that is not registered", "", forge(t, claims{"alg": "EdDSA", "kid": "zz"}, good(), edSigner(ed)), false},
		{"the kid of another key of its own", "", forge(t, claims{"alg": "EdDSA", "kid": "ec"}, good(), edSigner(ed)), false},
		{"signature of somebody else", "", newPair(t, "ed", jose.EdDSA).sign(t, "", good()), false},
		{"no signature", "", forge(t, head, good(), unsigned), false},
		{"longer than 16 KiB", "", plain(claims{"x": string(make([]byte, maxAssertion))}), false}, // S27

		{"EdDSA", "", plain(nil), true},
		{"ES256", "", ec.sign(t, "", good()), true},
		{"RS256", "", rs.sign(t, "", good()), true},
		{"PS256", "", ps.sign(t, "", good()), true},
		{"by hand, as the forgeries above", "", forge(t, head, good(), edSigner(ed)), true},
		{"without a kid", "", forge(t, claims{"alg": "EdDSA"}, good(), edSigner(ed)), true},
		{"the registered algorithm", "", ec.sign(t, "", of("es-only", nil)), true},
		{"aud is the token endpoint", "", plain(claims{"aud": issuer + "/oauth2/token"}), true},
		{"aud is the token endpoint, at another one", "/oauth2/par", plain(claims{"aud": issuer + "/oauth2/token"}), true},
		{"aud is this endpoint", "/oauth2/par", plain(claims{"aud": issuer + "/oauth2/par"}), true},
		{"aud is an array with the issuer", "", plain(claims{"aud": []string{"https://x", issuer}}), true},
		{"strict: aud is the issuer", "", ed.sign(t, "", of("strict", nil)), true},
		{"no iat", "", plain(claims{"iat": nil}), true},
		{"iat and nbf 8 seconds ahead", "", plain(claims{"iat": now + 8, "nbf": now + 8}), true},
		{"iat and nbf 10 seconds ahead", "", plain(claims{"iat": now + 10, "nbf": now + 10}), true},
		{"exp five minutes ahead", "", plain(claims{"exp": now + 300}), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.path == "" {
				c.path = "/oauth2/token"
			}
			err := h.present(c.path, c.text)
			if c.ok && err != nil {
				t.Error(err)
			}
			if !c.ok && codeOfError(err) != "invalid_client" {
				t.Errorf("%v, want invalid_client", err)
			}
		})
	}
}

// S18: a jti counts as used only when everything else is in order, by the
// client that used it, and until the assertion expires.
func TestAssertionIsUsedUpLast(t *testing.T) {
	h := newHouse(t)
	key, thief := newPair(t, "k", jose.EdDSA), newPair(t, "k", jose.EdDSA)
	for _, id := range []string{"rp", "neighbour"} {
		h.register(id, "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.JWKS = methodJWT, jwks(t, key) }))
	}
	c := claims{"iss": "rp", "sub": "rp", "aud": issuer, "exp": h.Now().Unix() + 60, "jti": "the-same"}
	for _, spoiler := range []struct{ name, text string }{
		{"bad signature", thief.sign(t, "", c)},
		{"wrong audience", key.sign(t, "", with(c, claims{"aud": "https://other"}))},
		{"expired", key.sign(t, "", with(c, claims{"exp": h.Now().Unix() - 60}))},
		{"not yet", key.sign(t, "", with(c, claims{"nbf": h.Now().Unix() + 61}))},
	} {
		if err := h.present("/oauth2/token", spoiler.text); codeOfError(err) != "invalid_client" {
			t.Fatalf("%s: %v", spoiler.name, err)
		}
	}
	if err := h.present("/oauth2/token", key.sign(t, "", with(c, claims{"iss": "neighbour", "sub": "neighbour"}))); err != nil {
		t.Errorf("the same jti of another client: %v", err)
	}
	text := key.sign(t, "", c)
	if err := h.present("/oauth2/token", text); err != nil {
		t.Fatalf("the genuine assertion: %v", err)
	}
	if err := h.present("/oauth2/par", text); codeOfError(err) != "invalid_client" {
		t.Errorf("again, elsewhere: %v", err)
	}
	h.clock.pass(69 * time.Second) // exp is past, the skew is not
	if err := h.present("/oauth2/token", text); codeOfError(err) != "invalid_client" {
		t.Errorf("again, within the skew: %v", err)
	}
}

// forgetful remembers no assertion: the control of the race below.
type forgetful struct{ token.Store }

func (forgetful) UseAssertion(context.Context, string, string, time.Time, time.Time) (bool, error) {
	return true, nil
}

// S18: of 64 presentations of one assertion at once exactly one succeeds, on
// both databases.
func TestOneAssertionPresentedByMany(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		key := newPair(t, "k", jose.EdDSA)
		h.register("rp", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.JWKS = methodJWT, jwks(t, key) }))
		race := func() int64 {
			text := key.sign(t, "", claims{"iss": "rp", "sub": "rp", "aud": issuer, "exp": h.Now().Unix() + 60, "jti": noiseOf(t)})
			var won atomic.Int64
			var wg sync.WaitGroup
			start := make(chan struct{})
			for range 64 {
				wg.Go(func() {
					<-start
					switch err := h.present("/oauth2/token", text); codeOfError(err) {
					case "":
						won.Add(1)
					case "invalid_client":
					default:
						t.Errorf("a loser is told %v", err)
					}
				})
			}
			close(start)
			wg.Wait()
			return won.Load()
		}
		for range 5 {
			if n := race(); n != 1 {
				t.Fatalf("%d succeed", n)
			}
		}
		h.Grants = forgetful{h.db}
		if n := race(); n != 64 {
			t.Errorf("control: %d succeed without a memory; the race proves nothing", n)
		}
	})
}
