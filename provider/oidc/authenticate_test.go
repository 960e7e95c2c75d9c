package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
)

func basicHeader(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// S17, RFC 6749 §2.3: exactly one method, the registered one (basic and post
// are interchangeable unless pinned), and nothing malformed. want is the client
// or, after "!", the error.
func TestClientAuthentication(t *testing.T) {
	h := newHouse(t)
	key := newPair(t, "k", jose.EdDSA)
	const secret = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	h.register("basic", secret, webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodBasic }))
	h.register("unset", secret, webClient(nil))
	h.register("post", secret, webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodPost }))
	h.register("pinned-basic", secret, webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.TokenEndpointAuthPinned = methodBasic, true }))
	h.register("pinned-post", secret, webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.TokenEndpointAuthPinned = methodPost, true }))
	h.register("public", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodNone }))
	h.register("public-with-digest", secret, webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodNone }))
	h.register("jwt", secret, webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.JWKS = methodJWT, jwks(t, key) }))
	h.register("secretless", "", webClient(nil))
	h.register("a:b c", "p%q+r", webClient(nil))
	disabled := h.register("disabled", secret, webClient(nil))
	disabled.State = client.Disabled
	if err := h.db.PutClient(t.Context(), disabled, did("client.changed")); err != nil {
		t.Fatal(err)
	}
	h.clock.pass(client.MaxAge)
	assertion := func() string {
		return key.sign(t, "JWT", claims{"iss": "jwt", "sub": "jwt", "aud": issuer, "exp": h.Now().Unix() + 60, "jti": noiseOf(t)})
	}
	raw := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		name   string
		header []string
		form   url.Values
		want   string
	}{
		{"nothing", nil, url.Values{}, "!invalid_client"},
		{"unknown client", []string{basicHeader("nobody", secret)}, nil, "!invalid_client"},
		{"disabled client", []string{basicHeader("disabled", secret)}, nil, "!invalid_client"},
		{"wrong secret", []string{basicHeader("basic", "x")}, nil, "!invalid_client"},
		{"empty secret", []string{basicHeader("basic", "")}, nil, "!invalid_client"},
		{"secret in other case", []string{basicHeader("basic", strings.ToUpper(secret))}, nil, "!invalid_client"},
		{"another client's secret", nil, url.Values{"client_id": {"a:b c"}, "client_secret": {secret}}, "!invalid_client"},
		{"no secret is registered, none sent", []string{basicHeader("secretless", "")}, nil, "!invalid_client"},

		{"basic and post", []string{basicHeader("basic", secret)}, url.Values{"client_id": {"basic"}, "client_secret": {secret}}, "!invalid_request"},
		{"basic and assertion", []string{basicHeader("jwt", secret)}, url.Values{"client_assertion": {"ASSERTION"}, "client_assertion_type": {assertionJWT}}, "!invalid_request"},
		{"post and assertion", nil, url.Values{"client_id": {"jwt"}, "client_secret": {secret}, "client_assertion": {"ASSERTION"}, "client_assertion_type": {assertionJWT}}, "!invalid_request"},
		{"two headers", []string{basicHeader("basic", secret), basicHeader("basic", secret)}, nil, "!invalid_client"},
		{"the body names another client", []string{basicHeader("basic", secret)}, url.Values{"client_id": {"post"}}, "!invalid_client"},
		{"the body names another client than the assertion", nil, url.Values{"client_id": {"basic"}, "client_assertion": {"ASSERTION"}, "client_assertion_type": {assertionJWT}}, "!invalid_client"},

		{"confidential client as a public one", nil, url.Values{"client_id": {"basic"}}, "!invalid_client"},
		{"public client with a secret", nil, url.Values{"client_id": {"public"}, "client_secret": {"x"}}, "!invalid_client"},
		{"public client with basic", []string{basicHeader("public", "")}, nil, "!invalid_client"},
		{"public client with the secret it once had", []string{basicHeader("public-with-digest", secret)}, nil, "!invalid_client"},
		{"secret where an assertion is registered", []string{basicHeader("jwt", secret)}, nil, "!invalid_client"},
		{"no credential where an assertion is registered", nil, url.Values{"client_id": {"jwt"}}, "!invalid_client"},
		{"post where basic is pinned", nil, url.Values{"client_id": {"pinned-basic"}, "client_secret": {secret}}, "!invalid_client"},
		{"basic where post is pinned", []string{basicHeader("pinned-post", secret)}, nil, "!invalid_client"},
		{"assertion type missing", nil, url.Values{"client_assertion": {"ASSERTION"}}, "!invalid_client"},
		{"assertion type SAML", nil, url.Values{"client_assertion": {"ASSERTION"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}}, "!invalid_client"},
		{"assertion type alone", nil, url.Values{"client_id": {"public"}, "client_assertion_type": {assertionJWT}}, "!invalid_client"},

		{"bearer scheme", []string{"Bearer " + secret}, url.Values{"client_id": {"public"}}, "!invalid_client"},
		{"scheme alone", []string{"Basic"}, url.Values{"client_id": {"public"}}, "!invalid_client"},
		{"not base64", []string{"Basic %%%"}, nil, "!invalid_client"},
		{"bytes behind the base64", []string{basicHeader("basic", secret) + "=="}, nil, "!invalid_client"},
		{"word behind the base64", []string{basicHeader("basic", secret) + " x"}, nil, "!invalid_client"},
		{"two blanks", []string{strings.Replace(basicHeader("basic", secret), " ", "  ", 1)}, nil, "!invalid_client"},
		{"URL alphabet", []string{"Basic " + base64.URLEncoding.EncodeToString([]byte("basic:"+secret+"\xff\xfe\xff"))}, nil, "!invalid_client"},
		{"loose last bits", []string{loosened(t, basicHeader("basic", secret))}, nil, "!invalid_client"}, // a second spelling of the same bytes
		{"no colon", []string{raw("basic")}, nil, "!invalid_client"},
		{"empty client", []string{raw(":" + secret)}, nil, "!invalid_client"},
		{"NUL in the client", []string{raw("basic\x00:" + secret)}, nil, "!invalid_client"},
		{"line feed after the secret", []string{raw("basic:" + secret + "\n")}, nil, "!invalid_client"},
		{"very long", []string{basicHeader("basic", strings.Repeat("a", maxParam))}, nil, "!invalid_client"},

		{"basic", []string{basicHeader("basic", secret)}, nil, "basic"},
		{"basic, scheme in lower case", []string{strings.Replace(basicHeader("basic", secret), "Basic", "basic", 1)}, nil, "basic"}, // RFC 9110 §11.1
		{"basic, the body names the same client", []string{basicHeader("basic", secret)}, url.Values{"client_id": {"basic"}}, "basic"},
		{"basic, URL-encoded as RFC 6749 §2.3.1 asks", []string{basicHeader(url.QueryEscape("a:b c"), url.QueryEscape("p%q+r"))}, nil, "a:b c"},
		{"basic, every character encoded", []string{basicHeader("%62asic", strings.ReplaceAll(secret, "-", "%2D"))}, nil, "basic"},
		{"basic of a client that registered no method", []string{basicHeader("unset", secret)}, nil, "unset"}, // RFC 7591 §2
		{"post where basic is registered", nil, url.Values{"client_id": {"basic"}, "client_secret": {secret}}, "basic"},
		{"basic where post is registered", []string{basicHeader("post", secret)}, nil, "post"},
		{"post", nil, url.Values{"client_id": {"post"}, "client_secret": {secret}}, "post"},
		{"pinned basic", []string{basicHeader("pinned-basic", secret)}, nil, "pinned-basic"},
		{"pinned post", nil, url.Values{"client_id": {"pinned-post"}, "client_secret": {secret}}, "pinned-post"},
		{"public", nil, url.Values{"client_id": {"public"}}, "public"},
		{"assertion", nil, url.Values{"client_assertion": {"ASSERTION"}, "client_assertion_type": {assertionJWT}}, "jwt"},
		{"assertion and client_id", nil, url.Values{"client_id": {"jwt"}, "client_assertion": {"ASSERTION"}, "client_assertion_type": {assertionJWT}}, "jwt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := url.Values{"token": {"x"}}
			for k, v := range c.form {
				form[k] = v
			}
			if form.Get("client_assertion") == "ASSERTION" {
				form.Set("client_assertion", assertion())
			}
			r := httptest.NewRequest(http.MethodPost, issuer+"/oauth2/token", nil)
			for _, v := range c.header {
				r.Header.Add("Authorization", v)
			}
			got, err := h.identify(t.Context(), r, form)
			switch {
			case err != nil && "!"+codeOfError(err) != c.want:
				t.Errorf("%v, want %s", err, c.want)
			case err == nil && got.ID != c.want:
				t.Errorf("authenticated as %s, want %s", got.ID, c.want)
			}
			if err == nil {
				return
			}
			// RFC 6749 §5.2: 401 with a challenge, or 400.
			var header []string
			for _, v := range c.header {
				header = append(header, "Authorization", v)
			}
			w := h.post("/oauth2/revoke", form, header...)
			m := object(t, w.Body.Bytes())
			if "!"+m["error"].(string) != c.want {
				t.Errorf("the endpoint answers %v", m)
			}
			if unauthorized := c.want == "!invalid_client"; unauthorized != (w.Code == 401) || unauthorized != strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%d, WWW-Authenticate %q", w.Code, w.Header().Get("WWW-Authenticate"))
			}
			if strings.Contains(w.Body.String(), secret) {
				t.Error("the answer repeats the secret")
			}
		})
	}
}

