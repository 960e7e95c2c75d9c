package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"kejitong/provider/account"
)

// Every outcome of the tables E and I in a real browser (R1–R10, R36, R40, texts
// 1.8): look the key up, read the card, press its one button, sign in or register or
// appeal where it leads, pass what is owed, enter the system by 办理入口, and read
// what it was told. The provider, the systems and the browser are one each; every
// outcome has cookies of its own. In the end the two whose password had to be
// changed look up again.
func TestOutcomesInChromium(t *testing.T) {
	clock := &clock{}
	s := theatreAt(t, func(a *app) { a.clock = clock.now })
	s.personsSystem()
	all := s.seekers()
	browser := launched(t)
	done := map[string]bool{}
	for i, o := range all {
		ok := t.Run(o.name, func(t *testing.T) {
			c := &caller{stage: s.as(t), clock: clock, o: o, width: []int64{1280, 375}[i%2]}
			c.opens(browser)
			c.looksUp(1)
			c.reads(o.card)
			c.comesBy()
			c.isVerified()
			c.enters()
			c.isToldOf()
			c.entersTheOther()
			if len(*c.violations) > 0 {
				t.Errorf("the browser complained:\n%s", strings.Join(*c.violations, "\n"))
			}
		})
		done[strings.Fields(o.name)[0]] = ok
	}
	for _, code := range []string{"E0a", "E0b", "E1", "E2", "E3", "E4", "E5", "E6", "E3·E7", "E5·E7", "I0", "I1", "I2", "I3", "I3·E7", "I4", "I5", "I6"} {
		if _, walked := done[code]; !walked {
			t.Errorf("nobody of outcome %s was played", code)
		}
	}
	clock.move(61 * time.Second) // the answers of a moment ago, and the one message a minute, are over
	for _, o := range all {
		if o.after == nil {
			continue
		}
		t.Run(o.name+" again", func(t *testing.T) {
			c := &caller{stage: s.as(t), o: o, width: 375}
			c.opens(browser)
			c.looksUp(2)
			c.reads(o.after)
		})
	}
}

// as is the same stage reporting to a subtest.
func (s *stage) as(t testing.TB) *stage {
	o := *s
	o.t = t
	return &o
}

// caller is somebody of one outcome before a browser of their own.
type caller struct {
	*stage
	clock      *clock
	o          seeker
	width      int64
	ctx        context.Context
	violations *[]string
}

func (c *caller) test() *testing.T { return c.t.(*testing.T) }

func (c *caller) step(name string, actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	soon, stop := context.WithTimeout(c.ctx, 30*time.Second)
	defer stop()
	actFor(soon, c.ctx, c.test(), name, actions...)
}

func (c *caller) read(selector string) string {
	c.t.Helper()
	return contentOf(c.ctx, c.test(), selector)
}

// opens a browser with cookies of its own, without script where the outcome says so.
func (c *caller) opens(browser context.Context) {
	c.t.Helper()
	c.ctx, c.violations = besides(c.test(), browser, c.width)
	if c.o.noScript {
		off := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return err
		})
		c.step("no script", off)
	}
}

// looksUp walks 账号检索 to its answer: a captcha for a USCC, a code to the number
// (the n-th message that it gets) for a person.
func (c *caller) looksUp(n int) {
	c.t.Helper()
	c.step("look-up", chromedp.Navigate(c.issuer+"/lookup"), chromedp.WaitVisible("input#uscc"))
	if c.o.english {
		c.step("in English", chromedp.Click(`a[hreflang="en"]`), chromedp.WaitVisible(`html[lang="en"] input#uscc`))
	}
	if c.o.unit {
		c.step("answer", chromedp.SendKeys("input#uscc", c.o.key), chromedp.SendKeys("input#captcha", demoCaptcha), chromedp.Submit("input#uscc"), chromedp.WaitVisible("#main .card a.btn"))
		return
	}
	c.step("person", chromedp.Click(`.tabs a[href="/lookup?kind=person"]`), chromedp.WaitVisible("input#mobile"))
	c.step("code", chromedp.SendKeys("input#mobile", c.o.key), chromedp.SendKeys("input#captcha", demoCaptcha), chromedp.Submit("input#mobile"), chromedp.WaitVisible("input#code"))
	c.step("answer", chromedp.SendKeys("input#code", c.await("+86"+c.o.key, n).Code), chromedp.Submit("input#code"), chromedp.WaitVisible("#main .card a.btn"))
}

