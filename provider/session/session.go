// Package session is one signed-in browser: who signed in, when, and how
// strongly. The browser holds an opaque random id in a cookie; the database
// holds its SHA-256. A new sign-in always makes a new id (no fixation), and
// ending a session is a deed with a time, so that every replica and every
// token sees it at once.
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// Session is a row. Key is the digest of the cookie; ID is the stable,
// non-secret name that grants refer to and from which each client's own sid is
// derived.
type Session struct {
	Key       string
	ID        string
	Account   account.ID
	Actor     account.ID // the handler who acts in a legal account's session, proved by an own factor; empty if none
	UnitID    string     // the unit last chosen, "" if none
	AuthTime  time.Time
	AMR       []string // RFC 8176
	ACR       string
	FactorAt  time.Time // when a second factor that the account enrolled was last shown, zero if never
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time // absolute end
	EndedAt   time.Time // zero while it lives
	Strange   bool      // a browser that this login name was not signed in with before; its owner is told. Only ever written
	Shared    bool      // "this is a shared computer": the cookie dies with the browser, idle time is short
	IP        string
	UserAgent string

	// Proved is the version of the account that the sign-in proved itself
	// against. StartSession alone looks at it; it is not stored.
	Proved int64
	// Replaced is the session of somebody else, or one that had run out, that
	// this one took the place of. StartSession and Open give it; it is not stored.
	Replaced *Ended
}

// Ended is a session that is over.
type Ended struct {
	ID      string
	Account account.ID
	// Clients are those that still held a grant of it when it ended. The browser
	// has to tell them (OpenID Connect Front-Channel Logout 1.0 §3); a client
	// whose grants were all revoked before has nothing left to hear of.
	Clients []string
}

// The authentication context classes: how strongly somebody signed in, which is
// never who somebody is.
const (
	ACRPassword = "urn:fuwu:aal:1" // a password alone
	ACRSecond   = "urn:fuwu:aal:2" // and an SMS code or TOTP
	ACRStrong   = "urn:fuwu:aal:3" // a certificate or passkey
)

// Limits are the times after which a session is over.
type Limits struct {
	Idle     time.Duration // since it was last seen
	Absolute time.Duration // since sign-in
}

// SharedIdle is the idle limit of a session on a shared computer.
const SharedIdle = 10 * time.Minute

// Live tells whether s may be used at now.
func (s Session) Live(l Limits, now time.Time) bool {
	idle := l.Idle
	if s.Shared {
		idle = min(idle, SharedIdle)
	}
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt) && now.Before(s.SeenAt.Add(idle))
}

// Stale tells whether the last-seen time is old enough to be worth a write.
func (s Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt) > time.Minute }

// Store keeps sessions.
type Store interface {
	// StartSession inserts s, takes over the session whose Key is replaced
	// (empty: none) and records ev, in one transaction. A living session of the
	// same account is renewed: it keeps its ID, CreatedAt and UnitID under the
	// new Key, and its grants live on. One of another account is ended as by
	// EndSessions, and named in Replaced. It gives the session as it stands now.
	//
	// With s.Proved set, the account must still be active and have that version
	// when the session begins, else nothing happens and it is fault.Unproven:
	// what was proved before a reset or a freeze opens nothing after it.
	StartSession(ctx context.Context, s Session, replaced string, ev audit.Event) (Session, error)
	// RaiseSession is the renewal of StartSession alone: it gives the living session
	// of the same account whose Key is replaced the Key, AMR, ACR, FactorAt and times
	// of s and records ev. fault.Gone where there is no such session any more.
	RaiseSession(ctx context.Context, s Session, replaced string, ev audit.Event) (Session, error)
	// SessionsOf gives the account's sessions that nobody ended and that have not
	// come to their absolute end, the one seen last first.
	SessionsOf(ctx context.Context, id account.ID, now time.Time) ([]Session, error)
	// TouchSession moves SeenAt forward.
	TouchSession(ctx context.Context, key string, now time.Time) error
	// ChooseUnit remembers the unit last chosen in the session.
	ChooseUnit(ctx context.Context, key, unitID string) error
	// EndSessions ends the live sessions selected and revokes the grants that
	// live and die with them (those without offline access). Selected by account,
	// which is signing out everywhere, grants with offline access end too, but
	// for those of the session left out. It queues a back-channel logout for
	// every client concerned and records one event per session, all in one
	// transaction. It gives the ended sessions.
	EndSessions(ctx context.Context, which Which, now time.Time, ev audit.Event) ([]Ended, error)
}

// Which selects sessions: exactly one field is set. ExceptKey leaves one out
// when all of an account's sessions are ended.
type Which struct {
	Key       string
	ID        string
	Account   account.ID
	ExceptKey string
}

// Service starts and ends sessions.
type Service struct {
	Store  Store
	Limits Limits
	Now    func() time.Time
}

// Opening is what is known at sign-in.
type Opening struct {
	Account   account.ID
	Version   int64 // of the account when the proof was made, which it must still have; 0 is not checked
	AMR       []string
	ACR       string
	FactorAt  time.Time // of a second factor, zero if none was shown
	Shared    bool
	Strange   bool // the browser is not known
	IP        string
	UserAgent string
	Replaced  string // cookie value of the session this sign-in takes over, if any
}

// Open starts a session and gives it with the cookie value.
func (s *Service) Open(ctx context.Context, o Opening, ev audit.Event) (Session, string, error) {
	cookie, err := random(32)
	if err != nil {
		return Session{}, "", err
	}
	id, err := random(16)
	if err != nil {
		return Session{}, "", err
	}
	now := s.Now()
	ua := o.UserAgent
	if len(ua) > 256 {
		ua = ua[:256]
	}
	sn := Session{
		Key: Key(cookie), ID: id, Account: o.Account, AuthTime: now.Truncate(time.Second), AMR: o.AMR, ACR: o.ACR,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.Limits.Absolute), Shared: o.Shared, Strange: o.Strange, IP: o.IP, UserAgent: ua,
		Proved: o.Version,
	}
	if !o.FactorAt.IsZero() {
		sn.FactorAt = o.FactorAt.Truncate(time.Second)
	}
	replaced := ""
	if o.Replaced != "" {
		replaced = Key(o.Replaced)
	}
	started, err := s.Store.StartSession(ctx, sn, replaced, ev)
	if err != nil {
		return Session{}, "", fmt.Errorf("start session: %w", err)
	}
	return started, cookie, nil
}

// Key is the digest under which a cookie's session is stored.
func Key(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func random(n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("session: random: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
