package oidc

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/ory/fosite"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/token"
)

// token is the token endpoint (RFC 6749 §3.2).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if err := readForm(w, r, maxTokenBody); err != nil {
		p.refuse(w, r, err)
		return
	}
	ctx, u := withUnit(r.Context())
	req, err := p.fosite.NewAccessRequest(ctx, r, &flowSession{unit: u})
	if err == nil {
		err = p.admit(u, req)
	}
	if err == nil {
		err = p.bind(w, r, u)
	}
	var resp fosite.AccessResponder
	if err == nil {
		resp, err = p.fosite.NewAccessResponse(ctx, req)
	}
	if err == nil {
		err = p.flush(ctx, u)
	}
	if err != nil {
		if u.failed != nil { // never say that all is settled when it is not
			err = u.failed
		}
		err = p.explainToken(u, r.PostForm, incomplete(r.PostForm, err))
		p.settle(ctx, u)
		p.refuse(w, r, err)
		return
	}
	sendJSON(w, http.StatusOK, answer(resp, u))
}

// incomplete names a request without its code or refresh token for what it is
// (RFC 6749 §5.2); fosite calls it a bad grant.
func incomplete(form url.Values, err error) error {
	needs := map[string]string{"authorization_code": "code", "refresh_token": "refresh_token", client.GrantDevice: "device_code", client.GrantJWTBearer: "assertion"}[form.Get("grant_type")]
	if e, _, ok := asProtocol(err); ok && e.code == "invalid_grant" && needs != "" && form.Get(needs) == "" {
		return invalidRequest("the %s parameter is missing", needs)
	}
	return err
}

// admit stands between fosite's two halves: the request is in order; may this
// account still have tokens from it, now?
func (p *Provider) admit(u *unit, req fosite.AccessRequester) error {
	if u.exchange != nil { // its handler decided
		u.release = p.newRelease(u.client, u.held, u.scopes)
		return nil
	}
	if u.held == nil { // client_credentials
		return p.admitService(u, req)
	}
	if u.grant.State == token.Revoked || !p.Now().Before(u.grant.ExpiresAt) {
		return invalidGrant("the grant has expired or was revoked")
	}
	// A code lives and dies with the session even if its refresh token will not:
	// otherwise a request under way while somebody signs out everywhere would
	// leave a grant behind.
	if u.held.SessionOver && (!u.grant.Offline || u.presented.Kind == token.Code) {
		return invalidGrant("the session has ended")
	}
	if err := p.stands(u); err != nil {
		return err
	}
	if asked := req.GetRequestForm()["resource"]; len(asked) > 0 {
		var err error
		if u.resources, err = narrowAudience(audience(p.Issuer, u.grant), asked); err != nil {
			return err
		}
	}
	u.release = p.newRelease(u.client, u.held, u.scopes)
	return p.narrowDetails(u, req.GetRequestForm().Get("authorization_details"))
}

// admitService decides on a token without a user: nothing of it is for users,
// and its audience is what the client registered or fewer of it (RFC 8707 §2.2).
func (p *Provider) admitService(u *unit, req fosite.AccessRequester) error {
	for _, s := range p.clientScopes(u, req) {
		req.GrantScope(s)
	}
	if req.GetRequestForm().Has("authorization_details") { // all types there are concern users
		return errDetails
	}
	may := u.client.Metadata.Audience
	if len(may) == 0 {
		may = []string{p.Issuer}
	}
	narrowed, err := narrowAudience(may, req.GetRequestForm()["resource"])
	if narrowed == nil {
		narrowed = u.client.Metadata.Audience
	}
	for _, a := range narrowed {
		req.GrantAudience(a)
	}
	return err
}

// stands checks what may have changed since the grant was made: the account
// was frozen, the unit dissolved, the mandate ended, the entitlement withdrawn.
func (p *Provider) stands(u *unit) error {
	h, now := u.held, p.Now()
	if h.Principal.Account.State != account.Active {
		return invalidGrant("the account is not active")
	}
	if u.client.Sandbox != h.Principal.Account.Sandbox {
		return invalidGrant("test accounts and real ones do not mix")
	}
	if u.grant.UnitID != "" {
		if _, ok := h.Principal.ActsFor(u.grant.UnitID, now); !ok {
			return invalidGrant("the account no longer acts for the unit")
		}
	}
	if !gated(u.client) {
		return nil
	}
	var f authflow.Facts
	if admitted(&f, u.client, h.Principal.Account); !f.KindAllowed || !f.Verified || !f.LevelReached {
		return invalidGrant("the account no longer reaches what the client requires")
	}
	if !entitled(u.client, h.Principal, u.grant.UnitID, now) {
		return invalidGrant("the account is no longer entitled")
	}
	return nil
}

// clientScopes are the scopes of a client_credentials token: what was asked
// for, or else everything registered that concerns no user.
func (p *Provider) clientScopes(u *unit, req fosite.AccessRequester) []string {
	asked := []string(req.GetRequestedScopes())
	if len(asked) == 0 {
		asked = strings.Fields(u.client.Metadata.Scope)
	}
	var out []string
	for _, s := range asked {
		if _, ofUser := consent.Known(s); !ofUser {
			out = append(out, s)
		}
	}
	return out
}

// codeUsed says that a code was shown a second time.
const codeUsed = "the code was used before"

// flush makes the one write that the handlers planned. A code that somebody
// else spent meanwhile is a code shown twice.
func (p *Provider) flush(ctx context.Context, u *unit) error {
	if u.exchange != nil {
		return p.openExchange(ctx, u)
	}
	if !u.spend {
		return nil
	}
	if err := p.remember(ctx, u); err != nil {
		return err
	}
	won, err := p.Grants.SpendCode(ctx, u.grant.ID, u.refresh, p.Now(), audit.From(ctx, audit.Event{
		Kind: audit.ClaimsReleased, Actor: string(u.grant.Account), Object: u.grant.ID, Client: u.client.ID, Detail: visibleScope(u.scopes),
	}))
	if err != nil {
		return err
	}
	if !won && u.device {
		// A device that polls twice at once is no thief: whoever came first keeps
		// the tokens.
		return invalidGrant("the device_code was used before")
	}
	if !won {
		if err := p.revokeGrant(ctx, u.grant, audit.CodeReplayed); err != nil {
			return err
		}
		return invalidGrant(codeUsed)
	}
	return nil
}

// settle does what a failed request still owes: a code whose verifier was wrong
// dies. It runs even if the asker hung up.
func (p *Provider) settle(ctx context.Context, u *unit) {
	if !u.burn || u.grant == nil {
		return
	}
	if err := p.revokeGrant(context.WithoutCancel(ctx), u.grant, audit.CodeBurned); err != nil {
		p.Log.ErrorContext(ctx, "burn code", "grant", u.grant.ID, "error", err)
	}
}

// answer is the token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
func answer(resp fosite.AccessResponder, u *unit) map[string]any {
	m := resp.ToMap()
	m["token_type"] = u.confirm.scheme()
	m["scope"] = visibleScope(u.scopes)
	if u.release != nil {
		if d := u.release.detailsNow(u.details); d != nil { // RFC 9396 §7
			m["authorization_details"] = d
		}
	}
	return m
}
