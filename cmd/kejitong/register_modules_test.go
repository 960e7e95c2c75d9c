package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/client"
)

// certified is the policy of the shipped fixture, as far as these modules go.
var certified = client.Policy{
	GrantTypes:    []string{"authorization_code", "implicit", "refresh_token"},
	ResponseTypes: []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"},
	PKCEOptional:  true, Reviewed: true, PrivateHosts: true,
}

func frontChannel(c *config.Config) { c.Protocol.FrontChannelTokens = true }

// What the users see of a system that registered itself: its logo, and links to
// its policy and terms, on the sign-in page and where they consent (OpenID
// Connect Registration §2; conformance 3.5 registration-logo-uri, -policy-uri,
// -tos-uri). A logo that nobody reviewed is not fetched.
func TestWhatASystemShowsOfItself(t *testing.T) {
	const logo, policy, tos = "https://static.rp.example.gov.cn/logo.png", "https://rp.example.gov.cn/policy", "https://rp.example.gov.cn/tos"
	shows := metadata("client_name", "某某<b>系统", "logo_uri", logo, "policy_uri", policy, "tos_uri", tos)
	onRegistrars(t, certified, frontChannel, func(t *testing.T, g registrar) {
		unreviewed := g.registrar(client.Policy{}, 5)
		for _, c := range []struct {
			name string
			id   string
			logo bool
		}{{"reviewed", text(g.gets(shows), "client_id"), true}, {"unreviewed", text(unreviewed.gets(shows), "client_id"), false}} {
			b := g.browser()
			signIn := b.get(g.authorizeURL(asking(c.id, "openid profile")))
			consent := b.signIn(g.stage, signIn, "a")
			if signIn.Request.URL.Path != "/login" || consent.Request.URL.Path != "/consent" {
				t.Fatalf("%s: at %s and %s", c.name, signIn.Request.URL, consent.Request.URL)
			}
			for _, p := range []page{signIn, consent} {
				where := c.name + " at " + p.Request.URL.Path
				if got := strings.Contains(p.body, `<img class="logo" src="`+logo+`"`) && strings.Contains(p.body, `referrerpolicy="no-referrer"`); got != c.logo {
					t.Errorf("%s: the logo is shown: %v, want %v", where, got, c.logo)
				}
				csp := p.Header.Get("Content-Security-Policy")
				if got := strings.Contains(csp, "img-src 'self' data: https://static.rp.example.gov.cn;"); got != c.logo || !c.logo && strings.Contains(csp, "rp.example.gov.cn") && strings.Contains(csp, "static") {
					t.Errorf("%s: %s", where, csp)
				}
				for _, link := range []string{policy, tos} {
					if !strings.Contains(p.body, `<a href="`+link+`" target="_blank" rel="noopener noreferrer nofollow">`) {
						t.Errorf("%s: no link to %s", where, link)
					}
				}
				if !strings.Contains(p.body, "某某&lt;b&gt;系统") || strings.Contains(p.body, "某某<b>") { // S69
					t.Errorf("%s: the name is not what it should be", where)
				}
			}
		}
	})
}

// Conformance 3.5: redirect URIs as they were registered, and no others.
func TestRedirectURIsOfARegistration(t *testing.T) {
	onRegistrars(t, certified, frontChannel, func(t *testing.T, g registrar) {
		b := g.browser()
		g.tokens(b, "b", "openid") // signed in, so that a good request comes back at once
		two := text(g.gets(metadata("redirect_uris", []string{rpcb, rpcb + "2"})), "client_id")
		query := text(g.gets(metadata("redirect_uris", []string{rpcb + "?bar=foo"})), "client_id")
		ask := func(id, redirect string) page {
			return b.get(g.authorizeURL(asking(id, "openid", "redirect_uri", redirect)))
		}
		refusedHere(t, ask(two, "-"))                 // ensure-redirect-uri-in-authorization-request
		refusedHere(t, ask(two, rpcb+"3"))            // ensure-registered-redirect-uri
		refusedHere(t, ask(query, rpcb+"?bar=baz"))   // redirect-uri-query-mismatch
		refusedHere(t, ask(query, rpcb+"?bar=foo&x")) // redirect-uri-query-added
		refusedHere(t, ask(two, rpcb+"?bar=foo"))
		p := ask(query, rpcb+"?bar=foo") // redirect-uri-query-OK: kept and appended to
		if p.Request.URL.Path == "/consent" {
			p = b.press(p, "decision=allow")
		}
		if q := callback(t, p); q.Get("bar") != "foo" || q.Get("code") == "" || !strings.HasPrefix(p.Header.Get("Location"), rpcb+"?bar=foo&") {
			t.Errorf("the registered query: %s", p.Header.Get("Location"))
		}
	})
}

