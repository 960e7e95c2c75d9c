package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"kejitong/provider/audit"
)

// InitialToken is an initial access token (RFC 7591 §1.2). Its text is known to
// its holder alone; stored is a digest.
type InitialToken struct {
	ID        string
	Digest    string
	Note      string // who has it, for operators
	Policy    Policy
	MaxUses   int64
	Uses      int64
	Revoked   bool
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Usable tells whether one more client may be registered. It is the polite
// question before the work; Register asks again, and its answer counts.
func (t InitialToken) Usable(now time.Time) bool {
	return !t.Revoked && t.Uses < t.MaxUses && now.Before(t.ExpiresAt)
}

// Registered is a client that registered itself, the policy it is held to, and the
// software statement that it came by, if any.
type Registered struct {
	Client    *Client
	Policy    Policy
	Statement string
}

// Registrations keeps initial access tokens and the clients that came by them.
type Registrations interface {
	// InitialToken gives the one with the digest, in any state; fault.NotFound if
	// there is none.
	InitialToken(ctx context.Context, digest string) (InitialToken, error)
	// Register uses the initial access token once, adds c with its software
	// statement and the digest of its registration access token and records ev, all
	// or nothing. false: the token is used up, over or revoked, and nothing was
	// added.
	Register(ctx context.Context, c *Client, statement, initial, access string, now time.Time, ev audit.Event) (bool, error)
	// Registered gives the active client with the id whose registration access
	// token has the digest; else fault.NotFound.
	Registered(ctx context.Context, id, access string) (Registered, error)
	// Amend replaces the client, if it is active and still at c.Version, its
	// software statement and its registration access token, if that is still access,
	// and records ev. false: client or token has changed meanwhile, and nothing was
	// done.
	Amend(ctx context.Context, c *Client, statement, access, next string, ev audit.Event) (bool, error)
	// Unregister deletes the client whose registration access token has the
	// digest, ends everything it was granted and records ev. false: there is none.
	Unregister(ctx context.Context, id, access string, ev audit.Event) (bool, error)
}

// NewToken makes an initial or a registration access token: 256 random bits,
// and what is stored of it.
func NewToken() (text, digest string, err error) {
	if text, err = NewSecret(); err != nil {
		return "", "", err
	}
	return text, TokenDigest(text), nil
}

// TokenDigest is what is stored of an initial or registration access token. A
// plain hash suffices: the token is random, and nobody can try it offline.
func TokenDigest(text string) string {
	sum := sha256.Sum256([]byte("registration token|" + text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// NewID makes a client id that nobody guesses and that is never given again.
func NewID() string { return FreshID("dyn-") }

// FreshID is NewID with a beginning that says where the client came from.
func FreshID(prefix string) string {
	b := make([]byte, 18)
	rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}
