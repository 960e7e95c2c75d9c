package factor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"kejitong/provider/fault"
)

// The purposes of ceremonies; one for another purpose is worth nothing.
const (
	enrolTOTP    = "enrol totp"
	enrolPasskey = "enrol passkey"
	askPasskey   = "ask passkey"
)

// begin remembers state and gives the id under which this browser finds it.
func (s *Service) begin(ctx context.Context, who Subject, purpose, binding string, state []byte) (string, error) {
	id, err := random(32)
	if err != nil {
		return "", err
	}
	c := Ceremony{
		Key: digest(id), Subject: who, Purpose: purpose, Binding: digest(binding), State: state,
		ExpiresAt: s.Now().Add(s.Limits.orDefault().Ceremony),
	}
	return id, s.Store.OpenCeremony(ctx, c)
}

// under gives a ceremony that is under way: this subject's, for this purpose, in
// this browser and session. Everything else is gone, without saying why.
func (s *Service) under(ctx context.Context, who Subject, purpose, binding, id string) (Ceremony, error) {
	c, err := s.Store.Ceremony(ctx, digest(id))
	if fault.Is(err, fault.NotFound) {
		return Ceremony{}, gone()
	}
	if err != nil {
		return Ceremony{}, err
	}
	bound := subtle.ConstantTimeCompare([]byte(c.Binding), []byte(digest(binding))) == 1
	if c.Subject != who || c.Purpose != purpose || !bound || !s.Now().Before(c.ExpiresAt) {
		return Ceremony{}, gone()
	}
	return c, nil
}

// take uses a ceremony up.
func (s *Service) take(ctx context.Context, c Ceremony) error {
	first, err := s.Store.TakeCeremony(ctx, c.Key)
	if err == nil && !first {
		err = gone()
	}
	return err
}

// guess counts a guess at one of the subject's codes before it is looked at.
func (s *Service) guess(ctx context.Context, who Subject) (counter string, err error) {
	l, now := s.Limits.orDefault(), s.Now()
	counter = s.mac("guess", string(who.Realm), who.ID)
	n, end, err := s.Store.CountGuess(ctx, counter, l.LockFor, now)
	if err != nil {
		return "", fmt.Errorf("count a guess: %w", err)
	}
	if n > l.Guesses {
		return "", &fault.Error{Kind: fault.Throttled, Field: "code", Msg: MsgLocked, RetryAfter: end.Sub(now)}
	}
	return counter, nil
}

func random(n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("factor: random: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
