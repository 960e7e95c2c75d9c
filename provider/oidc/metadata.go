package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/keys"
)

// metadata is the discovery document (OpenID Connect Discovery §3, RFC 8414).
// It says what is so: every value here is proved by a test, and what is not
// here is refused.
func (p *Provider) metadata() []byte {
	at := func(path string) string { return p.Issuer + path }
	algs := make([]string, 0, len(keys.Algorithms()))
	for _, a := range keys.Algorithms() {
		algs = append(algs, string(a))
	}
	confidential, assertion := p.confidentialMethods(), anyAssertion
	doc := map[string]any{
		"issuer":                                p.Issuer,
		"authorization_endpoint":                at("/oauth2/authorize"),
		"token_endpoint":                        at("/oauth2/token"),
		"userinfo_endpoint":                     at("/oauth2/userinfo"),
		"jwks_uri":                              at("/oauth2/jwks"),
		"introspection_endpoint":                at("/oauth2/introspect"),
		"revocation_endpoint":                   at("/oauth2/revoke"),
		"pushed_authorization_request_endpoint": at("/oauth2/par"),
		"end_session_endpoint":                  at("/oauth2/logout"),

		"scopes_supported":         []string{"openid", "profile", "email", "phone", "address", "org", "entitlements", "offline_access"},
		"response_types_supported": p.responseTypes(),
		"response_modes_supported": p.responseModes(),
		"grant_types_supported":    append(p.grantTypes(), p.implicit()...),
		"subject_types_supported":  []string{"pairwise", "public"},
		"acr_values_supported":     p.classes(),
		"prompt_values_supported":  []string{"none", "login", "consent", "select_account", "create"},
		"display_values_supported": []string{"page"},
		"ui_locales_supported":     []string{"zh-CN", "en"},
		"claim_types_supported":    []string{"normal"},
		"claims_supported": []string{
			"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid",
			"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
			"gender", "birthdate", "zoneinfo", "locale", "updated_at", "email", "email_verified", "phone_number", "phone_number_verified",
			"address", "account_type", "realname", "org", "entitlements", "act",
		},
		"claims_parameter_supported":       true,
		"request_parameter_supported":      true,
		"request_uri_parameter_supported":  true,
		"require_request_uri_registration": true,
		"require_signed_request_object":    false,

		"request_object_signing_alg_values_supported": requestAlgorithms,

		"id_token_signing_alg_values_supported":                    algs,
		"authorization_signing_alg_values_supported":               algs,
		"authorization_encryption_alg_values_supported":            client.KeyEncryptions(),
		"authorization_encryption_enc_values_supported":            client.ContentEncryptions(),
		"id_token_encryption_alg_values_supported":                 client.KeyEncryptions(),
		"id_token_encryption_enc_values_supported":                 client.ContentEncryptions(),
		"userinfo_signing_alg_values_supported":                    algs,
		"userinfo_encryption_alg_values_supported":                 client.KeyEncryptions(),
		"userinfo_encryption_enc_values_supported":                 client.ContentEncryptions(),
		"introspection_signing_alg_values_supported":               algs,
		"introspection_encryption_alg_values_supported":            client.KeyEncryptions(),
		"introspection_encryption_enc_values_supported":            client.ContentEncryptions(),
		"code_challenge_methods_supported":                         []string{"S256"},
		"token_endpoint_auth_methods_supported":                    append(append([]string{}, confidential...), methodNone),
		"token_endpoint_auth_signing_alg_values_supported":         assertion,
		"introspection_endpoint_auth_methods_supported":            confidential,
		"introspection_endpoint_auth_signing_alg_values_supported": assertion,
		"revocation_endpoint_auth_methods_supported":               append(append([]string{}, confidential...), methodNone),
		"revocation_endpoint_auth_signing_alg_values_supported":    assertion,
		"dpop_signing_alg_values_supported":                        dpopAlgorithms,
		"authorization_response_iss_parameter_supported":           true,
		"require_pushed_authorization_requests":                    p.Features.RequirePAR,
		"backchannel_logout_supported":                             true,
		"backchannel_logout_session_supported":                     true,
		"frontchannel_logout_supported":                            true,
		"frontchannel_logout_session_supported":                    true,

		"trust_frameworks_supported":          []string{at("/trust/realname")},
		"evidence_supported":                  []string{"electronic_record"},
		"electronic_records_supported":        []string{"population_register", "business_register"},
		"claims_in_verified_claims_supported": consent.VerifiedNames(),
	}
	doc["authorization_details_types_supported"] = []string{entitlement.DetailType} // RFC 9396 §10
	if p.Features.DeviceGrant {                                                     // RFC 8628 §4
		doc["device_authorization_endpoint"] = at("/oauth2/device_authorization")
	}
	if p.Features.SessionManagement {
		doc["check_session_iframe"] = at(checkSessionPath)
	}
	if p.Features.Registration {
		doc["registration_endpoint"] = at("/oauth2/register")
	}
	b, err := json.MarshalIndent(p.withMutualTLS(doc), "", " ")
	if err != nil {
		panic("oidc: metadata: " + err.Error()) // only strings and booleans: cannot be
	}
	return b
}

// document is bytes prepared once, with their validator.
type document struct {
	body []byte
	etag string
}

func newDocument(body []byte) *document {
	sum := sha256.Sum256(body)
	return &document{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (d *document) serve(w http.ResponseWriter, r *http.Request, contentType, age string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, max-age="+age)
	h.Set("ETag", d.etag)
	if r.Header.Get("If-None-Match") == d.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(d.body) // the client hung up: nothing to do about it
	}
}

func (p *Provider) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	p.discovery.serve(w, r, "application/json", "3600")
}

// serveJWKS gives the public keys, next and retired ones too. Relying parties
// may keep them for an hour at most, which is far less than a next key waits.
func (p *Provider) serveJWKS(w http.ResponseWriter, r *http.Request) {
	body := p.Keys.Snapshot().JWKS()
	d := p.served.Load()
	if d == nil || &d.body[0] != &body[0] {
		d = newDocument(body)
		p.served.Store(d)
	}
	d.serve(w, r, "application/json", "900")
}
