package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// parErrors are what a bad request may be called when it is pushed.
var parErrors = []string{"invalid_request", "invalid_request_object"}

// fapiModules are those of every variant of the FAPI 2.0 Security Profile, in the
// suite's order.
var fapiModules = []fapiModule{
	{"discovery-end-point-verification", (*fapi).discoveryOfProfile},
	{"happy-flow", func(f *fapi) {
		for _, pair := range [][2]*party{{f.first, f.second}, {f.second, f.first}} {
			_, g := f.completes(f.agent(), f.ask(pair[0]))
			// A bound token is worth nothing to the other client.
			f.refusedResource(f.reads(f.ask(pair[1]), g.access), "token of another key")
		}
	}},
	{"user-rejects-authentication", func(f *fapi) {
		// At the question for consent and, of another client, at the sign-in.
		for i, redirect := range []string{suiteCallback, suiteCallback + "?dummy1=lorem&dummy2=ipsum"} {
			a, b := f.ask(f.client("rejected", redirect)), f.agent()
			at := b.get(f.endpoint("authorization_endpoint") + "?" + f.pushed(a).Encode())
			if i == 0 {
				at = b.press(b.press(at, "password", "username", "whole-person", "password", f.secret("whole-person")), "decision=deny")
			} else {
				at = b.press(at, "cancel=yes")
			}
			o := f.through(b, a.form, at)
			if f.jarm {
				f.opened(a.c, &o)
			}
			f.refused(o, "access_denied")
		}
	}},
	{"ensure-authorization-request-without-state-success", func(f *fapi) { f.completes(f.agent(), f.ask(f.first, "state", "-")) }},
	{"ensure-authorization-request-without-nonce-success", func(f *fapi) { f.completes(f.agent(), f.ask(f.first, "nonce", "-")) }},
	{"ensure-authorization-request-with-64-char-nonce-success", func(f *fapi) { f.completes(f.agent(), f.ask(f.first, "nonce", strings.Repeat("n0nce-", 11)[:64])) }},
	{"ensure-other-scope-order-succeeds", func(f *fapi) { f.completes(f.agent(), f.ask(f.first, "scope", "email openid")) }},
	{"test-claims-parameter-identity-claims", func(f *fapi) {
		// null, essential and value forms; what nobody knows is ignored (OpenID
		// Connect Core §5.5.1).
		a := f.ask(f.first, "claims", `{"userinfo":{"name":null,"email":{"essential":true},"given_name":{"value":"x"},"nobody_knows":null},"id_token":{"auth_time":{"essential":true},"nobody_knows":{"essential":true}}}`)
		_, g := f.completes(f.agent(), a)
		ui := f.reads(a, g.access).body
		if text(ui, "name") == "" || text(ui, "email") == "" || g.back["auth_time"] == nil || ui["nobody_knows"] != nil {
			f.fail("userinfo %v, ID token %v", ui, g.back)
		}
	}},
	{"ensure-different-nonce-inside-and-outside-request-object", func(f *fapi) { f.outside("nonce", "outer-nonce-which-does-not-count") }},
	{"ensure-different-state-inside-and-outside-request-object", func(f *fapi) { f.outside("state", "outer-state-which-does-not-count") }},
	{"ensure-authorization-request-with-long-nonce", func(f *fapi) {
		f.completes(f.agent(), f.ask(f.first, "nonce", strings.Repeat("long-nonce_", 35)[:384]))
	}},
	{"ensure-authorization-request-with-long-state", func(f *fapi) {
		for _, n := range []int{128, 1000} {
			f.completes(f.agent(), f.ask(f.first, "state", strings.Repeat("long.state~", 100)[:n]))
		}
	}},
	{"state-only-outside-request-object-not-used", func(f *fapi) {
		a := f.ask(f.first, "state", "-")
		q := f.pushed(a)
		q.Set("state", "outer")
		f.finishes(a, f.browses(f.agent(), a, q)) // arrived: no state came back
	}},
	{"ensure-request-object-without-redirect-uri-fails", func(f *fapi) { f.fails(f.ask(f.first, "redirect_uri", "-"), nothing, parErrors...) }},
	{"ensure-registered-redirect-uri", func(f *fapi) {
		f.fails(f.ask(f.first, "redirect_uri", suiteCallback+"/"+randomText(8)), nothing, parErrors...)
	}},
	{"plain-fapi-tolerate-unregistered-redirect-uri", func(f *fapi) {
		a := f.ask(f.first, "redirect_uri", suiteCallback+"/"+randomText(8))
		if got := f.pushes(a); got.status != http.StatusCreated {
			f.refusedBy(got, "pushed", "invalid_request")
		} else {
			f.fail("an unregistered redirect URI was taken")
		}
	}},
	{"ensure-unsigned-authorization-request-without-using-par-fails", func(f *fapi) {
		o := f.visit(f.agent(), f.ask(f.first).form)
		if o.params == nil {
			f.stays(o)
			return
		}
		if f.jarm && o.params.Has("response") {
			f.opened(f.first, &o)
		}
		f.refused(o, "invalid_request", "invalid_request_object")
	}},
	{"ensure-redirect-uri-in-authorization-request", func(f *fapi) { f.fails(f.ask(f.first, "redirect_uri", "-"), nothing, parErrors...) }},
	{"ensure-response-type-code-idtoken-fails", func(f *fapi) {
		f.fails(f.ask(f.first, "response_type", "code id_token"), nothing, "invalid_request", "unsupported_response_type", "unauthorized_client")
	}},
	{"ensure-response-type-token-fails", func(f *fapi) {
		f.fails(f.ask(f.first, "response_type", "token"), nothing, "invalid_request", "unsupported_response_type", "unauthorized_client")
	}},
	{"ensure-client-id-in-token-endpoint", func(f *fapi) {
		a := f.ask(f.first)
		o := f.walks(f.agent(), a)
		// Another client's id beside our own credentials.
		f.refusedBy(f.redeems(a, o, func(v url.Values, _ http.Header) { v.Set("client_id", f.second.id) }), "client_id of another", "invalid_client", "invalid_grant", "invalid_request")
	}},
	{"ensure-holder-of-key-required", func(f *fapi) {
		a := f.ask(f.first)
		o := f.walks(f.agent(), a)
		a.bare = f.bound == "mtls"
		f.refusedBy(f.redeems(a, o, func(_ url.Values, h http.Header) { h.Del("DPoP") }), "no proof", "invalid_request", "invalid_grant", "invalid_dpop_proof", "invalid_client")
	}},
	{"ensure-authorization-code-is-bound-to-client", func(f *fapi) {
		a := f.ask(f.first)
		o := f.walks(f.agent(), a)
		thief := *a
		thief.c = f.second
		f.invalidGrant(f.redeems(&thief, o), "code of another client")
	}},
	{"attempt-reuse-authorization-code-after-one-second", func(f *fapi) {
		a := f.ask(f.first)
		o, g := f.completes(f.agent(), a)
		f.later(time.Second)
		f.invalidGrant(f.redeems(a, o), "second use of the code")
		f.refusedResource(f.reads(a, g.access), "access token of the first use")
	}},
	{"ensure-token-endpoint-fails-with-expired-auth-code", func(f *fapi) {
		a := f.ask(f.first)
		o := f.walks(f.agent(), a)
		f.later(62 * time.Second) // FAPI 2.0 Security Profile §5.3.2.1: 60 s at most
		f.invalidGrant(f.redeems(a, o), "expired code")
	}},
	{"refresh-token", (*fapi).refreshes},
	{"par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", func(f *fapi) {
		a, b := f.ask(f.first), f.agent()
		q := f.pushed(a)
		for range 2 {
			if at := b.get(f.endpoint("authorization_endpoint") + "?" + q.Encode()); !hasForm(f.t, at.body, "password") {
				f.t.Fatalf("no sign-in page:\n%s", at.body)
			}
		}
		f.finishes(a, f.browses(b, a, q))
	}},
	{"par-attempt-reuse-request_uri", func(f *fapi) {
		a, b := f.ask(f.first), f.agent()
		q := f.pushed(a)
		f.finishes(a, f.browses(b, a, q))
		f.spent(f.browses(b, a, q))
	}},
	{"par-attempt-to-use-expired-request_uri", func(f *fapi) {
		a := f.ask(f.first)
		got := f.pushes(a)
		life, _ := got.body["expires_in"].(float64)
		if life > 1800 {
			f.fail("it lives %v s", life)
		}
		f.later(time.Duration(life+1) * time.Second)
		f.spent(f.browses(f.agent(), a, url.Values{"client_id": {a.c.id}, "request_uri": {text(got.body, "request_uri")}}))
	}},
	{"par-attempt-to-use-request_uri-for-different-client", func(f *fapi) {
		a := f.ask(f.first)
		q := f.pushed(a)
		q.Set("client_id", f.second.id)
		o := f.browses(f.agent(), a, q)
		if o.params == nil {
			f.stays(o)
			return
		}
		f.refused(o, "invalid_request", "invalid_request_object", "invalid_request_uri")
	}},
	{"par-authorization-request-containing-request_uri-form-param", func(f *fapi) {
		got := f.pushes(f.ask(f.first), func(v url.Values, _ http.Header) { v.Set("request_uri", "urn:ietf:params:oauth:request_uri:x") })
		f.refusedBy(got, "request_uri pushed", "invalid_request", "invalid_request_object", "request_uri_not_supported") // RFC 9126 §2.1
	}},
	{"par-attempt-invalid-http-method", func(f *fapi) {
		r, err := http.NewRequest(http.MethodPut, f.at("pushed_authorization_request_endpoint"), strings.NewReader(f.ask(f.first).form.Encode()))
		if err != nil {
			f.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := f.send(f.first, false, r); got.status < 400 || got.status > 499 {
			f.fail("PUT: %s", got)
		}
	}},
	{"par-ensure-pkce-required", func(f *fapi) {
		f.fails(f.ask(f.first, "code_challenge", "-", "code_challenge_method", "-"), nothing, "invalid_request")
	}},
	{"ensure-pkce-code-verifier-required", func(f *fapi) {
		a := f.ask(f.first)
		o := f.walks(f.agent(), a)
		f.invalidGrant(f.redeems(a, o, func(v url.Values, _ http.Header) { v.Del("code_verifier") }), "no code_verifier")
	}},
	{"incorrect-pkce-code-verifier-rejected", func(f *fapi) {
		a := f.ask(f.first)
		o := f.walks(f.agent(), a)
		f.invalidGrant(f.redeems(a, o, func(v url.Values, _ http.Header) { v.Set("code_verifier", randomText(32)) }), "wrong code_verifier")
	}},
	{"par-plain-pkce-rejected", func(f *fapi) {
		a := f.ask(f.first)
		a.form.Set("code_challenge", a.verifier)
		a.form.Set("code_challenge_method", "plain")
		f.fails(a, nothing, "invalid_request")
	}},
	{"par-without-duplicate-parameters", func(f *fapi) { f.completes(f.agent(), f.ask(f.first)) }},
	{"access-token-type-header-case-sensitivity", func(f *fapi) {
		a := f.ask(f.first)
		_, g := f.completes(f.agent(), a)
		for _, scheme := range []string{f.scheme(), strings.ToLower(f.scheme()), strings.ToUpper(f.scheme())} { // RFC 9110 §11.1
			if got := f.reads(a, g.access, func(r *http.Request) { r.Header.Set("Authorization", scheme+" "+g.access) }); got.status != http.StatusOK {
				f.fail("scheme %s: %s", scheme, got)
			}
		}
		for _, accept := range []string{"*/*", "application/json", "application/json;charset=UTF-8", "text/html, application/json;q=0.9"} {
			got := f.reads(a, g.access, func(r *http.Request) {
				r.Header.Set("Accept", accept)
				r.Header.Set("X-Fapi-Interaction-Id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a")
			})
			if id := got.header.Get("X-Fapi-Interaction-Id"); got.status != http.StatusOK || id != "" && id != "c770aef3-6784-41f7-8e0e-ff5f97bddb3a" {
				f.fail("Accept %s: %s, interaction %q", accept, got, id)
			}
		}
		f.refusedResource(f.reads(a, g.access, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "access_token=" + g.access
		}), "token in the URL")
	}},
}

