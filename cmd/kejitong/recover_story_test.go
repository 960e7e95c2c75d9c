package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/provider/recovery"
)

// A reset and an appeal in a real browser, on a desktop and on a phone.
func TestRecoveryInChromium(t *testing.T) {
	card := filepath.Join(t.TempDir(), "card.jpg")
	if err := os.WriteFile(card, photo(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{1280, 375} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			s := theatre(t)
			ctx, violations := chromium(t, width)
			who := s.account("a")
			step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				act(ctx, t, name, actions...)
				picture(ctx, t, fmt.Sprintf("recover-%s-%d", name, width))
			}
			read := func(selector string) string { t.Helper(); return contentOf(ctx, t, selector) }
			const phone, fresh = "+8618711111111", "+8613911112222"
			step("01-choice", chromedp.Navigate(s.issuer+"/forgot"), chromedp.WaitVisible(`a[href="/forgot/reset"]`))
			step("02-name", chromedp.Click(`a[href="/forgot/reset"]`), chromedp.WaitVisible("#login_name"))
			step("03-mobile", chromedp.SendKeys("#login_name", who.Username), chromedp.SendKeys("#captcha", demoCaptcha), chromedp.Submit("#captcha"), chromedp.WaitVisible("#mobile"))
			step("04-code", chromedp.SendKeys("#mobile", "18711111111"), chromedp.Click(`button[name="send"]`), chromedp.WaitVisible(`.told[role="status"]`))
			code := s.await(phone, 1).Code
			step("05-done", chromedp.SendKeys("#code", code), chromedp.SendKeys("#password", freshPassword), chromedp.SendKeys("#password_again", freshPassword),
				chromedp.Submit("#password_again"), chromedp.WaitVisible(`.card .done`))

			step("11-appeal", chromedp.Navigate(s.issuer+"/appeal/person"), chromedp.WaitVisible("#id_number"))
			step("12-mobile", chromedp.SendKeys("#name", "张三"), chromedp.SendKeys("#id_number", "11000019900101003X"), chromedp.SendKeys("#mobile", "13911112222"),
				chromedp.SendKeys("#captcha", demoCaptcha), chromedp.Submit("#captcha"), chromedp.WaitVisible("#code"))
			step("13-evidence", chromedp.SendKeys("#code", s.await(fresh, 1).Code), chromedp.Submit("#code"), chromedp.WaitVisible("#file"))
			step("14-uploaded", chromedp.SetUploadFiles("#file", []string{card}), chromedp.Click(".upload .btn"), chromedp.WaitVisible(".filed .badge.ok"))
			step("15-filed", chromedp.SendKeys("#reason", "旧手机号已注销"), chromedp.Submit("#reason"), chromedp.WaitVisible(`.card .done`))
			number, secret := caseNumbers.FindString(read("#main")), secretTexts.FindString(read("#main"))
			a, err := s.app.db.AppealByNumber(context.WithoutCancel(t.Context()), number)
			if err != nil || a.State != recovery.Filed {
				t.Fatalf("appeal %q: %v, %v", number, a.State, err)
			}
			step("16-track", chromedp.Navigate(s.issuer+"/appeal/track"), chromedp.WaitVisible("#secret"))
			step("17-progress", chromedp.SendKeys("#number", number), chromedp.SendKeys("#secret", secret), chromedp.Submit("#secret"), chromedp.WaitVisible(".turns"))
			if len(*violations) > 0 {
				t.Errorf("the browser complained: %v", *violations)
			}
		})
	}
}
