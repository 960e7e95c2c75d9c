package keys

import (
	"crypto"
	"encoding/json"
	"fmt"
)

// types are the kinds of JWT that the provider makes, by their typ header (RFC
// 8725 §3.11): ID tokens and UserInfo, access tokens (RFC 9068), logout tokens,
// introspection answers (RFC 9701 §5).
var types = []string{"JWT", "at+jwt", "logout+jwt", "token-introspection+jwt"}

// Sign makes a compact JWS of claims (marshalled as JSON) with the active key
// of alg and one of the typ headers above.
func (s *Snapshot) Sign(alg Algorithm, typ string, claims any) (string, error) {
	k, ok := s.active[alg]
	if !ok {
		return "", fmt.Errorf("keys: no active key for %s", alg)
	}
	signer, ok := k.signers[typ]
	if !ok {
		return "", fmt.Errorf("keys: no signer for typ %q", typ)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("keys: claims: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("keys: sign: %w", err)
	}
	return jws.CompactSerialize()
}

// Public gives the public key and algorithm of a signing key in any state.
func (s *Snapshot) Public(kid string) (crypto.PublicKey, Algorithm, bool) {
	k, ok := s.byKid[kid]
	if !ok {
		return nil, "", false
	}
	return k.Private.Public(), k.Algorithm, true
}

// JWKS gives the key set as JSON: public members only (RFC 7517 §5).
func (s *Snapshot) JWKS() []byte { return s.jwks }

// Current gives the key of purpose that new values are made with.
func (s *Snapshot) Current(p Purpose) Secret { return s.current[p] }

// Numbered gives the key of purpose with the given number.
func (s *Snapshot) Numbered(p Purpose, n int) (Secret, bool) {
	k, ok := s.numbers[p][n]
	return k, ok
}

// MAC is HMAC-SHA-256 of parts under the current key of purpose. Parts are
// joined with a zero byte, which none of them may contain.
func (s *Snapshot) MAC(p Purpose, parts ...string) []byte {
	return s.current[p].MAC(parts...)
}