// reads holds the card to what it must say, on a desktop and on a phone; it has one
// button.
func (c *caller) reads(want []string) {
	c.t.Helper()
	card := c.read("#main .card")
	for _, w := range want {
		if lacks, ok := strings.CutPrefix(w, "!"); ok {
			if strings.Contains(card, lacks) {
				c.t.Errorf("the card says %q:\n%s", lacks, card)
			}
		} else if !strings.Contains(card, w) {
			c.t.Errorf("the card does not say %q:\n%s", w, card)
		}
	}
	buttons, err := chromedp.Run(c.ctx, chromedp.Nodes(`#main .card a.btn, #main .card button`))
	if err != nil || len(buttons) != 1 {
		c.t.Errorf("the card has %d buttons, %v", len(buttons), err)
	}
	for _, width := range []int64{1280 + 375 - c.width, c.width} {
		c.step("as wide as", chromedp.EmulateViewport(width, 900))
		fitsIn(c.ctx, c.test(), "the answer", width)
		if os.Getenv("KEJITONG_TEST_PICTURES") != "" {
			picture(c.ctx, c.test(), "outcome-"+strings.NewReplacer("·", "-", " ", "-").Replace(c.t.Name()[len("TestOutcomesInChromium/"):])+"-"+map[bool]string{true: "1280", false: "375"}[width == 1280])
		}
	}
}

// comesBy presses the button and ends signed in.
func (c *caller) comesBy() {
	c.t.Helper()
	button := `#main .card a.btn[href^="` + c.o.button + `"]`
	login := c.o.login
	switch c.o.button {
	case "/register/unit", "/register/person":
		c.step("button", chromedp.Click(button), chromedp.WaitVisible("input#mobile"))
		c.registers()
		c.step("to the sign-in", chromedp.Click(`a.btn[href^="/login"]`), chromedp.WaitVisible("#username"))
	case "/appeal/person":
		c.step("button", chromedp.Click(button), chromedp.WaitVisible("input#id_number"))
		if c.o.login == "" { // the next one goes the whole way
			return
		}
		c.appeals()
		c.step("to the sign-in", chromedp.Click(`a.btn[href^="/login"]`), chromedp.WaitVisible("#username"))
	default:
		c.step("button", chromedp.Click(button), chromedp.WaitVisible("#username"))
		if filled, err := chromedp.Run(c.ctx, chromedp.Value("#username")); err != nil || filled != c.o.filled {
			c.t.Errorf("the sign-in page is filled in with %q, want %q, %v", filled, c.o.filled, err)
		}
	}
	if filled, err := chromedp.Run(c.ctx, chromedp.Value("#username")); err == nil && filled == "" {
		c.step("login name", chromedp.SendKeys("#username", login))
	}
	window := c.read(".tabs a[aria-current]")
	if want := map[string]string{"natural_person": "自然人", "legal_entity": "法人"}[c.o.window]; !c.o.english && !strings.Contains(window, want) {
		c.t.Errorf("the window is %q, want %q", window, want)
	}
	home := chromedp.WaitVisible(`button[name="logout"]`)
	if !c.o.weak {
		c.step("signed in", chromedp.SendKeys("#password", c.o.password), chromedp.Submit("#password"), home)
		return
	}
	c.step("a new password is owed", chromedp.SendKeys("#password", c.o.password), chromedp.Submit("#password"), chromedp.WaitVisible("#new-password"))
	c.step("no session before", chromedp.SendKeys("#new-password", freshPassword), chromedp.SendKeys("#new-password-again", freshPassword), chromedp.Submit("#new-password"), home)
}

// isVerified goes from the home page to 实名认证 where it is owed (R4).
func (c *caller) isVerified() {
	c.t.Helper()
	if c.o.login == "" || c.o.verified {
		return
	}
	to := chromedp.Click(`#main a[href="/me/realname/status"]`)
	verified := chromedp.WaitVisible(`.realname .badge.ok`)
	if c.o.refused { // R9: one document, one account
		verified = chromedp.WaitVisible(`.told.bad`)
	}
	if c.o.window == string(account.NaturalPerson) {
		c.step("real name", to, chromedp.WaitVisible("input#id_number"))
		c.step("verified", chromedp.SendKeys("input#name", c.o.person), chromedp.SetValue("select#id_type", account.DocResident), chromedp.SendKeys("input#id_number", c.o.document),
			chromedp.Submit("input#id_number"), verified)
		return
	}
	c.step("real name", to, chromedp.WaitVisible("input#unit_name"))
	c.step("verified", chromedp.SetValue("input#unit_name", c.o.unitName), chromedp.SetValue("select#region", account.Mainland), chromedp.SetValue("select#unit_type", account.UnitEnterprise),
		chromedp.SendKeys("input#legal_rep_name", c.o.person), chromedp.SetValue("select#legal_rep_id_type", account.DocResident), chromedp.SendKeys("input#legal_rep_id_number", c.o.document),
		chromedp.Click("input#handler_same"), chromedp.SendKeys("input#handler_mobile", "13966660001"), chromedp.SetValue("input#handler_until", time.Now().AddDate(1, 0, 0).Format(time.DateOnly)),
		chromedp.Submit("input#unit_name"), verified)
}

