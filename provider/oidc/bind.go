package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"kejitong/provider/token"
)

// bind ties the access token that is about to be made to the key that the
// request proves (RFC 9449 §5, RFC 8705 §3). It runs after the client, the grant and
// everything else about the request were found in order and before anything is
// written, so that a refused proof costs its sender nothing but the proof.
func (p *Provider) bind(w http.ResponseWriter, r *http.Request, u *unit) error {
	proof, err := p.proofOf(w, r, "")
	if err != nil {
		return err
	}
	var key confirmation
	if key.X5T, err = p.boundCertificate(r, u.client); err != nil {
		return err
	}
	if proof != nil {
		key.JKT = proof.jkt
	} else if u.client.Metadata.NeedsProof() {
		return p.proofMissing(w)
	}
	if u.held != nil {
		if err := checkBound(u, key); err != nil {
			return err
		}
	}
	if key != (confirmation{}) {
		u.confirm = &key
	}
	if proof == nil {
		return nil
	}
	return p.useProof(r.Context(), proof)
}

// proofMissing asks for a proof, and tells at once which nonce it will need.
func (p *Provider) proofMissing(w http.ResponseWriter) error {
	if p.Features.DPoPNonce {
		w.Header().Set("DPoP-Nonce", p.dpopNonce())
	}
	return invalidProof("a DPoP proof is required")
}

// checkBound holds the presented code or refresh token to the key it was bound
// to: the code as the authorization request said (RFC 9449 §10), the refresh
// token of a public client to the key it was issued with (§5, RFC 8705 §4).
func checkBound(u *unit, key confirmation) error {
	switch u.presented.Kind {
	case token.Code:
		if want := u.grant.Data.DPoPJKT; want != "" && want != key.JKT {
			return invalidGrant("the code is bound to another DPoP key")
		}
	case token.Refresh:
		var c carried
		if len(u.presented.Extra) > 0 && json.Unmarshal(u.presented.Extra, &c) != nil {
			return invalidGrant("the refresh token is malformed")
		}
		if c.Confirm != nil && *c.Confirm != key {
			return invalidGrant("the refresh token is bound to another key")
		}
	}
	return nil
}

// useProof records the jti for the key until the proof is too old in any case
// (RFC 9449 §11.1), in the database, for all replicas.
func (p *Provider) useProof(ctx context.Context, proof *dpopProof) error {
	// No client id holds a colon: proofs and assertions keep apart.
	fresh, err := p.Grants.UseAssertion(ctx, "dpop:"+proof.jkt, proof.jti, proof.ends, p.Now())
	if err != nil {
		return err
	}
	if !fresh {
		return invalidProof("the DPoP proof was used before")
	}
	return nil
}

// bindRequest binds a pushed request to the key of its proof, as if it had said
// dpop_jkt; if it says another key, it is refused (RFC 9449 §10.1).
func (p *Provider) bindRequest(w http.ResponseWriter, r *http.Request, form url.Values) error {
	proof, err := p.proofOf(w, r, "")
	if err != nil || proof == nil {
		return err
	}
	if jkt := form.Get("dpop_jkt"); jkt != "" && jkt != proof.jkt {
		return invalidProof("the dpop_jkt parameter names another key than the DPoP proof")
	}
	form.Set("dpop_jkt", proof.jkt)
	return p.useProof(r.Context(), proof)
}

var errNeedsDPoP = oauthError{"invalid_token", http.StatusUnauthorized, "the access token is bound to a key and needs the scheme DPoP"}

// byDPoP tells whether the request shows its token by the scheme DPoP.
func byDPoP(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "DPoP")
}

// checkHolder asks a resource request for the proof that its access token is
// bound to (RFC 9449 §7.1), and refuses the wrong scheme for either kind (§7.2).
func (p *Provider) checkHolder(w http.ResponseWriter, r *http.Request, a *access, s shown) error {
	if a.confirm != nil && a.confirm.X5T != "" && !p.showsCertificate(r, a.confirm.X5T) { // RFC 8705 §3
		return oauthError{"invalid_token", http.StatusUnauthorized, "the access token is bound to another client certificate"}
	}
	bound := a.confirm != nil && a.confirm.JKT != ""
	if !s.dpop {
		if bound {
			return errNeedsDPoP
		}
		return nil
	}
	proof, err := p.proofOf(w, r, s.text)
	if err != nil {
		return err
	}
	if proof == nil {
		return p.proofMissing(w)
	}
	if !bound || proof.jkt != a.confirm.JKT {
		return oauthError{"invalid_token", http.StatusUnauthorized, "the access token is not bound to the key of the DPoP proof"}
	}
	return p.useProof(r.Context(), proof)
}
