package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"kejitong/provider/consent"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// frontChannel adds the tokens of an implicit or hybrid response (OpenID Connect
// Core §3.2.2.5, §3.3.2.5) to params, which hold the code already if there is
// one. The ID token comes last, since it vouches for the others by their hashes.
func (p *Provider) frontChannel(ctx context.Context, a *asked, u *unit, params url.Values) error {
	u.scopes = stillRegistered(u.client, u.grant.Data.Scopes)
	u.release = p.newRelease(u.client, u.held, u.scopes)
	u.release.alone = !a.kind.code && !a.kind.token
	if a.kind.token {
		exp, err := p.accessToken(u)
		if err != nil {
			return err
		}
		params.Set("access_token", u.access)
		params.Set("token_type", "Bearer") // RFC 6749 §4.2.2
		params.Set("expires_in", strconv.Itoa(int(exp.Sub(p.Now()).Seconds())))
		params.Set("scope", visibleScope(u.scopes))
		if d := u.release.detailsNow(nil); d != nil { // RFC 9396 §7
			text, err := json.Marshal(d)
			if err != nil {
				return fmt.Errorf("front channel: %w", err)
			}
			params.Set("authorization_details", string(text))
		}
	}
	if !a.kind.idToken {
		return nil
	}
	if !u.release.has(consent.OpenID) {
		return oauthError{"access_denied", http.StatusForbidden, "the user did not allow the scope openid"}
	}
	u.code = params.Get("code")
	if a.kind.code || a.mode.signed || a.client.Metadata.FAPI() {
		u.state = a.form.Get("state")
	}
	text, err := p.idToken(u)
	if err == nil {
		text, err = p.sealIDToken(ctx, a.client, text)
	}
	params.Set("id_token", text)
	return err
}

// begin sets where a grant stands that is answered through the browser: an access
// token in the response lives at once, and the code beside it is spent on its
// own; without a code there is none to spend (OpenID Connect Core §3.2, §3.3).
func (t responseType) begin(g *token.Grant) {
	g.CodeSpent = !t.code
	if t.token || !t.code {
		g.State = token.Active
	}
}

// holdNew lets the unit look at its grant, which is not written yet, as it would
// later look at the written one.
func (u *unit) holdNew(v *principal.Visit) {
	u.held = &principal.Held{Grant: *u.grant, Principal: v.Principal, Actor: v.Actor}
	u.grant = &u.held.Grant
}
