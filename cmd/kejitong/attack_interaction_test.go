package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
)

// R40: the gate stands at the authorization endpoint; it shows a page, or under
// prompt=none gives the error that says why.
func TestGate(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		gate := func(change func(*client.Metadata)) func(*client.Client) {
			return func(c *client.Client) { c.Metadata.ClaimsProfile = client.Kejitong; change(&c.Metadata) }
		}
		s.client("gaoqi", gate(func(m *client.Metadata) {
			m.BusinessSystems, m.AcceptMigrated = []entitlement.SystemID{hightech}, true
		}))
		s.client("unmigrated", gate(func(m *client.Metadata) { m.BusinessSystems = []entitlement.SystemID{hightech} }))
		s.client("units", gate(func(m *client.Metadata) { m.RequiredAccountTypes = []account.Kind{account.LegalEntity} }))
		s.client("level", gate(func(m *client.Metadata) { m.RequiredLevel = "L3" }))
		for _, row := range []struct{ who, client, reason, silent string }{
			{"a", "gaoqi", "not_entitled", "access_denied"},
			{"d", "gaoqi", "not_verified", "interaction_required"},
			{"d", "level", "not_verified", "interaction_required"},
			{"b", "level", "level_too_low", "interaction_required"},
			{"a", "units", "wrong_account_type", "access_denied"},
			{"c", "unmigrated", "not_entitled", "access_denied"}, // G1: a client may refuse migrated grants
		} {
			s.run(row.who+" at "+row.client, func(t *testing.T, s *arena) {
				b := s.browser()
				a := asking(row.client, "openid org entitlements")
				p := b.signIn(s.stage, b.get(s.authorizeURL(a)), row.who)
				at(t, p, "/refused")
				if got := p.Request.URL.Query().Get("reason"); got != row.reason {
					t.Errorf("reason %q, want %q", got, row.reason)
				}
				forged := b.get(strings.Replace(p.Request.URL.String(), "reason="+row.reason, "reason=x", 1)) // the address only picks the words
				at(t, forged, "/refused")
				silent := asking(row.client, "openid", "prompt", "none")
				s.refused(silent, b.get(s.authorizeURL(silent)), row.silent)
				s.refused(a, b.press(p, "cancel=yes"), "access_denied")
				s.refused(a, b.press(p, "account=other"), "access_denied") // the refusal is final
			})
		}
		s.run("on as somebody else", func(t *testing.T, s *arena) {
			b := s.browser()
			a := asking("gaoqi", "openid org entitlements")
			p := b.signIn(s.stage, b.get(s.authorizeURL(a)), "a")
			at(t, p, "/refused")
			person := s.whois(b)
			p = b.press(p, "account=other")
			at(t, p, "/login")
			c := idToken(t, s.redeem(a, b.signIn(s.stage, p, "b")))
			if org, _ := c["org"].(map[string]any); org["uscc"] != demoUSCC || c["nonce"] != a.params.Get("nonce") {
				t.Errorf("claims %v, want the unit's for the same request", c)
			}
			if who := s.whois(b); who == person {
				t.Error("the session is still the person's")
			}
		})
		for _, who := range []string{"b", "c"} {
			s.run(who+" may enter", func(t *testing.T, s *arena) {
				b := s.browser()
				a := asking("gaoqi", "openid entitlements")
				if c := idToken(t, s.redeem(a, b.signIn(s.stage, b.get(s.authorizeURL(a)), who))); len(c["entitlements"].([]any)) == 0 {
					t.Errorf("claims %v", c)
				}
			})
		}
	})
}

