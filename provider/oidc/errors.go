package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/ory/fosite"

	"kejitong/provider/fault"
	"kejitong/provider/web"
)

// oauthError is an error of the protocol: a registered code, its status at
// direct endpoints, and a fixed description in the characters that RFC 6749
// §5.2 allows. It never repeats input.
type oauthError struct {
	code        string
	status      int
	description string
}

// Error is code and description.
func (e oauthError) Error() string { return e.code + ": " + e.description }

func invalidRequest(format string, args ...any) error {
	return oauthError{code: "invalid_request", status: http.StatusBadRequest, description: fmt.Sprintf(format, args...)}
}

func invalidClient(why string) error {
	return oauthError{code: "invalid_client", status: http.StatusUnauthorized, description: why}
}

// described gives each error code that fosite may return its fixed text and
// status; codes that no RFC registers become the registered one they mean.
var described = map[string]oauthError{
	"invalid_request":            {"invalid_request", 400, "the request is missing a parameter, repeats one or is malformed"},
	"invalid_state":              {"invalid_request", 400, "the state parameter is malformed"},
	"insufficient_entropy":       {"invalid_request", 400, "a parameter is too short"},
	"unauthorized_client":        {"unauthorized_client", 400, "the client is not registered for this grant or response type"},
	"access_denied":              {"access_denied", 400, "the request was denied"},
	"unsupported_response_type":  {"unsupported_response_type", 400, "the response type is not supported for this client"},
	"unsupported_response_mode":  {"invalid_request", 400, "the response mode is not supported for this client"},
	"invalid_scope":              {"invalid_scope", 400, "the scope is unknown or not registered for this client"},
	"invalid_grant":              {"invalid_grant", 400, "the code or token is invalid, expired, revoked or belongs to another client"},
	"invalid_client":             {"invalid_client", 401, "client authentication failed"},
	"unsupported_grant_type":     {"unsupported_grant_type", 400, "the grant type is not supported"},
	"not_found":                  {"invalid_grant", 400, "the code or token is invalid, expired, revoked or belongs to another client"},
	"token_inactive":             {"invalid_grant", 400, "the code or token is no longer valid"},
	"scope_not_granted":          {"invalid_scope", 400, "the scope was not granted"},
	"request_not_supported":      {"request_not_supported", 400, "the request parameter is not supported"},
	"request_uri_not_supported":  {"request_uri_not_supported", 400, "the request_uri parameter is not supported"},
	"registration_not_supported": {"registration_not_supported", 400, "the registration parameter is not supported"},
}

// asProtocol turns any error into one of the protocol. ok is false for
// internal failures, which are logged and answered with server_error.
func asProtocol(err error) (e oauthError, retryAfter int, ok bool) {
	if errors.As(err, &e) {
		return e, 0, true
	}
	var f *fault.Error
	if errors.As(err, &f) {
		switch f.Kind {
		case fault.Unavailable, fault.Throttled:
			seconds := max(1, int(f.RetryAfter.Seconds()))
			return oauthError{"temporarily_unavailable", http.StatusServiceUnavailable, "the service is busy; try again shortly"}, seconds, true
		case fault.Internal:
		default:
			return oauthError{"server_error", http.StatusInternalServerError, "an internal error occurred"}, 0, false
		}
	}
	var r *fosite.RFC6749Error
	if errors.As(err, &r) {
		if d, known := described[r.ErrorField]; known {
			return d, 0, true
		}
	}
	return oauthError{"server_error", http.StatusInternalServerError, "an internal error occurred"}, 0, false
}

// refuse answers a direct endpoint's error as JSON (RFC 6749 §5.2).
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e, retry, ok := asProtocol(err)
	if !ok {
		p.Log.ErrorContext(r.Context(), "protocol endpoint failed", "path", r.URL.Path, "request_id", web.RequestID(r.Context()), "error", err)
	}
	if retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retry))
	}
	if e.status == http.StatusUnauthorized { // RFC 6749 §5.2: a challenge goes with every 401
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth2", error="`+e.code+`"`)
	}
	p.note(r, err, e.code)
	sendJSON(w, e.status, map[string]string{"error": e.code, "error_description": e.description})
}

// challenged is how a resource endpoint of the realm refuses a request (RFC 6750 §3,
// RFC 9449 §7.1), with the challenge of one scheme; false if the failure is ours.
func challenged(r *http.Request, realm string, err error) (*web.Denied, bool) {
	e, _, ok := asProtocol(err)
	if !ok || e.status >= 500 {
		return nil, false
	}
	bearer, dpop := `Bearer realm="`+realm+`"`, `DPoP realm="`+realm+`", algs="`+dpopAlgorithmList+`"`
	d := &web.Denied{Status: e.status, Code: e.code, Reason: e.description}
	if e.code == "" { // RFC 6750 §3.1: a request without a token is told nothing more
		d.Challenge = []string{bearer, dpop}
		return d, true
	}
	challenge := bearer
	switch { // RFC 9449 §7.1: a bad proof is a failed authentication here
	case e.code == "invalid_dpop_proof", e.code == "use_dpop_nonce":
		d.Status, challenge = http.StatusUnauthorized, dpop
	case byDPoP(r) || errors.Is(err, errNeedsDPoP):
		challenge = dpop
	}
	d.Challenge = []string{challenge + `, error="` + e.code + `", error_description="` + e.description + `"`}
	return d, true
}

// refuseBearer answers a resource endpoint's error.
func (p *Provider) refuseBearer(w http.ResponseWriter, r *http.Request, err error) {
	d, ok := challenged(r, "userinfo", err)
	if !ok {
		p.refuse(w, r, err)
		return
	}
	p.note(r, err, d.Code)
	for _, c := range d.Challenge {
		w.Header().Add("WWW-Authenticate", c)
	}
	if d.Code == "" {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(d.Status)
		return
	}
	sendJSON(w, d.Status, map[string]string{"error": d.Code, "error_description": d.Reason})
}

// sendJSON writes an answer that nobody may keep (RFC 6749 §5.1).
func sendJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	send(w, status, "application/json", b)
}

// sendJWT writes an answer that is one JWT.
func sendJWT(w http.ResponseWriter, contentType, text string) {
	send(w, http.StatusOK, contentType, []byte(text))
}

func send(w http.ResponseWriter, status int, contentType string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client hung up: nothing to do about it
}

// mediaType is the content type without its parameters, in lower case.
func mediaType(r *http.Request) string {
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}
