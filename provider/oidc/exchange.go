package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// The token types of RFC 8693 §3 that are known here.
const (
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
)

// maxDelegations is how many actors may stand in one chain (RFC 8693 §4.1).
const maxDelegations = 3

// exchangeHandler is token exchange (RFC 8693): the backend of a system, which
// got somebody's access token or is named in its audience, gets one of its own
// to act for that somebody. It is delegation alone: the new token always names
// its actor (§1.1), holds no more than the old one did, and dies with it.
//
//	grant of the sign-in ◀─Parent─ grant of the exchange ◀─Parent─ …
type exchangeHandler struct{ p *Provider }

// exchange is what a token exchange was shown.
type exchange struct {
	subject *access
	bound   []*confirmation // keys that the asker must prove himself
}

// CanSkipClientAuth is never so.
func (h *exchangeHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest takes token-exchange alone.
func (h *exchangeHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(client.GrantExchange)
}

// unacceptable is RFC 8693 §2.2.2: a subject or actor token that is invalid for
// any reason makes the request invalid.
func unacceptable(why string) error {
	return oauthError{"invalid_request", http.StatusBadRequest, why}
}

// HandleTokenEndpointRequest decides what the new token may be, and writes
// nothing.
func (h *exchangeHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	p, u, form := h.p, unitFrom(ctx), r.GetRequestForm()
	if !u.client.May(client.GrantExchange) || u.client.Public() {
		return fosite.ErrUnauthorizedClient
	}
	switch want := form.Get("requested_token_type"); {
	case want != "" && want != typeAccessToken:
		return unacceptable("only access tokens are issued by exchange")
	case form.Get("subject_token") == "" || form.Get("subject_token_type") == "":
		return unacceptable("the subject_token or its subject_token_type is missing")
	case (form.Get("actor_token") == "") != (form.Get("actor_token_type") == ""): // §2.1
		return unacceptable("actor_token and actor_token_type go together")
	}
	x := &exchange{}
	var err error
	if x.subject, err = p.shown(ctx, form.Get("subject_token"), form.Get("subject_token_type")); err != nil {
		return err
	}
	a := x.subject
	holder := a.client.ID == u.client.ID
	if a.held == nil || !holder && !named(u.client, a.audience) {
		return unacceptable("the subject_token is not for this client, or nobody signed in for it")
	}
	if a.client.Sandbox != u.client.Sandbox {
		return unacceptable("test accounts and real ones do not mix")
	}
	if holder && a.confirm != nil {
		x.bound = append(x.bound, a.confirm)
	}
	act := token.Act{Client: u.client.ID}
	if text := form.Get("actor_token"); text != "" {
		if act, err = h.actor(ctx, u.client, x, text, form.Get("actor_token_type")); err != nil {
			return err
		}
	}
	g, err := p.delegated(u.client, a, act)
	if err != nil {
		return err
	}
	if u.scopes, err = delegatedScopes(u.client, a, form.Get("scope")); err != nil {
		return err
	}
	if u.resources, err = p.delegatedAudience(u, a, append(slices.Clone(form["resource"]), form["audience"]...)); err != nil {
		return err
	}
	if g.Data.Details, err = delegatedDetails(u.client, a, form.Get("authorization_details")); err != nil {
		return err
	}
	g.Data.Scopes, g.Data.Audience = u.scopes, u.resources
	u.exchange, u.grant = x, g
	u.held = &principal.Held{Grant: *g, Principal: a.held.Principal, Actor: a.held.Actor, SessionOver: a.held.SessionOver}
	for _, s := range u.scopes {
		r.GrantScope(s)
	}
	r.SetID(g.ID)
	r.SetSession(&flowSession{unit: u, subject: string(g.Account)})
	return nil
}

// shown reads a token that was given with its type.
func (p *Provider) shown(ctx context.Context, text, kind string) (*access, error) {
	if kind != typeAccessToken && (kind != typeJWT || strings.Count(text, ".") != 2) {
		return nil, unacceptable("the type of the subject_token or actor_token is not supported")
	}
	a, err := p.look(ctx, text)
	if errors.Is(err, errNoToken) {
		return nil, unacceptable("the subject_token or actor_token is invalid, expired or revoked")
	}
	return a, err
}

// actor is who acts, if an actor token says so: the asking client by a token of
// its own, or somebody who is signed in at it. Nobody brings others' tokens.
func (h *exchangeHandler) actor(ctx context.Context, c *client.Client, x *exchange, text, kind string) (token.Act, error) {
	a, err := h.p.shown(ctx, text, kind)
	if err != nil {
		return token.Act{}, err
	}
	if a.client.ID != c.ID || a.held != nil && a.held.Grant.Data.Parent != "" {
		return token.Act{}, unacceptable("the actor_token was not issued to this client")
	}
	if a.confirm != nil {
		x.bound = append(x.bound, a.confirm)
	}
	act := token.Act{Client: c.ID}
	if a.held != nil {
		act.Account = a.held.Grant.Account
	}
	return act, nil
}

// delegated makes the grant of an exchange out of the one that it comes from:
// the same account, unit and session, and the end of the token that was shown.
func (p *Provider) delegated(c *client.Client, a *access, act token.Act) (*token.Grant, error) {
	parent := &a.held.Grant
	if len(parent.Data.Acts) >= maxDelegations {
		return nil, unacceptable("the subject_token was exchanged too often")
	}
	g, err := token.NewGrant(c.ID, p.Now())
	if err != nil {
		return nil, err
	}
	g.Account, g.UnitID, g.SessionID, g.Offline = parent.Account, parent.UnitID, parent.SessionID, parent.Offline
	g.State, g.CodeSpent, g.ExpiresAt = token.Active, true, a.expires
	if parent.ExpiresAt.Before(g.ExpiresAt) {
		g.ExpiresAt = parent.ExpiresAt
	}
	g.Data = token.Data{
		AuthTime: parent.Data.AuthTime, ACR: parent.Data.ACR, AMR: parent.Data.AMR, Actor: parent.Data.Actor,
		Parent: parent.ID, Acts: append([]token.Act{act}, parent.Data.Acts...),
	}
	held := *a.held
	held.Grant = *g
	// The asking client's own gate holds for whom it acts for, too.
	if err := p.stands(&unit{client: c, held: &held, grant: g}); err != nil {
		return nil, unacceptable("the account of the subject_token may not enter this client")
	}
	return g, nil
}

// delegatedScopes: those of the subject token that the client registered, or
// fewer. Claims that were allowed one by one, and staying signed in, were allowed
// to somebody else.
func delegatedScopes(c *client.Client, a *access, asked string) ([]string, error) {
	may := slices.DeleteFunc(stillRegistered(c, a.scopes), func(s string) bool { return strings.HasPrefix(s, claimMark) || s == consent.Offline })
	return narrow(may, asked)
}

// delegatedAudience: targets of the subject token that the client may name
// (RFC 8693 §2.1, RFC 8707 §2): never one that it did not have.
func (p *Provider) delegatedAudience(u *unit, a *access, asked []string) ([]string, error) {
	may := slices.DeleteFunc(slices.Clone(a.audience), func(t string) bool {
		return t != p.Issuer && !slices.Contains(u.client.Metadata.Audience, t) && !named(u.client, []string{t})
	})
	if len(asked) == 0 {
		asked = may
	}
	if len(asked) == 0 {
		return nil, errTarget
	}
	return narrowAudience(may, asked)
}

// delegatedDetails: those of the subject token that concern the client's own
// systems, or fewer.
func delegatedDetails(c *client.Client, a *access, asked string) (json.RawMessage, error) {
	raw := a.held.Grant.Data.Details
	if raw != nil && a.details != nil {
		raw = a.details
	}
	stored, err := storedDetails(raw)
	if err != nil {
		return nil, err
	}
	own := entitlement.Of(stored, c.Metadata.BusinessSystems)
	if asked != "" {
		wanted, err := readDetails(c, asked)
		if err != nil {
			return nil, err
		}
		var ok bool
		if own, ok = entitlement.Within(wanted, own); !ok {
			return nil, errDetails
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	return json.Marshal(own)
}

// checkBound: whoever holds a token that is bound to a key proves the key; and
// what was bound does not become a bearer token (RFC 9449 §1, RFC 8705 §1). A
// resource server that is shown a bound token has no such key: it proved by
// authenticating that it is the one the token was for, and binds the new token to
// a key of its own.
func (x *exchange) checkBound(proved *confirmation) error {
	for _, want := range x.bound {
		if proved == nil || *proved != *want {
			return unacceptable("the subject_token or actor_token is bound to a key that the request does not prove")
		}
	}
	if x.subject.confirm != nil && proved == nil {
		return unacceptable("a token that is bound to a key is exchanged for one that is bound to a key alone")
	}
	return nil
}

// PopulateTokenEndpointResponse makes the token; flush writes its grant.
func (h *exchangeHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	u := unitFrom(ctx)
	if err := u.exchange.checkBound(u.confirm); err != nil {
		return err
	}
	text, _, err := strategy{h.p}.GenerateAccessToken(ctx, r)
	if err != nil {
		return err
	}
	resp.SetAccessToken(text)
	resp.SetTokenType("bearer")
	resp.SetExpiresIn(lifeOf(h.p.Now(), h.p.Times.Access, u.grant.ExpiresAt).Sub(h.p.Now()))
	resp.SetScopes(u.scopes)
	resp.SetExtra("issued_token_type", typeAccessToken) // §2.2.1
	return nil
}

// openExchange writes the grant of an exchange.
func (p *Provider) openExchange(ctx context.Context, u *unit) error {
	_, err := p.Grants.OpenGrant(ctx, u.grant, token.Consume{}, audit.From(ctx, audit.Event{
		Kind: audit.TokenExchanged, Actor: u.client.ID, Object: u.grant.ID, Client: u.client.ID, Detail: visibleScope(u.scopes),
	}))
	return err
}