// A handler of several units says for which one, once per request; nobody
// speaks for a unit that is not theirs.
func TestChoiceOfUnit(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		const first, second = demoUSCC, "91110000MA00000077"
		begin := func(s *arena, more ...string) (*browser, attempt, page) {
			b := s.browser()
			a := newAttempt("openid org entitlements").with(more...)
			return b, a, b.signIn(s.stage, b.get(s.authorizeURL(a)), "e")
		}
		uscc := func(t *testing.T, m map[string]any) any {
			org, _ := idToken(t, m)["org"].(map[string]any)
			return org["uscc"]
		}
		for _, row := range []struct{ hint, prompt, want string }{
			{"91440300MA5DXXXX0X", "-", "/refused"}, {"nonsense", "-", "/refused"}, {"' OR 1=1", "-", "/refused"},
			{"91440300MA5DXXXX0X", "none", "access_denied"},
			{"-", "none", "interaction_required"},
		} {
			s.run(fmt.Sprintf("hint %s, prompt %s", row.hint, row.prompt), func(t *testing.T, s *arena) {
				b := s.browser()
				b.in(s, "e")
				a := newAttempt("openid org").with("org_hint", row.hint, "prompt", row.prompt)
				p := b.get(s.authorizeURL(a))
				if row.want == "/refused" {
					at(t, p, "/refused")
					s.refused(a, b.press(p, "cancel=yes"), "access_denied")
					return
				}
				s.refused(a, p, row.want)
			})
		}
		s.run("forged", func(t *testing.T, s *arena) {
			b, a, p := begin(s)
			at(t, p, "/login/unit")
			f := findForm(t, p.body, "org").values
			for _, org := range []string{"", "self", "nobody", first, string(account.NewID())} {
				f.Set("org", org)
				if q := b.still().send(http.MethodPost, p.Request.URL.String(), f); q.StatusCode != http.StatusForbidden {
					t.Errorf("org %q: %d, want 403", org, q.StatusCode)
				}
			}
			s.refused(a, b.press(p, "cancel=yes"), "access_denied")
		})
		s.run("hints", func(t *testing.T, s *arena) {
			for _, hint := range []string{first, second, strings.ToLower(second)} {
				b, a, p := begin(s, "org_hint", hint)
				if got := uscc(t, s.redeem(a, p)); got != strings.ToUpper(hint) {
					t.Errorf("hint %s: token for %v", hint, got)
				}
				if b.cookie("session") == "" {
					t.Error("no session")
				}
			}
		})
		s.run("chosen", func(t *testing.T, s *arena) {
			b, a, p := begin(s)
			at(t, p, "/login/unit")
			for _, want := range []string{first, second} {
				id := unitID(t, p, want)
				if got := uscc(t, s.redeem(a, b.press(p, "org="+id))); got != want {
					t.Errorf("chose %s, token for %v", want, got)
				}
				a = newAttempt("openid org entitlements") // the next request asks again: one token, one unit
				p = b.get(s.authorizeURL(a))
				at(t, p, "/login/unit")
				if i, j := strings.Index(p.body, want), strings.Index(p.body, map[string]string{first: second, second: first}[want]); i > j {
					t.Errorf("the unit chosen last does not come first")
				}
			}
		})
	})
}

// unitID is the value of the button that shows the unit's code.
func unitID(t *testing.T, p page, uscc string) string {
	t.Helper()
	for _, button := range strings.Split(p.body, `name="org" value="`)[1:] {
		if id, rest, _ := strings.Cut(button, `"`); strings.Contains(rest, uscc) {
			return id
		}
	}
	t.Fatalf("no button for %s:\n%s", uscc, p.body)
	return ""
}

