package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"kejitong/provider/fault"
	"kejitong/provider/recovery"
)

// Who may decide what, and when: a reviewer not the own case and not twice, nobody
// without an account, and nothing is added to what was filed or decided (S58).
func TestDeskIsHeldToTheRules(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		old := r.person("a").Account
		ctx := context.WithoutCancel(t.Context())
		b := r.browser()
		f := b.filePerson(r, claimant{"", old.Profile.Name, old.Profile.IDNumber, "13911112222"})
		s, one, two := r.desk(), recovery.Reviewer{ID: "reviewer-1"}, recovery.Reviewer{ID: "reviewer-2"}
		refused := func(name string, kind fault.Kind, err error) {
			t.Helper()
			if !fault.Is(err, kind) {
				t.Errorf("%s: %v", name, err)
			}
		}
		a := r.appeal(f)
		refused("the reviewer is the subject", fault.Refused, s.Approve(ctx, a.ID, a.Version, recovery.Reviewer{ID: "r", Account: old.ID}, "是本人"))
		refused("no reason", fault.Invalid, s.Reject(ctx, a.ID, a.Version, one, "  "))
		refused("an old version", fault.Conflict, s.Approve(ctx, a.ID, a.Version-1, one, "一致"))
		refused("another's id", fault.NotFound, s.Approve(ctx, "AAAAAAAAAAAAAAAAAAAAAA", 1, one, "一致"))
		if err := s.Approve(ctx, a.ID, a.Version, one, "一致"); err != nil {
			t.Fatal(err)
		}
		a = r.appeal(f)
		refused("the same reviewer again", fault.Refused, s.Approve(ctx, a.ID, a.Version, one, "一致"))
		refused("another account after an approval", fault.Conflict, s.Concern(ctx, a.ID, a.Version, two, r.person("d").Account.ID))
		if err := s.Reject(ctx, a.ID, a.Version, two, "照片不清晰"); err != nil {
			t.Fatal(err)
		}
		a = r.appeal(f)
		refused("after the decision", fault.Conflict, s.Approve(ctx, a.ID, a.Version, two, "一致"))
		if p := b.progress(r, f); !strings.Contains(p.body, "照片不清晰") || strings.Contains(p.body, "reviewer-2") {
			t.Errorf("the reason is not told, or the reviewer is:\n%s", p.body)
		}
		if c, err := s.Appeal(ctx, a.ID); err != nil || c.Subject == nil || c.Subject.Account.ID != old.ID {
			t.Errorf("case %+v, %v", c, err)
		}
		// Nobody's data: filed all the same (S49), and never approved.
		f = r.browser().filePerson(r, claimant{"nobodyhere", "没有人", "110000199001010021", "13911113333"})
		a = r.appeal(f)
		refused("no account", fault.Invalid, s.Approve(ctx, a.ID, a.Version, one, "一致"))
		r.clock.move(31 * 24 * time.Hour)
		if list, err := s.Appeals(ctx, recovery.Filter{}); err != nil || len(list) != 2 || list[1].State != recovery.Expired {
			t.Errorf("a month later %+v, %v", list, err)
		}
		refused("a lapsed one", fault.Conflict, s.Reject(ctx, a.ID, a.Version, one, "逾期"))
	})
}

// A document that comes after the filing is refused with 409, as is one for a
// flow that never proved its number (S58).
func TestLateEvidence(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		old := r.person("a").Account.Profile
		b := r.browser()
		const mobile = "13911112222"
		p := b.press(b.get(r.issuer+"/appeal/person"), "login_name", captcha("name", old.Name, "id_type", "cn_resident_id", "id_number", old.IDNumber, "mobile", mobile)...)
		p = b.press(p, "code", "code", r.sms("+86"+mobile, 1))
		at(t, p, "/appeal/evidence")
		form := p
		p = b.upload(form, "id_front")
		at(t, p, "/appeal/evidence")
		at(t, b.press(p, "form_token", "reason", "手机号已注销"), "/appeal/filed")
		if late := b.upload(form, "other"); late.StatusCode != http.StatusConflict {
			t.Errorf("late evidence: %d", late.StatusCode)
		}
		if other := r.browser().upload(form, "other"); other.StatusCode != http.StatusForbidden {
			t.Errorf("another browser's evidence: %d", other.StatusCode)
		}
	})
}