func nothing(url.Values, http.Header) {}

// discoveryOfProfile: what FAPI 2.0 clients must find.
func (f *fapi) discoveryOfProfile() {
	f.t.Helper()
	f.discovery()
	f.endpoint("pushed_authorization_request_endpoint")
	f.promised("authorization_response_iss_parameter_supported")
	if f.bound == "mtls" {
		f.promised("tls_client_certificate_bound_access_tokens")
	}
	for member, must := range map[string]string{"code_challenge_methods_supported": "S256", "response_types_supported": "code", "grant_types_supported": "authorization_code", "token_endpoint_auth_methods_supported": f.auth} {
		if !slices.Contains(f.listed(member), must) {
			f.fail("%s lacks %s", member, must)
		}
	}
	lists := []string{"token_endpoint_auth_signing_alg_values_supported", "id_token_signing_alg_values_supported", "dpop_signing_alg_values_supported"}
	if f.signed {
		lists = append(lists, "request_object_signing_alg_values_supported")
	}
	if f.jarm {
		lists = append(lists, "authorization_signing_alg_values_supported")
		if !slices.Contains(f.listed("response_modes_supported"), "jwt") {
			f.fail("response_modes_supported lacks jwt")
		}
	}
	for _, member := range lists {
		if !slices.ContainsFunc(f.listed(member), func(v string) bool { return slices.Contains([]string{"PS256", "ES256", "EdDSA", "Ed25519"}, v) }) {
			f.fail("%s has none of the profile's algorithms", member)
		}
	}
}