// Consent (PIPL articles 14, 29): asked of those who are not the platform's own,
// decided by the server's record, remembered, and asked anew when more is
// wanted; S38 for what a form pretends, S15 for who was not reviewed.
func TestConsent(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		third := func(c *client.Client) { c.Metadata.FirstParty, c.Metadata.ClaimsProfile = false, client.Kejitong }
		for _, id := range []string{"asks", "denied", "edited"} {
			s.client(id, third)
		}
		s.client("stranger", func(c *client.Client) { third(c); c.Reviewed = false })
		s.client("first-stranger", func(c *client.Client) { c.Reviewed = false })
		const scope = "openid profile identity offline_access"
		begin := func(t *testing.T, s *arena, id string) (*browser, attempt, page) {
			t.Helper()
			b := s.browser()
			b.in(s, "a")
			a := asking(id, scope)
			p := b.get(s.authorizeURL(a))
			at(t, p, "/consent")
			return b, a, p
		}
		silently := func(s *arena, b *browser, id, scope string) string {
			a := asking(id, scope, "prompt", "none")
			return s.answer(a, b.get(s.authorizeURL(a))).Get("error")
		}
		s.run("deny", func(t *testing.T, s *arena) {
			b, a, p := begin(t, s, "denied")
			if got := silently(s, b, "denied", scope); got != "consent_required" {
				t.Errorf("prompt=none before consent: %q", got)
			}
			s.refused(a, b.press(p, "decision=deny"), "access_denied")
			s.refused(a, b.press(p, "decision=allow", "sensitive", "identity"), "access_denied") // final
			if n := s.count("SELECT COUNT(*) FROM consents WHERE client_id = ?", "denied"); n != 0 {
				t.Errorf("%d consents", n)
			}
		})
		s.run("edited fields", func(t *testing.T, s *arena) {
			b, a, p := begin(t, s, "edited")
			p = b.press(p, "decision=allow", "client_id", "demo-code", "scope", "openid phone authority", "scopes", "phone", "sensitive", "phone", "sensitive", "authority", "sensitive", "org.legal_rep",
				"redirect_uri", "https://evil.test", "account_id", "somebody", "nonce", "evil", "state", "evil", "request_id", "x", "first_party", "true")
			m := s.redeem(a, p)
			if got := strings.Fields(text(m, "scope")); slices.Contains(got, "phone") || slices.Contains(got, "identity") || slices.Contains(got, "authority") || idToken(t, m)["nonce"] != a.params.Get("nonce") {
				t.Errorf("scope %v nonce %v: the form decided", got, idToken(t, m)["nonce"])
			}
			if n := s.count("SELECT COUNT(*) FROM consents WHERE client_id = 'demo-code' OR scopes LIKE '%phone%' OR scopes LIKE '%authority%'"); n != 0 {
				t.Errorf("%d consents to what was never asked", n)
			}
		})
		s.run("allow without the sensitive tick", func(t *testing.T, s *arena) {
			b, a, p := begin(t, s, "asks")
			if strings.Contains(p.body, "checked") || !strings.Contains(p.body, `name="sensitive" value="identity"`) {
				t.Error("the sensitive item is not there to be ticked")
			}
			m := s.redeem(a, b.press(p, "decision=allow"))
			if got := text(m, "scope"); strings.Contains(got, "identity") || !strings.Contains(got, "profile") {
				t.Errorf("scope %q", got)
			}
			if _, ui := s.userinfo(text(m, "access_token")); ui["verified_claims"] != nil || ui["name"] == nil {
				t.Errorf("userinfo %v: want the name, not the identity", ui)
			}
			if got := silently(s, b, "asks", scope); got != "" { // conformance 3.1-19: remembered
				t.Errorf("prompt=none afterwards: %q, want a code", got)
			}
			if got := silently(s, b, "asks", scope+" phone"); got != "consent_required" {
				t.Errorf("prompt=none for more: %q, want consent_required", got)
			}
			again := asking("asks", scope, "prompt", "consent")
			p = b.get(s.authorizeURL(again))
			at(t, p, "/consent")
			if got := text(s.redeem(again, b.press(p, "decision=allow", "sensitive", "identity")), "scope"); !strings.Contains(got, "identity") {
				t.Errorf("scope %q after the tick", got)
			}
		})
		for _, id := range []string{"stranger", "first-stranger"} {
			s.run("S15 "+id, func(t *testing.T, s *arena) {
				b, a, p := begin(t, s, id)
				if !strings.Contains(p.body, "rp.example.gov.cn") || !strings.Contains(p.body, "未经平台审核") && !strings.Contains(p.body, "没有经过") && !strings.Contains(p.body, `class="told bad" role="alert"`) {
					t.Errorf("the page warns of nothing:\n%s", p.body)
				}
				s.redeem(a, b.press(p, "decision=allow", "sensitive", "identity"))
				if got := silently(s, b, id, scope); got != "consent_required" {
					t.Errorf("prompt=none for an unreviewed client: %q, want consent_required", got)
				}
				at(t, b.get(s.authorizeURL(asking(id, scope))), "/consent")
			})
		}
	})
}
