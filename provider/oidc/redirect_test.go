package oidc

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/provider/web"
)

// mutations of https://rp.example.cn/cb that some parser, somewhere, takes for
// the same (RFC 9700 §2.1: exact string matching).
var mutations = []struct{ name, uri string }{
	{"empty", ""},
	{"slash added", "https://rp.example.cn/cb/"},
	{"question mark added", "https://rp.example.cn/cb?"},
	{"hash added", "https://rp.example.cn/cb#"},
	{"path parent", "https://rp.example.cn/cb/../cb"},
	{"path self", "https://rp.example.cn/./cb"},
	{"matrix parent", "https://rp.example.cn/cb/..;/cb"},
	{"encoded parent", "https://rp.example.cn/cb/%2e%2e%2fcb"},
	{"twice encoded slash", "https://rp.example.cn/cb%252f"},
	{"encoded letter", "https://rp.example.cn/%63b"},
	{"double slash", "https://rp.example.cn//cb"},
	{"user", "https://user@rp.example.cn/cb"},
	{"user and password", "https://u:p@rp.example.cn/cb"},
	{"the registered host as user", "https://rp.example.cn@evil.test/cb"},
	{"several at signs", "https://rp.example.cn@evil.test@rp.example.cn/cb"},
	{"backslash before at", `https://evil.test\@rp.example.cn/cb`},
	{"backslash host", `https://rp.example.cn\.evil.test/cb`},
	{"backslashes for slashes", `https:\\rp.example.cn\cb`},
	{"tab inside", "https://rp.example.cn/\tcb"},
	{"line feed inside", "https://rp.example.cn/c\nb"},
	{"line feed after", "https://rp.example.cn/cb\n"},
	{"blank before", " https://rp.example.cn/cb"},
	{"blank after", "https://rp.example.cn/cb "},
	{"NUL after", "https://rp.example.cn/cb\x00"},
	{"host in capitals", "https://RP.example.cn/cb"},
	{"scheme in capitals", "HTTPS://rp.example.cn/cb"},
	{"path in capitals", "https://rp.example.cn/CB"},
	{"default port", "https://rp.example.cn:443/cb"},
	{"other port", "https://rp.example.cn:8443/cb"},
	{"empty port", "https://rp.example.cn:/cb"},
	{"suffix of a stranger", "https://rp.example.cn.evil.test/cb"},
	{"trailing dot", "https://rp.example.cn./cb"},
	{"prefix only", "https://rp.example.cn/c"},
	{"longer", "https://rp.example.cn/cb2"},
	{"host only", "https://rp.example.cn"},
	{"other host", "https://evil.test/cb"},
	{"subdomain", "https://x.rp.example.cn/cb"},
	{"look-alike letter", "https://rp.\u0435xample.cn/cb"},
	{"look-alike in punycode", "https://rp.xn--xample-2of.cn/cb"},
	{"full-width dot", "https://rp\uff0eexample.cn/cb"},
	{"no TLS", "http://rp.example.cn/cb"},
	{"no scheme", "//rp.example.cn/cb"},
	{"other scheme", "javascript://rp.example.cn/cb"},
	{"code in the query", "https://rp.example.cn/cb?code=x"},
	{"state in the query", "https://rp.example.cn/cb?state=x"},
	{"iss in the query", "https://rp.example.cn/cb?iss=https://evil.test"},
	{"code in the fragment", "https://rp.example.cn/cb#code=x"},
	{"nested", "https://rp.example.cn/cb?next=https://evil.test"},
	{"two of them", "https://rp.example.cn/cb https://rp.example.cn/cb"},
	{"of another client", "https://gq.example.cn/cb"},
	{"very long", "https://rp.example.cn/cb" + strings.Repeat("a", maxParam)},
}

