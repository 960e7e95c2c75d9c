package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"kejitong/store/storetest"
)

// OpenID Connect Config OP (oidcc-config-certification-test-plan).
func TestConformanceConfig(t *testing.T) {
	play(t, storetest.SQLite(t), variant{response: "code", auth: "client_secret_basic"}, []module{
		{"oidcc-discovery-endpoint-verification", (*plan).discovery},
	}, nil)
}

// metadataTypes are the members that the suite's schema knows, by type. What is
// not here is a warning there.
var metadataTypes = map[string]string{
	"issuer": "uri", "authorization_endpoint": "uri", "token_endpoint": "uri", "userinfo_endpoint": "uri", "jwks_uri": "uri", "registration_endpoint": "uri",
	"end_session_endpoint": "uri", "check_session_iframe": "uri", "revocation_endpoint": "uri", "introspection_endpoint": "uri",
	"pushed_authorization_request_endpoint": "uri", "device_authorization_endpoint": "uri", "service_documentation": "uri", "op_policy_uri": "uri", "op_tos_uri": "uri",
	"scopes_supported": "list", "response_types_supported": "list", "response_modes_supported": "list", "grant_types_supported": "list", "acr_values_supported": "list",
	"subject_types_supported": "list", "id_token_signing_alg_values_supported": "list", "id_token_encryption_alg_values_supported": "list",
	"id_token_encryption_enc_values_supported": "list", "userinfo_signing_alg_values_supported": "list", "userinfo_encryption_alg_values_supported": "list",
	"userinfo_encryption_enc_values_supported": "list", "request_object_signing_alg_values_supported": "list", "request_object_encryption_alg_values_supported": "list",
	"request_object_encryption_enc_values_supported": "list", "token_endpoint_auth_methods_supported": "list", "token_endpoint_auth_signing_alg_values_supported": "list",
	"revocation_endpoint_auth_methods_supported": "list", "revocation_endpoint_auth_signing_alg_values_supported": "list",
	"introspection_endpoint_auth_methods_supported": "list", "introspection_endpoint_auth_signing_alg_values_supported": "list",
	"introspection_signing_alg_values_supported": "list", "introspection_encryption_alg_values_supported": "list", "introspection_encryption_enc_values_supported": "list",
	"authorization_signing_alg_values_supported": "list", "authorization_encryption_alg_values_supported": "list", "authorization_encryption_enc_values_supported": "list",
	"dpop_signing_alg_values_supported": "list", "display_values_supported": "list", "claim_types_supported": "list", "claims_supported": "list",
	"claims_locales_supported": "locales", "ui_locales_supported": "locales", "code_challenge_methods_supported": "list", "prompt_values_supported": "list",
	"authorization_details_types_supported": "list",
	"claims_parameter_supported":            "bool", "request_parameter_supported": "bool", "request_uri_parameter_supported": "bool", "require_request_uri_registration": "bool",
	"require_signed_request_object": "bool", "require_pushed_authorization_requests": "bool", "authorization_response_iss_parameter_supported": "bool",
	"tls_client_certificate_bound_access_tokens": "bool", "frontchannel_logout_supported": "bool", "frontchannel_logout_session_supported": "bool",
	"backchannel_logout_supported": "bool", "backchannel_logout_session_supported": "bool",
	"mtls_endpoint_aliases": "object",
	// OpenID Identity Assurance 1.0 §8.
	"trust_frameworks_supported": "list", "evidence_supported": "list", "electronic_records_supported": "list", "claims_in_verified_claims_supported": "list",
	"documents_supported": "list", "documents_methods_supported": "list", "documents_check_methods_supported": "list", "attachments_supported": "list",
}

// discovery is the module about the document itself (OpenID Connect Discovery
// §3, §4).
func (p *plan) discovery() {
	p.t.Helper()
	res, err := p.direct.Get(p.issuer + "/.well-known/openid-configuration")
	if err != nil {
		p.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
		p.fail("%d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if text(p.doc, "issuer") != p.issuer {
		p.fail("issuer %v", p.doc["issuer"])
	}
	for name, v := range p.doc {
		if why := wrongType(metadataTypes[name], v); why != "" {
			p.fail("%s %v: %s", name, v, why)
		}
	}
	for _, must := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported", "scopes_supported", "claims_supported"} {
		if p.doc[must] == nil {
			p.fail("%s is missing", must)
		}
	}
	for name, known := range map[string][]string{
		"subject_types_supported":           {"public", "pairwise"},
		"grant_types_supported":             {"authorization_code", "implicit", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
		"response_types_supported":          {"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"},
		"response_modes_supported":          {"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"},
		"code_challenge_methods_supported":  {"S256"},
		"dpop_signing_alg_values_supported": {"ES256", "PS256", "EdDSA", "Ed25519", "RS256"},
	} {
		for _, v := range p.listed(name) {
			if !slices.Contains(known, v) {
				p.fail("%s lists %s", name, v)
			}
		}
	}
	for name, must := range map[string]string{
		"id_token_signing_alg_values_supported": "RS256", "scopes_supported": "openid", "response_types_supported": "code",
		"userinfo_signing_alg_values_supported": "RS256", "request_object_signing_alg_values_supported": "RS256",
	} {
		if list := p.listed(name); list != nil && !slices.Contains(list, must) {
			p.fail("%s lacks %s", name, must)
		}
	}
	for name := range p.doc {
		if strings.HasSuffix(name, "_signing_alg_values_supported") && slices.Contains(p.listed(name), "none") {
			p.fail("%s lists none", name)
		}
	}
	p.keys()
}

func (p *plan) listed(member string) (out []string) {
	values, _ := p.doc[member].([]any)
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

var scopeCharacters = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)

// wrongType says what is wrong with a value of the document.
func wrongType(kind string, v any) string {
	switch kind {
	case "":
		return "is no known metadata"
	case "uri":
		s, _ := v.(string)
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
			return "is no https URL"
		}
	case "bool":
		if _, ok := v.(bool); !ok {
			return "is no boolean"
		}
	case "object":
		if m, ok := v.(map[string]any); !ok || len(m) == 0 {
			return "is no object"
		}
	default:
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return "is no list"
		}
		seen := map[string]bool{}
		for _, e := range list {
			s, _ := e.(string)
			if s == "" || seen[s] || !scopeCharacters.MatchString(strings.ReplaceAll(s, " ", "")) {
				return "holds nothing, something twice or illegal characters"
			}
			seen[s] = true
			if tag, err := language.Parse(s); kind == "locales" && (err != nil || tag.String() != s) { // BCP 47
				return s + " is no language in its canonical case"
			}
		}
	}
	return ""
}

