package oidc

import (
	"crypto/x509"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/provider/keys"
)

// ourKey is the public key with which the provider signs by alg.
func (h *house) ourKey(alg keys.Algorithm) jose.JSONWebKey {
	h.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(h.published(), &set); err != nil {
		h.t.Fatal(err)
	}
	for _, k := range set.Keys { // active keys come first
		if k.Algorithm == string(alg) {
			return k
		}
	}
	h.t.Fatalf("no key for %s", alg)
	return jose.JSONWebKey{}
}

func (h *house) ours(alg keys.Algorithm, typ string, c claims) string {
	h.t.Helper()
	text, err := h.Keys.Snapshot().Sign(alg, typ, c)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// An id_token_hint is one of our own ID tokens, for this client, in whatever
// age (OpenID Connect Core §3.1.2.1, CVE-2023-6787).
func TestIDTokenHint(t *testing.T) {
	h := newHouse(t)
	h.register("rp", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodNone }))
	forger := newPair(t, h.ourKey(keys.EdDSA).KeyID, jose.EdDSA)
	rsaKey := h.ourKey(keys.RS256)
	der, err := x509.MarshalPKIXPublicKey(rsaKey.Key)
	if err != nil {
		t.Fatal(err)
	}
	good := claims{"iss": issuer, "sub": "somebody", "aud": "rp", "azp": "rp", "sid": "s", "exp": moment + 600, "iat": moment}
	retired := h.ours(keys.RS256, "JWT", good)
	if err := h.Keys.RotateSigning(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	live := h.ours(keys.RS256, "JWT", good)
	parts := strings.Split(live, ".")
	for _, c := range []struct {
		name, hint string
		ok         bool
	}{
		{"rubbish", "hint", false},
		{"three parts of rubbish", "a.b.c", false},
		{"five parts", "a.b.c.d.e", false},
		{"foreign signature under our kid", forger.sign(t, "JWT", good), false},
		{"foreign key, its own kid", newPair(t, "mine", jose.ES256).sign(t, "JWT", good), false},
		{"no kid", newPair(t, "", jose.ES256).sign(t, "JWT", good), false},
		{"its own key in the header", forge(t, claims{"alg": "EdDSA", "typ": "JWT", "kid": forger.kid, "jwk": forger.jwk()}, good, edSigner(forger)), false},
		{"alg none", forge(t, claims{"alg": "none", "typ": "JWT", "kid": rsaKey.KeyID}, good, unsigned), false},
		{"alg none, no kid", forge(t, claims{"alg": "none", "typ": "JWT"}, good, unsigned), false},
		{"HS256 with our public key", forge(t, claims{"alg": "HS256", "typ": "JWT", "kid": rsaKey.KeyID}, good, macSigner(der)), false},
		{"HS256 with our public JWK", forge(t, claims{"alg": "HS256", "typ": "JWT", "kid": rsaKey.KeyID}, good, macSigner(encode(t, rsaKey))), false},
		{"signature taken off", parts[0] + "." + parts[1] + ".", false},
		{"payload exchanged", parts[0] + "." + strings.Split(h.ours(keys.RS256, "JWT", with(good, claims{"sub": "else"})), ".")[1] + "." + parts[2], false},
		{"an access token", h.ours(keys.ES256, "at+jwt", good), false}, // S23, RFC 8725 §3.11
		{"a logout token", h.ours(keys.RS256, "logout+jwt", good), false},
		{"another issuer", h.ours(keys.RS256, "JWT", with(good, claims{"iss": issuer + "/"})), false},
		{"no issuer", h.ours(keys.RS256, "JWT", with(good, claims{"iss": nil})), false},
		{"no subject", h.ours(keys.RS256, "JWT", with(good, claims{"sub": nil})), false},
		{"no audience", h.ours(keys.RS256, "JWT", with(good, claims{"aud": nil})), false},
		{"for another client", h.ours(keys.RS256, "JWT", with(good, claims{"aud": "other"})), false},
		{"for another client, ours only as azp", h.ours(keys.RS256, "JWT", with(good, claims{"aud": []string{"other"}})), false},
		{"an audience of numbers", h.ours(keys.RS256, "JWT", with(good, claims{"aud": []int{1}})), false},
		{"longer than any token of ours", live + strings.Repeat("A", maxAssertion), false},

		{"fresh", live, true},
		{"expired long ago", h.ours(keys.RS256, "JWT", with(good, claims{"exp": moment - 1e7, "iat": moment - 1e7 - 600})), true},
		{"signed with a retired key", retired, true},
		{"several audiences", h.ours(keys.RS256, "JWT", with(good, claims{"aud": []string{"other", "rp"}})), true},
		{"ES256", h.ours(keys.ES256, "JWT", good), true},
		{"PS256", h.ours(keys.PS256, "JWT", good), true},
		{"EdDSA", h.ours(keys.EdDSA, "JWT", good), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := authorizeForm("rp", "https://rp.example.cn/cb")
			form.Set("id_token_hint", c.hint)
			a, err := h.examine(t.Context(), form)
			if c.ok != (err == nil) {
				t.Fatalf("%v", err)
			}
			if !c.ok && codeOfError(err) != "invalid_request" {
				t.Errorf("%v", err)
			}
			if c.ok && (a.hint == nil || a.hint.Subject != "somebody") {
				t.Errorf("hint %+v", a.hint)
			}
		})
	}
}

