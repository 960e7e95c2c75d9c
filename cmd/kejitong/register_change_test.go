package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/client"
)

// A registration can be changed by its own client alone, and every rule holds of
// what would result (RFC 7592 §2.2, S68).
func TestChangesOfARegistration(t *testing.T) {
	onRegistrars(t, client.Policy{}, nil, func(t *testing.T, g registrar) {
		stored := func(t *testing.T, id string) *client.Client {
			t.Helper()
			c, err := g.app.db.Client(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		review := func(t *testing.T, id string) {
			t.Helper()
			c := stored(t, id)
			c.Reviewed = true
			if err := g.app.db.PutClient(t.Context(), c, clientDeed("client.changed", id, "reviewed")); err != nil {
				t.Fatal(err)
			}
		}

		t.Run("who may not", func(t *testing.T) {
			g := g.as(t)
			mine, others := g.gets(metadata()), g.gets(metadata())
			disabled := g.gets(metadata())
			g.setClient(text(disabled, "client_id"), client.Disabled)
			operators := g.name() + "/oauth2/register/demo-code"
			for name, c := range map[string]struct{ target, bearer string }{
				"without a token":      {text(mine, "registration_client_uri"), ""},
				"an invented token":    {text(mine, "registration_client_uri"), randomText(32)},
				"another's token":      {text(mine, "registration_client_uri"), text(others, "registration_access_token")},
				"an initial token":     {text(mine, "registration_client_uri"), g.token},
				"disabled":             {text(disabled, "registration_client_uri"), text(disabled, "registration_access_token")},
				"an operator's client": {operators, text(mine, "registration_access_token")},
				"nobody":               {g.name() + "/oauth2/register/nobody", text(mine, "registration_access_token")},
			} {
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
					unauthorized(t, g.at(method, c.target, c.bearer, metadata("client_id", text(mine, "client_id"))), method+" "+name)
				}
			}
			if stored(t, text(disabled, "client_id")).State != client.Disabled {
				t.Error("a disabled client came back")
			}
		})

		t.Run("what may not", func(t *testing.T) {
			g := g.as(t)
			c := g.gets(metadata())
			before := stored(t, text(c, "client_id"))
			for name, row := range map[string]struct {
				member string
				value  any
				code   string
			}{
				"no client_id":         {"client_id", "-", "invalid_client_metadata"},
				"another's client_id":  {"client_id", "demo-code", "invalid_client_metadata"},
				"another secret":       {"client_secret", randomText(32), "invalid_client_metadata"},
				"a fragment":           {"redirect_uris", []string{rpcb + "#x"}, "invalid_redirect_uri"},
				"no redirect URI":      {"redirect_uris", "-", "invalid_redirect_uri"},
				"no authentication":    {"token_endpoint_auth_method", "none", "invalid_client_metadata"},
				"implicit":             {"response_types", []string{"token"}, "invalid_client_metadata"},
				"a private address":    {"jwks_uri", "https://10.0.0.1/k", "invalid_client_metadata"},
				"a logo that runs":     {"logo_uri", "javascript:x", "invalid_client_metadata"},
				"a software statement": {"software_statement", "e30.e30.", "invalid_software_statement"},
			} {
				if a := g.puts(c, row.member, row.value); a.status != http.StatusBadRequest || a.err() != row.code {
					t.Errorf("%s: %d %s, want 400 %s", name, a.status, a.raw, row.code)
				}
			}
			after := stored(t, text(c, "client_id"))
			if after.Version != before.Version {
				t.Error("a refused change changed something")
			}
			if a := g.at(http.MethodGet, text(c, "registration_client_uri"), text(c, "registration_access_token"), nil); a.status != http.StatusOK {
				t.Errorf("the token does not survive refused changes: %s", a.raw)
			}
		})

		t.Run("privileges by a change", func(t *testing.T) {
			g := g.as(t)
			c := g.gets(metadata())
			a := g.puts(c, "first_party", true, "pkce_optional", true, "business_systems", []string{"hightech_enterprise"}, "claims_profile", "kejitong", "reviewed", true)
			m := stored(t, text(c, "client_id"))
			if a.status != http.StatusOK || m.Metadata.FirstParty || m.Metadata.PKCEOptional || m.Metadata.BusinessSystems != nil || m.Metadata.ClaimsProfile != client.Standard || m.Reviewed {
				t.Errorf("%d: %+v", a.status, m)
			}
		})

		t.Run("what the client was told may come back", func(t *testing.T) {
			g := g.as(t)
			c := g.gets(metadata())
			b, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			if a := g.at(http.MethodPut, text(c, "registration_client_uri"), text(c, "registration_access_token"), string(b)); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})

		t.Run("another authentication", func(t *testing.T) {
			g := g.as(t)
			c := g.gets(metadata())
			first := text(c, "client_secret")
			key := newSigner(t, "ES256", "")
			// Keys instead of a secret: the secret is over.
			c = g.puts(c, "token_endpoint_auth_method", "private_key_jwt", "jwks", key.with("ES256", "k").set(t)).body
			if stored(t, text(c, "client_id")).SecretDigest != "" || c["client_secret"] != nil {
				t.Errorf("the secret is still there: %v", c)
			}
			// And back: a new secret, told once.
			c = g.puts(c, "token_endpoint_auth_method", "client_secret_post", "jwks", "-").body
			if s := text(c, "client_secret"); s == "" || s == first || c["client_secret_expires_at"] != 0.0 {
				t.Errorf("no new secret: %v", c)
			}
		})

		t.Run("review", func(t *testing.T) {
			g := g.as(t)
			c := g.gets(metadata("contacts", []string{"a@rp.example.gov.cn"}))
			id := text(c, "client_id")
			review(t, id)
			c = g.puts(c, "contacts", []string{"b@rp.example.gov.cn"}).body
			if !stored(t, id).Reviewed {
				t.Error("a new contact cost the review")
			}
			for member, v := range map[string]any{
				"client_name": "国务院某系统", "redirect_uris": []string{rpcb, rpcb + "2"}, "logo_uri": "https://rp.example.gov.cn/logo.png", "scope": "openid",
				"policy_uri": "https://rp.example.gov.cn/policy", "token_endpoint_auth_method": "client_secret_post", "subject_type": "public",
			} {
				review(t, id)
				was, there := c[member]
				if !there {
					was = "-"
				}
				c = g.puts(c, member, v).body
				if stored(t, id).Reviewed {
					t.Errorf("a new %s counts as reviewed", member)
				}
				// Change and change back: nobody has looked in between.
				if c = g.puts(c, member, was).body; stored(t, id).Reviewed {
					t.Errorf("%s back as it was counts as reviewed", member)
				}
			}
		})
	})
}

// Of many that replace one registration at once, one wins, and nobody else's
// token is good (RFC 7592 §2.2).
func TestOneChangeWins(t *testing.T) {
	onRegistrars(t, client.Policy{}, nil, func(t *testing.T, g registrar) {
		c := g.gets(metadata())
		b, err := json.Marshal(metadata("client_id", text(c, "client_id")))
		if err != nil {
			t.Fatal(err)
		}
		answers := race(t, racers, func(int) *http.Request {
			q, err := http.NewRequest(http.MethodPut, text(c, "registration_client_uri"), strings.NewReader(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/json")
			q.Header.Set("Authorization", "Bearer "+text(c, "registration_access_token"))
			return q
		})
		if got := statuses(answers); got[http.StatusOK] != 1 || got[http.StatusUnauthorized] != racers-1 {
			t.Errorf("%v, want one 200 and else 401", got)
		}
	})
}

// A sector is proved by the document at sector_identifier_uri (OpenID Connect
// Registration §5; conformance 3.5 sector-uri, sector-bad).
func TestSectorsOfARegistration(t *testing.T) {
	two := []string{rpcb, "https://two.example.gov.cn/cb"}
	document := ""
	sector := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/sector", http.StatusFound)
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write([]byte(document))
		}
	}))
	t.Cleanup(sector.Close)
	onRegistrars(t, client.Policy{PrivateHosts: true}, nil, func(t *testing.T, g registrar) {
		for _, c := range []struct {
			name, document, path string
			status               int
		}{
			{"all are listed", `["https://other.example/cb","` + strings.Join(two, `","`) + `"]`, "/sector", http.StatusCreated},
			{"one is not", `["` + rpcb + `"]`, "/sector", http.StatusBadRequest},
			{"none is", `[]`, "/sector", http.StatusBadRequest},
			{"not a list", `{"redirect_uris":["` + strings.Join(two, `","`) + `"]}`, "/sector", http.StatusBadRequest},
			{"not JSON", `<html>`, "/sector", http.StatusBadRequest},
			{"100 KiB", `["` + strings.Join(two, `","`) + `","` + strings.Repeat("x", 100<<10) + `"]`, "/sector", http.StatusBadRequest},
			{"elsewhere", `["` + strings.Join(two, `","`) + `"]`, "/moved", http.StatusBadRequest},
			{"gone", `["` + strings.Join(two, `","`) + `"]`, "/gone", http.StatusBadRequest},
		} {
			document = c.document
			a := g.registers(metadata("redirect_uris", two, "subject_type", "pairwise", "sector_identifier_uri", sector.URL+c.path))
			if a.status != c.status || c.status != http.StatusCreated && a.err() != "invalid_client_metadata" {
				t.Errorf("%s: %d %s", c.name, a.status, a.raw)
			}
			if c.status == http.StatusCreated && text(a.body, "sector_identifier_uri") != sector.URL+c.path {
				t.Errorf("%s: %s", c.name, a.raw)
			}
		}
		// Public subjects need no sector.
		if a := g.registers(metadata("redirect_uris", two, "subject_type", "public")); a.status != http.StatusCreated {
			t.Errorf("public: %s", a.raw)
		}
	}, sector)
}

