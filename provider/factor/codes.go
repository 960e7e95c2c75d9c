package factor

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// Codes makes and checks time-based codes (RFC 6238) of secrets that somebody else
// keeps and counts: those of operators, which stand beside their passwords.
type Codes struct {
	Issuer string // the platform's name in authenticator apps
}

// NewSecret makes a secret in base32, as authenticator apps take it.
func (Codes) NewSecret() (string, error) {
	b := make([]byte, totpBytes)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("factor: random: %w", err)
	}
	return base32Text.EncodeToString(b), nil
}

// Match gives the time step for which code is right, within one step of now. What
// was spent is for the caller to know.
func (Codes) Match(secret, code string, now time.Time) (step int64, ok bool) {
	b, err := base32Text.DecodeString(strings.ToUpper(secret))
	if err != nil || len(b) == 0 {
		return 0, false
	}
	return (&Service{Now: func() time.Time { return now }}).matches(b, code)
}

// Picture is the QR code of a secret, PNG.
func (c Codes) Picture(secret, login string) ([]byte, error) {
	b, err := base32Text.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("factor: secret: %w", err)
	}
	o, err := (&Service{Issuer: c.Issuer}).offer("", b, login)
	return o.QR, err
}
