package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// everyWay is each response type with the modes that fit it.
func everyWay(fn func(kind, mode string)) {
	for _, kind := range append([]string{"code"}, frontTypes...) {
		for _, mode := range []string{"-", "form_post", "jwt", "form_post.jwt"} {
			fn(kind, mode)
		}
	}
}

// Through the pages of a sign-in: declined, allowed, and allowed once more by a
// second click; the answer comes in the mode that was asked for at the start,
// and whoever clicks twice gets the same code (S38).
func TestFrontChannelThroughThePages(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.fronted("asks", func(m *client.Metadata) { m.FirstParty, m.Purpose = false, "办理业务" })
		everyWay(func(kind, mode string) {
			s.run(kind+" by "+mode, func(t *testing.T, s *arena) {
				b := s.browser()
				a := asking("asks", "openid profile", "response_type", kind, "response_mode", mode, "prompt", "consent")
				p := b.signIn(s.stage, b.get(s.authorizeURL(a)), "a")
				at(t, p, "/consent")
				s.refused(a, b.press(p, "decision=deny"), "access_denied") // conformance 4.4
				p = b.get(s.authorizeURL(a))
				at(t, p, "/consent")
				interaction := s.issuer + "/oauth2/authorize?interaction=" + url.QueryEscape(p.Request.URL.Query().Get("interaction"))
				q, again := s.answer(a, b.press(p, "decision=allow")), s.answer(a, b.get(interaction))
				if again.Has("error") || again.Get("code") != q.Get("code") {
					t.Errorf("the second click got %v", again)
				}
				for _, token := range []string{q.Get("access_token"), again.Get("access_token")} {
					if status, _ := s.userinfo(token); token != "" && status != http.StatusOK {
						t.Errorf("userinfo: %d", status)
					}
				}
				if q.Has("code") { // a code that is spent is not shown again
					if status, m := s.exchange(a, q.Get("code")); status != http.StatusOK {
						t.Fatalf("%d %v", status, m)
					}
				} else { // and what has no code is not repeated for longer than a code would live
					s.exec("UPDATE grants SET code_exp = 1 WHERE client_id = 'asks'")
				}
				if p := b.get(interaction); p.StatusCode != http.StatusGone || p.Header.Get("Location") != "" {
					t.Errorf("third click: %d to %q, want 410 (S38)", p.StatusCode, p.Header.Get("Location"))
				}
			})
		})
	})
}

// Pushed requests, and forms posted from another site, lead to the same answers
// (conformance 3.1-31; RFC 9126).
func TestFrontChannelByPost(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), frontOn)
	s.fronted("rp", nil)
	b := s.browser()
	b.in(s, "a")
	everyWay(func(kind, mode string) {
		s.run(kind+" by "+mode, func(t *testing.T, s *arena) {
			b, a := b.as(t), asking("rp", "openid", "response_type", kind, "response_mode", mode)
			p := b.send(http.MethodPost, s.issuer+"/oauth2/authorize", a.params, "Origin", "https://rp.example.gov.cn", "Sec-Fetch-Site", "cross-site")
			if q := s.answer(a, p); q.Has("error") {
				t.Errorf("posted: %v", q)
			}
			status, m := s.post("/oauth2/par", "rp", a.params)
			if status != http.StatusCreated {
				t.Fatalf("%d %v", status, m)
			}
			p = b.get(s.issuer + "/oauth2/authorize?" + url.Values{"client_id": {"rp"}, "request_uri": {text(m, "request_uri")}}.Encode())
			if q := s.answer(a, p); q.Has("error") {
				t.Errorf("pushed: %v", q)
			}
		})
	})
	for _, kind := range []string{"token", "code token code"} { // refused where it is pushed (RFC 9126 section 2.3)
		if status, m := s.post("/oauth2/par", "rp", asking("rp", "openid", "response_type", kind).params); status != http.StatusBadRequest || m["error"] != "unsupported_response_type" {
			t.Errorf("%s: %d %v", kind, status, m)
		}
	}
}

