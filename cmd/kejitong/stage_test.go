package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"kejitong/config"
	"kejitong/store"
	"kejitong/store/storetest"
)

// stage is the whole provider, wired as serve wires it, on a real database with
// the demonstration's people in it, behind a real listener.
type stage struct {
	t      testing.TB
	app    *app
	cast   *performance
	issuer string
	logs   *syncBuffer
	over   http.RoundTripper // how browsers come here; nil: plain HTTP
}

// onBoth runs fn on a stage of each database.
func onBoth(t *testing.T, fn func(t *testing.T, s *stage)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, newStage(t, storetest.SQLite(t), nil)) })
	t.Run("postgres", func(t *testing.T) { fn(t, newStage(t, storetest.Postgres(t), nil)) })
}

// newStage starts a provider. Further stages on the same PostgreSQL options are
// further replicas of it.
func newStage(t testing.TB, o store.Options, tweak func(*config.Config)) *stage {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newStageOn(t, o, l, "http://"+l.Addr().String(), tweak)
}

func newStageOn(t testing.TB, o store.Options, l net.Listener, issuer string, tweak func(*config.Config)) *stage {
	t.Helper()
	return newStageAt(t, o, l, issuer, tweak, nil)
}

// newStageAt is newStageOn with an app that is changed before it is assembled.
func newStageAt(t testing.TB, o store.Options, l net.Listener, issuer string, tweak func(*config.Config), alter func(*app)) *stage {
	t.Helper()
	port := l.Addr().(*net.TCPAddr).Port
	cast, err := rehearse(t.TempDir(), port)
	if err != nil {
		t.Fatal(err)
	}
	c := &cast.config
	c.Issuer = issuer
	c.Database.Driver, c.Database.DSN, c.Database.Path, c.Database.MaxOpen = o.Driver, config.NewSecret([]byte(o.DSN)), o.Path, 24
	c.Keys.RootKey = config.NewSecret(storetest.Root)
	c.Passwords.FailureFloor = -1
	if tweak != nil {
		tweak(c)
	}
	// The shared test keys go in first; SQLite's one-process lock is let go of.
	db, _ := storetest.Prepared(t, o)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	logs := &syncBuffer{}
	if db, err = openDatabase(t.Context(), cast.config); err != nil {
		t.Fatal(err)
	}
	a := &app{cfg: cast.config, log: slog.New(slog.NewJSONHandler(logs, nil)), db: db}
	cast.equip(a)
	if alter != nil {
		alter(a)
	}
	a.hasher, a.render = cheap(a.cfg), drawn(t, a.cfg.Platform)
	if err := a.assemble(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cast.seed(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	tel, err := newTelemetry(t.Context(), *c, a)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.run(ctx, []net.Listener{l}, nil, tel) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := a.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &stage{t: t, app: a, cast: cast, issuer: issuer, logs: logs}
}

// browser is a user agent without script: cookies, forms and nothing else. It
// follows redirects inside the provider and stops where they leave it.
type browser struct {
	t    testing.TB
	home *url.URL
	http *http.Client
	asks bool // stops where a unit's data are to be confirmed; else they are confirmed at once
}

func (s *stage) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	home, err := url.Parse(s.issuer)
	if err != nil {
		s.t.Fatal(err)
	}
	b := &browser{t: s.t, home: home}
	b.http = &http.Client{Jar: jar, Transport: s.over, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != home.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// page is an answer with its body.
type page struct {
	*http.Response
	body string
}

func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{res, string(body)}
	if !b.asks && res.StatusCode == http.StatusOK && res.Request.URL.Path == "/login/entry" {
		return b.submit(p, "decision=allow", url.Values{"decision": {"allow"}})
	}
	return p
}

func (b *browser) get(u string) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, u, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

// submit fills the form that has the named field or button and posts it as a
// browser would, with the Origin of the page.
func (b *browser) submit(p page, has string, fill url.Values) page {
	b.t.Helper()
	f := findForm(b.t, p.body, has)
	for k, v := range fill {
		f.values[k] = v
	}
	action := p.Request.URL.ResolveReference(&url.URL{})
	if f.action != "" {
		u, err := action.Parse(f.action)
		if err != nil {
			b.t.Fatal(err)
		}
		action = u
	}
	r, err := http.NewRequest(http.MethodPost, action.String(), strings.NewReader(f.values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.home.Scheme+"://"+b.home.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Referer", p.Request.URL.String())
	return b.do(r)
}

type form struct {
	action string
	values url.Values
}

// findForm gives the first form with a field or button called has, "name" or
// "name=value".
func findForm(t testing.TB, body, has string) form {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	name, value, withValue := strings.Cut(has, "=")
	var found *form
	var walk func(n *html.Node, f *form, hit *bool)
	walk = func(n *html.Node, f *form, hit *bool) {
		if n.Type == html.ElementNode && n.Data == "form" && f == nil {
			inner, wanted := &form{action: attr(n, "action"), values: url.Values{}}, false
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				walk(c, inner, &wanted)
			}
			if wanted && found == nil {
				found = inner
			}
			return
		}
		if n.Type == html.ElementNode && f != nil && (n.Data == "input" || n.Data == "button") {
			if attr(n, "name") == name && (!withValue || attr(n, "value") == value) {
				*hit = true
			}
			if kind := attr(n, "type"); n.Data == "input" && (kind == "hidden" || kind == "text" || kind == "") {
				f.values.Set(attr(n, "name"), attr(n, "value"))
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, f, hit)
		}
	}
	walk(root, nil, nil)
	if found == nil {
		t.Fatalf("no form with %q on this page:\n%s", has, body)
	}
	return *found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// account gives the demonstration's account of a claims case.
func (s *stage) account(c string) demoAccount {
	s.t.Helper()
	for _, a := range s.cast.accounts {
		if a.Case == c {
			return a
		}
	}
	s.t.Fatalf("no account of case %q", c)
	return demoAccount{}
}

func (s *stage) secret(clientID string) string { return s.cast.Secrets[clientID] }

// signIn fills the sign-in page p with the account of a case.
func (b *browser) signIn(s *stage, p page, c string) page {
	b.t.Helper()
	a := s.account(c)
	p = b.get(p.Request.URL.String() + sep(p.Request.URL) + "window=" + a.Kind)
	return b.submit(p, "username", url.Values{"username": {a.Username}, "password": {a.Password}})
}

func sep(u *url.URL) string {
	if u.RawQuery == "" {
		return "?"
	}
	return "&"
}

// attempt is one authorization request of a client.
type attempt struct {
	verifier string
	params   url.Values
}

const democb = "http://127.0.0.1:9999/cb"

// newAttempt makes a complete request of the demo-code client.
func newAttempt(scope string) attempt {
	v := randomText(32)
	sum := sha256.Sum256([]byte(v))
	return attempt{v, url.Values{
		"client_id": {"demo-code"}, "redirect_uri": {democb}, "response_type": {"code"}, "scope": {scope}, "state": {randomText(12)}, "nonce": {randomText(12)},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}}
}

func (s *stage) authorizeURL(a attempt) string {
	return s.issuer + "/oauth2/authorize?" + a.params.Encode()
}

// callback reads the authorization response out of a redirect.
func callback(t testing.TB, p page) url.Values {
	t.Helper()
	loc, err := p.Location()
	if err != nil {
		t.Fatalf("no redirect but %d:\n%s", p.StatusCode, p.body)
	}
	if p.StatusCode != http.StatusSeeOther {
		t.Errorf("redirect with %d, want 303 (RFC 9700 section 4.12)", p.StatusCode)
	}
	return loc.Query()
}

// post sends a direct request with the client's Basic credentials and decodes
// the JSON answer.
func (s *stage) post(path, clientID string, v url.Values) (int, map[string]any) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.issuer+path, strings.NewReader(v.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if clientID != "" {
		r.SetBasicAuth(clientID, s.secret(clientID))
	}
	return s.send(r)
}

func (s *stage) send(r *http.Request) (int, map[string]any) {
	s.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var m map[string]any
	if len(b) > 0 {
		if err := json.Unmarshal(b, &m); err != nil {
			s.t.Fatalf("%s %s answered %d with no JSON: %s", r.Method, r.URL.Path, res.StatusCode, b)
		}
	}
	return res.StatusCode, m
}

// exchange redeems the code of an authorization response.
func (s *stage) exchange(a attempt, code string) (int, map[string]any) {
	s.t.Helper()
	return s.post("/oauth2/token", a.params.Get("client_id"), url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.params.Get("redirect_uri")}, "code_verifier": {a.verifier},
	})
}

// tokens walks the whole flow for the account of a case.
func (s *stage) tokens(b *browser, c, scope string) map[string]any {
	s.t.Helper()
	a := newAttempt(scope)
	p := b.get(s.authorizeURL(a))
	if p.StatusCode == http.StatusOK {
		p = b.signIn(s, p, c)
	}
	status, m := s.exchange(a, callback(s.t, p).Get("code"))
	if status != http.StatusOK {
		s.t.Fatalf("token endpoint answered %d: %v", status, m)
	}
	return m
}

func (s *stage) userinfo(token string) (int, map[string]any) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.issuer+"/oauth2/userinfo", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return s.send(r)
}

func text(m map[string]any, name string) string {
	v, _ := m[name].(string)
	return v
}
