package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/consent"
)

// OpenID Connect Core §5.5 (conformance 3.1-35, 4.7): every standard claim that
// discovery lists can be asked for by its name, at userinfo and in the ID token,
// in each form of §5.5.1; what was not named does not come along.
func TestEveryClaimByItsName(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.wholePerson()
		s.client("web", nil)
		var doc struct {
			Claims []string `json:"claims_supported"`
		}
		if err := json.Unmarshal([]byte(s.plain("/.well-known/openid-configuration").body), &doc); err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		at := b.get(s.authorizeURL(asking("web", "openid")))
		b.press(at, "username", "username", "whole-person", "password", "Whole-person-7-ok")
		ask := func(t *testing.T, s *arena, claims string, more ...string) (id, ui map[string]any) {
			t.Helper()
			m := s.walk(b, asking("web", "openid", append([]string{"claims", claims}, more...)...))
			status, ui := s.userinfo(text(m, "access_token"))
			if status != http.StatusOK {
				t.Fatalf("userinfo: %d %v", status, ui)
			}
			return idToken(t, m), ui
		}
		plain := map[string]bool{}
		id, ui := ask(t, s, `{}`)
		for name := range id {
			plain[name] = true
		}
		if len(ui) != 1 {
			t.Errorf("nothing was asked for, and userinfo says %v", ui)
		}
		var standard []string
		for _, name := range doc.Claims {
			if _, ok := consent.Covering(name); ok {
				standard = append(standard, name)
			}
		}
		if len(standard) < 19 {
			t.Fatalf("discovery lists %v", standard)
		}
		forms := []string{`{"essential":true}`, `null`, `{"essential":false}`, `{"value":"whatever"}`, `{"values":["a","b"]}`}
		for i, name := range standard {
			s.run(name, func(t *testing.T, s *arena) {
				form := forms[i%len(forms)]
				id, ui := ask(t, s, `{"userinfo":{"`+name+`":`+form+`,"shoe_size":{"essential":true}}}`)
				if ui[name] == nil || ui[name] == "" || len(ui) != 2 {
					t.Errorf("userinfo for %s: %v", form, ui)
				}
				for extra := range id {
					if !plain[extra] {
						t.Errorf("%s stands in the ID token, where nobody asked for it", extra)
					}
				}
				id, ui = ask(t, s, `{"id_token":{"`+name+`":`+form+`,"shoe_size":null}}`)
				// A mobile number never enters a token that is carried about.
				if got := id[name] != nil; got == strings.HasPrefix(name, "phone_number") {
					t.Errorf("ID token for %s: %v", form, slices.Sorted(maps.Keys(id)))
				}
				if len(ui) != 1 {
					t.Errorf("userinfo says %v, where nobody asked for it", ui)
				}
			})
		}
		sub := text(id, "sub")
		s.run("the sub that is signed in", func(t *testing.T, s *arena) { // §5.5.1
			for _, place := range []string{"id_token", "userinfo"} {
				for _, form := range []string{`{"value":"` + sub + `"}`, `{"essential":true,"values":["x","` + sub + `"]}`, `null`, `{"essential":true}`} {
					if id, _ := ask(t, s, `{"`+place+`":{"sub":`+form+`}}`, "prompt", "none"); id["sub"] != sub {
						t.Errorf("%s: sub %v", form, id["sub"])
					}
				}
				for _, form := range []string{`{"value":"x"}`, `{"values":["x","y"]}`, `{"value":1}`} {
					a := asking("web", "openid", "claims", `{"`+place+`":{"sub":`+form+`}}`, "prompt", "none")
					s.refused(a, b.get(s.authorizeURL(a)), "login_required")
				}
			}
		})
		s.run("acr", func(t *testing.T, s *arena) {
			for claims, want := range map[string]string{
				`{"id_token":{"acr":{"essential":true,"values":["urn:fuwu:aal:3","urn:fuwu:aal:1"]}}}`: "",
				`{"id_token":{"acr":{"essential":true,"value":"urn:fuwu:aal:1"}}}`:                     "",
				`{"id_token":{"acr":{"essential":true}}}`:                                              "",
				`{"id_token":{"acr":{"value":"urn:fuwu:aal:3"}}}`:                                      "",
				`{"id_token":{"acr":{"values":["loa9"]}}}`:                                             "",
				`{"id_token":{"acr":null}}`:                                                            "",
				`{"id_token":{"acr":{"essential":true,"values":["urn:fuwu:aal:3","loa9"]}}}`:           "unmet_authentication_requirements",
			} {
				a := asking("web", "openid", "claims", claims)
				p := b.get(s.authorizeURL(a))
				if want != "" {
					s.refused(a, p, want)
				} else if got := idToken(t, s.redeem(a, p))["acr"]; got != "urn:fuwu:aal:1" {
					t.Errorf("%s: acr %v", claims, got)
				}
			}
		})
		s.run("auth_time", func(t *testing.T, s *arena) { // §2: required when asked for as essential
			if id, _ := ask(t, s, `{"id_token":{"auth_time":{"essential":true}}}`); id["auth_time"] == nil {
				t.Error("no auth_time")
			}
		})
	})
}

// walk is a flow of somebody who is signed in.
func (s *arena) walk(b *browser, a attempt) map[string]any {
	s.t.Helper()
	return s.redeem(a, b.get(s.authorizeURL(a)))
}
