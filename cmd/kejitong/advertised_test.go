package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/store/storetest"
)

// advertised is what the proofs below are made from: a few flows, walked once.
type advertised struct {
	*arena
	doc      map[string]any
	std      map[string]any   // token response of a standard client that asked for everything
	kinds    []map[string]any // every set of claims that was seen
	verified []map[string]any // every verified_claims
	key      map[string]signer
	told     chan url.Values // what the back channel brought
	checker  *oidc.Provider
}

// S33: each value in the discovery document is proved by what the provider does.
// A value without a proof fails, so nothing can be advertised for show.
func TestEveryAdvertisedValueIsTrue(t *testing.T) {
	rsaKey := newSigner(t, "RS256", "rs")
	signers := map[string]signer{"RS256": rsaKey, "PS256": rsaKey.with("PS256", "rs"), "ES256": newSigner(t, "ES256", "es"), "EdDSA": newSigner(t, "EdDSA", "ed")}
	run := func(t *testing.T, postgres bool, tweak func(*config.Config)) {
		told := make(chan url.Values, 8)
		back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ParseForm() == nil {
				told <- r.PostForm
			}
		}))
		t.Cleanup(back.Close)
		o := storetest.SQLite(t)
		if postgres {
			o = storetest.Postgres(t)
		}
		s := newArena(t, o, func(c *config.Config) {
			c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, strings.TrimPrefix(back.URL, "http://"))
			tweak(c)
		})
		s.client("leaver", func(c *client.Client) { c.Metadata.BackchannelLogoutURI = back.URL + "/bcl" })
		s.client("framed", func(c *client.Client) { c.Metadata.FrontchannelLogoutURI = "https://rp.example.gov.cn/fc" })
		d := &advertised{arena: s, key: signers, told: told}
		d.walk()
		for _, member := range slices.Sorted(maps.Keys(d.doc)) {
			values, many := d.doc[member].([]any)
			if !many {
				values = []any{d.doc[member]}
			}
			for _, v := range values {
				value := fmt.Sprint(v)
				prove := proofs[member]
				if prove == nil {
					t.Errorf("%s %q is advertised and proved by nothing", member, value)
					continue
				}
				t.Run(member+" "+value, func(t *testing.T) {
					st := *s.stage
					st.t = t
					one := *d
					one.arena = &arena{&st, t, s.options, s.heard}
					prove(t, &one, value)
				})
			}
		}
		d.refusals(t)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, false, func(*config.Config) {}) })
	t.Run("postgres", func(t *testing.T) { run(t, true, func(*config.Config) {}) })
	t.Run("switched on", func(t *testing.T) { run(t, false, switchedOn) })
}

// switchedOn is what a deployment may offer beyond the defaults.
func switchedOn(c *config.Config) {
	c.Protocol.FrontChannelTokens = true
}

// walk makes the flows.
func (d *advertised) walk() {
	s, t := d.arena, d.t
	p := s.plain("/.well-known/openid-configuration")
	if err := json.Unmarshal([]byte(p.body), &d.doc); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.checker, err = oidc.NewProvider(context.Background(), s.issuer); err != nil {
		t.Fatal(err)
	}
	s.wholePerson()
	s.client("std", nil)
	s.client("ours", func(c *client.Client) {
		c.Metadata.ClaimsProfile, c.Metadata.AcceptMigrated, c.Metadata.AllowUnverified, c.Metadata.BusinessSystems = client.Kejitong, true, true, []entitlement.SystemID{hightech}
	})
	all := strings.Join(d.list("scopes_supported"), " ")
	see := func(b *browser, a attempt, p page) map[string]any {
		m := s.redeem(a, p)
		_, ui := s.userinfo(text(m, "access_token"))
		d.kinds = append(d.kinds, idToken(t, m), ui)
		if v, ok := ui["verified_claims"].(map[string]any); ok {
			d.verified = append(d.verified, v)
		}
		return m
	}
	b := s.browser()
	a := asking("std", all)
	p = b.get(s.authorizeURL(a))
	d.std = see(b, a, b.press(p, "username", "username", "whole-person", "password", "Whole-person-7-ok"))
	for _, who := range []string{"a", "b", "c"} {
		b := s.browser()
		b.in(s, who)
		if who == "b" { // the handler's own factor will set this; until then only the database can
			s.exec("UPDATE sessions SET actor_id = (SELECT id FROM accounts WHERE login_name = ?) WHERE account_id = (SELECT id FROM accounts WHERE login_name = ?)", s.account("c").Username, s.account("b").Username)
		}
		a := asking("ours", all+" identity authority")
		see(b, a, b.get(s.authorizeURL(a)))
	}
}

