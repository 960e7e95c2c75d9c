package relyingparty_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const signOutEvent = "http://schemas.openid.net/event/backchannel-logout"

// farewell is a good logout token's claims.
func (n *town) farewell() map[string]any {
	return n.op.stamped(map[string]any{"exp": n.clock.Now().Add(2 * time.Minute).Unix(), "sid": "s7f1", "sub": "Lw9legalB",
		"events": map[string]any{signOutEvent: map[string]any{}}})
}

func (n *town) sealed(claims map[string]any) string {
	return sign(n.t, jose.RS256, ownKey(), map[string]any{"typ": "logout+jwt"}, claims)
}

func (n *town) tell(token string) page {
	b := n.browser()
	return b.do(b.walker, "POST", "/backchannel-logout", url.Values{"logout_token": {token}})
}

func TestLogoutTokenIsRefused(t *testing.T) {
	edited := func(f func(map[string]any)) func(*town) string {
		return func(n *town) string {
			c := n.farewell()
			f(c)
			return n.sealed(c)
		}
	}
	typed := func(header map[string]any) func(*town) string {
		return func(n *town) string { return sign(n.t, jose.RS256, ownKey(), header, n.farewell()) }
	}
	rows := []struct {
		name  string
		token func(*town) string
		why   string // in the log
	}{
		{"no token", func(*town) string { return "" }, "must stand once"},
		{"no JWT", func(*town) string { return "garbage" }, "not a JWT"},
		{"seventeen kilobytes", func(n *town) string { return strings.Repeat("A", 17<<10) }, "must stand once"},
		{"type of an ID token", typed(map[string]any{"typ": "JWT"}), "is no logout token"},
		{"type of an access token", typed(map[string]any{"typ": "at+jwt"}), "is no logout token"},
		{"no type", typed(nil), "is no logout token"},
		{"alg none", func(n *town) string { return unsigned(map[string]any{"typ": "logout+jwt"}, n.farewell()) }, "unexpected signature algorithm"},
		{"HS256 with the client secret", func(n *town) string {
			return sign(n.t, jose.HS256, []byte(clientSecret+clientSecret), map[string]any{"typ": "logout+jwt"}, n.farewell())
		}, "unexpected signature algorithm"},
		{"key of somebody else", func(n *town) string {
			return sign(n.t, jose.RS256, foreignKey(), map[string]any{"typ": "logout+jwt"}, n.farewell())
		}, "failed to verify"},
		{"another issuer", edited(func(c map[string]any) { c["iss"] = "https://evil.test" }), "different provider"},
		{"for another client", edited(func(c map[string]any) { c["aud"] = "tech-sme" }), "audience"},
		{"with a nonce", edited(func(c map[string]any) { c["nonce"] = "n" }), "nonce"},
		{"with an empty nonce", edited(func(c map[string]any) { c["nonce"] = nil }), "nonce"},
		{"without events", edited(func(c map[string]any) { delete(c, "events") }), "event"},
		{"another event", edited(func(c map[string]any) { c["events"] = map[string]any{signOutEvent + "x": map[string]any{}} }), "event"},
		{"one more event", edited(func(c map[string]any) { c["events"] = map[string]any{signOutEvent: map[string]any{}, "x": true} }), "not exactly"},
		{"event that is no object", edited(func(c map[string]any) { c["events"] = map[string]any{signOutEvent: true} }), "not exactly"},
		{"events in other letters", edited(func(c map[string]any) { c["Events"] = c["events"]; delete(c, "events") }), "not exactly"},
		{"without sub and sid", edited(func(c map[string]any) { delete(c, "sub"); delete(c, "sid") }), "sid"},
		{"without jti", edited(func(c map[string]any) { delete(c, "jti") }), "jti"},
		{"without exp", edited(func(c map[string]any) { delete(c, "exp") }), "exp"},
		{"expired", edited(func(c map[string]any) { c["exp"] = c["iat"].(int64) - 1 }), "expired"},
		{"without iat", edited(func(c map[string]any) { delete(c, "iat") }), "iat"},
		{"issued an hour ago", edited(func(c map[string]any) { c["iat"] = c["iat"].(int64) - 3600 }), "iat"},
		{"issued in an hour", edited(func(c map[string]any) { c["iat"] = c["iat"].(int64) + 3600; c["exp"] = c["iat"].(int64) + 120 }), "iat"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n := newTown(t)
			b := n.browser()
			b.signIn()
			got := n.tell(row.token(n))
			if got.status != 400 || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %d, Cache-Control %q", got.status, got.header.Get("Cache-Control"))
			}
			if !strings.Contains(n.log.String(), row.why) {
				t.Errorf("refused for another reason than %q:\n%s", row.why, n.log)
			}
			if s := b.state(); !s.SignedIn || s.Logouts != 0 {
				t.Errorf("session %+v", s)
			}
		})
	}
	t.Run("the same jti again", func(t *testing.T) {
		n := newTown(t)
		b := n.browser()
		token := n.sealed(n.farewell())
		if got := n.tell(token); got.status != 200 {
			t.Fatalf("first: %d", got.status)
		}
		b.signIn()
		if got := n.tell(token); got.status != 400 {
			t.Errorf("second: %d", got.status)
		}
		if !b.state().SignedIn {
			t.Error("the replay ended a session")
		}
	})
	t.Run("token in the query", func(t *testing.T) {
		n := newTown(t)
		b := n.browser()
		b.signIn()
		got := b.do(b.walker, "POST", "/backchannel-logout?logout_token="+n.sealed(n.farewell()), url.Values{})
		if got.status != 400 || !b.state().SignedIn {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("provider not to be found", func(t *testing.T) {
		n := newTown(t)
		n.op.lie(func(o *op) { o.down = true })
		if got := n.tell(n.sealed(n.farewell())); got.status != 503 {
			t.Errorf("got %d, want 503 so that the provider tries again", got.status)
		}
	})
}

func TestProviderEndsSessions(t *testing.T) {
	rows := []struct {
		name string
		edit func(map[string]any)
		ends bool
	}{
		{"session of another browser", func(c map[string]any) { c["sid"] = "other" }, false},
		{"this sid with another sub", func(c map[string]any) { c["sub"] = "other" }, false},
		{"another person", func(c map[string]any) { delete(c, "sid"); c["sub"] = "other" }, false},
		{"sid and sub", func(map[string]any) {}, true},
		{"sid alone", func(c map[string]any) { delete(c, "sub") }, true},
		{"sub alone, everywhere", func(c map[string]any) { delete(c, "sid") }, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n := newTown(t)
			b := n.browser()
			b.signIn()
			c := n.farewell()
			row.edit(c)
			got := n.tell(n.sealed(c))
			if got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %d, Cache-Control %q", got.status, got.header.Get("Cache-Control"))
			}
			s, home := b.state(), b.get("/")
			if s.SignedIn == row.ends || (s.Logouts == 1) != row.ends {
				t.Errorf("state %+v", s)
			}
			if shown := strings.Contains(home.raw, `id="signed_out_by_provider"`); shown != row.ends {
				t.Errorf("notice shown: %v", shown)
			}
			if !row.ends {
				return
			}
			home.has(t, "2026-11-21 17:00:00")
			for _, path := range []string{"/refresh", "/introspect"} {
				if got := b.post(path); got.status != 401 {
					t.Errorf("%s: %d", path, got.status)
				}
			}
			b.signIn()
			if s := b.state(); s.Logouts != 1 || strings.Contains(b.get("/").raw, "signed_out_by_provider") {
				t.Errorf("after signing in again: %+v", s)
			}
		})
	}
	t.Run("a browser that signed itself out is told, too", func(t *testing.T) {
		n := newTown(t)
		b := n.browser()
		b.signIn()
		b.post("/logout")
		n.tell(n.sealed(n.farewell()))
		if s := b.state(); s.Logouts != 1 || strings.Contains(b.get("/").raw, "signed_out_by_provider") {
			t.Errorf("state %+v", s)
		}
	})
}
