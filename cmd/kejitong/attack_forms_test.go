package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/session"
)

// S34, S35: what the browser holds is random, known to the database by its
// digest alone, and another one after every sign-in; whatever was there before
// is worth nothing.
func TestPlantedCookies(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		s.run("only digests are stored", func(t *testing.T, s *arena) {
			seen := map[string]bool{}
			for range 3 {
				b := s.browser()
				b.get(s.authorizeURL(asking("web", "openid")))
				b.in(s, "a")
				cookie, id := b.cookie("session"), b.cookie("browser")
				if len(cookie) < 43 || len(id) < 22 || seen[cookie] || seen[id] {
					t.Errorf("cookies %q %q: want 256 and 128 random bits", cookie, id)
				}
				seen[cookie], seen[id] = true, true
				for query, want := range map[string]int64{
					"SELECT COUNT(*) FROM sessions WHERE key = '" + session.Key(cookie) + "'":                                 1,
					"SELECT COUNT(*) FROM interactions WHERE browser = '" + authflow.Key(id) + "'":                            1,
					"SELECT COUNT(*) FROM sessions WHERE key = '" + cookie + "' OR id = '" + cookie + "'":                     0,
					"SELECT COUNT(*) FROM interactions WHERE browser = '" + id + "' OR form LIKE '%" + id + "%'":              0,
					"SELECT COUNT(*) FROM audit WHERE detail LIKE '%" + cookie + "%' OR object LIKE '%" + cookie + "%'":       0,
					"SELECT COUNT(*) FROM audit WHERE kind LIKE '%" + session.Key(cookie) + "%' OR request_id = '" + id + "'": 0,
				} {
					if n := s.count(query); n != want {
						t.Errorf("%s: %d, want %d", query, n, want)
					}
				}
			}
		})
		plant := func(b *browser, values ...string) {
			var list []*http.Cookie
			for i := 0; i+1 < len(values); i += 2 {
				list = append(list, &http.Cookie{Name: values[i], Value: values[i+1], Path: "/"})
			}
			b.http.Jar.SetCookies(b.home, list)
		}
		s.run("planted before sign-in", func(t *testing.T, s *arena) {
			thief := s.browser()
			thief.in(s, "a")
			for name, value := range map[string]string{"the thief's session": thief.cookie("session"), "a made-up one": strings.Repeat("A", 43), "an empty one": ""} {
				b := s.browser()
				plant(b, "kejitong_session", value)
				b.in(s, "c")
				who := s.whois(b)
				if b.cookie("session") == value || who == "" {
					t.Errorf("%s: the planted id was kept", name)
				}
				old := s.browser()
				plant(old, "kejitong_session", value)
				if got := s.whois(old); got == who {
					t.Errorf("%s: the planted id is the victim now", name)
				}
			}
			if s.whois(thief) != "" {
				t.Error("the session that was taken over still lives")
			}
		})
		s.run("again, out, and the next user", func(t *testing.T, s *arena) {
			b := s.browser()
			var dead []string
			b.in(s, "a")
			first := s.whois(b)
			for range 2 {
				dead = append(dead, b.cookie("session"))
				b.in(s, "a")
			}
			parked := b.get(s.authorizeURL(asking("web", "openid", "prompt", "login")))
			at(t, parked, "/login")
			id := b.cookie("browser")
			dead = append(dead, b.cookie("session"))
			b.press(b.get(s.issuer+"/logout"), "logout=yes")
			if b.cookie("session") != "" || b.cookie("browser") == id {
				t.Error("sign-out left the session or the browser's id")
			}
			b.in(s, "c")
			if got := s.whois(b); got == first || got == "" {
				t.Errorf("the next user is %q", got)
			}
			if p := b.get(parked.Request.URL.String()); p.StatusCode != http.StatusForbidden {
				t.Errorf("the last user's interaction: %d, want 403", p.StatusCode)
			}
			for i, cookie := range dead {
				if slices.Contains(dead[:i], cookie) || cookie == b.cookie("session") {
					t.Error("an id came back")
				}
				old := s.browser()
				plant(old, "kejitong_session", cookie)
				if s.whois(old) != "" {
					t.Errorf("old id %d still lives", i)
				}
			}
		})
		s.run("two cookies of one name", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			mine := b.cookie("session")
			bare := s.browser().still()
			a := asking("web", "openid", "prompt", "none")
			for _, header := range []string{"kejitong_session=x; kejitong_session=" + mine, "kejitong_session=" + mine + "; kejitong_session=x"} {
				s.refused(a, bare.send(http.MethodGet, s.authorizeURL(a), nil, "Cookie", header), "login_required")
			}
			if !s.answer(a, bare.send(http.MethodGet, s.authorizeURL(a), nil, "Cookie", "kejitong_session="+mine)).Has("code") {
				t.Error("control: one cookie is no session")
			}
		})
	})
}

