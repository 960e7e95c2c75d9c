package client

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"kejitong/provider/fault"
)

// StatementIssuer is a publisher of software whose statements are believed (RFC
// 7591 §2.3), as far as the operator says.
type StatementIssuer struct {
	Issuer     string          `json:"issuer"`             // byte for byte what stands in iss
	JWKS       json.RawMessage `json:"jwks,omitempty"`     // its public keys,
	JWKSURI    string          `json:"jwks_uri,omitempty"` // or where they are
	Algorithms []string        `json:"algorithms"`         // of its signatures
	Audience   []string        `json:"audience,omitempty"` // what aud may name beside the provider
	Claims     []string        `json:"claims"`             // the members it may speak about
	MaxAgeDays int             `json:"max_age_days,omitempty"`
}

// statementAlgorithms may sign statements: nothing is not signed, and nobody
// shares a secret with a publisher.
var statementAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

// ofSoftware is what a statement is about in any case.
var ofSoftware = []string{"software_id", "software_version"}

// Check refuses an issuer that could not be believed, or in more than it should.
func (s StatementIssuer) Check() error {
	if u, err := url.Parse(s.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return invalid("issuer", "%q is no https address without query and fragment", s.Issuer)
	}
	switch there := len(s.JWKS) > 0; {
	case there == (s.JWKSURI != ""):
		return invalid("jwks_file", "and jwks_uri: want one of them")
	case there:
		if err := checkKeySet(s.JWKS); err != nil {
			return err
		}
	}
	if len(s.Algorithms) == 0 {
		return invalid("algorithms", "is missing: want some of %s", strings.Join(statementAlgorithms, " "))
	}
	for _, a := range s.Algorithms {
		if !slices.Contains(statementAlgorithms, a) {
			return invalid("algorithms", "%q is none of %s", a, strings.Join(statementAlgorithms, " "))
		}
	}
	for _, c := range s.Claims {
		if !slices.Contains(requestable, c) {
			return invalid("claims", "%q is no member that a registration may set", c)
		}
	}
	if s.MaxAgeDays < 0 || s.MaxAgeDays > 3660 {
		return invalid("max_age_days", "is not between 0 and 3660")
	}
	return nil
}

// MaxAge is how long after iat a statement is believed at most; 0: as long as exp
// says, which must be there then.
func (s StatementIssuer) MaxAge() time.Duration { return time.Duration(s.MaxAgeDays) * 24 * time.Hour }

// ofToken are the claims of any JWT (RFC 7519 §4.1), which are no metadata.
var ofToken = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// Lay puts the claims of a statement over what the request asks for: they take
// precedence (RFC 7591 §2.3). What no registration may set is ignored here, too
// (RFC 7591 §2). A claim that others may set and this issuer may not is
// fault.Refused: to overlook it would let the request stand against it. A
// statement that cannot be read, or that holds another, is fault.Invalid.
func (s StatementIssuer) Lay(r Request, payload []byte) (Request, error) {
	members, err := object(payload)
	if err != nil {
		return r, err
	}
	for name, raw := range members {
		switch {
		case name == "software_statement":
			return r, invalid(name, "holds another statement")
		case slices.Contains(ofToken, name) || !slices.Contains(requestable, name):
		case !slices.Contains(ofSoftware, name) && !slices.Contains(s.Claims, name):
			return r, &fault.Error{Kind: fault.Refused, Field: name, Msg: "is not for this issuer to say"}
		default:
			if err := r.Metadata.set(name, raw); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}
