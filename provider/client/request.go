package client

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"unicode/utf8"
)

// Request is a registration request as it was sent (RFC 7591 §3.1) or an update
// (RFC 7592 §2.2).
type Request struct {
	Metadata  Metadata
	ClientID  string
	Secret    string
	Statement string // the software statement, as it came; nothing in it is believed yet
}

// requestable are the members that a registration over HTTP may set: those of
// the standards, and the members of ours that only make a client's rules
// stricter. Every other one is ignored (RFC 7591 §2), ours and unheard-of ones
// alike: only an operator, or the policy of an initial access token, sets them.
var requestable = []string{
	// RFC 7591 §2
	"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "redirect_uris", "grant_types", "response_types", "scope",
	"token_endpoint_auth_method", "jwks", "jwks_uri", "software_id", "software_version",
	// OpenID Connect Registration §2, RP-Initiated Logout §3.1, Back-Channel §2.2,
	// Front-Channel §2
	"application_type", "subject_type", "sector_identifier_uri", "token_endpoint_auth_signing_alg", "id_token_signed_response_alg",
	"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "userinfo_signed_response_alg", "userinfo_encrypted_response_alg",
	"userinfo_encrypted_response_enc", "request_object_signing_alg", "request_uris", "default_max_age", "require_auth_time", "default_acr_values",
	"initiate_login_uri", "post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required", "frontchannel_logout_uri",
	"frontchannel_logout_session_required",
	// RFC 9126 §6, RFC 9101 §10.5, JARM §3, RFC 9701 §6, RFC 8705 §2.1.2 and §3.4,
	// RFC 9449 §5.2
	"require_pushed_authorization_requests", "require_signed_request_object", "response_modes", "authorization_signed_response_alg",
	"authorization_encrypted_response_alg", "authorization_encrypted_response_enc", "introspection_signed_response_alg",
	"introspection_encrypted_response_alg", "introspection_encrypted_response_enc", "tls_client_auth_subject_dn", "tls_client_auth_san_dns",
	"tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email", "tls_client_certificate_bound_access_tokens",
	"dpop_bound_access_tokens",
	// ours, which only make the rules stricter
	"security_profile", "token_endpoint_auth_pinned", "strict_assertion_audience",
}

// maxDepth bounds how deep a registration nests; a key in a set is at three.
const maxDepth = 8

// ParseRequest reads a registration request. A member that stands there twice is
// refused: two parsers would disagree about which one was meant. A member that
// is null counts as absent (RFC 7592 §2.2).
func ParseRequest(body []byte) (Request, error) {
	var r Request
	members, err := object(body)
	if err != nil {
		return r, err
	}
	for name, to := range map[string]*string{"client_id": &r.ClientID, "client_secret": &r.Secret, "software_statement": &r.Statement} {
		if raw, there := members[name]; there && json.Unmarshal(raw, to) != nil {
			return r, invalid(name, "is not text")
		}
	}
	for name, raw := range members {
		if !slices.Contains(requestable, name) {
			continue
		}
		if err := r.Metadata.set(name, raw); err != nil {
			return r, err
		}
	}
	return r, nil
}

// object reads a JSON object in which no member stands twice.
func object(b []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(b) || Once(b) != nil {
		return nil, invalid("", "the body is not one JSON document without repeated members")
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(b, &members) != nil || members == nil {
		return nil, invalid("", "the body is not a JSON object")
	}
	return members, nil
}

// set sets the one member with just that name, whatever it was before.
func (m *Metadata) set(name string, raw json.RawMessage) error {
	one, err := json.Marshal(map[string]json.RawMessage{name: raw})
	if err == nil {
		err = json.Unmarshal(one, m)
	}
	if err != nil {
		return invalid(name, "has the wrong type")
	}
	return nil
}

var errDocument = invalid("", "the body is not one JSON document, or nests too deep")

// Once accepts one JSON document, not too deep, in which no object has a member
// twice; else fault.Invalid, at the member if one stands twice.
func Once(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	type level struct {
		seen map[string]bool // nil: an array
		key  bool            // a name comes next
	}
	var open []level
	for {
		t, err := d.Token()
		if err == io.EOF {
			return errDocument // it ended before it began, or in the middle
		}
		if err != nil {
			return errDocument
		}
		top := len(open) - 1
		name, text := t.(string)
		switch {
		case t == json.Delim('{'), t == json.Delim('['):
			if len(open) >= maxDepth {
				return errDocument
			}
			l := level{}
			if t == json.Delim('{') {
				l = level{map[string]bool{}, true}
			}
			open = append(open, l)
			continue
		case t == json.Delim('}'), t == json.Delim(']'):
			open = open[:top]
			top--
		case top >= 0 && open[top].key && text:
			if open[top].seen[name] {
				return invalid(name, "stands twice")
			}
			open[top].seen[name], open[top].key = true, false
			continue
		}
		if top < 0 { // the document is over; nothing may follow
			if _, err := d.Token(); err != io.EOF {
				return errDocument
			}
			return nil
		}
		open[top].key = open[top].seen != nil
	}
}

// Shown are the members of m that a registration over HTTP may set and so is
// told about (RFC 7591 §3.2.1), defaults included.
func (m Metadata) Shown() (map[string]json.RawMessage, error) {
	all, err := m.Members()
	if err != nil {
		return nil, err
	}
	for name := range all {
		if !slices.Contains(requestable, name) {
			delete(all, name)
		}
	}
	return all, nil
}
