package oidc

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/keys"
	"kejitong/provider/token"
)

// at_hash is the left half of the hash that goes with the ID token's algorithm,
// SHA-512 for Ed25519 (OpenID Connect Core §3.1.3.6). go-oidc computes its own.
func TestAccessTokenHash(t *testing.T) {
	h := newHouse(t)
	for alg, length := range map[keys.Algorithm]int{keys.RS256: 16, keys.PS256: 16, keys.ES256: 16, keys.EdDSA: 32} {
		t.Run(string(alg), func(t *testing.T) {
			c, g := hightechClient(), person()
			c.Metadata.IDTokenSignedResponseAlg = string(alg)
			u := &unit{client: c, grant: &g.Grant, held: g, scopes: g.Grant.Data.Scopes, release: h.newRelease(c, g, g.Grant.Data.Scopes)}
			var err error
			if u.access, err = h.opaqueAccess(u, h.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			text, err := h.idToken(u)
			if err != nil {
				t.Fatal(err)
			}
			tok, m := h.readIDToken(c.ID, text)
			if err := tok.VerifyAccessToken(u.access + "x"); err == nil {
				t.Error("go-oidc takes any access token: this test proves nothing")
			}
			if err := tok.VerifyAccessToken(u.access); err != nil {
				t.Errorf("go-oidc: %v", err)
			}
			if b, err := base64.RawURLEncoding.DecodeString(m["at_hash"].(string)); err != nil || len(b) != length {
				t.Errorf("at_hash %v", m["at_hash"])
			}
			var head struct{ Alg, Typ string }
			b, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
			if err != nil || json.Unmarshal(b, &head) != nil || head.Alg != string(alg) || head.Typ != "JWT" {
				t.Errorf("header %s", b)
			}
		})
	}
	t.Run("RS256 unless registered otherwise", func(t *testing.T) {
		if alg := idTokenAlg(&client.Client{}); alg != keys.RS256 {
			t.Errorf("%s", alg)
		}
	})
	t.Run("without an access token there is no at_hash", func(t *testing.T) {
		if id, _ := h.released(hightechClient(), person()); id["at_hash"] != nil {
			t.Errorf("at_hash %v", id["at_hash"])
		}
	})
}

// The same grant gives the same code, so that a browser that submits twice
// arrives once; another grant, or another life, gives another.
func TestCodesAndRefreshTokensAreDerived(t *testing.T) {
	h := newHouse(t)
	g, other := &person().Grant, &person().Grant
	code := func(g *token.Grant) string {
		t.Helper()
		c, err := h.codeOf(g)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	refresh := func(g *token.Grant, generation int64, rotated time.Time) string {
		t.Helper()
		r, err := h.refreshToken(&unit{client: &client.Client{}, grant: g}, generation, rotated)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	moved, stranger := *g, *g
	moved.CodeExp = g.CodeExp.Add(time.Second)
	stranger.Secret = other.Secret
	for name, c := range map[string]string{"another grant": code(other), "another end": code(&moved), "another secret": code(&stranger)} {
		if c == code(g) {
			t.Errorf("%s has the same code", name)
		}
	}
	if one, again := code(g), code(g); one != again {
		t.Error("two codes for one grant")
	}
	now := h.Now()
	if one, again := refresh(g, 1, now), refresh(g, 1, now); one != again {
		t.Error("two refresh tokens for one generation")
	}
	if refresh(g, 1, now) == refresh(g, 2, now) || refresh(g, 1, now) == refresh(other, 1, now) {
		t.Error("one refresh token for two")
	}
	o, err := h.codec.Parse(refresh(g, 1, now), now, token.Refresh)
	if err != nil || !o.ExpiresAt.Equal(g.ExpiresAt) { // never longer than the grant
		t.Errorf("expires %v, the grant %v: %v", o.ExpiresAt, g.ExpiresAt, err)
	}
}

// authorization_details says the same as entitlements, one entry a system,
// however many grants there are (RFC 9396).
func TestAuthorizationDetails(t *testing.T) {
	h := newHouse(t)
	c, g := hightechClient(), handler()
	c.Metadata.BusinessSystems = []entitlement.SystemID{techSME, hightech}
	more := g.Principal.Grants[0]
	more.Actions, more.Source = []string{"report", "apply"}, entitlement.Delegated
	g.Principal.Grants = append(g.Principal.Grants, more)
	g.Grant.UnitID = unitID
	got := asObject(t, claims{"d": h.newRelease(c, g, g.Grant.Data.Scopes).authorizationDetails()})["d"]
	entry := func(system string, actions ...any) any {
		return map[string]any{"type": "business_system", "system": system, "actions": actions, "on_behalf_of": map[string]any{"uscc": uscc}}
	}
	if want := []any{entry("hightech_enterprise", "apply", "report"), entry("tech_sme", "apply")}; !reflect.DeepEqual(got, want) {
		t.Errorf("%s", pretty(got))
	}
}

// What an access token of a grant may say: a JWT for clients that registered
// it, ES256 by default, never the marks of single claims.
func TestJWTAccessToken(t *testing.T) {
	h := newHouse(t)
	c, g := hightechClient(), unitSession()
	c.Metadata.AccessTokenFormat, c.Metadata.Audience = "jwt", nil
	g.Grant.Data.Scopes = []string{"openid", "entitlements", "claim:profile"}
	made := func(alg string, scopes ...string) map[string]any {
		t.Helper()
		c.Metadata.AccessTokenAlg = alg
		u := &unit{client: c, grant: &g.Grant, held: g, scopes: scopes, release: h.newRelease(c, g, scopes)}
		text, err := h.jwtAccess(u, h.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		var head struct{ Alg, Typ string }
		b, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
		if want := map[string]string{"": "ES256"}[alg] + alg; err != nil || json.Unmarshal(b, &head) != nil || head.Alg != want || head.Typ != "at+jwt" {
			t.Errorf("header %s, want %s at+jwt", b, want) // RFC 9068 §2.1
		}
		return h.readAccessToken(text)
	}
	for _, alg := range []string{"", "RS256", "PS256", "EdDSA"} {
		if m := made(alg, "openid", "entitlements", "claim:profile"); m["scope"] != "openid entitlements" {
			t.Errorf("scope %q", m["scope"])
		}
	}
	m := made("", "openid")
	if m["scope"] != "openid" || m["entitlements"] != nil || m["authorization_details"] != nil {
		t.Errorf("narrowed to openid: %s", pretty(m))
	}
	if !reflect.DeepEqual(m["aud"], []any{issuer}) {
		t.Errorf("aud %v", m["aud"])
	}
	for _, name := range []string{"org", "realname", "account_type", "act", "sid", "nonce", "name"} {
		if m[name] != nil {
			t.Errorf("the access token holds %s", name)
		}
	}
	if jti := m["jti"].(string); !strings.HasPrefix(jti, g.Grant.ID+".") || jti == made("", "openid")["jti"] {
		t.Errorf("jti %s", jti)
	}
}

// FAPI 2.0 Security Profile §5.4.1: not even a row that came past registration
// gets an ID token by RS256.
func TestIDTokenAlgorithm(t *testing.T) {
	for _, c := range []struct {
		profile client.SecurityProfile
		alg     string
		want    keys.Algorithm
	}{
		{client.FAPI2, "", keys.PS256}, {client.FAPI2, "RS256", keys.PS256}, {client.FAPI2Signed, "RS256", keys.PS256}, {client.FAPI2, "ES256", keys.ES256},
		{client.NoProfile, "", keys.RS256}, {client.NoProfile, "RS256", keys.RS256}, {client.NoProfile, "EdDSA", keys.EdDSA},
	} {
		got := idTokenAlg(&client.Client{Metadata: client.Metadata{SecurityProfile: c.profile, IDTokenSignedResponseAlg: c.alg}})
		if got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.profile, c.alg, got, c.want)
		}
	}
}
