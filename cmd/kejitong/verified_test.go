package main

import (
	"strings"
	"testing"

	"kejitong/provider/client"
)

// verified_claims by the claims parameter, from the request to both places: the
// scope must be registered, the user must have ticked it, and what was asked
// comes back and nothing more (OpenID Connect for Identity Assurance 1.0 §5,
// PIPL article 29).
func TestVerifiedClaimsByRequest(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		third := func(scope string) func(*client.Client) {
			return func(c *client.Client) { c.Metadata.FirstParty, c.Metadata.Scope = false, scope }
		}
		s.client("may", third("openid profile identity"))
		s.client("may-not", third("openid profile"))
		framework := s.issuer + "/trust/realname"
		request := `{"verified_claims":{"verification":{"trust_framework":{"value":"` + framework + `"},"evidence":[{"type":{"value":"electronic_record"}}]},"claims":{"name":null,"id_number_masked":null,"shoe_size":null}}}`
		asked := `{"userinfo":` + request + `,"id_token":` + request + `}`
		walk := func(t *testing.T, s *arena, id, claims string, ticks ...string) (idClaims, userinfo any, body string) {
			t.Helper()
			b := s.browser()
			b.in(s, "a")
			a := asking(id, "openid", "claims", claims, "prompt", "consent")
			p := b.get(s.authorizeURL(a))
			at(t, p, "/consent")
			m := s.redeem(a, b.press(p, "decision=allow", ticks...))
			_, ui := s.userinfo(text(m, "access_token"))
			return idToken(t, m)["verified_claims"], ui["verified_claims"], p.body
		}
		s.run("not registered", func(t *testing.T, s *arena) {
			id, ui, body := walk(t, s, "may-not", asked, "sensitive", "identity")
			if id != nil || ui != nil || strings.Contains(body, `value="identity"`) {
				t.Errorf("ID token %v, userinfo %v", id, ui)
			}
		})
		s.run("not ticked", func(t *testing.T, s *arena) {
			id, ui, body := walk(t, s, "may", asked)
			if !strings.Contains(body, `name="sensitive" value="identity"`) {
				t.Error("the user is not asked")
			}
			if id != nil || ui != nil {
				t.Errorf("ID token %v, userinfo %v", id, ui)
			}
		})
		s.run("ticked", func(t *testing.T, s *arena) {
			id, ui, _ := walk(t, s, "may", asked, "sensitive", "identity")
			how := `"verification":{"evidence":[{"type":"electronic_record"}],"trust_framework":"` + framework + `"}`
			if got, want := asJSON(t, id), `{"claims":{"name":"张三"},`+how+`}`; got != want { // no number beside an access token
				t.Errorf("ID token\n got %s\nwant %s", got, want)
			}
			masked, _ := ui.(map[string]any)["claims"].(map[string]any)["id_number_masked"].(string)
			if got, want := asJSON(t, ui), `{"claims":{"id_number_masked":"`+masked+`","name":"张三"},`+how+`}`; got != want || !strings.Contains(masked, "***") {
				t.Errorf("userinfo\n got %s\nwant %s", got, want)
			}
		})
		s.run("requirements not met", func(t *testing.T, s *arena) {
			unmet := strings.ReplaceAll(asked, framework, "eidas")
			if id, ui, _ := walk(t, s, "may", unmet, "sensitive", "identity"); id != nil || ui != nil { // §5.7.3: no error, no claim
				t.Errorf("ID token %v, userinfo %v", id, ui)
			}
		})
	})
}