// A token from the authorization endpoint ends as every other does: with the
// session, by revocation, which takes the code beside it along, and when the
// code is shown with a wrong verifier. Without openid it is plain OAuth.
func TestFrontChannelTokensEnd(t *testing.T) {
	onFronts(t, func(t *testing.T, s *arena) {
		s.fronted("rp", nil)
		ends := func(t *testing.T, s *arena, kind string, end func(b *browser, a attempt, q url.Values)) {
			b := s.browser()
			b.in(s, "a")
			a := asking("rp", "openid", "response_type", kind)
			q := s.answer(a, b.get(s.authorizeURL(a)))
			if status, _ := s.userinfo(q.Get("access_token")); status != http.StatusOK {
				t.Fatalf("userinfo: %d", status)
			}
			end(b, a, q)
			if status, _ := s.userinfo(q.Get("access_token")); status != http.StatusUnauthorized {
				t.Errorf("userinfo: %d, want 401", status)
			}
			if q.Has("code") {
				if status, m := s.exchange(a, q.Get("code")); status != http.StatusBadRequest || m["error"] != "invalid_grant" {
					t.Errorf("code: %d %v", status, m)
				}
			}
		}
		for _, kind := range []string{"id_token token", "code token", "code id_token token"} {
			s.run("sign-out, "+kind, func(t *testing.T, s *arena) {
				ends(t, s, kind, func(b *browser, _ attempt, _ url.Values) { b.press(b.get(s.issuer+"/logout"), "logout=yes") })
			})
			s.run("revocation, "+kind, func(t *testing.T, s *arena) {
				ends(t, s, kind, func(_ *browser, _ attempt, q url.Values) {
					if status, m := s.post("/oauth2/revoke", "rp", url.Values{"token": {q.Get("access_token")}}); status != http.StatusOK {
						t.Errorf("%d %v", status, m)
					}
				})
			})
		}
		s.run("wrong verifier", func(t *testing.T, s *arena) {
			ends(t, s, "code token", func(_ *browser, a attempt, q url.Values) {
				a.verifier = randomText(32)
				if status, m := s.exchange(a, q.Get("code")); status != http.StatusBadRequest {
					t.Errorf("%d %v", status, m)
				}
			})
		})
		s.run("never told to another client", func(t *testing.T, s *arena) {
			s.fronted("other", nil)
			b := s.browser()
			b.in(s, "a")
			a := asking("rp", "openid", "response_type", "code token")
			q := s.answer(a, b.get(s.authorizeURL(a)))
			if status, m := s.exchange(a.with("client_id", "other"), q.Get("code")); status != http.StatusBadRequest {
				t.Errorf("%d %v", status, m)
			}
			if _, m := s.post("/oauth2/introspect", "other", url.Values{"token": {q.Get("access_token")}}); m["active"] != false {
				t.Errorf("%v", m)
			}
			if status, m := s.exchange(a, q.Get("code")); status != http.StatusOK { // P6: nothing was revoked by that
				t.Errorf("%d %v", status, m)
			}
		})
		s.run("code token without openid", func(t *testing.T, s *arena) {
			b := s.browser()
			b.in(s, "a")
			a := asking("rp", "profile", "response_type", "code token", "nonce", "-")
			q := s.answer(a, b.get(s.authorizeURL(a)))
			if _, m := s.post("/oauth2/introspect", "rp", url.Values{"token": {q.Get("access_token")}}); m["active"] != true || m["scope"] != "profile" {
				t.Errorf("%v", m)
			}
		})
		// Each release leaves its trace at once (settlement 34); a plain code's comes later.
		before := s.count("SELECT COUNT(*) FROM audit WHERE kind = ?", string(audit.ClaimsReleased))
		b := s.browser()
		b.in(s, "a")
		for _, kind := range append([]string{"code"}, frontTypes...) {
			b.get(s.authorizeURL(asking("rp", "openid", "response_type", kind)))
		}
		if n := s.count("SELECT COUNT(*) FROM audit WHERE kind = ?", string(audit.ClaimsReleased)) - before; n != int64(len(frontTypes)) {
			t.Errorf("%d releases on record, want %d", n, len(frontTypes))
		}
	})
}

