package client_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// web is the least that a client which signs people in registers.
func web(change func(*client.Metadata)) client.Metadata {
	m := client.Metadata{Name: "高企认定", RedirectURIs: []string{"https://rp.example.cn/cb"}}
	if change != nil {
		change(&m)
	}
	return m
}

func TestNormaliseRefuses(t *testing.T) {
	minus := int64(-1)
	set := func(change func(*client.Metadata)) client.Metadata { return web(change) }
	for _, c := range []struct {
		name, field string
		in          client.Metadata
	}{
		{"no redirect URI", "redirect_uris", set(func(m *client.Metadata) { m.RedirectURIs = nil })},
		{"redirect URI without the code grant", "redirect_uris", set(func(m *client.Metadata) { m.GrantTypes = []string{"client_credentials"} })},
		{"hundreds of redirect URIs", "redirect_uris", set(func(m *client.Metadata) {
			for i := range 51 {
				m.RedirectURIs = append(m.RedirectURIs, "https://rp.example.cn/"+strings.Repeat("a", i+1))
			}
		})},
		{"password grant", "grant_types", set(func(m *client.Metadata) { m.GrantTypes = []string{"password"} })},
		{"JWT bearer without keys", "grant_types", set(func(m *client.Metadata) {
			m.GrantTypes = append(m.GrantTypes, client.GrantRefresh, client.GrantJWTBearer)
		})},
		{"JWT bearer without refreshes", "grant_types", set(func(m *client.Metadata) {
			m.GrantTypes, m.JWKSURI = []string{client.GrantCode, client.GrantJWTBearer}, "https://rp.example.gov.cn/jwks"
		})},
		{"public client with token exchange", "grant_types", set(func(m *client.Metadata) {
			m.TokenEndpointAuthMethod, m.GrantTypes = client.AuthNone, append(m.GrantTypes, client.GrantExchange)
		})},
		{"details of an unknown type", "authorization_details_types", set(func(m *client.Metadata) {
			m.BusinessSystems, m.AuthorizationDetailsTypes = []entitlement.SystemID{"s"}, []string{"payment_initiation"}
		})},
		{"details without a system", "authorization_details_types", set(func(m *client.Metadata) { m.AuthorizationDetailsTypes = []string{"business_system"} })},
		{"device grant under a security profile", "grant_types", set(func(m *client.Metadata) {
			m.GrantTypes, m.SecurityProfile = append(m.GrantTypes, client.GrantDevice), client.FAPI2
		})},
		{"device alone, with a redirect URI", "redirect_uris", client.Metadata{GrantTypes: []string{client.GrantDevice}, RedirectURIs: []string{"https://rp.example/cb"}}},
		{"refresh without code", "grant_types", client.Metadata{GrantTypes: []string{"client_credentials", "refresh_token"}}},
		{"response type token", "response_types", set(func(m *client.Metadata) { m.ResponseTypes = []string{"token"} })},
		{"code without its grant", "response_types", client.Metadata{GrantTypes: []string{"client_credentials"}, ResponseTypes: []string{"code"}}},
		{"response mode web_message", "response_modes", set(func(m *client.Metadata) { m.ResponseModes = []string{"web_message"} })},
		{"unknown method", "token_endpoint_auth_method", set(func(m *client.Metadata) { m.TokenEndpointAuthMethod = "client_secret_digest" })},
		{"public client with client credentials", "grant_types", set(func(m *client.Metadata) {
			m.TokenEndpointAuthMethod, m.GrantTypes = "none", []string{"authorization_code", "client_credentials"}
		})},
		{"public client without PKCE", "pkce_optional", set(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.PKCEOptional = "none", true })},
		{"assertion algorithm none", "token_endpoint_auth_signing_alg", set(func(m *client.Metadata) {
			m.TokenEndpointAuthMethod, m.TokenEndpointAuthAlg = "private_key_jwt", "none"
		})},
		{"assertion algorithm HS256", "token_endpoint_auth_signing_alg", set(func(m *client.Metadata) {
			m.TokenEndpointAuthMethod, m.TokenEndpointAuthAlg = "private_key_jwt", "HS256"
		})},
		{"assertion algorithm without assertions", "token_endpoint_auth_signing_alg", set(func(m *client.Metadata) { m.TokenEndpointAuthAlg = "RS256" })},
		{"assertions without keys", "jwks", set(func(m *client.Metadata) { m.TokenEndpointAuthMethod = "private_key_jwt" })},
		{"application type", "application_type", set(func(m *client.Metadata) { m.ApplicationType = "desktop" })},
		{"subject type", "subject_type", set(func(m *client.Metadata) { m.SubjectType = "ephemeral" })},
		{"unsigned ID token", "id_token_signed_response_alg", set(func(m *client.Metadata) { m.IDTokenSignedResponseAlg = "none" })},
		{"access token algorithm", "access_token_signed_response_alg", set(func(m *client.Metadata) { m.AccessTokenAlg = "HS256" })},
		{"access token format", "access_token_format", set(func(m *client.Metadata) { m.AccessTokenFormat = "saml" })},
		{"unknown scope", "scope", set(func(m *client.Metadata) { m.Scope = "openid admin" })},
		{"scope with a quote", "scope", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: `demo"read`}},
		{"scope with a backslash", "scope", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: `demo\read`}},
		{"negative age", "default_max_age", set(func(m *client.Metadata) { m.DefaultMaxAge = &minus })},
		{"unknown class", "default_acr_values", set(func(m *client.Metadata) { m.DefaultACRValues = []string{"urn:mace:incommon:iap:silver"} })},
		{"unknown required class", "required_acr", set(func(m *client.Metadata) { m.RequiredACR = "urn:fuwu:aal:9" })},
		{"unknown level", "required_realname_level", set(func(m *client.Metadata) { m.RequiredLevel = "L9" })},
		{"unknown account type", "required_account_types", set(func(m *client.Metadata) { m.RequiredAccountTypes = []account.Kind{"robot"} })},
		{"unverified and a level", "allow_unverified", set(func(m *client.Metadata) { m.AllowUnverified, m.RequiredLevel = true, "L2" })},
		{"unknown profile", "claims_profile", set(func(m *client.Metadata) { m.ClaimsProfile = "everything" })},
		{"code of a system", "business_systems", set(func(m *client.Metadata) { m.BusinessSystems = []entitlement.SystemID{"High-Tech"} })},
		{"audience with a fragment", "audience", set(func(m *client.Metadata) { m.Audience = []string{"https://api.example.cn/#x"} })},
		{"resource that is a sentence", "resource_identifiers", set(func(m *client.Metadata) { m.ResourceIdentifiers = []string{"the api"} })},
		{"logout session without logout", "backchannel_logout_session_required", set(func(m *client.Metadata) { m.BackchannelSessionNeeded = true })},
		{"name of 65 characters", "client_name", set(func(m *client.Metadata) { m.Name = strings.Repeat("科", 65) })},
		{"name that turns the line around", "client_name", set(func(m *client.Metadata) { m.Name = "科技\u202egnola moc" })},
		{"name with an isolate", "client_name", set(func(m *client.Metadata) { m.Name = "\u2067科技" })},
		{"name with a line break", "client_name", set(func(m *client.Metadata) { m.Name = "科技\r\nBcc: x" })},
		{"name with a zero-width space", "client_name", set(func(m *client.Metadata) { m.Name = "科\u200b技" })},
		{"name that is no UTF-8", "client_name", set(func(m *client.Metadata) { m.Name = "\xff\xfe" })},
		{"legal name with a control", "legal_name", set(func(m *client.Metadata) { m.LegalName = "a\x00b" })},
		{"purpose of a page", "purpose", set(func(m *client.Metadata) { m.Purpose = strings.Repeat("a", 201) })},
		{"contact with a line break", "contacts", set(func(m *client.Metadata) { m.Contacts = []string{"a@b.cn\nTo: x"} })},
		{"a crowd of contacts", "contacts", set(func(m *client.Metadata) { m.Contacts = strings.Fields("a b c d e f g h i j k") })},
		{"logo by script", "logo_uri", set(func(m *client.Metadata) { m.LogoURI = "javascript:alert(1)" })},
		{"logo as data", "logo_uri", set(func(m *client.Metadata) { m.LogoURI = "data:image/svg+xml,x" })},
		{"policy over http", "policy_uri", set(func(m *client.Metadata) { m.PolicyURI = "http://example.cn/policy" })},
		{"terms with a user name", "tos_uri", set(func(m *client.Metadata) { m.TosURI = "https://a@example.cn/" })},
		{"home without a host", "client_uri", set(func(m *client.Metadata) { m.URI = "https:///x" })},
		{"sector over http", "sector_identifier_uri", set(func(m *client.Metadata) { m.SectorIdentifierURI = "http://127.0.0.1/s" })},
		{"logout with a fragment", "backchannel_logout_uri", set(func(m *client.Metadata) { m.BackchannelLogoutURI = "https://rp.example.cn/bc#x" })},
		{"logout over http", "backchannel_logout_uri", set(func(m *client.Metadata) { m.BackchannelLogoutURI = "http://rp.example.cn/bc" })},
		{"login start by script", "initiate_login_uri", set(func(m *client.Metadata) { m.InitiateLoginURI = "JavaScript:1" })},
		{"keys by file", "jwks_uri", set(func(m *client.Metadata) { m.JWKSURI = "file:///etc/passwd" })},
		{"sign-out page elsewhere", "post_logout_redirect_uris", set(func(m *client.Metadata) { m.PostLogoutRedirectURIs = []string{"https://rp.example.cn/*"} })},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.Normalise()
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != c.field || f.Msg == "" {
				t.Fatalf("got %+v, %v; want a fault of %s", got, err, c.field)
			}
		})
	}
}

