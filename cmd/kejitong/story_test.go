package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"

	"kejitong/store/storetest"
)

// theatre is a stage with both demonstration systems open.
func theatre(t *testing.T) *stage {
	t.Helper()
	return theatreAt(t, nil)
}

// theatreAt is theatre with an app that is changed before it is assembled.
func theatreAt(t *testing.T, alter func(*app)) *stage {
	t.Helper()
	var ls []net.Listener
	var port int
	for range 20 { // three free ports in a row
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if ls, err = demoListeners(port); err == nil {
			break
		}
	}
	if len(ls) < 3 {
		t.Fatal("no three free ports in a row")
	}
	for _, extra := range ls[3:] { // the stage listens on IPv4 alone
		if err := extra.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := newStageAt(t, storetest.SQLite(t), ls[2], fmt.Sprintf("http://localhost:%d", port), nil, alter)
	t.Cleanup(s.cast.openSystems(ls[:2], s.app.log))
	return s
}

// The story of the README without script: cookies, links and forms alone.
func TestStoryWithoutScript(t *testing.T) {
	s := theatre(t)
	b := s.browser()
	b.http.CheckRedirect = nil // follow the systems' redirects, too
	first, second := s.cast.systems[0].BaseURL, s.cast.systems[1].BaseURL

	p := b.get(first + "/login")
	if p.Request.URL.Path != "/login" || p.Request.URL.Host != b.home.Host {
		t.Fatalf("the system sent us to %s, want the provider's sign-in page", p.Request.URL)
	}
	p = b.signIn(s, p, "b")
	for _, want := range []string{`id="id_token"`, `id="userinfo"`, demoUSCC, "hightech_enterprise:apply"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the first system does not show %q:\n%s", want, p.body)
		}
	}
	p = b.get(second + "/login")
	if !strings.HasPrefix(p.Request.URL.String(), second) || !strings.Contains(p.body, "tech_sme:apply") {
		t.Fatalf("the second system is not open without a second password: at %s", p.Request.URL)
	}
	p = b.follow(p, "/logout")
	if !strings.HasPrefix(p.Request.URL.String(), second+"/signed-out") {
		t.Fatalf("sign-out ended at %s", p.Request.URL)
	}
	for deadline := time.Now().Add(20 * time.Second); signedIn(b, first); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the first system was never told of the sign-out")
		}
	}
	if signedIn(b, second) {
		t.Error("the second system is still signed in")
	}
}

// follow posts the form whose action is path.
func (b *browser) follow(p page, path string) page {
	b.t.Helper()
	u, err := p.Request.URL.Parse(path)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, u.String(), strings.NewReader(""))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", u.Scheme+"://"+u.Host)
	return b.do(r)
}

// chromium starts a headless browser, or fails: a browser that is missing must
// not pass as a test that ran.
func chromium(t *testing.T, width int64) (context.Context, *[]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(launched(t), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx, screen(ctx, t, width)
}

// launched is a browser that ends with the test.
func launched(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("KEJITONG_TEST_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name) // the next name is tried
		}
	}
	if path == "" {
		t.Fatal("no Chromium: set KEJITONG_TEST_CHROMIUM or run through make test")
	}
	ctx, stop := chromedp.NewContext(context.WithoutCancel(t.Context()), chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("accept-lang", "zh-CN")))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // starts it
		t.Fatal(err)
	}
	return ctx
}

// besides is another visitor in a browser that runs already, with cookies of their own.
func besides(t *testing.T, browser context.Context, width int64) (context.Context, *[]string) {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	return ctx, screen(ctx, t, width)
}

// screen sets the window's width, and collects what the browser complains of.
func screen(ctx context.Context, t *testing.T, width int64) *[]string {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		t.Fatal(err)
	}
	var violations []string
	if err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*cdplog.EventEntryAdded); ok && e.Entry.Level == "error" && !strings.Contains(e.Entry.URL, "/favicon.ico") {
			violations = append(violations, e.Entry.Text+" "+e.Entry.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	enable := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdplog.Enable, cdp.Empty{})
		return err
	})
	if err := chromedp.Do(ctx, enable); err != nil {
		t.Fatal(err)
	}
	return &violations
}

