package main

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// athOf is the hash of an access token in a proof (RFC 9449 §4.2).
func athOf(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// fapiDPoPModules are those of tokens bound by DPoP.
var fapiDPoPModules = []fapiModule{
	{"check-dpop-proof-nbf-exp", func(f *fapi) {
		t := f.clock.now().Unix()
		f.provesWith(map[string]any{"nbf": t, "exp": t + 60})
	}},
	{"ensure-dpopproof-with-iat-10seconds-before-succeeds", func(f *fapi) { f.provesWith(map[string]any{"iat": f.clock.now().Unix() - 10}) }},
	{"ensure-dpopproof-with-iat-10seconds-after-succeeds", func(f *fapi) { f.provesWith(map[string]any{"iat": f.clock.now().Unix() + 10}) }},
	{"ensure-mismatched-dpop-jkt-fails", func(f *fapi) {
		a := f.ask(f.first, "dpop_jkt", newSigner(f.t, "ES256", "").thumb(f.t))
		got := f.pushes(a, func(_ url.Values, h http.Header) {
			h.Set("DPoP", f.proof(a, http.MethodPost, "pushed_authorization_request_endpoint", "", nil))
		})
		f.refusedBy(got, "another key than dpop_jkt", "invalid_request", "invalid_dpop_proof", "invalid_request_object") // RFC 9449 §10.1
	}},
	{"ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt", func(f *fapi) {
		a := f.ask(f.first)
		q := f.pushed(a, func(_ url.Values, h http.Header) {
			h.Set("DPoP", f.proof(a, http.MethodPost, "pushed_authorization_request_endpoint", "", nil))
		})
		f.otherKey(a, q)
	}},
	{"ensure-token-endpoint-fails-with-mismatched-dpop-jkt", func(f *fapi) {
		a := f.ask(f.first)
		a.form.Set("dpop_jkt", a.bind.thumb(f.t))
		f.otherKey(a, f.pushed(a))
	}},
	{"ensure-dpopproof-at-par-endpoint-binding-success", func(f *fapi) {
		a := f.ask(f.first)
		q := f.pushed(a, func(_ url.Values, h http.Header) {
			h.Set("DPoP", f.proof(a, http.MethodPost, "pushed_authorization_request_endpoint", "", nil))
		})
		f.finishes(a, f.browses(f.agent(), a, q))
	}},
	{"ensure-dpop-auth-code-binding-success", func(f *fapi) {
		a := f.ask(f.first)
		a.form.Set("dpop_jkt", a.bind.thumb(f.t))
		f.completes(f.agent(), a)
	}},
	{"dpop-negative-tests", (*fapi).badProofs},
}

// provesWith walks a flow whose proofs have further or other claims, at the
// token endpoint and at the resource.
func (f *fapi) provesWith(edit map[string]any) {
	f.t.Helper()
	a := f.ask(f.first)
	o := f.walks(f.agent(), a)
	got := f.redeems(a, o, func(_ url.Values, h http.Header) {
		h.Set("DPoP", f.proof(a, http.MethodPost, "token_endpoint", "", edit))
	})
	if got.status != http.StatusOK {
		f.t.Fatalf("token endpoint: %s", got)
	}
	access := text(got.body, "access_token")
	if ui := f.reads(a, access, func(r *http.Request) {
		r.Header.Set("DPoP", f.proof(a, http.MethodGet, "userinfo_endpoint", access, edit))
	}); ui.status != http.StatusOK {
		f.fail("userinfo: %s", ui)
	}
}

// otherKey redeems the code of a bound request with another key.
func (f *fapi) otherKey(a *attempted, q url.Values) {
	f.t.Helper()
	o := f.browses(f.agent(), a, q)
	f.arrived(o)
	thief := *a
	thief.bind = newSigner(f.t, "ES256", "")
	f.refusedBy(f.redeems(&thief, o), "another key", "invalid_grant", "invalid_request", "invalid_dpop_proof")
}

// badProofs shows one token with proofs that RFC 9449 §4.3 refuses or accepts.
func (f *fapi) badProofs() {
	f.t.Helper()
	a := f.ask(f.first)
	_, g := f.completes(f.agent(), a)
	uri := f.endpoint("userinfo_endpoint")
	claims := func(edit map[string]any) map[string]any {
		c := f.proofOf(http.MethodGet, uri, g.access)
		for name, v := range edit {
			if c[name] = v; v == nil {
				delete(c, name)
			}
		}
		return c
	}
	proof := func(edit map[string]any) string { return a.bind.dpop(f.t, claims(edit), nil) }
	headed := func(k signer, head map[string]any, edit map[string]any) string {
		all := map[string]any{"typ": "dpop+jwt", "jwk": k.bare()}
		for name, v := range head {
			if all[name] = v; v == nil {
				delete(all, name)
			}
		}
		k.kid = ""
		return k.sign(f.t, claims(edit), all)
	}
	good := proof(nil)
	parts := strings.Split(proof(nil), ".")
	hour := int64(3600)
	now := f.clock.now().Unix()
	rsa := newSigner(f.t, "RS256", "")
	upper := strings.Replace(uri, "https://localhost", "HTTPS://LOCALHOST", 1)
	for _, row := range []struct {
		name   string
		proofs []string
		ok     bool
	}{
		{"two headers", []string{proof(nil), proof(nil)}, false},
		{"malformed", []string{"no.jwt"}, false},
		{"typ missing", []string{headed(a.bind, map[string]any{"typ": nil}, nil)}, false},
		{"typ wrong", []string{headed(a.bind, map[string]any{"typ": "JWT"}, nil)}, false},
		{"alg missing", []string{segment(map[string]any{"typ": "dpop+jwt", "jwk": a.bind.bare()}) + "." + parts[1] + "." + parts[2]}, false},
		{"alg none", []string{segment(map[string]any{"typ": "dpop+jwt", "alg": "none", "jwk": a.bind.bare()}) + "." + parts[1] + "."}, false},
		{"alg RS256", []string{headed(rsa, nil, nil)}, false},
		{"jwk missing", []string{headed(a.bind, map[string]any{"jwk": nil}, nil)}, false},
		{"jwk private", []string{headed(a.bind, map[string]any{"jwk": jose.JSONWebKey{Key: a.bind.key}}, nil)}, false},
		{"jti missing", []string{proof(map[string]any{"jti": nil})}, false},
		{"htm missing", []string{proof(map[string]any{"htm": nil})}, false},
		{"htu missing", []string{proof(map[string]any{"htu": nil})}, false},
		{"iat missing", []string{proof(map[string]any{"iat": nil})}, false},
		{"ath missing", []string{proof(map[string]any{"ath": nil})}, false},
		{"htm wrong", []string{proof(map[string]any{"htm": http.MethodPut})}, false},
		{"htu wrong", []string{proof(map[string]any{"htu": "https://other.example/oauth2/userinfo"})}, false},
		{"ath wrong", []string{proof(map[string]any{"ath": athOf("x" + g.access)})}, false},
		{"signature wrong", []string{good[:len(good)-6] + "AAAAAA"}, false},
		{"another key", []string{newSigner(f.t, "ES256", "").dpop(f.t, claims(nil), nil)}, false},
		{"none", nil, false},
		{"an hour ahead", []string{proof(map[string]any{"iat": now + hour})}, false},
		{"an hour ago", []string{proof(map[string]any{"iat": now - hour})}, false},

		{"htu with query and fragment", []string{proof(map[string]any{"htu": uri + "?a=b#c"})}, true},
		{"unknown claims and header", []string{headed(a.bind, map[string]any{"unknown": "x"}, map[string]any{"unknown": 1})}, true},
		{"upper-case scheme and host", []string{proof(map[string]any{"htu": upper})}, true},
		{"plain", []string{good}, true},
		{"jti again", []string{good}, false}, // the suite only warns
	} {
		got := f.reads(a, g.access, func(r *http.Request) {
			r.Header.Del("DPoP")
			for _, p := range row.proofs {
				r.Header.Add("DPoP", p)
			}
		})
		switch {
		case row.ok && got.status != http.StatusOK:
			f.fail("%s: %s, want 200", row.name, got)
		case !row.ok:
			f.refusedResource(got, row.name)
		}
	}
	f.refusedResource(f.reads(a, g.access, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+g.access) }), "as Bearer with a proof")
	f.refusedResource(f.reads(a, g.access, func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+g.access)
		r.Header.Del("DPoP")
	}), "as Bearer without")
	if got := f.reads(a, g.access, func(r *http.Request) { // header names have no case
		p := r.Header.Get("DPoP")
		r.Header.Del("DPoP")
		r.Header["DPOP"] = []string{p}
	}); got.status != http.StatusOK {
		f.fail("header DPOP: %s", got)
	}
}
