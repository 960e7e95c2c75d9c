package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/store/storetest"
)

var requestNumber = regexp.MustCompile(`class="code">([a-z2-7]{16})<`)

// number holds p to be a page for people with the number that finds the log
// line, and with nothing of our inside (which the inspector looks for).
func (s *arena) number(p page) {
	s.t.Helper()
	m := requestNumber.FindStringSubmatch(p.body)
	if m == nil || m[1] != p.Header.Get("X-Request-Id") || p.Header.Get("Location") != "" {
		s.t.Errorf("%s: no page with the request number:\n%s", p.Request.URL.Path, p.body)
		return
	}
	if !strings.Contains(s.logs.String(), m[1]) {
		s.t.Errorf("%s: the log does not know request %s", p.Request.URL.Path, m[1])
	}
}

// S86: without its database the provider says so, to people with a page, to
// programs with JSON; it tells nobody who is in, in or out, and loses nothing.
func TestPagesWithoutTheDatabase(t *testing.T) {
	wire := newLink(t, storetest.Postgres(t))
	s := newArena(t, wire.options, nil)
	s.client("web", nil)
	s.client("third", nil)
	b := s.browser()
	b.in(s, "a")
	a, waiting := asking("web", "openid"), asking("web", "openid", "prompt", "login")
	code := s.answer(a, b.get(s.authorizeURL(a))).Get("code")
	other := asking("third", "openid")
	m := s.redeem(other, b.get(s.authorizeURL(other)))
	parked := b.get(s.authorizeURL(waiting))
	at(t, parked, "/login")
	session := b.cookie("session")
	login := findForm(t, parked.body, "username").values
	login.Set("username", s.account("a").Username)
	login.Set("password", s.account("a").Password)
	signOut := findForm(t, b.get(s.issuer+"/logout").body, "logout=yes").values
	signOut.Set("logout", "yes")
	front := findForm(t, b.get(s.issuer+"/login?other=1").body, "username").values
	front.Set("username", s.account("a").Username)
	front.Set("password", s.account("a").Password)
	b = b.still()

	wire.cut()
	time.Sleep(600 * time.Millisecond) // past what the registry of clients may remember
	for name, p := range map[string]page{
		"authorize":            b.get(s.authorizeURL(a)),
		"authorize, prompt":    b.get(s.authorizeURL(a.with("prompt", "none"))),
		"authorize, stranger":  s.browser().still().get(s.authorizeURL(a)),
		"authorize by POST":    b.send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params),
		"the way back":         b.get(s.issuer + "/oauth2/authorize?" + parked.Request.URL.RawQuery),
		"the parked page":      b.get(parked.Request.URL.String()),
		"sign-in":              b.send(http.MethodPost, parked.Request.URL.String(), login),
		"front door":           b.send(http.MethodPost, s.issuer+"/login", front),
		"home, signed in":      b.get(s.issuer + "/"),
		"sign-out page":        b.get(s.issuer + "/logout"),
		"sign-out":             b.send(http.MethodPost, s.issuer+"/logout", signOut),
		"RP-initiated":         b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(m, "id_token")}, "post_logout_redirect_uri": {bye}}.Encode()),
		"RP-initiated by POST": b.send(http.MethodPost, s.issuer+"/oauth2/logout", url.Values{"id_token_hint": {text(m, "id_token")}}),
	} {
		if p.StatusCode != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d with Retry-After %q, want 503", name, p.StatusCode, p.Header.Get("Retry-After"))
		}
		s.number(p)
		if b.cookie("session") != session {
			t.Errorf("%s: the session cookie changed", name)
		}
	}
	check := func(name string, status int, m map[string]any) {
		t.Helper()
		if status != http.StatusServiceUnavailable || text(m, "error") == "" || m["active"] != nil || m["access_token"] != nil {
			t.Errorf("%s: %d %v, want 503 and an error in JSON", name, status, m)
		}
	}
	status, answer := s.exchange(a, code)
	check("token", status, answer)
	status, answer = s.exchange(other, "x")
	check("token, forged code", status, answer)
	status, answer = s.userinfo(text(m, "access_token"))
	check("userinfo", status, answer)
	for path, form := range map[string]url.Values{"/oauth2/introspect": {"token": {text(m, "access_token")}}, "/oauth2/revoke": {"token": {text(m, "access_token")}}, "/oauth2/par": other.params, "/oauth2/token": {"grant_type": {"refresh_token"}, "refresh_token": {text(m, "refresh_token")}}} {
		status, answer = s.post(path, "third", form)
		check(path, status, answer)
	}
	for method, path := range map[string]string{http.MethodPost: "/oauth2/register", http.MethodGet: "/oauth2/register/third", http.MethodDelete: "/oauth2/register/third"} {
		q, err := http.NewRequest(method, s.issuer+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+randomText(32))
		status, answer = s.send(q)
		check(method+" "+path, status, answer)
	}
	for _, path := range []string{"/oauth2/jwks", "/.well-known/openid-configuration", "/", "/login", "/logout/done", "/healthz"} { // need no database
		if p := s.plain(path); p.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, want 200 from memory", path, p.StatusCode)
		}
	}

	wire.mend()
	if s.whois(b) == "" {
		t.Error("the session is gone")
	}
	if status, m := s.exchange(a, code); status != http.StatusOK && text(m, "error") == "invalid_grant" {
		t.Errorf("the code is gone: %d %v", status, m)
	}
	s.redeem(waiting, b.get(s.issuer+b.send(http.MethodPost, parked.Request.URL.String(), login).Header.Get("Location")))
}

