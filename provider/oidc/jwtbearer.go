package oidc

import (
	"context"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/ory/fosite"

	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/fault"
	"kejitong/provider/token"
)

// jwtBearerHandler is the JWT bearer grant (RFC 7523 §2.1). What a client signs
// itself proves who asks, never that anybody agreed. So its JWT speaks for those
// alone who allowed this client offline access: it does what the refresh token
// of the sign-in last redeemed would do, for one access token, without rotating
// it. A system that runs on many machines needs no shared place for refresh
// tokens then. Whatever ends the grant ends this, too.
type jwtBearerHandler struct{ p *Provider }

// CanSkipClientAuth is never so, although §2.1 would allow it: a JWT that leaked
// must not be enough.
func (h *jwtBearerHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest takes jwt-bearer alone.
func (h *jwtBearerHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(client.GrantJWTBearer)
}

// HandleTokenEndpointRequest finds the grant that the assertion speaks for. The
// jti is recorded last: nobody but the client can use one up.
func (h *jwtBearerHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	p, u := h.p, unitFrom(ctx)
	if !u.client.May(client.GrantJWTBearer) || u.client.Public() {
		return fosite.ErrUnauthorizedClient
	}
	said, err := p.openAssertion(ctx, u.client, r.GetRequestForm().Get("assertion"))
	if err != nil {
		return err
	}
	if err := p.spokenFor(ctx, u, said.Subject); err != nil {
		return err
	}
	may := slices.DeleteFunc(u.scopes, func(s string) bool { return s == consent.Offline }) // no refresh token comes of it
	if u.scopes, err = narrow(may, r.GetRequestForm().Get("scope")); err != nil {
		return err
	}
	fresh, err := p.Grants.UseAssertion(ctx, u.client.ID, said.ID, said.Expiry.Time().Add(p.Times.Skew), p.Now())
	if err != nil {
		return err
	}
	if !fresh { // RFC 7523 §3, point 7
		return invalidGrant("the assertion was used before")
	}
	for _, s := range u.scopes {
		r.GrantScope(s)
	}
	r.SetID(u.grant.ID)
	r.SetSession(&flowSession{unit: u, subject: string(u.grant.Account)})
	return nil
}

// openAssertion verifies the JWT of RFC 7523 §3; whatever is wrong with it is
// invalid_grant (§3.1).
func (p *Provider) openAssertion(ctx context.Context, c *client.Client, text string) (jwt.Claims, error) {
	var said jwt.Claims
	refused := invalidGrant("the assertion is not acceptable")
	if len(text) > maxAssertion || !plainHeader(text) {
		return said, refused
	}
	parsed, err := jwt.ParseSigned(text, assertionAlgorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return said, refused
	}
	head := parsed.Headers[0]
	// RFC 8725 §3.11: what the client signed for another purpose is no assertion.
	if v, there := head.ExtraHeaders[jose.HeaderType]; there {
		if typ, _ := v.(string); !strings.EqualFold(typ, "JWT") {
			return said, refused
		}
	}
	if !p.verifies(ctx, keysOf(c), head.KeyID, head.Algorithm, func(key any) bool {
		said = jwt.Claims{}
		return parsed.Claims(key, &said) == nil
	}) {
		return said, refused
	}
	switch {
	case said.Issuer != c.ID, // point 1
		said.Subject == "" || said.Subject == c.ID, // point 2; a client assertion is about the client itself
		!p.isAudience(said.Audience),               // point 3
		!p.timely(said),                            // points 4 to 6
		said.ID == "" || len(said.ID) > 512:
		return said, refused
	}
	return said, nil
}

// isAudience: the issuer or the token endpoint, and nobody else beside them.
func (p *Provider) isAudience(aud jwt.Audience) bool {
	return len(aud) > 0 && !slices.ContainsFunc(aud, func(a string) bool { return a != p.Issuer && a != p.Issuer+"/oauth2/token" })
}

// spokenFor finds the grant of the client for the subject. It counts for as long
// as its refresh token would be taken.
func (p *Provider) spokenFor(ctx context.Context, u *unit, subject string) error {
	none := invalidGrant("the client may not speak for this subject")
	now := p.Now()
	id, err := p.Grants.SpokenFor(ctx, u.client.ID, subject, now)
	if err == nil {
		held, e := p.Principals.ByGrant(ctx, id)
		if err = e; err == nil {
			u.held, u.grant = &held, &held.Grant
		}
	}
	if fault.Is(err, fault.NotFound) {
		return none
	}
	if err != nil {
		return err
	}
	g := u.grant
	// A refresh token that does not rotate has the absolute end alone.
	idle := u.client.Metadata.RotatesRefresh() && !now.Before(g.RotatedAt.Add(p.Times.RefreshIdle))
	if g.Client != u.client.ID || g.State != token.Active || !g.Offline || !now.Before(g.ExpiresAt) || idle ||
		subjectOf(p.Keys.Snapshot(), u.client, g.Account) != subject {
		return none
	}
	u.scopes = stillRegistered(u.client, g.Data.Scopes)
	return nil
}

// PopulateTokenEndpointResponse makes the access token; nothing is written.
func (h *jwtBearerHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	u := unitFrom(ctx)
	text, _, err := strategy{h.p}.GenerateAccessToken(ctx, r)
	if err != nil {
		return err
	}
	resp.SetAccessToken(text)
	resp.SetTokenType("bearer")
	resp.SetExpiresIn(lifeOf(h.p.Now(), h.p.Times.Access, u.grant.ExpiresAt).Sub(h.p.Now()))
	resp.SetScopes(u.scopes)
	return nil
}

// remember keeps, before the code of a sign-in with offline access is spent,
// which grant the client's own JWT will speak for.
func (p *Provider) remember(ctx context.Context, u *unit) error {
	if !p.Features.JWTBearerGrant || !u.grant.Offline || !u.client.May(client.GrantJWTBearer) {
		return nil
	}
	return p.Grants.SpeakFor(ctx, u.client.ID, subjectOf(p.Keys.Snapshot(), u.client, u.grant.Account), u.grant.ID, u.grant.ExpiresAt)
}
