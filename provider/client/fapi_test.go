package client

import (
	"encoding/json"
	"strings"
	"testing"

	"kejitong/provider/fault"
)

const oneKey = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","kid":"k"}]}`

func fapiClient(change func(*Metadata)) Metadata {
	m := Metadata{Name: "高企认定", RedirectURIs: []string{"https://rp.example.cn/cb"}, SecurityProfile: FAPI2, JWKS: json.RawMessage(oneKey), DPoPBoundTokens: true}
	if change != nil {
		change(&m)
	}
	return m
}

// FAPI 2.0 Security Profile: what contradicts it cannot be registered, and what
// it leaves no choice about is filled in.
func TestFAPIMetadata(t *testing.T) {
	for _, c := range []struct {
		name, field string
		change      func(*Metadata)
	}{
		{"secret (§5.3.2.1)", "token_endpoint_auth_method", func(m *Metadata) { m.TokenEndpointAuthMethod = AuthBasic }},
		{"secret in the body", "token_endpoint_auth_method", func(m *Metadata) { m.TokenEndpointAuthMethod = AuthPost }},
		{"secret that signs", "token_endpoint_auth_method", func(m *Metadata) { m.TokenEndpointAuthMethod = AuthSecretJWT }},
		{"public", "token_endpoint_auth_method", func(m *Metadata) { m.TokenEndpointAuthMethod = AuthNone }},
		{"no binding (§5.3.2.1)", "security_profile", func(m *Metadata) { m.DPoPBoundTokens = false }},
		{"PKCE relaxed (§5.3.2.2)", "pkce_optional", func(m *Metadata) { m.PKCEOptional = true }},
		{"http on loopback (§5.3.2.2)", "redirect_uris", func(m *Metadata) {
			m.ApplicationType, m.RedirectURIs = "native", []string{"https://rp.example.cn/cb", "http://127.0.0.1/cb"}
		}},
		{"a scheme of its own", "redirect_uris", func(m *Metadata) {
			m.ApplicationType, m.RedirectURIs = "native", []string{"cn.example.app:/cb"}
		}},
		{"assertions by RS256 (§5.4.1)", "token_endpoint_auth_signing_alg", func(m *Metadata) { m.TokenEndpointAuthAlg = "RS256" }},
		{"ID tokens by RS256", "id_token_signed_response_alg", func(m *Metadata) { m.IDTokenSignedResponseAlg = "RS256" }},
		{"access tokens by RS256", "access_token_signed_response_alg", func(m *Metadata) { m.AccessTokenAlg = "RS256" }},
		{"unknown profile", "security_profile", func(m *Metadata) { m.SecurityProfile = "fapi3" }},
	} {
		_, err := fapiClient(c.change).Normalise()
		var f *fault.Error
		if !asFault(err, &f) || f.Kind != fault.Invalid || f.Field != c.field {
			t.Errorf("%s: %v, want a fault of %s", c.name, err, c.field)
		}
	}
	for name, change := range map[string]func(*Metadata){
		"plain": nil, "RSA": func(m *Metadata) { m.IDTokenSignedResponseAlg = "PS256" }, "ES256": func(m *Metadata) { m.IDTokenSignedResponseAlg = "ES256" },
		"bound by certificate": func(m *Metadata) { m.DPoPBoundTokens, m.TLSBoundTokens = false, true },
		"by certificate": func(m *Metadata) {
			m.TokenEndpointAuthMethod, m.TLSClientAuthSANDNS = AuthTLS, "rp.example.cn"
		},
		"by its own certificate": func(m *Metadata) { m.TokenEndpointAuthMethod = AuthSelfSigned },
		"signed":                 func(m *Metadata) { m.SecurityProfile = FAPI2Signed },
	} {
		m, err := fapiClient(change).Normalise()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !m.RequirePushedAuthRequests || !m.StrictAssertionAud || m.PKCEOptional || m.IDTokenSignedResponseAlg == "RS256" || m.RequireSignedRequestObject != (m.SecurityProfile == FAPI2Signed) {
			t.Errorf("%s: filled in %+v", name, m)
		}
		if m.RotatesRefresh() || !m.PushedOnly() || !m.IssuerAudienceOnly() || m.NeedsProof() != m.DPoPBoundTokens || strings.Contains(strings.Join(m.SigningAlgorithms(), " "), "RS256") {
			t.Errorf("%s: the rules do not hold", name)
		}
	}
	// A row that came past registration is held to the rules all the same.
	bare := Metadata{SecurityProfile: FAPI2}
	if !bare.PushedOnly() || !bare.IssuerAudienceOnly() || !bare.NeedsProof() || bare.RotatesRefresh() {
		t.Error("the profile alone does not bind")
	}
	free := Metadata{}
	if free.PushedOnly() || free.IssuerAudienceOnly() || free.NeedsProof() || !free.RotatesRefresh() || len(free.SigningAlgorithms()) != 4 {
		t.Error("a client without a profile is held to one")
	}
}
