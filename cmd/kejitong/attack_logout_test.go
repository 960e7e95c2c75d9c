package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/keys"
)

const bye = "https://rp.example.gov.cn/bye"

// S39, conformance 3.7: the eleven RP-initiated modules and what attackers add
// to them. Only a genuine hint of this browser's own session signs out without
// asking, and only a registered URI is ever redirected to.
func TestLogout(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		s.client("other", nil)
		// enter signs a case in and gives an ID token of the session for client.
		enter := func(s *arena, who, client string) (*browser, string) {
			b := s.browser()
			b.in(s, who)
			a := asking(client, "openid")
			return b, text(s.redeem(a, b.get(s.authorizeURL(a))), "id_token")
		}
		state := strings.Repeat("st&te=%", 18) + "zz" // 128 letters, some of them odd
		unsigned := func(hint string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + strings.Split(hint, ".")[1] + "."
		}
		foreign := func(hint string) string { return hint[:len(hint)-20] + strings.Repeat("A", 20) }
		type fill func(hint string) url.Values
		// after is where the browser ends: "in" with a page that signed nobody out,
		// "asked" with the question, else signed out at the address.
		for _, row := range []struct {
			name string
			fill fill
			want string
		}{
			{"unregistered URI (module bad-post-logout-redirect-uri)", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {"https://evil.test/bye"}, "state": {state}}
			}, "in"},
			{"query added", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {bye + "?a=1"}}
			}, "in"},
			{"slash added", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {bye + "/"}}
			}, "in"},
			{"javascript", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {"javascript:alert(1)"}}
			}, "in"},
			{"redirect_uri of the client", func(h string) url.Values { return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {rpcb}} }, "in"},
			{"modified hint (alg none)", func(h string) url.Values {
				return url.Values{"id_token_hint": {unsigned(h)}, "post_logout_redirect_uri": {bye}}
			}, "in"},
			{"bad hint (foreign signature)", func(h string) url.Values {
				return url.Values{"id_token_hint": {foreign(h)}, "post_logout_redirect_uri": {bye}}
			}, "in"},
			{"hint that is no token", func(string) url.Values { return url.Values{"id_token_hint": {"x"}} }, "in"},
			{"hint of another client than client_id", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "client_id": {"other"}, "post_logout_redirect_uri": {bye}}
			}, "in"},
			{"no hint, a URI alone", func(string) url.Values { return url.Values{"post_logout_redirect_uri": {bye}, "state": {state}} }, "in"},
			{"unknown client", func(string) url.Values { return url.Values{"client_id": {"nobody"}, "post_logout_redirect_uri": {bye}} }, "in"},
			{"repeated URI", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {bye, "https://evil.test"}}
			}, "in"},
			{"no parameters", func(string) url.Values { return url.Values{} }, "asked"},
			{"only state", func(string) url.Values { return url.Values{"state": {state}} }, "asked"},
			{"client and URI without hint", func(string) url.Values {
				return url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye}, "state": {state}}
			}, "asked " + bye + "?state"},
			{"happy", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {bye}, "state": {state}}
			}, bye + "?state"},
			{"happy, with client_id", func(h string) url.Values {
				return url.Values{"id_token_hint": {h}, "client_id": {"web"}, "post_logout_redirect_uri": {bye}, "state": {state}}
			}, bye + "?state"},
			{"no state", func(h string) url.Values { return url.Values{"id_token_hint": {h}, "post_logout_redirect_uri": {bye}} }, bye},
			{"no URI", func(h string) url.Values { return url.Values{"id_token_hint": {h}, "state": {state}} }, "/logout/done"},
			{"expired hint", func(h string) url.Values {
				return url.Values{"id_token_hint": {s.resigned(h, "exp", now().Add(-time.Hour).Unix())}, "post_logout_redirect_uri": {bye}}
			}, bye},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				s.run(row.name+" "+method, func(t *testing.T, s *arena) {
					b, hint := enter(s, "a", "web")
					elsewhere, _ := enter(s, "a", "web")
					form := row.fill(hint)
					var p page
					if method == http.MethodGet {
						p = b.get(s.issuer + "/oauth2/logout?" + form.Encode())
					} else { // a form on the client's page: without our cookies, then with them
						p = s.browser().still().send(method, s.issuer+"/oauth2/logout", form, "Origin", "https://rp.example.gov.cn", "Sec-Fetch-Site", "cross-site")
						l := p.Header.Get("Location")
						switch {
						case p.StatusCode == http.StatusSeeOther && strings.HasPrefix(l, "/oauth2/logout?request="):
							p = b.get(s.issuer + l)
						case row.want != "in": // what is refused is refused at once, not stored
							t.Fatalf("POST: %d to %q, want it parked", p.StatusCode, l)
						}
					}
					want, asked := strings.CutPrefix(row.want, "asked")
					want = strings.TrimSpace(want)
					if asked {
						at(t, p, "/logout")
						if s.whois(b) == "" {
							t.Fatal("signed out unasked")
						}
						p = b.press(p, "logout=yes")
						if want == "" {
							want = "/logout/done"
						}
					}
					switch {
					case want == "in":
						if p.StatusCode != http.StatusBadRequest || p.Header.Get("Location") != "" || strings.Contains(uniform(p), "evil.test") || strings.Contains(p.body, "http-equiv") {
							t.Errorf("%d to %q, want a page with 400", p.StatusCode, p.Header.Get("Location"))
						}
						if s.whois(b) == "" {
							t.Error("signed out")
						}
						return
					case strings.HasPrefix(want, "/"):
						at(t, p, want)
					default:
						uri := strings.TrimSuffix(want, "?state")
						if uri != want {
							uri += "?" + url.Values{"state": {state}}.Encode()
						}
						if got := p.Header.Get("Location"); p.StatusCode != http.StatusSeeOther || got != uri {
							t.Errorf("%d to %q, want 303 to %q and nothing added", p.StatusCode, got, uri)
						}
					}
					silent := asking("web", "openid", "prompt", "none")
					s.refused(silent, b.get(s.authorizeURL(silent)), "login_required")
					if s.whois(elsewhere) == "" {
						t.Error("the same account's session in another browser ended, too")
					}
				})
			}
		}
		s.run("hint of somebody else, of another session, of another kind", func(t *testing.T, s *arena) {
			victim, mine := enter(s, "a", "web")
			_, others := enter(s, "c", "web")
			_, again := enter(s, "a", "web")
			for name, hint := range map[string]string{"somebody else": others, "another session of mine": again} {
				at(t, victim.get(s.issuer+"/oauth2/logout?"+url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}.Encode()), "/logout") // asked, not told
				if s.whois(victim) == "" {
					t.Errorf("%s: signed out", name)
				}
			}
			for _, typ := range []string{"at+jwt", "logout+jwt"} {
				if p := victim.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {s.retyped(mine, typ)}}.Encode()); p.StatusCode != http.StatusBadRequest || s.whois(victim) == "" {
					t.Errorf("a token of type %q passes as a hint: %d", typ, p.StatusCode)
				}
			}
		})
		s.run("the question", func(t *testing.T, s *arena) {
			b, _ := enter(s, "a", "web")
			p := b.get(s.issuer + "/oauth2/logout?" + url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye}}.Encode())
			at(t, p, "/logout")
			if q := b.press(p, "logout=yes", "post_logout_redirect_uri", "https://evil.test", "client_id", "other", "state", "x"); q.Header.Get("Location") != bye {
				t.Errorf("the form decided: sent to %q", q.Header.Get("Location"))
			}
			if b.cookie("browser") == "" || s.whois(b) != "" {
				t.Error("not signed out")
			}
			nobody := s.browser()
			at(t, nobody.get(s.issuer+"/oauth2/logout"), "/logout/done")
		})
		leave := func(b *browser, form url.Values) page { return b.get(s.issuer + "/oauth2/logout?" + form.Encode()) }
		s.run("the hint's key is retired", func(t *testing.T, s *arena) { // RP-Initiated section 2: the OP accepts its own old ID tokens
			b, hint := enter(s, "a", "web")
			if err := s.app.ring.RotateSigning(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			_, fresh := enter(s, "a", "web")
			if old, now := strings.Split(hint, ".")[0], strings.Split(fresh, ".")[0]; old == now {
				t.Fatal("the key was not rotated")
			}
			if got := leave(b, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}).Header.Get("Location"); got != bye || s.whois(b) != "" {
				t.Errorf("sent to %q", got)
			}
		})
		s.run("nobody is signed in", func(t *testing.T, s *arena) { // section 3: the URI was passed with a hint, so the browser goes back
			b, hint := enter(s, "a", "web")
			leave(b, url.Values{"id_token_hint": {hint}})
			back := bye + "?" + url.Values{"state": {state}}.Encode()
			for name, who := range map[string]*browser{"no more": b, "never": s.browser()} {
				if got := leave(who, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {state}}).Header.Get("Location"); got != back {
					t.Errorf("%s: sent to %q", name, got)
				}
				p := leave(who, url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye}})
				if p.StatusCode != http.StatusOK || strings.Contains(p.body, `http-equiv="refresh"`) || !strings.Contains(p.body, `href="`+bye+`"`) {
					t.Errorf("%s, without a hint: %d, want a page that leads there by a click alone:\n%s", name, p.StatusCode, p.body)
				}
			}
		})
		s.run("logout_hint proves nothing", func(t *testing.T, s *arena) {
			b, hint := enter(s, "a", "web")
			c := idToken(t, map[string]any{"id_token": hint})
			for _, v := range []string{s.account("a").Username, text(c, "sub"), text(c, "sid"), `"><iframe src=https://evil.test>`} {
				p := leave(b, url.Values{"logout_hint": {v}, "client_id": {"web"}, "post_logout_redirect_uri": {bye}})
				at(t, p, "/logout")
				if s.whois(b) == "" || strings.Contains(p.body, "evil.test") || strings.Contains(p.body, text(c, "sid")) {
					t.Errorf("logout_hint %.10q: signed out, or repeated on the page", v)
				}
			}
			if got := leave(b, url.Values{"logout_hint": {"somebody else"}, "id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "unknown": {"1", "2"}}).Header.Get("Location"); got != bye {
				t.Errorf("beside a hint, and with a parameter that means nothing: sent to %q", got)
			}
		})
		s.run("ui_locales", func(t *testing.T, s *arena) {
			b, _ := enter(s, "a", "web")
			for name, form := range map[string]url.Values{"refused": {"id_token_hint": {"x"}, "ui_locales": {"en"}}, "asked": {"client_id": {"web"}, "ui_locales": {"fr en"}}} {
				if got := leave(b, form).Header.Get("Content-Language"); got != "en" {
					t.Errorf("%s: the page is in %s", name, got)
				}
			}
			p := b.press(leave(b, url.Values{"ui_locales": {"en"}}), "logout=yes")
			at(t, p, "/logout/done")
			if got := p.Header.Get("Content-Language"); got != "en" {
				t.Errorf("after the question: the page is in %s", got)
			}
			b, hint := enter(s, "a", "web")
			if got := leave(b, url.Values{"id_token_hint": {hint}, "ui_locales": {"en-GB"}}).Header.Get("Content-Language"); got != "en" {
				t.Errorf("at once: the page is in %s", got)
			}
		})
		s.run("the browser's id changes", func(t *testing.T, s *arena) { // S35: nothing is left to the next user
			b, hint := enter(s, "a", "web")
			id := b.cookie("browser")
			b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {hint}}.Encode())
			if b.cookie("browser") == id {
				t.Error("the id is the same after signing out")
			}
		})
	})
}

// resigned is a genuine ID token of ours with one claim changed.
func (s *arena) resigned(token, name string, value any) string {
	s.t.Helper()
	c := idToken(s.t, map[string]any{"id_token": token})
	c[name] = value
	return s.signed("JWT", c)
}

// retyped is the same claims in a token of another kind.
func (s *arena) retyped(token, typ string) string {
	s.t.Helper()
	return s.signed(typ, idToken(s.t, map[string]any{"id_token": token}))
}

func (s *arena) signed(typ string, claims map[string]any) string {
	s.t.Helper()
	text, err := s.app.ring.Snapshot().Sign(keys.RS256, typ, claims)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}
