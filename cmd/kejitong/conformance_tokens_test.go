package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// reuse redeems a code a second time; RFC 6749 §4.1.2: it is refused, and what
// the first brought is revoked.
func (p *plan) reuse(after time.Duration) {
	p.t.Helper()
	o := p.visit(p.agent(), p.ask(p.first))
	g := p.success(p.first, o)
	p.clock.move(after)
	p.invalidGrant(p.redeem(p.first, o), "second use of a code")
	if a := p.userinfo(g.access); a.status < 400 || a.status > 499 {
		p.fail("the access token of the first use lives: %s", a)
	}
	if g.refresh != "" {
		p.invalidGrant(p.call(p.first, "token_endpoint", refreshForm(g.refresh)), "refresh token of the first use")
	}
}

// refreshing gets tokens that can be refreshed, and refreshes them once.
func (p *plan) refreshing(c *party) granted {
	p.t.Helper()
	_, g := p.flow(p.agent(), c, "scope", "openid offline_access", "prompt", "consent")
	if g.refresh == "" {
		p.t.Fatal("no refresh token")
	}
	return p.refreshed(g, "openid offline_access")
}

// refreshed shows a refresh token with a scope and holds the answer to OpenID
// Connect Core §12.2.
func (p *plan) refreshed(g granted, scope string) granted {
	p.t.Helper()
	p.clock.move(2 * time.Second)
	v := refreshForm(g.refresh)
	v.Set("scope", scope)
	a := p.call(g.party, "token_endpoint", v)
	if a.status != http.StatusOK {
		p.t.Fatalf("refresh: %s", a)
	}
	n := g
	n.access = text(a.body, "access_token")
	if r := text(a.body, "refresh_token"); r != "" {
		n.refresh = r
	}
	if raw := text(a.body, "id_token"); raw != "" {
		n.idToken, n.back = raw, p.verified(g.party, raw, url.Values{"nonce": {text(a.body, "nonce")}})
		for _, same := range []string{"iss", "sub", "aud", "auth_time", "azp"} {
			if fmt.Sprint(n.back[same]) != fmt.Sprint(g.back[same]) {
				p.fail("refreshed ID token: %s %v, was %v", same, n.back[same], g.back[same])
			}
		}
		if n.back["iat"].(float64) <= g.back["iat"].(float64) {
			p.fail("refreshed ID token: iat %v, was %v", n.back["iat"], g.back["iat"])
		}
	}
	if n.access == g.access {
		p.fail("the same access token")
	}
	p.shown(n.access, n.back)
	return n
}

// unsignedObject is a request object without a signature (RFC 7519 §6).
func unsignedObject(claims map[string]any) string {
	return segment(map[string]any{"alg": "none"}) + "." + segment(claims) + "."
}

func segment(v map[string]any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of texts and numbers: cannot be
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// signedOnly sends an object without signature where signed ones are known: RFC
// 9101 §6.2, it is refused and nothing in it counts.
func (p *plan) signedOnly() {
	p.t.Helper()
	q := p.ask(p.first, "request", unsignedObject(map[string]any{"iss": p.first.id, "aud": p.issuer, "client_id": p.first.id, "scope": "openid email"}))
	p.refused(p.visit(p.agent(), q), "invalid_request_object", "request_not_supported")
}
