package client_test

import (
	"errors"
	"slices"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// implicit is the least that a client registers which takes tokens out of the
// browser.
func implicit(change func(*client.Metadata)) client.Metadata {
	return web(func(m *client.Metadata) {
		m.GrantTypes, m.ResponseTypes = []string{client.GrantImplicit}, []string{"id_token token"}
		change(m)
	})
}

// Grant types and response types go together (RFC 7591 §2.1, OpenID Connect
// Registration §2).
func TestFlows(t *testing.T) {
	for _, c := range []struct {
		name, field string
		in          client.Metadata
	}{
		{"id_token without implicit", "response_types", web(func(m *client.Metadata) { m.ResponseTypes = []string{"code", "id_token"} })},
		{"hybrid without implicit", "response_types", web(func(m *client.Metadata) { m.ResponseTypes = []string{"code id_token"} })},
		{"implicit with code alone", "response_types", web(func(m *client.Metadata) { m.GrantTypes = []string{"authorization_code", "implicit"} })},
		{"implicit without a response type", "response_types", web(func(m *client.Metadata) { m.GrantTypes, m.ResponseTypes = []string{"implicit"}, nil })},
		{"hybrid without authorization_code", "response_types", implicit(func(m *client.Metadata) { m.ResponseTypes = []string{"code id_token"} })},
		{"a word twice", "response_types", implicit(func(m *client.Metadata) { m.ResponseTypes = []string{"id_token id_token"} })},
		{"implicit with refresh_token", "grant_types", implicit(func(m *client.Metadata) { m.GrantTypes = []string{"implicit", "refresh_token"} })},
		{"implicit over http", "redirect_uris", implicit(func(m *client.Metadata) { m.RedirectURIs = []string{"http://127.0.0.1/cb"} })},
		{"implicit without a redirect URI", "redirect_uris", implicit(func(m *client.Metadata) { m.RedirectURIs = nil })},
		{"implicit under FAPI", "grant_types", implicit(func(m *client.Metadata) { m.SecurityProfile = client.FAPI2 })},                // FAPI 2.0 §5.3.2.2
		{"tokens of DPoP from the browser", "response_types", implicit(func(m *client.Metadata) { m.DPoPBoundTokens = true })},         // RFC 9449 §5.2
		{"tokens of a certificate from the browser", "response_types", implicit(func(m *client.Metadata) { m.TLSBoundTokens = true })}, // RFC 8705 §3.4
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.Normalise()
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != c.field {
				t.Fatalf("got %+v, %v; want a fault of %s", got, err, c.field)
			}
		})
	}
	signed := []string{"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
	for _, c := range []struct {
		name         string
		in           client.Metadata
		types, modes []string
	}{
		{"nothing said: code", web(nil), []string{"code"}, nil},
		{"implicit", implicit(func(m *client.Metadata) { m.ResponseTypes = []string{"token id_token", "id_token"} }), []string{"id_token token", "id_token"}, nil},
		{"implicit of a native client over loopback http", implicit(func(m *client.Metadata) {
			m.ApplicationType, m.RedirectURIs = "native", []string{"http://127.0.0.1/cb"}
		}), []string{"id_token token"}, nil},
		{"hybrid alone, words in any order", web(func(m *client.Metadata) {
			m.GrantTypes, m.ResponseTypes = []string{"authorization_code", "implicit"}, []string{"token code id_token", "id_token code", "code token", "token code"}
		}), []string{"code id_token token", "code id_token", "code token"}, nil},
		{"hybrid and code", web(func(m *client.Metadata) {
			m.GrantTypes, m.ResponseTypes = []string{"authorization_code", "implicit", "refresh_token"}, []string{"code", "code id_token"}
		}), []string{"code", "code id_token"}, nil},
		{"FAPI", web(func(m *client.Metadata) { fapi(m, client.FAPI2) }), []string{"code"}, nil},
		// FAPI 2.0 Message Signing §5.4: signed responses, unless others are registered.
		{"FAPI with signed messages", web(func(m *client.Metadata) { fapi(m, client.FAPI2Signed) }), []string{"code"}, signed},
		{"FAPI with signed requests and plain responses", web(func(m *client.Metadata) {
			fapi(m, client.FAPI2Signed)
			m.ResponseModes = []string{"query"}
		}), []string{"code"}, []string{"query"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.Normalise()
			if err != nil || !slices.Equal(got.ResponseTypes, c.types) || !slices.Equal(got.ResponseModes, c.modes) || got.Scope == "" {
				t.Errorf("%v %v, scope %q, %v; want %v %v", got.ResponseTypes, got.ResponseModes, got.Scope, err, c.types, c.modes)
			}
		})
	}
}

// fapi gives a client what the profile asks of it.
func fapi(m *client.Metadata, p client.SecurityProfile) {
	m.SecurityProfile, m.DPoPBoundTokens, m.JWKSURI = p, true, "https://rp.example.cn/jwks"
}
