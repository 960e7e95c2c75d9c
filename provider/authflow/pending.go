// Package authflow is a parked authorization request and what comes next. The
// authorization endpoint is entry and exit of every sign-in: it parks the
// request, asks Decide what is owed, sends the browser there, and is returned
// to. Steps never know one another.
//
//	/oauth2/authorize ──Decide──▶ SignIn      /login
//	        ▲                     SelectAccount /login/account
//	        │                     Factor      /login/factor
//	        │                     ChooseUnit  /login/unit
//	        │                     Act         /me/acting
//	        │                     Confirm     /login/entry
//	        │                     Consent     /consent
//	        │                     Refuse      /refused
//	        └──────303─────────── each step posts, records what happened, and
//	                              sends the browser back with the interaction id
//
// Package authflow sees only Facts, so it imports no other domain.
package authflow

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"
)

// Pending is a parked authorization request. Key is the digest of the id that
// the browser carries in URLs and forms; Browser is the digest of the browser's
// own cookie: an id that is opened in another browser is worth nothing.
type Pending struct {
	Key        string
	Client     string
	Form       string // the request's parameters, URL-encoded
	Browser    string
	Pushed     string // key of the pushed request it came from, "" if none
	CreatedAt  time.Time
	ExpiresAt  time.Time
	SignedInAt time.Time // when the user proved to be somebody inside this interaction
	Session    string    // the session id that did
	Selected   bool      // the account was chosen here
	Unit       string    // the unit chosen here: an id, or "self"
	Consented  bool      // consent was given here
	Declined   string    // why the user gave up, "" if not
	GrantID    string    // what was issued; the interaction is over
}

// Pushed is a pushed authorization request (RFC 9126).
type Pushed struct {
	Key       string // digest of the request_uri
	Client    string
	Form      string
	ExpiresAt time.Time
	Visited   bool
	UsedAt    time.Time
}

// Store keeps parked and pushed requests.
type Store interface {
	// Park inserts p. With p.Pushed set, the pushed request's life is extended
	// to p's (expiry counts from push to first visit).
	Park(ctx context.Context, p Pending) error
	// Pending gives a parked request; fault.NotFound if there is none.
	Pending(ctx context.Context, key string) (Pending, error)
	// Advance writes the progress fields (SignedInAt, Session, Selected, Unit,
	// Consented, Declined) and Browser, which changes when somebody else signs
	// in, of an interaction that is not over yet; fault.Gone if it is.
	Advance(ctx context.Context, p Pending) error
	// Finish ends an interaction that leads to no grant, with why: of any number
	// of callers exactly one is told true.
	Finish(ctx context.Context, key, why string) (bool, error)
	// Push inserts a pushed request.
	Push(ctx context.Context, p Pushed) error
	// Pushed gives a pushed request; fault.NotFound if there is none.
	Pushed(ctx context.Context, key string) (Pushed, error)
}

// NewID makes an id of 32 random bytes in base64url for URLs (43 characters)
// and its key.
func NewID() (id, key string, err error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", "", fmt.Errorf("authflow: random: %w", err)
	}
	id = base64.RawURLEncoding.EncodeToString(b)
	return id, Key(id), nil
}

// Key is the digest under which an id is stored.
func Key(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
