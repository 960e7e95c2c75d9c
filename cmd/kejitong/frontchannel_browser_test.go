package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// called is a client with a front-channel address. It keeps what it was asked
// for, in order; while hangs is open, the frame gets no answer.
type called struct {
	*httptest.Server
	log   *calls
	hangs chan struct{}
}

// calls are shared between clients, so that their order is known.
type calls struct {
	mu   sync.Mutex
	list []string
	bye  chan string
}

func (c *calls) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, s)
}

func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.list
	c.list = nil
	return out
}

func newCalled(t *testing.T, name string, log *calls) *called {
	t.Helper()
	c := &called{log: log, hangs: make(chan struct{})}
	close(c.hangs)
	over := make(chan struct{})
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fc":
			log.add(name + " " + r.URL.RawQuery + " " + r.Header.Get("Referer"))
			select {
			case <-c.hangs:
			case <-over:
			case <-r.Context().Done():
			}
		case "/bye":
			log.add(name + " bye")
			log.bye <- r.URL.RawQuery
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<p id="rp">%s</p>`, r.URL.Path)
	}))
	t.Cleanup(func() { close(over); c.Close() })
	return c
}

// In a real browser, wide and narrow: the systems are called before the browser
// arrives where it was going, no policy stands in the way, and neither a system
// that hangs nor a browser without script keeps the user.
func TestFrontchannelInChromium(t *testing.T) {
	for _, width := range []int64{1280, 375} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			s := newArena(t, storetest.SQLite(t), nil)
			log := &calls{bye: make(chan string, 8)}
			one, two := newCalled(t, "one", log), newCalled(t, "two", log)
			for id, c := range map[string]*called{"one": one, "two": two} {
				s.client(id, func(m *client.Client) {
					m.Metadata.RedirectURIs, m.Metadata.PostLogoutRedirectURIs, m.Metadata.FrontchannelLogoutURI = []string{c.URL + "/cb"}, []string{c.URL + "/bye"}, c.URL+"/fc"
					m.Metadata.Name = "高新技术企业认定管理工作网"
				})
			}
			ctx, violations := chromium(t, width)
			who := s.account("a")
			do := func(actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				if err := chromedp.Do(ctx, actions...); err != nil {
					t.Fatal(err)
				}
			}
			// enter walks to a client and gives its token response.
			enter := func(id string, c *called, signIn bool) map[string]any {
				t.Helper()
				a := asking(id, "openid", "redirect_uri", c.URL+"/cb")
				steps := []chromedp.Action[chromedp.Void]{chromedp.Navigate(s.authorizeURL(a))}
				if signIn {
					steps = append(steps, chromedp.WaitVisible("#username"), chromedp.SendKeys("#username", who.Username), chromedp.SendKeys("#password", who.Password), chromedp.Submit("#password"))
				}
				do(append(steps, chromedp.WaitVisible("#rp"))...)
				at, err := chromedp.Run(ctx, chromedp.Location())
				if err != nil {
					t.Fatal(err)
				}
				u, err := url.Parse(at)
				if err != nil {
					t.Fatal(err)
				}
				status, m := s.exchange(a, u.Query().Get("code"))
				if status != http.StatusOK {
					t.Fatalf("at %s: %d %v", at, status, m)
				}
				return m
			}
			arrives := func(want string) {
				t.Helper()
				select {
				case got := <-log.bye:
					if got != want {
						t.Errorf("arrived with %q, want %q", got, want)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("the browser never went on")
				}
			}
			// settled waits until the page of the arrival is there: a navigation that
			// begins before would be cut short by it.
			settled := func() {
				t.Helper()
				for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					at, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.readyState + location.pathname"))
					if err == nil && at == "complete/bye" {
						return
					}
					if time.Now().After(deadline) {
						t.Fatalf("the browser is at %q: %v", at, err)
					}
				}
			}
			leave := func(m map[string]any) string {
				return s.issuer + "/oauth2/logout?" + url.Values{"id_token_hint": {text(m, "id_token")}, "post_logout_redirect_uri": {one.URL + "/bye"}, "state": {"s"}}.Encode()
			}
			// toward does not wait for the page to load: it sends the browser on while
			// it still loads, which Navigate takes for a failure.
			toward := func(address string) chromedp.Action[chromedp.Void] {
				return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
					_, err := cdp.Call(ctx, target, cdppage.Navigate, cdppage.NavigateParams{URL: address})
					return err
				})
			}
			calledAs := func(name string, m map[string]any) string {
				return name + " " + url.Values{"iss": {s.issuer}, "sid": {text(idToken(t, m), "sid")}}.Encode() + " "
			}

			first, second := enter("one", one, true), enter("two", two, false)
			do(toward(leave(first)))
			arrives("state=s")
			settled()
			got := log.take()
			if len(got) == 3 && got[2] == "one bye" {
				got = got[:2]
				slices.Sort(got)
			}
			if want := []string{calledAs("one", first), calledAs("two", second)}; !slices.Equal(got, want) {
				t.Errorf("called\n%q, want\n%q, then the arrival", got, want)
			}

			// One system hangs: the page can be looked at, and then goes on by itself.
			first = enter("one", one, true)
			enter("two", two, false)
			two.hangs = make(chan struct{})
			do(toward(leave(first)), chromedp.WaitVisible("#onward"))
			picture(ctx, t, fmt.Sprintf("signing-out-%d", width))
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
			if err != nil || wide > width {
				t.Errorf("the page is %d px wide in a window of %d: %v", wide, width, err)
			}
			arrives("state=s")
			settled()
			if n := len(log.take()); n != 3 {
				t.Errorf("%d calls, want both and the arrival", n)
			}
			close(two.hangs)
			if len(*violations) > 0 {
				t.Errorf("the browser complained: %q", strings.Join(*violations, "\n"))
			}

			// Without script.
			first = enter("one", one, true)
			do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
				return err
			}), toward(leave(first)))
			arrives("state=s")
			if got, want := log.take(), []string{calledAs("one", first), "one bye"}; !slices.Equal(got, want) {
				t.Errorf("without script: called\n%q, want\n%q", got, want)
			}
		})
	}
}
