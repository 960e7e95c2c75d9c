package oidc

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/token"
)

// storage is what fosite's handlers call. Reads fill the request's unit, each
// from one statement; writes only plan. What a handler asks for twice is read
// once; what the design has no row for (PKCE and OpenID Connect sessions,
// access tokens) is answered from the grant.
type storage struct{ p *Provider }

// GetClient is fosite's lookup at the authorization endpoint. A database
// failure stays one: fosite would call it an unknown client.
func (s storage) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	c, err := s.p.Clients.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	redirect := ""
	if u := unitFrom(ctx); u != nil {
		u.client, redirect = c, u.redirect
	}
	return relyingParty{c, redirect}, nil
}

// ClientAssertionJWTValid and SetClientAssertionJWT belong to fosite's own
// client authentication, which is not used.
func (s storage) ClientAssertionJWTValid(context.Context, string) error { return errUnreachable }

// SetClientAssertionJWT is not used either.
func (s storage) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return errUnreachable
}

func (s storage) CreateAuthorizeCodeSession(ctx context.Context, _ string, _ fosite.Requester) error {
	unitFrom(ctx).open = true
	return nil
}

// GetAuthorizeCodeSession finds the grant of a code. Whoever shows a code that
// is not his, or a forged one, learns nothing and changes nothing: the MAC is
// checked before the row is read, the grant's secret and the client before
// anything is revoked (RFC 6749 §4.1.2, §10.5).
func (s storage) GetAuthorizeCodeSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	u := unitFrom(ctx)
	if u.held == nil {
		if err := s.p.hold(ctx, u, code, token.Code); err != nil {
			return nil, err
		}
	}
	if u.spend { // second look by the same request
		return s.p.requester(u), nil
	}
	g := &u.held.Grant
	if g.CodeSpent || g.State == token.Revoked { // a hybrid grant is active before its code is spent
		u.replay = true
		return s.p.requester(u), fosite.ErrInvalidatedAuthorizeCode
	}
	return s.p.requester(u), nil
}

// hold reads the grant that the presented token names and proves that the token
// belongs to it and to the client at hand.
func (p *Provider) hold(ctx context.Context, u *unit, text string, kind token.Kind) error {
	o, err := p.codec.Parse(text, p.Now(), kind)
	if err != nil && !errors.Is(err, token.ErrExpired) {
		return fosite.ErrNotFound
	}
	h, err := p.Principals.ByGrant(ctx, o.GrantID)
	if fault.Is(err, fault.NotFound) {
		return fosite.ErrNotFound
	}
	if err != nil {
		return err
	}
	if !o.Proves(h.Grant.Secret) || u.client == nil || h.Grant.Client != u.client.ID {
		return fosite.ErrNotFound
	}
	u.held, u.presented, u.grant = &h, o, &h.Grant
	u.scopes = stillRegistered(u.client, h.Grant.Data.Scopes)
	return nil
}

// requester is the authorize request as fosite wants to see it again.
func (p *Provider) requester(u *unit) fosite.Requester {
	r := fosite.NewRequest()
	r.ID = u.grant.ID
	r.Client = relyingParty{u.client, u.redirect}
	r.RequestedAt = u.grant.CreatedAt
	r.RequestedScope, r.GrantedScope = u.scopes, u.scopes
	r.RequestedAudience, r.GrantedAudience = u.grant.Data.Audience, u.grant.Data.Audience
	r.Session = &flowSession{unit: u, subject: string(u.grant.Account)}
	r.Form = url.Values{}
	if uri := u.grant.Data.RedirectURI; uri != "" {
		r.Form.Set("redirect_uri", uri)
	}
	if c := u.grant.Data.Challenge; c != "" {
		r.Form.Set("code_challenge", c)
		r.Form.Set("code_challenge_method", "S256")
	}
	return r
}

func (s storage) InvalidateAuthorizeCodeSession(ctx context.Context, _ string) error {
	unitFrom(ctx).spend = true
	return nil
}

func (s storage) CreateAccessTokenSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (s storage) CreateRefreshTokenSession(context.Context, string, string, fosite.Requester) error {
	return nil
}

// RevokeAccessToken runs when a code is shown a second time: the whole grant
// dies, at once and outside the unit of work, because the request that found
// out fails. RevokeRefreshToken then has nothing left to do.
func (s storage) RevokeAccessToken(ctx context.Context, _ string) error {
	u := unitFrom(ctx)
	u.failed = s.p.revokeGrant(ctx, u.grant, audit.CodeReplayed) // fosite would answer invalid_grant all the same
	return u.failed
}

func (s storage) RevokeRefreshToken(context.Context, string) error { return nil }

func (p *Provider) revokeGrant(ctx context.Context, g *token.Grant, why audit.Kind) error {
	return p.Grants.RevokeGrant(ctx, g, audit.From(ctx, audit.Event{
		Kind: why, Actor: string(g.Account), Object: g.ID, Client: g.Client,
	}))
}

// The OpenID Connect session is the grant itself.
func (s storage) CreateOpenIDConnectSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (s storage) GetOpenIDConnectSession(ctx context.Context, _ string, _ fosite.Requester) (fosite.Requester, error) {
	u := unitFrom(ctx)
	if u.grant == nil || !u.grant.Data.Has("openid") {
		return nil, fosite.ErrNotFound
	}
	return s.p.requester(u), nil
}

func (s storage) DeleteOpenIDConnectSession(context.Context, string) error { return nil }

// The PKCE challenge is in the grant; it goes when the grant goes, never before
// it was verified.
func (s storage) GetPKCERequestSession(ctx context.Context, _ string, _ fosite.Session) (fosite.Requester, error) {
	u := unitFrom(ctx)
	if u.grant == nil || u.grant.Data.Challenge == "" {
		return nil, fosite.ErrNotFound
	}
	return s.p.requester(u), nil
}

func (s storage) CreatePKCERequestSession(ctx context.Context, _ string, r fosite.Requester) error {
	unitFrom(ctx).grant.Data.Challenge = r.GetRequestForm().Get("code_challenge")
	return nil
}

func (s storage) DeletePKCERequestSession(context.Context, string) error { return nil }

// The remaining calls belong to handlers that are not assembled.
func (s storage) GetAccessTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errUnreachable
}
func (s storage) DeleteAccessTokenSession(context.Context, string) error { return errUnreachable }
func (s storage) GetRefreshTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errUnreachable
}
func (s storage) DeleteRefreshTokenSession(context.Context, string) error  { return errUnreachable }
func (s storage) RotateRefreshToken(context.Context, string, string) error { return errUnreachable }

// noFetcher: see noHasher.
type noFetcher struct{}

func (noFetcher) Resolve(context.Context, string, bool) (*jose.JSONWebKeySet, error) {
	return nil, errUnreachable
}
