package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"kejitong/provider/client"
	"kejitong/provider/parting"
)

// framesOf reads what a page loads in frames, and holds the page to what it
// must be: our own, not to be kept, under a policy that names these origins and
// no others, going on by itself within a second.
func framesOf(t testing.TB, p page) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	var frames, origins []string
	refresh := ""
	for n := range root.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.Data == "iframe":
			src := attr(n, "src")
			frames = append(frames, src)
			u, err := url.Parse(src)
			if err != nil {
				t.Fatal(err)
			}
			if o := u.Scheme + "://" + u.Host; !slices.Contains(origins, o) {
				origins = append(origins, o)
			}
		case n.Type == html.ElementNode && n.Data == "meta" && attr(n, "http-equiv") == "refresh":
			refresh = attr(n, "content")
		}
	}
	if len(frames) == 0 {
		return nil
	}
	if p.StatusCode != http.StatusOK || p.Request.URL.Path != parting.Path || p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("frames on %s (%d, %s)", p.Request.URL.Path, p.StatusCode, p.Header.Get("Cache-Control"))
	}
	if !strings.HasPrefix(refresh, "1;url=") && !strings.HasPrefix(refresh, "0;url=") {
		t.Errorf("refresh %q", refresh)
	}
	if _, list, _ := strings.Cut(p.Header.Get("Content-Security-Policy"), "frame-src "); list[:strings.Index(list+";", ";")] != strings.Join(origins, " ") {
		t.Errorf("frame-src %s, want %v", list, origins)
	}
	return frames
}

// goesOn is where a page leads by itself, "" if it stays.
func goesOn(t testing.TB, p page) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "meta" && attr(n, "http-equiv") == "refresh" {
			_, target, _ := strings.Cut(attr(n, "content"), "url=")
			return target
		}
	}
	return ""
}

// onward is the link of the page.
func onward(t testing.TB, p page) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && attr(n, "id") == "onward" {
			return attr(n, "href")
		}
	}
	return ""
}

// frontRoom has four clients: two that are called in frames, one of them with a
// query of its own, one that is called over the back channel alone, and one
// that nobody will sign in at.
func frontRoom(s *arena) {
	for id, uri := range map[string]string{"one": "https://one.example/fc", "two": "https://two.example:8443/fc?a=%41&b", "plain": "", "other": "https://other.example/fc"} {
		s.client(id, func(c *client.Client) {
			host := strings.TrimSuffix(strings.SplitAfter(uri+"https://plain.example/fc", "/fc")[0], "/fc")
			c.Metadata.RedirectURIs, c.Metadata.PostLogoutRedirectURIs = []string{host + "/cb"}, []string{host + "/bye"}
			c.Metadata.FrontchannelLogoutURI, c.Metadata.Name = uri, "系统 "+id
		})
	}
}

func cbOf(id string) string {
	return map[string]string{"one": "https://one.example/cb", "two": "https://two.example:8443/cb", "plain": "https://plain.example/cb", "other": "https://other.example/cb"}[id]
}

// enters signs the browser in at a client and gives the token response.
func (s *arena) enters(b *browser, id string, more ...string) map[string]any {
	s.t.Helper()
	a := asking(id, "openid", append([]string{"redirect_uri", cbOf(id)}, more...)...)
	return s.redeem(a, b.get(s.authorizeURL(a)))
}

// call is the address that a client is called at (Front-Channel Logout 1.0
// section 3): as registered, with iss and the sid of its own ID token.
func (s *arena) call(id string, m map[string]any) string {
	q := url.Values{"iss": {s.issuer}, "sid": {text(idToken(s.t, m), "sid")}}.Encode()
	return map[string]string{"one": "https://one.example/fc?", "two": "https://two.example:8443/fc?a=%41&b&"}[id] + q
}

