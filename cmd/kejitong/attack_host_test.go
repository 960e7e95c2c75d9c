package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/store/storetest"
)

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
			solve(f, s.drawn(b))
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
			solve(f, s.drawn(b))
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
