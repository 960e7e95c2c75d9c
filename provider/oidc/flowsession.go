package oidc

import (
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/token/jwt"
)

// flowSession is fosite's session of one request. It persists nothing: what
// must last is in the grant. Its ID token claims exist because fosite's handler
// asks for a subject; the token itself is made by strategy from the release.
type flowSession struct {
	unit    *unit
	subject string
	expires map[fosite.TokenType]time.Time
	claims  jwt.IDTokenClaims
}

// SetExpiresAt keeps the time for the response's expires_in.
func (s *flowSession) SetExpiresAt(key fosite.TokenType, exp time.Time) {
	if s.expires == nil {
		s.expires = map[fosite.TokenType]time.Time{}
	}
	s.expires[key] = exp
}

// GetExpiresAt gives it back.
func (s *flowSession) GetExpiresAt(key fosite.TokenType) time.Time { return s.expires[key] }

// GetUsername is empty: login names never leave the provider.
func (s *flowSession) GetUsername() string { return "" }

// GetSubject is the account.
func (s *flowSession) GetSubject() string { return s.subject }

// Clone gives a copy that shares the unit.
func (s *flowSession) Clone() fosite.Session {
	c := *s
	c.expires = map[fosite.TokenType]time.Time{}
	for k, v := range s.expires {
		c.expires[k] = v
	}
	return &c
}

// IDTokenClaims satisfies openid.Session.
func (s *flowSession) IDTokenClaims() *jwt.IDTokenClaims {
	s.claims.Subject = s.subject
	return &s.claims
}

// IDTokenHeaders satisfies openid.Session.
func (s *flowSession) IDTokenHeaders() *jwt.Headers { return jwt.NewHeaders() }