// plain is a request without cookies or inspection.
func (s *arena) plain(path string) page {
	s.t.Helper()
	s.stage.t = s.t
	return s.stage.browser().get(s.issuer + path)
}

// S86: what breaks inside stays inside: a table that is gone is a page with a
// number, and JSON for programs, never a redirect and never a sign-in.
func TestBrokenDatabase(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		b := s.browser()
		a := asking("web", "openid")
		parked := b.get(s.authorizeURL(a))
		s.exec("ALTER TABLE interactions RENAME TO gone_interactions")
		s.exec("ALTER TABLE grants RENAME TO gone_grants")
		for name, p := range map[string]page{"parked page": b.still().get(parked.Request.URL.String()), "new request": b.still().get(s.authorizeURL(a)), "way back": b.still().get(s.issuer + "/oauth2/authorize?" + parked.Request.URL.RawQuery)} {
			if p.StatusCode != http.StatusInternalServerError {
				t.Errorf("%s: %d, want 500", name, p.StatusCode)
			}
			s.number(p)
		}
		if status, m := s.exchange(a, "x.y.z"); status == http.StatusOK || m["access_token"] != nil {
			t.Errorf("token: %d %v", status, m)
		}
	})
}

// S87: the public listener has nothing of the service's inside; the desk (/admin) has
// its own tests.
func TestNothingForOperators(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), func(c *config.Config) { c.Listen.ReadHeaderTimeout = 200 * time.Millisecond })
	b := s.browser().still()
	for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug/requests", "/status", "/health", "/.git/config", "/config.yaml", "/.env", "/swagger.json", "/api"} {
		if p := b.get(s.issuer + path); p.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, p.StatusCode)
		}
	}
	if p := s.plain("/healthz"); p.StatusCode != http.StatusOK || p.body != "ok\n" || p.Header.Get("Server") != "" {
		t.Errorf("/healthz says %d %q", p.StatusCode, p.body)
	}
	for name, start := range map[string]string{"a header that never ends": "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "headers beyond all bounds": "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "no HTTP at all": "\x16\x03\x01\x00\x05hello\r\n\r\n"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.issuer, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, start) // the server may hang up while we write
		answer, err := io.ReadAll(c)
		if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Errorf("%s: the connection stays open", name)
		}
		if strings.Contains(string(answer), " 200 ") {
			t.Errorf("%s: %s", name, answer)
		}
		_ = c.Close()
	}
}

