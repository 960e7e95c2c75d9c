// Package diagnosis tells the people behind a client why its requests fail: for
// each refusal what was expected and what came instead. It is a log of bounded
// size beside the protocol, written after the answer; nothing waits for it, and
// nothing is decided by it.
package diagnosis

import (
	"slices"
	"time"
)

// Kind is what went wrong. The texts about it, and what to do, are the pages'.
type Kind string

// The kinds, in the order in which a filter lists them.
const (
	RedirectURI    Kind = "redirect_uri"       // not registered, at the authorization endpoint
	RedirectAgain  Kind = "redirect_uri_again" // another one at the token endpoint
	LogoutURI      Kind = "logout_uri"         // post_logout_redirect_uri not registered
	Method         Kind = "client_auth_method" // another way of authentication than registered, or none
	Secret         Kind = "client_secret"      // the right way, the wrong secret
	Signature      Kind = "signature"          // no registered key fits an assertion or request object
	Keys           Kind = "jwks"               // the jwks_uri gave no keys
	Audience       Kind = "audience"           // of an assertion or request object
	Clock          Kind = "clock"              // iat, nbf or exp say that the clocks differ, or it lives too long
	Assertion      Kind = "assertion"          // malformed, or its jti was used before
	PKCEMissing    Kind = "pkce_missing"       // no code_challenge, or not S256
	PKCEMismatch   Kind = "pkce_mismatch"      // the verifier does not fit
	ResponseType   Kind = "response_type"      // not registered or not offered
	ResponseMode   Kind = "response_mode"      // not registered, not offered or unfit
	GrantType      Kind = "grant_type"         // not registered or not offered
	ScopeIgnored   Kind = "scope_ignored"      // no failure: what the request got less than it asked for
	Scope          Kind = "scope"              // more than there is
	Resource       Kind = "resource"           // a resource or audience that is not registered
	RequestObject  Kind = "request_object"     // its content
	RequestURI     Kind = "request_uri"        // unknown, expired, used, not registered, or cannot be fetched
	CodeUnknown    Kind = "code_unknown"       // malformed, or another client's
	CodeUsed       Kind = "code_used"          // twice
	CodeExpired    Kind = "code_expired"       // too late
	RefreshUnknown Kind = "refresh_unknown"    // malformed, or another client's
	RefreshReused  Kind = "refresh_reused"     // one that was rotated away
	GrantEnded     Kind = "grant_ended"        // the session, mandate or grant behind a token is over
	DPoP           Kind = "dpop"               // a proof is missing or wrong
	Parameter      Kind = "parameter"          // any other parameter
	Flood          Kind = "flood"              // no failure of its own: so many more were not kept
)

// Kinds are all of them.
var kinds = []Kind{
	RedirectURI, RedirectAgain, LogoutURI, Method, Secret, Signature, Keys, Audience, Clock, Assertion, PKCEMissing, PKCEMismatch, ResponseType,
	ResponseMode, GrantType, ScopeIgnored, Scope, Resource, RequestObject, RequestURI, CodeUnknown, CodeUsed, CodeExpired, RefreshUnknown,
	RefreshReused, GrantEnded, DPoP, Parameter, Flood,
}

// Kinds gives all kinds, in the order in which a filter lists them.
func Kinds() []Kind { return slices.Clone(kinds) }

// Known tells whether k is one of them.
func (k Kind) Known() bool { return slices.Contains(kinds, k) }

// Warns tells whether an event of the kind says something about requests that
// did not fail.
func (k Kind) Warns() bool { return k == ScopeIgnored }

// Event is one refusal.
type Event struct {
	ID       string // sorts by time
	Client   string
	At       time.Time
	Kind     Kind
	Endpoint string // the path
	Error    string // the error code that was answered, "" where only a page said it
	Expected string
	Received string
	Request  string // the number that the answer's page showed
}
