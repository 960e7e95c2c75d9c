package main

import (
	"context"
	"fmt"
	"image/color"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"kejitong/cmd/kejitong/relyingparty"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
)

// actor is one person before a screen of a story. Each step is kept as a picture
// of a desktop and of a phone, and nothing may be wider than either.
type actor struct {
	t     *testing.T
	ctx   context.Context
	story string
	width int64 // of the screen on which the story is played
}

func (a *actor) step(name string, actions ...chromedp.Action[chromedp.Void]) {
	a.t.Helper()
	soon, stop := context.WithTimeout(a.ctx, 30*time.Second)
	defer stop()
	actFor(soon, a.ctx, a.t, name, actions...)
	widths := []int64{1280, 375}
	if a.width == 1280 { // the one played on comes last
		widths = []int64{375, 1280}
	}
	for _, width := range widths {
		if err := chromedp.Do(a.ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			a.t.Fatal(err)
		}
		fitsIn(a.ctx, a.t, name, width)
		picture(a.ctx, a.t, fmt.Sprintf("%s-%s-%d", a.story, name, width))
	}
}

func (a *actor) read(selector string) string {
	a.t.Helper()
	v, err := chromedp.Run(a.ctx, chromedp.TextContent(selector))
	if err != nil {
		a.t.Fatalf("%s: %v", selector, err)
	}
	return v
}

// drawn waits until the pictures that the selector names are shown, n of them.
func (a *actor) drawn(selector string, n int) {
	a.t.Helper()
	_, err := chromedp.Run(a.ctx, chromedp.Poll[bool](fmt.Sprintf(`(function () {
		var all = Array.from(document.querySelectorAll(%q));
		return all.length === %d && all.every(function (i) { i.loading = "eager"; return i.complete && i.naturalWidth > 100; });
	})()`, selector, n)))
	if err != nil {
		a.t.Fatalf("the pictures do not come: %v", err)
	}
}

// content fails where the browser complained of anything but a form that was
// answered with what is wrong.
func (a *actor) content(complaints []string) {
	a.t.Helper()
	for _, c := range complaints {
		if !strings.Contains(c, "status of 422") {
			a.t.Errorf("the browser complained: %s", c)
		}
	}
}

// personsSystem opens a system for people, which the real name alone opens.
func (s *stage) personsSystem() *relyingparty.System {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, ev, base := s.t.Context(), audit.Event{Actor: "test"}, "http://"+l.Addr().String()
	_, err = s.app.rights.Load(ctx, []entitlement.System{{
		ID: "torch_statistics", NameZH: "火炬统计调查", NameEN: "Torch statistics", Owner: "火炬中心", AccountKinds: []account.Kind{account.NaturalPerson},
		Level: "L2", Actions: []string{"report"}, Earned: true, EntryURL: base + "/login",
	}}, "test", false)
	if err != nil {
		s.t.Fatal(err)
	}
	y := &relyingparty.System{
		Name: "火炬统计调查", NameEN: "Torch statistics", Code: "torch_statistics", Issuer: s.issuer, ClientID: "torch-statistics", ClientSecret: randomText(32),
		BaseURL: base, Scopes: []string{"openid", "profile", "entitlements", "identity"}, Now: s.app.clock, Log: s.app.log,
	}
	m := client.Metadata{
		Name: y.Name, LegalName: "火炬中心", Purpose: "办理统计调查", Scope: "openid profile entitlements identity", RedirectURIs: []string{base + "/cb"}, InitiateLoginURI: base + "/login",
		GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"}, BusinessSystems: []entitlement.SystemID{"torch_statistics"},
		ClaimsProfile: client.Kejitong, RequiredLevel: "L2", FirstParty: true, TokenEndpointAuthMethod: "client_secret_basic",
	}
	row := &client.Client{
		ID: y.ClientID, Metadata: m, SecretDigest: client.Digest(s.app.ring.Snapshot(), y.ClientID, y.ClientSecret), State: client.Active, Reviewed: true, CreatedAt: now(), UpdatedAt: now(),
	}
	ev.Kind, ev.Object = audit.ClientCreated, y.ClientID
	if err := s.app.db.PutClient(ctx, row, ev); err != nil {
		s.t.Fatal(err)
	}
	srv := &http.Server{Handler: y.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }() // it ends with the test
	s.t.Cleanup(func() { _ = srv.Close() })
	return y
}

