package oidc

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// TestAllPlacesAgree spends a code at the token endpoint and compares what the
// ID token, userinfo, introspection and the access token say of the same
// person, on both databases, for opaque and for JWT access tokens. What is in
// two places is the same in both; what userinfo has is what the golden
// documents have.
func TestAllPlacesAgree(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		for _, format := range []string{"opaque", "jwt"} {
			c := hightechClient()
			c.ID += "-" + format
			c.Metadata.AccessTokenFormat, c.Metadata.PKCEOptional = format, true
			h.register(c.ID, "secret", c.Metadata)
			for name, make := range map[string]func() *principal.Held{"person": person, "unit": unitSession, "handler": handler, "newcomer": newcomer} {
				t.Run(format+": "+name, func(t *testing.T) {
					h := h.under(t)
					g := make()
					g.Grant.Client, g.Grant.State = c.ID, token.Issued
					g.Grant.Data.RedirectURI = "https://gq.example.cn/cb"
					g.Grant.CodeExp, g.Grant.ExpiresAt = h.Now().Add(h.Times.Code), h.Now().Add(h.Times.RefreshAbsolute)
					h.settle(g)
					code, err := h.codeOf(&g.Grant)
					if err != nil {
						t.Fatal(err)
					}
					secret := basicHeader(c.ID, "secret")
					w := h.post("/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://gq.example.cn/cb"}}, "Authorization", secret)
					if w.Code != 200 {
						t.Fatalf("token: %d %s", w.Code, w.Body)
					}
					answer := object(t, w.Body.Bytes())
					access := answer["access_token"].(string)
					tok, id := h.readIDToken(c.ID, answer["id_token"].(string))
					if err := tok.VerifyAccessToken(access); err != nil {
						t.Errorf("at_hash: %v", err)
					}
					w = h.get("/oauth2/userinfo", "Authorization", "Bearer "+access)
					if w.Code != 200 {
						t.Fatalf("userinfo: %d %s", w.Code, w.Body)
					}
					ui := object(t, w.Body.Bytes())
					w = h.post("/oauth2/introspect", url.Values{"token": {access}}, "Authorization", secret)
					seen := object(t, w.Body.Bytes())
					if w.Code != 200 || seen["active"] != true {
						t.Fatalf("introspection: %d %s", w.Code, w.Body)
					}
					places := map[string]map[string]any{"id_token": id, "introspection": seen}
					if format == "jwt" {
						m := h.readAccessToken(access)
						places["access_token"] = m
						for _, name := range []string{"iss", "aud", "exp", "iat", "jti", "client_id", "scope", "authorization_details"} { // RFC 7662 §2.2
							if !reflect.DeepEqual(m[name], seen[name]) {
								t.Errorf("%s: access token %v, introspection %v", name, m[name], seen[name])
							}
						}
					}
					for place, m := range places {
						for _, name := range []string{"sub", "account_type", "entitlements"} {
							if m[name] != nil && !reflect.DeepEqual(m[name], ui[name]) {
								t.Errorf("%s: %s %v, userinfo %v", name, place, m[name], ui[name])
							}
						}
						for _, name := range []string{"org", "act"} {
							part, _ := m[name].(map[string]any)
							whole, _ := ui[name].(map[string]any)
							for k, v := range part {
								if !reflect.DeepEqual(v, whole[k]) {
									t.Errorf("%s.%s: %s %v, userinfo %v", name, k, place, v, whole[k])
								}
							}
						}
						for _, name := range []string{"auth_time", "acr", "amr"} {
							if !reflect.DeepEqual(m[name], id[name]) {
								t.Errorf("%s: %s %v, ID token %v", name, place, m[name], id[name])
							}
						}
						if (seen["entitlements"] == nil) != (ui["entitlements"] == nil) || (seen["org"] == nil) != (ui["org"] == nil) || (seen["act"] == nil) != (ui["act"] == nil) {
							t.Errorf("introspection lacks what userinfo has: %s", pretty(seen))
						}
					}
					if seen["scope"] != answer["scope"] || slices.ContainsFunc(strings.Fields(seen["scope"].(string)), func(s string) bool { return strings.HasPrefix(s, "claim:") }) {
						t.Errorf("scope %v, %v", seen["scope"], answer["scope"])
					}
					golden(t, name+"_userinfo", anonymous(t, ui)) // also what the database made of it
				})
			}
		}
	})
}

