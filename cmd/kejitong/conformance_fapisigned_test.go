package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"kejitong/store/storetest"
)

// FAPI 2.0 Message Signing (fapi2-message-signing-final-test-plan, private_key_jwt,
// DPoP, signed_non_repudiation), with plain and with signed responses.
func TestConformanceFAPI2MessageSigning(t *testing.T) {
	modules := slices.Concat(fapiModules, fapiKeyModules, fapiDPoPModules, fapiSignedModules)
	t.Run("JAR", func(t *testing.T) {
		playFAPI(t, storetest.SQLite(t), variant{response: "code", auth: "private_key_jwt"}, fapi{bound: "dpop", signed: true}, modules)
	})
	t.Run("JAR and JARM", func(t *testing.T) {
		playFAPI(t, storetest.Postgres(t), variant{response: "code", auth: "private_key_jwt"}, fapi{bound: "dpop", signed: true, jarm: true}, modules)
	})
}

// fapiSignedModules are those of signed request objects (FAPI 2.0 Message Signing
// §5.3.1).
var fapiSignedModules = []fapiModule{
	{"ensure-request-object-with-multiple-aud-succeeds", func(f *fapi) {
		f.signedPush(f.first.key, "oauth-authz-req+jwt", map[string]any{"aud": []string{f.issuer, "https://other.example"}}, true)
		f.signedPush(f.first.key, "", nil, true) // untyped
	}},
	{"ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted", func(f *fapi) {
		f.signedPush(f.first.key, "oauth-authz-req+jwt", map[string]any{"nbf": f.clock.now().Unix() + 8}, true)
	}},
	{"ensure-request-object-without-exp-fails", func(f *fapi) { f.signedPush(f.first.key, "", map[string]any{"exp": nil}, false) }},
	{"ensure-request-object-without-nbf-fails", func(f *fapi) { f.signedPush(f.first.key, "", map[string]any{"nbf": nil}, false) }},
	{"ensure-expired-request-object-fails", func(f *fapi) {
		t := f.clock.now().Unix()
		f.signedPush(f.first.key, "", map[string]any{"nbf": t - 600, "iat": t - 600, "exp": t - 300}, false)
	}},
	{"ensure-request-object-with-bad-aud-fails", func(f *fapi) {
		f.signedPush(f.first.key, "", map[string]any{"aud": "https://other.example/"}, false)
		f.signedPush(f.first.key, "", map[string]any{"aud": nil}, false)
	}},
	{"ensure-request-object-with-exp-over-60-fails", func(f *fapi) {
		f.signedPush(f.first.key, "", map[string]any{"exp": f.clock.now().Unix() + 70*60}, false)
	}},
	{"ensure-request-object-with-nbf-over-60-fails", func(f *fapi) {
		f.signedPush(f.first.key, "", map[string]any{"nbf": f.clock.now().Unix() - 70*60}, false)
	}},
	{"ensure-signed-request-object-with-RS256-fails", func(f *fapi) { f.signedPush(f.first.key.with("RS256", f.first.key.kid), "", nil, false) }},
	{"ensure-request-object-signature-algorithm-is-not-none", func(f *fapi) {
		a := f.ask(f.first)
		f.refusedObject(f.pushesObject(a, unsignedObject(f.object(a, nil))), "none")
	}},
	{"ensure-request-object-with-invalid-signature-fails", func(f *fapi) {
		a := f.ask(f.first)
		good := f.first.key.sign(f.t, f.object(a, nil), nil)
		head, rest, _ := strings.Cut(good, ".")
		_, signature, _ := strings.Cut(rest, ".")
		f.refusedObject(f.pushesObject(a, head+"."+segment(f.object(a, map[string]any{"scope": "openid email"}))+"."+signature), "another content")
		f.refusedObject(f.pushesObject(a, good[:len(good)-8]+"AAAAAAAA"), "broken signature")
	}},
	{"ensure-matching-key-in-authorization-request", func(f *fapi) {
		a := f.ask(f.first)
		got := f.pushesObject(a, f.second.key.sign(f.t, f.object(a, nil), nil))
		f.refusedBy(got, "key of another client", "invalid_request", "invalid_request_object", "invalid_client")
	}},
	{"ensure-unsigned-request-at-par-endpoint-fails", func(f *fapi) {
		got := f.posts(f.ask(f.first), "pushed_authorization_request_endpoint", f.ask(f.first).form)
		f.refusedBy(got, "unsigned parameters", "invalid_request", "invalid_request_object")
	}},
	{"par-authorization-request-containing-request_uri", func(f *fapi) {
		f.signedPush(f.first.key, "", map[string]any{"request_uri": "urn:ietf:params:oauth:request_uri:x"}, false)
	}},
}

// signedPush pushes a request object that is edited, or signed by another key;
// good: the flow then goes on to its end.
func (f *fapi) signedPush(key signer, typ string, edit map[string]any, good bool) {
	f.t.Helper()
	a := f.ask(f.first)
	var head map[string]any
	if typ != "" {
		head = map[string]any{"typ": typ}
	}
	got := f.pushesObject(a, key.sign(f.t, f.object(a, edit), head))
	switch {
	case !good:
		f.refusedObject(got, "request object")
	case got.status != http.StatusCreated:
		f.fail("request object: %s", got)
	default:
		f.finishes(a, f.browses(f.agent(), a, url.Values{"client_id": {a.c.id}, "request_uri": {text(got.body, "request_uri")}}))
	}
}

func (f *fapi) pushesObject(a *attempted, object string) answer {
	f.t.Helper()
	return f.posts(a, "pushed_authorization_request_endpoint", url.Values{"request": {object}})
}

// refusedObject: 400 invalid_request_object, and nothing else (RFC 9101 §6).
func (f *fapi) refusedObject(got answer, what string) {
	f.t.Helper()
	f.refusedBy(got, what, "invalid_request_object")
}

// opened replaces the members of a JARM answer (JWT Secured Authorization
// Response Mode §2.1) by what is in it, after holding it to what the suite checks.
func (f *fapi) opened(c *party, o *outcome) {
	f.t.Helper()
	raw := o.params.Get("response")
	if raw == "" || len(o.params) != 1 && !o.params.Has("dummy1") {
		f.t.Fatalf("no JWT answer but %v", o.params)
	}
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		f.t.Fatal(err)
	}
	f.keyOf(raw)
	var said jwt.Claims
	var all map[string]any
	if err := parsed.UnsafeClaimsWithoutVerification(&said, &all); err != nil { // keyOf verified it
		f.t.Fatal(err)
	}
	now := f.clock.now()
	if said.Issuer != f.issuer || len(said.Audience) != 1 || said.Audience[0] != c.id || said.Expiry == nil {
		f.fail("JWT answer: iss %q, aud %v, exp %v", said.Issuer, said.Audience, said.Expiry)
	} else if life := said.Expiry.Time().Sub(now); life.Seconds() < 10 || life.Minutes() > 10 {
		f.fail("JWT answer: it lives %s", life)
	}
	inner := url.Values{}
	for name, v := range all {
		if s, isText := v.(string); isText && name != "aud" {
			inner.Set(name, s)
		}
	}
	for _, breach := range examineAnswer(f.issuer, inner) {
		f.fail("JWT answer: %s", breach)
	}
	o.params = inner
}
