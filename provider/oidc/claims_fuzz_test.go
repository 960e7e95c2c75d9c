package oidc

import (
	"encoding/json"
	"net/url"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/consent"
)

// FuzzClaimsParameter: whatever the claims parameter is, it is refused or read
// as JSON reads it, and nothing comes of it but claims that scopes cover
// (OpenID Connect Core §5.5).
func FuzzClaimsParameter(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"userinfo":{"name":{"essential":true},"email":null},"id_token":{"acr":{"values":["a"]},"sub":{"value":"x"}}}`, `{"id_token":{"acr":{"essential":"yes"}}}`,
		`{"userinfo":[],"id_token":"x"}`, `{"userinfo":{"name":{"value":{"a":[1]}}}}`, `null`, `[]`, `{"a":{"a":{"a":{"a":{"a":{}}}}}}`, `{"\u0061":"\ud800"}`, `{"userinfo":{"name":null},"userinfo":{}}`,
		`{"id_token":{"sub":{"values":[1,null,"x"]}}}`, `{}{}`, "{\x00}",
	} {
		f.Add(s)
	}
	h := newHouse(f)
	h.register("rp", "s", webClient(func(m *client.Metadata) { m.PKCEOptional = true }))
	f.Fuzz(func(t *testing.T, s string) {
		a, err := h.examine(t.Context(), url.Values{"client_id": {"rp"}, "redirect_uri": {rpCallback}, "response_type": {"code"}, "scope": {"openid"}, "claims": {s}})
		switch codeOfError(err) {
		case "invalid_request", "unmet_authentication_requirements":
			return
		case "":
		default:
			t.Fatalf("%q: %v", s, err)
		}
		if s == "" {
			return
		}
		var top map[string]any
		if err := json.Unmarshal([]byte(s), &top); err != nil || top == nil || len(s) > maxParam || depth(s) > maxClaimsDepth {
			t.Fatalf("%q passed: %v", s, err)
		}
		named := map[string]bool{}
		for _, place := range []string{"id_token", "userinfo"} {
			members, _ := top[place].(map[string]any)
			for name := range members {
				if scope, ok := consent.Covering(name); ok {
					named[scope] = true
				}
			}
			if got := claimsRequest(a.claims)[place]; len(got) != len(members) {
				t.Fatalf("%q: %d members of %s, want %d", s, len(got), place, len(members))
			}
		}
		for _, scope := range a.consentScopes() {
			if scope != consent.OpenID && !named[scope] {
				t.Fatalf("%q: the user is asked about %s", s, scope)
			}
		}
		h.hintFits(a, "somebody")
	})
}