// enters goes by 服务事项 and 办理入口 into the system; for a unit its data are to be
// confirmed the first time (R36).
func (c *caller) enters() {
	c.t.Helper()
	if c.o.login == "" || c.o.refused {
		return
	}
	system, in := "torch_statistics", chromedp.WaitVisible("#id_token")
	if c.o.unit {
		system = string(hightech)
	}
	c.step("services", chromedp.Navigate(c.issuer+"/me/services"), chromedp.WaitVisible(`button[name="enter"][value="`+system+`"]`))
	enter := chromedp.Click(`button[name="enter"][value="` + system + `"]`)
	if !c.o.unit {
		c.step("in the system", enter, in)
		return
	}
	c.step("to confirm", enter, chromedp.WaitVisible(`button[value="allow"]`))
	if facts := c.read("#main"); !strings.Contains(facts, c.o.key) || !strings.Contains(facts, c.o.unitName) {
		c.t.Errorf("what is to be confirmed is not the unit:\n%s", facts)
	}
	c.step("in the system", chromedp.Click(`button[value="allow"]`), in)
}

// isToldOf holds what the system shows to the rules of the claims (pages 5.2–5.4).
func (c *caller) isToldOf() {
	c.t.Helper()
	if c.o.login == "" || c.o.refused {
		return
	}
	parsed := func(selector string) (m map[string]any) {
		c.t.Helper()
		if err := json.Unmarshal([]byte(c.read(selector)), &m); err != nil {
			c.t.Fatalf("%s: %v", selector, err)
		}
		return m
	}
	id, info := parsed("#id_token"), parsed("#userinfo")
	raw, _ := json.Marshal(id) // it was JSON a moment ago
	want := c.o.told()
	for path, value := range want.id {
		if got := within(id, path); !same(got, value) {
			c.t.Errorf("ID token: %s is %v, want %v", path, got, value)
		}
	}
	for path, value := range want.info {
		if got := within(info, path); !same(got, value) {
			c.t.Errorf("userinfo: %s is %v, want %v", path, got, value)
		}
	}
	for _, never := range []string{c.o.document, "phone_number", c.o.login + `"`} { // C28, pairwise sub
		if never != "" && never != c.o.key+`"` && strings.Contains(string(raw), never) {
			c.t.Errorf("the ID token holds %q: %s", never, raw)
		}
	}
	if sub := text(id, "sub"); sub == "" || sub != text(info, "sub") || strings.Contains(sub, c.o.key) {
		c.t.Errorf("sub is %q and %q", sub, text(info, "sub"))
	}
	shown := map[string]string{"#account_type": map[string]string{"natural_person": "自然人", "legal_entity": "法人"}[c.o.window], "#realname": "已认证（verified），等级 L2"}
	if c.o.unit {
		shown["#uscc"], shown["#org_name"] = c.o.key, c.o.unitName
		shown["#relation"] = map[string]string{"natural_person": "经办人", "legal_entity": "本单位账号"}[c.o.window]
	}
	for selector, want := range shown {
		if got := c.read(selector); !strings.Contains(got, want) {
			c.t.Errorf("the system shows %s as %q, want %q", selector, got, want)
		}
	}
}

// entersTheOther goes on to the second system, signed in as they are, and is told of
// there for it alone (R8: both).
func (c *caller) entersTheOther() {
	c.t.Helper()
	if !c.o.both {
		return
	}
	c.step("services", chromedp.Navigate(c.issuer+"/me/services"), chromedp.WaitVisible(`button[name="enter"][value="`+string(techSME)+`"]`))
	c.step("to confirm", chromedp.Click(`button[name="enter"][value="`+string(techSME)+`"]`), chromedp.WaitVisible(`button[value="allow"]`))
	c.step("in the other system", chromedp.Click(`button[value="allow"]`), chromedp.WaitVisible("#id_token"))
	if uscc, may := c.read("#uscc"), strings.TrimSpace(c.read("#entitlements")); uscc != c.o.key || may != "tech_sme:apply" {
		c.t.Errorf("the second system is told of %q, who may %q", uscc, may)
	}
}

