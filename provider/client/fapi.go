package client

import (
	"slices"
	"strings"

	"kejitong/provider/keys"
)

// The rules of the FAPI 2.0 Security Profile that concern one client. They are
// filled in and checked when it registers, and asked again wherever they bind,
// so that no row that came another way is held to less.

// fapiAlgorithms: FAPI 2.0 Security Profile §5.4.1.
var fapiAlgorithms = []string{string(keys.PS256), string(keys.ES256), string(keys.EdDSA)}

// SigningAlgorithms are those that may be used between us and the client, in
// either direction.
func (m Metadata) SigningAlgorithms() []string {
	if m.FAPI() {
		return fapiAlgorithms
	}
	return algorithms()
}

// PushedOnly tells whether the client must push its authorization requests (RFC
// 9126 §6; FAPI 2.0 Security Profile §5.3.2.2).
func (m Metadata) PushedOnly() bool { return m.RequirePushedAuthRequests || m.FAPI() }

// IssuerAudienceOnly tells whether the client's assertions must name the issuer
// alone, as a string (FAPI 2.0 Security Profile §5.3.2.1).
func (m Metadata) IssuerAudienceOnly() bool { return m.StrictAssertionAud || m.FAPI() }

// NeedsProof tells whether the client gets no access token without a DPoP proof
// (RFC 9449 §5.2; FAPI 2.0 Security Profile §5.3.2.1: by DPoP or by mutual TLS).
func (m Metadata) NeedsProof() bool { return m.DPoPBoundTokens || m.FAPI() && !m.TLSBoundTokens }

// RotatesRefresh tells whether each use of a refresh token gives a new one (FAPI
// 2.0 Security Profile §5.3.2.1: not for its clients, whose refresh tokens are
// bound to their authentication).
func (m Metadata) RotatesRefresh() bool { return !m.FAPI() }

// profileDefaults fills in what a security profile leaves no choice about.
func (m *Metadata) profileDefaults() {
	if !m.FAPI() {
		return
	}
	fallback(&m.TokenEndpointAuthMethod, AuthJWT)
	fallback(&m.IDTokenSignedResponseAlg, string(keys.PS256))
	m.RequirePushedAuthRequests, m.StrictAssertionAud = true, true
	if m.SecurityProfile == FAPI2Signed { // FAPI 2.0 Message Signing §5.3.1
		m.RequireSignedRequestObject = true
	}
}

// checkProfile refuses metadata that contradict the security profile.
func (m *Metadata) checkProfile() error {
	if err := oneOf("security_profile", string(m.SecurityProfile), string(NoProfile), string(FAPI2), string(FAPI2Signed)); err != nil {
		return err
	}
	if !m.FAPI() {
		return nil
	}
	if !slices.Contains([]string{AuthJWT, AuthTLS, AuthSelfSigned}, m.TokenEndpointAuthMethod) { // §5.3.2.1
		return invalid("token_endpoint_auth_method", "is %s; FAPI 2.0 allows private_key_jwt, tls_client_auth and self_signed_tls_client_auth", m.TokenEndpointAuthMethod)
	}
	for _, a := range []struct{ field, alg string }{ // §5.4.1
		{"token_endpoint_auth_signing_alg", m.TokenEndpointAuthAlg}, {"id_token_signed_response_alg", m.IDTokenSignedResponseAlg},
		{"access_token_signed_response_alg", m.AccessTokenAlg}, {"userinfo_signed_response_alg", m.UserinfoSignedResponseAlg},
		{"authorization_signed_response_alg", m.AuthorizationSignedResponseAlg},
		{"introspection_signed_response_alg", m.IntrospectionSignedResponseAlg}, {"request_object_signing_alg", m.RequestObjectSigningAlg},
	} {
		if a.alg != "" && !slices.Contains(fapiAlgorithms, a.alg) {
			return invalid(a.field, "is %s; FAPI 2.0 allows %s", a.alg, strings.Join(fapiAlgorithms, ", "))
		}
	}
	for _, r := range m.ResponseTypes { // §5.3.2.2
		if r != "code" {
			return invalid("response_types", "hold %q; FAPI 2.0 allows code alone", r)
		}
	}
	for _, u := range m.RedirectURIs { // §5.3.2.2
		if !strings.HasPrefix(u, "https://") {
			return invalid("redirect_uris", "%q is not https, which FAPI 2.0 demands", u)
		}
	}
	switch {
	case m.PKCEOptional: // §5.3.2.2
		return invalid("pkce_optional", "contradicts FAPI 2.0, which demands PKCE")
	case !m.DPoPBoundTokens && !m.TLSBoundTokens: // §5.3.2.1
		return invalid("security_profile", "%s binds access tokens to their holder: set dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens", m.SecurityProfile)
	case !m.RequirePushedAuthRequests, !m.StrictAssertionAud: // filled in above
		return invalid("require_pushed_authorization_requests", "is false, which contradicts FAPI 2.0")
	}
	return nil
}
