package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// watch holds every response of the provider to what the suite checks in almost
// every flow, and those to browsers to the laws of inspect besides.
func (p *plan) watch() http.RoundTripper {
	return watcher{p.t, p.over, p.issuer}
}

type watcher struct {
	t      *testing.T
	next   http.RoundTripper
	issuer string
}

func (w watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.URL.String(), w.issuer) {
		return res, nil
	}
	for _, breach := range append(inspect(r, res, string(body)), examineResponse(w.issuer, r.URL.Path, res, body)...) {
		w.t.Errorf("%s %s (%d): %s", r.Method, r.URL.Path, res.StatusCode, breach)
	}
	return res, nil
}

// examineResponse gives the breaches of the suite's rules for responses.
func examineResponse(issuer, path string, res *http.Response, body []byte) (breaches []string) {
	note := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	if res.StatusCode >= 500 {
		note("a failure of the server")
	}
	if u, err := res.Location(); err == nil && !strings.HasPrefix(u.String(), issuer) && path != "/oauth2/logout" && !strings.HasPrefix(path, "/logout") {
		breaches = append(breaches, examineRedirect(issuer, u)...)
	}
	isJSON := strings.HasPrefix(res.Header.Get("Content-Type"), "application/json")
	var m map[string]any
	if isJSON && len(body) > 0 {
		if err := json.Unmarshal(body, &m); err != nil {
			note("no JSON object: %v", err)
		}
	}
	switch path {
	case "/oauth2/token", "/oauth2/par", "/oauth2/register", "/oauth2/introspect", "/oauth2/revoke":
		if !strings.Contains(res.Header.Get("Cache-Control"), "no-store") { // RFC 6749 §5.1
			note("Cache-Control is %q", res.Header.Get("Cache-Control"))
		}
		if res.StatusCode >= 400 {
			breaches = append(breaches, examineError(res, isJSON, m)...)
		}
	}
	switch {
	case path == "/oauth2/token" && res.StatusCode == http.StatusOK:
		breaches = append(breaches, examineTokens(isJSON, m)...)
	case path == "/oauth2/par" && res.StatusCode < 400:
		life, _ := m["expires_in"].(float64)
		if res.StatusCode != http.StatusCreated || !isJSON || life < 5 || life > 31536000 || life != math.Trunc(life) { // RFC 9126 §2.2
			note("pushed: %d, expires_in %v", res.StatusCode, m["expires_in"])
		}
		breaches = append(breaches, examineEntropy("request_uri", text(m, "request_uri"))...)
	case path == "/oauth2/jwks" && res.StatusCode == http.StatusOK:
		breaches = append(breaches, examineKeys(body)...)
	case path == "/oauth2/userinfo" && res.StatusCode == http.StatusOK && isJSON:
		breaches = append(breaches, examineClaims(m)...)
	case path == "/oauth2/userinfo" && res.StatusCode >= 400 && res.Header.Get("WWW-Authenticate") == "": // RFC 6750 §3
		note("no challenge")
	}
	return breaches
}

// answerMembers are all that an authorization response may hold.
var (
	answerMembers = []string{"code", "state", "iss", "error", "error_description", "error_uri", "session_state", "access_token", "token_type", "expires_in", "scope", "id_token", "response"}
	errorMembers  = []string{"state", "iss", "error", "error_description", "error_uri", "session_state"}
	// RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, RFC 9126 and the rest of
	// the IANA registry for this endpoint.
	answerErrors = []string{
		"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error", "temporarily_unavailable",
		"interaction_required", "login_required", "account_selection_required", "consent_required", "invalid_request_uri", "invalid_request_object",
		"request_not_supported", "request_uri_not_supported", "registration_not_supported", "unmet_authentication_requirements", "invalid_target",
		"invalid_authorization_details", "invalid_dpop_proof",
	}
	tokenErrors = []string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target", "access_denied",
		"authorization_pending", "slow_down", "expired_token", "invalid_dpop_proof", "use_dpop_nonce", "invalid_authorization_details", "invalid_token",
		"invalid_redirect_uri", "invalid_client_metadata", "invalid_request_object", "invalid_request_uri", "request_uri_not_supported", "request_not_supported",
		"unsupported_response_type", "unsupported_token_type", "insufficient_scope", "invalid_software_statement", "unapproved_software_statement",
	}
)

