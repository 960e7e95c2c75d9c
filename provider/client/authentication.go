package client

import "slices"

// The authentication methods at the token endpoint that may be registered
// (OpenID Connect Core §9, RFC 8705 §2.1.1, §2.2.1).
const (
	AuthBasic      = "client_secret_basic"
	AuthPost       = "client_secret_post"
	AuthSecretJWT  = "client_secret_jwt"
	AuthJWT        = "private_key_jwt"
	AuthTLS        = "tls_client_auth"
	AuthSelfSigned = "self_signed_tls_client_auth"
	AuthNone       = "none"
)

func (m *Metadata) checkAuthentication() error {
	if err := oneOf("token_endpoint_auth_method", m.TokenEndpointAuthMethod,
		AuthBasic, AuthPost, AuthSecretJWT, AuthJWT, AuthTLS, AuthSelfSigned, AuthNone); err != nil {
		return err
	}
	if err := oneOf("application_type", m.ApplicationType, "web", "native"); err != nil {
		return err
	}
	public := m.TokenEndpointAuthMethod == AuthNone
	switch {
	// RFC 6749 §4.4: only confidential clients may use client credentials.
	case public && slices.Contains(m.GrantTypes, GrantClient):
		return invalid("grant_types", "client_credentials needs a client that can prove who it is")
	// RFC 9700 §2.1.1: public clients must use PKCE.
	case public && m.PKCEOptional:
		return invalid("pkce_optional", "a public client cannot do without PKCE")
	case m.TokenEndpointAuthAlg == "":
		return nil
	// The method decides the family of algorithms, so that no public key can be
	// taken for a secret (RFC 8725 §2.1).
	case m.TokenEndpointAuthMethod == AuthJWT:
		return oneOf("token_endpoint_auth_signing_alg", m.TokenEndpointAuthAlg, algorithms()...)
	case m.TokenEndpointAuthMethod == AuthSecretJWT:
		return oneOf("token_endpoint_auth_signing_alg", m.TokenEndpointAuthAlg, "HS256")
	}
	return invalid("token_endpoint_auth_signing_alg", "goes with private_key_jwt and client_secret_jwt alone")
}