// picture keeps a screenshot as a test artefact.
func picture(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("KEJITONG_TEST_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	png, err := screenshot(ctx)
	if err != nil {
		t.Fatalf("picture %s: %v", name, err)
	}
	if len(png) < 5000 {
		t.Errorf("picture %s holds %d bytes: an empty page", name, len(png))
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// screenshot asks again when the browser is silent: now and then it never answers
// the first time, whatever the page.
func screenshot(ctx context.Context) (png []byte, err error) {
	for range 3 {
		soon, stop := context.WithTimeout(ctx, 20*time.Second)
		png, err = chromedp.Run(soon, chromedp.FullScreenshot(100))
		stop()
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return png, err
}

// act plays one step of a story; where it fails, the page tells why.
func act(ctx context.Context, t *testing.T, name string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	actFor(ctx, ctx, t, name, actions...)
}

// actFor is act in bounds of time, after which page can still be asked.
func actFor(soon, page context.Context, t *testing.T, name string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(soon, actions...); err != nil {
		where, _ := chromedp.Run(page, chromedp.Location())       // best effort: it explains the failure
		body, _ := chromedp.Run(page, chromedp.OuterHTML("body")) // likewise
		t.Fatalf("%s: %v\nat %s\n%.4000s", name, err, where, body)
	}
}

// onBothWidths gives what plays a step and holds the page it ends on to a phone's
// width and a desktop's, with pictures named after the story.
func onBothWidths(ctx context.Context, t *testing.T, story string) func(name string, actions ...chromedp.Action[chromedp.Void]) {
	return func(name string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		act(ctx, t, name, actions...)
		for _, width := range []int64{375, 1280} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
				t.Fatal(err)
			}
			fitsIn(ctx, t, name, width)
			if os.Getenv("KEJITONG_TEST_PICTURES") != "" {
				picture(ctx, t, fmt.Sprintf("%s-%s-%d", story, name, width))
			}
		}
	}
}

// fitsIn holds a page to the width of its window.
func fitsIn(ctx context.Context, t *testing.T, name string, width int64) {
	t.Helper()
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
	if err != nil || wide > width {
		t.Errorf("%s is %d px wide in a window of %d, %v", name, wide, width, err)
	}
}

// contentOf is the text of what the selector finds.
func contentOf(ctx context.Context, t *testing.T, selector string) string {
	t.Helper()
	text, err := chromedp.Run(ctx, chromedp.TextContent(selector))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The story of the README in a real browser, on a desktop and on a phone: open
// 高企认定, choose the 法人 window, come back signed in; open 科小企评价 without a
// second password; sign out once and be out of both.
func TestStoryInChromium(t *testing.T) {
	for _, width := range []int64{1280, 375} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			s := theatre(t)
			ctx, violations := chromium(t, width)
			first, second := s.cast.systems[0].BaseURL, s.cast.systems[1].BaseURL
			legal := s.account("b")
			step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				act(ctx, t, name, actions...)
				picture(ctx, t, fmt.Sprintf("%s-%d", name, width))
			}
			step("01-system", chromedp.Navigate(first), chromedp.WaitVisible("#sign_in"))
			step("02-sign-in", chromedp.Click("#sign_in"), chromedp.WaitVisible("#username"))
			step("03-legal-window", chromedp.Click(`.tabs a[href*="legal_entity"]`), chromedp.WaitVisible(`.tabs a[href*="legal_entity"][aria-current]`))
			step("04-wrong-password", chromedp.SendKeys("#username", legal.Username), chromedp.SendKeys("#password", "wrong"), chromedp.Submit("#password"), chromedp.WaitVisible(`[role="alert"]`))
			step("05-signed-in", chromedp.SendKeys("#password", legal.Password), chromedp.Submit("#password"), chromedp.WaitVisible("#id_token"))
			read := func(a chromedp.Action[string]) string {
				t.Helper()
				v, err := chromedp.Run(ctx, a)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			id, info, at := read(chromedp.TextContent("#id_token")), read(chromedp.TextContent("#userinfo")), read(chromedp.Location())
			if !strings.HasPrefix(at, first) || !strings.Contains(id, demoUSCC) || !strings.Contains(id, "hightech_enterprise:apply") || !strings.Contains(info, "示例科技有限公司") {
				t.Errorf("at %s the ID token shows %s, userinfo %s", at, id, info)
			}
			step("06-second-system", chromedp.Navigate(second), chromedp.Click("#sign_in"), chromedp.WaitVisible("#id_token"))
			step("07-refreshed", chromedp.Click("#refresh"), chromedp.WaitVisible("#note"))
			step("08-signed-out", chromedp.Click("#sign_out"), chromedp.WaitVisible("#signed_out"))
			step("09-first-is-out-too", chromedp.Navigate(first), chromedp.WaitVisible("#signed_out_by_provider"))
			step("10-asked-again", chromedp.Click("#sign_in"), chromedp.WaitVisible("#username"))
			if len(*violations) > 0 {
				t.Errorf("the browser complained:\n%s", strings.Join(*violations, "\n"))
			}
		})
	}
}

// Sign-out reaches the other system through the back channel, so it may arrive
// a moment after the browser does; state.json is what a script would poll.
func signedIn(b *browser, system string) bool {
	return strings.Contains(b.get(system+"/state.json").body, `"signed_in":true`)
}
