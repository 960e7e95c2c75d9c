package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
)

// A person who knows login name and mobile has another password in two pages,
// without script; everything that was open is over (R25, R34, S57).
func TestPersonResetsPassword(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who := r.account("a")
		phone := r.person("a").Account.Profile.Phone
		thief := r.browser()
		tokens := r.granted(thief, "a", "demo-code", "openid offline_access")

		b := r.browser()
		p := b.get(r.issuer + "/forgot")
		p = b.click(p, "/forgot/reset")
		p = b.press(p, "login_name", captcha("login_name", strings.ToUpper(who.Username))...)
		at(t, p, "/forgot/reset/verify")
		p = b.press(p, "send=code", "mobile", phone)
		at(t, p, "/forgot/reset/verify")
		if !strings.Contains(p.body, "如信息一致，验证码已发送") {
			t.Errorf("the page does not say so:\n%s", p.body)
		}
		code := r.sms(phone, 1)
		p = b.press(p, "code", "code", code, "password", freshPassword, "password_again", freshPassword+"x")
		if !strings.Contains(p.body, "password_again-why") {
			t.Errorf("two passwords that differ: %s", p.body)
		}
		p = b.press(p, "code", "code", code, "password", freshPassword, "password_again", freshPassword)
		at(t, p, "/forgot/done")
		if !strings.Contains(p.body, "确定并跳转至政务服务平台") {
			t.Error("the page leads nowhere")
		}
		if thief.signsIn(r, "natural_person", who.Username, who.Password) {
			t.Error("the old password still opens the account")
		}
		if status, _ := r.post("/oauth2/token", "demo-code", refreshForm(text(tokens, "refresh_token"))); status == http.StatusOK {
			t.Error("a refresh token with offline access outlived the reset")
		}
		if !b.signsIn(r, "natural_person", who.Username, freshPassword) {
			t.Error("the new password opens nothing")
		}
		if m := r.await(phone, 2); m.Purpose != "password_reset" || strings.Contains(m.Text, freshPassword) {
			t.Errorf("notice %+v", m)
		}
		if n := r.audited(audit.PasswordReset); n != 1 {
			t.Errorf("%d audit rows of one reset", n)
		}
		if until, err := r.desk().Held(t.Context(), r.person("a").Account.ID); err != nil || !until.IsZero() {
			t.Errorf("a person's reset holds until %v, %v", until, err)
		}
	})
}

// A unit says its name and code as well (R26); its contact is told and sensitive
// acts wait a day.
func TestUnitResetsPassword(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who := r.account("b")
		unit := r.person("b")
		phone := unit.Account.Profile.Contact.Phone
		b := r.browser()
		p := b.askReset(r, "legal_entity", who.Username)
		p = b.press(p, "send=code", "mobile", phone, "unit_name", unit.Unit.Name, "uscc", "91110108MA01ET88XI")
		if !strings.Contains(p.body, "uscc-why") || !strings.Contains(p.body, unit.Unit.Name) {
			t.Errorf("a code with I for 1 is not told, or what was typed is lost:\n%s", p.body)
		}
		p = b.press(p, "send=code", "mobile", phone, "unit_name", " "+unit.Unit.Name+" ", "uscc", strings.ToLower(string(unit.Unit.USCC)))
		p = b.press(p, "code", "code", r.sms(phone, 1), "password", freshPassword, "password_again", freshPassword)
		at(t, p, "/forgot/done")
		if !b.signsIn(r, "legal_entity", who.Username, freshPassword) {
			t.Error("the new password opens nothing")
		}
		until, err := r.desk().Held(t.Context(), unit.Account.ID)
		if err != nil || until.Sub(r.clock.now()) < 23*time.Hour {
			t.Errorf("held until %v, %v", until, err)
		}
		if m := r.await(phone, 2); m.Purpose != "password_reset_unit" {
			t.Errorf("notice %+v", m)
		}
		r.clock.move(25 * time.Hour)
		if until, err := r.desk().Held(t.Context(), unit.Account.ID); err != nil || !until.IsZero() {
			t.Errorf("a day later held until %v, %v", until, err)
		}
	})
}