func authorizeForm(clientID, redirect string) url.Values {
	return url.Values{
		"client_id": {clientID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
}

// S1, P5: an HTML page at the provider, no Location, whatever parser would have
// called it the same URI.
func TestRedirectMutationsAreRefusedLocally(t *testing.T) {
	h := newHouse(t)
	h.register("rp", "", webClient(func(m *client.Metadata) { m.TokenEndpointAuthMethod = methodNone }))
	h.register("native", "", webClient(func(m *client.Metadata) {
		m.TokenEndpointAuthMethod, m.ApplicationType = methodNone, "native"
	}))
	for _, c := range mutations {
		for _, id := range []string{"rp", "native"} {
			t.Run(id+": "+c.name, func(t *testing.T) {
				if matchRedirect(h.find(id), c.uri) {
					t.Errorf("%q matches", c.uri)
				}
				w := h.get("/oauth2/authorize?" + authorizeForm(id, c.uri).Encode())
				if w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
					t.Errorf("%d, Location %q, %s", w.Code, w.Header().Get("Location"), w.Header().Get("Content-Type"))
				}
			})
		}
	}
	t.Run("the registered one itself", func(t *testing.T) {
		if w := h.get("/oauth2/authorize?" + authorizeForm("rp", "https://rp.example.cn/cb").Encode()); w.Code != http.StatusSeeOther {
			t.Errorf("%d: the rows above prove nothing", w.Code)
		}
	})
	t.Run("unknown client and bad URI look the same", func(t *testing.T) { // S3
		bodyOf := func(form url.Values) string {
			w := h.get("/oauth2/authorize?" + form.Encode())
			return nonceAndID.ReplaceAllString(w.Body.String(), "")
		}
		if bodyOf(authorizeForm("nobody", "https://rp.example.cn/cb")) != bodyOf(authorizeForm("rp", "https://evil.test/cb")) {
			t.Error("the page tells whether the client exists")
		}
	})
}

// nonceAndID are the parts of a page that differ from request to request, and
// the link to the same page in the other language.
var nonceAndID = regexp.MustCompile(`return_to=[^"]*|[A-Za-z0-9_-]{16,}`)

// S2, RFC 8252 §7.3: of a native client's http loopback URI the port may vary,
// and nothing else.
func TestLoopbackRedirects(t *testing.T) {
	native := func(uris ...string) *client.Client {
		return &client.Client{ID: "native", Metadata: client.Metadata{ApplicationType: "native", RedirectURIs: uris}}
	}
	v4, v6 := native("http://127.0.0.1/cb"), native("http://[::1]/cb")
	web := native("http://127.0.0.1/cb")
	web.Metadata.ApplicationType = "web"
	unset := native("http://127.0.0.1/cb")
	unset.Metadata.ApplicationType = ""
	for _, c := range []struct {
		name   string
		client *client.Client
		uri    string
		want   bool
	}{
		{"no native client", web, "http://127.0.0.1:9999/cb", false},
		{"application type not registered", unset, "http://127.0.0.1:9999/cb", false},
		{"the name localhost", v4, "http://localhost:9999/cb", false},
		{"localhost registered, port differs", native("http://localhost/cb"), "http://localhost:9999/cb", false},
		{"https registered, http asked", native("https://127.0.0.1/cb"), "http://127.0.0.1:9999/cb", false},
		{"https registered, port differs", native("https://127.0.0.1/cb"), "https://127.0.0.1:9999/cb", false},
		{"https asked", v4, "https://127.0.0.1:9999/cb", false},
		{"user info", v4, "http://u:p@127.0.0.1:9999/cb", false},
		{"loopback as user info", v4, "http://127.0.0.1@evil.test/cb", false},
		{"loopback and port as user info", v4, "http://127.0.0.1:80@evil.test/cb", false},
		{"encoded letter", v4, "http://127.0.0.1:9999/%63b", false},
		{"question mark", v4, "http://127.0.0.1:9999/cb?", false},
		{"query", v4, "http://127.0.0.1:9999/cb?code=x", false},
		{"fragment", v4, "http://127.0.0.1:9999/cb#", false},
		{"other path", v4, "http://127.0.0.1:9999/cb/", false},
		{"no path", v4, "http://127.0.0.1:9999", false},
		{"empty port", v4, "http://127.0.0.1:/cb", false},
		{"signed port", v4, "http://127.0.0.1:+80/cb", false},
		{"port with a letter", v4, "http://127.0.0.1:80a/cb", false},
		{"port of six digits", v4, "http://127.0.0.1:999999/cb", false},
		{"full-width port", v4, "http://127.0.0.1:\uff18\uff10/cb", false},
		{"two ports", v4, "http://127.0.0.1:80:80/cb", false},
		{"longer host", v4, "http://127.0.0.1.evil.test/cb", false},
		{"longer host after a port", v4, "http://127.0.0.1:80.evil.test/cb", false},
		{"longer number", v4, "http://127.0.0.11:80/cb", false},
		{"another loopback address", v4, "http://127.0.0.2:80/cb", false},
		{"short form", v4, "http://127.1:80/cb", false},
		{"octal form", v4, "http://0177.0.0.1:80/cb", false},
		{"decimal form", v4, "http://2130706433:80/cb", false},
		{"other family", v4, "http://[::1]:80/cb", false},
		{"long IPv6 form", v6, "http://[0:0:0:0:0:0:0:1]:80/cb", false},
		{"IPv6 zone", v6, "http://[::1%25lo]:80/cb", false},
		{"mapped address", v6, "http://[::ffff:127.0.0.1]:80/cb", false},
		{"capital scheme", v4, "HTTP://127.0.0.1:80/cb", false},
		{"backslash", v4, `http://127.0.0.1:80\cb`, false},
		{"registered with a query, query differs", native("http://127.0.0.1/cb?a=1"), "http://127.0.0.1:80/cb?a=2", false},
		{"a web URI of a native client", native("https://rp.example.cn/cb"), "https://rp.example.cn:8443/cb", false},
		{"a custom scheme", native("cn.example.app:/cb"), "cn.example.app:/cb2", false},

		{"as registered", v4, "http://127.0.0.1/cb", true},
		{"a port", v4, "http://127.0.0.1:49152/cb", true},
		{"another port than the registered one", native("http://127.0.0.1:8000/cb"), "http://127.0.0.1:9000/cb", true},
		{"no port where one is registered", native("http://127.0.0.1:8000/cb"), "http://127.0.0.1/cb", true},
		{"IPv6", v6, "http://[::1]:49152/cb", true},
		{"registered with a query", native("http://127.0.0.1/cb?a=1"), "http://127.0.0.1:80/cb?a=1", true},
		{"a custom scheme as registered", native("cn.example.app:/cb"), "cn.example.app:/cb", true},
		{"localhost as registered", native("http://localhost:8000/cb"), "http://localhost:8000/cb", true},
		{"a web client's loopback as registered", web, "http://127.0.0.1/cb", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := matchRedirect(c.client, c.uri); got != c.want {
				t.Errorf("%q: %v", c.uri, got)
			}
		})
	}
}

