package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/recovery"
)

// called gives an account another login name.
func (r *rig) called(a account.Account, name string) account.Account {
	r.t.Helper()
	ctx := context.WithoutCancel(r.t.Context())
	key, err := account.NormaliseLogin(name)
	if err != nil {
		r.t.Fatal(err)
	}
	a.LoginName, a.LoginKey, a.Version = name, key, 0
	if err := r.app.db.PutAccount(ctx, a, "", audit.Event{Kind: audit.AccountChanged, Actor: "test"}); err != nil {
		r.t.Fatal(err)
	}
	sub, err := r.app.db.Subject(ctx, a.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return sub.Account
}

// squatted lets the unit's account have another login name and a person's account
// the unit's code (outcomes E3 and E6).
func (r *rig) squatted() (unit, squatter account.Account, uscc string) {
	r.t.Helper()
	b, d := r.person("b"), r.person("d")
	uscc = string(b.Unit.USCC)
	unit = r.called(b.Account, "HJ_"+uscc)
	d.Account.Profile.Phone, d.Account.Profile.PhoneVerified = "+8613700001111", true
	return unit, r.called(d.Account, uscc), uscc
}

// fileUnitName files a unit's appeal for its code over the pages.
func (b *browser) fileUnitName(r *rig, unitName, uscc, own, mobile string) filed {
	b.t.Helper()
	rep := r.personByLogin(r.t, own).Profile.LegalRep
	if rep == nil {
		rep = &account.Person{Name: "李四", IDType: account.DocResident, IDNumber: "110000199001010013"}
	}
	before := len(r.told("+86" + mobile))
	p := b.press(b.get(r.issuer+"/appeal/name/unit"), "unit_name", captcha("unit_name", unitName)...)
	at(r.t.(*testing.T), p, "/appeal/fill")
	p = b.press(p, "uscc", "uscc", uscc, "login_name", own, "rep_name", rep.Name, "rep_id_type", rep.IDType, "rep_id_number", rep.IDNumber,
		"is_rep", "yes", "mobile", mobile, "id_type", "cn_resident_id")
	p = b.press(p, "code", "code", r.sms("+86"+mobile, before+1))
	for _, role := range []string{"licence", "id_front"} {
		p = b.upload(p, role)
	}
	p = b.press(p, "form_token", "reason", "信用代码被他人占用")
	return b.taken(r, p, mobile)
}

func (r *rig) personByLogin(t testing.TB, login string) account.Account {
	key, _ := account.NormaliseLogin(login) // an empty one is nobody's
	a, err := r.app.db.AccountByLogin(context.WithoutCancel(t.Context()), key)
	if err != nil && !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	return a
}

// claims takes the login name on the progress page.
func (b *browser) claims(r *rig, f filed) page {
	b.t.Helper()
	p := b.click(b.progress(r, f), "/appeal/claim")
	told := len(r.told("+86" + f.mobile))
	p = b.press(p, "send=code")
	return b.press(p, "code", "code", r.sms("+86"+f.mobile, told+1))
}

// 登录名申诉 of a unit: two reviewers, a week for the squatter to object, and then
// the code is the unit's login name; the squatter has another one and is told it.
func TestUnitReclaimsItsCode(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who := r.account("b")
		name := r.person("b").Unit.Name
		unit, squatter, uscc := r.squatted()
		ctx := context.WithoutCancel(t.Context())
		b := r.browser()
		f := b.fileUnitName(r, name, uscc, unit.LoginName, "13922223333")
		if m := r.await("+8613700001111", 1); m.Purpose != "name_filed_holder" || !strings.Contains(m.Text, f.number) {
			t.Errorf("the squatter is told %+v", m)
		}
		a := r.appeal(f)
		if a.Kind != recovery.UnitName || a.Account != squatter.ID || a.Claim.Own != unit.ID {
			t.Fatalf("appeal %+v", a)
		}
		r.approve(f)
		if a = r.appeal(f); a.EffectiveAt.Sub(r.clock.now()) < 6*24*time.Hour {
			t.Errorf("it takes effect at %v", a.EffectiveAt)
		}
		if p := b.progress(r, f); strings.Contains(p.body, "/appeal/claim") || strings.Contains(p.body, "/appeal/redeem") {
			t.Error("it opens the way before the squatter had time to object")
		}
		r.clock.move(7*24*time.Hour + time.Minute)
		at(t, b.claims(r, f), "/forgot/done")
		if !r.browser().signsIn(r, "legal_entity", uscc, who.Password) {
			t.Error("the unit does not sign in with its code")
		}
		now, err := r.app.db.Subject(ctx, squatter.ID)
		if err != nil || !strings.HasPrefix(now.Account.LoginName, "yh_") {
			t.Fatalf("the squatter is called %q, %v", now.Account.LoginName, err)
		}
		if m := r.await("+8613700001111", 3); m.Purpose != "name_taken" || !strings.Contains(m.Text, now.Account.LoginName) {
			t.Errorf("the squatter is told %+v", m)
		}
		if !r.browser().signsIn(r, "natural_person", now.Account.LoginName, r.account("d").Password) {
			t.Error("the squatter is locked out of the own account")
		}
		for _, kind := range []audit.Kind{audit.LoginNameGiven, audit.LoginNameTaken, audit.AppealRedeemed} {
			if n := r.audited(kind); n != 1 {
				t.Errorf("%d rows of %s", n, kind)
			}
		}
		if a = r.appeal(f); a.State != recovery.Redeemed {
			t.Errorf("appeal %s", a.State)
		}
		if _, err := r.desk().Documents.List(ctx, a.ID); err != nil {
			t.Error(err)
		}
	})
}

