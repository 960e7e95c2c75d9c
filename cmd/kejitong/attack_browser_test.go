package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/config"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/session"
	"kejitong/store/storetest"
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

// S41, over what the inspector sees of every response: each status has its
// page, nobody's popup is cut off, forms lead to the client that asks alone.
// No state; S86 has the pages for 500 and 503.
func TestHeadersOfEveryAnswer(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	s.client("web", nil)
	s.client("loop", func(c *client.Client) { c.Metadata.RedirectURIs = []string{democb} })
	b := s.browser().still()
	long := strings.Repeat("x", 9<<10)
	for _, row := range []struct {
		method, path string
		header       []string
		want         int
	}{
		{"GET", "/", nil, 200}, {"HEAD", "/", nil, 200}, {"GET", "/login", nil, 200}, {"GET", "/logout", nil, 200}, {"GET", "/logout/done", nil, 200},
		{"GET", "/lang?to=en&return_to=/", nil, 303}, {"GET", "/oauth2/authorize", nil, 400}, {"GET", "/oauth2/logout?id_token_hint=x", nil, 400}, {"POST", "/login", nil, 403},
		{"GET", "/nothing", nil, 404}, {"GET", "/oauth2/authorize?interaction=x", nil, 404}, {"GET", "/.well-known/nothing", []string{"Accept", "text/html"}, 404},
		{"POST", "/", nil, 405}, {"TRACE", "/login", nil, 405}, {"DELETE", "/oauth2/authorize", nil, 405}, {"GET", "/oauth2/token", []string{"Accept", "text/html"}, 405}, {"PROPFIND", "/oauth2/logout", nil, 405},
		{"GET", "/consent?interaction=x", nil, 410}, {"GET", "/login?interaction=x", nil, 410}, {"GET", "/refused", nil, 410},
		{"GET", "/login?" + long, nil, 414}, {"GET", "/login", []string{"A", long, "B", long}, 431},
	} {
		p := b.send(row.method, s.issuer+row.path, nil, row.header...)
		if p.StatusCode != row.want {
			t.Errorf("%s %.40s: %d, want %d", row.method, row.path, p.StatusCode, row.want)
		}
		if p.StatusCode >= 400 && !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s %.40s: %s, want a page", row.method, row.path, p.Header.Get("Content-Type"))
		}
	}
	b = s.browser()
	opener := func(p page, want string) {
		t.Helper()
		if got := p.Header.Get("Cross-Origin-Opener-Policy"); got != want {
			t.Errorf("%s: COOP %q, want %q", p.Request.URL.Path, got, want)
		}
	}
	opener(b.get(s.issuer+"/"), "same-origin")
	action := func(p page) string {
		_, rest, _ := strings.Cut(p.Header.Get("Content-Security-Policy"), "form-action ")
		rest, _, _ = strings.Cut(rest, ";")
		return rest
	}
	p := b.get(s.authorizeURL(asking("web", "openid")))
	opener(p, "")
	if got := action(p); got != "'self' https:" {
		t.Errorf("form-action %s for an https client (settlement 24)", got)
	}
	if got := action(b.get(s.authorizeURL(asking("loop", "openid", "redirect_uri", democb)))); got != "'self' https: http://127.0.0.1:9999" {
		t.Errorf("form-action %s for a loopback client (settlement 24)", got)
	}
	if got := action(b.get(s.issuer + "/login")); got != "'self'" {
		t.Errorf("form-action %s at the front door", got)
	}
	b.in(s, "a")
	if p := b.get(s.issuer + "/"); p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("signed in: %s", p.Header.Get("Cache-Control"))
	}
	a := asking("web", "openid", "response_mode", "form_post", "state", `"><script>alert(1)</script>`)
	p = b.get(s.authorizeURL(a))
	s.redeem(a, p) // S42
	if got := action(p); got != "'self' https:" || strings.Count(p.body, "<script") != 2 || strings.Contains(p.body, "form_token") {
		t.Errorf("form_post page: form-action %s:\n%s", got, p.body)
	}
}

