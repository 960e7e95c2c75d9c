package oidc

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/outbound"
)

// vet gives the metadata that a request would be registered with under the
// policy, or says what is in the way. A change passes through here as a whole,
// like a first registration.
func (p *Provider) vet(ctx context.Context, policy client.Policy, asked client.Metadata) (client.Metadata, error) {
	m, err := policy.Apply(asked)
	if err != nil {
		return m, err
	}
	if err := p.offers(m); err != nil {
		return m, err
	}
	return m, p.reachable(ctx, policy, m)
}

// Vet holds metadata that somebody enters on a page to the same rules as a
// registration under the policy.
func (p *Provider) Vet(ctx context.Context, policy client.Policy, m client.Metadata) (client.Metadata, error) {
	return p.vet(ctx, policy, m)
}

// choices says in which member of the discovery document the values of a
// registered member stand (OpenID Connect Registration §2, RFC 8414 §2).
var choices = map[string]string{
	"grant_types": "grant_types_supported", "response_types": "response_types_supported", "response_modes": "response_modes_supported",
	"subject_type": "subject_types_supported", "token_endpoint_auth_method": "token_endpoint_auth_methods_supported",
	"token_endpoint_auth_signing_alg":      "token_endpoint_auth_signing_alg_values_supported",
	"id_token_signed_response_alg":         "id_token_signing_alg_values_supported",
	"id_token_encrypted_response_alg":      "id_token_encryption_alg_values_supported",
	"id_token_encrypted_response_enc":      "id_token_encryption_enc_values_supported",
	"userinfo_signed_response_alg":         "userinfo_signing_alg_values_supported",
	"userinfo_encrypted_response_alg":      "userinfo_encryption_alg_values_supported",
	"userinfo_encrypted_response_enc":      "userinfo_encryption_enc_values_supported",
	"request_object_signing_alg":           "request_object_signing_alg_values_supported",
	"authorization_signed_response_alg":    "authorization_signing_alg_values_supported",
	"authorization_encrypted_response_alg": "authorization_encryption_alg_values_supported",
	"authorization_encrypted_response_enc": "authorization_encryption_enc_values_supported",
	"introspection_signed_response_alg":    "introspection_signing_alg_values_supported",
	"introspection_encrypted_response_alg": "introspection_encryption_alg_values_supported",
	"introspection_encrypted_response_enc": "introspection_encryption_enc_values_supported",
}

// offers holds the metadata to what this deployment offers: what discovery does
// not list cannot be registered either.
func (p *Provider) offers(m client.Metadata) error {
	if m.TLSBoundTokens && !p.MTLS.Enabled() { // RFC 8705 §3.3
		return &fault.Error{Kind: fault.Invalid, Field: "tls_client_certificate_bound_access_tokens", Msg: "is not offered here"}
	}
	shown, err := m.Shown()
	if err != nil {
		return err
	}
	for member, list := range choices {
		raw, there := shown[member]
		if !there {
			continue
		}
		values := []string{""}
		if json.Unmarshal(raw, &values[0]) != nil && json.Unmarshal(raw, &values) != nil {
			return fault.New(fault.Internal, "metadata member %s is no text", member)
		}
		for _, v := range values {
			if !slices.ContainsFunc(p.offered[list], func(o string) bool { return sameWords(o, v) }) {
				return &fault.Error{Kind: fault.Invalid, Field: member, Msg: "is not offered here"}
			}
		}
	}
	return nil
}

// sameWords compares response types, whose words have no order (OAuth 2.0
// Multiple Response Types §2).
func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// listed gives the members of the discovery document that are lists of texts.
func listed(document []byte) map[string][]string {
	var all map[string]any
	if err := json.Unmarshal(document, &all); err != nil {
		panic("oidc: metadata: " + err.Error()) // it was encoded a moment ago
	}
	out := map[string][]string{}
	for name, v := range all {
		list, _ := v.([]any)
		for _, one := range list {
			if s, ok := one.(string); ok {
				out[name] = append(out[name], s)
			}
		}
	}
	return out
}

// notCallable is said of an address that the outbound guard refuses. Whoever
// registers learns so much, for nothing but the guard's rules decides it: it
// tells of no name that is not resolved and of no port that is not dialled.
const notCallable = "is no address that this service may call"

// reachable holds the addresses that the provider would call to those it may
// call, and reads the document of a sector.
func (p *Provider) reachable(ctx context.Context, policy client.Policy, m client.Metadata) error {
	guard := &outbound.Client{} // public addresses alone, whatever clients.outbound_allow says
	if policy.PrivateHosts {
		guard = p.Outbound
	}
	check := func(field, uri string) error {
		if guard.CheckURL(uri) != nil {
			return &fault.Error{Kind: fault.Invalid, Field: field, Msg: notCallable}
		}
		return nil
	}
	for field, uri := range m.Fetched() {
		if err := check(field, uri); err != nil {
			return err
		}
	}
	// The logo is fetched by the users' browsers, which stand in networks, too.
	if m.LogoURI != "" && !policy.PrivateHosts {
		if err := check("logo_uri", m.LogoURI); err != nil {
			return err
		}
	}
	if m.SectorIdentifierURI == "" {
		return nil
	}
	document, err := p.Outbound.Get(ctx, m.SectorIdentifierURI)
	if err != nil {
		return &fault.Error{Kind: fault.Invalid, Field: "sector_identifier_uri", Msg: "cannot be read", Err: err}
	}
	return m.CheckSector(document) // OpenID Connect Registration §5
}