func TestRedirectURIs(t *testing.T) {
	for _, c := range []struct {
		uri         string
		web, native bool
	}{
		{"", false, false},
		{"/cb", false, false},
		{"rp.example.cn/cb", false, false},
		{"//rp.example.cn/cb", false, false},
		{"javascript:alert(1)", false, false},
		{"JaVaScRiPt:alert(1)", false, false},
		{"java\nscript:alert(1)", false, false},
		{"data:text/html,x", false, false},
		{"vbscript:x", false, false},
		{"file:///etc/passwd", false, false},
		{"blob:https://rp.example.cn/1", false, false},
		{"about:blank", false, false},
		{"ws://rp.example.cn/", false, false},
		{"https://*.example.cn/cb", false, false},
		{"https://rp.example.cn/*", false, false},
		{"https://rp.example.cn/cb#", false, false},
		{"https://rp.example.cn/cb#x", false, false},
		{"https://user@rp.example.cn/cb", false, false},
		{"https://rp.example.cn@evil.test/cb", false, false},
		{"https://rp.example.cn\\@evil.test/cb", false, false},
		{"https://rp.example.cn\t/cb", false, false},
		{" https://rp.example.cn/cb", false, false},
		{"https://rp.example.cn/cb\r\nX: y", false, false},
		{"https://例子.cn/cb", false, false},
		{"https:///cb", false, false},
		{"https://:443/cb", false, false},
		{"https:rp.example.cn/cb", false, false},
		{"https://rp.example.cn:x/cb", false, false},
		{"https://rp.example.cn/cb?a=%zz", false, false},
		{"https://rp.example.cn/cb?code=stolen", false, false},
		{"https://rp.example.cn/cb?iss=https://evil.test", false, false},
		{"https://rp.example.cn/" + strings.Repeat("a", 2048), false, false},
		{"http://rp.example.cn/cb", false, false},
		{"http://localhost.evil.test/cb", false, false},
		{"http://127.0.0.1.evil.test/cb", false, false},
		{"http://127.1/cb", false, false},
		{"http://2130706433/cb", false, false},
		{"http://0.0.0.0/cb", false, false},
		{"http://[::ffff:10.0.0.1]/cb", false, false},
		{"http://192.168.0.1/cb", false, false},
		{"myapp://cb", false, false},
		{"myapp:/cb", false, false},
		{"cn.gov.example.app:cb", false, false},
		{"cn..app:/cb", false, false},

		{"cn.gov.example.app:/cb", false, true},
		{"cn.gov.example.app://cb", false, true},
		{"http://127.0.0.1/cb", true, true},
		{"http://127.0.0.1:9999/cb", true, true},
		{"http://[::1]:9999/cb", true, true},
		{"http://localhost:3000/cb", true, true},
		{"https://rp.example.cn", true, true},
		{"https://rp.example.cn:8443/cb", true, true},
		{"https://xn--fsqu00a.cn/cb?dummy1=lorem&dummy2=ipsum", true, true},
		{"https://rp.example.cn/a%20b", true, true},
	} {
		for kind, want := range map[string]bool{"web": c.web, "native": c.native} {
			for _, field := range []string{"redirect_uris", "post_logout_redirect_uris"} {
				m := web(func(m *client.Metadata) { m.ApplicationType = kind })
				if field == "redirect_uris" {
					m.RedirectURIs = []string{c.uri}
				} else {
					m.PostLogoutRedirectURIs = []string{c.uri}
				}
				_, err := m.Normalise()
				var f *fault.Error
				if want && err != nil || !want && (!errors.As(err, &f) || f.Field != field) {
					t.Errorf("%s %s %q: %v", kind, field, c.uri, err)
				}
			}
		}
	}
}

