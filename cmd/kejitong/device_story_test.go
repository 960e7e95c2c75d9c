package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// The story of a device in a real browser, on a desktop and on a phone, with
// script and without: the address of the QR code, the code filled in, a wrong
// one first, the sign-in, the page that shows who asks and the code to compare,
// yes; and the device has its tokens.
func TestDeviceStoryInChromium(t *testing.T) {
	for _, width := range []int64{1280, 375} {
		for _, script := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d script %v", width, script), func(t *testing.T) {
				r := newRig(t, storetest.SQLite(t), nil, nil)
				r.register("tv", client.Metadata{Name: "展厅一体机", LegalName: "示例展览馆", TokenEndpointAuthMethod: "none", GrantTypes: []string{deviceGrant}, RedirectURIs: []string{}})
				d := r.device("tv")
				who := r.account("a")
				ctx, violations := chromium(t, width)
				if !script {
					off := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
						_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
						return err
					})
					if err := chromedp.Do(ctx, off); err != nil {
						t.Fatal(err)
					}
				}
				step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
					t.Helper()
					act(ctx, t, name, actions...)
					fitsIn(ctx, t, name, width)
					picture(ctx, t, fmt.Sprintf("device-%s-%d-script-%v", name, width, script))
				}
				step("1-wrong", chromedp.Navigate(r.issuer+"/device"), chromedp.SendKeys("#user_code", "bbbb bbbb"), chromedp.Click(`form button[type="submit"]`), chromedp.WaitVisible("#failure"))
				step("2-filled-in", chromedp.Navigate(text(d.body, "verification_uri_complete")), chromedp.WaitVisible(`#user_code[value="`+text(d.body, "user_code")+`"]`))
				step("3-sign-in", chromedp.Click(`form button[type="submit"]`), chromedp.WaitVisible("#username"))
				step("4-asked", chromedp.SendKeys("#username", who.Username), chromedp.SendKeys("#password", who.Password), chromedp.Click(`form button.wide[type="submit"]`), chromedp.WaitVisible(".usercode"))
				shown, err := chromedp.Run(ctx, chromedp.TextContent(".usercode"))
				if err != nil || strings.TrimSpace(shown) != text(d.body, "user_code") {
					t.Errorf("the code to compare is %q, %v", shown, err)
				}
				r.want(r.poll("tv", d), 400, "authorization_pending", "before the answer")
				step("5-done", chromedp.Click(`button[value="allow"]`), chromedp.WaitVisible(".done"))
				if got := r.poll("tv", d); got.status != 200 || r.info(text(got.body, "access_token")).status != 200 {
					t.Errorf("the device got %s", got)
				}
				second := r.device("tv")
				step("6-asked-again", chromedp.Navigate(r.issuer+"/device?"+url.Values{"user_code": {text(second.body, "user_code")}}.Encode()),
					chromedp.Click(`form button[type="submit"]`), chromedp.WaitVisible(".usercode"))
				step("7-refused", chromedp.Click(`button[value="deny"]`), chromedp.WaitVisible(`main a[href="/"]`))
				r.want(r.poll("tv", second), 400, "access_denied", "after no")
				if len(*violations) > 0 {
					t.Errorf("the browser complained:\n%s", strings.Join(*violations, "\n"))
				}
			})
		}
	}
}
