package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/recovery"
)

// fileFactor files an appeal for lost second factors over the pages.
func (b *browser) fileFactor(r *rig, c claimant) filed {
	b.t.Helper()
	return b.fileAt(r, "/appeal/factor/person", "手机丢失，恢复码也在手机里", c)
}

// Whoever lost authenticator and recovery codes has them removed by two reviewers, a
// day after the second; every contact is told each time, all sessions and tokens end,
// the password stays, and sensitive acts wait (S57, S58, S60).
func TestLostFactorsAreRemovedByAppeal(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.register("rp", client.Metadata{Scope: "openid offline_access"})
		who := r.person("a").Account
		phone := who.Profile.Phone
		h := r.enrols("a")
		held := r.granted(h.browser, "a", "rp", "openid offline_access")
		b := r.browser()
		asked := h.asked(b)
		b.click(asked, "/appeal/factor/person").wants(t, 200, "/appeal/factor/person", "二次验证申诉")
		f := b.fileFactor(r, claimant{"", who.Profile.Name, who.Profile.IDNumber, "13911113333"})
		r.toldOf(phone, "factor_filed_holder")
		a := r.appeal(f)
		if a.Kind != recovery.PersonFactor || a.Account != who.ID {
			t.Fatalf("appeal %+v", a)
		}
		r.approve(f)
		r.toldOf(phone, "factor_approved_holder")
		if a = r.appeal(f); a.EffectiveAt.Sub(r.clock.now()) < 23*time.Hour {
			t.Errorf("it takes effect at %v, want a day to object", a.EffectiveAt)
		}
		if p := b.progress(r, f); strings.Contains(p.body, "/appeal/claim") || strings.Contains(p.body, "/appeal/redeem") {
			t.Error("it opens the way before the owner had time to object")
		}
		h.asked(r.browser()) // nothing changed yet
		r.clock.move(24*time.Hour + time.Minute)
		b.claims(r, f).wants(t, 200, "/forgot/done", "二次验证已解除")
		r.toldOf(phone, "factor_lifted")
		r.toldOf("+86"+f.mobile, "factor_lifted")
		r.wantDead("rp", held, "after the factors were removed")
		if p := h.get(r.issuer + "/me"); p.Request.URL.Path != "/login" {
			t.Error("a session outlived the factors")
		}
		if p := r.walkIn(r.browser(), "a", "/me"); !inside(p) {
			t.Errorf("the password alone leads to %s", p.Request.URL)
		}
		if n := r.ask(`SELECT COUNT(*) FROM factors`) + r.ask(`SELECT COUNT(*) FROM recovery_codes`); n != 0 {
			t.Errorf("%d factors and recovery codes are left", n)
		}
		if until, err := r.desk().Held(t.Context(), who.ID); err != nil || until.Sub(r.clock.now()) < 23*time.Hour {
			t.Errorf("sensitive acts wait until %v, %v", until, err)
		}
		for kind, n := range map[audit.Kind]int64{audit.FactorRemoved: 1, audit.AppealRedeemed: 1, audit.PasswordReset: 0} {
			if got := r.audited(kind); got != n {
				t.Errorf("%d rows of %s, want %d", got, kind, n)
			}
		}
		if now := r.person("a").Account.Profile; now.Phone != phone {
			t.Errorf("the mobile on file became %s", now.Phone)
		}
	})
}

// What must not remove anybody's second factors (S57, S58).
func TestNoOtherWayToRemoveFactors(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		ctx, s := context.WithoutCancel(t.Context()), r.desk()
		who := r.person("a").Account
		c := claimant{"", who.Profile.Name, who.Profile.IDNumber, "13911110001"}
		factors := func(want int64) {
			t.Helper()
			if n := r.ask(`SELECT COUNT(*) FROM factors`); n != want {
				t.Fatalf("%d factors, want %d", n, want)
			}
		}
		one := recovery.Reviewer{ID: "reviewer-1"}

		// An account that has none: the reviewers are told, the applicant is not.
		none := r.appeal(r.browser().fileFactor(r, c))
		if err := s.Approve(ctx, none.ID, none.Version, one, "一致"); err == nil || !strings.Contains(err.Error(), recovery.MsgNoFactor) {
			t.Errorf("approved for an account without factors: %v", err)
		}
		if err := s.Reject(ctx, none.ID, none.Version, one, "没有启用二次验证"); err != nil {
			t.Fatal(err)
		}

		h := r.enrols("a")
		c.mobile = "13911110002"
		f := r.browser().fileFactor(r, c)
		a := r.appeal(f)
		for name, err := range map[string]error{
			"the reviewer is the owner": s.Approve(ctx, a.ID, a.Version, recovery.Reviewer{ID: "x", Account: who.ID}, "一致"),
			"without a reason":          s.Approve(ctx, a.ID, a.Version, one, " "),
			"from an older version":     s.Approve(ctx, a.ID, a.Version-1, one, "一致"),
		} {
			if err == nil {
				t.Errorf("%s: approved", name)
			}
		}
		if err := s.Approve(ctx, a.ID, a.Version, one, "一致"); err != nil {
			t.Fatal(err)
		}
		if err := s.Approve(ctx, a.ID, a.Version+1, one, "再来一次"); !fault.Is(err, fault.Refused) {
			t.Errorf("one reviewer approved twice: %v", err)
		}
		if err := s.Approve(ctx, a.ID, a.Version+1, recovery.Reviewer{ID: "reviewer-2"}, "一致"); err != nil {
			t.Fatal(err)
		}

		// The hold is on: neither page gives anything away before its end.
		b := r.browser()
		p := b.progress(r, f)
		flow := p.Request.URL.RawQuery
		for _, path := range []string{"/appeal/claim", "/appeal/redeem"} {
			if got := b.get(r.issuer + path + "?" + flow); got.StatusCode == http.StatusOK {
				t.Errorf("%s during the hold: %d", path, got.StatusCode)
			}
		}

		// The owner, who has the authenticator after all, objects: both approvals fall.
		owner := r.browser()
		owner.submit(h.asked(owner), "code", map[string][]string{"code": {h.code(0)}})
		owner.press(owner.get(r.issuer+"/appeal/object"), "appeal", "reason", "不是我提交的")
		if a = r.appeal(f); a.State != recovery.Contested {
			t.Fatalf("after the objection it is %s", a.State)
		}
		r.clock.move(25 * time.Hour)
		if got := b.get(r.issuer + "/appeal/claim?" + flow); got.StatusCode == http.StatusOK {
			t.Error("an objection did not stop it")
		}
		factors(1)

		// Approved again, and used where it does not belong: as a way to a password,
		// and after the account was frozen.
		r.approve(f)
		r.clock.move(24*time.Hour + time.Minute)
		b = r.browser()
		p = b.progress(r, f)
		if got := b.get(r.issuer + "/appeal/redeem?" + p.Request.URL.RawQuery); got.StatusCode != http.StatusGone {
			t.Errorf("as a way to a password: %d", got.StatusCode)
		}
		frozen := r.person("a").Account
		frozen.State = account.Frozen
		if err := r.app.db.PutAccount(ctx, frozen, "", deed(audit.AccountChanged, string(frozen.ID), "test")); err != nil {
			t.Fatal(err)
		}
		if got := b.claims(r, f); got.StatusCode != http.StatusGone {
			t.Errorf("of a frozen account: %d at %s", got.StatusCode, got.Request.URL)
		}
		factors(1)
	})
}