func publicSet(t *testing.T, change func(i int, members map[string]any), made ...any) json.RawMessage {
	t.Helper()
	list := make([]map[string]any, 0, len(made))
	for i, k := range made {
		b, err := json.Marshal(jose.JSONWebKey{Key: k, KeyID: string(rune('a' + i)), Use: "sig"})
		if err != nil {
			t.Fatal(err)
		}
		members := map[string]any{}
		if err := json.Unmarshal(b, &members); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(i, members)
		}
		list = append(list, members)
	}
	b, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeySets(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaOf := func(bits uint) *rsa.PublicKey { // no real key: only its size is looked at
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
	}
	put := func(name string, value any) func(int, map[string]any) {
		return func(_ int, members map[string]any) {
			if value == nil {
				delete(members, name)
				return
			}
			members[name] = value
		}
	}
	for _, c := range []struct {
		name string
		set  json.RawMessage
		ok   bool
	}{
		{"no JSON", json.RawMessage(`nonsense`), false},
		{"no object", json.RawMessage(`[]`), false},
		{"no keys", json.RawMessage(`{"keys":[]}`), false},
		{"a number for a key", json.RawMessage(`{"keys":[1]}`), false},
		{"more than 32 KiB", json.RawMessage(`{"keys":[],"x":"` + strings.Repeat("a", 40000) + `"}`), false},
		{"21 keys", publicSet(t, nil, slices.Repeat([]any{&p256.PublicKey}, 21)...), false},
		{"a private key", publicSet(t, nil, p256), false},
		{"a private member alone", publicSet(t, put("d", "AA"), rsaOf(2048)), false},
		{"an empty private member", publicSet(t, put("d", ""), rsaOf(2048)), false},
		{"a symmetric key", json.RawMessage(`{"keys":[{"kty":"oct","k":"AAAA","kid":"a","use":"sig"}]}`), false},
		{"an unknown type", json.RawMessage(`{"keys":[{"kty":"LWE","kid":"a","use":"sig"}]}`), false},
		{"RSA of 1024 bits", publicSet(t, nil, rsaOf(1024)), false},
		{"RSA of 2047 bits", publicSet(t, nil, rsaOf(2047)), false},
		{"RSA of 16384 bits", publicSet(t, nil, rsaOf(16384)), false},
		{"RSA with exponent 1", publicSet(t, put("e", "AQ"), rsaOf(2048)), false},
		{"P-384", publicSet(t, nil, &p384.PublicKey), false},
		{"a point that is on no curve", publicSet(t, put("y", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &p256.PublicKey), false},
		{"an unknown use", publicSet(t, put("use", "any"), &p256.PublicKey), false},
		{"for encryption alone", publicSet(t, put("use", "enc"), rsaOf(2048)), false},
		{"one kid twice for one type and use", publicSet(t, put("kid", "same"), rsaOf(2048), rsaOf(3072)), false},
		{"one kid for two types", publicSet(t, put("kid", "same"), &p256.PublicKey, rsaOf(2048)), true}, // RFC 7517 §4.5
		{"two keys without kid", publicSet(t, put("kid", nil), &p256.PublicKey, rsaOf(2048)), true},     // §4.5: optional
		{"one key without kid", publicSet(t, put("kid", nil), &p256.PublicKey), true},
		{"no use", publicSet(t, put("use", nil), &p256.PublicKey), true}, // §4.2: optional
		{"RSA, P-256 and Ed25519", publicSet(t, nil, rsaOf(2048), &p256.PublicKey, edPublic), true},
		{"one for signatures, one for encryption", publicSet(t, func(i int, members map[string]any) {
			if i == 1 {
				members["use"] = "enc"
			}
		}, &p256.PublicKey, rsaOf(3072)), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := web(func(m *client.Metadata) { m.TokenEndpointAuthMethod, m.JWKS = "private_key_jwt", c.set }).Normalise()
			var f *fault.Error
			if c.ok && err != nil || !c.ok && (!errors.As(err, &f) || f.Field != "jwks") {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "AAAA") {
				t.Errorf("the fault quotes a key: %v", err)
			}
		})
	}
	if _, err := web(func(m *client.Metadata) {
		m.JWKS, m.JWKSURI = publicSet(t, nil, &p256.PublicKey), "https://rp.example.cn/jwks"
	}).Normalise(); err == nil {
		t.Error("jwks and jwks_uri together were accepted")
	}
}