// within finds what stands at a dotted path; of a list the first counts.
func within(m map[string]any, path string) any {
	var v any = m
	for _, name := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			if len(at) == 0 {
				return nil
			}
			v = at[0]
			if m, ok := v.(map[string]any); ok {
				v = m[name]
			}
		default:
			return nil
		}
	}
	return v
}

// same compares what JSON gave; lists of words in any order.
func same(got, want any) bool {
	list, ok := want.([]string)
	if !ok {
		return got == want
	}
	all, ok := got.([]any)
	if !ok || len(all) != len(list) {
		return false
	}
	for _, w := range list {
		if !slices.Contains(all, any(w)) {
			return false
		}
	}
	return true
}

// registers goes from the first form to the last. Whoever looked a number up a moment
// ago waits a minute for its next code (S54).
func (c *caller) registers() {
	c.t.Helper()
	mobile := c.o.key
	if c.o.unit {
		mobile = "1397777" + c.o.document[len(c.o.document)-5:len(c.o.document)-1]
	} else {
		c.clock.move(61 * time.Second)
	}
	before := len(c.codesTo(mobile))
	c.step("mobile", chromedp.SendKeys("input#mobile", mobile), chromedp.SendKeys("input#captcha", demoCaptcha), chromedp.Click("input#terms"), chromedp.Click("input#adult"),
		chromedp.Submit("input#mobile"), chromedp.WaitVisible("input#code"))
	c.step("account", chromedp.SendKeys("input#code", c.await("+86"+mobile, before+1).Code), chromedp.Submit("input#code"), chromedp.WaitVisible("input#login_name"))
	form := []chromedp.Action[chromedp.Void]{
		chromedp.SetValue("input#login_name", c.o.login), chromedp.SendKeys("input#password", chosenPassword), chromedp.SendKeys("input#password_again", chosenPassword),
	}
	if c.o.unit {
		form = append(form, chromedp.SendKeys("input#uscc", c.o.key), chromedp.SendKeys("input#unit_name", c.o.unitName), chromedp.SetValue("select#unit_type", account.UnitEnterprise),
			chromedp.SendKeys("input#contact", "王五"))
	}
	c.step("registered", append(form, chromedp.Submit("input#login_name"), chromedp.WaitVisible(`a.btn[href^="/login"]`))...)
}

// appeals goes from the first form to a new password; two reviewers approve.
func (c *caller) appeals() {
	c.t.Helper()
	r := &rig{stage: c.stage}
	before := len(c.told("+86" + appealMobile))
	c.step("appeal", chromedp.SendKeys("#name", c.o.person), chromedp.SendKeys("#id_number", c.o.document), chromedp.SendKeys("#mobile", appealMobile),
		chromedp.SendKeys("#captcha", demoCaptcha), chromedp.Submit("#captcha"), chromedp.WaitVisible("#code"))
	c.step("evidence", chromedp.SendKeys("#code", c.await("+86"+appealMobile, before+1).Code), chromedp.Submit("#code"), chromedp.WaitVisible("#file"))
	card := filepath.Join(c.t.TempDir(), "card.jpg")
	if err := os.WriteFile(card, photo(c.t), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.step("uploaded", chromedp.SetUploadFiles("#file", []string{card}), chromedp.Click(".upload .btn"), chromedp.WaitVisible(".filed .badge.ok"))
	c.step("filed", chromedp.SendKeys("#reason", "忘记登录名"), chromedp.Submit("#reason"), chromedp.WaitVisible(`.card .done`))
	told := c.read("#main")
	f := filed{caseNumbers.FindString(told), secretTexts.FindString(told), appealMobile}
	r.approve(f)
	c.step("track", chromedp.Click(`a.btn[href="/appeal/track"]`), chromedp.WaitVisible("#secret"))
	c.step("approved", chromedp.SendKeys("#number", f.number), chromedp.SendKeys("#secret", f.secret), chromedp.Submit("#secret"), chromedp.WaitVisible(`a.btn[href^="/appeal/redeem"]`))
	c.step("redeem", chromedp.Click(`a.btn[href^="/appeal/redeem"]`), chromedp.WaitVisible(`button[name="send"]`))
	c.clock.move(61 * time.Second)
	before = len(c.told("+86" + appealMobile))
	c.step("new password", chromedp.Click(`button[name="send"]`), chromedp.WaitVisible(`#code-hint[role="status"]`))
	c.step("done", chromedp.SendKeys("#code", c.await("+86"+appealMobile, before+1).Code), chromedp.SendKeys("#password", freshPassword), chromedp.SendKeys("#password_again", freshPassword),
		chromedp.Submit("#password_again"), chromedp.WaitVisible(`.card .done`))
}
