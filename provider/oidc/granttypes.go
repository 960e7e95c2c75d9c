package oidc

import (
	"context"
	"slices"

	"github.com/ory/fosite"

	"kejitong/provider/client"
)

// grantTypes are the grant types that this deployment offers. Discovery lists
// them; every other is unsupported_grant_type.
func (p *Provider) grantTypes() []string {
	out := []string{client.GrantCode, client.GrantRefresh, client.GrantClient}
	if p.Features.DeviceGrant {
		out = append(out, client.GrantDevice)
	}
	if p.Features.TokenExchange {
		out = append(out, client.GrantExchange)
	}
	if p.Features.JWTBearerGrant {
		out = append(out, client.GrantJWTBearer)
	}
	return out
}

// unsupportedGrant answers for every grant type that is not offered (RFC 6749
// §5.2); fosite would call it invalid_request.
type unsupportedGrant struct{ offered []string }

// CanSkipClientAuth: what is not offered is offered to nobody.
func (unsupportedGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return true }

// CanHandleTokenEndpointRequest takes what no other handler takes.
func (g unsupportedGrant) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	asked := r.GetGrantTypes()
	return len(asked) != 1 || !slices.Contains(g.offered, asked[0])
}

// HandleTokenEndpointRequest refuses.
func (unsupportedGrant) HandleTokenEndpointRequest(context.Context, fosite.AccessRequester) error {
	return fosite.ErrUnsupportedGrantType
}

// PopulateTokenEndpointResponse has nothing to say.
func (unsupportedGrant) PopulateTokenEndpointResponse(context.Context, fosite.AccessRequester, fosite.AccessResponder) error {
	return fosite.ErrUnknownRequest
}
