package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/store/storetest"
)

// A developer goes through an outcome of the look-up in a real browser, to the
// application on their own machine: the list in the console, the look-up, the
// sign-in that it leads to, the test verification, the claims; and begins anew.
func TestSandboxStoryInChromium(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	s := r.sandboxed()
	var a attempt // of the application, which shows what it learns
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/cb":
		case "/":
			http.Redirect(w, q, r.authorizeURL(a), http.StatusSeeOther)
			return
		default:
			http.NotFound(w, q)
			return
		}
		status, m := r.exchange(a, q.URL.Query().Get("code"))
		_, info := r.userinfo(text(m, "access_token"))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><meta name="viewport" content="width=device-width"><title>app</title><pre id="claims" style="white-space:pre-wrap;overflow-wrap:anywhere">%d %s</pre>`, status, html.EscapeString(fmt.Sprint(info)))
	}))
	defer app.Close()
	form := r.settings(s.dev, s.project.Sandbox)
	form.Set("redirect_uris", app.URL+"/cb")
	if p := r.consoleSend(s.dev, "/console/clients/"+s.project.Sandbox, form); p.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", p.StatusCode, p.body)
	}
	a = newAttempt("openid profile org entitlements")
	a.params.Set("client_id", s.project.Sandbox)
	a.params.Set("redirect_uri", app.URL+"/cb")

	ctx, violations := chromium(t, 1280)
	legal, k := r.account("b"), s.trials()["E4"]
	signIn := r.issuer + "/login?other=1&window=legal_entity&next=" + url.QueryEscape("/console/projects/"+s.project.ID+"/lookup")
	step := onBothWidths(ctx, t, "sandbox")
	step("01-outcomes", chromedp.Navigate(signIn), chromedp.WaitVisible("#username"),
		chromedp.SendKeys("#username", legal.Username), chromedp.SendKeys("#password", legal.Password), chromedp.Submit("#password"), chromedp.WaitVisible(`a[href*="`+k.Key+`"]`))
	step("02-look-up", chromedp.Click(`a[href*="`+k.Key+`"]`), chromedp.WaitVisible("#captcha"))
	step("03-answer", chromedp.SendKeys("#captcha", demoCaptcha), chromedp.Submit("#captcha"), chromedp.WaitVisible(`a.btn[href^="/login"]`))
	step("04-sign-in", chromedp.Click(`a.btn[href^="/login"]`), chromedp.WaitVisible("#password"))
	step("05-signed-in", chromedp.SendKeys("#password", s.password), chromedp.Submit("#password"), chromedp.WaitVisible(`main`), chromedp.WaitVisible(`body:not(:has(#password))`))
	step("06-real-name", chromedp.Navigate(app.URL), chromedp.WaitVisible(`button[name="verify"]`))
	step("07-entry", chromedp.Click(`button[name="verify"]`), chromedp.WaitVisible(`section:not(:has(.standing)) button[value="allow"]`))
	step("08-consent", chromedp.Click(`button[value="allow"]`), chromedp.WaitVisible(`.standing`))
	step("09-claims", chromedp.Click(`button[value="allow"]`), chromedp.WaitVisible("#claims"))
	if got := contentOf(ctx, t, "#claims"); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, k.Key) || !strings.Contains(got, "hightech_enterprise:apply") || !strings.Contains(got, "torch_migration") {
		t.Errorf("the application learns %s", got)
	}
	step("10-begun-anew", chromedp.Navigate(signIn), chromedp.WaitVisible("#username"),
		chromedp.SendKeys("#username", legal.Username), chromedp.SendKeys("#password", legal.Password), chromedp.Submit("#password"), chromedp.WaitVisible(`a[href*="`+k.Key+`"]`),
		chromedp.Click(`main form button`), chromedp.WaitVisible(".told.good"))
	if p := s.lookUp(r.browser(), k); !strings.Contains(p.body, "尚未登录过") {
		t.Errorf("begun anew, and used: %s", p.body)
	}
	for _, v := range *violations {
		t.Errorf("the browser complained: %s", v)
	}
}