// examineRedirect looks at a redirect to a relying party.
func examineRedirect(issuer string, u *url.URL) (breaches []string) {
	q := u.Query()
	fragment, err := url.ParseQuery(u.EscapedFragment())
	if err != nil {
		return []string{"fragment: " + err.Error()}
	}
	for _, name := range answerMembers {
		if len(q[name])+len(fragment[name]) > 1 {
			breaches = append(breaches, name+" stands there more than once")
		}
	}
	if strings.Contains(u.String(), "#") {
		for _, name := range answerMembers {
			if q.Has(name) {
				breaches = append(breaches, name+" stands in the query of a response in the fragment")
			}
		}
		q = fragment
	}
	return append(breaches, examineAnswer(issuer, q)...)
}

// examineAnswer looks at the members of an authorization response.
func examineAnswer(issuer string, q url.Values) (breaches []string) {
	note := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	for name := range q {
		switch {
		case slices.Contains([]string{"dummy1", "dummy2", "bar"}, name): // of the registered redirect URI
		case !slices.Contains(answerMembers, name):
			note("unknown member %s", name)
		case q.Has("error") && !slices.Contains(errorMembers, name):
			note("%s beside an error", name)
		}
	}
	if !q.Has("response") && q.Get("iss") != issuer { // RFC 9207 §2
		note("iss %q", q.Get("iss"))
	}
	if q.Has("error") {
		if !slices.Contains(answerErrors, q.Get("error")) {
			note("error %q is not registered", q.Get("error"))
		}
		if d := q.Get("error_description"); d != "" && !described.MatchString(d) {
			note("error_description %q", d)
		}
	}
	for _, name := range []string{"code", "access_token"} {
		if q.Has(name) {
			breaches = append(breaches, examineEntropy(name, q.Get(name))...)
		}
	}
	if q.Has("access_token") && !strings.EqualFold(q.Get("token_type"), "Bearer") { // RFC 6749 §4.2.2
		note("token_type %q", q.Get("token_type"))
	}
	return breaches
}

// examineError: RFC 6749 §5.2.
func examineError(res *http.Response, isJSON bool, m map[string]any) (breaches []string) {
	note := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	code := text(m, "error")
	switch {
	case res.StatusCode == http.StatusMethodNotAllowed || res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		return nil
	case !isJSON:
		note("an error that is no JSON")
	case !slices.Contains(tokenErrors, code):
		note("error %q is not registered", code)
	case res.StatusCode == http.StatusUnauthorized && code != "invalid_client" && code != "invalid_token":
		note("401 with %s", code)
	case res.StatusCode == http.StatusUnauthorized && res.Header.Get("WWW-Authenticate") == "":
		note("401 without a challenge")
	}
	if d, there := m["error_description"]; there {
		if s, _ := d.(string); !described.MatchString(s) {
			note("error_description %q", d)
		}
	}
	for name := range m {
		if !slices.Contains([]string{"error", "error_description", "error_uri"}, name) {
			note("unknown member %s", name)
		}
	}
	return breaches
}

// examineTokens: RFC 6749 §5.1 and the suite's oidcc-server.
func examineTokens(isJSON bool, m map[string]any) (breaches []string) {
	note := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	if !isJSON {
		note("no JSON")
	}
	if kind := strings.ToLower(text(m, "token_type")); kind != "bearer" && kind != "dpop" && kind != "n_a" {
		note("token_type %q", m["token_type"])
	}
	if life, _ := m["expires_in"].(float64); life < 1 || life > 31536000 || life != math.Trunc(life) {
		note("expires_in %v", m["expires_in"])
	}
	breaches = append(breaches, examineEntropy("access_token", text(m, "access_token"))...)
	if m["refresh_token"] != nil {
		breaches = append(breaches, examineEntropy("refresh_token", text(m, "refresh_token"))...)
	}
	if m["id_token"] != nil && text(m, "id_token") == "" {
		note("id_token %v", m["id_token"])
	}
	return breaches
}

