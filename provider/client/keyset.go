package client

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeySet  = 32 << 10 // bytes
	maxKeys    = 20
	maxRSABits = 8192 // checking a signature with more is work for a stranger's benefit
)

// privateMembers are the members of private and symmetric keys (RFC 7518 §6).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// checkKeys: RFC 7591 §2, one of jwks and jwks_uri, and one for a client that
// signs its assertions.
func (m *Metadata) checkKeys() error {
	there := len(m.JWKS) > 0 && string(m.JWKS) != "null"
	if !there {
		m.JWKS = nil
	}
	switch {
	case there && m.JWKSURI != "":
		return invalid("jwks", "stands beside jwks_uri; give one of them")
	case !there && m.JWKSURI == "" && (m.TokenEndpointAuthMethod == AuthJWT || m.TokenEndpointAuthMethod == AuthSelfSigned):
		return invalid("jwks", "and jwks_uri are missing; %s needs one of them", m.TokenEndpointAuthMethod)
	case !there:
		return nil
	}
	if err := checkKeySet(m.JWKS); err != nil {
		return err
	}
	if m.TokenEndpointAuthMethod == AuthJWT && !m.hasKey(func(k jose.JSONWebKey) bool { return k.Use != "enc" }) {
		return invalid("jwks", "holds no key for signatures")
	}
	return nil
}

// checkKeySet accepts a set of public keys. What RFC 7517 leaves optional may
// be missing: a key without a use serves both purposes (§4.2), and keys without
// a kid are tried one after the other (§4.5), because many relying parties'
// libraries publish such sets. The same kid twice is accepted where type or use
// tell the keys apart.
func checkKeySet(raw json.RawMessage) error {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(raw) > maxKeySet || json.Unmarshal(raw, &set) != nil {
		return invalid("jwks", "is no JSON Web Key Set of at most 32 KiB")
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return invalid("jwks", "holds no keys, or more than %d", maxKeys)
	}
	seen := map[string]bool{}
	for _, one := range set.Keys {
		var members map[string]json.RawMessage
		if json.Unmarshal(one, &members) != nil {
			return invalid("jwks", "holds something that is no key")
		}
		for _, name := range privateMembers {
			if _, ok := members[name]; ok {
				return invalid("jwks", "holds a private or symmetric key (member %q); that key is known to others now, make a new one and register its public half", name)
			}
		}
		var k jose.JSONWebKey
		if err := json.Unmarshal(one, &k); err != nil || !k.Valid() || !k.IsPublic() {
			return invalid("jwks", "holds a key that cannot be read")
		}
		if k.Use != "" && k.Use != "sig" && k.Use != "enc" {
			return invalid("jwks", "the key %q has a use that is neither sig nor enc", k.KeyID)
		}
		if why := weak(k.Key); why != "" && !(k.Use == "enc" && onAgreementCurve(k.Key)) {
			return invalid("jwks", "the key %q %s", k.KeyID, why)
		}
		same := fmt.Sprintf("%q %T %s", k.KeyID, k.Key, k.Use)
		if k.KeyID != "" && seen[same] {
			return invalid("jwks", "the kid %q stands there twice for keys of one type and use", k.KeyID)
		}
		seen[same] = true
	}
	return nil
}

// weak says what is wrong with a public key, "" if nothing.
func weak(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < 2048 || n > maxRSABits { // RFC 7518 §3.3
			return "is RSA of less than 2048 or more than 8192 bits"
		}
		if k.E < 3 || k.E&1 == 0 {
			return "has an RSA exponent that cannot be right"
		}
		return ""
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "is not on the curve P-256, the one that is supported"
		}
		return ""
	case ed25519.PublicKey:
		return ""
	}
	return "is neither RSA, P-256 nor Ed25519"
}
