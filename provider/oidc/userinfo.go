package oidc

import (
	"net/http"
	"slices"

	"kejitong/provider/consent"
)

// userinfo is the UserInfo endpoint (OpenID Connect Core §5.3). Everything that
// could have ended is checked at each call.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	a, err := p.holder(w, r)
	switch {
	case err == nil && (a.held == nil || !slices.Contains(a.audience, p.Issuer)):
		err = oauthError{"invalid_token", http.StatusUnauthorized, "the access token is invalid, expired or revoked"}
	case err == nil && !a.has(consent.OpenID):
		err = oauthError{"insufficient_scope", http.StatusForbidden, "the access token lacks the scope openid"}
	}
	if err != nil {
		p.refuseBearer(w, r, err)
		return
	}
	sendJSON(w, http.StatusOK, p.newRelease(a.client, a.held, a.scopes).userinfo())
}