// S42, settlement 24: the form_post page submits itself in a real browser under
// its policy, also where the client redirects on.
func TestFormPostInChromium(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	var got url.Values
	rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cb" {
			if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" || r.Method != http.MethodPost {
				t.Errorf("%s with %q: %v", r.Method, r.URL.RawQuery, err)
			}
			got = r.PostForm
			http.Redirect(w, r, "/home", http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<p id="home">in</p>`))
	}))
	t.Cleanup(rp.Close)
	s.client("rp", func(c *client.Client) { c.Metadata.RedirectURIs = []string{rp.URL + "/cb"} })
	ctx, violations := chromium(t, 1280)
	a := asking("rp", "openid", "redirect_uri", rp.URL+"/cb", "response_mode", "form_post", "state", `"'<&>; é`)
	who := s.account("a")
	if err := chromedp.Do(ctx, chromedp.Navigate(s.authorizeURL(a)), chromedp.WaitVisible("#username"), chromedp.SendKeys("#username", who.Username),
		chromedp.SendKeys("#password", who.Password), chromedp.Submit("#password"), chromedp.WaitVisible("#home")); err != nil {
		t.Fatal(err)
	}
	if got.Get("state") != a.params.Get("state") || got.Get("iss") != s.issuer || got.Get("code") == "" || len(got) != 3 {
		t.Errorf("the client received %v", got)
	}
	if status, m := s.exchange(a, got.Get("code")); status != http.StatusOK {
		t.Errorf("token endpoint: %d %v", status, m)
	}
	if len(*violations) > 0 {
		t.Errorf("the browser complained: %q", *violations)
	}
}

// S43: browser code of registered origins may call the protocol's endpoints,
// nobody else may, never with credentials, and pages never.
func TestCrossOriginCalls(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		const good = "https://spa.example.gov.cn"
		s.client("spa", func(c *client.Client) { c.Metadata.RedirectURIs = []string{good + "/cb", "http://localhost/cb"} })
		s.client("gone", func(c *client.Client) {
			c.Metadata.RedirectURIs, c.State = []string{"https://gone.example.gov.cn/cb"}, client.Disabled
		})
		open := []string{"/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke", "/oauth2/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}
		closed := []string{"/oauth2/authorize", "/oauth2/logout", "/oauth2/par", "/oauth2/introspect", "/login", "/login/account", "/login/unit", "/consent", "/refused", "/logout", "/logout/done", "/", "/lang", "/nothing"}
		ask := func(method, path, origin string) http.Header {
			r, err := http.NewRequest(method, s.issuer+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "authorization")
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
			return res.Header
		}
		for _, origin := range []string{"https://evil.test", "null", "https://spa.example.gov.cn.evil.test", "https://evilspa.example.gov.cn", "https://spa.example.gov.c", "https://spa.example.gov.cn:8443",
			"http://spa.example.gov.cn", "https://SPA.example.gov.cn", "https://spa.example.gov.cn/", "https://u@spa.example.gov.cn", "https://localhost.evil.test", "http://localhost:1", "https://gone.example.gov.cn", "*", good + ", https://evil.test", "\xff", "https://" + strings.Repeat("a", 300)} {
			paths := open
			if origin == "https://evil.test" || origin == "null" {
				paths = slices.Concat(open, closed)
			}
			for _, path := range paths {
				for _, method := range []string{"GET", "POST", "OPTIONS"} {
					for name, v := range ask(method, path, origin) {
						if strings.HasPrefix(name, "Access-Control-") {
							t.Errorf("%s %s from %q: %s: %s", method, path, origin, name, v)
						}
					}
				}
			}
		}
		for _, path := range closed {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				if h := ask(method, path, good); h.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s %s: pages have no CORS at all", method, path)
				}
			}
		}
		for _, path := range open {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				h := ask(method, path, good)
				handled := method == "OPTIONS" || (method == "POST") == slices.Contains([]string{"/oauth2/token", "/oauth2/revoke"}, path) || path == "/oauth2/userinfo"
				if got := h.Get("Access-Control-Allow-Origin"); handled && (got != good || !slices.Contains(h.Values("Vary"), "Origin")) || h.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s %s from the registered origin: %v", method, path, h)
				}
			}
		}
	})
}

