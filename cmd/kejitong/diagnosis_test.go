package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
)

// reasons are what a client's log says now, the newest first.
func (r *rig) reasons(id string) []diagnosis.Event {
	r.t.Helper()
	if err := r.app.reasons.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	out, err := r.app.reasons.Latest(r.t.Context(), id, "", 500)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// Every failure that an integrator can make leaves exactly one row in the
// client's own log, with what was expected and what came (interop rule 10).
func TestEveryFailureSaysWhy(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		es, stranger := newSigner(t, "ES256", "es"), newSigner(t, "ES256", "stranger")
		r.castOfTokens()
		r.register("web", client.Metadata{
			RedirectURIs: []string{callbackOf("web")}, PostLogoutRedirectURIs: []string{"https://web.example/bye"}, ResponseModes: []string{"query"},
			Scope: "openid profile offline_access", RequestURIs: []string{"https://web.example/request.jwt"},
		})
		r.register("pinned", client.Metadata{TokenEndpointAuthMethod: "client_secret_post", TokenEndpointAuthPinned: true, GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		r.register("jwtrp", client.Metadata{TokenEndpointAuthMethod: "private_key_jwt", JWKS: es.set(t), GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		r.register("afar", client.Metadata{TokenEndpointAuthMethod: "private_key_jwt", JWKSURI: "https://afar.invalid/jwks", GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		r.register("signs", client.Metadata{JWKS: es.set(t), RequireSignedRequestObject: true})
		r.register("bound", client.Metadata{DPoPBoundTokens: true})
		r.register("short", client.Metadata{Scope: "openid profile"})
		b := r.browser()
		r.granted(b, "a", "web", "openid") // signed in
		get := func(id string, change ...string) func() page {
			return func() page {
				a := request(id, "openid profile")
				for i := 0; i+1 < len(change); i += 2 {
					a.params.Set(change[i], change[i+1])
					if change[i+1] == "" {
						a.params.Del(change[i])
					}
				}
				return b.get(r.authorizeURL(a))
			}
		}
		code := func(id string, change func(url.Values)) func() page {
			return func() page {
				a := request(id, "openid profile")
				v := codeForm(a, r.code(b, "a", a))
				change(v)
				r.token(id, v)
				return page{}
			}
		}
		call := func(path string, v url.Values, prove proof) func() page {
			return func() page { r.call(path, v, prove); return page{} }
		}
		at := func(v any) any { // a span is a moment so far from now
			if d, ok := v.(time.Duration); ok {
				return r.clock.now().Add(d).Unix()
			}
			return v
		}
		assertion := func(id string, k signer, edit map[string]any) proof {
			return func(_ *http.Request, v url.Values) {
				c := r.assertion(id)
				for name, val := range edit {
					c[name] = at(val)
				}
				assert(k.sign(t, c, nil))(nil, v)
			}
		}
		object := func(k signer, edit map[string]any) func() page {
			return func() page {
				a := request("signs", "openid")
				c := map[string]any{"iss": "signs", "aud": r.name(), "exp": r.clock.now().Add(time.Minute).Unix()}
				for name := range a.params {
					c[name] = a.params.Get(name)
				}
				for name, v := range edit {
					c[name] = at(v)
				}
				return b.get(r.issuer + "/oauth2/authorize?" + url.Values{
					"client_id": {"signs"}, "redirect_uri": {callbackOf("signs")}, "response_type": {"code"}, "scope": {"openid"}, "request": {k.sign(t, c, nil)},
				}.Encode())
			}
		}
		basic := func(id, secret string) proof {
			return func(q *http.Request, _ url.Values) { q.SetBasicAuth(id, secret) }
		}
		const auth, token, par = "/oauth2/authorize", "/oauth2/token", "/oauth2/par"
		refreshed := func() string { return text(r.granted(b, "a", "web", "openid offline_access"), "refresh_token") }

		for _, row := range []struct {
			name, client, endpoint string
			kind                   diagnosis.Kind
			error                  string
			expected, received     string // patterns
			do                     func() page
		}{
			{"redirect URI not registered", "web", auth, diagnosis.RedirectURI, "", `^https://web\.example/cb$`, `^https://web\.example/cb/$`, get("web", "redirect_uri", "https://web.example/cb/")},
			{"redirect URI missing", "web", auth, diagnosis.RedirectURI, "", `^https://web`, `^-$`, get("web", "redirect_uri", "")},
			{"redirect URI with a code in it", "web", auth, diagnosis.RedirectURI, "", `^https://web`, `^https://web\.example/cb\?code=AAAAAA…$`, get("web", "redirect_uri", "https://web.example/cb?code="+strings.Repeat("A", 80))},
			{"pushed redirect URI not registered", "web", par, diagnosis.RedirectURI, "invalid_request", `^https://web`, `^https://evil\.example/cb$`, func() page {
				a := request("web", "openid")
				a.params.Set("redirect_uri", "https://evil.example/cb")
				return call(par, a.params, r.creds("web"))()
			}},
			{"no PKCE", "web", auth, diagnosis.PKCEMissing, "invalid_request", `S256`, `^-$`, get("web", "code_challenge", "", "code_challenge_method", "")},
			{"PKCE plain", "web", auth, diagnosis.PKCEMissing, "invalid_request", `^S256$`, `^plain$`, get("web", "code_challenge_method", "plain")},
			{"PKCE of the wrong length", "web", auth, diagnosis.PKCEMissing, "invalid_request", `43`, `^3$`, get("web", "code_challenge", "abc")},
			{"response type not registered", "web", auth, diagnosis.ResponseType, "unsupported_response_type|unauthorized_client", `code`, `^code id_token$`, get("web", "response_type", "code id_token")},
			{"response type missing", "web", auth, diagnosis.ResponseType, "invalid_request", `^code$`, `^-$`, get("web", "response_type", "")},
			{"response mode not registered", "web", auth, diagnosis.ResponseMode, "invalid_request", `^query$`, `^form_post$`, get("web", "response_mode", "form_post")},
			{"unknown response mode", "web", auth, diagnosis.ResponseMode, "invalid_request", `query`, `^pigeon$`, get("web", "response_mode", "pigeon")},
			{"unknown prompt", "web", auth, diagnosis.Parameter, "invalid_request", `none`, `maybe`, get("web", "prompt", "maybe")},
			{"bad max_age", "web", auth, diagnosis.Parameter, "invalid_request", `max_age`, `soon`, get("web", "max_age", "soon")},
			{"claims that are no JSON", "web", auth, diagnosis.Parameter, "invalid_request", `claims`, ``, get("web", "claims", "{")},
			{"resource not registered", "web", auth, diagnosis.Resource, "invalid_target", `^-$`, `^https://other\.example$`, get("web", "resource", "https://other.example")},
			{"a scope that is ignored", "short", auth, diagnosis.ScopeIgnored, "", `^openid profile$`, `^groups email$`, get("short", "scope", "openid groups email")},
			{"request_uri not registered", "web", auth, diagnosis.RequestURI, "invalid_request_uri", `request\.jwt`, `^https://web\.example/other\.jwt$`, get("web", "request_uri", "https://web.example/other.jwt")},
			{"request_uri that was never pushed", "web", auth, diagnosis.RequestURI, "", ``, ``, func() page {
				return b.get(r.issuer + "/oauth2/authorize?client_id=web&request_uri=urn:ietf:params:oauth:request_uri:" + randomText(32))
			}},
			{"request object by a stranger", "signs", auth, diagnosis.Signature, "invalid_request_object", `kid: es`, `kid: stranger`, object(stranger, nil)},
			{"request object for another", "signs", auth, diagnosis.Audience, "invalid_request_object", `^` + regexp.QuoteMeta(r.name()) + `$`, `^https://other\.example$`, object(es, map[string]any{"aud": "https://other.example"})},
			{"request object expired", "signs", auth, diagnosis.Clock, "invalid_request_object", `exp >`, `exp: -[0-9]+ s`, object(es, map[string]any{"exp": -time.Hour})},
			{"request not signed", "signs", auth, diagnosis.Parameter, "invalid_request", `signed request object`, ``, get("signs")},

			{"wrong secret", "web", token, diagnosis.Secret, "invalid_client", `^client_secret_basic$`, `^client_secret_basic \(5\)$`, call(token, service, basic("web", "wrong"))},
			{"wrong way", "pinned", token, diagnosis.Method, "invalid_client", `^client_secret_post$`, `^client_secret_basic$`, func() page {
				return call(token, service, basic("pinned", r.secret("pinned")))()
			}},
			{"no credentials", "web", token, diagnosis.Method, "invalid_client", `^client_secret_basic$`, `^-$`, call(token, service, func(_ *http.Request, v url.Values) { v.Set("client_id", "web") })},
			{"two ways at once", "web", token, diagnosis.Method, "invalid_request", `^client_secret_basic$`, `^Authorization: Basic, client_secret$`, call(token, service, func(q *http.Request, v url.Values) {
				q.SetBasicAuth("web", "x")
				v.Set("client_secret", "x")
				v.Set("client_id", "web")
			})},
			{"a secret where a key is registered", "jwtrp", token, diagnosis.Method, "invalid_client", `^private_key_jwt$`, `^client_secret_basic$`, call(token, service, basic("jwtrp", "x"))},
			{"assertion by a stranger", "jwtrp", token, diagnosis.Signature, "invalid_client", `kid: es`, `kid: stranger`, call(token, service, assertion("jwtrp", stranger, nil))},
			{"assertion for another", "jwtrp", token, diagnosis.Audience, "invalid_client", `^` + regexp.QuoteMeta(r.name()) + `$`, `^https://other\.example$`, call(token, service, assertion("jwtrp", es, map[string]any{"aud": "https://other.example"}))},
			{"assertion by a clock that is ahead", "jwtrp", token, diagnosis.Clock, "invalid_client", `iat`, `iat: \+[0-9]+ s`, call(token, service, assertion("jwtrp", es, map[string]any{"iat": 10 * time.Minute}))},
			{"assertion that lives too long", "jwtrp", token, diagnosis.Clock, "invalid_client", `exp`, `exp: \+[0-9]{4} s`, call(token, service, assertion("jwtrp", es, map[string]any{"exp": time.Hour}))},
			{"assertion without jti", "jwtrp", token, diagnosis.Assertion, "invalid_client", `^jti$`, `^-$`, call(token, service, assertion("jwtrp", es, map[string]any{"jti": ""}))},
			{"assertion used twice", "jwtrp", token, diagnosis.Assertion, "invalid_client", `^jti: 1$`, `^jti: 2$`, func() page {
				p := assert(es.sign(t, r.assertion("jwtrp"), nil))
				r.want(r.call(token, service, p), 200, "", "control")
				return call(token, service, p)()
			}},
			{"no keys behind jwks_uri", "afar", token, diagnosis.Keys, "invalid_client", `^https://afar\.invalid/jwks$`, `^-$`, call(token, service, assertion("afar", es, nil))},
			{"grant type not registered", "web", token, diagnosis.GrantType, "unauthorized_client", `^authorization_code refresh_token$`, `^client_credentials$`, call(token, url.Values{"grant_type": {"client_credentials"}}, r.creds("web"))},
			{"grant type that is unknown", "web", token, diagnosis.GrantType, "unsupported_grant_type", `^authorization_code`, `^password$`, call(token, url.Values{"grant_type": {"password"}}, r.creds("web"))},
			{"scope that is not registered", "service", token, diagnosis.Scope, "invalid_scope", `demo\.read`, `^admin$`, call(token, url.Values{"grant_type": {"client_credentials"}, "scope": {"admin"}}, r.creds("service"))},
			{"code that is none", "web", token, diagnosis.CodeUnknown, "invalid_grant", ``, ``, code("web", func(v url.Values) { v.Set("code", randomText(74)) })},
			{"code missing", "web", token, diagnosis.Parameter, "invalid_request", `code`, ``, code("web", func(v url.Values) { v.Del("code") })},
			{"code used twice", "web", token, diagnosis.CodeUsed, "invalid_grant", `^1$`, `^2$`, code("web", func(v url.Values) { r.want(r.token("web", v), 200, "", "control") })},
			{"code expired", "web", token, diagnosis.CodeExpired, "invalid_grant", `^60 s$`, `^[0-9]+ s$`, code("web", func(url.Values) { r.clock.move(90 * time.Second) })},
			{"another redirect URI", "web", token, diagnosis.RedirectAgain, "invalid_grant", `^https://web\.example/cb$`, `^https://web\.example/other$`, code("web", func(v url.Values) { v.Set("redirect_uri", "https://web.example/other") })},
			{"another verifier", "web", token, diagnosis.PKCEMismatch, "invalid_grant", `^S256 .{8}…$`, `^S256 .{8}… \(43\)$`, code("web", func(v url.Values) { v.Set("code_verifier", randomText(32)) })},
			{"no verifier", "web", token, diagnosis.PKCEMismatch, "invalid_grant", `^S256`, `^-$`, code("web", func(v url.Values) { v.Del("code_verifier") })},
			{"refresh token that is none", "web", token, diagnosis.RefreshUnknown, "invalid_grant", ``, ``, call(token, refreshForm(randomText(74)), r.creds("web"))},
			{"refresh token used before", "web", token, diagnosis.RefreshReused, "invalid_grant", `^3$`, `^1$`, func() page {
				old := refreshed()
				next := text(r.refresh("web", old).body, "refresh_token")
				r.want(r.refresh("web", next), 200, "", "control")
				return call(token, refreshForm(old), r.creds("web"))()
			}},
			{"refresh for more", "web", token, diagnosis.Scope, "invalid_scope", `^openid offline_access$`, `^openid phone$`, func() page {
				v := refreshForm(refreshed())
				v.Set("scope", "openid phone")
				return call(token, v, r.creds("web"))()
			}},
			{"DPoP proof missing", "bound", token, diagnosis.DPoP, "invalid_dpop_proof", `required`, ``, code("bound", func(url.Values) {})},
			{"post_logout_redirect_uri", "web", "/oauth2/logout", diagnosis.LogoutURI, "", `^https://web\.example/bye$`, `^https://web\.example/out$`, func() page {
				return b.get(r.issuer + "/oauth2/logout?" + url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {"https://web.example/out"}}.Encode())
			}},
			{"token parameter missing", "web", "/oauth2/introspect", diagnosis.Parameter, "invalid_request", `token`, ``, call("/oauth2/introspect", url.Values{}, r.creds("web"))},
		} {
			t.Run(row.name, func(t *testing.T) {
				r.clock.move(time.Minute) // what a process takes down in a minute is bounded
				old := len(r.reasons(row.client))
				p := row.do()
				got := r.reasons(row.client)
				if len(got) != old+1 {
					t.Fatalf("%d rows, want 1 more than %d: %+v", len(got), old, got)
				}
				e := got[0]
				if e.Kind != row.kind || e.Endpoint != row.endpoint || !regexp.MustCompile(`^(`+row.error+`)$`).MatchString(e.Error) {
					t.Errorf("%s at %s with %q, want %s at %s with %q (%q, %q)", e.Kind, e.Endpoint, e.Error, row.kind, row.endpoint, row.error, e.Expected, e.Received)
				}
				if !regexp.MustCompile(row.expected).MatchString(e.Expected) || !regexp.MustCompile(row.received).MatchString(e.Received) || row.received == "" && e.Received != "" {
					t.Errorf("expected %q, received %q; want %q, %q", e.Expected, e.Received, row.expected, row.received)
				}
				if e.Request == "" || p.Response != nil && p.StatusCode >= 400 && !strings.Contains(p.body, e.Request) {
					t.Errorf("request %q is not the one that the page shows", e.Request)
				}
				for _, id := range []string{"web", "jwtrp", "pinned"} {
					if s := r.secret(id); s != "" && strings.Contains(e.Expected+e.Received, s[:8]) {
						t.Errorf("S71: a secret stands in the log: %+v", e)
					}
				}
			})
		}
	})
}

// What succeeds, what its user declines and what nobody registered leaves nothing.
func TestNothingIsSaidWithoutAFault(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		b := r.browser()
		m := r.granted(b, "a", "opaque", "openid profile")
		r.want(r.refresh("opaque", text(m, "refresh_token")), 200, "", "refresh")
		r.want(r.info(text(m, "access_token")), 200, "", "userinfo")
		a := request("opaque", "openid")
		a.params.Set("prompt", "none")
		r.browser().get(r.authorizeURL(a)) // login_required
		a.params.Set("client_id", "nobody")
		b.get(r.authorizeURL(a))
		if got := r.reasons("opaque"); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		if n := r.ask(`SELECT COUNT(*) FROM diagnoses`); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}
