package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"kejitong/provider/session"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/provider/principal"
)

// published is the key set as relying parties fetch it. Verification with it is
// go-jose's and go-oidc's alone.
type published []byte

// VerifySignature implements goidc.KeySet: the one key that the kid names must
// have signed, and with the algorithm that the key set gives it.
func (p published) VerifySignature(_ context.Context, text string) ([]byte, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(p, &set); err != nil {
		return nil, err
	}
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		return nil, err
	}
	h := jws.Signatures[0].Protected
	found := set.Key(h.KeyID)
	if len(found) != 1 || found[0].Algorithm != h.Algorithm {
		return nil, fmt.Errorf("kid %q names %d keys for %s", h.KeyID, len(found), h.Algorithm)
	}
	return jws.Verify(found[0])
}

func (h *house) published() published { return published(h.get("/oauth2/jwks").Body.Bytes()) }

// readIDToken lets go-oidc verify an ID token as a relying party does.
func (h *house) readIDToken(clientID, text string) (*goidc.IDToken, map[string]any) {
	h.t.Helper()
	v := goidc.NewVerifier(issuer, h.published(), &goidc.Config{
		ClientID: clientID, Now: h.clock.now, SupportedSigningAlgs: []string{"RS256", "PS256", "ES256", "EdDSA"},
	})
	tok, err := v.Verify(h.t.Context(), text)
	if err != nil {
		h.t.Fatalf("go-oidc refuses the ID token: %v", err)
	}
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil {
		h.t.Fatal(err)
	}
	return tok, object(h.t, raw)
}

// readAccessToken verifies an RFC 9068 token with go-jose.
func (h *house) readAccessToken(text string) map[string]any {
	h.t.Helper()
	body, err := h.published().VerifySignature(h.t.Context(), text)
	if err != nil {
		h.t.Fatalf("go-jose refuses the access token: %v", err)
	}
	return object(h.t, body)
}

// released is what client c gets of a grant in both places.
func (h *house) released(c *client.Client, g *principal.Held) (idToken, userinfo map[string]any) {
	h.t.Helper()
	u := &unit{client: c, grant: &g.Grant, held: g, release: h.newRelease(c, g, g.Grant.Data.Scopes)}
	text, err := h.idToken(u)
	if err != nil {
		h.t.Fatal(err)
	}
	_, idToken = h.readIDToken(c.ID, text)
	return idToken, asObject(h.t, u.release.userinfo())
}

var pairwiseShape = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// anonymous puts the golden files' marks where the pairwise subjects stand,
// once their shape is checked.
func anonymous(t *testing.T, m map[string]any) map[string]any {
	t.Helper()
	mark := func(in map[string]any, with string) {
		sub, _ := in["sub"].(string)
		if !pairwiseShape.MatchString(sub) { // OpenID Connect Core §8.1; HMAC-SHA-256 in base64url
			t.Errorf("sub %q is no pairwise subject", sub)
		}
		in["sub"] = with
	}
	mark(m, "<subject>")
	if act, ok := m["act"].(map[string]any); ok {
		mark(act, "<handler>")
	}
	return m
}

// without takes the protocol's own members off.
func without(m map[string]any, names ...string) map[string]any {
	for _, n := range names {
		delete(m, n)
	}
	return m
}

func golden(t *testing.T, name string, got map[string]any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "claims", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := object(t, b); !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %s\nwant %s", name, pretty(got), pretty(want))
	}
}

// The documents of the claims profile, member for member: nothing missing and
// nothing more.
func TestClaimsGolden(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		name  string
		grant *principal.Held
	}{
		{"person", person()},     // (a) a verified natural person
		{"unit", unitSession()},  // (b) a verified legal account with a handler
		{"handler", handler()},   // (c) a person with a unit's migrated grants
		{"newcomer", newcomer()}, // (d) unverified
	} {
		t.Run(c.name, func(t *testing.T) {
			c.grant.Grant.SessionID = "s7f1"
			id, ui := h.released(hightechClient(), c.grant)
			if id["sub"] != ui["sub"] { // OpenID Connect Core §5.3.2
				t.Errorf("sub differs: %v in the ID token, %v at userinfo", id["sub"], ui["sub"])
			}
			if id["aud"] != "hightech-enterprise" || id["azp"] != "hightech-enterprise" || id["nonce"] != "n-0S6" || id["iss"] != issuer {
				t.Errorf("protocol members: %s", pretty(id))
			}
			for _, name := range []string{"exp", "iat", "jti", "sid"} {
				if id[name] == nil {
					t.Errorf("the ID token lacks %s", name)
				}
			}
			golden(t, c.name+"_id_token", anonymous(t, without(id, "iss", "aud", "azp", "exp", "iat", "nonce", "jti", "sid")))
			golden(t, c.name+"_userinfo", anonymous(t, ui))
		})
	}
}

// The access token of the claims profile (RFC 9068).
func TestAccessTokenGolden(t *testing.T) {
	h := newHouse(t)
	c, g := hightechClient(), handler()
	c.Metadata.AccessTokenFormat = "jwt"
	g.Grant.Data.Scopes, g.Grant.Data.Audience = []string{"openid", "org", "entitlements"}, c.Metadata.Audience
	u := &unit{client: c, grant: &g.Grant, held: g, scopes: g.Grant.Data.Scopes, release: h.newRelease(c, g, g.Grant.Data.Scopes)}
	text, err := h.jwtAccess(u, h.Now().Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	m := h.readAccessToken(text)
	aud, _ := m["aud"].([]any)
	if !slices.Contains(aud, any("https://gq.example.cn/api")) || !slices.Contains(aud, any(issuer)) {
		t.Errorf("aud = %v, wants the resource, and the issuer because openid opens userinfo", m["aud"])
	}
	// RFC 9068 §2.2.1: beside what the profile names, how the user signed in.
	if m["acr"] != session.ACRSecond || !reflect.DeepEqual(m["amr"], []any{"pwd", "sms"}) || m["auth_time"] != json.Number("1795399950") {
		t.Errorf("authentication: %s", pretty(m))
	}
	golden(t, "handler_access_token", anonymous(t, without(m, "iss", "aud", "exp", "iat", "jti", "acr", "amr", "auth_time")))
}

// The trust framework is named under the issuer, whatever the issuer is called.
func TestTrustFrameworkFollowsTheIssuer(t *testing.T) {
	h := newHouse(t)
	h.Issuer = "https://sso.example.cn"
	ui := asObject(t, h.newRelease(hightechClient(), person(), person().Grant.Data.Scopes).userinfo())
	v := ui["verified_claims"].(map[string]any)["verification"].(map[string]any)
	if v["trust_framework"] != "https://sso.example.cn/trust/realname" {
		t.Errorf("trust_framework = %v", v["trust_framework"])
	}
}
