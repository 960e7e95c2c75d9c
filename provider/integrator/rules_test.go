package integrator_test

import (
	"encoding/json"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/integrator"
)

// S68: what an operator has to agree to, whoever asks. A member that nobody thought
// of waits.
func TestWhatWaitsForAnOperator(t *testing.T) {
	before := client.Metadata{
		RedirectURIs: []string{"https://app.example.com/cb"}, PostLogoutRedirectURIs: []string{"https://www.example.com/bye"},
	}
	for _, row := range []struct {
		member, was, after string
		waits              bool
	}{
		{"client_name", `"a"`, `"b"`, true},
		{"logo_uri", ``, `"https://app.example.com/logo.png"`, true},
		{"a_member_of_tomorrow", ``, `"x"`, true},
		{"jwks", ``, `{"keys":[]}`, true},
		{"jwks_uri", ``, `"https://app.example.com/jwks"`, true},
		{"token_endpoint_auth_method", `"private_key_jwt"`, `"none"`, true},
		{"required_realname_level", `"L2"`, ``, true},
		{"subject_type", `"pairwise"`, `"public"`, true},
		{"scope", `"openid"`, `"openid phone"`, true},
		{"scope", `"openid phone"`, `"openid email"`, true},
		{"redirect_uris", `[]`, `["https://app.example.com/cb","https://evil.example/cb"]`, true},
		{"redirect_uris", `[]`, `["https://app.example.com.evil.example/cb"]`, true},
		{"redirect_uris", `[]`, `["https://app.example.com@evil.example/cb"]`, true},
		{"redirect_uris", `[]`, `["https://app.example.com:8443/cb"]`, true},
		{"redirect_uris", `[]`, `["http://app.example.com/cb"]`, true},
		{"redirect_uris", `[]`, `["javascript:alert(1)"]`, true},
		{"redirect_uris", `[]`, `["//app.example.com/cb"]`, true},
		{"redirect_uris", `[]`, `[1]`, true},
		{"redirect_uris", `["https://app.example.com/cb"]`, `[]`, false},
		{"backchannel_logout_uri", ``, `"https://elsewhere.example.com/bc"`, true},
		{"redirect_uris", `[]`, `["https://APP.example.com/other"]`, false},
		{"redirect_uris", `[]`, `["https://www.example.com/cb"]`, false}, // agreed to for sign-out
		{"backchannel_logout_uri", ``, `"https://app.example.com/bc"`, false},
		{"backchannel_logout_uri", `"https://app.example.com/bc"`, ``, false},
		{"scope", `"openid phone email"`, `"openid email"`, false},
		{"contacts", `["a@b.example"]`, `["c@d.example"]`, false},
		{"default_max_age", ``, `60`, false},
		{"require_pushed_authorization_requests", ``, `true`, false},
	} {
		e := integrator.Edit{Member: row.member, Before: json.RawMessage(row.was), After: json.RawMessage(row.after)}
		if got := integrator.Sensitive(before, e); got != row.waits {
			t.Errorf("%s from %s to %s waits: %v", row.member, row.was, row.after, got)
		}
	}
}

// A role may what the weaker ones may; one that is none may nothing.
func TestRoles(t *testing.T) {
	for _, row := range []struct {
		is, need integrator.Role
		may      bool
	}{
		{"", integrator.Viewer, false}, {"root", integrator.Viewer, false}, {"root", "root", false}, {"Owner", integrator.Viewer, false},
		{integrator.Viewer, integrator.Developer, false}, {integrator.Viewer, integrator.Owner, false}, {integrator.Developer, integrator.Owner, false},
		{integrator.Viewer, integrator.Viewer, true}, {integrator.Developer, integrator.Viewer, true}, {integrator.Owner, integrator.Developer, true},
	} {
		if got := row.is.AtLeast(row.need); got != row.may {
			t.Errorf("%q as %q: %v", row.is, row.need, got)
		}
	}
	for s, want := range map[integrator.State]bool{
		integrator.Submitted: false, integrator.Approved: false, integrator.Rejected: false, "": false, integrator.Testing: true, integrator.Returned: true,
	} {
		if got := s.Editable(); got != want {
			t.Errorf("a project that is %q may be described: %v", s, got)
		}
	}
}

// Operators read values, not JSON, where a value is text.
func TestEditsAsTheyAreRead(t *testing.T) {
	for raw, want := range map[string]string{
		``: "", `"a \"b\""`: `a "b"`, `["https://a.example","https://b.example"]`: "https://a.example\nhttps://b.example", `60`: "60", `true`: "true",
		`{"keys":[]}`: `{"keys":[]}`, `[]`: "[]", `[1]`: "[1]",
	} {
		e := integrator.Edit{Before: json.RawMessage(raw), After: json.RawMessage(raw)}
		if before, after := e.Said(); before != want || after != want {
			t.Errorf("%s is read as %q, then %q", raw, before, after)
		}
	}
}

// What a test account is for stands at the end of its name; the beginning is the
// project's, and no name is too long or refused.
func TestNamesOfTestAccounts(t *testing.T) {
	seen := map[string]bool{}
	for _, project := range []string{"AAAAAAAAAAAAAAAAAAAAAA", "-_-_-_-_abcdefghijklmn", integrator.NewID()} {
		for _, part := range integrator.Parts() {
			name := integrator.TestLogin(project, part)
			if seen[name] || len(name) > 64 {
				t.Errorf("%s of %s: %s", part, project, name)
			}
			seen[name] = true
		}
	}
}
