package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/principal"
	"kejitong/provider/session"
)

// PreviewRequest says of whom, for which client, and for which request the claims
// are to be shown.
type PreviewRequest struct {
	Client *client.Client
	Who    principal.Principal
	Scope  string // "" for all that is registered
	Claims string // the claims parameter
	Unit   string // org_hint: a USCC
	ACR    string // how the user signed in; "" for a password alone
}

// Preview is what the client would be told. Where the request would not lead to
// tokens, Step or Error says what it leads to.
type Preview struct {
	Step, Reason       string // "issue", or the step that the user would be sent to, and why
	Error, Description string // the error that the client would get
	Scope              string // what is left of the scope
	IDToken            map[string]any
	Userinfo           map[string]any
	Access             map[string]any // of a JWT access token, else what introspection says
	Opaque             bool           // the access token itself says nothing
}

// Preview shows what a client would learn about somebody who allows all that it
// asks for. The checks, the decision and the claims are those of a real request;
// only nothing is written and no token is made. Whom it may be shown for is the
// caller's to decide.
func (p *Provider) Preview(ctx context.Context, q PreviewRequest) (Preview, error) {
	a, err := p.examine(ctx, q.form())
	var local localError
	if errors.As(err, &local) {
		return Preview{Error: "invalid_request", Description: "the client has no redirect URI"}, nil
	}
	if err != nil {
		e, _, ok := asProtocol(err)
		if !ok || e.status >= 500 {
			return Preview{}, err
		}
		return Preview{Error: e.code, Description: e.description}, nil
	}
	now := p.Now()
	v := &principal.Visit{Principal: q.Who, Session: session.Session{
		ID: "preview", Account: q.Who.Account.ID, AuthTime: now, ACR: session.ACRPassword, AMR: []string{"pwd"}, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(p.Times.Access),
	}}
	switch q.ACR {
	case session.ACRSecond:
		v.Session.ACR, v.Session.AMR = q.ACR, []string{"pwd", "otp"}
	case session.ACRStrong:
		v.Session.ACR, v.Session.AMR = q.ACR, []string{"pwd", "swk"}
	}
	v.Consent = consent.Consent{Scopes: a.consentScopes(), GivenAt: now}
	pd := &parked{Pending: authflow.Pending{Session: v.Session.ID, Consented: true, SignedInAt: now, Selected: true}}
	facts, unitID := p.facts(a, v, pd)
	verdict := authflow.Decide(facts)
	out := Preview{Step: string(verdict.Step), Reason: string(verdict.Reason), Scope: strings.Join(a.scopes, " ")}
	if verdict.Step != authflow.Issue {
		return out, nil
	}
	g, err := p.newGrant(a, v, pd, unitID)
	if err != nil {
		return out, err
	}
	held := &principal.Held{Grant: *g, Principal: q.Who}
	u := &unit{client: a.client, held: held, grant: g, scopes: g.Data.Scopes}
	u.release = p.newRelease(a.client, held, u.scopes)
	id, _, err := p.idTokenClaims(u)
	if err != nil {
		return out, err
	}
	out.IDToken, out.Userinfo = id, u.release.userinfo()
	exp := lifeOf(now, p.Times.Access, g.ExpiresAt)
	if a.client.Metadata.AccessTokenFormat == "jwt" {
		jwt, err := p.accessClaims(u, exp)
		out.Access = jwt
		return out, err
	}
	out.Opaque = true
	out.Access = p.described(&access{client: a.client, held: held, grantID: g.ID, scopes: u.scopes, audience: audience(p.Issuer, g), expires: exp})
	return out, nil
}

// form is a request that is in order but for what the preview is about.
func (q PreviewRequest) form() url.Values {
	m := q.Client.Metadata
	sum := sha256.Sum256([]byte("preview"))
	v := url.Values{
		"client_id": {q.Client.ID}, "response_type": {"code"}, "scope": {m.Scope}, "nonce": {"preview"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if len(m.RedirectURIs) > 0 {
		v.Set("redirect_uri", m.RedirectURIs[0])
	}
	for name, value := range map[string]string{"scope": q.Scope, "claims": q.Claims, "org_hint": q.Unit} {
		if strings.TrimSpace(value) != "" {
			v.Set(name, value)
		}
	}
	return v
}
