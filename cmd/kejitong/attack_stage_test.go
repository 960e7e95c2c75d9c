package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store"
	"kejitong/store/storetest"
)

// arena is a stage with what attackers need: the database past the provider,
// clients of their own, requests that follow nothing. Every response that one
// of its browsers sees is held to the laws of inspect.
type arena struct {
	*stage
	t       *testing.T
	options store.Options
	heard   *heard
}

// onArenas runs fn in an arena on each database.
func onArenas(t *testing.T, fn func(t *testing.T, s *arena)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, newArena(t, storetest.SQLite(t), nil)) })
	t.Run("postgres", func(t *testing.T) { fn(t, newArena(t, storetest.Postgres(t), nil)) })
}

// newArena starts a provider.
func newArena(t *testing.T, o store.Options, tweak func(*config.Config)) *arena {
	t.Helper()
	return arenaOf(t, newStage(t, o, tweak), o)
}

// arenaOf makes passwords cost next to nothing from now on: configuration
// cannot, and what they cost is tested elsewhere.
func arenaOf(t *testing.T, st *stage, o store.Options) *arena {
	h := st.app.hasher
	h.MemoryKiB, h.Time, h.PerAddress = 8, 1, -1
	s := &arena{stage: st, t: t, options: o, heard: &heard{}}
	t.Cleanup(func() { // S84, as far as these requests reach: no secret in a log
		log := st.logs.String()
		for _, secret := range slices.Concat(s.heard.all(), slices.Collect(maps.Values(st.cast.Secrets))) {
			if strings.Contains(log, secret) {
				t.Errorf("the log holds the secret %q", secret)
			}
		}
	})
	return s
}

// run is a subtest in the same arena.
func (s *arena) run(name string, fn func(t *testing.T, s *arena)) {
	s.t.Run(name, func(t *testing.T) {
		st := *s.stage
		st.t = t
		fn(t, &arena{&st, t, s.options, s.heard})
	})
}

// browser is an inspected user agent without a past.
func (s *arena) browser() *browser {
	s.t.Helper()
	s.stage.t = s.t
	b := s.stage.browser()
	next := s.over
	if next == nil {
		next = http.DefaultTransport
	}
	b.http.Transport = inspector{s.t, next, s.heard}
	return b
}

// still is the same browser, but it follows no redirect.
func (b *browser) still() *browser {
	c, h := *b, *b.http
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &h
	return &c
}

// press sends the form of p with the button "name=value" (or a field "name") as
// a browser does; more are names and values in turn.
func (b *browser) press(p page, button string, more ...string) page {
	b.t.Helper()
	fill := url.Values{}
	if name, value, ok := strings.Cut(button, "="); ok {
		fill.Set(name, value)
	}
	for i := 0; i+1 < len(more); i += 2 {
		fill[more[i]] = append(fill[more[i]], more[i+1])
	}
	return b.submit(p, button, fill)
}

