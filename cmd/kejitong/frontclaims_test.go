package main

import (
	"slices"
	"strings"
	"testing"

	"kejitong/provider/client"
)

// Without an access token there is no userinfo to read: the claims of the scopes
// and those asked for one by one stand in the ID token (OpenID Connect Core
// sections 5.4 and 5.5), the mobile number too. With one they do not.
func TestIDTokenAlone(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.wholePerson()
		s.fronted("rp", nil)
		b := s.browser()
		b.press(b.get(s.issuer+"/login?other=1"), "username", "username", "whole-person", "password", "Whole-person-7-ok")
		standard := map[string][]string{
			"profile": {"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"},
			"email":   {"email", "email_verified"}, "phone": {"phone_number", "phone_number_verified"}, "address": {"address"},
		}
		for _, row := range []struct {
			kind, scope, claims string
			want                []string
		}{
			{"id_token token", "openid profile email phone address", "", nil},
			{"code id_token", "openid profile email phone address", "", nil},
			{"code id_token token", "openid profile email phone address", "", nil},
			{"code id_token", "openid", `{"id_token":{"phone_number":{"essential":true}}}`, nil},
			{"id_token", "openid", "", nil},
			{"id_token", "openid", `{"id_token":{"shoe_size":{"essential":true}}}`, nil},
			{"id_token", "openid profile", "", standard["profile"]},
			{"id_token", "openid email", "", standard["email"]},
			{"id_token", "openid phone", "", standard["phone"]},
			{"id_token", "openid address", "", standard["address"]},
			{"id_token", "openid profile email phone address", "", slices.Concat(standard["profile"], standard["email"], standard["phone"], standard["address"])},
			{"id_token", "openid", `{"id_token":{"name":{"essential":true},"email":null,"phone_number":null}}`, []string{"name", "email", "phone_number"}},
			{"id_token", "openid", `{"userinfo":{"name":{"essential":true}}}`, []string{"name"}},
			{"code id_token", "openid", `{"id_token":{"name":{"essential":true}}}`, []string{"name"}},
		} {
			s.run(row.kind+" "+row.scope+" "+row.claims, func(t *testing.T, s *arena) {
				a := asking("rp", row.scope, "response_type", row.kind)
				if row.claims != "" {
					a = a.with("claims", row.claims)
				}
				q := s.answer(a, b.as(t).get(s.authorizeURL(a)))
				got := idToken(t, map[string]any{"id_token": q.Get("id_token")})
				for _, name := range slices.Concat(standard["profile"], standard["email"], standard["phone"], standard["address"]) {
					if _, there := got[name]; there != slices.Contains(row.want, name) {
						t.Errorf("%s stands there: %v, want %v", name, there, !there)
					}
				}
			})
		}
	})
}

// Our own clients get what userinfo would say, the unit and its entitlements
// included, and offline access means nothing without a code (section 11).
func TestIDTokenAloneOfOurs(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.fronted("ours", func(m *client.Metadata) { m.ClaimsProfile = client.Kejitong })
		b := s.browser()
		b.in(s, "b")
		scope := "openid org profile offline_access"
		a := asking("ours", scope, "response_type", "id_token token")
		_, ui := s.userinfo(s.answer(a, b.get(s.authorizeURL(a))).Get("access_token"))
		a = asking("ours", scope, "response_type", "id_token")
		q := s.answer(a, b.get(s.authorizeURL(a)))
		got := idToken(t, map[string]any{"id_token": q.Get("id_token")})
		if ui["org"] == nil {
			t.Fatalf("userinfo %v", ui)
		}
		for name := range ui {
			if got[name] == nil {
				t.Errorf("%s stands in userinfo and not in the ID token", name)
			}
		}
		if n := s.count("SELECT COUNT(*) FROM grants WHERE client_id = 'ours' AND (offline OR state <> 1 OR NOT code_spent)"); n != 0 {
			t.Errorf("%d implicit grants are offline, not active, or have a code to spend", n)
		}
		if raw := q.Get("id_token"); strings.Count(raw, ".") != 2 {
			t.Error("no signed ID token")
		}
	})
}