func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want client.Metadata
	}{
		{"a service", client.Metadata{GrantTypes: []string{"client_credentials"}, Scope: "demo.read  demo.write demo.read"}, client.Metadata{
			GrantTypes: []string{"client_credentials"}, Scope: "demo.read demo.write", ApplicationType: "web", TokenEndpointAuthMethod: "client_secret_basic",
			SubjectType: "pairwise", IDTokenSignedResponseAlg: "RS256", AccessTokenFormat: "opaque", ClaimsProfile: client.Standard,
		}},
		{"a website", web(func(m *client.Metadata) { m.Name = " 高企认定 " }), client.Metadata{
			Name: "高企认定", RedirectURIs: []string{"https://rp.example.cn/cb"}, GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"},
			Scope: "openid profile email phone address offline_access", ApplicationType: "web", TokenEndpointAuthMethod: "client_secret_basic",
			SubjectType: "pairwise", IDTokenSignedResponseAlg: "RS256", AccessTokenFormat: "opaque", ClaimsProfile: client.Standard,
		}},
		{"a business system", web(func(m *client.Metadata) {
			m.BusinessSystems = []entitlement.SystemID{"hightech_enterprise", "hightech_enterprise"}
		}), client.Metadata{
			Name: "高企认定", RedirectURIs: []string{"https://rp.example.cn/cb"}, GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"},
			Scope: "openid profile email phone org entitlements offline_access", ApplicationType: "web", TokenEndpointAuthMethod: "client_secret_basic",
			SubjectType: "pairwise", IDTokenSignedResponseAlg: "RS256", AccessTokenFormat: "opaque", ClaimsProfile: client.Kejitong,
			BusinessSystems: []entitlement.SystemID{"hightech_enterprise"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.Normalise()
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got  %+v, %v\nwant %+v", got, err, c.want)
			}
			if again, err := got.Normalise(); err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("a second time: %+v, %v", again, err)
			}
		})
	}
}