// examineEntropy estimates as Shannon did: the suite wants more than 96 bits in
// 128 or more.
func examineEntropy(name, s string) []string {
	count := map[rune]float64{}
	for _, r := range s {
		count[r]++
	}
	var bits float64
	for _, n := range count {
		bits -= n * math.Log2(n/float64(len(s)))
	}
	if bits <= 96 || len(s)*8 < 128 {
		return []string{fmt.Sprintf("%s has %.0f bits of entropy", name, bits)}
	}
	return nil
}

var base64URL = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// examineKeys holds a JWKS to the suite's rules.
func examineKeys(body []byte) (breaches []string) {
	note := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	var raw struct {
		Keys []map[string]any `json:"keys"`
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &raw); err != nil || len(raw.Keys) == 0 {
		return []string{fmt.Sprintf("no JWKS: %v", err)}
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return []string{err.Error()}
	}
	seen := map[string]bool{}
	for i, k := range raw.Keys {
		kid := text(k, "kid")
		if kid == "" || seen[kid] {
			note("kid %q is empty or used twice", kid)
		}
		seen[kid] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if k[private] != nil {
				note("key %s has the member %s", kid, private)
			}
		}
		if !slices.Contains([]string{"RSA", "EC", "OKP"}, text(k, "kty")) || !set.Keys[i].Valid() || !set.Keys[i].IsPublic() {
			note("key %s is no public key", kid)
		}
		for _, number := range []string{"n", "e", "x", "y"} {
			if v, there := k[number]; there && !base64URL.MatchString(fmt.Sprint(v)) {
				note("key %s: %s is no unpadded base64url", kid, number)
			}
		}
	}
	return breaches
}

// claimTypes are the standard claims by type (OpenID Connect Core §5.1).
var claimTypes = map[string]string{
	"name": "text", "given_name": "text", "family_name": "text", "middle_name": "text", "nickname": "text", "preferred_username": "text", "profile": "uri",
	"picture": "uri", "website": "uri", "email": "email", "email_verified": "bool", "gender": "text", "birthdate": "date", "zoneinfo": "zone", "locale": "text",
	"phone_number": "text", "phone_number_verified": "bool", "address": "address", "updated_at": "number",
}

// examineClaims: whatever is a standard claim has its type and is not empty.
func examineClaims(m map[string]any) (breaches []string) {
	note := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	if sub := text(m, "sub"); sub == "" || len(sub) > 255 || strings.ContainsFunc(sub, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		note("sub %q", m["sub"])
	}
	for name, v := range m {
		s, isText := v.(string)
		good := true
		switch claimTypes[name] {
		case "text":
			good = isText && s != "" && s != "null"
		case "uri":
			u, err := url.Parse(s)
			good = isText && err == nil && u.Scheme == "https" && u.Host != ""
		case "email":
			_, err := mail.ParseAddress(s)
			good = isText && err == nil
		case "date":
			_, err := time.Parse(time.DateOnly, s)
			good = isText && err == nil
		case "zone":
			_, err := time.LoadLocation(s)
			good = isText && s != "" && err == nil
		case "bool":
			_, good = v.(bool)
		case "number":
			_, good = v.(float64)
		case "address":
			a, isObject := v.(map[string]any)
			good = isObject && len(a) > 0
			for part, value := range a {
				if s, isText := value.(string); !isText || s == "" || !slices.Contains([]string{"formatted", "street_address", "locality", "region", "postal_code", "country"}, part) {
					good = false
				}
			}
		default:
			good = v != nil && v != "" && v != "null"
		}
		if !good {
			note("claim %s is %#v", name, v)
		}
	}
	return breaches
}
