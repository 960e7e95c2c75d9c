package main

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// A system registers itself, signs somebody in, reads, changes and deletes its
// registration (RFC 7591 §3, RFC 7592 §2, OpenID Connect Registration §3, §4).
func TestASystemRegistersItself(t *testing.T) {
	onRegistrars(t, client.Policy{Reviewed: true, PKCEOptional: true}, nil, func(t *testing.T, g registrar) {
		a := g.registers(metadata("initiate_login_uri", "https://rp.example.gov.cn/start", "grant_types", []string{"authorization_code", "refresh_token"}))
		c := a.body
		id := text(c, "client_id")
		// RFC 7591 §3.2.1: 201, JSON, not to be kept, secret and its end together.
		if a.status != http.StatusCreated || a.header.Get("Content-Type") != "application/json" || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
			t.Fatalf("registration: %d %v %s", a.status, a.header, a.raw)
		}
		if len(text(c, "client_secret")) < 43 || c["client_secret_expires_at"] != 0.0 || c["client_id_issued_at"] == nil {
			t.Errorf("credentials: %v", a.raw)
		}
		if text(c, "registration_client_uri") != g.name()+"/oauth2/register/"+id || len(text(c, "registration_access_token")) < 22 || client.CheckID(id) != nil {
			t.Errorf("management: %v", a.raw)
		}
		for member, want := range map[string]string{ // defaults are told, too
			"token_endpoint_auth_method": "client_secret_basic", "application_type": "web", "id_token_signed_response_alg": "RS256",
			"subject_type": "pairwise", "scope": "openid profile email address phone offline_access", "initiate_login_uri": "https://rp.example.gov.cn/start",
		} {
			if text(c, member) != want {
				t.Errorf("%s is %q, want %q", member, text(c, member), want)
			}
		}
		for _, ours := range []string{"pkce_optional", "claims_profile", "access_token_format", "first_party"} {
			if _, told := c[ours]; told {
				t.Errorf("the answer tells of %s, which is no member of the standards", ours)
			}
		}
		g.cast.Secrets[id] = text(c, "client_secret")

		// The scope claims of the standard profile, without PKCE.
		b := g.browser()
		q := asking(id, "openid profile email", "code_challenge", "-", "code_challenge_method", "-")
		p := b.signIn(g.stage, b.get(g.authorizeURL(q)), "a")
		if p.Request.URL.Path != "/consent" {
			t.Fatalf("sign-in led to %s", p.Request.URL)
		}
		p = b.press(p, "decision=allow")
		m := g.redeem(attempt{"", q.params}, callback(t, p).Get("code"))
		if status, ui := g.userinfo(text(m, "access_token")); status != http.StatusOK || text(ui, "email") == "" || ui["entitlements"] != nil {
			t.Errorf("userinfo: %d %v", status, ui)
		}
		// The policy says reviewed: what was allowed a moment ago is remembered.
		silent := callback(t, b.get(g.authorizeURL(q.with("prompt", "none"))))
		if silent.Get("code") == "" {
			t.Errorf("prompt=none of a reviewed client: %v", silent)
		}

		// RFC 7592 §2.1: the same again, without the secret, and the token stays.
		read := g.at(http.MethodGet, text(c, "registration_client_uri"), text(c, "registration_access_token"), nil)
		if read.status != http.StatusOK || text(read.body, "registration_access_token") != text(c, "registration_access_token") {
			t.Fatalf("read: %s", read.raw)
		}
		for member, v := range c {
			_, there := read.body[member]
			if secret := strings.HasPrefix(member, "client_secret"); there == secret || !secret && !reflect.DeepEqual(read.body[member], v) {
				t.Errorf("read: %s is %v, was %v", member, read.body[member], v)
			}
		}

		// RFC 7592 §2.2: replaced as a whole, under a new token.
		put := g.puts(c, "client_name", "另一名称", "initiate_login_uri", "-", "client_secret", text(c, "client_secret"))
		if put.status != http.StatusOK || text(put.body, "client_name") != "另一名称" || put.body["initiate_login_uri"] != nil || put.body["client_secret"] != nil ||
			text(put.body, "registration_access_token") == text(c, "registration_access_token") {
			t.Fatalf("update: %d %s", put.status, put.raw)
		}
		unauthorized(t, g.at(http.MethodGet, text(c, "registration_client_uri"), text(c, "registration_access_token"), nil), "the token of before the update")
		c = put.body

		// RFC 7592 §2.3: gone, and everything with it, within a second (S30, S90).
		gone := g.at(http.MethodDelete, text(c, "registration_client_uri"), text(c, "registration_access_token"), nil)
		if gone.status != http.StatusNoContent || gone.raw != "" {
			t.Fatalf("delete: %d %s", gone.status, gone.raw)
		}
		// Here at once; other processes follow within a second.
		if status, _ := g.userinfo(text(m, "access_token")); status != http.StatusUnauthorized {
			t.Errorf("the access token of a deleted client: %d", status)
		}
		if r := g.refresh(id, text(m, "refresh_token")); r.status != http.StatusUnauthorized || r.err() != "invalid_client" {
			t.Errorf("the refresh token of a deleted client: %s", r)
		}
		refusedHere(t, b.get(g.authorizeURL(q)))
		unauthorized(t, g.at(http.MethodGet, text(c, "registration_client_uri"), text(c, "registration_access_token"), nil), "the token of a deleted client")
		if n := g.ask(`SELECT COUNT(*) FROM grants WHERE client_id = ? AND state <> 2`, id); n != 0 {
			t.Errorf("%d grants of the deleted client live", n)
		}
		for _, k := range []audit.Kind{audit.ClientRegistered, audit.ClientUpdated, audit.ClientDeleted} {
			if n := g.ask(`SELECT COUNT(*) FROM audit WHERE kind = ? AND object = ?`, string(k), id); n != 1 {
				t.Errorf("%d records of %s, want 1", n, k)
			}
		}
		for _, secret := range []string{text(c, "registration_access_token"), g.cast.Secrets[id], g.token} { // S71
			if strings.Contains(g.logs.String(), secret) || g.ask(`SELECT COUNT(*) FROM audit WHERE detail LIKE ? OR object LIKE ? OR actor LIKE ?`, "%"+secret+"%", "%"+secret+"%", "%"+secret+"%") > 0 {
				t.Error("a secret of the registration stands in the log or the trail")
			}
		}
	})
}

