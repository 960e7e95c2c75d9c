package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/store/storetest"
)

// A reviewer's morning in a real browser, on a desktop and on a phone: signs in
// with both factors, takes the oldest case, looks at data and documents beside each
// other, approves.
func TestDeskStoryInChromium(t *testing.T) {
	for _, width := range []int64{1280, 375} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			r := newDeskRig(t, storetest.SQLite(t))
			cs := r.underReview("d", caseNumber)
			ctx, violations := chromium(t, width)
			o := r.operator("reviewer")
			step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				act(ctx, t, name, actions...)
				fitsIn(ctx, t, name, width)
				picture(ctx, t, fmt.Sprintf("desk-%s-%d", name, width))
			}
			step("01-sign-in", chromedp.Navigate(r.issuer+"/admin/cases"), chromedp.WaitVisible("#f-username"))
			step("02-queue", chromedp.SendKeys("#f-username", o.Username), chromedp.SendKeys("#f-password", o.Password), chromedp.SendKeys("#f-code", r.deskCode(o.Factor)),
				chromedp.Submit("#f-password"), chromedp.WaitVisible(`a[href*="`+cs.ID+`"]`))
			step("03-masked", chromedp.Click(`a[href*="`+cs.ID+`"]`), chromedp.WaitVisible(`button[value="claim"]`))
			step("04-in-charge", chromedp.Click(`button[value="claim"]`), chromedp.WaitVisible(".exhibits img"))
			shown, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(async () => { const i = document.querySelector(".exhibits img"); i.loading = "eager"; await i.decode(); return i.naturalWidth > 100 })()`, chromedp.EvalAwaitPromise))
			if err != nil || !shown {
				t.Errorf("the document is not shown: %v", err)
			}
			step("05-approved", chromedp.Click(`button[value="approve"]`), chromedp.WaitVisible(`.told.good`))
			if !r.person("d").Account.RealName.Verified() {
				t.Error("the account is not verified")
			}
			step("06-home", chromedp.Navigate(r.issuer+"/admin"), chromedp.WaitVisible(".tiles"))
			step("07-account", chromedp.Navigate(r.issuer+"/admin/accounts/"+string(r.person("d").Account.ID)), chromedp.WaitVisible("#f-field"))
			if len(*violations) > 0 {
				t.Errorf("the browser complained:\n%s", strings.Join(*violations, "\n"))
			}
		})
	}
}
