package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

const rpCallback = "https://rp.example.cn/cb"

// RFC 9101 and OpenID Connect Core §6. Each row changes a good object of a good
// request; the clock stands still. "local" is an answer that goes nowhere.
func TestRequestObject(t *testing.T) {
	h := newHouse(t)
	ed, ec, rs, ps := newPair(t, "ed", jose.EdDSA), newPair(t, "ec", jose.ES256), newPair(t, "rs", jose.RS256), newPair(t, "rs", jose.PS256)
	keyed := func(change func(*client.Metadata)) client.Metadata {
		return webClient(func(m *client.Metadata) {
			m.RedirectURIs = []string{rpCallback, "https://rp.example.cn/other"}
			if m.JWKS = jwks(t, ed, ec, rs); change != nil {
				change(m)
			}
		})
	}
	h.register("rp", "s", keyed(nil))
	h.register("pinned", "s", keyed(func(m *client.Metadata) { m.RequestObjectSigningAlg = "ES256" }))
	h.register("signs", "s", keyed(func(m *client.Metadata) { m.RequireSignedRequestObject = true }))
	h.register("keyless", "s", webClient(nil))
	h.register("stranger", "s", keyed(func(m *client.Metadata) { m.JWKS = jwks(t, newPair(t, "ed", jose.EdDSA)) }))
	now := h.Now().Unix()
	inside := func(id string, set claims) claims {
		good := claims{"iss": id, "aud": issuer, "iat": now, "exp": now + 300, "client_id": id}
		for name, v := range authorizeForm(id, rpCallback) {
			good[name] = v[0]
		}
		return with(good, set)
	}
	outside := func(id string, more ...string) url.Values {
		form := url.Values{"client_id": {id}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {rpCallback}}
		for i := 0; i+1 < len(more); i += 2 {
			if form.Set(more[i], more[i+1]); more[i+1] == "" {
				form.Del(more[i])
			}
		}
		return form
	}
	oauth := func(id string) url.Values { return url.Values{"client_id": {id}} } // RFC 9101 §5: nothing else is needed
	rp := func(set claims) string { return ed.sign(t, "oauth-authz-req+jwt", inside("rp", set)) }
	plain := func(set claims) string { // no openid: OAuth alone
		all := claims{"scope": "profile"}
		merge(all, set)
		return rp(all)
	}
	signs := func(set claims) string { return ed.sign(t, "", inside("signs", set)) }
	head := claims{"alg": "EdDSA", "kid": "ed"}
	for _, c := range []struct {
		name, object, want string
		outer              url.Values
		redirect           string // where the answer goes, rpCallback if empty
	}{
		// Signature: RFC 9101 §6.2, §10.2.
		{"alg none (P4)", forge(t, claims{"alg": "none"}, inside("rp", nil), unsigned), "invalid_request_object", outside("rp"), ""},
		{"alg none and a kid (P4)", forge(t, claims{"alg": "none", "kid": "ed"}, inside("rp", nil), unsigned), "invalid_request_object", outside("rp"), ""},
		{"alg nOnE (P4)", forge(t, claims{"alg": "nOnE"}, inside("rp", nil), unsigned), "invalid_request_object", outside("rp"), ""},
		{"no signature", forge(t, head, inside("rp", nil), unsigned), "invalid_request_object", outside("rp"), ""},
		{"HS256 with the public key", forge(t, claims{"alg": "HS256", "kid": "ed"}, inside("rp", nil), macSigner(encode(t, ed.jwk()))), "invalid_request_object", outside("rp"), ""},
		{"HS256 with the client secret", forge(t, claims{"alg": "HS256"}, inside("rp", nil), macSigner([]byte("s"))), "invalid_request_object", outside("rp"), ""},
		{"signed by another key", newPair(t, "ed", jose.EdDSA).sign(t, "", inside("rp", nil)), "invalid_request_object", outside("rp"), ""},
		{"a client without keys", ed.sign(t, "", inside("keyless", nil)), "invalid_request_object", outside("keyless"), ""},
		{"another client's object, its client_id beside it", ed.sign(t, "", inside("stranger", nil)), "invalid_request_object", outside("stranger"), ""},
		{"an unknown kid", forge(t, claims{"alg": "EdDSA", "kid": "zz"}, inside("rp", nil), edSigner(ed)), "invalid_request_object", outside("rp"), ""},
		{"the client's own key in the header", forge(t, with(head, claims{"jwk": ed.jwk()}), inside("rp", nil), edSigner(ed)), "invalid_request_object", outside("rp"), ""},
		{"crit", forge(t, with(head, claims{"crit": []string{"exp"}, "exp": 1}), inside("rp", nil), edSigner(ed)), "invalid_request_object", outside("rp"), ""},
		{"another algorithm than the registered one", ed.sign(t, "", inside("pinned", nil)), "invalid_request_object", outside("pinned"), ""},
		{"rubbish", "rubbish", "invalid_request_object", outside("rp"), ""},
		{"five parts: encrypted", "a.b.c.d.e", "invalid_request_object", outside("rp"), ""},
		{"longer than 16 KiB", rp(claims{"x": strings.Repeat("x", maxAssertion)}), "invalid_request", outside("rp"), ""},

		// Kind: RFC 9101 §10.8.
		{"typ of an access token", ed.sign(t, "at+jwt", inside("rp", nil)), "invalid_request_object", outside("rp"), ""},
		{"typ of an assertion", ed.sign(t, "client-authentication+jwt", inside("rp", nil)), "invalid_request_object", outside("rp"), ""},
		{"typ of a proof", ed.sign(t, "dpop+jwt", inside("rp", nil)), "invalid_request_object", outside("rp"), ""},
		{"typ that is a number", forge(t, with(head, claims{"typ": 1}), inside("rp", nil), edSigner(ed)), "invalid_request_object", outside("rp"), ""},
		{"sub is the client: a client assertion", rp(claims{"sub": "rp"}), "invalid_request_object", outside("rp"), ""},

		// Parties: RFC 9101 §4, §6.3.
		{"inner client_id is another", rp(claims{"client_id": "signs"}), "invalid_request_object", outside("rp"), ""},
		{"inner client_id is no string", rp(claims{"client_id": []string{"rp"}}), "invalid_request_object", outside("rp"), ""},
		{"OAuth: inner client_id missing", plain(claims{"client_id": nil}), "invalid_request_object", oauth("rp"), "local"},
		{"iss is another", rp(claims{"iss": "signs"}), "invalid_request_object", outside("rp"), ""},
		{"aud is another", rp(claims{"aud": "https://other.example.cn"}), "invalid_request_object", outside("rp"), ""},
		{"aud is the issuer and a slash", rp(claims{"aud": issuer + "/"}), "invalid_request_object", outside("rp"), ""},
		{"must sign: aud missing", signs(claims{"aud": nil}), "invalid_request_object", outside("signs"), ""},
		{"request inside", rp(claims{"request": "x"}), "invalid_request_object", outside("rp"), ""},
		{"request_uri inside", rp(claims{"request_uri": "https://rp.example.cn/r"}), "invalid_request_object", outside("rp"), ""},
		{"request_uri of ours inside", rp(claims{"request_uri": requestURIPrefix + "x"}), "invalid_request_object", outside("rp"), ""},

		// Times: RFC 7519 §4.1.4, OpenID Connect Core §6.1.
		{"expired by more than the skew", rp(claims{"exp": now - 11}), "invalid_request_object", outside("rp"), ""},
		{"exp is a word", rp(claims{"exp": "soon"}), "invalid_request_object", outside("rp"), ""},
		{"nbf a minute ahead", rp(claims{"nbf": now + 61}), "invalid_request_object", outside("rp"), ""},
		{"iat a minute ahead", rp(claims{"iat": now + 61}), "invalid_request_object", outside("rp"), ""},
		{"must sign: no exp", signs(claims{"exp": nil}), "invalid_request_object", outside("signs"), ""},
		{"must sign: exp more than ten minutes ahead", signs(claims{"exp": now + 611}), "invalid_request_object", outside("signs"), ""},
		{"OAuth: no exp", plain(claims{"exp": nil}), "invalid_request_object", oauth("rp"), ""},
		{"OAuth: exp an hour ahead", plain(claims{"exp": now + 3600}), "invalid_request_object", oauth("rp"), ""},

		// Form of the parameters: RFC 9101 §4.
		{"scope is an array", rp(claims{"scope": []string{"openid"}}), "invalid_request_object", outside("rp"), ""},
		{"state is an object", rp(claims{"state": claims{"a": 1}}), "invalid_request_object", outside("rp"), ""},
		{"resource with a number in it", rp(claims{"resource": []any{"urn:a", 1}}), "invalid_request_object", outside("rp"), ""},
		{"max_age that is no whole number", rp(claims{"max_age": 1.5}), "invalid_request", outside("rp"), ""},
		{"max_age below nothing", rp(claims{"max_age": -1}), "invalid_request", outside("rp"), ""},
		{"claims 13 deep", rp(claims{"claims": nested(13)}), "invalid_request", outside("rp"), ""},
		{"state too long", rp(claims{"state": strings.Repeat("s", 1025)}), "invalid_request", outside("rp"), ""},
		{"NUL in the nonce", rp(claims{"nonce": "a\x00b"}), "invalid_request", outside("rp"), ""},
		{"prompt none login", rp(claims{"prompt": "none login"}), "invalid_request", outside("rp"), ""},
		{"an unregistered resource", rp(claims{"resource": []string{"urn:a"}}), "invalid_target", outside("rp"), ""},

		// What stands outside: RFC 9101 §5, §6.3, OpenID Connect Core §6.1.
		{"response_type differs", rp(claims{"response_type": "code token"}), "invalid_request_object", outside("rp"), ""},
		{"openid outside only", rp(claims{"scope": "profile"}), "invalid_request_object", outside("rp"), ""},
		{"request and request_uri", rp(nil), "invalid_request", outside("rp", "request_uri", "https://rp.example.cn/r"), ""},
		{"redirect_uri inside is not registered", rp(claims{"redirect_uri": "https://evil.test/cb"}), "local", outside("rp"), "local"},
		{"nothing inside, OAuth: redirect_uri beside it does not count", rp(claims{"redirect_uri": nil}), "local", url.Values{"client_id": {"rp"}, "redirect_uri": {rpCallback}}, "local"},
		{"OAuth: a challenge beside it does not count", plain(claims{"code_challenge": nil, "code_challenge_method": nil}), "invalid_request", adding(oauth("rp"), "code_challenge", strings.Repeat("a", 43), "code_challenge_method", "S256"), ""},
		{"must sign: a challenge beside it does not count", signs(claims{"code_challenge": nil, "code_challenge_method": nil}), "invalid_request", outside("signs", "code_challenge", strings.Repeat("a", 43), "code_challenge_method", "S256"), ""},
		{"unsigned where it must be", "", "invalid_request", authorizeForm("signs", rpCallback), ""},
		{"bad object, nothing known to answer to", "rubbish", "local", oauth("rp"), "local"},
		{"bad object, bad redirect_uri beside it", "rubbish", "local", outside("rp", "redirect_uri", "https://evil.test/cb"), "local"},
		{"expired object, bad redirect_uri beside it", rp(claims{"exp": now - 60}), "invalid_request_object", outside("rp", "redirect_uri", "https://evil.test/cb"), ""},
		{"expired object of OAuth", plain(claims{"exp": now - 60}), "invalid_request_object", oauth("rp"), ""},
		{"unknown client", rp(nil), "local", outside("nobody"), "local"},

		{"EdDSA", rp(nil), "", outside("rp"), ""},
		{"ES256", ec.sign(t, "JWT", inside("rp", nil)), "", outside("rp"), ""},
		{"RS256", rs.sign(t, "jwt", inside("rp", nil)), "", outside("rp"), ""},
		{"PS256", ps.sign(t, "application/oauth-authz-req+jwt", inside("rp", nil)), "", outside("rp"), ""},
		{"untyped, by hand, without a kid", forge(t, claims{"alg": "EdDSA"}, inside("rp", nil), edSigner(ed)), "", outside("rp"), ""},
		{"the registered algorithm", ec.sign(t, "", inside("pinned", nil)), "", outside("pinned"), ""},
		{"no exp, no kid (conformance 3.5)", forge(t, claims{"alg": "EdDSA"}, inside("rp", claims{"exp": nil, "iat": nil}), edSigner(ed)), "", outside("rp"), ""},
		{"no iss, no aud, no client_id", rp(claims{"iss": nil, "aud": nil, "client_id": nil}), "", outside("rp"), ""},
		{"exp in a day", rp(claims{"exp": now + 86400}), "", outside("rp"), ""},
		{"expired within the skew", rp(claims{"exp": now - 9}), "", outside("rp"), ""},
		{"nbf and iat eight seconds ahead", rp(claims{"nbf": now + 8, "iat": now + 8}), "", outside("rp"), ""},
		{"aud is an array with the issuer", rp(claims{"aud": []string{"https://x", issuer}}), "", outside("rp"), ""},
		{"sub is a user", rp(claims{"sub": "somebody"}), "", outside("rp"), ""},
		{"members that mean nothing", rp(claims{"foo": claims{"a": []int{1}}, "id_token_hint": nil}), "", outside("rp"), ""},
		{"OAuth: client_id and object, nothing else", plain(nil), "", oauth("rp"), ""},
		{"OpenID the OAuth way", rp(nil), "", oauth("rp"), ""},
		{"must sign", signs(nil), "", outside("signs"), ""},
		{"redirect_uri inside wins over a bad one (conformance 3.1-36)", rp(claims{"redirect_uri": "https://rp.example.cn/other"}), "", outside("rp", "redirect_uri", "https://evil.test/cb"), "https://rp.example.cn/other"},
		{"redirect_uri outside only", rp(claims{"redirect_uri": nil}), "", outside("rp"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := adding(c.outer)
			if c.object != "" {
				form.Set("request", c.object)
			}
			a, err := h.received(t.Context(), form)
			if got := codeOfError(err); got != c.want && !(c.redirect == "local" && got == "local") {
				t.Fatalf("%q (%v), want %q", got, err, c.want)
			}
			if c.redirect == "" {
				c.redirect = rpCallback
			}
			switch {
			case c.redirect == "local" && a != nil:
				t.Errorf("a refusal that must stay here goes to %s", a.redirect)
			case c.redirect != "local" && (a == nil || a.redirect != c.redirect):
				t.Errorf("the answer does not go to %s: %+v", c.redirect, a)
			case a != nil && (a.form.Has("request") || a.form.Has("request_uri")) && c.want == "":
				t.Error("the object is kept beside what was in it")
			}
		})
	}
}

