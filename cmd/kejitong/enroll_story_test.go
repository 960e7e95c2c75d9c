package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kejitong/store/storetest"
)

// A person at a desk and a unit on a phone register in a real browser, sign in
// with what they were told, and stand before the real name.
func TestRegistrationInChromium(t *testing.T) {
	for _, c := range []struct {
		kind   string
		width  int64
		mobile string
		login  string
	}{
		{"person", 1280, "13911117777", "lantern.reader"},
		{"unit", 375, "13911118888", "91110000MA0000269Y"},
	} {
		t.Run(fmt.Sprintf("%s-%d", c.kind, c.width), func(t *testing.T) {
			s := newStage(t, storetest.SQLite(t), nil)
			a := s.applicant(c.mobile)
			ctx, violations := chromium(t, c.width)
			step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				act(ctx, t, name, actions...)
				picture(ctx, t, fmt.Sprintf("register-%s-%s-%d", c.kind, name, c.width))
			}
			step("1-choice", chromedp.Navigate(s.issuer+"/register"), chromedp.WaitVisible(`a[href^="/register/unit"]`))
			step("2-mobile", chromedp.Click(`a.btn[href^="/register/`+c.kind+`"]`), chromedp.WaitVisible("input#mobile"))
			step("3-wrong", chromedp.SendKeys("input#mobile", "12345"), chromedp.SendKeys("input#captcha", demoCaptcha), chromedp.Submit("input#mobile"), chromedp.WaitVisible("#wrongs"))
			step("4-code", chromedp.Clear("input#mobile"), chromedp.SendKeys("input#mobile", c.mobile), chromedp.SendKeys("input#captcha", demoCaptcha),
				chromedp.Click("input#terms"), chromedp.Click("input#adult"), chromedp.Submit("input#mobile"), chromedp.WaitVisible("input#code"))
			step("5-account", chromedp.SendKeys("input#code", a.code()), chromedp.Submit("input#code"), chromedp.WaitVisible("input#login_name"))
			fill := []chromedp.Action[chromedp.Void]{
				chromedp.SendKeys("input#login_name", c.login), chromedp.SendKeys("input#password", chosenPassword), chromedp.SendKeys("input#password_again", chosenPassword),
			}
			if c.kind == "unit" {
				step("6-letter-o", chromedp.SendKeys("input#uscc", "9111OOOOMA0000269Y"), chromedp.SendKeys("input#unit_name", "北京提灯量子信息与人工智能交叉科学技术研究院（有限合伙）"),
					chromedp.SendKeys("input#contact", "王五"), fill[0], fill[1], fill[2], chromedp.SetValue("select#unit_type", "enterprise"), chromedp.Submit("input#uscc"), chromedp.WaitVisible("#uscc-why"))
				fill = append(fill[1:], chromedp.Clear("input#uscc"), chromedp.SendKeys("input#uscc", c.login))
			}
			step("7-done", append(fill, chromedp.Submit("input#login_name"), chromedp.WaitVisible(`a.btn[href^="/login"]`))...)
			step("8-sign-in", chromedp.Click(`a.btn[href^="/login"]`), chromedp.WaitVisible("#username"))
			shown, err := chromedp.Run(ctx, chromedp.Value("#username"))
			if err != nil || shown != c.login {
				t.Errorf("the sign-in page shows %q, %v", shown, err)
			}
			step("9-home", chromedp.SendKeys("input#password", chosenPassword), chromedp.Submit("input#password"), chromedp.WaitVisible(`button[name="logout"]`))
			if len(*violations) > 0 {
				t.Errorf("the browser complained:\n%s", strings.Join(*violations, "\n"))
			}
		})
	}
}