// The contact of a unit is shown masked to who knows code and name, and told once
// a day (R32).
func TestContactIsShownMasked(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		unit := r.person("b")
		contact := unit.Account.Profile.Contact
		ask := func(b *browser, name, uscc string) page {
			return b.press(b.get(r.issuer+"/forgot/contact"), "uscc", captcha("unit_name", name, "uscc", uscc)...)
		}
		b := r.browser()
		for name, typed := range map[string][2]string{"another name": {"样例智能装备有限公司", string(unit.Unit.USCC)}, "another code": {unit.Unit.Name, "91110000MA00000077"}, "nobody's": {"没有的公司", "91350100M000100Y43"}} {
			if p := ask(b, typed[0], typed[1]); p.Request.URL.Path != "/forgot/contact" || !strings.Contains(p.body, "未找到名称和代码均一致的单位法人账号") {
				t.Errorf("%s: %s", name, p.body)
			}
		}
		for range 2 { // two askers, one notice
			b := r.browser()
			p := ask(b, unit.Unit.Name, string(unit.Unit.USCC))
			at(t, p, "/forgot/contact/shown")
			if !strings.Contains(p.body, "王*") || !strings.Contains(p.body, "138****0000") || strings.Contains(p.body, contact.Name) || strings.Contains(p.body, contact.Phone[3:]) {
				t.Errorf("not masked: %s", p.body)
			}
			p = b.press(p, "form_token")
			if !strings.Contains(p.body, "已请平台通知该联系人") {
				t.Errorf("not told: %s", p.body)
			}
			if q := r.browser().get(p.Request.URL.String()); q.StatusCode != http.StatusGone {
				t.Errorf("another browser sees it: %d", q.StatusCode)
			}
		}
		r.await(contact.Phone, 1)
		if told := r.told(contact.Phone); len(told) != 1 || told[0].Purpose != "contact_asked" {
			t.Errorf("told %+v", told)
		}
	})
}

// A person without the old mobile: appeal, two reviewers, a day, a code, a new
// password (R27, R30, S57).
func TestPersonAppeals(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who, old := r.account("a"), r.person("a").Account.Profile
		b := r.browser()
		f := b.filePerson(r, claimant{"", old.Name, old.IDNumber, "13911112222"})
		if m := r.await(old.Phone, 1); m.Purpose != "appeal_filed_holder" || !strings.Contains(m.Text, f.number) {
			t.Errorf("the holder is told %+v", m)
		}
		other := r.browser()
		for name, typed := range map[string]filed{"another secret": {number: f.number, secret: "AAAAAAAA-AAAAAAAA-AAAAAAAA-AAAAAAAA"}, "another number": {number: "SS20261126-AAAAAAAA", secret: f.secret}, "no secret": {number: f.number}} {
			if p := other.progress(r, typed); p.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", name, p.StatusCode)
			}
		}
		p := other.progress(r, f)
		at(t, p, "/appeal/progress")
		if !strings.Contains(p.body, "待审核") || strings.Contains(p.body, old.IDNumber) || strings.Contains(p.body, old.Name) {
			t.Errorf("progress: %s", p.body)
		}
		r.approve(f)
		p = b.progress(r, f)
		flow := p.Request.URL.Query().Get("flow")
		if strings.Contains(p.body, "/appeal/redeem") || b.get(r.issuer+"/appeal/redeem?flow="+flow).StatusCode != http.StatusForbidden {
			t.Error("the hold is no hold (S57)")
		}
		r.clock.move(24*time.Hour + time.Second)
		p = b.click(b.progress(r, f), "/appeal/redeem")
		p = b.press(p, "send=code")
		p = b.press(p, "code", "code", r.sms("+86"+f.mobile, 4), "password", freshPassword, "password_again", freshPassword)
		at(t, p, "/forgot/done")
		if !b.signsIn(r, "natural_person", who.Username, freshPassword) {
			t.Error("the new password opens nothing")
		}
		now := r.person("a").Account
		if now.Profile.Phone != "+86"+f.mobile || !now.Profile.PhoneVerified || now.Profile.IDNumber != old.IDNumber || !now.RealName.Verified() {
			t.Errorf("profile after the appeal %+v", now.Profile)
		}
		if m := r.await(old.Phone, 3); m.Purpose != "appeal_redeemed" {
			t.Errorf("the old number is told %+v", m)
		}
		if until, err := r.desk().Held(t.Context(), now.ID); err != nil || until.IsZero() {
			t.Errorf("no hold: %v", err)
		}
		for kind, n := range map[audit.Kind]int64{audit.AppealFiled: 1, audit.AppealApproved: 2, audit.AppealRedeemed: 1, audit.PasswordReset: 1} {
			if got := r.audited(kind); got != n {
				t.Errorf("%d rows of %s, want %d", got, kind, n)
			}
		}
		if p = b.progress(r, f); !strings.Contains(p.body, "已完成") {
			t.Errorf("afterwards: %s", p.body)
		}
	})
}

