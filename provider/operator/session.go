package operator

import (
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// The times after which a session at the desk is over: shorter than those of
// accounts, since a desk that is left open shows other people's data.
const (
	Idle     = 15 * time.Minute
	Absolute = 8 * time.Hour
)

// PasswordLife is how long a password of an operator may be used (C1).
const PasswordLife = 90 * 24 * time.Hour

// Session is one browser at the desk. The cookie holds a random value, the
// database its digest.
type Session struct {
	Key       string // digest of the cookie
	ID        string // not secret
	Operator  string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	EndedAt   time.Time // zero while it lives
	IP        string
	UserAgent string
}

// Live tells whether s may be used at now by o, as o is now.
func (s Session) Live(o Operator, now time.Time) bool {
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt) && now.Before(s.SeenAt.Add(Idle)) && o.State == Active && s.Operator == o.ID
}

// Stale tells whether the last-seen time is old enough to be worth a write.
func (s Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt) > 30*time.Second }

// Due tells whether o must choose another password before anything else (C1).
func (o *Operator) Due(now time.Time) bool { return !now.Before(o.PasswordAt.Add(PasswordLife)) }

// Key is the digest under which a cookie's session is stored.
func Key(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