// send makes a request by hand; header holds names and values in turn.
func (b *browser) send(method, target string, body url.Values, header ...string) page {
	b.t.Helper()
	var reader io.Reader
	if body != nil {
		reader = strings.NewReader(body.Encode())
	}
	r, err := http.NewRequest(method, target, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(r)
}

// cookie gives what the browser would send, by the end of its name.
func (b *browser) cookie(name string) string {
	for _, c := range b.http.Jar.Cookies(b.home) {
		if strings.HasSuffix(c.Name, name) {
			return c.Value
		}
	}
	return ""
}

const rpcb = "https://rp.example.gov.cn/cb"

// client registers one more client: a web client of the platform's own
// controller unless change says otherwise.
func (s *arena) client(id string, change func(*client.Client)) {
	s.t.Helper()
	secret := randomText(32)
	s.cast.Secrets[id] = secret
	c := &client.Client{ID: id, SecretDigest: client.Digest(s.app.ring.Snapshot(), id, secret), State: client.Active, Reviewed: true, CreatedAt: now(), UpdatedAt: now(),
		Metadata: client.Metadata{
			Name: "某业务系统", LegalName: "某某中心", RedirectURIs: []string{rpcb}, PostLogoutRedirectURIs: []string{"https://rp.example.gov.cn/bye"},
			Scope:      "openid profile email phone address org entitlements groups identity authority org.legal_rep org.contact offline_access",
			GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, FirstParty: true,
			TokenEndpointAuthMethod: "client_secret_basic", ClaimsProfile: client.Standard,
		}}
	if change != nil {
		change(c)
	}
	if c.Metadata.TokenEndpointAuthMethod == client.AuthSecretJWT {
		if err := c.SetSecret(s.app.ring.Snapshot(), secret); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.app.db.PutClient(context.WithoutCancel(s.t.Context()), c, audit.Event{Kind: audit.ClientCreated, Actor: "test", Object: id}); err != nil {
		s.t.Fatal(err)
	}
}

// asking is a complete request of one of the arena's own clients.
func asking(clientID, scope string, more ...string) attempt {
	a := newAttempt(scope)
	a.params.Set("client_id", clientID)
	if clientID != "demo-code" {
		a.params.Set("redirect_uri", rpcb)
	}
	return a.with(more...)
}

// with is the same request with parameters (names and values in turn) set; the
// value "-" takes one away.
func (a attempt) with(more ...string) attempt {
	a.params = maps.Clone(a.params)
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "-" {
			a.params.Del(more[i])
			continue
		}
		a.params.Set(more[i], more[i+1])
	}
	return a
}

// refusedHere holds p to be a page of ours that sends nothing anywhere (S3).
func refusedHere(t *testing.T, p page) {
	t.Helper()
	if p.StatusCode != http.StatusBadRequest || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
		t.Errorf("got %d %s, want a page with 400", p.StatusCode, p.Header.Get("Content-Type"))
	}
	if l := p.Header.Get("Location"); l != "" {
		t.Errorf("Location %q, want none", l)
	}
	if strings.Contains(p.body, `id="response"`) {
		t.Error("the page posts an answer somewhere")
	}
}

var described = regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`) // RFC 6749 section 4.1.2.1

// refused is answer for errors: it gives the code of the error.
func (s *arena) refused(a attempt, p page, want string) {
	s.t.Helper()
	if got := s.answer(a, p).Get("error"); got != want {
		s.t.Errorf("error %q, want %q", got, want)
	}
}

// redeem exchanges the code in p and gives the token response.
func (s *arena) redeem(a attempt, p page) map[string]any {
	s.t.Helper()
	code := s.answer(a, p).Get("code")
	status, m := s.exchange(a, code)
	if status != http.StatusOK {
		s.t.Fatalf("token endpoint: %d %v", status, m)
	}
	return m
}

// in signs the account of a case in at the front door.
func (b *browser) in(s *arena, c string) {
	b.t.Helper()
	if p := b.signIn(s.stage, b.get(s.issuer+"/login?other=1"), c); p.Request.URL.Path != "/" {
		b.t.Fatalf("sign-in of %s ended at %s with %d", c, p.Request.URL.Path, p.StatusCode)
	}
}

// whois is the subject that the browser's session gives to demo-code, "" if
// there is no session.
func (s *arena) whois(b *browser) string {
	s.t.Helper()
	a := newAttempt("openid").with("prompt", "none", "org_hint", "-")
	q := s.answer(a, b.get(s.authorizeURL(a)))
	if q.Get("error") == "login_required" {
		return ""
	}
	_, m := s.exchange(a, q.Get("code"))
	return text(idToken(s.t, m), "sub")
}

// at fails unless p is the page at path.
func at(t *testing.T, p page, path string) {
	t.Helper()
	if p.Request.URL.Path != path || p.StatusCode != http.StatusOK {
		t.Fatalf("at %s with %d, want the page %s:\n%s", p.Request.URL, p.StatusCode, path, p.body)
	}
}

// idToken reads the claims of a token response's ID token; what verifies it is
// tested elsewhere.
func idToken(t *testing.T, m map[string]any) map[string]any {
	t.Helper()
	parts := strings.Split(text(m, "id_token"), ".")
	if len(parts) != 3 {
		t.Fatalf("no ID token in %v", m)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(b, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// exec changes the database past the provider.
func (s *arena) exec(statement string, args ...any) {
	s.t.Helper()
	storetest.Exec(s.t, s.options, statement, args...)
}

// count asks the database past the provider.
func (s *arena) count(query string, args ...any) int64 {
	s.t.Helper()
	return storetest.Count(s.t, s.options, query, args...)
}

// listen serves on a free loopback port until the test ends, and gives the
// address.
func listen(t *testing.T, srv *http.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}