// adding is form with further pairs of names and values.
func adding(form url.Values, more ...string) url.Values {
	out := url.Values{}
	for name, v := range form {
		out[name] = v
	}
	for i := 0; i+1 < len(more); i += 2 {
		out.Set(more[i], more[i+1])
	}
	return out
}

// What is in the object is what was asked: numbers, lists and JSON come through
// as they were written (RFC 9101 §4), state and nonce from inside.
func TestWhatARequestObjectSays(t *testing.T) {
	h := newHouse(t)
	ed := newPair(t, "ed", jose.EdDSA)
	h.register("rp", "s", webClient(func(m *client.Metadata) { m.JWKS, m.Audience = jwks(t, ed), []string{"urn:a", "urn:b"} }))
	said := claims{
		"client_id": "rp", "redirect_uri": rpCallback, "response_type": "code", "scope": "openid email", "state": "inside", "nonce": "n-inside",
		"code_challenge": strings.Repeat("a", 43), "code_challenge_method": "S256", "max_age": 10, "prompt": "login", "resource": []string{"urn:b", "urn:a"},
		"claims": claims{"userinfo": claims{"name": claims{"essential": true}, "email": nil}}, "unknown": 5,
	}
	form := url.Values{
		"client_id": {"rp"}, "redirect_uri": {"https://evil.test/"}, "response_type": {"code"}, "scope": {"openid phone"}, "state": {"outside"}, "nonce": {"n-outside"},
		"max_age": {"99999"}, "prompt": {"none"}, "claims": {`{}`}, "request": {ed.sign(t, "", said)}, "ui_locales": {"en"},
	}
	a, err := h.received(t.Context(), form)
	if err != nil {
		t.Fatal(err)
	}
	if a.maxAge == nil || *a.maxAge != 10 || !a.asks("login") || a.asks("none") || strings.Join(a.resources, " ") != "urn:b urn:a" {
		t.Errorf("max_age %v, prompt %v, resources %v", a.maxAge, a.prompt, a.resources)
	}
	if got := string(a.claims); got != `{"userinfo":{"email":null,"name":{"essential":true}}}` {
		t.Errorf("claims %s", got)
	}
	for name, want := range map[string]string{
		"state": "inside", "nonce": "n-inside", "scope": "openid email", "redirect_uri": rpCallback, "unknown": "", "request": "",
		"ui_locales": "en", // OpenID Connect Core §6.1: completed from outside
	} {
		if got := a.form.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	// RFC 9101 §6.3: without openid outside, nothing but the object counts.
	for _, name := range []string{"scope", "response_type"} {
		form.Del(name)
	}
	if a, err = h.received(t.Context(), form); err != nil || a.form.Has("ui_locales") {
		t.Errorf("%v, ui_locales %q", err, a.form.Get("ui_locales"))
	}
}

// What the two kinds of client that must sign push (RFC 9126 §3, FAPI 2.0
// Message Signing §5.3). The times are those of the certification suite.
func TestRequestObjectPushed(t *testing.T) {
	h := newHouse(t)
	ec, ps, rs := newPair(t, "ec", jose.ES256), newPair(t, "rs", jose.PS256), newPair(t, "rs", jose.RS256)
	for id, m := range map[string]client.Metadata{
		"plain": webClient(func(m *client.Metadata) { m.JWKS = jwks(t, ec, rs) }),
		"fapi": webClient(func(m *client.Metadata) {
			m.JWKS, m.SecurityProfile, m.TokenEndpointAuthMethod = jwks(t, ec, rs), client.FAPI2Signed, methodJWT
		}),
		"other": webClient(func(m *client.Metadata) { m.JWKS = jwks(t, newPair(t, "ec", jose.ES256)) }),
	} {
		h.register(id, "s", m)
	}
	now := h.Now().Unix()
	inside := func(id string, set claims) claims {
		good := claims{"iss": id, "aud": issuer, "iat": now, "nbf": now, "exp": now + 300, "client_id": id}
		for name, v := range authorizeForm(id, rpCallback) {
			good[name] = v[0]
		}
		return with(good, set)
	}
	fapi := func(set claims) string { return ec.sign(t, "oauth-authz-req+jwt", inside("fapi", set)) }
	for _, c := range []struct {
		name, id, object string
		beside           url.Values
		want             string
	}{
		{"unsigned parameters", "fapi", "", authorizeForm("fapi", rpCallback), "invalid_request"},
		{"unsigned parameters beside the object", "fapi", fapi(nil), url.Values{"state": {"s"}}, "invalid_request"},
		{"no exp", "fapi", fapi(claims{"exp": nil}), nil, "invalid_request_object"},
		{"no nbf", "fapi", fapi(claims{"nbf": nil}), nil, "invalid_request_object"},
		{"expired", "fapi", fapi(claims{"exp": now - 300, "nbf": now - 600}), nil, "invalid_request_object"},
		{"exp 70 minutes ahead", "fapi", fapi(claims{"exp": now + 70*60}), nil, "invalid_request_object"},
		{"nbf 70 minutes ago", "fapi", fapi(claims{"nbf": now - 70*60}), nil, "invalid_request_object"},
		{"nbf a minute ahead", "fapi", fapi(claims{"nbf": now + 61}), nil, "invalid_request_object"},
		{"no aud", "fapi", fapi(claims{"aud": nil}), nil, "invalid_request_object"},
		{"bad aud", "fapi", fapi(claims{"aud": "https://evil.test"}), nil, "invalid_request_object"},
		{"no iss", "fapi", fapi(claims{"iss": nil}), nil, "invalid_request_object"},
		{"alg none", "fapi", forge(t, claims{"alg": "none"}, inside("fapi", nil), unsigned), nil, "invalid_request_object"},
		{"RS256", "fapi", rs.sign(t, "", inside("fapi", nil)), nil, "invalid_request_object"},
		{"bad signature", "fapi", fapi(nil)[:len(fapi(nil))-4] + "AAAA", nil, "invalid_request_object"},
		{"request_uri inside", "fapi", fapi(claims{"request_uri": requestURIPrefix + "x"}), nil, "invalid_request_object"},
		{"another client's key", "other", ec.sign(t, "", inside("other", nil)), nil, "invalid_request_object"},
		{"another client's object", "plain", fapi(nil), nil, "invalid_request_object"},
		{"no redirect_uri inside", "plain", ec.sign(t, "", inside("plain", claims{"redirect_uri": nil})), url.Values{"redirect_uri": {rpCallback}}, "invalid_request"},
		{"request_uri beside it", "plain", ec.sign(t, "", inside("plain", nil)), url.Values{"request_uri": {"https://rp.example.cn/r"}}, "invalid_request"},

		{"as it should be", "fapi", fapi(nil), nil, ""},
		{"PS256", "fapi", ps.sign(t, "", inside("fapi", nil)), nil, ""},
		{"aud is an array with the issuer", "fapi", fapi(claims{"aud": []string{issuer, "https://x"}}), nil, ""},
		{"untyped", "fapi", ec.sign(t, "", inside("fapi", nil)), nil, ""},
		{"nbf and iat eight seconds ahead", "fapi", fapi(claims{"nbf": now + 8, "iat": now + 8}), nil, ""},
		{"an hour, just", "fapi", fapi(claims{"nbf": now - 3000, "exp": now + 600}), nil, ""},
		{"RS256 without FAPI", "plain", rs.sign(t, "", inside("plain", nil)), nil, ""},
		{"what stands beside it is ignored", "plain", ec.sign(t, "", inside("plain", nil)), url.Values{"state": {"outside"}, "scope": {"openid phone"}, "redirect_uri": {"https://evil.test"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := adding(c.beside, "client_id", c.id)
			if c.id == "fapi" {
				form.Set("client_assertion_type", assertionJWT)
				form.Set("client_assertion", ec.sign(t, "", claims{"iss": "fapi", "sub": "fapi", "aud": issuer, "exp": now + 60, "jti": noiseOf(t)}))
			} else {
				form.Set("client_secret", "s")
			}
			if c.object != "" {
				form.Set("request", c.object)
			}
			w := h.post("/oauth2/par", form)
			m := object(t, w.Body.Bytes())
			if c.want == "" {
				if w.Code != http.StatusCreated {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				uri, _ := m["request_uri"].(string)
				a, err := h.unpack(httptest.NewRequest(http.MethodGet, "/", nil), url.Values{"client_id": {c.id}, "request_uri": {uri}, "state": {"outside"}, "nonce": {"outside"}})
				if err != nil || a.form.Get("state") != "s" || a.form.Get("scope") != "openid" || a.redirect != rpCallback || a.form.Has("nonce") {
					t.Errorf("taken up: %v, %+v", err, a)
				}
				return
			}
			if w.Code != http.StatusBadRequest || m["error"] != c.want || m["request_uri"] != nil {
				t.Errorf("%d %s, want 400 %s", w.Code, w.Body, c.want)
			}
		})
	}
}

// FuzzRequestObject: what an object says is what is read from it, and whatever
// is in it, nothing outside of the known parameters comes out.
func FuzzRequestObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"client_id":"rp","max_age":10,"claims":{"userinfo":{"name":null}}}`, `{"scope":["a"]}`, `{"resource":["urn:a","urn:b"]}`, `{"state":"\u0000"}`,
		`{"request":"x"}`, `{"aud":1}`, `{"exp":1e300}`, `{"state":"a","state":"b"}`, `{"claims":"{}"}`, `{"prompt":null,"max_age":-0.0e5,"display":true}`, `[`, ``, `null`,
	} {
		f.Add(s)
	}
	h := newHouse(f)
	ed := newPair(f, "ed", jose.EdDSA)
	c := h.register("rp", "s", webClient(func(m *client.Metadata) { m.JWKS = jwks(f, ed) }))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: ed.private}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		jws, err := signer.Sign([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		form, err := h.openObject(t.Context(), c, text, nil)
		if err != nil {
			if e, _, ok := asProtocol(err); !ok || e.code != "invalid_request_object" {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if form.Get("client_id") != "rp" || form.Has("request") || form.Has("request_uri") || len(only(form, authorizeParams)) != len(form) {
			t.Fatalf("%q: %v", body, form)
		}
		for name, values := range form {
			if len(values) == 0 || len(values) > 1 && name != "resource" && name != "audience" {
				t.Fatalf("%q: %s = %q", body, name, values)
			}
		}
		// Whatever it was, the next check does not stumble over it.
		if _, err := h.examine(t.Context(), form); codeOfError(err) == "internal" {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

// nested is an object that goes n deep.
func nested(n int) claims {
	c := claims{}
	for range n - 1 {
		c = claims{"a": c}
	}
	return c
}