// TestEveryScopeOfConsentMayBeRegistered holds the two lists of scopes together.
func TestEveryScopeOfConsentMayBeRegistered(t *testing.T) {
	for _, s := range []string{
		consent.OpenID, consent.Profile, consent.Email, consent.Address, consent.Phone, consent.Offline, consent.Org, consent.Entitlements,
		consent.Groups, consent.Identity, consent.OrgLegalRep, consent.OrgContact, consent.Authority,
	} {
		if _, err := web(func(m *client.Metadata) { m.Scope = s }).Normalise(); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	_, err := web(func(m *client.Metadata) { m.Scope = "no_such_scope" }).Normalise()
	if err == nil {
		t.Fatal("an unknown scope was accepted")
	}
	_, list, _ := strings.Cut(err.Error(), "want some of ")
	if len(strings.Fields(list)) < 13 {
		t.Fatalf("the refusal lists no scopes: %v", err)
	}
	for _, s := range strings.Fields(list) {
		if _, ok := consent.Known(s); !ok {
			t.Errorf("%s may be registered and is unknown to consent", s)
		}
	}
}

func TestIDsAndSecrets(t *testing.T) {
	for _, bad := range []string{"", "a:b", "a b", "a%41", "客户", "a\n", strings.Repeat("a", 65)} {
		if client.CheckID(bad) == nil {
			t.Errorf("id %q accepted", bad)
		}
	}
	if err := client.CheckID("hightech-enterprise_2"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "secret", strings.Repeat("a", 43), strings.Repeat("ab", 20), strings.Repeat("abcdefgh+", 5), strings.Repeat("abcdefgh", 17)} {
		err := client.CheckSecret(bad)
		if err == nil {
			t.Errorf("secret %q accepted", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) && len(bad) > 6 {
			t.Errorf("the refusal shows the secret: %v", err)
		}
	}
	made, err := client.NewSecret()
	if err != nil || client.CheckSecret(made) != nil {
		t.Errorf("a secret of our own making is refused: %v", err)
	}
}

func TestSectorDocument(t *testing.T) {
	m := web(func(m *client.Metadata) {
		m.RedirectURIs = []string{"https://a.example.cn/cb", "https://b.example.cn/cb"}
		m.SectorIdentifierURI = "https://a.example.cn/sector.json"
	})
	for _, bad := range []string{``, `{}`, `[]`, `["https://a.example.cn/cb"]`, `"https://a.example.cn/cb"`} {
		if err := m.CheckSector([]byte(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := m.CheckSector([]byte(`["https://b.example.cn/cb","https://a.example.cn/cb","https://c.example.cn/"]`)); err != nil {
		t.Error(err)
	}
	if got := m.Fetched(); !reflect.DeepEqual(got, map[string]string{"sector_identifier_uri": m.SectorIdentifierURI}) {
		t.Errorf("fetched %v", got)
	}
}

// A device needs no redirect URI, may keep no secret, and signs people in.
func TestDeviceClient(t *testing.T) {
	m, err := client.Metadata{GrantTypes: []string{client.GrantDevice, client.GrantRefresh}, TokenEndpointAuthMethod: client.AuthNone}.Normalise()
	if err != nil || m.Scope != "openid profile email phone address offline_access" || len(m.ResponseTypes) != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}
