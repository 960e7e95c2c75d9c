package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/token"
)

var inactive = map[string]any{"active": false}

// introspect is token introspection (RFC 7662). A token is shown to the client
// it was issued to and to a resource server that its audience names; to
// everybody else it does not exist (§2.2, §4).
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	asker, text, err := p.direct(w, r, "token")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if asker.Public() { // §2.1: the endpoint requires authorization
		p.refuse(w, r, blame(asker, invalidClient("introspection needs a client that authenticates")))
		return
	}
	m, err := p.describe(r.Context(), asker, text)
	if errors.Is(err, errNoToken) {
		m, err = inactive, nil
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.sendIntrospection(w, r, asker, m)
}

// direct reads a request of an authenticated client that carries a token in the
// named parameter.
func (p *Provider) direct(w http.ResponseWriter, r *http.Request, param string) (*client.Client, string, error) {
	if err := readForm(w, r, maxTokenBody); err != nil {
		return nil, "", err
	}
	c, err := p.identify(r.Context(), r, r.PostForm)
	if err != nil {
		return nil, "", err
	}
	text := r.PostForm.Get(param)
	if text == "" {
		return nil, "", blame(c, invalidRequest("the %s parameter is missing", param))
	}
	return c, text, nil
}

func (p *Provider) describe(ctx context.Context, asker *client.Client, text string) (map[string]any, error) {
	if _, err := p.codec.Parse(text, p.Now(), token.Refresh); err == nil {
		return p.describeRefresh(ctx, asker, text)
	}
	a, err := p.look(ctx, text)
	if err != nil {
		return nil, err
	}
	if a.client.ID != asker.ID && !named(asker, a.audience) {
		return nil, errNoToken
	}
	return p.described(a), nil
}

// described is what introspection says of a live access token.
func (p *Provider) described(a *access) map[string]any {
	m := map[string]any{
		"active": true, "iss": p.Issuer, "client_id": a.client.ID, "scope": visibleScope(a.scopes),
		"exp": a.expires.Unix(), "aud": a.audience, "token_type": a.confirm.scheme(),
	}
	if a.confirm != nil { // RFC 9449 §6.2, RFC 8705 §3.2
		m["cnf"] = a.confirm
	}
	if jti := a.jwtOr("jti"); jti != "" {
		m["jti"], m["iat"] = jti, a.issued.Unix()
	}
	if a.held == nil {
		m["sub"] = a.client.ID
		return m
	}
	g := &a.held.Grant
	rel := p.newRelease(a.client, a.held, a.scopes)
	base := rel.base()
	m["sub"] = base["sub"]
	m["auth_time"], m["acr"], m["amr"] = g.Data.AuthTime, g.Data.ACR, g.Data.AMR
	if rel.ours() && rel.has(consent.Entitlements) {
		m["entitlements"] = entitlement.Names(rel.grants)
	}
	if d := rel.tokenDetails(a.details); d != nil { // RFC 9396 §9.2
		m["authorization_details"] = d
	}
	for _, name := range []string{"account_type", "org", "act"} {
		if v, ok := base[name]; ok {
			m[name] = v
		}
	}
	if act := rel.act(); act != nil { // RFC 8693 §4.1
		m["act"] = act
	}
	return m
}

// describeRefresh shows a refresh token to its own client only.
func (p *Provider) describeRefresh(ctx context.Context, asker *client.Client, text string) (map[string]any, error) {
	u := &unit{client: asker}
	if err := p.hold(ctx, u, text, token.Refresh); err != nil {
		return nil, missing(err)
	}
	g := u.grant
	if g.State != token.Active || int64(u.presented.Generation) != g.Generation || !p.Now().Before(u.presented.ExpiresAt) ||
		u.held.SessionOver && !g.Offline || p.stands(u) != nil {
		return nil, errNoToken
	}
	return map[string]any{
		"active": true, "iss": p.Issuer, "client_id": asker.ID, "scope": visibleScope(g.Data.Scopes),
		"exp": u.presented.ExpiresAt.Unix(), "sub": subjectOf(p.Keys.Snapshot(), asker, g.Account), "token_type": "refresh_token",
	}, nil
}

// named tells whether c is one of the resource servers of an audience.
func named(c *client.Client, audience []string) bool {
	return slices.ContainsFunc(audience, func(a string) bool {
		return a == c.ID || slices.Contains(c.Metadata.ResourceIdentifiers, a)
	})
}