// S37: on every route of ours that changes something, what another site can
// make a browser send changes nothing. The form as drawn goes through at the
// end, so nothing before it had an effect.
func TestForgedForms(t *testing.T) {
	const deeds = "SELECT COUNT(*) FROM audit WHERE kind NOT LIKE 'key%'" // keys are made in the background
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		s.client("third", func(c *client.Client) { c.Metadata.FirstParty = false })
		stranger := findForm(t, s.browser().get(s.issuer+"/login").body, "username").values.Get("form_token")
		for _, row := range []struct {
			route, who string
			a          attempt
			press      url.Values
		}{
			{"/login", "", asking("web", "openid"), url.Values{"username": {s.account("a").Username}, "password": {s.account("a").Password}}},
			{"/login/account", "a", asking("web", "openid", "prompt", "select_account"), url.Values{"account": {"current"}}},
			{"/login/unit", "e", newAttempt("openid org"), nil},
			{"/consent", "a", asking("third", "openid"), url.Values{"decision": {"allow"}}},
			{"/refused", "d", asking("web", "openid").with("client_id", "tech-sme", "redirect_uri", s.cast.systems[1].BaseURL+"/cb"), url.Values{"cancel": {"yes"}}},
			{"/logout", "a", attempt{}, url.Values{"logout": {"yes"}}},
		} {
			s.run(row.route, func(t *testing.T, s *arena) {
				b := s.browser()
				if row.who != "" {
					b.in(s, row.who)
				}
				u := s.issuer + "/logout"
				if row.a.params != nil {
					u = s.authorizeURL(row.a)
				}
				p := b.get(u)
				at(t, p, row.route)
				good := findForm(t, p.body, "form_token").values
				for k, v := range row.press {
					good[k] = v
				}
				if row.press == nil {
					good.Set("org", unitID(t, p, demoUSCC))
				}
				edit := func(name string, values ...string) url.Values {
					f := url.Values{}
					for k, v := range good {
						f[k] = v
					}
					if f[name] = values; len(values) == 0 {
						delete(f, name)
					}
					return f
				}
				b = b.still()
				before, target, session := s.count(deeds), p.Request.URL.String(), b.cookie("session")
				for _, m := range []struct {
					name, method string
					form         url.Values
					header       []string
					want         int
				}{
					{"cross-site", "POST", good, []string{"Sec-Fetch-Site", "cross-site"}, 403},
					{"same-site", "POST", good, []string{"Sec-Fetch-Site", "same-site"}, 403},
					{"opaque origin", "POST", good, []string{"Origin", "null"}, 403},
					{"foreign origin", "POST", good, []string{"Origin", "https://evil.test"}, 403},
					{"origin on another port", "POST", good, []string{"Origin", "http://127.0.0.1:1"}, 403},
					{"origin of another scheme", "POST", good, []string{"Origin", strings.Replace(s.issuer, "http:", "https:", 1) + "0"}, 403},
					{"no token", "POST", edit("form_token"), nil, 403},
					{"empty token", "POST", edit("form_token", ""), nil, 403},
					{"another browser's token", "POST", edit("form_token", stranger), nil, 403},
					{"two tokens", "POST", edit("form_token", good.Get("form_token"), stranger), nil, 403},
					{"JSON", "POST", good, []string{"Content-Type", "application/json"}, 403},
					{"text/plain", "POST", good, []string{"Content-Type", "text/plain"}, 403},
					{"multipart", "POST", good, []string{"Content-Type", "multipart/form-data; boundary=x"}, 403},
					{"no content type", "POST", good, []string{"Content-Type", ""}, 403},
					{"PUT", "PUT", good, nil, 405}, {"PATCH", "PATCH", good, nil, 405}, {"DELETE", "DELETE", good, nil, 405},
					{"GET with a body", "GET", good, nil, 200},
					{"overridden by header", "GET", nil, []string{"X-HTTP-Method-Override", "POST", "X-Method-Override", "POST"}, 200},
				} {
					got := b.send(m.method, target, m.form, m.header...)
					if got.StatusCode != m.want || got.Header.Get("Location") != "" || b.cookie("session") != session {
						t.Errorf("%s: %d to %q, want %d and nothing changed", m.name, got.StatusCode, got.Header.Get("Location"), m.want)
					}
				}
				q := edit("_method", "POST")
				for name := range p.Request.URL.Query() {
					q.Del(name)
				}
				for name, got := range map[string]page{
					"in the URL alone, GET":              b.get(target + sep(p.Request.URL) + q.Encode()),
					"in the URL alone, POST":             b.send(http.MethodPost, target+sep(p.Request.URL)+q.Encode(), url.Values{}),
					"the right token without any cookie": s.browser().still().send(http.MethodPost, target, good),
				} {
					if got.StatusCode == http.StatusSeeOther || b.cookie("session") != session {
						t.Errorf("%s: %d to %q", name, got.StatusCode, got.Header.Get("Location"))
					}
				}
				if n := s.count(deeds); n != before && row.route != "/refused" { // which notes that it was shown
					t.Errorf("%d audit rows more: something happened", n-before)
				}
				if got := b.send(http.MethodPost, target, good); got.StatusCode != http.StatusSeeOther { // an old browser: neither Origin nor Sec-Fetch-Site; the token decides
					t.Errorf("control: %d, want 303:\n%s", got.StatusCode, got.body)
				}
			})
		}
	})
}
