package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"kejitong/provider/audit"
	"kejitong/provider/consent"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// issue makes the grant and its code or tokens and sends the browser home. The
// one write inserts the grant and uses up what led to it.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, a *asked, v *principal.Visit, pd *parked, unitID string) {
	ctx, u := withUnit(r.Context())
	u.client, u.redirect = a.client, a.redirect
	g, err := p.newGrant(a, v, pd, unitID)
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	u.grant = g
	if a.kind.front() {
		a.kind.begin(g)
		u.holdNew(v)
	}
	params, err := p.answerOf(ctx, a, u)
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	use := token.Consume{Pushed: a.pushed}
	if pd != nil {
		use.Interaction = pd.Key
	}
	won, err := p.Grants.OpenGrant(ctx, u.grant, use, issued(ctx, a, u.grant, use))
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	if !won {
		p.outrun(w, r, a, pd)
		return
	}
	p.respond(w, r, a, params)
}

// answerOf makes what the response brings, before anything is written.
func (p *Provider) answerOf(ctx context.Context, a *asked, u *unit) (url.Values, error) {
	params := url.Values{}
	if a.kind.code {
		for _, s := range u.grant.Data.Scopes {
			a.fosite.GrantScope(s)
		}
		resp, err := p.fosite.NewAuthorizeResponse(ctx, a.fosite, &flowSession{unit: u, subject: string(u.grant.Account)})
		if err != nil {
			return nil, err
		}
		params.Set("code", resp.GetCode())
	}
	if a.kind.front() {
		return params, p.frontChannel(ctx, a, u, params)
	}
	return params, nil
}

// issued is the trace that a response leaves. Tokens in it tell the client about
// the user at once; a silent code leaves its trace when it is spent:
// claims.released.
func issued(ctx context.Context, a *asked, g *token.Grant, use token.Consume) audit.Event {
	ev := audit.Event{Kind: audit.CodeIssued, Actor: string(g.Account), Object: g.ID, Client: g.Client}
	switch {
	case a.kind.front():
		ev.Kind, ev.Detail = audit.ClaimsReleased, visibleScope(g.Data.Scopes)
	case use == token.Consume{}:
		return audit.Event{}
	}
	return audit.From(ctx, ev)
}

// outrun answers the loser of two submits of one interaction: with the winner's
// code if there is an interaction to find it by, else with an error.
func (p *Provider) outrun(w http.ResponseWriter, r *http.Request, a *asked, pd *parked) {
	if pd != nil {
		again, err := p.Flow.Pending(r.Context(), pd.Key)
		if err == nil && again.GrantID != "" {
			p.repeat(w, r, a, again)
			return
		}
	}
	p.answerError(w, r, a, oauthError{"invalid_request_uri", http.StatusBadRequest, "the request_uri has expired or was used"})
}

func (p *Provider) newGrant(a *asked, v *principal.Visit, pd *parked, unitID string) (*token.Grant, error) {
	now := p.Now()
	g, err := token.NewGrant(a.client.ID, now)
	if err != nil {
		return nil, err
	}
	answered := pd != nil && pd.Consented && pd.Session == v.Session.ID
	scopes, singles := a.granted(v.Consent, answered)
	g.Account, g.UnitID, g.SessionID = v.Principal.Account.ID, unitID, v.Session.ID
	g.CodeExp, g.ExpiresAt = now.Add(p.Times.Code), now.Add(p.Times.RefreshAbsolute)
	g.Offline = slices.Contains(scopes, consent.Offline)
	if !g.Offline && v.Session.ExpiresAt.Before(g.ExpiresAt) {
		g.ExpiresAt = v.Session.ExpiresAt // without offline_access tokens die with the session
	}
	g.Data = token.Data{
		Scopes: append(scopes, singles...), Audience: a.resources, RedirectURI: a.form.Get("redirect_uri"), Nonce: a.form.Get("nonce"),
		AuthTime: v.Session.AuthTime.Unix(), ACR: v.Session.ACR, AMR: v.Session.AMR, Actor: v.Session.Actor, Claims: a.claims,
		DPoPJKT: a.form.Get("dpop_jkt"),
	}
	if may := a.permitted(v.Principal, unitID, now); may != nil {
		g.Data.Details, err = json.Marshal(may)
	}
	return g, err
}

// granted gives the scopes that the grant gets and the marks of claims that
// were asked for one by one ("claim:profile"). A first-party client gets what
// it registered and asked for, unless the user was asked all the same (answered)
// and then, as for every other client, what the user allowed.
func (a *asked) granted(c consent.Consent, answered bool) (scopes, singles []string) {
	allowed := a.consentScopes()
	if !asksFreely(a.client) || answered {
		allowed = c.Allowed(allowed)
	}
	for _, s := range a.scopes {
		if slices.Contains(allowed, s) {
			scopes = append(scopes, s)
		}
	}
	if len(a.claims) == 0 {
		return scopes, nil
	}
	for _, s := range allowed {
		singles = append(singles, claimScope(s))
	}
	return scopes, singles
}