// The pages that post an answer, good or bad, submit themselves in a real
// browser under their policy, and have a button where nothing runs (S42, Form
// Post Response Mode section 2).
func TestFrontChannelFormPostInChromium(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), frontOn)
	received := make(chan url.Values, 4)
	rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cb" {
			if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" || r.Method != http.MethodPost {
				t.Errorf("%s with %q: %v", r.Method, r.URL.RawQuery, err)
			}
			received <- r.PostForm
			http.Redirect(w, r, "/home", http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<p id="home">in</p>`))
	}))
	t.Cleanup(rp.Close)
	s.fronted("rp", func(m *client.Metadata) { m.RedirectURIs = []string{rp.URL + "/cb"} })
	ctx, violations := chromium(t, 1280)
	ask := func(kind, mode, prompt string) attempt {
		return asking("rp", "openid", "redirect_uri", rp.URL+"/cb", "response_type", kind, "response_mode", mode, "prompt", prompt, "state", `"'<&>; é`)
	}
	check := func(a attempt, got url.Values, want ...string) {
		t.Helper()
		if a.params.Get("response_mode") == "form_post.jwt" {
			if len(got) != 1 {
				t.Fatalf("beside the response stands %v", got)
			}
			got = s.unwrapped(a, got.Get("response"))
		}
		for _, name := range append(want, "iss", "state") {
			if got.Get(name) == "" {
				t.Errorf("%s is missing in %v", name, got)
			}
		}
		if got.Get("state") != a.params.Get("state") || got.Has("error") != slices.Contains(want, "error") {
			t.Errorf("the client received %v", got)
		}
	}
	for _, mode := range []string{"form_post", "form_post.jwt"} {
		a := ask("code id_token token", mode, "none")
		if err := chromedp.Do(ctx, chromedp.Navigate(s.authorizeURL(a)), chromedp.WaitVisible("#home")); err != nil {
			t.Fatal(err)
		}
		check(a, <-received, "error", "error_description")
	}
	a, who := ask("code id_token token", "form_post", "login"), s.account("a")
	if err := chromedp.Do(ctx, chromedp.Navigate(s.authorizeURL(a)), chromedp.WaitVisible("#username"), chromedp.SendKeys("#username", who.Username),
		chromedp.SendKeys("#password", who.Password), chromedp.Submit("#password"), chromedp.WaitVisible("#home")); err != nil {
		t.Fatal(err)
	}
	check(a, <-received, "code", "id_token", "access_token", "token_type", "expires_in", "scope")
	if len(*violations) > 0 {
		t.Errorf("the browser complained: %q", *violations)
	}
	b := s.stage.browser() // the client's own pages are not ours to inspect
	b.in(s, "a")
	for _, a := range []attempt{ask("id_token token", "form_post", "-"), ask("id_token", "form_post", "none create")} {
		p := b.get(s.authorizeURL(a))
		f := findForm(t, p.body, "iss")
		if !strings.Contains(p.body, `type="submit"`) || f.action != rp.URL+"/cb" {
			t.Errorf("no button, or a form to %q:\n%s", f.action, p.body)
		}
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		b.submit(p, "iss", nil)
		check(a, <-received, map[bool]string{true: "error", false: "id_token"}[f.values.Has("error")])
	}
}

// What a signed request object says of type and mode is what counts, also for
// the refusal (RFC 9101 section 5, OpenID Connect Core section 6.1).
func TestFrontChannelByRequestObject(t *testing.T) {
	s := newArena(t, storetest.SQLite(t), frontOn)
	key := newSigner(t, "ES256", "k1")
	s.fronted("rp", func(m *client.Metadata) { m.JWKS = key.set(t) })
	b := s.browser()
	b.in(s, "a")
	everyWay(func(kind, mode string) {
		s.run(kind+" by "+mode, func(t *testing.T, s *arena) {
			b, a := b.as(t), asking("rp", "openid", "response_type", kind, "response_mode", mode)
			beside := outside(a, "request", key.sign(t, s.object(a), nil), "response_mode", "-")
			if q := s.answer(a, b.get(s.authorizeURL(beside))); q.Has("error") {
				t.Errorf("refused: %v", q)
			}
			a = a.with("prompt", "none create")
			beside = outside(a, "request", key.sign(t, s.object(a), nil), "response_mode", "-", "prompt", "-")
			s.refused(a, b.get(s.authorizeURL(beside)), "invalid_request")
		})
	})
}
