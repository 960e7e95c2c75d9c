package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"kejitong/provider/parting"
)

// heard collects what must never be written down: cookies and codes.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) add(secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(secret) > 20 {
		h.list = append(h.list, secret)
	}
}

func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

// inspector reads every response that passes.
type inspector struct {
	t     *testing.T
	next  http.RoundTripper
	heard *heard
}

func (i inspector) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := i.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, c := range res.Cookies() {
		if strings.Contains(c.Name, "session") {
			i.heard.add(c.Value)
		}
	}
	if u, err := res.Location(); err == nil {
		for _, part := range []string{u.RawQuery, u.Fragment} {
			q, _ := url.ParseQuery(part) // what is no query holds no token either
			for _, name := range []string{"code", "access_token", "id_token", "response"} {
				i.heard.add(q.Get(name))
			}
		}
	}
	for _, breach := range inspect(r, res, string(body)) {
		i.t.Errorf("%s %s (%d): %s", r.Method, r.URL.Path, res.StatusCode, breach)
	}
	return res, nil
}

// inspect gives the breaches of the laws that hold for every response to a
// browser: S14, S34, S41, S86.
func inspect(r *http.Request, res *http.Response, body string) (breaches []string) {
	note := func(breach string) { breaches = append(breaches, breach) }
	secure := r.URL.Scheme == "https"
	if s := res.StatusCode; s >= 300 && s < 400 && s != http.StatusSeeOther && s != http.StatusNotModified {
		note("S14: redirects are 303 (RFC 9700 section 4.12)")
	}
	for _, c := range res.Cookies() {
		switch watched := strings.HasSuffix(c.Name, "kejitong_state"); {
		case watched && !c.HttpOnly && c.SameSite == sameSite(secure) && c.Secure == secure && c.Path == "/" && c.Domain == "" && strings.HasPrefix(c.Name, "__Host-") == secure:
			// the one that script may read, also in frames (Session Management 1.0)
		case !c.HttpOnly, c.Secure != secure, c.Path != "/", c.Domain != "", c.SameSite != http.SameSiteLaxMode,
			strings.HasPrefix(c.Name, "__Host-") != secure, len(c.Name)+len(c.Value) > 4096:
			note("S34: cookie " + c.Raw)
		}
	}
	want := map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
	if secure {
		want["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
	}
	kind := res.Header.Get("Content-Type")
	watching := r.URL.Path == "/oauth2/session" && res.StatusCode == http.StatusOK // framed by others: TestCheckSessionPage
	if strings.HasPrefix(kind, "text/html") && !watching {
		want["Cross-Origin-Resource-Policy"], want["X-Frame-Options"], want["Cache-Control"] = "same-origin", "DENY", "no-store"
	}
	for name, value := range want {
		if got := res.Header.Get(name); got != value {
			note("S41: " + name + " is " + got)
		}
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, d := range []string{"default-src 'none'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'", "form-action "} {
		if watching {
			d = strings.TrimSuffix(d, "'none'")
		}
		if !strings.Contains(policy, d) {
			note("S41: the policy lacks " + d)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") && !watching {
		note("S41: the policy is " + policy)
	}
	if strings.HasPrefix(kind, "text/html") && !watching {
		breaches = append(breaches, inspectPage(r, body, policy)...)
	}
	for _, leak := range leaks {
		if strings.Contains(body, leak) {
			note("S86: the answer tells " + leak)
		}
	}
	return breaches
}

// sameSite is that of the state cookie: None needs TLS.
func sameSite(secure bool) http.SameSite {
	if secure {
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}

// leaks is what only our own inside knows.
var leaks = []string{"goroutine ", ".go:", "pq: ", "sql: ", "sqlite", "postgres", "fosite", "panic:", "runtime error"}

// inspectPage: nothing comes from a third party, script only with the nonce,
// no handlers or styles in attributes (S41), and COOP only where nobody may
// watch a popup.
func inspectPage(r *http.Request, body, policy string) (breaches []string) {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return []string{err.Error()}
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				breaches = append(breaches, "S41: attribute "+a.Key+"="+a.Val)
			}
		}
		switch n.Data {
		case "script":
			if nonce := attr(n, "nonce"); nonce == "" || !strings.Contains(policy, "'nonce-"+nonce+"'") {
				breaches = append(breaches, "S41: script without the nonce")
			}
			if src := attr(n, "src"); foreign(r.URL, src) {
				breaches = append(breaches, "S41: loads "+src)
			}
		case "iframe": // only the policy's own, which stand on one page alone
			if src := attr(n, "src"); !framed(r.URL, src, policy) {
				breaches = append(breaches, "S41: loads "+src)
			}
		case "img": // a client's own picture, which learns nothing of the page
			if src := attr(n, "src"); foreign(r.URL, src) && !pictured(n, src, policy) {
				breaches = append(breaches, "S41: loads "+src)
			}
		case "link":
			if href := attr(n, "href"); foreign(r.URL, href) {
				breaches = append(breaches, "S41: loads "+href)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return breaches
}

// framed tells whether a frame is one that the page after a sign-out may load.
func framed(page *url.URL, src, policy string) bool {
	u, err := url.Parse(src)
	_, list, _ := strings.Cut(policy, "frame-src ")
	list, _, _ = strings.Cut(list, ";")
	return err == nil && page.Path == parting.Path && slices.Contains(strings.Fields(list), u.Scheme+"://"+u.Host)
}

// pictured tells whether a picture is the logo of the client at hand, from the
// one origin that the policy names for it, asked for without a Referer.
func pictured(n *html.Node, src, policy string) bool {
	u, err := url.Parse(src)
	_, list, _ := strings.Cut(policy, "img-src ")
	list, _, _ = strings.Cut(list, ";")
	return err == nil && attr(n, "class") == "logo" && attr(n, "referrerpolicy") == "no-referrer" && slices.Equal(strings.Fields(list), []string{"'self'", "data:", u.Scheme + "://" + u.Host})
}

func foreign(page *url.URL, ref string) bool {
	u, err := page.Parse(ref)
	return err != nil || u.Scheme != "data" && u.Host != page.Host
}

// The laws can be broken: a response that breaks them all is found out.
func TestInspectorSeesBreaches(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://op.example/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	res := &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{
		"Content-Type": {"text/html"}, "Set-Cookie": {"session=1; Path=/"}, "Content-Security-Policy": {"script-src 'unsafe-inline'"},
	}}
	all := strings.Join(inspect(r, res, `<a onclick="x()" style="a" href=" JavaScript:1"></a><iframe src="https://frame.example/x"></iframe><script src="https://cdn.example/x.js"></script><link href="//cdn.example/x.css">pq: relation`), "\n")
	for _, want := range []string{"S14", "S34: cookie", "X-Content-Type-Options", "Referrer-Policy", "Strict-Transport-Security", "X-Frame-Options", "Cache-Control",
		"default-src", "frame-ancestors", "the policy is", "onclick", "style=a", "JavaScript", "without the nonce", "frame.example/x", "cdn.example/x.js", "cdn.example/x.css", "tells pq: "} {
		if !strings.Contains(all, want) {
			t.Errorf("inspect does not see %q in:\n%s", want, all)
		}
	}
}