// Conformance 3.5 registration-jwks-uri and refresh-token-rp-key-rotation: keys
// are fetched from jwks_uri, and again when an unknown one signs.
func TestKeysOfARegistrationRotate(t *testing.T) {
	first, second := newSigner(t, "RS256", "first"), newSigner(t, "RS256", "second")
	var mu sync.Mutex
	set := first.set(t)
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(set)
	}))
	t.Cleanup(host.Close)
	onRegistrars(t, certified, frontChannel, func(t *testing.T, g registrar) {
		mu.Lock()
		set = first.set(t)
		mu.Unlock()
		c := g.gets(metadata("token_endpoint_auth_method", "private_key_jwt", "jwks_uri", host.URL+"/jwks", "grant_types", []string{"authorization_code", "refresh_token"}))
		id := text(c, "client_id")
		// The audience of these assertions is the token endpoint, and they have no kid.
		by := func(k signer) func(*http.Request, url.Values) {
			return func(q *http.Request, v url.Values) {
				claims := g.assertion(id)
				claims["aud"] = g.name() + "/oauth2/token"
				assert(k.sign(t, claims, nil))(q, v)
			}
		}
		b := g.browser()
		a := asking(id, "openid offline_access", "prompt", "consent", "code_challenge", "-", "code_challenge_method", "-")
		p := b.signIn(g.stage, b.get(g.authorizeURL(a)), "a")
		form := codeForm(attempt{"", a.params}, callback(t, b.press(p, "decision=allow")).Get("code"))
		m := g.call("/oauth2/token", form, by(first.with("RS256", "")))
		if m.status != http.StatusOK {
			t.Fatalf("code: %s", m)
		}
		mu.Lock()
		set = first.set(t, second.public())
		mu.Unlock()
		g.clock.move(6 * time.Second)
		if r := g.call("/oauth2/token", refreshForm(text(m.body, "refresh_token")), by(second)); r.status != http.StatusOK {
			t.Errorf("a refresh under the new key: %s", r)
		}
		if r := g.call("/oauth2/token", refreshForm(text(m.body, "refresh_token")), by(newSigner(t, "RS256", "second"))); r.status != http.StatusUnauthorized {
			t.Errorf("a refresh under a stranger's key: %s", r)
		}
	}, host)
}

// Conformance 3.0: the same keys, without kid, serve many clients; and what is
// registered comes back as it was sent.
func TestManyRegistrationsOfOneSuite(t *testing.T) {
	key := newSigner(t, "RS256", "")
	set := key.set(t)
	onRegistrars(t, certified, frontChannel, func(t *testing.T, g registrar) {
		seen := map[string]bool{}
		for range 20 {
			c := g.gets(metadata("token_endpoint_auth_method", "private_key_jwt", "jwks", set, "contacts", []string{"suite@example.org"}, "initiate_login_uri", "https://rp.example.gov.cn/start"))
			got, err := json.Marshal(c["jwks"])
			if err != nil || seen[text(c, "client_id")] {
				t.Fatalf("%v %v", c, err)
			}
			seen[text(c, "client_id")] = true
			var want, have any
			_ = json.Unmarshal(set, &want)
			_ = json.Unmarshal(got, &have)
			if w, h := mustJSON(t, want), mustJSON(t, have); w != h {
				t.Errorf("keys %s, want %s", h, w)
			}
			if c["client_secret"] != nil || c["client_secret_expires_at"] != nil {
				t.Errorf("a client with keys got a secret: %v", c)
			}
			// 3.6: echoed on registration and on reading.
			read := g.at(http.MethodGet, text(c, "registration_client_uri"), text(c, "registration_access_token"), nil)
			if text(c, "initiate_login_uri") == "" || text(read.body, "initiate_login_uri") != text(c, "initiate_login_uri") {
				t.Errorf("initiate_login_uri: %v, %s", c["initiate_login_uri"], read.raw)
			}
		}
	})
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
