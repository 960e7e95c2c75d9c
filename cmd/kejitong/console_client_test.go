package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"kejitong/provider/integrator"
	"kejitong/store/storetest"
)

// madeClient is a client that the console made, as its developer knows it: what
// the pages showed, and nothing of the database.
func (r *rig) madeClient(b *browser, id string) *party {
	r.t.Helper()
	secret := r.shown(r.consoleSend(b, "/console/clients/"+id+"/secret", url.Values{"deed": {"alone"}}))
	p := b.get(r.issuer + "/console/clients/" + id)
	if strings.Contains(p.body, secret) || !strings.Contains(p.body, id) {
		r.t.Error("S71: the secret is shown again, or the page is another client's")
	}
	c := &party{id: id, secret: secret, redirect: consoleCallback}
	c.meta.TokenEndpointAuthMethod = "client_secret_basic"
	return c
}

// A client that came into being through the console alone serves well-known
// libraries of two languages: with test accounts in the sandbox, and with real
// ones when an operator has approved it.
func TestConsoleClientServesLibraries(t *testing.T) {
	p := newPlan(t, storetest.Postgres(t), variant{response: "code", auth: "client_secret_basic"}, nil)
	if err := p.cast.seedDesk(t.Context(), p.app); err != nil {
		t.Fatal(err)
	}
	r := &rig{stage: p.stage, options: p.options, clock: p.clock}
	dev, m := r.connected()
	password := r.shown(r.consoleSend(dev, "/console/projects/"+m.ID+"/sandbox", nil))
	sandbox := r.madeClient(dev, m.Sandbox)

	if sent := r.consoleSend(dev, "/console/projects/"+m.ID+"/submit", url.Values{"version": {str(r.project(m.ID).Version)}}); sent.StatusCode != http.StatusSeeOther {
		t.Fatalf("submit: %d\n%s", sent.StatusCode, sent.body)
	}
	desk := r.atDesk(r.securityAdmin())
	at := desk.get(r.issuer + "/admin/integrators/" + m.ID)
	if done := desk.press(at, "decision=approve"); done.StatusCode != http.StatusOK || r.project(m.ID).State != integrator.Approved {
		t.Fatalf("approve: %d\n%s", done.StatusCode, done.body)
	}
	live := r.madeClient(dev, r.project(m.ID).Production)

	legal := r.account("b")
	for _, who := range []struct {
		name                    string
		client                  *party
		login, password, window string
		claims                  map[string]string
	}{
		{"case a in the sandbox", sandbox, integrator.TestLogin(m.ID, integrator.PartPerson), password, "natural_person", map[string]string{"account_type": "natural_person"}},
		{"case b in the sandbox", sandbox, integrator.TestLogin(m.ID, integrator.PartUnit), password, "legal_entity", map[string]string{"account_type": "legal_entity"}},
		{"a real unit in earnest", live, legal.Username, legal.Password, legal.Kind, map[string]string{"account_type": "legal_entity", "name": r.person("b").Unit.Name}},
	} {
		check := func(p *plan, claims, info map[string]any) {
			p.t.Helper()
			if text(claims, "sub") == "" || claims["iss"] != p.issuer || claims["aud"] != who.client.id || info["sub"] != claims["sub"] {
				p.fail("claims %v, userinfo %v", claims, info)
			}
			for name, want := range who.claims {
				if info[name] != want {
					p.fail("userinfo has %s %v, want %q: %v", name, info[name], want, info)
				}
			}
		}
		// leave is where the browser is sent when it has signed in.
		leave := func(p *plan, begin string) string {
			p.t.Helper()
			b := p.agent()
			left := admitted(b, b.get(begin), who.login, who.password, who.window)
			if !arrived(left) {
				p.t.Fatalf("the browser stayed at %s with %d:\n%s", left.Request.URL, left.StatusCode, left.body)
			}
			return left.Header.Get("Location")
		}
		p.sub("openid-client, "+who.name, func(p *plan) {
			// Issuer, id and secret alone: the rest is what discovery says.
			n := p.node(who.client, map[string]any{"metadata": map[string]any{}, "scope": "openid profile org entitlements"})
			n.tell(map[string]any{"url": leave(p, text(n.hear(), "url"))})
			got := n.hear()
			claims, _ := got["claims"].(map[string]any)
			info, _ := got["userinfo"].(map[string]any)
			check(p, claims, info)
		})
		p.sub("go-oidc, "+who.name, func(p *plan) {
			c := oauth2.Config{ClientID: who.client.id, ClientSecret: who.client.secret, Endpoint: p.checker.Endpoint(), RedirectURL: who.client.redirect, Scopes: []string{"openid", "profile", "org", "entitlements"}}
			state, nonce, verifier := randomText(10), randomText(10), oauth2.GenerateVerifier()
			back, err := url.Parse(leave(p, c.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))))
			if err != nil || back.Query().Get("state") != state {
				p.t.Fatalf("came back to %s: %v", back, err)
			}
			tok, err := c.Exchange(p.context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				p.t.Fatal(err)
			}
			raw, _ := tok.Extra("id_token").(string)
			id, err := p.checker.Verifier(&oidc.Config{ClientID: c.ClientID, Now: p.clock.now}).Verify(p.context(), raw)
			if err != nil || id.Nonce != nonce || id.VerifyAccessToken(tok.AccessToken) != nil {
				p.t.Fatalf("the ID token is not acceptable: %v", err)
			}
			said, err := p.checker.UserInfo(p.context(), c.TokenSource(p.context(), tok))
			if err != nil {
				p.t.Fatal(err)
			}
			var claims, info map[string]any
			if err := id.Claims(&claims); err != nil {
				p.t.Fatal(err)
			}
			if err := said.Claims(&info); err != nil {
				p.t.Fatal(err)
			}
			check(p, claims, info)
		})
	}
}