// S44: who we are comes from the configuration, whatever the request claims.
func TestForgedHost(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		b := s.browser()
		b.in(s, "a")
		mine := b.cookie("session")
		b = s.browser().still() // cookies by hand: a jar would keep them for the forged host
		a, silent := asking("web", "openid", "prompt", "login"), asking("web", "openid", "prompt", "none")
		discovery := b.get(s.issuer + "/.well-known/openid-configuration").body
		for _, header := range []string{"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Scheme", "Forwarded", "X-Original-Url", "X-Rewrite-Url", "X-Host", "X-Http-Host-Override", "Front-End-Https"} {
			value := map[string]string{"Forwarded": "for=1.2.3.4;host=evil.test;proto=https", "X-Original-Url": "/logout", "X-Rewrite-Url": "/logout", "X-Forwarded-Proto": "https", "X-Forwarded-Scheme": "https", "Front-End-Https": "on"}[header]
			if value == "" {
				value = "evil.test"
			}
			if got := b.send(http.MethodGet, s.issuer+"/.well-known/openid-configuration", nil, header, value); got.body != discovery {
				t.Errorf("%s changes the discovery document", header)
			}
			if got := b.send(http.MethodGet, s.authorizeURL(a), nil, header, value).Header.Get("Location"); !strings.HasPrefix(got, "/login?interaction=") {
				t.Errorf("%s: sent to %q", header, got)
			}
			if p := b.send(http.MethodGet, s.authorizeURL(silent), nil, header, value, "Cookie", "kejitong_session="+mine); !s.answer(silent, p).Has("code") { // iss and target are checked by answer
				t.Errorf("%s: no code", header)
			}
			if got := b.send(http.MethodGet, s.issuer+"/login?other=1", nil, header, value); strings.Contains(got.body, "evil.test") || got.StatusCode != http.StatusOK {
				t.Errorf("%s shows on the page", header)
			}
		}
	})
}

