package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

const (
	caseNumber  = "110000199001010064" // valid and nobody's
	caseNumber2 = "110000199001010072"
)

var paperLink = regexp.MustCompile(`/admin/cases/[^"]+/papers/[^"?]+\?page=0`)

// A reviewer takes a case, sees what it says beside the documents, and decides;
// until then, and to everybody else, it is masked (C29, S75). The story ends with a
// verified account.
func TestDeskDecidesACase(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		cs := r.underReview("d", caseNumber)
		one, two := r.atDesk("reviewer"), r.atDesk("reviewer2")
		at := r.issuer + "/admin/cases/" + cs.ID
		if p := one.get(r.issuer + "/admin/cases"); !strings.Contains(p.body, cs.Number) {
			t.Fatalf("the queue does not show %s:\n%s", cs.Number, p.body)
		}
		p := one.get(at)
		if strings.Contains(p.body, caseNumber) || strings.Contains(p.body, "赵小六") || paperLink.MatchString(p.body) {
			t.Errorf("a case that nobody took is shown in the clear:\n%s", p.body)
		}
		p = one.submit(p, "decision=claim", url.Values{"decision": {"claim"}})
		if !strings.Contains(p.body, caseNumber) || !strings.Contains(p.body, "赵小六") {
			t.Fatalf("who is in charge does not see the case:\n%s", p.body)
		}
		if r.audited(audit.CaseViewed) == 0 {
			t.Error("nothing in the trail says who saw it (C8)")
		}
		paper := strings.ReplaceAll(paperLink.FindString(p.body), "&amp;", "&")
		picture := one.get(r.issuer + paper)
		if picture.StatusCode != http.StatusOK || picture.Header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(picture.Header.Get("Content-Disposition"), "attachment") ||
			!strings.Contains(picture.Header.Get("Content-Security-Policy"), "sandbox") || picture.Header.Get("Cache-Control") != "no-store" || r.audited(audit.DocumentViewed) != 1 {
			t.Errorf("picture: %d %v, %d views in the trail", picture.StatusCode, picture.Header, r.audited(audit.DocumentViewed))
		}

		// S75, S79: nobody else sees it, however the address is made.
		for name, b := range map[string]*browser{"another reviewer": two, "the security administrator": r.atDesk("secadmin")} {
			if got := b.get(r.issuer + paper); got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusForbidden {
				t.Errorf("%s sees the document: %d", name, got.StatusCode)
			}
		}
		masked := two.get(at)
		if strings.Contains(masked.body, caseNumber) {
			t.Error("another reviewer sees the number")
		}
		token := two.formToken(r.issuer + "/admin/self")
		version := findForm(t, masked.body, "decision").values.Get("version")
		for decision, want := range map[string]int{"claim": http.StatusForbidden, "approve": http.StatusForbidden, "reject": http.StatusForbidden, "release": http.StatusForbidden, "nonsense": http.StatusOK} {
			got := two.deskSend(at, url.Values{"form_token": {token}, "version": {version}, "decision": {decision}, "reason": {"papers_unclear"}})
			if got.StatusCode != want {
				t.Errorf("another reviewer may %s: %d", decision, got.StatusCode)
			}
		}
		if got := two.deskSend(at, url.Values{"form_token": {token}, "version": {"0"}, "decision": {"claim"}}); got.StatusCode != http.StatusConflict {
			t.Errorf("an old version: %d", got.StatusCode)
		}

		p = one.submit(one.get(at), "decision=approve", url.Values{"decision": {"approve"}})
		if p.StatusCode != http.StatusOK || !r.person("d").Account.RealName.Verified() {
			t.Fatalf("not verified after %d:\n%s", p.StatusCode, p.body)
		}
		if got := r.person("d").Account; got.RealName.Method != account.MethodManual || got.Profile.IDNumber != caseNumber {
			t.Errorf("got %+v", got.RealName)
		}
		if p = one.get(r.issuer + paper); p.StatusCode != http.StatusNotFound {
			t.Errorf("a document of a decided case: %d", p.StatusCode)
		}
		if p = one.get(at); strings.Contains(p.body, caseNumber) {
			t.Error("a decided case is shown in the clear")
		}
	})
}

