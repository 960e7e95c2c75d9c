package main

import (
	"net/http"
	"net/url"
	"time"
)

// fapiKeyModules are those of private_key_jwt. Wrong assertions are shown where
// the suite shows them: at the pushed request.
var fapiKeyModules = []fapiModule{
	{"ensure-signed-client-assertion-with-RS256-fails", func(f *fapi) {
		f.badAssertion(f.first.key.with("RS256", f.first.key.kid), nil)
	}},
	{"ensure-client-assertion-in-token-endpoint", func(f *fapi) {
		a := f.ask(f.first)
		o := f.walks(f.agent(), a)
		got := f.redeems(a, o, func(v url.Values, _ http.Header) { v.Del("client_assertion"); v.Del("client_assertion_type") })
		f.refusedBy(got, "no assertion", "invalid_client", "invalid_request")
	}},
	{"ensure-client-assertion-with-exp-is-5-minutes-in-past-fails", func(f *fapi) {
		t := f.clock.now().Unix()
		f.badAssertion(f.first.key, map[string]any{"iat": t - 360, "nbf": t - 360, "exp": t - 300})
	}},
	{"ensure-client-assertion-with-wrong-aud-fails", func(f *fapi) {
		f.badAssertion(f.first.key, map[string]any{"aud": "https://other.example/"})
	}},
	{"ensure-client-assertion-with-no-sub-fails", func(f *fapi) { f.badAssertion(f.first.key, map[string]any{"sub": nil}) }},
	{"ensure-invalid-client-assertions-fail", func(f *fapi) {
		t := f.clock.now().Unix()
		f.badAssertion(f.second.key, nil) // signed by the other client's key
		f.badAssertion(newSigner(f.t, "PS256", f.first.key.kid), nil)
		for _, edit := range []map[string]any{
			{"iss": f.second.id}, {"sub": f.second.id}, {"iss": nil}, {"aud": nil}, {"exp": nil}, {"jti": nil},
			{"iat": t + 120, "nbf": t + 120, "exp": t + 180},
		} {
			f.badAssertion(f.first.key, edit)
		}
	}},
	{"par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted", func(f *fapi) {
		t := f.clock.now().Unix()
		a := f.ask(f.first)
		q := f.pushed(a, func(v url.Values, _ http.Header) {
			v.Set("client_assertion", f.first.key.sign(f.t, f.assertion(f.first, map[string]any{"iat": t + 8, "nbf": t + 8, "exp": t + 68}), nil))
		})
		f.finishes(a, f.browses(f.agent(), a, q))
	}},
	{"par-ensure-jwt-client-assertions-nbf-is-over-60-seconds-in-the-future-fails", func(f *fapi) {
		t := f.clock.now().Unix()
		f.badAssertion(f.first.key, map[string]any{"iat": t + 61, "nbf": t + 61, "exp": t + 121})
	}},
	// FAPI 2.0 Security Profile §5.3.2.1: the issuer, as a single text.
	{"par-test-array-as-audience-fails", func(f *fapi) {
		f.badAssertion(f.first.key, map[string]any{"aud": []string{f.issuer, "https://other1.example", f.endpoint("token_endpoint")}})
		f.badAssertion(f.first.key, map[string]any{"aud": []string{f.issuer}})
	}},
	{"par-test-par-endpoint-url-as-audience-fails", func(f *fapi) {
		f.badAssertion(f.first.key, map[string]any{"aud": f.endpoint("pushed_authorization_request_endpoint")})
	}},
	{"par-test-token-endpoint-url-as-audience-fails", func(f *fapi) {
		f.badAssertion(f.first.key, map[string]any{"aud": f.endpoint("token_endpoint")})
	}},
}

// badAssertion pushes a request with an assertion of the first client that is
// signed by key and edited. The same push with a good one must succeed, so that
// the assertion alone can be what is wrong.
func (f *fapi) badAssertion(key signer, edit map[string]any) {
	f.t.Helper()
	a := f.ask(f.first)
	got := f.pushes(a, func(v url.Values, _ http.Header) {
		v.Set("client_assertion", key.sign(f.t, f.assertion(f.first, edit), nil))
	})
	f.refusedBy(got, "assertion", "invalid_client", "invalid_request", "invalid_grant")
	f.pushed(a)
	f.later(time.Second)
}
