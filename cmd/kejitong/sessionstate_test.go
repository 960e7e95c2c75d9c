package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/provider/session"
	"kejitong/store/storetest"
)

// stateOver is session_state as Session Management 1.0 section 3.2 computes it,
// written anew from the specification.
func stateOver(clientID, origin, state, salt string) string {
	sum := sha256.Sum256([]byte(clientID + " " + origin + " " + state + " " + salt))
	return hex.EncodeToString(sum[:]) + "." + salt
}

// fits tells whether a session_state was made over the browser's state.
func fits(b *browser, got, clientID, origin string) bool {
	_, salt, ok := strings.Cut(got, ".")
	return ok && len(salt) >= 16 && !strings.ContainsAny(got, " \t") && got == stateOver(clientID, origin, b.cookie("kejitong_state"), salt)
}

// Session Management 1.0 section 2: session_state goes with every successful
// authentication, over a browser state that changes when somebody signs in,
// when somebody else does, and when nobody is signed in any more.
func TestSessionState(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		s.client("web", nil)
		s.client("other", nil)
		s.client("port", func(c *client.Client) {
			c.Metadata.RedirectURIs = []string{"https://RP.example.gov.cn:443/cb", "https://rp.example.gov.cn:8443/cb"}
		})
		s.client("native", func(c *client.Client) {
			c.Metadata.ApplicationType, c.Metadata.RedirectURIs = "native", []string{"cn.gov.example.app:/cb"}
		})
		const origin = "https://rp.example.gov.cn"
		ask := func(s *arena, b *browser, a attempt) url.Values { return s.answer(a, b.get(s.authorizeURL(a))) }
		state := func(s *arena, b *browser, more ...string) string {
			return ask(s, b, asking("web", "openid", more...)).Get("session_state")
		}

		s.run("signed in, changed hands, signed out", func(t *testing.T, s *arena) {
			b := s.browser()
			seen := map[string]bool{}
			fresh := func(when string) {
				t.Helper()
				c := b.cookie("kejitong_state")
				if seen[c] {
					t.Errorf("%s: the browser state is the same as before", when)
				}
				seen[c] = true
				for _, mode := range []string{"query", "form_post"} {
					if got := state(s, b, "response_mode", mode); !fits(b, got, "web", origin) {
						t.Errorf("%s, %s: session_state %q is not over the browser's state", when, mode, got)
					}
				}
				if b.cookie("kejitong_state") != c {
					t.Errorf("%s: the state changed without a reason", when)
				}
			}
			seen[""] = true
			b.in(s, "a")
			fresh("signed in")
			b.in(s, "a")
			fresh("signed in again")
			b.in(s, "c")
			fresh("somebody else")
			was := b.cookie("kejitong_state")
			b.press(b.get(s.issuer+"/logout"), "logout=yes")
			if b.cookie("kejitong_state") != "" {
				t.Error("signed out: the state is left")
			}
			b.in(s, "a")
			fresh("signed in after signing out")
			a := asking("web", "openid")
			m := s.redeem(a, b.get(s.authorizeURL(a)))
			b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(m, "id_token")}}.Encode())
			if got := b.cookie("kejitong_state"); got != "" || was == "" {
				t.Errorf("RP-initiated: the state is %q", got)
			}
		})
		s.run("the state gives nothing away", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			cookie, st := b.cookie("kejitong_session"), b.cookie("kejitong_state")
			for name, v := range map[string]string{"the cookie": cookie, "its key": session.Key(cookie), "the session": fmt.Sprint(s.count("SELECT COUNT(*) FROM sessions WHERE id = ? OR key = ?", st, st))} {
				if v == st || v == "1" {
					t.Errorf("the state is %s", name)
				}
			}
			if raw, err := base64.RawURLEncoding.DecodeString(st); err != nil || len(raw) < 32 {
				t.Errorf("the state has %d bytes", len(raw))
			}
			thief := s.browser()
			thief.http.Jar.SetCookies(thief.home, []*http.Cookie{{Name: "kejitong_session", Value: st, Path: "/"}, {Name: "kejitong_state", Value: st, Path: "/"}})
			if s.whois(thief) != "" {
				t.Error("whoever reads the state is signed in with it")
			}
			one, two := state(s, b), state(s, b)
			if one == two || strings.Split(one, ".")[1] == strings.Split(two, ".")[1] {
				t.Error("two answers have the same salt")
			}
			if fits(b, ask(s, b, asking("other", "openid")).Get("session_state"), "web", origin) {
				t.Error("two clients see the same session_state")
			}
		})
		s.run("which answers carry it", func(t *testing.T, s *arena) {
			b := s.browser()
			if got := state(s, b, "prompt", "none"); !fits(b, got, "web", origin) {
				t.Errorf("login_required: session_state %q is not over the empty state", got)
			}
			b.in(s, "a")
			for _, row := range []struct {
				name string
				a    attempt
				want string // the origin, "" for none
			}{
				{"an error that is no silent one's", asking("web", "openid", "prompt", "nonsense"), ""},
				{"no openid, so no authentication", asking("web", "profile"), ""},
				{"a scheme of its own, which has no origin", asking("native", "openid", "redirect_uri", "cn.gov.example.app:/cb"), ""},
				{"silent success", asking("web", "openid", "prompt", "none"), origin},
				{"silent, but somebody else's acr", asking("web", "openid", "prompt", "none", "claims", `{"id_token":{"sub":{"value":"nobody"}}}`), origin},
				{"default port and upper case, as browsers write it", asking("port", "openid", "redirect_uri", "https://RP.example.gov.cn:443/cb"), origin},
				{"another port", asking("port", "openid", "redirect_uri", "https://rp.example.gov.cn:8443/cb"), "https://rp.example.gov.cn:8443"},
			} {
				got := ask(s, b, row.a).Get("session_state")
				if row.want == "" && got != "" || row.want != "" && !fits(b, got, row.a.params.Get("client_id"), row.want) {
					t.Errorf("%s: session_state %q", row.name, got)
				}
			}
		})
		s.run("a state that is not the browser's", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			mine := b.cookie("kejitong_state")
			b.http.Jar.SetCookies(b.home, []*http.Cookie{{Name: "kejitong_state", Value: "planted", Path: "/"}})
			if got := state(s, b); b.cookie("kejitong_state") != mine || !fits(b, got, "web", origin) {
				t.Errorf("planted: the state is %q", b.cookie("kejitong_state"))
			}
			s.exec("UPDATE sessions SET ended_at = 1") // ended elsewhere
			if got := state(s, b, "prompt", "none"); b.cookie("kejitong_state") != "" || !fits(b, got, "web", origin) {
				t.Errorf("ended elsewhere: the state is %q", b.cookie("kejitong_state"))
			}
		})
	})
}

