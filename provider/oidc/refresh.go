package oidc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/token"
)

// refreshHandler is the refresh_token grant (RFC 6749 §6) with rotation (RFC
// 9700 §4.14.2). It replaces fosite's handler, which rotates by request id,
// ignores the scope parameter and knows no grace.
//
//	presented generation = current        rotate: compare-and-swap to the next
//	                     = current - 1,
//	                       within grace   the very same successor again
//	                     otherwise        reuse: the whole grant dies
//
// Clients of FAPI 2.0 keep the one they have until the grant ends (Security
// Profile §5.3.2.1): it is of use to nobody who cannot authenticate as they do.
type refreshHandler struct {
	p       *Provider
	idToken *openid.IDTokenHandleHelper
}

func invalidGrant(why string) error {
	return oauthError{code: "invalid_grant", status: 400, description: why}
}

// CanSkipClientAuth is never so.
func (h *refreshHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest takes refresh_token alone.
func (h *refreshHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne("refresh_token")
}

// HandleTokenEndpointRequest decides on the presented token; only reuse writes
// here.
func (h *refreshHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	u := unitFrom(ctx)
	if !u.client.May("refresh_token") {
		return fosite.ErrUnauthorizedClient
	}
	if err := h.p.hold(ctx, u, r.GetRequestForm().Get("refresh_token"), token.Refresh); err != nil {
		if errors.Is(err, fosite.ErrNotFound) {
			return invalidGrant("the refresh token is not valid for this client")
		}
		return err
	}
	g, now := u.grant, h.p.Now()
	if g.State != token.Active || !now.Before(g.ExpiresAt) || !now.Before(u.presented.ExpiresAt) {
		return invalidGrant("the refresh token has expired or was revoked")
	}
	if err := h.judge(ctx, u, now); err != nil {
		return err
	}
	if u.held.SessionOver && !g.Offline {
		return invalidGrant("the session has ended")
	}
	scopes, err := narrow(u.scopes, r.GetRequestForm().Get("scope"))
	if err != nil {
		return err
	}
	u.scopes = scopes
	for _, s := range scopes {
		r.GrantScope(s)
	}
	for _, a := range g.Data.Audience {
		r.GrantAudience(a)
	}
	r.SetID(g.ID)
	r.SetSession(&flowSession{unit: u, subject: string(g.Account)})
	return nil
}

// judge compares generations. u.refresh becomes the generation to hand out;
// u.replay says that it exists already and only has to be repeated.
func (h *refreshHandler) judge(ctx context.Context, u *unit, now time.Time) error {
	shown, current := int64(u.presented.Generation), u.grant.Generation
	if !u.client.Metadata.RotatesRefresh() {
		if shown != current { // one that was rotated away before the client changed
			return invalidGrant("the refresh token was replaced")
		}
		u.refresh, u.replay = current, true
		return nil
	}
	switch {
	case shown == current:
		u.refresh = current + 1
		return nil
	case shown == current-1 && now.Sub(u.grant.RotatedAt) <= h.p.Times.RefreshGrace:
		u.refresh, u.replay = current, true
		return nil
	}
	if err := h.p.revokeGrant(ctx, u.grant, audit.RefreshReused); err != nil {
		return err
	}
	return invalidGrant("the refresh token was used before; all tokens of this grant are revoked")
}

// PopulateTokenEndpointResponse rotates, then answers. The rotation runs here
// and not in the flush, because its loser may still be entitled to the winner's
// successor.
func (h *refreshHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	u, st := unitFrom(ctx), strategy{h.p}
	// Everything that can fail or takes time comes before the write.
	access, _, err := st.GenerateAccessToken(ctx, r)
	if err != nil {
		return err
	}
	if u.grant.Data.Has("openid") && slices.Contains(u.scopes, "openid") {
		if err := h.idToken.IssueExplicitIDToken(ctx, h.p.Times.IDToken, r, resp); err != nil {
			return err
		}
	}
	rotated := u.grant.RotatedAt
	if !u.replay {
		rotated = h.p.Now().Truncate(time.Millisecond)
		if rotated, err = h.rotate(ctx, u, rotated); err != nil {
			return err
		}
	}
	refresh := r.GetRequestForm().Get("refresh_token")
	if u.client.Metadata.RotatesRefresh() {
		if refresh, err = h.p.refreshToken(u, u.refresh, rotated); err != nil {
			return err
		}
	}
	resp.SetAccessToken(access)
	resp.SetTokenType("bearer")
	resp.SetExpiresIn(lifeOf(h.p.Now(), h.p.Times.Access, u.grant.ExpiresAt).Sub(h.p.Now()))
	resp.SetScopes(u.scopes)
	resp.SetExtra("refresh_token", refresh)
	return nil
}

// rotate swaps the generation; a loser of the race gets the winner's time of
// rotation, hence the winner's token, if the grace still covers it.
func (h *refreshHandler) rotate(ctx context.Context, u *unit, now time.Time) (time.Time, error) {
	won, err := h.p.Grants.RotateRefresh(ctx, u.grant.ID, u.grant.Generation, now)
	if err != nil || won {
		return now, err
	}
	again, err := h.p.Principals.ByGrant(ctx, u.grant.ID)
	if fault.Is(err, fault.NotFound) || err == nil && again.Grant.State != token.Active {
		return now, invalidGrant("the refresh token was revoked")
	}
	if err != nil {
		return now, err
	}
	u.held, u.grant = &again, &again.Grant
	if err := h.judge(ctx, u, h.p.Now()); err != nil {
		return now, err
	}
	if !u.replay { // neither moved on nor ours: cannot be, but must not rotate twice
		return now, invalidGrant("the refresh token is in use; retry")
	}
	return again.Grant.RotatedAt, nil
}

// narrow gives the scopes that a refresh asked for: all of the grant's if it
// asked for none, never more (RFC 6749 §6).
func narrow(granted []string, asked string) ([]string, error) {
	if strings.TrimSpace(asked) == "" {
		return granted, nil
	}
	var out []string
	for _, s := range strings.Fields(asked) {
		if !slices.Contains(granted, s) {
			return nil, oauthError{code: "invalid_scope", status: 400, description: "the scope exceeds what was granted"}
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, s := range granted { // the claims allowed one by one stay with openid
		if strings.HasPrefix(s, claimMark) {
			out = append(out, s)
		}
	}
	return out, nil
}
