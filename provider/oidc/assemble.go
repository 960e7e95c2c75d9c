package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"
)

// assemble builds fosite from the handlers that this provider offers. The
// places of what comes later (implicit, hybrid, device, token exchange, DPoP)
// are further entries of these two lists.
func (p *Provider) assemble() *fosite.Fosite {
	st, strategy := storage{p}, strategy{p}
	cfg := &configuration{p: p}
	idToken := &openid.IDTokenHandleHelper{IDTokenStrategy: strategy}
	code := &oauth2.AuthorizeExplicitGrantHandler{
		AccessTokenStrategy: strategy, RefreshTokenStrategy: strategy, AuthorizeCodeStrategy: strategy,
		CoreStorage: st, TokenRevocationStorage: st, Config: cfg,
	}
	proof := &pkceHandler{pkce.Handler{AuthorizeCodeStrategy: strategy, Storage: st, Config: cfg}}
	// Every field is set: fosite fills missing ones lazily and without a lock.
	cfg.Config = &fosite.Config{
		AccessTokenLifespan: p.Times.Access, RefreshTokenLifespan: p.Times.RefreshIdle, AuthorizeCodeLifespan: p.Times.Code,
		IDTokenLifespan: p.Times.IDToken, IDTokenIssuer: p.Issuer, AccessTokenIssuer: p.Issuer,
		MinParameterEntropy: 1, // state and nonce are the client's own affair; params.go bounds them
		ScopeStrategy:       fosite.ExactScopeStrategy, AudienceMatchingStrategy: exactAudience,
		AllowedPromptValues: []string{"none", "login", "consent", "select_account"},
		RedirectSecureChecker: func(context.Context, *url.URL) bool {
			return true // registration and redirect.go have decided which URIs there are
		},
		RefreshTokenScopes: []string{}, OmitRedirectScopeParam: true,
		SanitationWhiteList:  []string{"redirect_uri"},
		ClientSecretsHasher:  noHasher{},
		HMACHasher:           sha256.New,
		TokenURL:             p.Issuer + "/oauth2/token",
		JWKSFetcherStrategy:  noFetcher{},
		FormPostHTMLTemplate: nil, MessageCatalog: nil,
		ClientAuthenticationStrategy: p.authenticate,
		AuthorizeEndpointHandlers:    fosite.AuthorizeEndpointHandlers{code, proof},
		TokenEndpointHandlers: fosite.TokenEndpointHandlers{
			code,
			&openid.OpenIDConnectExplicitHandler{OpenIDConnectRequestStorage: st, Config: cfg, IDTokenHandleHelper: idToken},
			&oauth2.ClientCredentialsGrantHandler{
				HandleHelper: &oauth2.HandleHelper{AccessTokenStrategy: strategy, AccessTokenStorage: st, Config: cfg}, Config: cfg,
			},
			&refreshHandler{p: p, idToken: idToken},
			proof,
		},
		GlobalSecret: make([]byte, 32), // never used: tokens are made by strategy
	}
	if p.Features.DeviceGrant {
		cfg.TokenEndpointHandlers.Append(&deviceHandler{p: p, idToken: idToken})
	}
	if p.Features.TokenExchange {
		cfg.TokenEndpointHandlers.Append(&exchangeHandler{p})
	}
	if p.Features.JWTBearerGrant {
		cfg.TokenEndpointHandlers.Append(&jwtBearerHandler{p})
	}
	cfg.TokenEndpointHandlers.Append(unsupportedGrant{p.grantTypes()})
	return fosite.NewOAuth2Provider(st, cfg)
}

// configuration is fosite's own, except where the answer depends on the client.
type configuration struct {
	*fosite.Config
	p *Provider
}

// GetEnforcePKCE: RFC 9700 §2.1.1: required for every client but a confidential
// one whose registration relaxes it.
func (c *configuration) GetEnforcePKCE(ctx context.Context) bool {
	u := unitFrom(ctx)
	return u == nil || u.client == nil || pkceRequired(u.client)
}

// GetEnforcePKCEForPublicClients is always so.
func (c *configuration) GetEnforcePKCEForPublicClients(context.Context) bool { return true }

// exactAudience accepts audiences that the client registered, nothing else.
func exactAudience(haystack, needle []string) error {
	for _, n := range needle {
		if !slices.Contains(haystack, n) {
			return oauthError{code: "invalid_target", status: 400, description: "the requested audience is not registered for this client"}
		}
	}
	return nil
}

// noHasher and noFetcher stand where fosite would otherwise make its own
// bcrypt hasher and HTTP fetcher; authenticate.go does that work.
type noHasher struct{}

var errUnreachable = errors.New("oidc: fosite's own client authentication is not used")

func (noHasher) Compare(context.Context, []byte, []byte) error { return errUnreachable }
func (noHasher) Hash(context.Context, []byte) ([]byte, error)  { return nil, errUnreachable }

// pkceHandler is fosite's PKCE check with one addition: a bad verifier kills
// the code for everybody (RFC 7636 leaves that open; without it, a stolen code
// could be tried again).
type pkceHandler struct{ pkce.Handler }

// HandleTokenEndpointRequest checks the verifier and marks the code for burning
// if it is wrong.
func (h *pkceHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	err := h.Handler.HandleTokenEndpointRequest(ctx, r)
	if err == nil || errors.Is(err, fosite.ErrUnknownRequest) {
		return err
	}
	if u := unitFrom(ctx); u != nil && u.held != nil {
		u.burn = true
	}
	// RFC 7636 §4.6: invalid_grant, also for a verifier of the wrong form or none.
	return oauthError{code: "invalid_grant", status: 400, description: "the code_verifier does not match the code_challenge"}
}

// lifeOf is the smaller of two times from now on.
func lifeOf(now time.Time, d time.Duration, end time.Time) time.Time {
	t := now.Add(d)
	if !end.IsZero() && end.Before(t) {
		return end
	}
	return t
}
