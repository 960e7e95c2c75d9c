package oidc

import (
	"errors"
	"net/http"
	"slices"

	"kejitong/provider/web"
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
		return "", nil, denied(r, err)
	}
	return a.client.ID, a.scopes, nil
}

// denied turns an error of the protocol into one that others can answer with.
func denied(r *http.Request, err error) error {
	e, _, ok := asProtocol(err)
	if !ok || e.status >= 500 {
		return err
	}
	bearer, dpop := `Bearer realm="admin"`, `DPoP realm="admin", algs="`+dpopAlgorithmList+`"`
	d := &web.Denied{Status: e.status, Code: e.code, Reason: e.description}
	if e.code == "" { // RFC 6750 §3.1: a request without a token is told nothing more
		d.Challenge = []string{bearer, dpop}
		return d
	}
	challenge := bearer
	switch {
	case e.code == "invalid_dpop_proof", e.code == "use_dpop_nonce":
		d.Status, challenge = http.StatusUnauthorized, dpop
	case byDPoP(r) || errors.Is(err, errNeedsDPoP):
		challenge = dpop
	}
	d.Challenge = []string{challenge + `, error="` + e.code + `", error_description="` + e.description + `"`}
	return d
}
