package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// OpenID Connect Basic OP (oidcc-basic-certification-test-plan), static clients,
// on both databases, with both kinds of client secret.
func TestConformanceBasic(t *testing.T) {
	modules := slices.Concat(coreModules, codeModules)
	if len(modules) != 35 {
		t.Fatalf("%d modules, the plan has 35", len(modules))
	}
	t.Run("client_secret_basic", func(t *testing.T) {
		play(t, storetest.Postgres(t), variant{response: "code", auth: "client_secret_basic"}, modules, nil)
	})
	t.Run("client_secret_post", func(t *testing.T) {
		play(t, storetest.SQLite(t), variant{response: "code", auth: "client_secret_post"}, modules, nil)
	})
}

// coreModules are those of every response type.
var coreModules = []module{
	{"oidcc-server", func(p *plan) {
		o, g := p.flow(p.agent(), p.first)
		if o.logins != 1 {
			p.fail("%d sign-in pages, want one", o.logins)
		}
		if g.code != "" && strings.HasPrefix(p.auth, "client_secret") {
			p.independent()
		}
	}},
	{"oidcc-response-type-missing", func(p *plan) {
		// RFC 6749 §3.1.1: invalid_request; which mode is meant cannot be known.
		q := p.ask(p.first, "response_type", "-")
		if o := p.visit(p.agent(), q); o.params != nil {
			p.refused(o, "invalid_request", "unsupported_response_type")
		} else {
			p.stays(o)
		}
	}},
	{"oidcc-userinfo-get", func(p *plan) {
		_, g := p.flow(p.agent(), p.first)
		if g.access == "" {
			return
		}
		p.shown(g.access, g.claims())
	}},
	{"oidcc-userinfo-post-header", func(p *plan) { p.userinfoByPost(true) }},
	{"oidcc-userinfo-post-body", func(p *plan) { p.userinfoByPost(false) }},
	{"oidcc-scope-profile", func(p *plan) { p.scope("profile") }},
	{"oidcc-scope-email", func(p *plan) { p.scope("email") }},
	{"oidcc-scope-address", func(p *plan) { p.scope("address") }},
	{"oidcc-scope-phone", func(p *plan) { p.scope("phone") }},
	{"oidcc-scope-all", func(p *plan) { p.scope("profile email address phone") }},
	{"oidcc-alternate-happy-flow", func(p *plan) {
		// Scopes and parameters the other way round.
		q := p.ask(p.first, "scope", "phone openid")
		var turned []string
		for name, values := range q {
			turned = append(turned, name+"="+url.QueryEscape(values[0]))
		}
		slices.Sort(turned)
		slices.Reverse(turned)
		b := p.agent()
		p.success(p.first, p.through(b, q, b.get(p.endpoint("authorization_endpoint")+"?"+strings.Join(turned, "&"))))
	}},
	{"oidcc-display-page", func(p *plan) { p.flow(p.agent(), p.first, "display", "page") }},
	{"oidcc-display-popup", func(p *plan) { p.flow(p.agent(), p.first, "display", "popup") }},
	{"oidcc-prompt-login", func(p *plan) {
		b := p.agent()
		_, first := p.flow(b, p.first)
		p.clock.move(2 * time.Second)
		o, second := p.flow(b, p.first, "prompt", "login")
		if o.logins != 1 {
			p.fail("no sign-in page though prompt=login")
		}
		p.sameUser(first, second)
		if a, z := when(first), when(second); z <= a && a+z > 0 {
			p.fail("auth_time %v, then %v", a, z)
		}
	}},
	{"oidcc-prompt-none-not-logged-in", func(p *plan) {
		o := p.visit(p.agent(), p.ask(p.first, "prompt", "none", "state", strings.Repeat("k3-", 42)+"zz"))
		p.refused(o, "login_required", "interaction_required", "account_selection_required", "consent_required")
	}},
	{"oidcc-prompt-none-logged-in", func(p *plan) {
		b := p.agent()
		_, first := p.flow(b, p.first)
		o, second := p.flow(b, p.first, "prompt", "none")
		if o.logins+o.consents > 0 {
			p.fail("a page was shown though prompt=none")
		}
		p.sameSession(first, second)
	}},
	{"oidcc-max-age-1", func(p *plan) {
		b := p.agent()
		_, first := p.flow(b, p.first)
		p.clock.move(2 * time.Second)
		o, second := p.flow(b, p.first, "max_age", "1")
		if o.logins != 1 {
			p.fail("no sign-in page though the session is older than max_age")
		}
		p.sameUser(first, second)
		if now := float64(p.clock.now().Unix()); when(second) == 0 || when(second) < now-60 || when(first) >= when(second) { // OpenID Connect Core §2
			p.fail("auth_time %v, then %v, now %v", when(first), when(second), now)
		}
	}},
	{"oidcc-max-age-10000", func(p *plan) {
		b := p.agent()
		_, first := p.flow(b, p.first, "max_age", "15000")
		p.clock.move(2 * time.Second)
		o, second := p.flow(b, p.first, "max_age", "10000")
		if o.logins != 0 || when(first) == 0 {
			p.fail("%d sign-in pages within max_age, auth_time %v", o.logins, when(first))
		}
		p.sameSession(first, second)
	}},
	{"oidcc-ensure-request-with-unknown-parameter-succeeds", func(p *plan) { p.flow(p.agent(), p.first, "extra", "foobar") }},
	{"oidcc-id-token-hint", func(p *plan) {
		b := p.agent()
		_, first := p.flow(b, p.first)
		_, second := p.flow(b, p.first, "prompt", "none", "id_token_hint", first.idToken)
		p.sameSession(first, second)
	}},
	{"oidcc-login-hint", func(p *plan) { p.flow(p.agent(), p.first, "login_hint", "buffy@localhost") }},
	{"oidcc-ui-locales", func(p *plan) { p.flow(p.agent(), p.first, "ui_locales", "se") }},
	{"oidcc-claims-locales", func(p *plan) { p.flow(p.agent(), p.first, "claims_locales", "se") }},
	{"oidcc-ensure-request-with-acr-values-succeeds", func(p *plan) {
		list, _ := p.doc["acr_values_supported"].([]any)
		var values []string
		for _, v := range list {
			values = append(values, fmt.Sprint(v))
		}
		if len(values) == 0 {
			values = []string{"1", "2"}
		}
		_, g := p.flow(p.agent(), p.first, "acr_values", strings.Join(values, " "))
		if acr := text(g.claims(), "acr"); g.claims() != nil && !slices.Contains(values, acr) {
			p.fail("acr %q, want one of %q", acr, values)
		}
	}},
	{"oidcc-ensure-registered-redirect-uri", func(p *plan) {
		p.stays(p.visit(p.agent(), p.ask(p.first, "redirect_uri", suiteCallback+"/"+randomText(8))))
	}},
	{"oidcc-ensure-post-request-succeeds", func(p *plan) {
		q, b := p.ask(p.first), p.agent()
		at := b.send(http.MethodPost, p.endpoint("authorization_endpoint"), q, "Origin", "https://www.certification.openid.net", "Sec-Fetch-Site", "cross-site")
		p.success(p.first, p.through(b, q, at))
	}},
	{"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", func(p *plan) {
		if p.doc["request_object_signing_alg_values_supported"] != nil {
			p.signedOnly()
			return
		}
		state := randomText(10)
		q := p.ask(p.first, "state", state, "request", unsignedObject(map[string]any{"iss": p.first.id, "aud": p.issuer, "client_id": p.first.id, "state": state}))
		p.refused(p.visit(p.agent(), q), "request_not_supported")
	}},
	{"oidcc-claims-essential", func(p *plan) {
		_, g := p.flow(p.agent(), p.first, "claims", p.essentialName())
		if g.access == "" {
			if text(g.front, "name") == "" {
				p.fail("name is not in the ID token")
			}
			return
		}
		if ui := p.shown(g.access, g.claims()); text(ui, "name") == "" {
			p.fail("name is not at userinfo: %v", ui)
		}
		if g.claims()["name"] != nil {
			p.fail("name is in the ID token, though asked for at userinfo")
		}
	}},
	{"oidcc-ensure-request-object-with-redirect-uri", func(p *plan) {
		// With signed objects alone the suite skips it; the laws hold all the same:
		// never to a default URI, never to the outer bad one.
		bad := suiteCallback + "/" + randomText(8)
		q := p.ask(p.first, "redirect_uri", bad, "request", unsignedObject(map[string]any{"iss": p.first.id, "aud": p.issuer, "redirect_uri": p.first.redirect}))
		p.stays(p.visit(p.agent(), q))
	}},
}

