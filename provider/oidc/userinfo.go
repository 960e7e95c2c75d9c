package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/diagnosis"
	"kejitong/provider/keys"
)

// userinfo is the UserInfo endpoint (OpenID Connect Core §5.3). Everything that
// could have ended is checked at each call.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	a, err := p.holder(w, r)
	switch {
	case err == nil && (a.held == nil || !slices.Contains(a.audience, p.Issuer)):
		err = oauthError{"invalid_token", http.StatusUnauthorized, "the access token is invalid, expired or revoked"}
	case err == nil && !a.has(consent.OpenID):
		err = blame(a.client, because(oauthError{"insufficient_scope", http.StatusForbidden, "the access token lacks the scope openid"}, diagnosis.Scope, "openid", visibleScope(a.scopes)))
	}
	if err != nil {
		p.refuseBearer(w, r, err)
		return
	}
	body, jwt, err := p.wrapUserinfo(r.Context(), a.client, p.newRelease(a.client, a.held, a.scopes).userinfo())
	switch {
	case err != nil:
		p.refuseBearer(w, r, err)
	case jwt != "":
		sendJWT(w, "application/jwt", jwt)
	default:
		sendJSON(w, http.StatusOK, body)
	}
}

// wrapUserinfo gives the answer as the client registered it: plain, signed,
// encrypted, or signed and then encrypted (OpenID Connect Core §5.3.2). A signed
// one names issuer and client, and neither nonce nor exp: it must not pass for
// an ID token (RFC 8725 §3.11).
func (p *Provider) wrapUserinfo(ctx context.Context, c *client.Client, body claims) (plain claims, jwt string, err error) {
	m, cty := c.Metadata, ""
	switch {
	case m.UserinfoSignedResponseAlg != "":
		body["iss"], body["aud"], body["iat"] = p.Issuer, c.ID, p.Now().Unix()
		jwt, err = p.Keys.Snapshot().Sign(keys.Algorithm(m.UserinfoSignedResponseAlg), "JWT", body)
		cty = "JWT"
	case m.UserinfoEncryptedResponseAlg != "":
		var b []byte
		b, err = json.Marshal(body)
		jwt = string(b)
	default:
		return body, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	jwt, err = p.sealFor(ctx, c, sealing{m.UserinfoEncryptedResponseAlg, m.UserinfoEncryptedResponseEnc}, cty, jwt)
	return nil, jwt, err
}
