package oidc

import (
	"context"
	"net/http"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"

	"kejitong/provider/client"
	"kejitong/provider/device"
	"kejitong/provider/fault"
	"kejitong/provider/token"
)

// deviceHandler is the device_code grant (RFC 8628 §3.4, §3.5). A poll is
// counted and judged by one statement; what was allowed is a grant whose code is
// spent by whoever fetches it first, like an authorization code.
type deviceHandler struct {
	p       *Provider
	idToken *openid.IDTokenHandleHelper
}

// CanSkipClientAuth is never so: public clients identify themselves (§3.4).
func (h *deviceHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest takes device_code alone.
func (h *deviceHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(client.GrantDevice)
}

// HandleTokenEndpointRequest is one poll.
func (h *deviceHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	u := unitFrom(ctx)
	if !u.client.May(client.GrantDevice) || u.client.Metadata.FAPI() {
		return fosite.ErrUnauthorizedClient
	}
	code := r.GetRequestForm().Get("device_code")
	unknown := invalidGrant("the device_code is not one of this client")
	if len(code) != 43 { // ours all are: nothing is asked of the database
		return unknown
	}
	d, err := h.p.Devices.PollDevice(ctx, device.Key(code), u.client.ID, h.p.Now())
	if fault.Is(err, fault.NotFound) {
		return unknown
	}
	if err != nil {
		return err
	}
	if err := h.judge(d); err != nil {
		return err
	}
	held, err := h.p.Principals.ByGrant(ctx, d.GrantID)
	if fault.Is(err, fault.NotFound) {
		return invalidGrant("the grant has expired or was revoked")
	}
	if err != nil {
		return err
	}
	g := &held.Grant
	if g.Client != u.client.ID || g.CodeSpent || g.State != token.Issued {
		return invalidGrant("the device_code was used before, or what it allowed was revoked")
	}
	// From here on it is an authorization code, which dies with its session.
	u.held, u.grant, u.presented = &held, g, token.Opaque{Kind: token.Code, GrantID: g.ID}
	u.scopes = stillRegistered(u.client, g.Data.Scopes)
	for _, s := range u.scopes {
		r.GrantScope(s)
	}
	r.SetID(g.ID)
	r.SetSession(&flowSession{unit: u, subject: string(g.Account)})
	return nil
}

// judge gives the errors of §3.5.
func (h *deviceHandler) judge(d device.Request) error {
	refusal := func(code, why string) error { return oauthError{code, http.StatusBadRequest, why} }
	switch {
	case d.State == device.Refused:
		return refusal("access_denied", "the user did not allow it")
	case !h.p.Now().Before(d.ExpiresAt):
		return refusal("expired_token", "the device_code has expired")
	case d.State == device.Allowed:
		return nil
	case d.Hasty:
		return refusal("slow_down", "the device polls too often; the interval is five seconds longer now")
	}
	return refusal("authorization_pending", "the user has not decided yet")
}

// PopulateTokenEndpointResponse makes the tokens; flush spends the code.
func (h *deviceHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	u, st := unitFrom(ctx), strategy{h.p}
	access, _, err := st.GenerateAccessToken(ctx, r)
	if err != nil {
		return err
	}
	if u.client.May(client.GrantRefresh) {
		refresh, _, err := st.GenerateRefreshToken(ctx, r)
		if err != nil {
			return err
		}
		resp.SetExtra("refresh_token", refresh)
	}
	if u.grant.Data.Has("openid") {
		if err := h.idToken.IssueExplicitIDToken(ctx, h.p.Times.IDToken, r, resp); err != nil {
			return err
		}
	}
	u.spend, u.device = true, true
	resp.SetAccessToken(access)
	resp.SetTokenType("bearer")
	resp.SetExpiresIn(lifeOf(h.p.Now(), h.p.Times.Access, u.grant.ExpiresAt).Sub(h.p.Now()))
	resp.SetScopes(u.scopes)
	return nil
}
