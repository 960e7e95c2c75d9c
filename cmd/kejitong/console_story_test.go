package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kejitong/provider/integrator"
	"kejitong/provider/web/visitor"
	"kejitong/store/storetest"
)

// A system is connected in a real browser: the unit applies, gets its sandbox with
// a secret that is shown once, rotates that after it has signed in anew, is
// approved, goes live, and waits for the operator again when its users are to be
// sent to another host. Every page stands on a desktop and on a phone.
func TestConsoleStoryInChromium(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	ctx, violations := chromium(t, 1280)
	legal, officer := r.account("b"), r.operator(r.securityAdmin())
	step := onBothWidths(ctx, t, "console")
	read := func(selector string) string { t.Helper(); return contentOf(ctx, t, selector) }
	signIn := []chromedp.Action[chromedp.Void]{chromedp.SendKeys("#username", legal.Username), chromedp.SendKeys("#password", legal.Password), chromedp.Submit("#password")}
	kept := `a.btn[href^="/console/"]`

	step("01-nothing-yet", append([]chromedp.Action[chromedp.Void]{
		chromedp.Navigate(r.issuer + "/login?window=legal_entity&next=/me"), chromedp.WaitVisible("#username"),
	}, append(slices.Clone(signIn), chromedp.WaitVisible(`a[href="/console"]`), chromedp.Click(`a[href="/console"]`), chromedp.WaitVisible(`a[href="/console/new"]`))...)...)
	step("02-refused", chromedp.Click(`a[href="/console/new"]`), chromedp.WaitVisible("#f-name"),
		chromedp.SendKeys("#f-name", "研发云项目申报助手"), chromedp.SendKeys("#f-purpose", "替企业填写科技项目申报书"), chromedp.SendKeys("#f-redirect_uris", "http://app.example.com/cb"),
		chromedp.SendKeys("#f-contacts", "dev@example.com"), chromedp.SendKeys("#f-reason_profile", "在页面上显示姓名"), chromedp.SendKeys("#f-reason_org", "按单位填写申报书"),
		chromedp.Submit("#f-name"), chromedp.WaitVisible("#f-redirect_uris-why"))
	step("03-project", chromedp.Clear("#f-redirect_uris"), chromedp.SendKeys("#f-redirect_uris", consoleCallback), chromedp.Submit("#f-name"), chromedp.WaitVisible(".consteps"))
	step("04-test-password", chromedp.Click(`form[action$="/sandbox"] button`), chromedp.WaitVisible("#secret"))
	step("05-test-accounts", chromedp.Click(kept), chromedp.WaitVisible(`.consteps`))
	step("06-sandbox", chromedp.Click(`a[href^="/console/clients/sbx-"]`), chromedp.WaitVisible("#f-redirect_uris"))
	step("07-secret", chromedp.Click(`button[value="alone"]`), chromedp.WaitVisible("#secret"))
	first := read("#secret")
	step("08-secret-kept", chromedp.Click(kept), chromedp.WaitVisible(`button[value="overlap"]`))
	if strings.Contains(read("main"), first) {
		t.Error("S71: the secret is shown a second time")
	}

	// S63: what was a fresh sign-in is none any more.
	r.clock.move(visitor.FreshFor + time.Minute)
	step("09-asked-again", chromedp.Click(`button[value="overlap"]`), chromedp.WaitVisible("#password"))
	if name, err := chromedp.Run(ctx, chromedp.Value("#username")); err != nil || !strings.EqualFold(name, legal.Username) {
		t.Errorf("who is asked for the password again finds %q as login name", name)
	}
	step("10-rotated", append(slices.Clone(signIn[1:]), chromedp.WaitVisible(`button[value="overlap"]`), chromedp.Click(`button[value="overlap"]`), chromedp.WaitVisible("#secret"))...)
	if second := read("#secret"); second == first || len(second) < 43 {
		t.Errorf("rotated from %q to %q", first, second)
	}
	step("11-overlap", chromedp.Click(kept), chromedp.WaitVisible(`button[value="end"]`))
	step("12-submitted", chromedp.Click(`a[href^="/console/projects/"]`), chromedp.WaitVisible(`form[action$="/submit"]`), chromedp.Click(`form[action$="/submit"] button`), chromedp.WaitVisible(".told.good"))

	mine, err := r.app.db.ProjectsOf(t.Context(), r.person("b").Account.ID)
	if err != nil || len(mine) != 1 {
		t.Fatal(mine, err)
	}
	id := mine[0].ID
	step("13-desk", chromedp.Navigate(r.issuer+"/admin/login"), chromedp.WaitVisible("#f-username"), chromedp.SendKeys("#f-username", officer.Username), chromedp.SendKeys("#f-password", officer.Password),
		chromedp.SendKeys("#f-code", r.deskCode(officer.Factor)), chromedp.Submit("#f-password"), chromedp.WaitVisible(`a[href="/admin/integrators"]`),
		chromedp.Navigate(r.issuer+"/admin/integrators"), chromedp.WaitVisible(`a[href="/admin/integrators/`+id+`"]`))
	step("14-desk-system", chromedp.Click(`a[href="/admin/integrators/`+id+`"]`), chromedp.WaitVisible(`button[value="approve"]`))
	step("15-desk-approved", chromedp.Click(`button[value="approve"]`), chromedp.WaitVisible(`.told.good`))

	step("16-approved", chromedp.Navigate(r.issuer+"/console/projects/"+id), chromedp.WaitVisible(`a[href^="/console/clients/app-"]`))
	step("17-production", chromedp.Click(`a[href^="/console/clients/app-"]`), chromedp.WaitVisible("#f-redirect_uris"))
	step("18-production-secret", chromedp.Click(`button[value="alone"]`), chromedp.WaitVisible("#secret"))
	const other = "https://other.example.com/cb"
	step("19-waits", chromedp.Click(kept), chromedp.WaitVisible("#f-redirect_uris"), chromedp.Clear("#f-redirect_uris"), chromedp.SendKeys("#f-redirect_uris", other), chromedp.Submit("#f-redirect_uris"), chromedp.WaitVisible(".edits"))
	live := r.project(id).Production
	redirects := func() string {
		t.Helper()
		c, err := r.app.db.Client(t.Context(), live)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(c.Metadata.RedirectURIs, " ")
	}
	if got := redirects(); got != consoleCallback {
		t.Errorf("S68: redirect URIs %s without an operator", got)
	}
	step("20-desk-change", chromedp.Navigate(r.issuer+"/admin/integrators"), chromedp.WaitVisible(`button[value="approve"]`))
	step("21-desk-none", chromedp.Click(`button[value="approve"]`), chromedp.WaitVisible(`.told.good`))
	if got := redirects(); got != other {
		t.Errorf("redirect URIs %s after the approval", got)
	}
	step("22-live", chromedp.Navigate(r.issuer+"/console/projects/"+id), chromedp.WaitVisible(".consteps"))
	step("23-home", chromedp.Navigate(r.issuer+"/console"), chromedp.WaitVisible(".badge.ok"))
	if m := r.project(id); m.State != integrator.Approved {
		t.Errorf("the project is %s", m.State)
	}
	for _, v := range *violations {
		if !strings.Contains(v, "status of 422") { // the refused form
			t.Errorf("the browser complained: %s", v)
		}
	}
}