// S44: without a configured proxy the address of the peer counts, so that no
// header opens a fresh counter of guesses; with one, garbage is an error.
func TestForgedAddress(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		b := s.browser()
		form := b.get(s.issuer + "/login")
		guess := func(password, ip string) page {
			f := findForm(t, form.body, "username").values
			f.Set("username", s.account("a").Username)
			f.Set("password", password)
			return b.still().send(http.MethodPost, s.issuer+"/login", f, "X-Forwarded-For", ip, "X-Real-Ip", ip, "Forwarded", "for="+ip, "True-Client-Ip", ip, "Cf-Connecting-Ip", ip, "Client-Ip", ip)
		}
		for i := range 5 {
			guess("wrong", fmt.Sprintf("198.51.100.%d", i))
		}
		if p := guess(s.account("a").Password, "198.51.100.77"); p.StatusCode == http.StatusSeeOther {
			t.Error("a header opened a fresh counter: signed in after five wrong guesses")
		}
		if n := s.count("SELECT COUNT(*) FROM audit WHERE ip LIKE '198.51.%'"); n != 0 {
			t.Errorf("%d audit rows believe the header", n)
		}
	})
	t.Run("behind a proxy", func(t *testing.T) { // no other state: SQLite alone
		s := newArena(t, storetest.SQLite(t), func(c *config.Config) { c.Listen.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
		b := s.browser().still()
		for _, garbage := range []string{"garbage", "198.51.100.7, unknown", "198.51.100.7,", "1.2.3.4.5"} {
			if p := b.send(http.MethodGet, s.issuer+"/login", nil, "X-Forwarded-For", garbage); p.StatusCode != http.StatusBadRequest {
				t.Errorf("X-Forwarded-For %q: %d, want 400", garbage, p.StatusCode)
			}
		}
		form := b.get(s.issuer + "/login")
		guess := func(password, ip string) page {
			f := findForm(t, form.body, "username").values
			f.Set("username", s.account("a").Username)
			f.Set("password", password)
			return b.send(http.MethodPost, s.issuer+"/login", f, "X-Forwarded-For", ip)
		}
		for i := range 6 {
			guess("wrong", fmt.Sprintf("10.0.0.%d, 198.51.100.7", i)) // the left part is the client's own claim
		}
		if p := guess(s.account("a").Password, "198.51.100.7"); p.StatusCode == http.StatusSeeOther {
			t.Error("the locked address signs in")
		}
		if p := guess(s.account("a").Password, "198.51.100.8"); p.StatusCode != http.StatusSeeOther {
			t.Errorf("control: another address: %d", p.StatusCode)
		}
	})
}

// S45 (CWE-601): nothing sends a browser to another origin. No state.
func TestOpenRedirects(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	b := s.browser().still()
	for _, to := range []string{"//e", `/\e`, "/%09/e", "https:e", "https://e", "//e/%2f..", `\\e`, "/\t/e", "/\r\nLocation: //e", "/a\nb", "///e", "/./e", "/../e", "/;@e", "e", "", "?x", "#x", "javascript:alert(1)", "data:x", "/ok\u2028", "/a%0d%0ab", "/%5ce", "/" + strings.Repeat("a", 3000)} {
		p := b.get(s.issuer + "/lang?" + url.Values{"to": {"en"}, "return_to": {to}}.Encode())
		if p.StatusCode != http.StatusBadRequest || p.Header.Get("Location") != "" {
			t.Errorf("return_to %q: %d to %q, want 400", to, p.StatusCode, p.Header.Get("Location"))
		}
	}
	for _, name := range []string{"return_to", "next", "redirect", "url", "continue", "post_logout_redirect_uri"} {
		for _, path := range []string{"/login", "/logout", "/logout/done", "/"} {
			p := b.get(s.issuer + path + "?" + url.Values{name: {"https://evil.test/x"}}.Encode())
			if strings.Contains(uniform(p), "evil.test") || p.Header.Get("Location") != "" {
				t.Errorf("%s believes %s", path, name)
			}
		}
	}
	if p := b.get(s.issuer + "/lang?to=en&return_to=" + url.QueryEscape("/login?other=1")); p.Header.Get("Location") != "/login?other=1&lang=en" {
		t.Errorf("control: %d to %q", p.StatusCode, p.Header.Get("Location"))
	}
}

// S46: a path has one spelling; every other is not found. Sent raw, because
// clients tidy paths up. No state.
func TestOddPaths(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	raw := func(target string) int {
		t.Helper()
		c, err := net.Dial("tcp", strings.TrimPrefix(s.issuer, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	for _, path := range []string{"/login", "/login/account", "/login/unit", "/consent", "/refused", "/logout", "/logout/done", "/oauth2/authorize", "/oauth2/userinfo", "/oauth2/logout", "/oauth2/introspect"} {
		tail, head := path[1:], path[:2]
		for _, odd := range []string{"//" + tail, "/./" + tail, "/x/../" + tail, "/%2e/" + tail, "/%2f" + tail, path + "/", path + "/.", path + "//", path + ".", path + ";a", path + ";a=b", path + "%2f", path + "%00", path + "%20", path + "%3f", path + ".json",
			fmt.Sprintf("/%%%02x%s", tail[0], tail[1:]), strings.ToUpper(path), head + strings.ToUpper(path[2:3]) + path[3:], "/%5c" + tail, "/" + strings.ReplaceAll(tail, "/", "%2f") + "%2f", "/static/.." + path, "/static/%2e%2e" + path} {
			if status := raw(odd); status != http.StatusNotFound && status != http.StatusBadRequest {
				t.Errorf("%s: %d, want 404", odd, status)
			}
		}
		if status := raw(path); status == http.StatusNotFound {
			t.Errorf("control: %s is not found", path)
		}
	}
}