// A hint names the only user that will do; so does a value asked for sub
// (OpenID Connect Core §5.5.1).
func TestHintOfAnotherUser(t *testing.T) {
	h := newHouse(t)
	rp := h.register("rp", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodNone }))
	me, other := zhang().ID, wang().ID
	mine := subjectOf(h.Keys.Snapshot(), rp, me)
	for _, c := range []struct {
		name string
		a    *asked
		fits bool
	}{
		{"hint of somebody else", &asked{hint: &hinted{Subject: subjectOf(h.Keys.Snapshot(), rp, other)}}, false},
		{"hint with the account's own id", &asked{hint: &hinted{Subject: string(me)}}, false},
		{"sub of somebody else", &asked{claims: json.RawMessage(`{"id_token":{"sub":{"value":"x"}}}`)}, false},
		{"sub is no string", &asked{claims: json.RawMessage(`{"id_token":{"sub":{"value":1}}}`)}, false},
		{"hint fits, sub does not", &asked{hint: &hinted{Subject: mine}, claims: json.RawMessage(`{"id_token":{"sub":{"value":"x"}}}`)}, false},
		{"hint", &asked{hint: &hinted{Subject: mine}}, true},
		{"sub", &asked{claims: json.RawMessage(`{"id_token":{"sub":{"value":"` + mine + `"}}}`)}, true},
		{"sub without a value", &asked{claims: json.RawMessage(`{"id_token":{"sub":null}}`)}, true},
		{"nothing asked", &asked{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.a.client, c.a.form = rp, url.Values{}
			if got := h.hintFits(c.a, me); got != c.fits {
				t.Errorf("fits: %v", got)
			}
		})
	}
}

// A key that is still next must not sign; tokens under it are nobody's.
func TestRotationKeepsOldKeysReadable(t *testing.T) {
	h := newHouse(t)
	before := h.ours(keys.ES256, "JWT", claims{"iss": issuer, "sub": "s", "aud": "rp", "exp": moment})
	h.clock.pass(time.Hour)
	if err := h.Keys.RotateSigning(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	after := h.ours(keys.ES256, "JWT", claims{"iss": issuer, "sub": "s", "aud": "rp", "exp": moment})
	for _, text := range []string{before, after} {
		if _, err := h.published().VerifySignature(t.Context(), text); err != nil { // S28: old keys stay published
			t.Errorf("a relying party cannot verify: %v", err)
		}
		if _, ok := h.readHint(text); !ok {
			t.Error("our own token is not recognised")
		}
	}
	kid := func(text string) string {
		jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		return jws.Signatures[0].Protected.KeyID
	}
	if kid(before) == kid(after) {
		t.Error("the key did not change")
	}
}