// Front-Channel Logout 1.0, conformance 3.7: whichever way the session ends in
// the browser, the page that follows calls every client that has a grant of it,
// and goes on to where the sign-out leads.
func TestFrontchannelLogout(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		frontRoom(s)
		for _, row := range []struct {
			name  string
			leave func(s *arena, b *browser, hint string) page
			next  string
		}{
			{"RP-initiated with a hint", func(s *arena, b *browser, hint string) page {
				return b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://one.example/bye"}, "state": {"s &t"}}.Encode())
			}, "https://one.example/bye?state=s+%26t"},
			{"RP-initiated by POST from another site", func(s *arena, b *browser, hint string) page {
				p := s.browser().still().send(http.MethodPost, s.issuer+"/oauth2/logout", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://one.example/bye"}}, "Origin", "https://one.example", "Sec-Fetch-Site", "cross-site")
				return b.get(s.issuer + p.Header.Get("Location"))
			}, "https://one.example/bye"},
			{"RP-initiated, asked", func(s *arena, b *browser, _ string) page {
				p := b.get(s.issuer + "/oauth2/logout?" + url.Values{"client_id": {"plain"}, "post_logout_redirect_uri": {"https://plain.example/bye"}, "state": {"x"}}.Encode())
				return b.press(p, "logout=yes")
			}, "https://plain.example/bye?state=x"},
			{"RP-initiated without an address", func(s *arena, b *browser, hint string) page {
				return b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {hint}, "ui_locales": {"en"}}.Encode())
			}, "/logout/done?ui_locales=en"},
			{"from the portal", func(s *arena, b *browser, _ string) page { return b.press(b.get(s.issuer+"/"), "logout=yes") }, "/logout/done"},
			{"another account at the front door", func(s *arena, b *browser, _ string) page {
				return b.signIn(s.stage, b.get(s.issuer+"/login?other=1"), "c")
			}, "/"},
		} {
			s.run(row.name, func(t *testing.T, s *arena) {
				b := s.browser()
				b.in(s, "a")
				one, two := s.enters(b, "one"), s.enters(b, "two")
				s.enters(b, "one") // twice, and called once
				s.enters(b, "plain")
				elsewhere := s.browser()
				elsewhere.in(s, "a")
				s.enters(elsewhere, "other")

				p := row.leave(s, b, text(one, "id_token"))
				frames := framesOf(t, p)
				if want := []string{s.call("one", one), s.call("two", two)}; !slices.Equal(frames, want) {
					t.Fatalf("frames\n%q, want\n%q on\n%s", frames, want, p.body)
				}
				if next := goesOn(t, p); next != row.next {
					t.Errorf("goes on to %q, want %q", next, row.next)
				}
				if link := onward(t, p); link != row.next {
					t.Errorf("the link for those whose browser does not go on by itself leads to %q", link)
				}
				again := b.still().get(p.Request.URL.String()) // reloaded, or come back to
				if f := framesOf(t, again); len(f) != 0 || again.StatusCode != http.StatusSeeOther || again.Header.Get("Location") != row.next {
					t.Errorf("a second time: %d to %q with %q", again.StatusCode, again.Header.Get("Location"), f)
				}
				if s.whois(elsewhere) == "" {
					t.Error("the session in another browser ended, too")
				}
			})
		}
		s.run("another account within a request", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			one := s.enters(b, "one")
			a := asking("plain", "openid", "redirect_uri", cbOf("plain"), "prompt", "login", "ui_locales", "en")
			p := b.signIn(s.stage, b.get(s.authorizeURL(a)), "c")
			if f := framesOf(t, p); !slices.Equal(f, []string{s.call("one", one)}) || !strings.Contains(p.body, "switched accounts") {
				t.Fatalf("frames %q on\n%s", f, p.body)
			}
			next := goesOn(t, p)
			if !strings.HasPrefix(next, "/oauth2/authorize?interaction=") {
				t.Fatalf("goes on to %q", next)
			}
			m := s.redeem(a, b.get(s.issuer+next))
			if sub, was := idToken(t, m)["sub"], s.whois(b); sub == "" || was == "" {
				t.Error("nobody is signed in afterwards")
			}
		})
		s.run("the same account again", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			s.enters(b, "one")
			if p := b.signIn(s.stage, b.get(s.issuer+"/login?other=1"), "a"); p.Request.URL.Path != "/" {
				t.Errorf("ended at %s: the session lives on, nobody is to be called", p.Request.URL.Path)
			}
		})
	})
}