// What a policy allows can be registered, and its fixed members come with it.
func TestPoliciesWiden(t *testing.T) {
	p := client.Policy{
		GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"}, Scopes: []string{"openid", "profile", "groups"}, DefaultScope: "openid groups",
		PublicClients: true, LoopbackRedirects: true, Fixed: &client.Metadata{AllowUnverified: true, LegalName: "某某中心", ClaimsProfile: client.Kejitong},
	}
	onRegistrars(t, p, nil, func(t *testing.T, g registrar) {
		c := g.gets(metadata("token_endpoint_auth_method", "none", "application_type", "native", "redirect_uris", []string{"http://127.0.0.1/cb", "cn.example.app:/cb"}))
		if text(c, "scope") != "openid groups" || c["client_secret"] != nil || c["client_secret_expires_at"] != nil {
			t.Errorf("%v", c)
		}
		got, err := g.app.db.Client(t.Context(), text(c, "client_id"))
		if err != nil {
			t.Fatal(err)
		}
		if m := got.Metadata; !m.AllowUnverified || m.LegalName != "某某中心" || m.ClaimsProfile != client.Kejitong || m.PKCEOptional {
			t.Errorf("%+v", m)
		}
		if c := g.gets(metadata("scope", "openid email entitlements groups")); text(c, "scope") != "openid groups" {
			t.Errorf("scope %q", text(c, "scope"))
		}
		if c := g.gets(metadata("grant_types", []string{"client_credentials"}, "response_types", []string{}, "redirect_uris", "-", "scope", "groups")); !slices.Equal(c["grant_types"].([]any), []any{"client_credentials"}) {
			t.Errorf("%v", c)
		}
	})
}