// Session Management 1.0 section 3.3: the page may be framed by who registered
// and is the same for everybody; it holds no data and sets nothing.
func TestCheckSessionPage(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil) // the databases make no difference
	s.client("web", nil)
	var bodies []string
	for _, row := range []struct{ name, referer, ancestors string }{
		{"nobody's origin", "https://evil.test/", "'none'"},
		{"look-alike", "https://rp.example.gov.cn.evil.test/", "'none'"},
		{"other port", "https://rp.example.gov.cn:8443/", "'none'"},
		{"not over TLS", "http://rp.example.gov.cn/", "'none'"},
		{"an origin that would be a directive", "https://rp.example.gov.cn;script-src/", "'none'"},
		{"private scheme", "cn.gov.example.app:/x", "'none'"},
		{"no URL", "%zz", "'none'"},
		{"registered", "https://rp.example.gov.cn/", "https://rp.example.gov.cn"},
		{"registered, with its path", "https://rp.example.gov.cn/app?x=1", "https://rp.example.gov.cn"},
		{"kept to itself", "", "https: http://localhost:* http://127.0.0.1:*"},
	} {
		p := s.browser().send(http.MethodGet, s.issuer+"/oauth2/session", nil, "Referer", row.referer)
		policy := p.Header.Get("Content-Security-Policy")
		_, got, _ := strings.Cut(policy, "frame-ancestors ")
		if p.StatusCode != http.StatusOK || got != row.ancestors || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %d, policy %s", row.name, p.StatusCode, policy)
		}
		if p.Header.Get("X-Frame-Options") != "" || p.Header.Get("Set-Cookie") != "" || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: headers %v", row.name, p.Header)
		}
		bodies = append(bodies, p.body)
	}
	for _, b := range bodies {
		if b != bodies[0] || !strings.Contains(b, `"kejitong_state="`) {
			t.Error("the page is not the same for everybody")
		}
	}
	if p := s.browser().send(http.MethodPost, s.issuer+"/oauth2/session", url.Values{}); p.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", p.StatusCode)
	}
}

// What is switched off is neither advertised nor there.
func TestSessionManagementOff(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), func(c *config.Config) { c.Protocol.SessionManagement = false })
	s.client("web", nil)
	if strings.Contains(s.plain("/.well-known/openid-configuration").body, "check_session_iframe") {
		t.Error("advertised")
	}
	b := s.browser()
	if p := b.get(s.issuer + "/oauth2/session"); p.StatusCode != http.StatusNotFound {
		t.Errorf("the page: %d", p.StatusCode)
	}
	b.in(s, "a")
	a := asking("web", "openid")
	if q := s.answer(a, b.get(s.authorizeURL(a))); q.Has("session_state") || b.cookie("kejitong_state") != "" {
		t.Errorf("answer %v, state %q", q, b.cookie("kejitong_state"))
	}
}

