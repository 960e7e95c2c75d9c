package client

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

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

// Knows tells in constant time whether secret is the client's, or was until a
// rotation whose overlap lasts at now. c may be nil, so that an unknown client
// takes as long as a known one.
func (c *Client) Knows(s *keys.Snapshot, secret string, now time.Time) bool {
	id, want, former := "", "", ""
	if c != nil {
		id, want = c.ID, c.SecretDigest
		if now.Before(c.FormerUntil) {
			former = c.FormerDigest
		}
	}
	got := []byte(Digest(s, id, secret))
	current, before := hmac.Equal(got, []byte(want)), hmac.Equal(got, []byte(former))
	return current && want != "" || before && former != ""
}

// HasSecret tells whether the registered authentication method needs a secret
// that the provider issues (OpenID Connect Core §9).
func (m Metadata) HasSecret() bool {
	return m.TokenEndpointAuthMethod == "" || strings.HasPrefix(m.TokenEndpointAuthMethod, "client_secret_")
}

// SetSecret gives the client a new secret in every form that its method needs;
// those before are worth nothing from then on.
// With client_secret_jwt the secret is the key of a MAC (OpenID Connect Core
// §9), so that it must be known again; of all other clients a digest is kept.
func (c *Client) SetSecret(s *keys.Snapshot, secret string) error {
	c.EndFormer()
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

// Rotate gives the client a new secret and lets the one it has be good until
// then. One that was former already is not any more: never are there three.
func (c *Client) Rotate(s *keys.Snapshot, secret string, until time.Time) error {
	digest, sealed := c.SecretDigest, c.SecretSealed
	if err := c.SetSecret(s, secret); err != nil {
		return err
	}
	if digest != "" {
		c.FormerDigest, c.FormerSealed, c.FormerUntil = digest, sealed, until
	}
	return nil
}

// EndFormer lets go of the secret before.
func (c *Client) EndFormer() { c.FormerDigest, c.FormerSealed, c.FormerUntil = "", "", time.Time{} }

// KeepsSecret tells whether the client's secret will do for its method, and
// lets go of what the method does not need.
func (c *Client) KeepsSecret() bool {
	switch {
	case !c.Metadata.HasSecret():
		c.SecretDigest, c.SecretSealed = "", ""
		c.EndFormer()
		return true
	case c.Metadata.TokenEndpointAuthMethod == AuthSecretJWT:
		return c.SecretSealed != ""
	}
	c.SecretSealed, c.FormerSealed = "", ""
	return c.SecretDigest != ""
}

// Recover opens the sealed secrets that are good at now, the current one first.
func (c *Client) Recover(s *keys.Snapshot, now time.Time) ([]string, error) {
	all := []string{c.SecretSealed}
	if c.FormerSealed != "" && now.Before(c.FormerUntil) {
		all = append(all, c.FormerSealed) // sealed where it stood before, and moved as it was
	}
	var out []string
	for _, sealed := range all {
		b, err := s.Open(keys.SharedSecret, SecretPlace(c.ID), sealed)
		if err != nil {
			return nil, err
		}
		out = append(out, string(b))
	}
	return out, nil
}

// SecretPlace is where the sealed secret of the client with that id belongs, and
// the one before it.
func SecretPlace(id string) string { return "clients|secret|" + id }
