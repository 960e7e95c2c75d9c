package oidc

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/keys"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// tokensOf are all the tokens that one grant has, by what they are.
func (h *house) tokensOf(c *client.Client, g *principal.Held) map[string]string {
	h.t.Helper()
	u := &unit{client: c, grant: &g.Grant, held: g, scopes: g.Grant.Data.Scopes, release: h.newRelease(c, g, g.Grant.Data.Scopes)}
	out := map[string]string{}
	put := func(name, text string, err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
		out[name] = text
	}
	text, err := h.codeOf(&g.Grant)
	put("code", text, err)
	text, err = h.opaqueAccess(u, h.Now().Add(10*time.Minute))
	put("opaque access", text, err)
	text, err = h.jwtAccess(u, h.Now().Add(10*time.Minute))
	put("jwt access", text, err)
	text, err = h.refreshToken(&unit{client: &client.Client{}, grant: &g.Grant}, g.Grant.Generation, h.Now())
	put("refresh", text, err)
	text, err = h.idToken(u)
	put("id", text, err)
	text, err = h.Keys.Snapshot().Sign(keys.RS256, "logout+jwt", claims{"iss": issuer, "aud": c.ID, "sub": "s", "exp": h.Now().Unix() + 60, "jti": g.Grant.ID + ".x"})
	put("logout", text, err)
	return out
}

// S23, RFC 8725 §3.11: no kind of token passes as another.
func TestTokenKindsAreNotInterchangeable(t *testing.T) {
	h := newHouse(t)
	c, g := hightechClient(), person()
	g.Grant.Generation = 1
	h.register(c.ID, "secret", c.Metadata)
	h.settle(g)
	g.Grant.Client = c.ID
	places := map[string]func(text string) bool{
		"access": func(text string) bool {
			_, err := h.look(t.Context(), text)
			if err != nil && !errors.Is(err, errNoToken) {
				t.Fatal(err)
			}
			return err == nil
		},
		"code": func(text string) bool {
			return h.hold(t.Context(), &unit{client: h.find(c.ID)}, text, token.Code) == nil
		},
		"refresh": func(text string) bool {
			return h.hold(t.Context(), &unit{client: h.find(c.ID)}, text, token.Refresh) == nil
		},
		"hint": func(text string) bool { _, ok := h.readHint(text); return ok },
	}
	fits := map[string]string{"code": "code", "opaque access": "access", "jwt access": "access", "refresh": "refresh", "id": "hint", "logout": ""}
	for kind, text := range h.tokensOf(c, g) {
		for place, accepted := range places {
			if got, want := accepted(text), fits[kind] == place; got != want {
				t.Errorf("%s token as %s: accepted %v", kind, place, got)
			}
		}
	}
	t.Run("another client's grant", func(t *testing.T) {
		other := h.register("other", "secret", webClient(nil))
		for kind, text := range h.tokensOf(c, g) {
			for _, k := range []token.Kind{token.Code, token.Refresh} {
				if h.hold(t.Context(), &unit{client: other}, text, k) == nil {
					t.Errorf("%s token taken by another client", kind)
				}
			}
		}
	})
}