// Nobody registers without an initial access token that is good (RFC 7591 §3).
func TestWhoMayRegister(t *testing.T) {
	onRegistrars(t, client.Policy{}, nil, func(t *testing.T, g registrar) {
		once := g.registrar(client.Policy{}, 1)
		if a := once.registers(metadata()); a.status != http.StatusCreated {
			t.Fatalf("the one use: %s", a.raw)
		}
		revoked := g.registrar(client.Policy{}, 5)
		all, err := g.app.db.InitialTokens(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range all {
			if it.Digest == client.TokenDigest(revoked.token) {
				if err := g.app.db.RevokeInitialToken(t.Context(), it.ID, audit.Event{Kind: audit.InitialRevoked}); err != nil {
					t.Fatal(err)
				}
			}
		}
		c := g.gets(metadata())
		b := g.browser()
		access := text(g.tokens(b, "b", "openid"), "access_token")
		for name, bearer := range map[string]string{
			"none": "", "invented": randomText(32), "used up": once.token, "revoked": revoked.token, "a registration access token": text(c, "registration_access_token"),
			"an access token": access, "cut": g.token[:42], "longer": g.token + "A",
		} {
			unauthorized(t, g.at(http.MethodPost, "/oauth2/register", bearer, metadata()), name)
		}
		for name, header := range map[string]string{"Basic": "Basic " + g.token, "bare": g.token, "Bearer of nothing": "Bearer "} {
			q, err := http.NewRequest(http.MethodPost, g.issuer+"/oauth2/register", strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Authorization", header)
			unauthorized(t, g.sent(q), name)
		}
		unauthorized(t, g.at(http.MethodPost, "/oauth2/register?access_token="+url.QueryEscape(g.token), "", metadata()), "in the address")
		g.clock.move(25 * time.Hour)
		unauthorized(t, g.registers(metadata()), "expired")
	})
	t.Run("switched off", func(t *testing.T) {
		g := newRig(t, storetest.SQLite(t), func(c *config.Config) { c.Protocol.Registration = false }, nil).registrar(client.Policy{}, 5)
		if p := g.browser().send(http.MethodPost, g.issuer+"/oauth2/register", nil, "Authorization", "Bearer "+g.token); p.StatusCode != http.StatusNotFound {
			t.Errorf("registration that is off: %d", p.StatusCode)
		}
		if status, doc := g.send(mustRequest(t, g.issuer+"/.well-known/openid-configuration")); status != http.StatusOK || doc["registration_endpoint"] != nil {
			t.Errorf("registration that is off is advertised: %v", doc["registration_endpoint"])
		}
	})
}

func mustRequest(t testing.TB, target string) *http.Request {
	t.Helper()
	q, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