// A person comes from a business system on a phone, has no account, registers, is
// sent to the real name, is verified by the register, and goes on where it began:
// the system opens and is told the new level.
func TestAPersonFromRegistrationIntoTheSystemInChromium(t *testing.T) {
	s := theatre(t)
	y, who := s.personsSystem(), demoPersons()[3]
	ctx, violations := chromium(t, 375)
	a, sms := &actor{t, ctx, "person", 375}, s.applicant(who.Mobile)
	const login = "reader.of.registers"
	a.step("01-system", chromedp.Navigate(y.BaseURL), chromedp.WaitVisible("#sign_in"))
	a.step("02-sign-in", chromedp.Click("#sign_in"), chromedp.WaitVisible("#username"))
	a.step("03-register", chromedp.Click(`a[href^="/register"]`), chromedp.WaitVisible(`a[href^="/register/unit"]`))
	a.step("04-mobile", chromedp.Click(`a.btn[href^="/register/person"]`), chromedp.WaitVisible("input#mobile"))
	a.step("05-code", chromedp.SendKeys("input#mobile", who.Mobile), chromedp.SendKeys("input#captcha", demoCaptcha), chromedp.Click("input#terms"), chromedp.Click("input#adult"),
		chromedp.Submit("input#mobile"), chromedp.WaitVisible("input#code"))
	a.step("06-account", chromedp.SendKeys("input#code", sms.code()), chromedp.Submit("input#code"), chromedp.WaitVisible("input#login_name"))
	a.step("07-registered", chromedp.SendKeys("input#login_name", login), chromedp.SendKeys("input#password", chosenPassword), chromedp.SendKeys("input#password_again", chosenPassword),
		chromedp.Submit("input#login_name"), chromedp.WaitVisible(`a.btn[href^="/login"]`))
	a.step("08-sign-in-again", chromedp.Click(`a.btn[href^="/login"]`), chromedp.WaitVisible("#username"))
	a.step("09-refused", chromedp.SendKeys("input#password", chosenPassword), chromedp.Submit("input#password"), chromedp.WaitVisible(`a.btn[href^="/me/realname/status"]`))
	a.step("10-real-name", chromedp.Click(`a.btn[href^="/me/realname/status"]`), chromedp.WaitVisible("input#id_number"))
	form := []chromedp.Action[chromedp.Void]{chromedp.SendKeys("input#name", who.Name), chromedp.SetValue("select#id_type", account.DocResident)}
	wrong := who.IDNumber[:16] + "9" + who.IDNumber[17:] // its check character is another's
	a.step("11-wrong-number", append(form, chromedp.SendKeys("input#id_number", wrong), chromedp.Submit("input#id_number"), chromedp.WaitVisible("#id_number-why"))...)
	a.step("12-verified", chromedp.Clear("input#id_number"), chromedp.SendKeys("input#id_number", who.IDNumber), chromedp.Submit("input#id_number"),
		chromedp.WaitVisible(`a.btn[href^="/oauth2/authorize?interaction="]`))
	a.step("13-system-opens", chromedp.Click(`a.btn[href^="/oauth2/authorize?interaction="]`), chromedp.WaitVisible("#id_token"))
	told := a.read("#id_token") + a.read("#userinfo")
	for _, want := range []string{"torch_statistics:report", `"L2"`, "verified", who.Name} {
		if !strings.Contains(told, want) {
			t.Errorf("the system is not told %q:\n%s", want, told)
		}
	}
	a.step("14-my-information", chromedp.Navigate(s.issuer+"/me"), chromedp.WaitVisible(".facts"))
	if text := a.read("main"); strings.Contains(text, who.IDNumber) || strings.Contains(text, who.Mobile) || !strings.Contains(text, account.MaskName(who.Name)) {
		t.Error("我的信息 is not masked (C29)")
	}
	a.content(*violations)
}