// A unit's appeal by somebody else than its legal representative needs the
// authorisation (R28–R30).
func TestUnitAppeals(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who, unit := r.account("b"), r.person("b")
		rep := unit.Account.Profile.LegalRep
		const mobile = "13922223333"
		b := r.browser()
		p := b.press(b.get(r.issuer+"/appeal/unit"), "unit_name", captcha("unit_name", unit.Unit.Name)...)
		at(t, p, "/appeal/fill")
		fill := []string{"uscc", string(unit.Unit.USCC), "rep_name", rep.Name, "rep_id_type", rep.IDType, "rep_id_number", rep.IDNumber, "mobile", mobile, "id_type", "cn_resident_id"}
		bad := b.press(p, "uscc", append(fill, "name", "钱七", "id_number", "110000199001010012")...)
		if !strings.Contains(bad.body, "id_number-why") || !strings.Contains(bad.body, rep.Name) {
			t.Errorf("a wrong check digit: %s", bad.body)
		}
		p = b.press(p, "uscc", append(fill, "name", "钱七", "id_number", "110000199001010013")...)
		p = b.press(p, "code", "code", r.sms("+86"+mobile, 1))
		at(t, p, "/appeal/evidence")
		for _, role := range []string{"licence", "id_front"} {
			p = b.upload(p, role)
			at(t, p, "/appeal/evidence")
		}
		early := b.press(p, "form_token", "reason", "经办人离职")
		if !strings.Contains(early.body, "缺少必需的材料") {
			t.Errorf("filed without authorisation: %s", early.body)
		}
		p = b.upload(p, "authorisation")
		p = b.press(p, "form_token", "reason", "经办人离职")
		f := b.taken(r, p, mobile)
		if a := r.appeal(f); a.Account != unit.Account.ID || a.Claim.IsRep || a.Claim.Name != "钱七" {
			t.Errorf("appeal %+v", a)
		}
		r.approve(f)
		r.clock.move(25 * time.Hour)
		p = b.click(b.progress(r, f), "/appeal/redeem")
		p = b.press(p, "send=code")
		p = b.press(p, "code", "code", r.sms("+86"+mobile, 4), "password", freshPassword, "password_again", freshPassword)
		at(t, p, "/forgot/done")
		if !b.signsIn(r, "legal_entity", who.Username, freshPassword) {
			t.Error("the new password opens nothing")
		}
		if c := r.person("b").Account.Profile.Contact; c.Phone != "+86"+mobile || c.Name != "钱七" {
			t.Errorf("contact %+v", c)
		}
	})
}

// The holder objects, signed in or by the number on file: approvals fall (S57).
func TestHolderObjects(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		who, old := r.account("a"), r.person("a").Account.Profile
		f := r.browser().filePerson(r, claimant{who.Username, old.Name, old.IDNumber, "13911112222"})
		r.approve(f)

		// Signed in as somebody else: nothing to see, nothing to do.
		b := r.browser()
		if !b.signsIn(r, "natural_person", r.account("d").Username, r.account("d").Password) {
			t.Fatal("d does not sign in")
		}
		p := b.get(r.issuer + "/appeal/object")
		if strings.Contains(p.body, f.number) {
			t.Error("somebody else sees the appeal")
		}
		b = r.browser()
		if !b.signsIn(r, "natural_person", who.Username, who.Password) {
			t.Fatal("a does not sign in")
		}
		p = b.get(r.issuer + "/appeal/object")
		p = b.press(p, "appeal", "reason", "不是我本人")
		if !strings.Contains(p.body, "异议已提交") {
			t.Errorf("objection: %s", p.body)
		}
		if a := r.appeal(f); a.State != "contested" || a.First != "" || a.Second != "" || !a.EffectiveAt.IsZero() {
			t.Errorf("after the objection %+v", a)
		}
		r.clock.move(25 * time.Hour)
		if p = r.browser().progress(r, f); strings.Contains(p.body, "/appeal/redeem") {
			t.Error("the approval stands in spite of the objection")
		}
		// The desk decides anew, and no second objection stops it.
		r.approve(f)
		if err := r.desk().Object(t.Context(), r.person("a").Account.ID, r.appeal(f).ID, "again"); err == nil {
			t.Error("objected twice")
		}
	})
}

// Whoever cannot sign in any more objects with the number that the notice came to.
func TestHolderObjectsWithoutPassword(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		old := r.person("a").Account.Profile
		f := r.browser().filePerson(r, claimant{"", old.Name, old.IDNumber, "13911112222"})
		r.await(old.Phone, 1)
		b := r.browser()
		ask := func(number, mobile string) page {
			return b.press(b.get(r.issuer+"/appeal/object"), "number", captcha("number", number, "mobile", mobile)...)
		}
		same := ask(f.number, "13912345678") // not the number on file: the same page, no code
		at(t, same, "/appeal/object/verify")
		p := ask(f.number, old.Phone)
		at(t, p, "/appeal/object/verify")
		p = b.submit(p, "code", url.Values{"code": {r.sms(old.Phone, 2)}, "reason": {"不是我提交的"}})
		if !strings.Contains(p.body, "异议已提交") {
			t.Errorf("objection: %s", p.body)
		}
		if len(r.told("+8613912345678")) != 0 {
			t.Error("a code went to a number that is not on file")
		}
		if a := r.appeal(f); a.State != "contested" || a.Last("object").Reason != "不是我提交的" {
			t.Errorf("appeal %+v", a)
		}
	})
}