// loosened sets a bit of the last character that stands for no byte.
func loosened(t *testing.T, header string) string {
	t.Helper()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	text := strings.TrimRight(header, "=")
	if len(text) == len(header) {
		t.Fatal("this text has no loose bits")
	}
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last|1]) + header[len(text):]
}

// noiseOf is a fresh jti.
func noiseOf(t testing.TB) string {
	t.Helper()
	s, err := noise(16)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// broken is a client store whose database went away; a control, not a stand-in.
type broken struct{ client.Store }

var errGone = errors.New("the database is gone")

func (broken) ClientsVersion(context.Context) (int64, error) { return 0, errGone }

// A database that does not answer is no wrong password: nobody is told
// invalid_client, and nobody is let in.
func TestBrokenDatabaseIsNoFailedAuthentication(t *testing.T) {
	h := newHouse(t)
	h.register("rp", "secret", webClient(nil))
	h.Clients.Store = broken{h.db}
	h.clock.pass(client.MaxAge)
	for name, form := range map[string]url.Values{
		"secret": {"client_id": {"rp"}, "client_secret": {"secret"}, "token": {"x"}},
		"none":   {"client_id": {"rp"}, "token": {"x"}},
		"assertion": {"token": {"x"}, "client_assertion_type": {assertionJWT}, "client_assertion": {newPair(t, "", jose.EdDSA).sign(t, "", claims{
			"iss": "rp", "sub": "rp", "aud": issuer, "exp": moment + 60, "jti": "j",
		})}},
	} {
		if w := h.post("/oauth2/revoke", form); w.Code != http.StatusInternalServerError || object(t, w.Body.Bytes())["error"] != "server_error" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