// Who is not concerned is not called: a client whose grants were all revoked
// before, one that is disabled, one that the session never opened, and nobody
// at all when no session ended.
func TestFrontchannelConcernsTheSessionAlone(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		frontRoom(s)
		leave := func(t *testing.T, b *browser) page {
			t.Helper()
			return b.press(b.get(s.issuer+"/logout"), "logout=yes")
		}
		s.run("revoked", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			one, two := s.enters(b, "one"), s.enters(b, "two")
			if status, m := s.post("/oauth2/revoke", "one", url.Values{"token": {text(one, "refresh_token")}}); status != http.StatusOK {
				t.Fatal(status, m)
			}
			if f := framesOf(t, leave(t, b)); !slices.Equal(f, []string{s.call("two", two)}) {
				t.Errorf("frames %q", f)
			}
		})
		s.run("one grant of two revoked", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			one := s.enters(b, "one")
			s.enters(b, "one", "scope", "openid offline_access") // this one outlives the session, its client is called all the same
			if status, m := s.post("/oauth2/revoke", "one", url.Values{"token": {text(one, "refresh_token")}}); status != http.StatusOK {
				t.Fatal(status, m)
			}
			if f := framesOf(t, leave(t, b)); !slices.Equal(f, []string{s.call("one", one)}) {
				t.Errorf("frames %q", f)
			}
		})
		s.run("nobody to call", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			s.enters(b, "plain")
			at(t, leave(t, b), "/logout/done")
		})
		s.run("no session, a good hint", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			one := s.enters(b, "one")
			leave(t, b)
			p := b.get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(one, "id_token")}, "post_logout_redirect_uri": {"https://one.example/bye"}}.Encode())
			if got := p.Header.Get("Location"); got != "https://one.example/bye" {
				t.Errorf("sent to %q", got)
			}
		})
		s.run("disabled meanwhile", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			one, two := s.enters(b, "one"), s.enters(b, "two")
			s.exec(`UPDATE clients SET state = 'disabled' WHERE id = 'two'`)
			s.exec(`UPDATE counters SET n = n + 1 WHERE name = 'clients'`)
			time.Sleep(client.MaxAge) // by when every process knows
			if f := framesOf(t, leave(t, b)); !slices.Equal(f, []string{s.call("one", one)}) || text(two, "id_token") == "" {
				t.Errorf("frames %q", f)
			}
		})
	})
}