// Without an account the name becomes free for its unit; a person asks for the
// own number; and what stands in the way is told to the reviewers.
func TestReclaimsAtTheEdges(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		ctx, s := context.WithoutCancel(t.Context()), r.desk()
		one := recovery.Reviewer{ID: "reviewer-1"}
		refused := func(name, msg string, err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), msg) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, squatter, _ := r.squatted()

		// Nobody has the name, and nobody is to get it.
		free := r.browser().fileUnitName(r, "没有的公司", "91350100M000100Y43", "", "13922220001")
		a := r.appeal(free)
		refused("a free name", recovery.MsgNameFree, s.Approve(ctx, a.ID, a.Version, one, "一致"))

		// A number that somebody else has as login name; the one who asks has none.
		squatter = r.called(squatter, "13922220002")
		f := r.browser().fileNamePerson(r, claimant{"", "没有人", "110000199001010021", "13922220002"})
		r.await("+8613700001111", 1)
		if a = r.appeal(f); a.Account != squatter.ID || a.Claim.Own != "" || a.Claim.Wanted != "13922220002" {
			t.Fatalf("appeal %+v", a)
		}
		refused("the reviewer is the squatter", "own_case", s.Approve(ctx, a.ID, a.Version, recovery.Reviewer{ID: "x", Account: squatter.ID}, "一致"))
		r.approve(f)
		r.clock.move(8 * 24 * time.Hour)
		at(t, r.browser().claims(r, f), "/forgot/done")
		if r.personByLogin(t, "13922220002").ID != "" {
			t.Error("the name is not free")
		}

		// The name changes hands between approval and effect: nobody loses it who was
		// never told.
		old := r.person("a").Account
		squatter = r.called(r.personByLogin(t, r.nameOf(squatter.ID)), "13922220003")
		f = r.browser().fileNamePerson(r, claimant{"", old.Profile.Name, old.Profile.IDNumber, "13922220003"})
		if a = r.appeal(f); a.Claim.Own != old.ID {
			t.Fatalf("who gets it is %q", a.Claim.Own)
		}
		r.approve(f)
		squatter = r.called(squatter, "elsewhere")
		other := r.called(r.person("e").Account, "13922220003")
		r.clock.move(8 * 24 * time.Hour)
		if p := r.browser().claims(r, f); p.StatusCode != 410 {
			t.Errorf("taken from somebody who was not told: %d", p.StatusCode)
		}
		if r.nameOf(other.ID) != "13922220003" || r.nameOf(old.ID) != old.LoginName || r.nameOf(squatter.ID) != "elsewhere" {
			t.Error("login names moved")
		}
		// It opens no way to a password (S56).
		if err := s.RedeemAppeal(ctx, recovery.Asker{Browser: "b"}, "none", recovery.Answer{Password: freshPassword}); !fault.Is(err, fault.Gone) {
			t.Errorf("redeem %v", err)
		}
	})
}

func (r *rig) nameOf(id account.ID) string {
	r.t.Helper()
	sub, err := r.app.db.Subject(context.WithoutCancel(r.t.Context()), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return sub.Account.LoginName
}

// fileNamePerson files a person's appeal for the own number over the pages.
func (b *browser) fileNamePerson(r *rig, c claimant) filed {
	b.t.Helper()
	return b.fileAt(r, "/appeal/name/person", "手机号被他人注册为登录名", c)
}
