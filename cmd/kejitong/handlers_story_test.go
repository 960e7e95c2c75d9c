package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

// A unit and a person in two browsers, on a desktop and on a phone: the unit invites
// him for two systems, he confirms, is asked at 高企认定 for which of his two units he
// comes and takes one after the other; the unit ends it, and the next try says why
// not.
func TestHandlerStoryInChromium(t *testing.T) {
	for _, width := range []int64{1280, 375} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			s := theatre(t)
			r := &rig{stage: s, clock: &clock{}}
			r.actsForAnother("a")
			unit, unitSaid := chromium(t, width)
			person, personSaid := chromium(t, width)
			step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				ctx := person
				if strings.HasPrefix(name, "unit-") {
					ctx = unit
				}
				act(ctx, t, name, actions...)
				fitsIn(ctx, t, name, width)
				picture(ctx, t, fmt.Sprintf("handlers-%s-%d", name, width))
			}
			first, second := s.cast.systems[0].BaseURL, s.cast.systems[1].BaseURL
			legal, who := s.account("b"), s.account("a")
			step("unit-1-invite", chromedp.Navigate(s.issuer+"/login?window=legal_entity&next=%2Fme%2Fhandlers%2Finvite"), chromedp.WaitVisible("#username"),
				chromedp.SendKeys("#username", legal.Username), chromedp.SendKeys("#password", legal.Password), chromedp.Submit("#password"), chromedp.WaitVisible("#who"))
			step("unit-2-invited", chromedp.SendKeys("#name", "张三"), chromedp.SendKeys("#who", who.Username),
				chromedp.Click(`input[value="hightech_enterprise:apply"]`), chromedp.Click(`input[value="tech_sme:apply"]`), chromedp.Submit("#who"), chromedp.WaitVisible(`button[name="withdraw"]`))
			step("1-due", chromedp.Navigate(s.issuer+"/login?next=%2Fme"), chromedp.WaitVisible("#username"),
				chromedp.SendKeys("#username", who.Username), chromedp.SendKeys("#password", who.Password), chromedp.Submit("#password"), chromedp.WaitVisible(`a[href="/me/mandates"]`))
			step("2-offer", chromedp.Click(`a[href="/me/mandates"]`), chromedp.WaitVisible(`button[name="confirm"]`))
			step("3-confirmed", chromedp.Click(`button[name="confirm"]`), chromedp.WaitVisible(`.told[role="status"]`))
			for n, uscc := range []string{demoUSCC, otherUnit} {
				pick := `button[name="org"][value="` + r.unitOf("a", uscc) + `"]`
				step(fmt.Sprintf("4-choose-%d", n+1), chromedp.Navigate(first+"/login"), chromedp.WaitVisible(pick))
				step(fmt.Sprintf("5-data-%d", n+1), chromedp.Click(pick), chromedp.WaitVisible(`button[value="allow"]`))
				step(fmt.Sprintf("6-in-%d", n+1), chromedp.Click(`button[value="allow"]`), chromedp.WaitVisible("#id_token"))
				id, err := chromedp.Run(person, chromedp.TextContent("#id_token"))
				if other := map[string]string{demoUSCC: otherUnit, otherUnit: demoUSCC}[uscc]; err != nil || !strings.Contains(id, uscc) || strings.Contains(id, other) {
					t.Errorf("for %s the system learns %s, %v", uscc, id, err)
				}
			}
			step("7-second-system", chromedp.Navigate(second+"/login"), chromedp.WaitVisible(`button[value="allow"]`), chromedp.Click(`button[value="allow"]`), chromedp.WaitVisible("#id_token"))
			end := `button[name="end"][value="` + string(r.person("a").Account.ID) + `"]`
			step("unit-3-acts", chromedp.Navigate(s.issuer+"/me/handlers"), chromedp.WaitVisible(end))
			step("unit-4-ended", chromedp.Click(end), chromedp.WaitVisible(`.told[role="status"]`))
			step("8-refused", chromedp.Navigate(second+"/login"), chromedp.WaitVisible(`form[action^="/refused"], main form`))
			step("9-refused-by-name", chromedp.Navigate(first+"/login?org_hint="+demoUSCC), chromedp.WaitVisible(`main form`))
			for _, want := range []string{"尚未获得该系统的授权", demoUSCC, "您代表“示例科技有限公司”办理该业务的授权已于"} {
				if body, err := chromedp.Run(person, chromedp.TextContent("main")); err != nil || !strings.Contains(body, want) {
					t.Errorf("the page does not say %s: %s, %v", want, body, err)
				}
			}
			if said := append(*unitSaid, *personSaid...); len(said) > 0 {
				t.Errorf("the browser complained:\n%s", strings.Join(said, "\n"))
			}
		})
	}
}

// actsForAnother lets the case enter the first system for the cast's second unit.
func (r *rig) actsForAnother(c string) {
	r.t.Helper()
	did, who, day := audit.Event{Kind: audit.EntitlementMade, Actor: "test"}, r.person(c).Account.ID, now()
	unit, err := r.app.db.UnitByUSCC(r.t.Context(), otherUnit)
	if err == nil {
		err = r.app.db.PutMandate(r.t.Context(), entitlement.Mandate{ID: string(account.NewID()), Account: who, Unit: unit, Relation: entitlement.Handler,
			State: entitlement.Active, Source: entitlement.Delegated, From: day, Until: day.Add(200 * 24 * time.Hour)}, did)
	}
	if err == nil {
		err = r.app.db.PutGrant(r.t.Context(), entitlement.Grant{ID: string(account.NewID()), Account: who, UnitID: unit.ID, System: hightech, Actions: []string{"apply"},
			State: entitlement.Active, Source: entitlement.Delegated, From: day, Until: day.Add(200 * 24 * time.Hour)}, did)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// unitOf is the id of a unit that the case acts for.
func (r *rig) unitOf(c, uscc string) string {
	r.t.Helper()
	for _, m := range r.person(c).Mandates {
		if m.Unit.USCC == account.USCC(uscc) {
			return m.Unit.ID
		}
	}
	r.t.Fatalf("%s does not act for %s", c, uscc)
	return ""
}