// S39, S45: what an attacker can do with the page that calls the systems.
func TestAttacksOnTheParting(t *testing.T) {
	onArenas(t, func(t *testing.T, s *arena) {
		frontRoom(s)
		// over signs out and gives the page's address, not yet visited.
		over := func(s *arena) (*browser, string) {
			b := s.browser()
			b.in(s, "a")
			s.enters(b, "one")
			p := b.get(s.issuer + "/logout")
			p = b.still().press(p, "logout=yes")
			to := p.Header.Get("Location")
			if p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, parting.Path+"?parting=") {
				t.Fatalf("%d to %q", p.StatusCode, to)
			}
			if strings.Contains(to, "example") || strings.Contains(to, "sid") {
				t.Errorf("the address tells something: %s", to)
			}
			return b, s.issuer + to
		}
		s.run("another browser", func(t *testing.T, s *arena) {
			b, page := over(s)
			p := s.browser().get(page)
			if p.StatusCode != http.StatusForbidden || strings.Contains(p.body, "one.example") || strings.Contains(p.body, "系统 one") {
				t.Errorf("%d:\n%s", p.StatusCode, p.body)
			}
			if f := framesOf(t, b.get(page)); len(f) != 1 {
				t.Errorf("the browser itself, afterwards: %q", f)
			}
		})
		s.run("HEAD takes nothing", func(t *testing.T, s *arena) {
			b, page := over(s)
			if p := b.send(http.MethodHead, page, nil); p.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("HEAD: %d", p.StatusCode)
			}
			if f := framesOf(t, b.get(page)); len(f) != 1 {
				t.Errorf("afterwards: %q", f)
			}
		})
		s.run("crafted addresses", func(t *testing.T, s *arena) {
			b, page := over(s)
			id := strings.SplitAfter(page, "parting=")[1]
			for _, q := range []string{"", "parting=", "parting=x", "parting=" + base64.RawURLEncoding.EncodeToString(make([]byte, 32)), "interaction=" + id,
				"parting=x&tell=one&client_id=one&post_logout_redirect_uri=https://evil.test/&iss=https://evil.test&sid=x",
				"parting=javascript:alert(1)", "parting=%22%3E%3Ciframe%20src=https://evil.test%3E"} {
				p := b.get(s.issuer + parting.Path + "?" + q)
				if p.Request.URL.Path != "/logout/done" || strings.Contains(p.body, "<iframe") || strings.Contains(uniform(p), "evil.test") {
					t.Errorf("%s: %d at %s:\n%s", q, p.StatusCode, p.Request.URL, p.body)
				}
			}
			for _, path := range []string{"/logout?interaction=" + id, "/oauth2/authorize?interaction=" + id, "/login?interaction=" + id, "/oauth2/logout?request=" + id} {
				if p := b.get(s.issuer + path); p.StatusCode < 400 || strings.Contains(p.body, "one.example") {
					t.Errorf("%s: %d at %s: a parting passes for something else", path, p.StatusCode, p.Request.URL)
				}
			}
			p := b.get(page + "&tell=other&post_logout_redirect_uri=https://evil.test/&state=x&frame=https://evil.test/")
			if f := framesOf(t, p); len(f) != 1 || !strings.HasPrefix(f[0], "https://one.example/fc?") || strings.Contains(goesOn(t, p), "evil") {
				t.Errorf("frames %q, goes on to %q", f, goesOn(t, p))
			}
		})
		s.run("an interaction is no parting", func(t *testing.T, s *arena) {
			b := s.browser()
			p := b.get(s.authorizeURL(asking("plain", "openid", "redirect_uri", cbOf("plain"))))
			id := p.Request.URL.Query().Get("interaction")
			at(t, b.get(s.issuer+parting.Path+"?parting="+id), "/logout/done")
		})
		s.run("the registration changed meanwhile", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			one := s.enters(b, "one")
			p := b.still().get(s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(one, "id_token")}, "post_logout_redirect_uri": {"https://one.example/bye"}}.Encode())
			page := s.issuer + p.Header.Get("Location")
			s.client("one", func(c *client.Client) {
				c.Metadata.RedirectURIs, c.Metadata.FrontchannelLogoutURI, c.Metadata.PostLogoutRedirectURIs = []string{cbOf("one")}, "https://one.example/fc", nil
			})
			time.Sleep(client.MaxAge) // by when every process knows
			if next := goesOn(t, b.get(page)); next != "/logout/done" {
				t.Errorf("goes on to %q, which is registered no more", next)
			}
		})
		s.run("an address put in past the rules", func(t *testing.T, s *arena) {
			for i, uri := range []string{"javascript:alert(1)", "data:text/html,x", `https://one.example/"><script>alert(1)</script>`, "https://one.example;script-src%20*/fc"} {
				id := fmt.Sprint("bad-", i)
				s.client(id, func(c *client.Client) {
					c.Metadata.RedirectURIs, c.Metadata.FrontchannelLogoutURI = []string{rpcb}, uri
				})
				b := s.browser()
				b.in(s, "a")
				a := asking(id, "openid")
				s.redeem(a, b.get(s.authorizeURL(a)))
				p := b.press(b.get(s.issuer+"/logout"), "logout=yes")
				if policy := p.Header.Get("Content-Security-Policy"); strings.Contains(p.body, "<script>alert") || strings.Contains(p.body, "javascript:") || strings.Contains(policy, "*") {
					t.Errorf("%s: policy %s on\n%s", uri, policy, p.body)
				}
				if s.whois(b) != "" {
					t.Errorf("%s keeps the user signed in", uri)
				}
			}
		})
	})
}
