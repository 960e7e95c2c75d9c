package oidc

import (
	"encoding/json"
	"kejitong/provider/session"
	"testing"

	"kejitong/provider/consent"
)

// The claims request parameter (OpenID Connect Core §5.5): single claims for a
// place, as far as the scope that covers them was allowed (its mark stands in
// the grant).
func TestRequestedClaims(t *testing.T) {
	h := newHouse(t)
	marks := []string{claimScope(consent.Profile), claimScope(consent.Email), claimScope(consent.Phone), claimScope(consent.Address)}
	for _, c := range []struct {
		name              string
		claims            string
		marks             []string
		idToken, userinfo []string // members that must be there; all the others of the list must not
	}{
		{"a claim whose scope was not allowed", `{"userinfo":{"name":{"essential":true}}}`, nil, nil, nil},
		{"the mobile number never enters the ID token", `{"id_token":{"phone_number":{"essential":true},"phone_number_verified":null}}`, marks, nil, nil},
		{"a name nobody knows", `{"userinfo":{"shoe_size":{"essential":true},"id_number":null},"id_token":{"shoe_size":null}}`, marks, nil, nil},
		{"places nobody knows", `{"introspection":{"name":null}}`, marks, nil, nil},
		{"a place that is no object", `{"userinfo":"name","id_token":["name"]}`, marks, nil, nil},
		{"protocol members cannot be asked away", `{"id_token":{"sub":null,"iss":{"value":"x"},"aud":null}}`, marks, nil, nil},
		{"essential name at userinfo", `{"userinfo":{"name":{"essential":true}}}`, marks, nil, []string{"name"}},
		{"null form", `{"userinfo":{"name":null,"email":null}}`, marks, nil, []string{"name", "email"}},
		{"a form nobody knows counts as asked", `{"userinfo":{"name":"please","email":["x"]}}`, marks, nil, []string{"name", "email"}},
		{"name in the ID token", `{"id_token":{"name":{"essential":true}}}`, marks, []string{"name"}, nil},
		{"both places", `{"id_token":{"email":null},"userinfo":{"phone_number":null}}`, marks, []string{"email"}, []string{"phone_number"}},
		{"each place on its own null", `{"id_token":null,"userinfo":{"name":null}}`, marks, nil, []string{"name"}},
		{"only what was named, not the whole scope", `{"userinfo":{"phone_number_verified":null}}`, marks, nil, []string{"phone_number_verified"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := rich(person())
			g.Grant.Data.Scopes = append([]string{consent.OpenID}, c.marks...)
			g.Grant.Data.Claims = json.RawMessage(c.claims)
			id, ui := h.released(hightechClient(), g)
			check := func(place string, m map[string]any, want []string) {
				t.Helper()
				wanted := map[string]bool{}
				for _, n := range want {
					wanted[n] = true
				}
				for _, n := range []string{"name", "email", "email_verified", "phone_number", "phone_number_verified", "updated_at", "address", "shoe_size", "id_number"} {
					if (m[n] != nil) != wanted[n] {
						t.Errorf("%s: %s = %v, wanted %v", place, n, m[n], wanted[n])
					}
				}
			}
			check("id_token", id, c.idToken)
			check("userinfo", ui, c.userinfo)
			if id["iss"] != issuer || id["sub"] != ui["sub"] {
				t.Errorf("protocol members: iss %v, sub %v", id["iss"], id["sub"])
			}
		})
	}
	t.Run("an unverified name is not there to be asked for", func(t *testing.T) {
		g := rich(newcomer())
		g.Grant.Data.Scopes = append([]string{consent.OpenID}, marks...)
		g.Grant.Data.Claims = json.RawMessage(`{"userinfo":{"name":{"essential":true}},"id_token":{"name":{"essential":true}}}`)
		if id, ui := h.released(hightechClient(), g); id["name"] != nil || ui["name"] != nil {
			t.Errorf("name: %v %v", id["name"], ui["name"])
		}
	})
}

// acr and amr are facts of the session; nothing in a request changes them.
func TestAuthenticationIsTheSessions(t *testing.T) {
	h := newHouse(t)
	g := newcomer()
	g.Grant.Data.Claims = json.RawMessage(`{"id_token":{"acr":{"value":"urn:fuwu:aal:3"},"amr":{"value":["hwk"]},"auth_time":{"value":1}}}`)
	id, _ := h.released(hightechClient(), g)
	if id["acr"] != session.ACRPassword || id["auth_time"] != json.Number("1795399950") {
		t.Errorf("acr %v, auth_time %v", id["acr"], id["auth_time"])
	}
	if amr := id["amr"].([]any); len(amr) != 1 || amr[0] != "pwd" {
		t.Errorf("amr = %v", amr)
	}
}
