package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/client"
)

// TestAuthorizationRequest holds requests to the checks that need no user. Each
// row changes a request that passes; errors other than "local" go back to the
// relying party.
func TestAuthorizationRequest(t *testing.T) {
	h := newHouse(t)
	h.register("public", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodNone }))
	h.register("confidential", "secret", webClient(nil))
	h.register("relaxed", "secret", webClient(func(m *client.Metadata) { m.PKCEOptional = true }))
	h.register("relaxed-public", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.PKCEOptional = methodNone, true }))
	h.register("codeless", "secret", webClient(func(m *client.Metadata) { m.ResponseTypes, m.GrantTypes = nil, []string{"client_credentials"} }))
	challenge := "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	deep := func(n int) string { return strings.Repeat(`{"userinfo":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	type row struct {
		name, client string
		set          url.Values // an empty value removes
		want         string
	}
	rows := []row{
		{"unknown client", "nobody", nil, "local"}, // S3
		{"client_id twice", "public", url.Values{"client_id": {"public", "public"}}, "local"},
		{"redirect_uri twice", "public", url.Values{"redirect_uri": {"https://rp.example.cn/cb", "https://rp.example.cn/cb"}}, "local"}, // S5, P7
		{"redirect_uri missing", "public", url.Values{"redirect_uri": {""}}, "local"},
		{"scope twice", "public", url.Values{"scope": {"openid", "openid"}}, "invalid_request"},
		{"state twice", "public", url.Values{"state": {"a", "b"}}, "invalid_request"},

		// S7, RFC 7636 §4.3, §4.4.1.
		{"no challenge", "public", url.Values{"code_challenge": {""}, "code_challenge_method": {""}}, "invalid_request"},
		{"no challenge, confidential", "confidential", url.Values{"code_challenge": {""}, "code_challenge_method": {""}}, "invalid_request"},
		{"no challenge, a public client cannot relax it", "relaxed-public", url.Values{"code_challenge": {""}, "code_challenge_method": {""}}, "invalid_request"},
		{"method without challenge", "relaxed", url.Values{"code_challenge": {""}}, "invalid_request"},
		{"method absent", "public", url.Values{"code_challenge_method": {""}}, "invalid_request"},
		{"method absent where the challenge was not required", "relaxed", url.Values{"code_challenge_method": {""}}, "invalid_request"},
		{"method plain", "public", url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		{"method in lower case", "public", url.Values{"code_challenge_method": {"s256"}}, "invalid_request"},
		{"challenge of 42 characters", "public", url.Values{"code_challenge": {challenge[1:]}}, "invalid_request"},
		{"challenge of 44 characters", "public", url.Values{"code_challenge": {challenge + "a"}}, "invalid_request"},
		{"padded challenge", "public", url.Values{"code_challenge": {challenge[1:] + "="}}, "invalid_request"},
		{"challenge in standard base64", "public", url.Values{"code_challenge": {"+" + challenge[1:]}}, "invalid_request"},
		{"challenge in full-width letters", "public", url.Values{"code_challenge": {"\uff21" + challenge[3:]}}, "invalid_request"},

		// S4: code is the only response type unless the deployment offers others.
		{"response_type missing", "public", url.Values{"response_type": {""}}, "invalid_request"},
		{"implicit token", "public", url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		{"implicit id_token", "public", url.Values{"response_type": {"id_token"}}, "unsupported_response_type"},
		{"hybrid", "public", url.Values{"response_type": {"code id_token"}}, "unsupported_response_type"},
		{"none", "public", url.Values{"response_type": {"none"}}, "unsupported_response_type"},
		{"a client without the code flow", "codeless", nil, "unauthorized_client"},
		{"fragment", "public", url.Values{"response_mode": {"fragment"}}, "invalid_request"},
		{"web_message", "public", url.Values{"response_mode": {"web_message"}}, "invalid_request"},
		{"fragment.jwt", "public", url.Values{"response_mode": {"fragment.jwt"}}, "invalid_request"},

		// S11, P4: nothing is fetched, nothing unsigned is believed.
		{"request object", "public", url.Values{"request": {"eyJhbGciOiJub25lIn0.e30."}}, "request_not_supported"},
		{"request_uri elsewhere", "public", url.Values{"request_uri": {"https://rp.example.cn/r"}}, "request_uri_not_supported"},
		{"registration", "public", url.Values{"registration": {"{}"}}, "registration_not_supported"},

		// OpenID Connect Core §3.1.2.1.
		{"prompt none and login", "public", url.Values{"prompt": {"none login"}}, "invalid_request"},
		{"prompt none and consent", "public", url.Values{"prompt": {"consent none"}}, "invalid_request"},
		{"prompt none and create", "public", url.Values{"prompt": {"none create"}}, "invalid_request"},
		{"prompt that nobody knows", "public", url.Values{"prompt": {"signup"}}, "invalid_request"},
		{"prompt in capitals", "public", url.Values{"prompt": {"LOGIN"}}, "invalid_request"},
		{"max_age negative", "public", url.Values{"max_age": {"-1"}}, "invalid_request"},
		{"max_age a fraction", "public", url.Values{"max_age": {"1.5"}}, "invalid_request"},
		{"max_age a word", "public", url.Values{"max_age": {"soon"}}, "invalid_request"},
		{"max_age too great for a number", "public", url.Values{"max_age": {"9223372036854775808"}}, "invalid_request"},

		// S6, OpenID Connect Core §5.5.
		{"claims is no JSON", "public", url.Values{"claims": {"{"}}, "invalid_request"},
		{"claims is an array", "public", url.Values{"claims": {"[]"}}, "invalid_request"},
		{"claims is null", "public", url.Values{"claims": {"null"}}, "invalid_request"},
		{"claims is a string", "public", url.Values{"claims": {`"name"`}}, "invalid_request"},
		{"claims with something behind", "public", url.Values{"claims": {"{} {}"}}, "invalid_request"},
		{"claims six deep", "public", url.Values{"claims": {deep(6)}}, "invalid_request"},
		{"a place that is no object, six deep", "public", url.Values{"claims": {`{"userinfo":[[[[[]]]]]}`}}, "invalid_request"},
		{"claims 13 deep", "public", url.Values{"claims": {deep(13)}}, "invalid_request"},
		{"claims very deep", "public", url.Values{"claims": {strings.Repeat("[", 4000)}}, "invalid_request"},
		{"claims of more than 4096 bytes", "public", url.Values{"claims": {`{"userinfo":{"` + strings.Repeat("a", 4096) + `":null}}`}}, "invalid_request"},
		{"parameters of more than 16 KiB together", "public", url.Values{"login_hint": {strings.Repeat("a", 9<<10)}, "ui_locales": {strings.Repeat("a", 8<<10)}}, "invalid_request"}, // S6
		{"id_token_hint that is none", "public", url.Values{"id_token_hint": {"x.y.z"}}, "invalid_request"},
		{"essential acr out of reach", "public", url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:3"}}}`}}, "unmet_authentication_requirements"},

		{"as it should be", "public", nil, ""},
		{"confidential with challenge", "confidential", nil, ""},
		{"relaxed without challenge", "relaxed", url.Values{"code_challenge": {""}, "code_challenge_method": {""}}, ""},
		{"no state", "public", url.Values{"state": {""}}, ""},
		{"short state", "public", url.Values{"state": {"1"}}, ""},
		{"plain OAuth, without openid", "public", url.Values{"scope": {"profile"}}, ""},
		{"unknown scopes are ignored", "public", url.Values{"scope": {"openid groups shoe_size"}}, ""},
		{"unknown parameters are ignored", "public", url.Values{"foo": {"bar"}}, ""},
		{"acr_values out of reach never refuse", "public", url.Values{"acr_values": {"urn:fuwu:aal:3 loa9"}}, ""},
		{"form_post", "public", url.Values{"response_mode": {"form_post"}}, ""},
		{"jwt", "public", url.Values{"response_mode": {"jwt"}}, ""},
		{"prompt create", "public", url.Values{"prompt": {"create"}}, ""},
		{"prompt login and consent", "public", url.Values{"prompt": {"login consent"}}, ""},
		{"max_age 0", "public", url.Values{"max_age": {"0"}}, ""},
		{"claims five deep", "public", url.Values{"claims": {deep(5)}}, ""},
		{"brackets in strings are no depth", "public", url.Values{"claims": {`{"userinfo":{"a\"[[[[[[[{{{{{":null}}`}}, ""},
	}
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			form := authorizeForm(c.client, "https://rp.example.cn/cb")
			for k, v := range c.set {
				form[k] = v
				if v[0] == "" && len(v) == 1 {
					form.Del(k)
				}
			}
			a, err := h.examine(t.Context(), form)
			if got := codeOfError(err); got != c.want {
				t.Fatalf("%q (%v), want %q", got, err, c.want)
			}
			if c.want == "local" && a != nil {
				t.Error("a refusal that must stay here knows where to send itself")
			}
			if c.want != "local" && (a == nil || a.redirect != "https://rp.example.cn/cb") {
				t.Errorf("the answer has nowhere to go: %+v", a)
			}
		})
	}
}

