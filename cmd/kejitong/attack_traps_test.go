package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// A form_post answer to an application's own scheme goes there and nowhere
// else, under a policy that lets it (RFC 8252 §7.1): html/template would write
// an address of its own into the form. No state.
func TestFormPostToAPrivateScheme(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	const uri = "cn.gov.example.app:/cb"
	s.client("app", func(c *client.Client) {
		c.Metadata.ApplicationType, c.Metadata.RedirectURIs, c.Metadata.TokenEndpointAuthMethod, c.SecretDigest = "native", []string{uri}, "none", ""
	})
	b := s.browser()
	b.in(s, "a")
	for what, more := range map[string][]string{"code": nil, "error": {"prompt", "none", "id_token_hint", "x"}} {
		a := asking("app", "openid", append([]string{"redirect_uri", uri, "response_mode", "form_post"}, more...)...)
		p := b.get(s.authorizeURL(a))
		if q := s.answer(a, p); !q.Has(what) {
			t.Errorf("%s: %v", what, q)
		}
		_, allowed, _ := strings.Cut(p.Header.Get("Content-Security-Policy"), "form-action ")
		if allowed, _, _ = strings.Cut(allowed, ";"); !strings.Contains(" "+allowed+" ", " cn.gov.example.app: ") {
			t.Errorf("%s: form-action %s", what, allowed)
		}
	}
}

// Whatever is wrong with a request for tokens from the authorization endpoint,
// the error is in the fragment and the query stays as registered (OAuth 2.0
// Multiple Response Types §5): a library that decides late would have sent it
// in the query. No state.
func TestEarlyErrorsOfFrontChannelRequests(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), func(c *config.Config) { c.Protocol.FrontChannelTokens = true })
	const uri = rpcb + "?registered=1"
	types := []string{"id_token", "id_token token", "code id_token", "code token", "code id_token token"}
	s.client("front", func(c *client.Client) {
		c.Metadata.RedirectURIs, c.Metadata.ResponseTypes, c.Metadata.GrantTypes = []string{uri}, types, []string{"authorization_code", "implicit"}
	})
	b := s.browser().still()
	for _, response := range types {
		for what, more := range map[string][]string{
			"prompt":          {"prompt", "nonsense"},
			"max_age":         {"max_age", "-1"},
			"claims":          {"claims", "{"},
			"id_token_hint":   {"id_token_hint", "x"},
			"resource":        {"resource", "https://unregistered.example"},
			"challenge":       {"code_challenge_method", "plain"},
			"request":         {"request", "e30.e30."},
			"login required":  {"prompt", "none"},
			"essential acr":   {"claims", `{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:3"}}}`},
			"mode":            {"response_mode", "web_message"},
			"query for token": {"response_mode", "query"},
			"repeated":        {"nonce", "a&nonce=b"},
			"no nonce":        {"nonce", "-", "prompt", "none"},
		} {
			if what == "challenge" && !strings.Contains(response, "code") {
				continue // nothing would be bound by it
			}
			a := asking("front", "openid", append([]string{"redirect_uri", uri, "response_type", response}, more...)...)
			target := s.authorizeURL(a)
			if what == "repeated" {
				target = strings.Replace(target, url.QueryEscape("a&nonce=b"), "a&nonce=b", 1)
			}
			p := b.get(target)
			before, fragment, ok := strings.Cut(p.Header.Get("Location"), "#")
			q, err := url.ParseQuery(fragment)
			if p.StatusCode != http.StatusSeeOther || !ok || err != nil || before != uri || q.Get("error") == "" || q.Get("iss") != s.issuer || q.Get("state") != a.params.Get("state") || q.Has("code") || q.Has("id_token") || q.Has("access_token") {
				t.Errorf("%s, %s: %d to %q", response, what, p.StatusCode, p.Header.Get("Location"))
			}
		}
	}
}