// S58: of two who act on one case at once, one does; the other is told what
// changed.
func TestDeskRacesForACase(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		cs := r.underReview("d", caseNumber2)
		at := r.issuer + "/admin/cases/" + cs.ID
		one, two := r.atDesk("reviewer"), r.atDesk("reviewer2")
		race := func(acts ...func() page) (won, conflicts int) {
			t.Helper()
			out := make([]int, len(acts))
			var wg sync.WaitGroup
			for i, act := range acts {
				wg.Go(func() { out[i] = act().StatusCode })
			}
			wg.Wait()
			for _, status := range out {
				switch status {
				case http.StatusSeeOther:
					won++
				case http.StatusConflict, http.StatusForbidden:
					conflicts++
				default:
					t.Errorf("a racer got %d", status)
				}
			}
			return won, conflicts
		}
		form := func(b *browser, decision string) func() page {
			f := findForm(t, b.get(at).body, "decision="+decision).values
			f.Set("decision", decision)
			f.Set("reason", "papers_unclear")
			return func() page { return b.deskSend(at, f) }
		}
		if won, lost := race(form(one, "claim"), form(two, "claim"), form(one, "claim"), form(two, "claim")); won != 1 || lost != 3 {
			t.Errorf("%d took the case, %d did not", won, lost)
		}
		charge := one
		if strings.Contains(two.get(at).body, caseNumber2) {
			charge = two
		}
		acts := []func() page{}
		for range 4 {
			acts = append(acts, form(charge, "approve"), form(charge, "reject"))
		}
		if won, lost := race(acts...); won != 1 || lost != 7 {
			t.Errorf("%d decided, %d did not", won, lost)
		}
		if n := r.ask(`SELECT COUNT(*) FROM audit WHERE object = ? AND kind IN ('realname.rejected', 'realname.verified')`, cs.ID); n != 1 {
			t.Errorf("the trail tells of %d decisions", n)
		}
		p := charge.deskSend(at, url.Values{"form_token": {charge.formToken(r.issuer + "/admin/self")}, "version": {"1"}, "decision": {"claim"}})
		if p.StatusCode != http.StatusConflict || !strings.Contains(p.body, "事项已发生变化") {
			t.Errorf("too late: %d\n%s", p.StatusCode, p.body)
		}
	})
}

// S58: nobody decides about himself.
func TestDeskOwnCase(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		cs := r.underReview("d", caseNumber)
		b := r.atDesk("reviewer")
		p := b.submit(b.get(r.issuer+"/admin/self"), "login_name", url.Values{"login_name": {"newcomer"}})
		if p.StatusCode != http.StatusOK {
			t.Fatalf("%d\n%s", p.StatusCode, p.body)
		}
		at := r.issuer + "/admin/cases/" + cs.ID
		token := b.formToken(r.issuer + "/admin/self")
		for _, decision := range []string{"claim", "approve", "reject"} {
			got := b.deskSend(at, url.Values{"form_token": {token}, "version": {"2"}, "decision": {decision}})
			if got.StatusCode != http.StatusForbidden {
				t.Errorf("%s of the own case: %d", decision, got.StatusCode)
			}
		}
		who := r.issuer + "/admin/accounts/" + string(r.person("d").Account.ID)
		got := b.deskSend(who+"/reveal", url.Values{"form_token": {token}, "field": {"mobile"}, "ground": {"case"}})
		if got.StatusCode != http.StatusForbidden || strings.Contains(got.body, "13900000001") {
			t.Errorf("the own data: %d", got.StatusCode)
		}
	})
}