// S24: a token that was touched anywhere is nobody's.
func TestTouchedTokens(t *testing.T) {
	h := newHouse(t)
	c, g, other := hightechClient(), person(), handler()
	h.register(c.ID, "secret", c.Metadata)
	h.settle(g)
	h.settle(other)
	tokens, others := h.tokensOf(c, g), h.tokensOf(c, other)
	live := func(text string) bool {
		_, err := h.look(t.Context(), text)
		if err != nil && !errors.Is(err, errNoToken) {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, kind := range []string{"opaque access", "jwt access"} {
		good, foreign := tokens[kind], others[kind]
		if !live(good) || !live(foreign) {
			t.Fatalf("%s: the untouched token is refused", kind)
		}
		half := len(good) / 2
		touched := map[string]string{
			"empty": "", "truncated": good[:len(good)-1], "extended": good + "A", "padded": good + "=", "doubled": good + good,
			"halves of two": good[:half] + foreign[half:], "case flipped": strings.ToLower(good), "blank after": good + " ",
			"garbage first": "garbage." + good, "line feed inside": good[:half] + "\n" + good[half:],
		}
		if kind == "opaque access" {
			raw, err := base64.RawURLEncoding.DecodeString(good)
			if err != nil {
				t.Fatal(err)
			}
			for i := range raw { // each byte stands under the MAC
				bent := append([]byte(nil), raw...)
				bent[i] ^= 1
				touched["byte "+string(rune('0'+i))] = base64.RawURLEncoding.EncodeToString(bent)
			}
		}
		for name, text := range touched {
			if live(text) {
				t.Errorf("%s, %s: accepted", kind, name)
			}
		}
	}
}

// What ends a token between two uses of it (S29, S30).
func TestAccessTokensEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(t *testing.T, h *house, g *principal.Held)
	}{
		{"its own time", func(_ *testing.T, h *house, _ *principal.Held) { h.clock.pass(10 * time.Minute) }},
		{"the grant is revoked", func(t *testing.T, h *house, g *principal.Held) {
			if err := h.revokeGrant(t.Context(), &g.Grant, "token.revoked"); err != nil {
				t.Fatal(err)
			}
		}},
		{"the account is frozen", func(t *testing.T, h *house, g *principal.Held) {
			if err := h.db.SetAccountState(t.Context(), g.Principal.Account.ID, account.Frozen, did("account.changed")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the client is disabled", func(t *testing.T, h *house, _ *principal.Held) {
			rp := *h.find("hightech-enterprise")
			rp.State = client.Disabled
			if err := h.db.PutClient(t.Context(), &rp, did("client.changed")); err != nil {
				t.Fatal(err)
			}
			h.clock.pass(client.MaxAge)
		}},
		{"the mandate ends", func(t *testing.T, h *house, g *principal.Held) {
			m := g.Principal.Mandates[0]
			m.State = "revoked"
			if err := h.db.PutMandate(t.Context(), m, did("entitlement.ended")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the entitlement ends", func(t *testing.T, h *house, g *principal.Held) {
			e := g.Principal.Grants[0]
			e.State = "suspended"
			if err := h.db.PutGrant(t.Context(), e, did("entitlement.ended")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			rp, g := hightechClient(), handler()
			rp.Metadata.AllowUnverified = false
			h.register(rp.ID, "secret", rp.Metadata)
			h.settle(g)
			tokens := h.tokensOf(rp, g)
			ask := func(text string) int { return h.get("/oauth2/userinfo", "Authorization", "Bearer "+text).Code }
			for _, kind := range []string{"opaque access", "jwt access"} {
				if got := ask(tokens[kind]); got != http.StatusOK {
					t.Fatalf("%s before: %d", kind, got)
				}
			}
			c.end(t, h, g)
			for _, kind := range []string{"opaque access", "jwt access"} {
				if got := ask(tokens[kind]); got != http.StatusUnauthorized {
					t.Errorf("%s after: %d", kind, got)
				}
			}
		})
	}
}

// RFC 6750 §2: one token, in the header or a POSTed form, never in the URL.
func TestWhereABearerTokenStands(t *testing.T) {
	h := newHouse(t)
	rp, g := hightechClient(), person()
	h.register(rp.ID, "secret", rp.Metadata)
	h.settle(g)
	good := h.tokensOf(rp, g)["opaque access"]
	for _, c := range []struct {
		name, method, path, header, body string
		status                           int
		challenge                        string
	}{
		{"nowhere", "GET", "/oauth2/userinfo", "", "", 401, `Bearer realm="userinfo"`}, // RFC 6750 §3.1: no error code
		{"in the URL", "GET", "/oauth2/userinfo?access_token=" + good, "", "", 400, `error="invalid_request"`},
		{"in the URL as well", "GET", "/oauth2/userinfo?access_token=" + good, "Bearer " + good, "", 400, `error="invalid_request"`},
		{"in header and body", "POST", "/oauth2/userinfo", "Bearer " + good, "access_token=" + good, 400, `error="invalid_request"`},
		{"twice in the body", "POST", "/oauth2/userinfo", "", "access_token=" + good + "&access_token=" + good, 400, `error="invalid_request"`},
		{"as Basic", "GET", "/oauth2/userinfo", "Basic " + good, "", 401, `Bearer`},
		{"unknown", "GET", "/oauth2/userinfo", "Bearer x", "", 401, `error="invalid_token"`},
		{"header", "GET", "/oauth2/userinfo", "Bearer " + good, "", 200, ""},
		{"header, in lower case", "GET", "/oauth2/userinfo", "bearer " + good, "", 200, ""},
		{"header of a POST", "POST", "/oauth2/userinfo", "Bearer " + good, "", 200, ""},
		{"body", "POST", "/oauth2/userinfo", "", "access_token=" + good, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, issuer+c.path, strings.NewReader(c.body))
			if c.method == "POST" {
				r.Header.Set("Content-Type", formType)
			}
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			w := httptest.NewRecorder()
			h.handler.ServeHTTP(w, r)
			got := w.Header().Get("WWW-Authenticate")
			if w.Code != c.status || !strings.Contains(got, c.challenge) || (got == "") != (c.status == 200) {
				t.Errorf("%d %q %s", w.Code, got, w.Body)
			}
			if c.name == "nowhere" && strings.Contains(got, "error=") {
				t.Errorf("a request without a token is told an error: %s", got)
			}
		})
	}
	t.Run("a token without openid", func(t *testing.T) { // OpenID Connect Core §5.3.1
		g := handler()
		g.Grant.Data.Scopes, g.Grant.Data.Audience = []string{"profile"}, nil
		h.settle(g)
		w := h.post("/oauth2/userinfo", url.Values{"access_token": {h.tokensOf(rp, g)["opaque access"]}})
		if w.Code != http.StatusForbidden || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`) {
			t.Errorf("%d %q", w.Code, w.Header().Get("WWW-Authenticate"))
		}
	})
	t.Run("a token for a resource server only", func(t *testing.T) { // audience restriction, RFC 9700 §2.3
		g := handler()
		g.Grant.Data.Scopes, g.Grant.Data.Audience = []string{"profile"}, []string{"https://gq.example.cn/api"}
		h.open(&g.Grant)
		w := h.post("/oauth2/userinfo", url.Values{"access_token": {h.tokensOf(rp, g)["opaque access"]}})
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%d", w.Code)
		}
	})
}