// loopbackURI is the rule written the other way: scheme and literal address, a
// port or none, a path or nothing.
var loopbackURI = regexp.MustCompile(`(?s)^(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:/.*)?)$`)

// FuzzMatchRedirect holds the matcher to byte equality and, for native clients,
// the port of a loopback URI.
func FuzzMatchRedirect(f *testing.F) {
	for _, m := range mutations {
		f.Add("https://rp.example.cn/cb", m.uri, true)
	}
	for _, s := range []string{"http://127.0.0.1:1/cb", "http://127.0.0.1:123456/cb", "http://127.0.0.1:1@e/cb", "http://[::1]:1/cb", "http://127.0.0.1:/cb", "http://127.0.0.1"} {
		f.Add("http://127.0.0.1/cb", s, true)
		f.Add("http://[::1]/cb", s, true)
		f.Add("http://127.0.0.1/cb", s, false)
	}
	f.Add("http://127.0.0.1.evil.test/cb", "http://127.0.0.1:1.evil.test/cb", true) // no loopback, whatever a registry let in
	f.Fuzz(func(t *testing.T, registered, sent string, native bool) {
		c := &client.Client{Metadata: client.Metadata{RedirectURIs: []string{registered}}}
		if native {
			c.Metadata.ApplicationType = "native"
		}
		want := sent == registered && sent != "" && len(sent) <= maxParam
		if a, b := loopbackURI.FindStringSubmatch(registered), loopbackURI.FindStringSubmatch(sent); native && a != nil && b != nil && len(sent) <= maxParam {
			want = want || a[1] == b[1] && a[2] == b[2]
		}
		if got := matchRedirect(c, sent); got != want {
			t.Fatalf("registered %q, sent %q, native %v: %v", registered, sent, native, got)
		}
		if !want || sent == registered {
			return
		}
		// Whoever follows it must not leave this machine.
		if u, err := url.Parse(sent); err == nil && (u.User != nil || u.Hostname() != "127.0.0.1" && u.Hostname() != "::1") {
			t.Fatalf("%q was accepted and leads to %q", sent, u.Host)
		}
	})
}

// RFC 6749 §3.1.2: a registered query stays as it is; the answer is added.
func TestAnswerKeepsTheRegisteredQuery(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"https://rp.example.cn/cb", "https://rp.example.cn/cb?code=a%26b"},
		{"https://rp.example.cn/cb?", "https://rp.example.cn/cb?code=a%26b"},
		{"https://rp.example.cn/cb?t=%2F%20+", "https://rp.example.cn/cb?t=%2F%20+&code=a%26b"},
		{"https://rp.example.cn/cb?t=1&", "https://rp.example.cn/cb?t=1&code=a%26b"},
		{"cn.example.app:/cb", "cn.example.app:/cb?code=a%26b"},
	} {
		if got := web.WithParams(c.uri, url.Values{"code": {"a&b"}}); got != c.want {
			t.Errorf("%s: %s", c.uri, got)
		}
	}
}
