package interact_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"kejitong/provider/authflow"
	"kejitong/provider/web"
)

// browser keeps cookies, reads forms and follows no redirect by itself.
type browser struct {
	t    testing.TB
	h    *house
	jar  *cookiejar.Jar
	http *http.Client
}

func (h *house) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	return &browser{h.t, h, jar, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer with its forms.
type page struct {
	path   string // where it was fetched
	status int
	header http.Header
	body   string
	forms  []form
}

type form struct {
	fields  url.Values
	buttons [][2]string
	boxes   [][2]string // unticked
}

func (b *browser) do(req *http.Request) *page {
	b.t.Helper()
	res, err := b.http.Do(req)
	must(b.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	must(b.t, err)
	p := &page{path: req.URL.RequestURI(), status: res.StatusCode, header: res.Header, body: string(raw)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		doc, err := html.Parse(strings.NewReader(p.body))
		must(b.t, err)
		p.read(doc, nil)
	}
	return p
}

func (p *page) read(n *html.Node, f *form) {
	at := func(key string) (string, bool) {
		for _, a := range n.Attr {
			if a.Key == key {
				return a.Val, true
			}
		}
		return "", false
	}
	if n.Type == html.ElementNode {
		name, _ := at("name")
		value, _ := at("value")
		kind, _ := at("type")
		_, checked := at("checked")
		switch {
		case n.Data == "form":
			p.forms = append(p.forms, form{fields: url.Values{}})
			i := len(p.forms) - 1
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				p.read(c, &p.forms[i])
			}
			return
		case f == nil:
		case n.Data == "button":
			f.buttons = append(f.buttons, [2]string{name, value})
		case n.Data == "input" && kind == "checkbox" && !checked:
			f.boxes = append(f.boxes, [2]string{name, value})
		case n.Data == "input" && name != "":
			f.fields.Add(name, value)
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.read(c, f)
	}
}

func (b *browser) get(path string) *page {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.h.url+path, nil)
	must(b.t, err)
	return b.do(req)
}

// post sends a form by hand; header holds names and values in turn.
func (b *browser) post(path string, fields url.Values, header ...string) *page {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.h.url+path, strings.NewReader(fields.Encode()))
	must(b.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.do(req)
}

// press sends the page's form that has the button, with more fields filled in.
func (b *browser) press(p *page, name, value string, more ...string) *page {
	b.t.Helper()
	for _, f := range p.forms {
		for _, button := range f.buttons {
			if button != [2]string{name, value} {
				continue
			}
			fields := url.Values{}
			for k, v := range f.fields {
				fields[k] = v
			}
			if name != "" {
				fields.Set(name, value)
			}
			for i := 0; i+1 < len(more); i += 2 {
				fields[more[i]] = append(fields[more[i]][:0:0], more[i+1])
			}
			return b.post(p.path, fields)
		}
	}
	b.t.Fatalf("no button %s=%s on %s (%d)", name, value, p.path, p.status)
	return nil
}

func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.h.url)
	must(b.t, err)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) plant(name, value string) {
	u, err := url.Parse(b.h.url)
	must(b.t, err)
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// id is the browser's own id; the first page with a form sets it.
func (b *browser) id() string {
	if b.cookie(web.BrowserCookie) == "" {
		b.get("/login?other=1")
	}
	return b.cookie(web.BrowserCookie)
}

// begin parks a request as the authorization endpoint does.
func (b *browser) begin(q url.Values) string {
	b.t.Helper()
	id, key, err := authflow.NewID()
	must(b.t, err)
	now := b.h.now()
	must(b.t, b.h.db.Park(b.t.Context(), authflow.Pending{
		Key: key, Client: q.Get("client_id"), Form: q.Encode(), Browser: authflow.Key(b.id()), CreatedAt: now, ExpiresAt: now.Add(10 * time.Minute),
	}))
	return id
}

// signIn signs in through the form at path.
func (b *browser) signIn(path, username string, more ...string) *page {
	b.t.Helper()
	return b.press(b.get(path), "", "", append([]string{"username", username, "password", password}, more...)...)
}

// guess signs in with a password, and with the captcha if one is owed.
func (b *browser) guess(path, username, password string) *page {
	b.t.Helper()
	p := b.signIn(path, username, "password", password)
	if p.owes() {
		p = b.press(p, "", "", "username", username, "password", password, "captcha", "always")
	}
	return p
}

// owes tells whether the form was not judged for want of a captcha.
func (p *page) owes() bool { return strings.Contains(p.body, `id="captcha-why"`) }

// asks tells whether the page has a captcha.
func (p *page) asks() bool { return strings.Contains(p.body, `name="captcha_id"`) }

// in signs in at the front door and fails the test if it does not work.
func (b *browser) in(username, window string) {
	b.t.Helper()
	if p := b.signIn("/login?other=1&window="+window, username); p.status != 303 || p.header.Get("Location") != "/" {
		b.t.Fatalf("sign-in of %s: %d %s", username, p.status, p.body)
	}
}

// goes fails unless the answer is a 303 to target.
func (p *page) goes(t testing.TB, target string) {
	t.Helper()
	if got := p.header.Get("Location"); p.status != http.StatusSeeOther || got != target {
		_, heading, _ := strings.Cut(p.body, "<h1>")
		heading, _, _ = strings.Cut(heading, "</h1>")
		t.Errorf("%s: got %d (%s) to %q, want 303 to %q", p.path, p.status, heading, got, target)
	}
}

func returns(id string) string { return "/oauth2/authorize?interaction=" + id }
