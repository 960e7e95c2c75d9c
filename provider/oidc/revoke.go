package oidc

import (
	"context"
	"errors"
	"net/http"

	"github.com/ory/fosite"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/token"
)

// revoke is token revocation (RFC 7009). The whole grant ends, whichever of its
// tokens is shown. A token that is not the client's is answered like one that
// does not exist; a failure of ours is never answered with 200.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	c, text, err := p.direct(w, r, "token")
	if err == nil {
		err = p.revokeToken(r.Context(), c, text)
	}
	if err != nil && !errors.Is(err, errNoToken) {
		p.refuse(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (p *Provider) revokeToken(ctx context.Context, c *client.Client, text string) error {
	u := &unit{client: c}
	err := p.hold(ctx, u, text, token.Refresh)
	if err == nil {
		return p.revokeGrant(ctx, u.grant, audit.TokenRevoked)
	}
	if err = missing(err); !errors.Is(err, errNoToken) {
		return err
	}
	a, err := p.read(ctx, text)
	if err != nil {
		return err
	}
	if a.client.ID != c.ID {
		return errNoToken
	}
	if a.held != nil {
		return p.revokeGrant(ctx, &a.held.Grant, audit.TokenRevoked)
	}
	// A client_credentials token has no row yet: it gets one, revoked.
	g, err := token.NewGrant(c.ID, p.Now())
	if err != nil {
		return err
	}
	g.ID, g.ExpiresAt = a.grantID, a.expires
	return p.revokeGrant(ctx, g, audit.TokenRevoked)
}

// missing turns fosite's "not found" into errNoToken.
func missing(err error) error {
	if errors.Is(err, fosite.ErrNotFound) {
		return errNoToken
	}
	return err
}