// codeModules are those of response types with a code, and of the code flow.
var codeModules = []module{
	{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", func(p *plan) { p.flow(p.agent(), p.first, "nonce", "-") }},
	{"oidcc-codereuse", func(p *plan) { p.reuse(0) }},
	{"oidcc-codereuse-30seconds", func(p *plan) { p.reuse(30 * time.Second) }},
	{"oidcc-server-client-secret-post", func(p *plan) {
		c := p.party("post", suiteCallback, func(m *client.Metadata) {
			m.TokenEndpointAuthMethod, m.TokenEndpointAuthPinned = "client_secret_post", true
		})
		p.flow(p.agent(), c)
	}},
	{"oidcc-refresh-token", func(p *plan) {
		p.refreshing(p.first)
		other := p.refreshing(p.second)
		a := p.call(p.first, "token_endpoint", refreshForm(other.refresh))
		p.invalidGrant(a, "refresh token of another client")
		p.refreshed(other, "openid")
	}},
	{"oidcc-ensure-request-with-valid-pkce-succeeds", func(p *plan) {
		a := newAttempt("openid")
		o := p.visit(p.agent(), p.ask(p.first, "code_challenge", a.params.Get("code_challenge"), "code_challenge_method", "S256"))
		p.arrived(o)
		if got := p.redeem(p.first, o, "code_verifier", a.verifier); got.status != http.StatusOK {
			p.fail("token endpoint: %s", got)
		}
	}},
}

// independent walks the flow with x/oauth2 and go-oidc in the relying party's
// place.
func (p *plan) independent() {
	p.t.Helper()
	ctx := p.context()
	rp := oauth2.Config{ClientID: p.first.id, ClientSecret: p.first.secret, Endpoint: p.checker.Endpoint(), RedirectURL: p.first.redirect, Scopes: []string{"openid", "email"}}
	rp.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.auth == "client_secret_post" {
		rp.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	q := p.ask(p.first, "scope", "openid email")
	o := p.visit(p.agent(), q)
	p.arrived(o)
	tok, err := rp.Exchange(ctx, o.params.Get("code"))
	if err != nil {
		p.t.Fatal(err)
	}
	raw, _ := tok.Extra("id_token").(string)
	id, err := p.checker.Verifier(&oidc.Config{ClientID: rp.ClientID, Now: p.clock.now}).Verify(ctx, raw)
	if err != nil {
		p.t.Fatal(err)
	}
	if id.Nonce != q.Get("nonce") {
		p.fail("nonce %q", id.Nonce)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
			p.fail("%v", err)
		}
	}
	ui, err := p.checker.UserInfo(ctx, oauth2.StaticTokenSource(tok))
	if err != nil {
		p.t.Fatal(err)
	}
	if ui.Subject != id.Subject || ui.Email == "" || !ui.EmailVerified {
		p.fail("userinfo of %q with %q, ID token of %q", ui.Subject, ui.Email, id.Subject)
	}
}

// userinfoByPost shows the token by POST, in the header or in the body (RFC
// 6750 §2.1, §2.2).
func (p *plan) userinfoByPost(header bool) {
	p.t.Helper()
	_, g := p.flow(p.agent(), p.first)
	body := url.Values{}
	if !header {
		body.Set("access_token", g.access)
	}
	r, err := http.NewRequest(http.MethodPost, p.endpoint("userinfo_endpoint"), strings.NewReader(body.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if header {
		r.Header.Set("Authorization", "Bearer "+g.access)
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a := p.sent(r); a.status != http.StatusOK || a.body["sub"] != g.claims()["sub"] {
		p.fail("userinfo: %s", a)
	}
}

// scopeClaims are what each scope stands for (OpenID Connect Core §5.4).
var scopeClaims = map[string][]string{
	"profile": {"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"},
	"email":   {"email", "email_verified"}, "address": {"address"}, "phone": {"phone_number", "phone_number_verified"},
}

// scope asks for scopes and holds userinfo, or without an access token the ID
// token, to their claims: all of them and no others.
func (p *plan) scope(scopes string) {
	p.t.Helper()
	_, g := p.flow(p.agent(), p.first, "scope", "openid "+scopes)
	got := g.front
	if g.access != "" {
		got = p.shown(g.access, g.claims())
	}
	for scope, claims := range scopeClaims {
		asked := slices.Contains(strings.Fields(scopes), scope)
		for _, claim := range claims {
			if (got[claim] != nil) != asked {
				p.fail("scope %q: claim %s is there: %v", scopes, claim, got[claim] != nil)
			}
		}
	}
}

// essentialName asks for name by the claims parameter (§5.5), where it can be had.
func (p *plan) essentialName() string {
	if p.response == "id_token" {
		return `{"id_token":{"name":{"essential":true}}}`
	}
	return `{"userinfo":{"name":{"essential":true}}}`
}

func when(g granted) float64 {
	v, _ := g.claims()["auth_time"].(float64)
	return v
}

func (p *plan) sameUser(a, z granted) {
	p.t.Helper()
	if a.claims() != nil && z.claims() != nil && a.claims()["sub"] != z.claims()["sub"] {
		p.fail("sub %v, then %v", a.claims()["sub"], z.claims()["sub"])
	}
}

// sameSession: nobody signed in again in between.
func (p *plan) sameSession(a, z granted) {
	p.t.Helper()
	p.sameUser(a, z)
	if when(a) != when(z) {
		p.fail("auth_time %v, then %v", when(a), when(z))
	}
}

func (p *plan) invalidGrant(a answer, what string) {
	p.t.Helper()
	if a.status != http.StatusBadRequest || a.err() != "invalid_grant" {
		p.fail("%s: %s, want 400 invalid_grant", what, a)
	}
}
