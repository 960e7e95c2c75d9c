package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kejitong/provider/audit"
)

// ClassOf is the authentication context class that methods (RFC 8176) add up to:
// possession of a key is strong, and the second class takes two of different
// kinds.
func ClassOf(amr []string) string {
	has := func(methods ...string) bool {
		return slices.ContainsFunc(methods, func(m string) bool { return slices.Contains(amr, m) })
	}
	switch {
	case has("hwk", "swk"):
		return ACRStrong
	case has("pwd") && has("otp", "sms"), has("otp") && has("sms"):
		return ACRSecond
	}
	return ACRPassword
}

// Raising is a second factor that was shown in a session.
type Raising struct {
	Cookie  string // of the session
	Session Session
	Version int64  // of the account, which it must still have
	Method  string // RFC 8176
	Strong  bool   // a factor that the account enrolled: it allows sensitive changes
}

// Raise gives the session another cookie (S35) and the strength that the method
// adds. When and by which password somebody signed in, and when that ends, stays
// as it was. fault.Gone where the session is over by now, fault.Unproven where the
// account changed.
func (s *Service) Raise(ctx context.Context, r Raising, ev audit.Event) (Session, string, error) {
	cookie, err := random(32)
	if err != nil {
		return Session{}, "", err
	}
	now, sn := s.Now(), r.Session
	sn.Key, sn.Proved, sn.SeenAt = Key(cookie), r.Version, now
	sn.AMR = With(sn.AMR, r.Method)
	sn.ACR = ClassOf(sn.AMR)
	if r.Strong {
		sn.FactorAt = now.Truncate(time.Second)
	}
	raised, err := s.Store.RaiseSession(ctx, sn, Key(r.Cookie), ev)
	if err != nil {
		return Session{}, "", fmt.Errorf("raise session: %w", err)
	}
	return raised, cookie, nil
}

// With adds a method to others.
func With(amr []string, method string) []string {
	if slices.Contains(amr, method) {
		return amr
	}
	return append(slices.Clone(amr), method)
}
