// Package token is what the provider hands out: authorization codes, access
// tokens and refresh tokens. They are not stored. Each opaque token says where
// its grant is found and carries a MAC, so that garbage costs no query; the
// one grant row holds what all tokens of one authorization share, and the
// row's state decides whether any of them still lives.
//
//	authorize   INSERT grant (state issued)
//	token       issued --spend--> active          compare-and-swap
//	refresh     rt_gen n --rotate--> n+1          compare-and-swap
//	revoke      any    --revoke--> revoked        reuse, replay, sign-out, logout
package token

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// State is where a grant stands in its life.
type State int

// The states of a grant. A revoked grant never lives again.
const (
	Issued  State = 0 // its code has not been spent
	Active  State = 1
	Revoked State = 2
)

// Grant is one authorization. ID is 22 characters (16 random bytes, base64url).
type Grant struct {
	ID         string
	Client     string
	Account    account.ID // empty for client_credentials
	UnitID     string     // the one unit that its tokens speak for, "" if none
	SessionID  string     // the session it came from, "" if none
	Offline    bool       // survives the end of the session (offline_access)
	State      State
	CodeSpent  bool
	CreatedAt  time.Time
	CodeExp    time.Time
	ExpiresAt  time.Time // absolute end of everything in it
	Generation int64     // of the refresh token that is valid now; 0: none issued
	RotatedAt  time.Time // when that generation was issued
	Secret     []byte    // 16 bytes that enter every MAC of its tokens
	Data       Data
}

// Data is the immutable part of a grant that no query selects on; it is stored
// as compact JSON.
type Data struct {
	Scopes      []string        `json:"s,omitempty"`
	Audience    []string        `json:"a,omitempty"`
	RedirectURI string          `json:"r,omitempty"` // as sent; empty if it was not sent
	Nonce       string          `json:"n,omitempty"`
	Challenge   string          `json:"c,omitempty"` // PKCE S256
	AuthTime    int64           `json:"t,omitempty"` // Unix seconds
	ACR         string          `json:"k,omitempty"`
	AMR         []string        `json:"m,omitempty"`
	Actor       account.ID      `json:"h,omitempty"`
	Claims      json.RawMessage `json:"q,omitempty"` // the claims request parameter
	Epoch       int64           `json:"e,omitempty"`
	DPoPJKT     string          `json:"j,omitempty"` // the key that the code is bound to (RFC 9449 §10)
	Details     json.RawMessage `json:"d,omitempty"` // authorization_details that were granted (RFC 9396)
	Parent      string          `json:"p,omitempty"` // the grant that this one was exchanged from (RFC 8693)
	Acts        []Act           `json:"x,omitempty"` // who acts in an exchanged grant, the latest first
}

// Act is one actor of an exchanged grant: a client, or somebody who is signed in
// at it.
type Act struct {
	Client  string     `json:"c"`
	Account account.ID `json:"a,omitempty"`
}

// Encode gives the compact JSON of d.
func (d Data) Encode() (string, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("token: grant data: %w", err)
	}
	return string(b), nil
}

// Has tells whether the grant carries the scope.
func (d Data) Has(scope string) bool {
	for _, s := range d.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}

// NewGrant makes a grant with a fresh id and secret.
func NewGrant(client string, now time.Time) (*Grant, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("token: random: %w", err)
	}
	return &Grant{ID: encodeID(b[:16]), Client: client, Secret: b[16:], CreatedAt: now}, nil
}

func encodeID(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Consume names what issuing a code uses up, each at most once: the parked
// interaction, the pushed request. Empty fields are left out.
type Consume struct {
	Interaction string // key of the interaction
	Pushed      string // key of the pushed authorization request
}

// Store keeps grants. Each method that may happen once is a compare-and-swap
// on the row's old state: of any number of racers, exactly one is told true.
type Store interface {
	// OpenGrant inserts g, consumes what is named and records ev, together; an
	// event without a kind, allowed only where nothing is consumed, records
	// nothing. It
	// gives false, and inserts nothing, if something was consumed before.
	OpenGrant(ctx context.Context, g *Grant, use Consume, ev audit.Event) (bool, error)
	// SpendCode moves an issued grant to active with refresh generation gen (0:
	// no refresh token) and records ev with it.
	SpendCode(ctx context.Context, id string, gen int64, now time.Time, ev audit.Event) (bool, error)
	// RotateRefresh moves the refresh generation of an active grant from gen to
	// gen+1.
	RotateRefresh(ctx context.Context, id string, gen int64, now time.Time) (bool, error)
	// RevokeGrant ends a grant in any state and records ev if it was not ended
	// yet. A grant without a row (client_credentials) gets a row in state
	// revoked, so that its tokens die as well.
	RevokeGrant(ctx context.Context, g *Grant, ev audit.Event) error
	// Revoked tells whether a grant without accounts was revoked.
	Revoked(ctx context.Context, id string) (bool, error)
	// UseAssertion records the jti of a client assertion until exp; false if it
	// was recorded before (RFC 7523 §3).
	UseAssertion(ctx context.Context, client, jti string, exp, now time.Time) (bool, error)
	// SpeakFor keeps, until the given time, that the client's own JWT speaks for
	// the subject (as the client knows it) by this grant, instead of an earlier one
	// (RFC 7523 §2.1).
	SpeakFor(ctx context.Context, client, subject, grantID string, until time.Time) error
	// SpokenFor gives the id of that grant; fault.NotFound if there is none.
	SpokenFor(ctx context.Context, client, subject string, now time.Time) (string, error)
	// SweepExpired deletes up to limit rows of each kind that ended before the
	// given time and gives how many went.
	SweepExpired(ctx context.Context, before time.Time, limit int) (int, error)
}