// A token is shown to the client it was issued to and to a resource server in
// its audience; to all others it does not exist (S25, RFC 7662 §4).
func TestWhoMayIntrospect(t *testing.T) {
	h := newHouse(t)
	c, g := hightechClient(), handler()
	g.Grant.Data.Audience, g.Grant.Generation = c.Metadata.Audience, 1
	h.register(c.ID, "secret", c.Metadata)
	h.settle(g)
	server := webClient(nil)
	server.ResourceIdentifiers = []string{"https://gq.example.cn/api"}
	h.register("resource", "secret", server)
	h.register("stranger", "secret", webClient(nil))
	public := webClient(nil)
	public.TokenEndpointAuthMethod = methodNone
	h.register("public", "", public)
	for kind, text := range h.tokensOf(c, g) {
		isAccess := strings.HasSuffix(kind, "access")
		for _, who := range []struct {
			id   string
			sees bool
		}{{"stranger", false}, {c.ID, isAccess || kind == "refresh"}, {"resource", isAccess}} {
			w := h.post("/oauth2/introspect", url.Values{"token": {text}, "token_type_hint": {"refresh_token"}}, "Authorization", basicHeader(who.id, "secret"))
			m := object(t, w.Body.Bytes())
			if w.Code != 200 || m["active"] != who.sees || !who.sees && len(m) != 1 {
				t.Errorf("%s sees a %s token: %d %s", who.id, kind, w.Code, w.Body)
			}
		}
		if w := h.post("/oauth2/introspect", url.Values{"token": {text}, "client_id": {"public"}}); w.Code != 401 { // RFC 7662 §2.1
			t.Errorf("a public client sees a %s token: %d", kind, w.Code)
		}
	}
	for _, text := range []string{"x", "a.b.c", strings.Repeat("A", 100)} {
		w := h.post("/oauth2/introspect", url.Values{"token": {text}}, "Authorization", basicHeader(c.ID, "secret"))
		if m := object(t, w.Body.Bytes()); !reflect.DeepEqual(m, map[string]any{"active": false}) {
			t.Errorf("%q: %s", text, w.Body)
		}
	}
}

// A narrowed access token (RFC 6749 §6) opens no more than its own scopes, in
// either format.
func TestNarrowedTokens(t *testing.T) {
	h := newHouse(t)
	c, g := hightechClient(), handler()
	h.register(c.ID, "secret", c.Metadata)
	h.settle(g)
	full := g.Grant.Data.Scopes
	for _, format := range []string{"opaque", "jwt"} {
		u := &unit{client: c, grant: &g.Grant, held: g, scopes: []string{"openid"}, release: h.newRelease(c, g, []string{"openid"})}
		text, err := h.opaqueAccess(u, h.Now().Add(h.Times.Access))
		if format == "jwt" {
			text, err = h.jwtAccess(u, h.Now().Add(h.Times.Access))
		}
		if err != nil {
			t.Fatal(err)
		}
		w := h.get("/oauth2/userinfo", "Authorization", "Bearer "+text)
		want := map[string]any{"account_type": string(account.NaturalPerson), "realname": map[string]any{"status": "verified", "level": "L2", "method": "auto"}, "sub": "<subject>"}
		if got := anonymous(t, object(t, w.Body.Bytes())); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s", format, pretty(got))
		}
		w = h.post("/oauth2/introspect", url.Values{"token": {text}}, "Authorization", basicHeader(c.ID, "secret"))
		var m struct {
			Scope        string          `json:"scope"`
			Entitlements json.RawMessage `json:"entitlements"`
			Org          json.RawMessage `json:"org"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || m.Scope != "openid" || m.Entitlements != nil || m.Org != nil {
			t.Errorf("%s: %s", format, w.Body)
		}
	}
	for _, c := range []struct {
		asked string
		want  []string
		code  string
	}{
		{"profile", nil, "invalid_scope"},
		{"openid profile", nil, "invalid_scope"},
		{"OPENID", nil, "invalid_scope"},
		{"", full, ""},
		{"  ", full, ""},
		{"org openid org", []string{"org", "openid"}, ""},
	} {
		got, err := narrow(full, c.asked)
		if codeOfError(err) != c.code || !slices.Equal(got, c.want) {
			t.Errorf("%q: %v %v", c.asked, got, err)
		}
	}
}
