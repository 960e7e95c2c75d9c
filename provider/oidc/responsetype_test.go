package oidc

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/client"
)

// OAuth 2.0 Multiple Response Type Encoding Practices §3: a set of words.
func TestParseResponseType(t *testing.T) {
	for _, text := range []string{
		"", " ", "token", "none", "code none", "Code", "CODE", "code ", " code", "code  id_token", "code\tid_token", "code,id_token", "code code",
		"id_token id_token", "token token", "code token code", "id token", "id_token\u00a0token", "code id_token token x",
	} {
		if got, ok := parseResponseType(text); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
	for text, want := range map[string]responseType{
		"code": {code: true}, "id_token": {idToken: true}, "id_token token": {idToken: true, token: true}, "token id_token": {idToken: true, token: true},
		"code id_token": {code: true, idToken: true}, "token code": {code: true, token: true}, "token id_token code": {code: true, idToken: true, token: true},
	} {
		if got, ok := parseResponseType(text); !ok || got != want {
			t.Errorf("%q is %+v %v, want %+v", text, got, ok, want)
		}
	}
}

// Whatever the words, their order says nothing, and whatever is accepted with a
// token or ID token in it is answered in the fragment.
func FuzzResponseType(f *testing.F) {
	for _, s := range []string{"code", "id_token token", "code id_token token", "token", "none", "code  token"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseResponseType(s)
		words := strings.Split(s, " ")
		slices.Reverse(words)
		again, same := parseResponseType(strings.Join(words, " "))
		if ok != same || ok && got != again {
			t.Fatalf("%q: %+v %v, turned round %+v %v", s, got, ok, again, same)
		}
		if ok && got.front() != (usualCarrier(url.Values{"response_type": {s}}) == byFragment) {
			t.Fatalf("%q brings tokens %v", s, got.front())
		}
		if ok && got == (responseType{token: true}) || ok && got == (responseType{}) {
			t.Fatalf("%q is accepted", s)
		}
	})
}

// How answers travel, good or bad (Multiple Response Type Encoding Practices
// §2.1, §3, §5; JARM §2.3).
func TestResponseModes(t *testing.T) {
	plain, sealed := &client.Client{}, &client.Client{Metadata: client.Metadata{AuthorizationEncryptedResponseAlg: "ECDH-ES"}}
	for _, c := range []struct {
		kind, mode string
		client     *client.Client
		on         bool
		want       responseMode
	}{
		{"token", "", plain, false, responseMode{byFragment, false}},
		{"id_token nonsense", "", plain, false, responseMode{byFragment, false}},
		{"nonsense", "", plain, true, responseMode{byQuery, false}},
		{"", "fragment", plain, false, responseMode{byQuery, false}}, // not offered
		{"code", "web_message", plain, true, responseMode{byQuery, false}},
		{"code", "web_message.jwt", plain, true, responseMode{byQuery, false}},
		{"code id_token", "query", plain, true, responseMode{byFragment, false}},
		{"code id_token", "query.jwt", plain, true, responseMode{byFragment, true}},
		{"code id_token", "query.jwt", sealed, true, responseMode{byQuery, true}},
		{"code id_token", "query", sealed, true, responseMode{byFragment, false}},
		{"code", "", plain, true, responseMode{byQuery, false}},
		{"code", "fragment", plain, true, responseMode{byFragment, false}},
		{"code", "jwt", plain, false, responseMode{byQuery, true}},
		{"code", "form_post.jwt", plain, false, responseMode{byForm, true}},
		{"code token", "jwt", plain, true, responseMode{byFragment, true}},
		{"id_token", "form_post", plain, true, responseMode{byForm, false}},
	} {
		p := &Provider{Features: Features{FrontChannelTokens: c.on}}
		form := url.Values{"response_type": {c.kind}, "response_mode": {c.mode}}
		if got := p.modeOf(c.client, form); got != c.want {
			t.Errorf("%q by %q: %+v, want %+v", c.kind, c.mode, got, c.want)
		}
	}
}
