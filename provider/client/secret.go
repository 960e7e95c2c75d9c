package client

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"kejitong/provider/keys"
)

// NewSecret makes a client secret: 256 random bits as 43 characters of
// base64url, which every client can send whether it URL-encodes or not.
func NewSecret() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("client: random: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// Digest is what is stored of a secret. A keyed hash suffices because the
// secret is random; a password hash would cost a CPU-second a token request.
func Digest(s *keys.Snapshot, clientID, secret string) string {
	return base64.RawURLEncoding.EncodeToString(s.MAC(keys.ClientSecret, clientID, secret))
}

// Knows tells in constant time whether secret is the client's. c may be nil, so
// that an unknown client takes as long as a known one.
func (c *Client) Knows(s *keys.Snapshot, secret string) bool {
	id, want := "", ""
	if c != nil {
		id, want = c.ID, c.SecretDigest
	}
	return hmac.Equal([]byte(Digest(s, id, secret)), []byte(want)) && want != ""
}

// HasSecret tells whether the registered authentication method needs a secret
// that the provider issues (OpenID Connect Core §9).
func (m Metadata) HasSecret() bool {
	return m.TokenEndpointAuthMethod == "" || strings.HasPrefix(m.TokenEndpointAuthMethod, "client_secret_")
}

// SetSecret gives the client a new secret in every form that its method needs.
// With client_secret_jwt the secret is the key of a MAC (OpenID Connect Core
// §9), so that it must be known again; of all other clients a digest is kept.
func (c *Client) SetSecret(s *keys.Snapshot, secret string) error {
	c.SecretDigest, c.SecretSealed = Digest(s, c.ID, secret), ""
	if c.Metadata.TokenEndpointAuthMethod != AuthSecretJWT {
		return nil
	}
	sealed, err := s.Seal(keys.SharedSecret, SecretPlace(c.ID), []byte(secret))
	if err != nil {
		return fmt.Errorf("client: seal secret: %w", err)
	}
	c.SecretSealed = sealed
	return nil
}

// KeepsSecret tells whether the client's secret will do for its method, and
// lets go of what the method does not need.
func (c *Client) KeepsSecret() bool {
	switch {
	case !c.Metadata.HasSecret():
		c.SecretDigest, c.SecretSealed = "", ""
		return true
	case c.Metadata.TokenEndpointAuthMethod == AuthSecretJWT:
		return c.SecretSealed != ""
	}
	c.SecretSealed = ""
	return c.SecretDigest != ""
}

// Recover opens the sealed secret.
func (c *Client) Recover(s *keys.Snapshot) (string, error) {
	b, err := s.Open(keys.SharedSecret, SecretPlace(c.ID), c.SecretSealed)
	return string(b), err
}

// SecretPlace ties the ciphertext to its row.
// SecretPlace is the place of the sealed secret of the client with that id.
// SecretPlace is where the sealed secret of the client with that id belongs.
func SecretPlace(id string) string { return "clients|secret|" + id }