// A policy may hold all that is registered to the FAPI 2.0 Security Profile.
func TestAPolicyMayDemandFAPI(t *testing.T) {
	key := newSigner(t, "ES256", "k")
	onRegistrars(t, client.Policy{PKCEOptional: true, Fixed: &client.Metadata{SecurityProfile: client.FAPI2, DPoPBoundTokens: true}}, nil, func(t *testing.T, g registrar) {
		if a := g.registers(metadata("security_profile", "")); a.status != http.StatusBadRequest && text(a.body, "security_profile") != "fapi2" {
			t.Errorf("registered with a secret and without the profile: %s", a.raw)
		}
		c := g.gets(metadata("security_profile", "", "dpop_bound_access_tokens", false, "token_endpoint_auth_method", "private_key_jwt", "jwks", key.set(t), "id_token_signed_response_alg", "ES256"))
		if text(c, "security_profile") != "fapi2" || c["dpop_bound_access_tokens"] != true {
			t.Errorf("%v", c)
		}
		put := g.puts(c, "security_profile", "-", "dpop_bound_access_tokens", "-")
		if put.status != http.StatusOK || text(put.body, "security_profile") != "fapi2" || put.body["dpop_bound_access_tokens"] != true {
			t.Errorf("the profile is gone after a change: %s", put.raw)
		}
	})
}
