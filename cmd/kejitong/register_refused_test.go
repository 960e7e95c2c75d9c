package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"kejitong/config"
	"kejitong/provider/client"
)

// What must not be registered is refused with a code of RFC 7591 §3.2.2, nothing
// is called, and nothing is left behind.
func TestRegistrationsThatAreRefused(t *testing.T) {
	rsaKey := newSigner(t, "RS256", "k1")
	private, err := json.Marshal(map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": "c2VjcmV0", "use": "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	weak := `{"keys":[{"kty":"RSA","use":"sig","n":"` + strings.Repeat("v", 171) + `","e":"AQAB"}]}` // 1024 bits
	keyed := func(set any) map[string]any {
		return metadata("token_endpoint_auth_method", "private_key_jwt", "jwks", set)
	}
	var called atomic.Int64
	canary, err := net.Listen("tcp", "127.0.0.1:0") // sees whoever connects at all (S66)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = canary.Close() })
	go func() {
		for {
			c, err := canary.Accept()
			if err != nil {
				return
			}
			called.Add(1)
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(canary.Addr().String())

	type row struct {
		name string
		body any
		code string
	}
	const uri, meta = "invalid_redirect_uri", "invalid_client_metadata"
	rows := []row{
		// RFC 6749 §3.1.2, RFC 9700 §2.1, S67; conformance 3.5 regfrag
		{"a fragment", metadata("redirect_uris", []string{rpcb + "#x"}), uri},
		{"an empty fragment", metadata("redirect_uris", []string{rpcb + "#"}), uri},
		{"no redirect URI", metadata("redirect_uris", "-"), uri},
		{"a wildcard", metadata("redirect_uris", []string{"https://*.example.gov.cn/cb"}), uri},
		{"a script", metadata("redirect_uris", []string{"JaVaScRiPt:alert(1)"}), uri},
		{"data", metadata("redirect_uris", []string{"data:text/html,x"}), uri},
		{"a user name", metadata("redirect_uris", []string{"https://rp@evil.example/cb"}), uri},
		{"http", metadata("redirect_uris", []string{"http://rp.example.gov.cn/cb"}), uri},
		{"http on loopback", metadata("redirect_uris", []string{"http://127.0.0.1:9999/cb"}), uri},
		{"http on what looks like loopback", metadata("redirect_uris", []string{"http://localhost.evil.test/cb"}), uri},
		{"a scheme of a web client", metadata("redirect_uris", []string{"cn.example.app:/cb"}), uri},
		{"no URI at all", metadata("redirect_uris", []string{"cb"}), uri},
		{"one good and one bad", metadata("redirect_uris", []string{rpcb, "javascript:x"}), uri},
		{"51 of them", metadata("redirect_uris", many51()), uri},
		{"sign-out to a script", metadata("post_logout_redirect_uris", []string{"javascript:x"}), uri},
		{"sign-out with a fragment", metadata("post_logout_redirect_uris", []string{rpcb + "#x"}), uri},
		// other addresses: S67; conformance 3.6 nohttps
		{"a sign-in started over http", metadata("initiate_login_uri", "http://rp.example.gov.cn/start"), meta},
		{"a logo that runs", metadata("logo_uri", "javascript:alert(1)"), meta},
		{"a logo over http", metadata("logo_uri", "http://rp.example.gov.cn/logo.png"), meta},
		{"a policy in data", metadata("policy_uri", "data:text/html,x"), meta},
		{"terms that run", metadata("tos_uri", "vbscript:x"), meta},
		{"a home page that runs", metadata("client_uri", "javascript:x"), meta},
		// S65
		{"not JSON", `redirect_uris=x`, meta},
		{"an array", `[]`, meta},
		{"null", `null`, meta},
		{"two documents", `{"redirect_uris":["` + rpcb + `"]} {}`, meta},
		{"a member twice", `{"redirect_uris":["` + rpcb + `"],"redirect_uris":["https://evil.example/cb"]}`, meta},
		{"a member twice, once escaped", `{"redirect_uris":["` + rpcb + `"],"redirect\u005furis":["https://evil.example/cb"]}`, meta},
		{"a member of a key twice", `{"redirect_uris":["` + rpcb + `"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"RSA","kty":"oct"}]}}`, meta},
		{"not UTF-8", "{\"client_name\":\"\xff\",\"redirect_uris\":[\"" + rpcb + "\"]}", meta},
		{"too deep", `{"jwks":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`, meta},
		{"a name that is a number", metadata("client_name", 7), meta},
		{"redirect URIs that are text", metadata("redirect_uris", rpcb), uri},
		{"redirect URIs that are numbers", metadata("redirect_uris", []int{1}), uri},
		{"scope that is a list", metadata("scope", []string{"openid"}), meta},
		{"a scope that no client may name", metadata("scope", "admin"), meta},
		{"a flag that is text", metadata("require_auth_time", "true"), meta},
		{"an age that is text", metadata("default_max_age", "60"), meta},
		{"an age below zero", metadata("default_max_age", -1), meta},
		{"a software statement", metadata("software_statement", "e30.e30."), "invalid_software_statement"}, // RFC 7591 §2.3
		// what the policy or the deployment does not offer
		{"no authentication", metadata("token_endpoint_auth_method", "none"), meta},
		{"an unheard-of authentication", metadata("token_endpoint_auth_method", "client_secret_telepathy"), meta},
		{"implicit", metadata("grant_types", []string{"implicit"}, "response_types", []string{"id_token"}), meta},
		{"hybrid", metadata("grant_types", []string{"authorization_code", "implicit"}, "response_types", []string{"code id_token"}), meta},
		{"client credentials", metadata("grant_types", []string{"client_credentials"}, "redirect_uris", "-"), meta},
		{"the password grant", metadata("grant_types", []string{"password"}), meta},
		{"a response type without its grant type", metadata("grant_types", []string{"refresh_token"}), meta},
		{"unsigned ID tokens", metadata("id_token_signed_response_alg", "none"), meta},
		{"ID tokens under HS256", metadata("id_token_signed_response_alg", "HS256"), meta},
		{"unsigned request objects", metadata("request_object_signing_alg", "none"), meta},
		{"an unheard-of subject type", metadata("subject_type", "secret"), meta},
		{"an unheard-of application type", metadata("application_type", "toaster"), meta},
		// keys: RFC 7517 §4, S70
		{"a key that is no secret any more", keyed(json.RawMessage(private)), meta},
		{"1024 bits", keyed(json.RawMessage(weak)), meta},
		{"a kid twice", keyed(rsaKey.set(t, newSigner(t, "RS256", "k1").public())), meta},
		{"no keys", keyed(json.RawMessage(`{"keys":[]}`)), meta},
		{"keys and their address", metadata("token_endpoint_auth_method", "private_key_jwt", "jwks", rsaKey.set(t), "jwks_uri", "https://rp.example.gov.cn/jwks"), meta},
		{"neither", metadata("token_endpoint_auth_method", "private_key_jwt"), meta},
		// texts: S69
		{"a line break in the name", metadata("client_name", "a\nb"), meta},
		{"a name that runs backwards", metadata("client_name", "科技部\u202egnp.exe"), meta},
		{"an invisible name", metadata("client_name", "科\u200b技部"), meta},
		{"65 letters", metadata("client_name", strings.Repeat("长", 65)), meta},
		{"10 kB", metadata("client_name", strings.Repeat("x", 10<<10)), meta},
		{"a version of 10 kB", metadata("software_version", strings.Repeat("x", 10<<10)), meta},
		{"a contact with a line break", metadata("contacts", []string{"a@b.example\r\nBcc: c@d.example"}), meta},
		// sectors: OpenID Connect Core §8.1, Registration §5
		{"two hosts without a sector", metadata("redirect_uris", []string{rpcb, "https://two.example.gov.cn/cb"}), meta},
		{"a sector over http", metadata("sector_identifier_uri", "http://rp.example.gov.cn/s"), meta},
	}
	// S66: where the provider will not go. The canary's address is in
	// clients.outbound_allow, but the policy does not allow private hosts.
	for _, host := range []string{
		"127.0.0.1:" + port, "127.0.0.1", "localhost", "localhost.", "a.localhost", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fc00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "2130706433", "0x7f000001", "0177.0.0.1",
		"127.1", "0x7f.1", "metadata.google.internal", "rp.example.gov.cn:8443", "rp.example.gov.cn:22",
	} {
		for _, member := range []string{"jwks_uri", "sector_identifier_uri", "backchannel_logout_uri", "logo_uri"} {
			body := metadata(member, "https://"+host+"/x")
			if member == "jwks_uri" {
				body["token_endpoint_auth_method"] = "private_key_jwt"
			}
			rows = append(rows, row{member + " at " + host, body, meta})
		}
	}
	allow := func(c *config.Config) {
		c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, canary.Addr().String())
	}
	onRegistrars(t, client.Policy{}, allow, func(t *testing.T, g registrar) {
		before := g.ask(`SELECT COUNT(*) FROM clients`)
		for _, c := range rows {
			t.Run(c.name, func(t *testing.T) {
				a := g.as(t).registers(c.body)
				if a.status != http.StatusBadRequest || a.err() != c.code {
					t.Errorf("got %d %s, want 400 %s", a.status, a.raw, c.code)
				}
			})
		}
		t.Run("the rule is named, the address is not repeated", func(t *testing.T) { // RFC 7591 §3.2.2
			a := g.as(t).registers(metadata("backchannel_logout_uri", "https://10.0.0.1/x"))
			if !strings.Contains(a.raw, "backchannel_logout_uri is no address that this service may call") || strings.Contains(a.raw, "10.0.0.1") {
				t.Errorf("got %s", a.raw)
			}
		})
		t.Run("33 KiB", func(t *testing.T) {
			if a := g.as(t).registers(metadata("contacts", []string{strings.Repeat("x", 33<<10)})); a.status != http.StatusRequestEntityTooLarge || a.err() != meta {
				t.Errorf("got %d %s", a.status, a.raw)
			}
		})
		t.Run("a form", func(t *testing.T) {
			q, err := http.NewRequest(http.MethodPost, g.issuer+"/oauth2/register", strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			q.Header.Set("Authorization", "Bearer "+g.token)
			if a := g.as(t).sent(q); a.status != http.StatusBadRequest || a.err() != meta {
				t.Errorf("got %d %s", a.status, a.raw)
			}
		})
		if n := g.ask(`SELECT COUNT(*) FROM clients`) - before; n != 0 {
			t.Errorf("%d clients came of it", n)
		}
		if n := g.ask(`SELECT COALESCE(SUM(uses), 0) FROM initial_tokens`); n != 0 {
			t.Errorf("refused registrations used up %d", n)
		}
		if n := called.Load(); n != 0 {
			t.Errorf("%d connections to the canary", n)
		}
	})
}

func many51() (out []string) {
	for i := range 51 {
		out = append(out, fmt.Sprintf("https://rp.example.gov.cn/cb%d", i))
	}
	return out
}

// Members of ours and unheard-of ones change nothing (RFC 7591 §2, S65, S59).
func TestPrivilegesCannotBeRegistered(t *testing.T) {
	onRegistrars(t, client.Policy{}, nil, func(t *testing.T, g registrar) {
		plain := g.gets(metadata())
		want, err := g.app.db.Client(t.Context(), text(plain, "client_id"))
		if err != nil {
			t.Fatal(err)
		}
		c := g.gets(metadata(
			"first_party", true, "FIRST_PARTY", true, "business_systems", []string{"hightech_enterprise"}, "allow_unverified", true, "accept_migrated_grants", true,
			"claims_profile", "kejitong", "pkce_optional", true, "full_id_token", true, "legal_name", "国务院办公厅", "audience", []string{"demo-service"},
			"resource_identifiers", []string{"demo-service"}, "access_token_format", "jwt", "required_realname_level", "L0", "required_account_types", []string{"legal_entity"},
			"trusted", true, "skip_consent", true, "approved", true, "reviewed", true, "Reviewed", true, "state", "active", "owner", "admin", "client_id", "hightech-enterprise",
			"client_secret", strings.Repeat("a", 43), "registration_access_token", "mine", "client_secret_expires_at", 7, "scope", "openid profile email address phone offline_access entitlements identity authority admin",
		))
		if text(c, "client_id") == "hightech-enterprise" || text(c, "client_secret") == strings.Repeat("a", 43) || text(c, "registration_access_token") == "mine" {
			t.Errorf("the client chose its own credentials: %v", c)
		}
		got, err := g.app.db.Client(t.Context(), text(c, "client_id"))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(want.Metadata)
		b, _ := json.Marshal(got.Metadata)
		if string(a) != string(b) || got.Reviewed || got.State != client.Active {
			t.Errorf("registered\n%s (reviewed %v)\nwant\n%s", b, got.Reviewed, a)
		}
		// S15, RFC 6819 §5.2.4.1: what nobody reviewed is asked about each time, with
		// a warning and the place where it leads, and never signs in silently.
		id := text(c, "client_id")
		br := g.browser()
		q := asking(id, "openid")
		p := br.signIn(g.stage, br.get(g.authorizeURL(q)), "a")
		for range 2 {
			if p.Request.URL.Path != "/consent" || !strings.Contains(p.body, "rp.example.gov.cn") || !strings.Contains(p.body, `class="told bad"`) {
				t.Fatalf("no warning at %s", p.Request.URL)
			}
			if code := callback(t, br.press(p, "decision=allow")).Get("code"); code == "" {
				t.Fatal("no code after consent")
			}
			p = br.get(g.authorizeURL(q))
		}
		if e := callback(t, br.get(g.authorizeURL(q.with("prompt", "none")))).Get("error"); e != "consent_required" {
			t.Errorf("prompt=none of a client that nobody reviewed: %q", e)
		}
	})
}
