package oidc

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
)

// logoutEvent is the one member of a logout token's events (OpenID Connect
// Back-Channel Logout §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutTokenLife is at most two minutes (§2.4); every attempt makes a new one.
const logoutTokenLife = 2 * time.Minute

// Backchannel delivers one logout to one client: it is the outbox's handler. A
// client that has no back-channel URI, or is gone, has nothing to be told.
func (p *Provider) Backchannel(ctx context.Context, t outbox.Task) error {
	var l outbox.Logout
	if err := json.Unmarshal([]byte(t.Payload), &l); err != nil {
		p.Log.ErrorContext(ctx, "back-channel logout: unreadable task", "task", t.ID, "error", err)
		return nil // it will not read better next time
	}
	c, err := p.Clients.Find(ctx, l.Client)
	if fault.Is(err, fault.NotFound) || err == nil && c.Metadata.BackchannelLogoutURI == "" {
		return nil
	}
	if err != nil {
		return err
	}
	jti, err := noise(16)
	if err != nil {
		return err
	}
	s, now := p.Keys.Snapshot(), p.Now()
	// The algorithm of the client's ID tokens, RS256 by default: common relying
	// parties cannot be told another one for logout tokens.
	text, err := s.Sign(idTokenAlg(c), "logout+jwt", claims{
		"iss": p.Issuer, "aud": c.ID, "iat": now.Unix(), "exp": now.Add(logoutTokenLife).Unix(), "jti": jti,
		"sub": subjectOf(s, c, account.ID(l.Account)), "sid": sidOf(s, c.ID, l.Session),
		"events": claims{logoutEvent: claims{}},
	})
	if err != nil {
		return err
	}
	return p.Outbound.PostForm(ctx, c.Metadata.BackchannelLogoutURI, url.Values{"logout_token": {text}})
}
