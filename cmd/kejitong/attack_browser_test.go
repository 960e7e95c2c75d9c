package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/provider/client"
	"kejitong/store/storetest"
)

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
	if got.Get("state") != a.params.Get("state") || got.Get("iss") != s.issuer || got.Get("code") == "" || got.Get("session_state") == "" || len(got) != 4 {
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
