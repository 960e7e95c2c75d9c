package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// KeyEncryptions are the algorithms by which an answer's key is encrypted to a
// client (RFC 7518 §4.1). RSA1_5 (RFC 8725 §3.2) is not among them, nor is any
// that rests on a secret which both sides know.
func KeyEncryptions() []string {
	return []string{"RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}
}

// ContentEncryptions are the algorithms by which an answer itself is encrypted
// (RFC 7518 §5.1), the default first.
func ContentEncryptions() []string {
	return []string{"A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"}
}

// Opens tells whether answers can be encrypted to key with alg: RSA of a sound
// size (RFC 7518 §4.3), or a point of a NIST curve (§4.6).
func Opens(key any, alg string) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RSA-OAEP") && weak(k) == ""
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ECDH-ES") && onAgreementCurve(k)
	}
	return false
}

func onAgreementCurve(key any) bool {
	k, ok := key.(*ecdsa.PublicKey)
	return ok && slices.Contains(agreementCurves, k.Curve)
}

// agreementCurves are the curves of keys that answers may be encrypted to.
var agreementCurves = []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}

// MayEncrypt tells whether a key of a client's set is meant for encryption with
// alg and fit for it (RFC 7517 §4.2 and §4.4: what a key says of its use and
// algorithm binds, what it leaves open does not).
func MayEncrypt(k jose.JSONWebKey, alg string) bool {
	return k.IsPublic() && (k.Use == "enc" || k.Use == "") && (k.Algorithm == "" || k.Algorithm == alg) && Opens(k.Key, alg)
}

// answer is one kind of answer and how it is signed and encrypted.
type answer struct {
	name           string  // of the members, before _signed_response_alg and so on
	sign, alg, enc *string // sign is nil where it is checked elsewhere
}

func (m *Metadata) answers() []answer {
	return []answer{
		{name: "id_token", alg: &m.IDTokenEncryptedResponseAlg, enc: &m.IDTokenEncryptedResponseEnc},
		{name: "userinfo", sign: &m.UserinfoSignedResponseAlg, alg: &m.UserinfoEncryptedResponseAlg, enc: &m.UserinfoEncryptedResponseEnc},
		{name: "authorization", sign: &m.AuthorizationSignedResponseAlg, alg: &m.AuthorizationEncryptedResponseAlg, enc: &m.AuthorizationEncryptedResponseEnc},
		{name: "introspection", sign: &m.IntrospectionSignedResponseAlg, alg: &m.IntrospectionEncryptedResponseAlg, enc: &m.IntrospectionEncryptedResponseEnc},
	}
}

// checkAnswers: OpenID Connect Registration §2, JARM §3 and RFC 9701 §6: an enc
// needs an alg, an alg needs a key of the client that fits it.
func (m *Metadata) checkAnswers() error {
	for _, a := range m.answers() {
		if a.sign != nil && *a.sign != "" {
			if err := oneOf(a.name+"_signed_response_alg", *a.sign, algorithms()...); err != nil {
				return err
			}
		}
		algName, encName := a.name+"_encrypted_response_alg", a.name+"_encrypted_response_enc"
		if *a.alg == "" {
			if *a.enc != "" {
				return invalid(encName, "goes with %s; it says how, the other that", algName)
			}
			continue
		}
		if err := oneOf(algName, *a.alg, KeyEncryptions()...); err != nil {
			return err
		}
		fallback(a.enc, ContentEncryptions()[0])
		if err := oneOf(encName, *a.enc, ContentEncryptions()...); err != nil {
			return err
		}
		if len(m.JWKS) == 0 && m.JWKSURI == "" {
			return invalid(algName, "needs a key to encrypt to: register jwks or jwks_uri")
		}
		if len(m.JWKS) > 0 && !m.hasKey(func(k jose.JSONWebKey) bool { return MayEncrypt(k, *a.alg) }) {
			return invalid("jwks", "holds no key to which %s could encrypt", *a.alg)
		}
	}
	return nil
}

// hasKey tells whether the registered set, which was checked, holds such a key.
func (m *Metadata) hasKey(fits func(jose.JSONWebKey) bool) bool {
	var set jose.JSONWebKeySet
	return json.Unmarshal(m.JWKS, &set) == nil && slices.ContainsFunc(set.Keys, fits)
}