// list is an array of the document.
func (d *advertised) list(member string) (out []string) {
	values, _ := d.doc[member].([]any)
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// wholePerson adds an account that has every standard claim.
func (s *arena) wholePerson() {
	s.t.Helper()
	s.cast.Secrets["whole-person"] = "Whole-person-7-ok"
	p := account.Account{ID: account.NewID(), Kind: account.NaturalPerson, LoginName: "whole-person",
		RealName: account.RealName{Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: now()},
		Profile: account.Profile{
			Name: "赵全", GivenName: "全", FamilyName: "赵", MiddleName: "中", Nickname: "小赵", PreferredUsername: "zhaoquan", ProfileURL: "https://zhao.example/", Picture: "https://zhao.example/p.png",
			Website: "https://zhao.example/w", Gender: "female", Birthdate: "1990-01-02", Zoneinfo: "Asia/Shanghai", Locale: "zh-CN", Phone: "+8613900000009", PhoneVerified: true,
			Email: "zhao@zhao.example", EmailVerified: true, Address: &account.Address{Formatted: "北京市海淀区", Region: "北京市", Country: "CN"},
		}}
	if err := s.cast.seedAccount(context.WithoutCancel(s.t.Context()), s.app, p, audit.Event{Kind: audit.AccountCreated, Actor: "test"}); err != nil {
		s.t.Fatal(err)
	}
}

// proofs are by member of the document; each proves one value of it.
var proofs = map[string]func(t *testing.T, d *advertised, value string){
	"issuer": func(t *testing.T, d *advertised, v string) {
		if v != d.issuer || idToken(t, d.std)["iss"] != v || strings.HasSuffix(v, "/") {
			t.Errorf("%s is not the issuer of tokens, %v", v, idToken(t, d.std)["iss"])
		}
	},
	"authorization_endpoint":                provesEndpoint(http.StatusBadRequest, http.StatusBadRequest),
	"token_endpoint":                        provesEndpoint(http.StatusMethodNotAllowed, http.StatusBadRequest),
	"userinfo_endpoint":                     provesEndpoint(http.StatusUnauthorized, http.StatusUnauthorized),
	"jwks_uri":                              provesEndpoint(http.StatusOK, http.StatusMethodNotAllowed),
	"introspection_endpoint":                provesEndpoint(http.StatusMethodNotAllowed, http.StatusUnauthorized),
	"revocation_endpoint":                   provesEndpoint(http.StatusMethodNotAllowed, http.StatusUnauthorized),
	"pushed_authorization_request_endpoint": provesEndpoint(http.StatusMethodNotAllowed, http.StatusUnauthorized),
	"end_session_endpoint":                  provesEndpoint(http.StatusOK, http.StatusOK),
	"device_authorization_endpoint":         provesEndpoint(http.StatusMethodNotAllowed, http.StatusUnauthorized),
	"registration_endpoint":                 provesEndpoint(http.StatusMethodNotAllowed, http.StatusUnauthorized),

	"scopes_supported": func(t *testing.T, d *advertised, v string) {
		if !slices.Contains(strings.Fields(text(d.std, "scope")), v) {
			t.Errorf("asked for and not given: %s", text(d.std, "scope"))
		}
	},
	"response_types_supported": provesResponseType,
	"response_modes_supported": func(t *testing.T, d *advertised, v string) { d.code(t, "response_mode", v) },
	"grant_types_supported": func(t *testing.T, d *advertised, v string) {
		switch v {
		case "authorization_code":
			d.code(t)
		case "refresh_token":
			if status, m := d.post("/oauth2/token", "std", url.Values{"grant_type": {v}, "refresh_token": {text(d.std, "refresh_token")}}); status != http.StatusOK {
				t.Errorf("%d %v", status, m)
			}
		case "client_credentials":
			if status, m := d.post("/oauth2/token", "demo-service", url.Values{"grant_type": {v}}); status != http.StatusOK {
				t.Errorf("%d %v", status, m)
			}
		case exchangeGrant:
			d.client("exchanger", func(c *client.Client) {
				c.Metadata.GrantTypes = append(c.Metadata.GrantTypes, exchangeGrant)
			})
			b := d.browser()
			b.in(d.arena, "a")
			a := asking("exchanger", "openid")
			subject := text(d.redeem(a, b.get(d.authorizeURL(a))), "access_token")
			if status, m := d.post("/oauth2/token", "exchanger", exchanging(subject)); status != http.StatusOK || text(m, "issued_token_type") != accessType {
				t.Errorf("%d %v", status, m)
			}
		case deviceGrant:
			d.client("device", func(c *client.Client) { c.Metadata.GrantTypes = []string{deviceGrant} })
			_, asked := d.post("/oauth2/device_authorization", "device", url.Values{"scope": {"openid"}})
			b := d.browser()
			b.in(d.arena, "a")
			b.press(b.press(b.get(text(asked, "verification_uri_complete")), "user_code"), "decision=allow")
			if status, m := d.post("/oauth2/token", "device", url.Values{"grant_type": {v}, "device_code": {text(asked, "device_code")}}); status != http.StatusOK {
				t.Errorf("%d %v", status, m)
			}
		case "implicit":
			provesResponseType(t, d, "id_token token")
		default:
			t.Error("no proof for this one")
		}
	},
	"authorization_details_types_supported": func(t *testing.T, d *advertised, v string) {
		d.client("typed", func(c *client.Client) {
			c.Metadata.AuthorizationDetailsTypes, c.Metadata.BusinessSystems = []string{v}, []entitlement.SystemID{hightech}
		})
		b := d.browser()
		b.in(d.arena, "b")
		a := asking("typed", "openid", "authorization_details", `[{"type":"`+v+`","system":"hightech_enterprise","actions":["apply"]}]`)
		if m := d.redeem(a, b.get(d.authorizeURL(a))); len(m["authorization_details"].([]any)) != 1 {
			t.Errorf("granted %v", m["authorization_details"])
		}
	},
	"subject_types_supported": func(t *testing.T, d *advertised, v string) {
		var subs []any
		for _, host := range []string{"one", "two"} {
			id := "sub-" + v + "-" + host
			d.client(id, func(c *client.Client) {
				c.Metadata.SubjectType, c.Metadata.RedirectURIs = v, []string{"https://" + host + ".example/cb"}
			})
			subs = append(subs, d.claims(t, asking(id, "openid", "redirect_uri", "https://"+host+".example/cb"))["sub"])
		}
		if (subs[0] == subs[1]) != (v == "public") {
			t.Errorf("two sectors see %v", subs)
		}
	},
	"acr_values_supported": func(t *testing.T, d *advertised, v string) {
		a := asking("std", "openid", "claims", `{"id_token":{"acr":{"essential":true,"value":"`+v+`"}}}`)
		b := d.browser()
		b.in(d.arena, "a")
		p := b.get(d.authorizeURL(a))
		if p.StatusCode == http.StatusOK { // one's proved mobile reaches the second class
			p = b.bySMS(d.stage, p, "a")
		}
		c := idToken(t, d.redeem(a, p))
		if c["acr"] != v {
			t.Errorf("acr %v", c["acr"])
		}
	},
	"prompt_values_supported": func(t *testing.T, d *advertised, v string) {
		b := d.browser()
		a := asking("std", "openid", "prompt", v)
		if v == "none" {
			d.refused(a, b.get(d.authorizeURL(a)), "login_required")
			return
		}
		b.in(d.arena, "a")
		at(t, b.get(d.authorizeURL(a)), map[string]string{"login": "/login", "consent": "/consent", "select_account": "/login/account", "create": "/register"}[v])
	},
	"display_values_supported": func(t *testing.T, d *advertised, v string) {
		at(t, d.browser().get(d.authorizeURL(asking("std", "openid", "display", v))), "/login")
	},
	"ui_locales_supported": func(t *testing.T, d *advertised, v string) {
		p := d.browser().send(http.MethodGet, d.authorizeURL(asking("std", "openid", "ui_locales", v)), nil, "Accept-Language", "fr")
		if got := p.Header.Get("Content-Language"); got != v || !strings.Contains(p.body, `<html lang="`+v+`"`) {
			t.Errorf("the page is in %s", got)
		}
	},
	"claim_types_supported": func(t *testing.T, d *advertised, v string) {
		for _, c := range d.kinds {
			if c["_claim_names"] != nil || v != "normal" {
				t.Errorf("claims of another type in %v", c)
			}
		}
	},
	"claims_supported": func(t *testing.T, d *advertised, v string) {
		if !slices.ContainsFunc(d.kinds, func(c map[string]any) bool { return c[v] != nil && c[v] != "" }) {
			t.Error("no flow has it")
		}
	},
	"claims_parameter_supported": func(t *testing.T, d *advertised, v string) {
		b := d.browser()
		b.in(d.arena, "a")
		a := asking("std", "openid", "claims", `{"userinfo":{"name":{"essential":true}}}`)
		m := d.redeem(a, b.get(d.authorizeURL(a)))
		if _, ui := d.userinfo(text(m, "access_token")); (ui["name"] != nil) != (v == "true") || idToken(t, m)["name"] != nil {
			t.Errorf("userinfo %v", ui)
		}
	},
	"request_parameter_supported":                 provesObject,
	"request_uri_parameter_supported":             provesObjectByReference,
	"require_request_uri_registration":            provesRegistration,
	"require_signed_request_object":               provesUnsigned,
	"request_object_signing_alg_values_supported": provesObjectAlgorithm,
	"id_token_signing_alg_values_supported": func(t *testing.T, d *advertised, v string) {
		id := "alg-" + v
		d.client(id, func(c *client.Client) { c.Metadata.IDTokenSignedResponseAlg = v })
		b := d.browser()
		b.in(d.arena, "a")
		a := asking(id, "openid")
		m := d.redeem(a, b.get(d.authorizeURL(a)))
		if _, err := d.checker.Verifier(&oidc.Config{ClientID: id, SupportedSigningAlgs: []string{v}}).Verify(t.Context(), text(m, "id_token")); err != nil {
			t.Error(err)
		}
	},
	"authorization_encryption_alg_values_supported": provesSealedResponse("alg"),
	"authorization_encryption_enc_values_supported": provesSealedResponse("enc"),
	"authorization_signing_alg_values_supported": func(t *testing.T, d *advertised, v string) {
		id := "jarm-" + v
		d.client(id, func(c *client.Client) { c.Metadata.AuthorizationSignedResponseAlg = v })
		d.claims(t, asking(id, "openid", "response_mode", "jwt")) // answer verifies the response
	},
	"id_token_encryption_alg_values_supported": provesEncryption("id_token", "alg"),
	"id_token_encryption_enc_values_supported": provesEncryption("id_token", "enc"),
	"userinfo_signing_alg_values_supported":    provesSigning("/oauth2/userinfo"),
	"userinfo_encryption_alg_values_supported": provesEncryption("userinfo", "alg"),
	"userinfo_encryption_enc_values_supported": provesEncryption("userinfo", "enc"),

	"introspection_signing_alg_values_supported":    provesSigning("/oauth2/introspect"),
	"introspection_encryption_alg_values_supported": provesEncryption("introspection", "alg"),
	"introspection_encryption_enc_values_supported": provesEncryption("introspection", "enc"),

	"code_challenge_methods_supported":                         func(t *testing.T, d *advertised, v string) { d.code(t, "code_challenge_method", v) },
	"token_endpoint_auth_methods_supported":                    provesAuth("/oauth2/token", ""),
	"introspection_endpoint_auth_methods_supported":            provesAuth("/oauth2/introspect", ""),
	"revocation_endpoint_auth_methods_supported":               provesAuth("/oauth2/revoke", ""),
	"token_endpoint_auth_signing_alg_values_supported":         provesAuth("/oauth2/token", "private_key_jwt"),
	"introspection_endpoint_auth_signing_alg_values_supported": provesAuth("/oauth2/introspect", "private_key_jwt"),
	"revocation_endpoint_auth_signing_alg_values_supported":    provesAuth("/oauth2/revoke", "private_key_jwt"),
	"dpop_signing_alg_values_supported": func(t *testing.T, d *advertised, v string) {
		d.client("dpop-"+v, func(c *client.Client) { c.Metadata.DPoPBoundTokens = true })
		a := asking("dpop-"+v, "openid")
		b := d.browser()
		b.in(d.arena, "a")
		form := codeForm(a, d.answer(a, b.get(d.authorizeURL(a))).Get("code"))
		k := d.key[v]
		at := func(method, path string, more map[string]any) string {
			return k.dpop(t, map[string]any{"jti": randomText(16), "htm": method, "htu": d.issuer + path, "iat": now().Unix()}, more)
		}
		r := formTo(t, d.issuer+"/oauth2/token", form, func(q *http.Request, _ url.Values) {
			q.SetBasicAuth("dpop-"+v, d.secret("dpop-"+v))
			q.Header.Set("DPoP", at("POST", "/oauth2/token", nil))
		})
		status, m := d.stage.send(r)
		if status != http.StatusOK || m["token_type"] != "DPoP" {
			t.Fatalf("%d %v", status, m)
		}
		sum := sha256.Sum256([]byte(text(m, "access_token")))
		p := d.browser().send(http.MethodGet, d.issuer+"/oauth2/userinfo", nil, "Authorization", "DPoP "+text(m, "access_token"),
			"DPoP", at("GET", "/oauth2/userinfo", map[string]any{"ath": base64.RawURLEncoding.EncodeToString(sum[:])}))
		if p.StatusCode != http.StatusOK {
			t.Errorf("userinfo: %d %s", p.StatusCode, p.body)
		}
	},
	"authorization_response_iss_parameter_supported": func(t *testing.T, d *advertised, v string) {
		d.code(t) // answer holds every response to it
		if v != "true" {
			t.Error(v)
		}
	},
	"require_pushed_authorization_requests": func(t *testing.T, d *advertised, v string) {
		d.code(t)
		if v != "false" {
			t.Error(v)
		}
	},
	"backchannel_logout_supported":          provesBackchannel,
	"backchannel_logout_session_supported":  provesBackchannel,
	"check_session_iframe":                  provesCheckSession,
	"frontchannel_logout_supported":         provesFrontchannel,
	"frontchannel_logout_session_supported": provesFrontchannel,

	"trust_frameworks_supported": provesVerified("trust_frameworks_supported", func(v map[string]any) []any {
		return []any{v["verification"].(map[string]any)["trust_framework"]}
	}),
	"evidence_supported":           provesVerified("evidence_supported", func(v map[string]any) []any { return evidence(v, "type") }),
	"electronic_records_supported": provesVerified("electronic_records_supported", func(v map[string]any) []any { return evidence(v, "record", "type") }),
	"claims_in_verified_claims_supported": provesVerified("claims_in_verified_claims_supported", func(v map[string]any) (out []any) {
		for name := range v["claims"].(map[string]any) {
			out = append(out, name)
		}
		return out
	}),
}

// code walks a flow with these parameters and redeems the code.
func (d *advertised) code(t *testing.T, more ...string) {
	t.Helper()
	d.claims(t, asking("std", "openid", more...))
}

func (d *advertised) claims(t *testing.T, a attempt) map[string]any {
	t.Helper()
	b := d.browser()
	b.in(d.arena, "a")
	return idToken(t, d.redeem(a, b.get(d.authorizeURL(a))))
}

// refusals: what is not advertised is refused (S33). Response types and modes,
// challenge methods and request objects are among TestRefusedAtTheClient.
func (d *advertised) refusals(t *testing.T) {
	for _, member := range []string{
		"request_object_encryption_alg_values_supported",
		"request_object_encryption_enc_values_supported",
		"tls_client_certificate_bound_access_tokens",
		"backchannel_authentication_endpoint",
	} {
		if d.doc[member] != nil {
			t.Errorf("%s is advertised", member)
		}
	}
	for _, grant := range []string{"password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:openid:params:grant-type:ciba"} {
		status, m := d.post("/oauth2/token", "std", url.Values{"grant_type": {grant}, "username": {"x"}, "password": {"x"}, "assertion": {"x"}, "device_code": {"x"}, "subject_token": {"x"}, "subject_token_type": {"x"}})
		if status != http.StatusBadRequest || !slices.Contains([]string{"unsupported_grant_type", "unauthorized_client"}, text(m, "error")) {
			t.Errorf("grant type %s: %d %v", grant, status, m)
		}
	}
	for _, class := range []string{"urn:fuwu:aal:3", "urn:fuwu:aal:4"} {
		a := asking("std", "openid", "claims", `{"id_token":{"acr":{"essential":true,"value":"`+class+`"}}}`)
		d.refused(a, d.browser().still().get(d.authorizeURL(a)), "unmet_authentication_requirements")
	}
	for _, path := range []string{"/oauth2/device", "/oauth2/introspection", "/connect/register"} { // /register is for people
		if p := d.browser().get(d.issuer + path); p.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, p.StatusCode)
		}
	}
}
