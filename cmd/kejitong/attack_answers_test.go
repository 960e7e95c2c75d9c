package main

import (
	"net/http"
	"net/url"
	"testing"

	"kejitong/provider/client"
)

// What the provider signs for a client to read is no token: a signed
// authorization response, UserInfo and introspection response pass for nothing
// else, though all are JWTs of the same keys for the same audience (RFC 8725
// §3.11, RFC 9701 §8.1).
func TestSignedAnswersPassForNoToken(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("reader", func(c *client.Client) {
			c.Metadata.UserinfoSignedResponseAlg, c.Metadata.IntrospectionSignedResponseAlg, c.Metadata.AuthorizationSignedResponseAlg = "RS256", "RS256", "RS256"
			c.Metadata.JWKS = newSigner(t, "RS256", "own").set(t)
			c.Metadata.GrantTypes = append(c.Metadata.GrantTypes, "urn:ietf:params:oauth:grant-type:token-exchange")
		})
		b := s.browser()
		b.in(s, "a")
		a := asking("reader", "openid", "response_mode", "jwt")
		loc, err := b.get(s.authorizeURL(a)).Location()
		if err != nil {
			t.Fatal(err)
		}
		signed := loc.Query().Get("response")
		status, m := s.exchange(a, text(claimsOf(t, signed), "code"))
		if status != http.StatusOK {
			t.Fatalf("token endpoint: %d %v", status, m)
		}
		access := text(m, "access_token")
		basic := func(r *http.Request) *http.Request { r.SetBasicAuth("reader", s.secret("reader")); return r }
		ask := func(r *http.Request) string {
			t.Helper()
			p := s.browser().do(r)
			if p.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %s", r.URL.Path, p.StatusCode, p.body)
			}
			return p.body
		}
		info, err := http.NewRequest(http.MethodGet, s.issuer+"/oauth2/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		info.Header.Set("Authorization", "Bearer "+access)
		looked := basic(formTo(t, s.issuer+"/oauth2/introspect", url.Values{"token": {access}}, nil))
		looked.Header.Set("Accept", "application/token-introspection+jwt")
		for name, thing := range map[string]string{"authorization response": signed, "UserInfo response": ask(info), "introspection response": ask(looked)} {
			s.run(name, func(t *testing.T, s *arena) {
				if c := claimsOf(t, thing); c["iss"] != s.issuer || c["aud"] != "reader" {
					t.Fatalf("no answer to the client but %v", c)
				}
				if status, _ := s.userinfo(thing); status != http.StatusUnauthorized {
					t.Errorf("as access token: %d", status)
				}
				for what, v := range map[string]url.Values{
					"as code":          {"grant_type": {"authorization_code"}, "code": {thing}, "redirect_uri": {rpcb}, "code_verifier": {a.verifier}},
					"as refresh token": {"grant_type": {"refresh_token"}, "refresh_token": {thing}},
					"as subject token": {"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {thing}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}},
					"as ID token":      {"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {thing}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}},
				} {
					if status, m := s.post("/oauth2/token", "reader", v); status != http.StatusBadRequest {
						t.Errorf("%s: %d %v", what, status, m)
					}
				}
				if status, m := s.post("/oauth2/token", "", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {thing}}); status != http.StatusUnauthorized {
					t.Errorf("as client assertion: %d %v", status, m)
				}
				b := b.as(t)
				for what, q := range map[string]attempt{
					"as id_token_hint":  asking("reader", "openid", "prompt", "none", "id_token_hint", thing),
					"as request object": asking("reader", "openid", "prompt", "none", "request", thing),
				} {
					if got := s.answer(q, b.get(s.authorizeURL(q))); got.Get("error") == "" {
						t.Errorf("%s: %v", what, got)
					}
				}
				if p := b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {thing}}.Encode()); p.StatusCode != http.StatusBadRequest {
					t.Errorf("as id_token_hint of a sign-out: %d", p.StatusCode)
				}
			})
		}
		if s.whois(b) == "" {
			t.Error("the session is gone")
		}
		if status, _ := s.post("/oauth2/token", "reader", refreshForm(text(m, "refresh_token"))); status != http.StatusOK {
			t.Errorf("the grant is gone: %d", status)
		}
	})
}