// A unit comes from a business system, the register does not know its new legal
// representative yet, so it hands in licence, card and authorisation; a reviewer with both
// factors takes the case, looks at the marked documents, approves; the unit is told
// and the system opens.
func TestAUnitByDocumentsIntoTheSystemInChromium(t *testing.T) {
	s := theatre(t)
	if err := s.cast.seedDesk(t.Context(), s.app); err != nil {
		t.Fatal(err)
	}
	e, system := demoEntities()[2], s.cast.systems[0].BaseURL
	rep, handler := account.CompleteResidentID("11000019800101009"), account.CompleteResidentID("11000019900101006")
	s.newcomer(e)
	dir := t.TempDir()
	file := func(name string, c color.RGBA) []string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, card(t, c), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{path}
	}
	ctx, violations := chromium(t, 1280)
	u := &actor{t, ctx, "unit", 1280}
	u.step("01-system", chromedp.Navigate(system), chromedp.WaitVisible("#sign_in"))
	u.step("02-sign-in", chromedp.Click("#sign_in"), chromedp.WaitVisible("#username"), chromedp.Click(`.tabs a[href*="legal_entity"]`), chromedp.WaitVisible(`.tabs a[href*="legal_entity"][aria-current]`))
	u.step("03-refused", chromedp.SendKeys("#username", e.USCC), chromedp.SendKeys("#password", s.cast.Secrets[e.USCC]), chromedp.Submit("#password"),
		chromedp.WaitVisible(`a.btn[href^="/me/realname/status"]`))
	u.step("04-real-name", chromedp.Click(`a.btn[href^="/me/realname/status"]`), chromedp.WaitVisible("input#unit_name"))
	u.step("05-failed", chromedp.Clear("input#unit_name"), chromedp.SendKeys("input#unit_name", e.Name), chromedp.SetValue("select#region", account.Mainland), chromedp.SetValue("select#unit_type", account.UnitEnterprise),
		chromedp.SendKeys("input#legal_rep_name", "冯远"), chromedp.SetValue("select#legal_rep_id_type", account.DocResident), chromedp.SendKeys("input#legal_rep_id_number", rep),
		chromedp.SetValue("select#handler_id_type", account.DocResident), chromedp.SendKeys("input#handler_id_number", handler),
		chromedp.SendKeys("input#handler_mobile", "13955550009"), chromedp.SetValue("input#handler_until", time.Now().AddDate(1, 0, 0).Format(time.DateOnly)),
		chromedp.Submit("input#unit_name"), chromedp.WaitVisible(`a.btn[href^="/me/realname/papers"]`))
	u.step("06-papers", chromedp.Click(`a.btn[href^="/me/realname/papers"]`), chromedp.WaitVisible("input#licence"))
	u.step("07-incomplete", chromedp.Click("#agree"), chromedp.SetUploadFiles("input#licence", file("营业执照.jpg", color.RGBA{215, 225, 235, 255})),
		chromedp.Click(`button[value="submit"]`), chromedp.WaitVisible("#authorisation-why"))
	u.drawn(".file-there img", 1)
	u.step("08-handed-in", chromedp.SetUploadFiles("input#id_front", file("正面.jpg", color.RGBA{235, 225, 215, 255})), chromedp.SetUploadFiles("input#id_back", file("反面.jpg", color.RGBA{225, 235, 215, 255})),
		chromedp.SetUploadFiles("input#authorisation", file("授权委托书.jpg", color.RGBA{240, 240, 232, 255})), chromedp.Click(`button[value="submit"]`), chromedp.WaitNotPresent("input#licence"))

	c, err := s.app.db.CaseOf(t.Context(), s.accountOf(e.USCC))
	if err != nil {
		t.Fatal(err)
	}
	reviewer, complaints := chromium(t, 1280)
	r, o := &actor{t, reviewer, "review", 1280}, s.cast.operators()[3]
	code, err := totp.GenerateCode(o.Factor, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.step("01-sign-in", chromedp.Navigate(s.issuer+"/admin/cases"), chromedp.WaitVisible("#f-username"))
	r.step("02-queue", chromedp.SendKeys("#f-username", o.Username), chromedp.SendKeys("#f-password", o.Password), chromedp.SendKeys("#f-code", code),
		chromedp.Submit("#f-password"), chromedp.WaitVisible(`a[href*="`+c.ID+`"]`))
	r.step("03-masked", chromedp.Click(`a[href*="`+c.ID+`"]`), chromedp.WaitVisible(`button[value="claim"]`))
	if text := r.read("main"); strings.Contains(text, rep) || strings.Contains(text, handler) {
		t.Error("the case is not masked before somebody takes it (C29)")
	}
	r.step("04-in-charge", chromedp.Click(`button[value="claim"]`), chromedp.WaitVisible(".exhibits img"))
	r.drawn(".exhibits img", 4)
	r.step("05-documents")
	r.step("06-approved", chromedp.Click(`button[value="approve"]`), chromedp.WaitVisible(".told.good"))

	if m := s.await("+8613955550009", 1); !strings.Contains(m.Text, "已通过人工审核") || !strings.Contains(m.Text, c.Number) {
		t.Errorf("the unit is told %q", m.Text)
	}
	u.step("09-verified", chromedp.Reload(), chromedp.WaitVisible(`a.btn[href^="/oauth2/authorize?interaction="]`))
	u.step("10-confirm", chromedp.Click(`a.btn[href^="/oauth2/authorize?interaction="]`), chromedp.WaitVisible(`button[name="decision"]`))
	u.step("11-system-opens", chromedp.Click(`button[name="decision"]`), chromedp.WaitVisible("#id_token"))
	told, at := u.read("#id_token")+u.read("#userinfo"), u.read("#uscc")
	for _, want := range []string{"hightech_enterprise:apply", e.Name, `"L2"`} {
		if !strings.Contains(told, want) {
			t.Errorf("the system is not told %q:\n%s", want, told)
		}
	}
	if at != e.USCC {
		t.Errorf("the system opens for %q", at)
	}
	u.content(*violations)
	r.content(*complaints)
}

func (s *stage) accountOf(login string) account.ID {
	s.t.Helper()
	key, err := account.NormaliseLogin(login)
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := s.app.db.AccountByLogin(s.t.Context(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.ID
}