// The checks of every response can fail: responses that break them are found
// out, and a good one is not.
func TestConformanceChecksSeeBreaches(t *testing.T) {
	const issuer = "https://op.example"
	strong := strings.Repeat("aZ3-xY8_qW5", 4) + randomText(32)
	reply := func(status int, header ...string) *http.Response {
		h := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Request: &http.Request{URL: &url.URL{Scheme: "https", Host: "op.example"}}}
	}
	good := `{"access_token":"` + strong + `","token_type":"Bearer","expires_in":600}`
	for _, row := range []struct {
		name, path string
		res        *http.Response
		body, want string
	}{
		{"good tokens", "/oauth2/token", reply(200), good, ""},
		{"kept tokens", "/oauth2/token", reply(200, "Cache-Control", "private"), good, "Cache-Control"},
		{"expires_in as text", "/oauth2/token", reply(200), strings.Replace(good, "600", `"600"`, 1), "expires_in"},
		{"no token_type", "/oauth2/token", reply(200), strings.Replace(good, "Bearer", "", 1), "token_type"},
		{"weak token", "/oauth2/token", reply(200), strings.Replace(good, strong, "0123456789012345678901", 1), "entropy"},
		{"good error", "/oauth2/token", reply(400), `{"error":"invalid_grant","error_description":"no such code"}`, ""},
		{"unregistered error", "/oauth2/token", reply(400), `{"error":"invalid_state"}`, "not registered"},
		{"quoted description", "/oauth2/token", reply(400), `{"error":"invalid_grant","error_description":"\"x\""}`, "error_description"},
		{"401 for a grant", "/oauth2/token", reply(401, "WWW-Authenticate", "Basic"), `{"error":"invalid_grant"}`, "401 with"},
		{"401 without challenge", "/oauth2/token", reply(401), `{"error":"invalid_client"}`, "challenge"},
		{"a hint beside an error", "/oauth2/token", reply(400), `{"error":"invalid_grant","error_hint":"x"}`, "unknown member"},
		{"a failure", "/oauth2/token", reply(500), `{"error":"server_error"}`, "failure"},
		{"pushed with 200", "/oauth2/par", reply(200), `{"request_uri":"` + strong + `","expires_in":60}`, "pushed"},
		{"pushed for a second", "/oauth2/par", reply(201), `{"request_uri":"` + strong + `","expires_in":1}`, "pushed"},
		{"symmetric key", "/oauth2/jwks", reply(200), `{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`, "no public key"},
		{"two keys of a kid", "/oauth2/jwks", reply(200), `{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`, "used twice"},
		{"empty claim", "/oauth2/userinfo", reply(200), `{"sub":"x","name":""}`, "claim name"},
		{"boolean as text", "/oauth2/userinfo", reply(200), `{"sub":"x","email_verified":"true"}`, "claim email_verified"},
		{"date of another form", "/oauth2/userinfo", reply(200), `{"sub":"x","birthdate":"2.1.1990"}`, "claim birthdate"},
		{"time as text", "/oauth2/userinfo", reply(200), `{"sub":"x","updated_at":"1"}`, "claim updated_at"},
		{"address as text", "/oauth2/userinfo", reply(200), `{"sub":"x","address":"x"}`, "claim address"},
		{"code and error", "/oauth2/authorize", reply(303, "Location", "https://rp.example/cb?error=invalid_request&code="+strong+"&iss="+issuer), "", "beside an error"},
		{"no iss", "/oauth2/authorize", reply(303, "Location", "https://rp.example/cb?code="+strong), "", "iss"},
		{"unknown member", "/oauth2/authorize", reply(303, "Location", "https://rp.example/cb?hint=1&error=invalid_request&iss="+issuer), "", "unknown member hint"},
		{"two codes", "/oauth2/authorize", reply(303, "Location", "https://rp.example/cb?code="+strong+"&code="+strong+"&iss="+issuer), "", "more than once"},
		{"code in the query of a fragment", "/oauth2/authorize", reply(303, "Location", "https://rp.example/cb?code="+strong+"#iss="+issuer), "", "in the query"},
		{"odd error", "/oauth2/authorize", reply(303, "Location", "https://rp.example/cb?error=invalid_state&iss="+issuer), "", "not registered"},
		{"good answer", "/oauth2/authorize", reply(303, "Location", "https://rp.example/cb?code="+strong+"&state=x&iss="+issuer), "", ""},
	} {
		got := strings.Join(examineResponse(issuer, row.path, row.res, []byte(row.body)), "\n")
		if row.want == "" && got != "" || !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	for value, kind := range map[string]string{"http://op.example/": "uri", "zh-cn": "locales", "a b": "", "": "list"} {
		var v any = value
		if kind == "locales" || kind == "list" {
			v = []any{value}
		}
		if wrongType(kind, v) == "" {
			t.Errorf("%q passes as %q", value, kind)
		}
	}
}
