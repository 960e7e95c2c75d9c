package main

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A client that knows issuer, id and secret alone signs somebody in: discovery,
// code with PKCE, verified ID token, userinfo, refresh (OpenID Connect Core §3.1).
func TestFlowWithAnIndependentClient(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		ctx := context.Background()
		op, err := oidc.NewProvider(ctx, s.issuer)
		if err != nil {
			t.Fatal(err)
		}
		rp := oauth2.Config{
			ClientID: "demo-code", ClientSecret: s.secret("demo-code"), Endpoint: op.Endpoint(), RedirectURL: democb,
			Scopes: []string{"openid", "profile", "org", "entitlements", "offline_access"},
		}
		verifier := oauth2.GenerateVerifier()
		b := s.browser()
		p := b.get(rp.AuthCodeURL("state-1", oidc.Nonce("nonce-1"), oauth2.S256ChallengeOption(verifier)))
		q := callback(t, b.signIn(s, p, "b"))
		if q.Get("state") != "state-1" || q.Get("iss") != s.issuer {
			t.Fatalf("authorization response %v: want the state as sent and the issuer (RFC 9207)", q)
		}
		tok, err := rp.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := tok.Extra("id_token").(string)
		id, err := op.Verifier(&oidc.Config{ClientID: "demo-code"}).Verify(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		if id.Nonce != "nonce-1" {
			t.Errorf("nonce %q, want the one sent", id.Nonce)
		}
		if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
			t.Errorf("at_hash: %v", err)
		}
		var c struct {
			Org          map[string]any `json:"org"`
			Entitlements []string       `json:"entitlements"`
			ACR          string         `json:"acr"`
		}
		if err := id.Claims(&c); err != nil {
			t.Fatal(err)
		}
		if c.Org["uscc"] != demoUSCC || c.Org["relation"] != "self" || len(c.Entitlements) != 2 || c.ACR != "urn:fuwu:aal:1" {
			t.Errorf("claims %+v: want the unit itself with two entitlements, signed in by password", c)
		}
		ui, err := op.UserInfo(ctx, oauth2.StaticTokenSource(tok))
		if err != nil {
			t.Fatal(err)
		}
		if ui.Subject != id.Subject {
			t.Errorf("userinfo is about %q, the ID token about %q", ui.Subject, id.Subject)
		}
		again, err := rp.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
		if err != nil {
			t.Fatal(err)
		}
		if again.RefreshToken == tok.RefreshToken || again.AccessToken == tok.AccessToken {
			t.Error("refresh did not rotate")
		}
		if raw, _ := again.Extra("id_token").(string); raw == "" {
			t.Error("refresh gave no ID token")
		}
	})
}

// One sign-in opens the second system without a password, and one sign-out
// closes the session for both.
func TestOneSignInOpensTwoSystems(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		b := s.browser()
		first := s.tokens(b, "b", "openid org entitlements")
		a := newAttempt("openid org entitlements")
		a.params.Set("client_id", "tech-sme")
		a.params.Set("redirect_uri", s.cast.systems[1].BaseURL+"/cb")
		q := callback(t, b.get(s.authorizeURL(a)))
		status, second := s.exchange(a, q.Get("code"))
		if status != http.StatusOK {
			t.Fatalf("second system: %d %v", status, second)
		}
		p := b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(first, "id_token")}}.Encode())
		if p.StatusCode != http.StatusOK || p.Request.URL.Path != "/logout/done" {
			t.Fatalf("sign-out ended at %s with %d", p.Request.URL.Path, p.StatusCode)
		}
		for name, tok := range map[string]string{"first": text(first, "access_token"), "second": text(second, "access_token")} {
			if status, _ := s.userinfo(tok); status != http.StatusUnauthorized {
				t.Errorf("%s system's access token still works after sign-out: %d", name, status)
			}
		}
		silent := newAttempt("openid")
		silent.params.Set("prompt", "none")
		if e := callback(t, b.get(s.authorizeURL(silent))).Get("error"); e != "login_required" {
			t.Errorf("prompt=none after sign-out: %q, want login_required", e)
		}
	})
}