// outside adds a parameter beside the request_uri: what was pushed counts, and
// that alone.
func (f *fapi) outside(name, value string) {
	f.t.Helper()
	a := f.ask(f.first)
	q := f.pushed(a)
	q.Set(name, value)
	for _, twice := range []string{"response_type", "scope", "redirect_uri"} { // duplicates are tolerated
		q.Set(twice, a.form.Get(twice))
	}
	f.finishes(a, f.browses(f.agent(), a, q))
}

// spent: a request_uri that is over leads to an error.
func (f *fapi) spent(o outcome) {
	f.t.Helper()
	if o.params == nil {
		f.stays(o)
		return
	}
	f.refused(o, "invalid_request_uri", "invalid_request")
}

// refreshes: FAPI 2.0 Security Profile §5.3.2.1: no rotation, client
// authentication and a proof each time, any key of a confidential client.
func (f *fapi) refreshes() {
	f.t.Helper()
	a, other := f.ask(f.first, "scope", "openid offline_access", "prompt", "consent"), f.ask(f.second, "scope", "openid offline_access", "prompt", "consent")
	_, g := f.completes(f.agent(), a)
	_, theirs := f.completes(f.agent(), other)
	if g.refresh == "" || theirs.refresh == "" {
		f.t.Fatal("no refresh token")
	}
	if !slices.Contains(f.listed("grant_types_supported"), "refresh_token") {
		f.fail("the grant type is not advertised")
	}
	refresh := func(a *attempted, token string, edit ...func(url.Values, http.Header)) answer {
		return f.posts(a, "token_endpoint", refreshForm(token), edit...)
	}
	f.later(2 * time.Second)
	first := refresh(a, g.refresh)
	if first.status != http.StatusOK || !strings.Contains(first.header.Get("Cache-Control"), "no-store") {
		f.t.Fatalf("refresh: %s", first)
	}
	if again := text(first.body, "refresh_token"); again != "" && again != g.refresh {
		f.fail("the refresh token was rotated")
	}
	if raw := text(first.body, "id_token"); raw != "" {
		id := f.verified(f.first, raw, url.Values{})
		if id["sub"] != g.back["sub"] || id["auth_time"] != g.back["auth_time"] || id["iat"].(float64) <= g.back["iat"].(float64) {
			f.fail("refreshed ID token %v, was %v", id, g.back)
		}
	}
	if got := f.reads(a, text(first.body, "access_token")); got.status != http.StatusOK {
		f.fail("refreshed access token: %s", got)
	}
	f.later(30 * time.Second)
	if got := refresh(a, g.refresh); got.status != http.StatusOK {
		f.fail("the same refresh token once more: %s", got)
	}
	// Without client authentication.
	stranger := *a
	stranger.bare = true
	f.refusedBy(refresh(&stranger, g.refresh, func(v url.Values, _ http.Header) { v.Del("client_assertion"); v.Del("client_assertion_type") }), "no client authentication", "invalid_client", "invalid_grant", "invalid_request")
	f.invalidGrant(refresh(a, theirs.refresh), "refresh token of another client")
	if f.first.meta.DPoPBoundTokens {
		f.refusedBy(refresh(a, g.refresh, func(_ url.Values, h http.Header) { h.Del("DPoP") }), "no proof", "invalid_request", "invalid_grant", "invalid_dpop_proof")
		fresh := *a
		fresh.bind = newSigner(f.t, "ES256", "")
		got := refresh(&fresh, g.refresh) // RFC 9449 §5: only public clients' are bound
		if got.status != http.StatusOK {
			f.t.Fatalf("with a new key: %s", got)
		}
		if ui := f.reads(&fresh, text(got.body, "access_token")); ui.status != http.StatusOK {
			f.fail("the token of the new key: %s", ui)
		}
		f.refusedResource(f.reads(a, text(got.body, "access_token")), "token of the new key with the old one")
	}
}
