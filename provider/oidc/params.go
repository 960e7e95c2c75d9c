package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"kejitong/provider/client"
)

// The bounds of S6: what is longer is an attack or an accident, and is refused
// before anything is computed from it.
const (
	maxTokenBody     = 16 << 10
	maxAuthorizeBody = 64 << 10
	maxParam         = 4 << 10
	maxOpaqueParam   = 1 << 10 // state, nonce
	maxScopes        = 64
	maxClaimsDepth   = 12       // a request for a member of the evidence of verified_claims is ten deep
	maxPlainDepth    = 5        // of all other claims
	maxRequest       = 16 << 10 // all parameters of an authorization request: it may be stored while a browser is awaited
)

// maxRepeats bounds what may be repeated at all.
const maxRepeats = 16

// authorizeParams are the parameters of an authorization request that mean
// something here. Others are ignored (OpenID Connect Core §3.1.2.1) and not
// kept.
var authorizeParams = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
	"prompt", "max_age", "login_hint", "id_token_hint", "acr_values", "claims", "ui_locales", "claims_locales", "display", "resource", "audience",
	"org_hint", "authorization_details", "request", "request_uri", "registration", "dpop_jkt",
}

// only gives the named parameters of form.
func only(form url.Values, names []string) url.Values {
	out := url.Values{}
	for _, n := range names {
		if v, ok := form[n]; ok {
			out[n] = v
		}
	}
	return out
}

// weight is the length of all values.
func weight(form url.Values) (n int) {
	for _, values := range form {
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

const formType = "application/x-www-form-urlencoded"

// repeatable are the parameters that may stand more than once (RFC 8707 §2).
var repeatable = map[string]bool{"resource": true}

// readForm parses the body of a direct endpoint into r.PostForm. Parameters in
// the URL are refused: credentials there would end up in logs (RFC 6749 §2.3.1).
func readForm(w http.ResponseWriter, r *http.Request, limit int64) error {
	if mediaType(r) != formType {
		return invalidRequest("the content type must be application/x-www-form-urlencoded")
	}
	if r.URL.RawQuery != "" {
		return invalidRequest("parameters must be in the body, not in the URL")
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return oauthError{"invalid_request", http.StatusRequestEntityTooLarge, "the request body is too long"}
		}
		return invalidRequest("the body is not a well-formed form")
	}
	return checkForm(r.PostForm)
}

// checkForm refuses repeated parameters (RFC 6749 §3.1, §3.2) and drops empty
// ones, which mean the same as absent ones.
func checkForm(form url.Values) error {
	for name, values := range form {
		if len(values) > maxRepeats || len(values) == 1 && name != "scope" && len(values[0]) > maxAssertion {
			return invalidRequest("a parameter is too long")
		}
		exchanged := name == "audience" && form.Get("grant_type") == client.GrantExchange // RFC 8693 §2.1
		if len(values) > 1 && !repeatable[name] && !exchanged {
			return invalidRequest("a parameter is repeated")
		}
		for _, v := range values {
			if strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v) { // RFC 6749 appendix B
				return invalidRequest("a parameter holds a NUL or is not UTF-8")
			}
		}
		if len(values) == 1 && values[0] == "" {
			delete(form, name)
		}
	}
	if len(form.Get("state")) > maxOpaqueParam || len(form.Get("nonce")) > maxOpaqueParam {
		return invalidRequest("state or nonce is longer than 1024 bytes")
	}
	if len(form.Get("scope")) > maxParam || len(strings.Fields(form.Get("scope"))) > maxScopes {
		return oauthError{"invalid_scope", http.StatusBadRequest, "too many scopes"}
	}
	return nil
}
