package oidc

import (
	"net/http"
	"slices"
)

// Admit is the check of a token of client_credentials for a resource server of
// our own: the token may be opaque or a JWT, bound by DPoP or to a certificate;
// it must live, name the audience, and belong to no user. It gives the client
// and its scopes. What is refused is a *web.Denied; other errors are failures of
// ours.
func (p *Provider) Admit(w http.ResponseWriter, r *http.Request, audience string) (clientID string, scopes []string, err error) {
	a, err := p.holder(w, r)
	if err == nil && (a.held != nil || !slices.Contains(a.audience, audience)) {
		err = oauthError{"invalid_token", http.StatusUnauthorized, "the access token is not for this interface: want one of client_credentials with its audience"}
	}
	if err != nil {
		if d, ok := challenged(r, "admin", err); ok {
			return "", nil, d
		}
		return "", nil, err
	}
	return a.client.ID, a.scopes, nil
}