// S34, S41 under https: the inspector demands __Host-, Secure and HSTS of every
// response on the way through all pages; S87: TLS as measured. The databases
// make no difference here.
func TestBehindTLS(t *testing.T) {
	s, ca := newSecureArena(t, storetest.SQLite(t), nil, nil)
	s.client("web", nil)
	b := s.browser()
	first := b.get(s.authorizeURL(asking("web", "openid")))
	if first.ProtoMajor != 2 {
		t.Errorf("HTTP/%d", first.ProtoMajor)
	}
	p := b.signIn(s.stage, b.get(s.authorizeURL(newAttempt("openid org"))), "e")
	at(t, p, "/login/unit")
	b.press(p, "org="+unitID(t, p, demoUSCC))
	b.get(s.issuer + "/lang?to=en&return_to=/")
	b.get(s.authorizeURL(asking("web", "openid", "prompt", "select_account")))
	at(t, b.get(s.authorizeURL(asking("web", "openid", "prompt", "consent"))), "/consent")
	a := asking("web", "openid", "response_mode", "form_post")
	code := s.answer(a, b.get(s.authorizeURL(a))).Get("code")
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"web"}, "client_secret": {s.secret("web")}, "code": {code}, "redirect_uri": {rpcb}, "code_verifier": {a.verifier}}
	if p := b.send(http.MethodPost, s.issuer+"/oauth2/token", form); p.StatusCode != http.StatusOK || p.Header.Get("Set-Cookie") != "" {
		t.Errorf("token endpoint: %d %s", p.StatusCode, p.body)
	}
	names := map[string]bool{}
	for _, c := range b.http.Jar.Cookies(b.home) {
		names[c.Name] = true
	}
	for _, want := range []string{"__Host-kejitong_session", "__Host-kejitong_browser", "__Host-kejitong_state", "__Host-kejitong_lang"} {
		if !names[want] {
			t.Errorf("no cookie %s among %v", want, names)
		}
	}
	planted := s.browser() // what a plain-text page or another port can plant has no prefix
	planted.http.Jar.SetCookies(planted.home, []*http.Cookie{{Name: "kejitong_session", Value: b.cookie("session"), Path: "/"}})
	silent := asking("web", "openid", "prompt", "none")
	s.refused(silent, planted.still().get(s.authorizeURL(silent)), "login_required")
	b.press(b.get(s.issuer+"/logout"), "logout=yes")

	address := strings.TrimPrefix(s.issuer, "https://")
	cbc := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}
	for _, row := range []struct {
		name     string
		min, max uint16
		suites   []uint16
		ok       bool
	}{
		{"TLS 1.0", tls.VersionTLS10, tls.VersionTLS10, nil, false},
		{"TLS 1.1", tls.VersionTLS11, tls.VersionTLS11, nil, false},
		{"TLS 1.2 without AEAD or forward secrecy", tls.VersionTLS12, tls.VersionTLS12, cbc, false},
		{"TLS 1.2", tls.VersionTLS12, tls.VersionTLS12, nil, true},
		{"TLS 1.3", tls.VersionTLS13, tls.VersionTLS13, nil, true},
	} {
		c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: ca.roots, MinVersion: row.min, MaxVersion: row.max, CipherSuites: row.suites}) //nolint:gosec // old versions on purpose
		if (err == nil) != row.ok {
			t.Errorf("%s: %v, want a connection %v", row.name, err, row.ok)
		}
		if err == nil {
			_ = c.Close()
		}
	}
	res, err := http.Get("http://" + address + "/login")
	if err == nil {
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP: %d", res.StatusCode)
		}
		_ = res.Body.Close()
	}
}