// watchPage is a client's page with the OP iframe in it; ask posts a message
// and promises the answer, or "silence".
const watchPage = `<!doctype html><title>rp</title><iframe id="op" src="%s"></iframe><p id="ready" hidden>ready</p><script>
op.onload = function () { ready.hidden = false };
function ask(message) {
  return new Promise(function (done) {
    var timer = setTimeout(function () { done("silence") }, 1500);
    onmessage = function (e) {
      if (e.origin !== "%s") return;
      clearTimeout(timer); done(e.data);
    };
    op.contentWindow.postMessage(message, "*");
  });
}
</script>`

// The frame in a real browser: unchanged, then changed after a sign-out in
// another tab; an origin that is not the client's, or not registered at all,
// learns nothing.
func TestCheckSessionInChromium(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), nil)
	rp := func() *httptest.Server {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, watchPage, s.issuer+"/oauth2/session", s.issuer)
		}))
		t.Cleanup(srv.Close)
		return srv
	}
	mine, other, stranger := rp(), rp(), rp()
	s.client("rp", func(c *client.Client) { c.Metadata.RedirectURIs = []string{mine.URL + "/cb"} })
	s.client("other", func(c *client.Client) { c.Metadata.RedirectURIs = []string{other.URL + "/cb"} })
	ctx, violations := chromium(t, 1280)
	tab, closeTab := chromedp.NewContext(ctx)
	defer closeTab()
	a := asking("rp", "openid", "redirect_uri", mine.URL+"/cb")
	who := s.account("a")
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	// enter signs in, in the first tab, and gives the session_state that arrived.
	enter := func() string {
		t.Helper()
		do(chromedp.Navigate(s.authorizeURL(a)), chromedp.WaitVisible("#username"), chromedp.SendKeys("#username", who.Username),
			chromedp.SendKeys("#password", who.Password), chromedp.Submit("#password"), chromedp.WaitVisible("#ready"))
		at, err := chromedp.Run(ctx, chromedp.Location())
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(at)
		if err != nil || !strings.HasPrefix(at, mine.URL) || u.Query().Get("session_state") == "" {
			t.Fatalf("ended at %s: %v", at, err)
		}
		return u.Query().Get("session_state")
	}
	ask := func(message string) string {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("ask(%q)", message), func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	expect := func(when, message, want string) {
		t.Helper()
		if got := ask(message); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	state := enter()
	expect("signed in", "rp "+state, "unchanged")
	expect("another client's id", "other "+state, "changed")
	expect("another salt", "rp "+state+"x", "changed")
	for _, bad := range []string{"", "rp", "rp ", " " + state, "rp " + state + " x", "rp  " + state, "rp " + strings.ToUpper(state[:64]) + state[64:], "rp " + state[1:], strings.Repeat("r", 1000) + " " + state} {
		expect(fmt.Sprintf("malformed %.20q", bad), bad, "error")
	}
	// The digest is right whatever the length (FIPS 180-4 pads over block borders).
	do(chromedp.Navigate(s.issuer + "/oauth2/session"))
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.cookie"))
	if err != nil {
		t.Fatal(err)
	}
	_, opbs, _ := strings.Cut(text, "kejitong_state=")
	opbs, _, _ = strings.Cut(opbs, ";")
	if strings.Contains(text, "session") || strings.Contains(text, "browser") || len(opbs) < 40 {
		t.Fatalf("script reads %q: want the state and nothing else", text)
	}
	do(chromedp.Navigate(mine.URL), chromedp.WaitVisible("#ready"))
	for n := 1; n <= 140; n++ {
		expect(fmt.Sprintf("a salt of %d letters", n), "rp "+stateOver("rp", mine.URL, opbs, strings.Repeat("s", n)), "unchanged")
	}
	// Another registered origin gets the frame, but nothing about this client.
	do(chromedp.Navigate(other.URL), chromedp.WaitVisible("#ready"))
	expect("another origin with what was made for the first", "rp "+state, "changed")
	do(chromedp.Navigate(mine.URL+"/back"), chromedp.WaitVisible("#ready"))
	expect("back again", "rp "+state, "unchanged")
	if len(*violations) > 0 {
		t.Errorf("the browser complained: %q", *violations)
	}
	// Signed out in another tab, while the page stands open.
	if err := chromedp.Do(tab, chromedp.Navigate(s.issuer+"/logout"), chromedp.WaitVisible(`button[name="logout"]`), chromedp.Click(`button[name="logout"]`), chromedp.WaitVisible(".done")); err != nil {
		t.Fatal(err)
	}
	expect("signed out in another tab", "rp "+state, "changed")
	again := enter()
	expect("signed in again, the former state", "rp "+state, "changed")
	expect("signed in again", "rp "+again, "unchanged")
	// Who registered nothing is not even answered: the frame does not load.
	do(chromedp.Navigate(stranger.URL))
	expect("a stranger", "rp "+again, "silence")
}
