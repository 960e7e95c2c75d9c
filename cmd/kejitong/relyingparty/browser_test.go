package relyingparty_test

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"kejitong/cmd/kejitong/relyingparty"
)

// town is a provider and one system that relies on it.
type town struct {
	t     *testing.T
	clock *clock
	op    *op
	rp    *httptest.Server
	log   *logbook
}

func newTown(t *testing.T) *town {
	t.Helper()
	c := newClock()
	n := &town{t: t, clock: c, op: newOP(t, c), log: &logbook{}}
	n.rp = httptest.NewUnstartedServer(nil)
	system := &relyingparty.System{Name: "高新技术企业认定", NameEN: "High-tech Enterprise Accreditation", Code: "hightech_enterprise",
		Issuer: n.op.URL, ClientID: clientID, ClientSecret: clientSecret, BaseURL: "http://" + n.rp.Listener.Addr().String(),
		Scopes: []string{"openid", "profile", "org", "entitlements", "identity"}, Now: c.Now, Log: slog.New(slog.NewTextHandler(n.log, nil))}
	n.rp.Config.Handler = system.Handler()
	n.rp.Start()
	t.Cleanup(n.rp.Close)
	return n
}

type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// browser has a cookie jar and follows redirects; walker does not follow.
type browser struct {
	*town
	follow *http.Client
	walker *http.Client
}

func (n *town) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return &browser{town: n, follow: &http.Client{Jar: jar},
		walker: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type page struct {
	status int
	text   string // entities resolved
	raw    string
	header http.Header
	at     *url.URL
}

func (b *browser) do(c *http.Client, method, at string, form url.Values, header ...string) page {
	b.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = b.rp.URL + at
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, at, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{resp.StatusCode, html.UnescapeString(string(raw)), string(raw), resp.Header, resp.Request.URL}
}

func (b *browser) get(at string) page { b.t.Helper(); return b.do(b.follow, "GET", at, nil) }

func (b *browser) post(at string) page {
	b.t.Helper()
	return b.do(b.follow, "POST", at, url.Values{}, "Sec-Fetch-Site", "same-origin")
}

// begin starts a sign-in and returns the callback URL that the provider
// answers with, not yet visited.
func (b *browser) begin(login string) *url.URL {
	b.t.Helper()
	asked := b.do(b.walker, "GET", login, nil)
	if asked.status != http.StatusSeeOther {
		b.t.Fatalf("%s: %d %s", login, asked.status, asked.text)
	}
	answered := b.do(b.walker, "GET", asked.header.Get("Location"), nil)
	back, err := url.Parse(answered.header.Get("Location"))
	if err != nil || back.Path != "/cb" {
		b.t.Fatalf("provider answered %d, Location %q", answered.status, answered.header.Get("Location"))
	}
	return back
}

type state struct {
	SignedIn     bool           `json:"signed_in"`
	Sub          string         `json:"sub"`
	Org          map[string]any `json:"org"`
	Entitlements []string       `json:"entitlements"`
	Logouts      int            `json:"backchannel_logouts"`
}

func (b *browser) state() state {
	b.t.Helper()
	var s state
	if err := json.Unmarshal([]byte(b.get("/state.json").raw), &s); err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *browser) signIn() {
	b.t.Helper()
	if p := b.get("/login"); p.status != 200 || !b.state().SignedIn {
		b.t.Fatalf("sign-in ended at %s: %d %s", p.at, p.status, p.text)
	}
}

// element is the text of the element with that id, up to its end tag.
func (p page) element(id string) string {
	_, rest, ok := strings.Cut(p.raw, `id="`+id+`"`)
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "</")
	return html.UnescapeString(text)
}

func (p page) has(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(p.text, w) {
			t.Errorf("%s (%d) lacks %q:\n%s", p.at, p.status, w, p.text)
		}
	}
}