// What a request asks for is what stands in it afterwards, narrowed to what the
// client registered.
func TestWhatWasAsked(t *testing.T) {
	h := newHouse(t)
	age := int64(300)
	h.register("rp", "secret", webClient(func(m *client.Metadata) { m.Scope, m.DefaultMaxAge = "openid profile offline_access own.scope", &age }))
	h.register("no-refresh", "secret", webClient(func(m *client.Metadata) { m.GrantTypes = []string{"authorization_code"} }))
	examine := func(t *testing.T, id string, set url.Values) *asked {
		t.Helper()
		form := authorizeForm(id, "https://rp.example.cn/cb")
		for k, v := range set {
			form[k] = v
		}
		a, err := h.examine(t.Context(), form)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, c := range []struct {
		name, client, scope string
		want                []string
	}{
		{"not registered", "rp", "openid phone", []string{"openid"}},
		{"registered, but not a scope about users", "rp", "openid own.scope", []string{"openid"}},
		{"repeated", "rp", "openid  profile openid", []string{"openid", "profile"}},
		{"case matters", "rp", "openid Profile", []string{"openid"}}, // RFC 6749 §3.3
		{"offline_access without the refresh grant", "no-refresh", "openid offline_access", []string{"openid"}},
		{"offline_access", "rp", "openid offline_access", []string{"openid", "offline_access"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := examine(t, c.client, url.Values{"scope": {c.scope}}).scopes; !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	if a := examine(t, "rp", nil); a.maxAge == nil || *a.maxAge != 300 { // OpenID Connect Registration §2: default_max_age
		t.Errorf("max_age %v", a.maxAge)
	}
	if a := examine(t, "rp", url.Values{"max_age": {"0"}}); a.maxAge == nil || *a.maxAge != 0 {
		t.Errorf("max_age %v", a.maxAge)
	}
}

// S8, S9: every answer, good or bad, names the issuer and brings the state back
// byte for byte; none came, none goes.
func TestAnswersCarryIssuerAndState(t *testing.T) {
	h := newHouse(t)
	h.register("rp", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodNone }))
	for _, state := range []string{"", "1", "a b&c=d#e%2F+", "\"'<script>", "状态\u2028\u202e", "a\r\nSet-Cookie: x=y", strings.Repeat("s", 1024)} {
		form := authorizeForm("rp", "https://rp.example.cn/cb")
		form.Set("state", state)
		form.Set("prompt", "none") // nobody is signed in: login_required goes back
		w := h.get("/oauth2/authorize?" + form.Encode())
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusSeeOther {
			t.Fatalf("%q: %d %v", state, w.Code, err)
		}
		q := to.Query()
		if q.Get("error") != "login_required" || q.Get("iss") != issuer || q.Get("state") != state || q.Has("state") != (state != "") || len(w.Header()["Set-Cookie"]) > 1 {
			t.Errorf("%q: %s", state, to)
		}
	}
	a := &asked{form: url.Values{"state": {"s"}}, redirect: "https://rp.example.cn/cb", mode: responseMode{carrier: byQuery}}
	w := httptest.NewRecorder()
	h.respond(w, httptest.NewRequest(http.MethodGet, "/", nil), a, url.Values{"code": {"c"}})
	if got := w.Header().Get("Location"); got != "https://rp.example.cn/cb?code=c&iss=https%3A%2F%2Ffuwu.example.gov.cn&state=s" {
		t.Errorf("a good answer: %s", got)
	}
}
