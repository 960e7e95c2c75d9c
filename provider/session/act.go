package session

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// Acting is that somebody proved who acts in a unit's own session.
type Acting struct {
	Cookie  string // of the session
	Session Session
	Version int64 // of the account, which it must still have
	Actor   account.ID
	Until   time.Time // of the actor's mandate, zero if it has no end
}

// Act gives the session another cookie (S35) and its actor. How strongly the unit's
// account signed in stays as it was: the actor's factor is not the account's. The
// session ends with the mandate at the latest. fault.Gone where the session is over
// by now, fault.Unproven where the account changed.
func (s *Service) Act(ctx context.Context, a Acting, ev audit.Event) (Session, string, error) {
	cookie, err := random(32)
	if err != nil {
		return Session{}, "", err
	}
	sn := a.Session
	sn.Key, sn.Proved, sn.SeenAt, sn.Actor = Key(cookie), a.Version, s.Now(), a.Actor
	if !a.Until.IsZero() && a.Until.Before(sn.ExpiresAt) {
		sn.ExpiresAt = a.Until
	}
	acting, err := s.Store.RaiseSession(ctx, sn, Key(a.Cookie), ev)
	if err != nil {
		return Session{}, "", fmt.Errorf("act in a session: %w", err)
	}
	return acting, cookie, nil
}
