package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/store/storetest"
)

// walkIn signs b in at the platform itself as the account of a case.
func (r *rig) walkIn(b *browser, c, next string) page {
	r.t.Helper()
	return b.signIn(r.stage, b.get(r.issuer+"/login?next="+url.QueryEscape(next)), c)
}

// coded waits for the newest message to a recipient and gives its code.
func (r *rig) coded(to string) string {
	r.t.Helper()
	return r.toldOf(to, "code_").Code
}

type told struct{ To, Purpose, Text, Code string }

// toldOf waits for a message to a recipient whose purpose begins so.
func (r *rig) toldOf(to, purpose string) told {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		for _, m := range r.cast.console.Shown() {
			if m.To == to && strings.HasPrefix(m.Purpose, purpose) {
				return told{m.To, m.Purpose, m.Text, m.Code}
			}
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("nothing of %s… came to %s: %+v", purpose, to, r.cast.console.Shown())
		}
	}
}

func (p page) wants(t testing.TB, status int, path string, texts ...string) {
	t.Helper()
	if p.StatusCode != status || p.Request.URL.Path != path {
		t.Fatalf("%d at %s, want %d at %s:\n%s", p.StatusCode, p.Request.URL.Path, status, path, p.body)
	}
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Fatalf("%s does not say %q:\n%s", path, text, p.body)
		}
	}
}

// A new number is proved by a code of its own and, if it still receives any, of the
// old one; the old one is told, and every other browser is signed out (S57).
func TestMobileChanged(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		const old, next = "+8618711111111", "+8613700000001"
		other := r.browser()
		r.walkIn(other, "a", "/me").wants(t, 200, "/me")
		b := r.browser()
		p := r.walkIn(b, "a", "/me/mobile")
		p.wants(t, 200, "/me/mobile", "187****1111")
		wrong := b.submit(p, "captcha", url.Values{"value": {"12345"}, "captcha": {demoCaptcha}})
		wrong.wants(t, 200, "/me/mobile", "value-why", `value="12345"`)
		wrong = b.submit(wrong, "captcha", url.Values{"value": {"13700000001"}, "captcha": {"9999"}})
		wrong.wants(t, 200, "/me/mobile", "captcha-why", `value="13700000001"`)
		p = b.submit(wrong, "captcha", url.Values{"value": {"137 0000 0001"}, "captcha": {demoCaptcha}})
		p.wants(t, 200, "/me/mobile/code", "137****0001", "187****1111")
		newCode, oldCode := r.coded(next), r.coded(old)
		// A code of one number is no code of the other; what was right counts.
		p = b.submit(p, "code", url.Values{"code": {newCode}, "old_code": {"000000"}})
		p.wants(t, 200, "/me/mobile/code", "old-code-why")
		if strings.Contains(p.body, `name="code"`) {
			t.Error("the proved number is asked again")
		}
		if got := r.person("a").Account.Profile.Phone; got != old {
			t.Fatalf("changed to %s after half of the proof", got)
		}
		b.submit(p, "old_code", url.Values{"old_code": {oldCode}}).wants(t, 200, "/me/mobile/done")
		if got := r.person("a").Account.Profile; got.Phone != next || !got.PhoneVerified {
			t.Errorf("%s, proved %v", got.Phone, got.PhoneVerified)
		}
		r.toldOf(old, "mobile_changed")
		b.get(r.issuer+"/me").wants(t, 200, "/me", "137****0001")
		if p := other.get(r.issuer + "/me"); p.Request.URL.Path != "/login" {
			t.Error("the other browser is still signed in")
		}
		if n := r.audited(audit.MobileChanged); n != 1 {
			t.Errorf("%d records", n)
		}
		// Longer ago than five minutes: sign in again first (S63).
		r.clock.move(6 * time.Minute)
		if p := b.get(r.issuer + "/me/mobile"); p.Request.URL.Path != "/login" {
			t.Errorf("a sensitive change without a fresh sign-in: %s", p.Request.URL.Path)
		}
	})
}

// A number unused for long is to be proved anew, and my own page says so first.
func TestADoubtedNumberIsProvedAnew(t *testing.T) {
	r := newRig(t, storetest.SQLite(t), nil, nil)
	who := r.person("a").Account.ID
	r.exec(`INSERT INTO last_sign_ins (account_id, at) VALUES (?, ?)`, string(who), r.clock.now().Add(-100*24*time.Hour).UnixMilli())
	b := r.browser()
	r.walkIn(b, "a", "/me").wants(t, 200, "/me")
	if err := r.app.holders.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.get(r.issuer+"/me").wants(t, 200, "/me", "请重新验证手机号")
	p := b.submit(b.get(r.issuer+"/me/mobile"), "captcha", url.Values{"value": {"18711111111"}, "captcha": {demoCaptcha}})
	b.submit(p, "code", url.Values{"code": {r.coded("+8618711111111")}}).wants(t, 200, "/me/mobile/done")
	if p := b.get(r.issuer + "/me"); strings.Contains(p.body, "请重新验证手机号") {
		t.Error("asked again")
	}
}

// Whoever cannot show the old number waits a day, and can be stopped meanwhile.
func TestMobileChangeWaitsWithoutTheOldNumber(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		const old, next = "+8618711111111", "+8613700000002"
		ask := func(b *browser) page {
			p := r.walkIn(b, "a", "/me/mobile")
			p = b.submit(p, "captcha", url.Values{"value": {"13700000002"}, "gone": {"yes"}, "captcha": {demoCaptcha}})
			p.wants(t, 200, "/me/mobile/code")
			return b.submit(p, "code", url.Values{"code": {r.coded(next)}})
		}
		b := r.browser()
		p := ask(b)
		p.wants(t, 200, "/me/mobile/code", "137****0002", "cancel")
		r.toldOf(old, "mobile_held")
		if err := r.app.holders.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.person("a").Account.Profile.Phone; got != old {
			t.Fatalf("changed at once to %s", got)
		}
		b.submit(p, "cancel", url.Values{"cancel": {"yes"}}).wants(t, 200, "/me/mobile")
		r.clock.move(25 * time.Hour)
		if err := r.app.holders.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.person("a").Account.Profile.Phone; got != old {
			t.Fatalf("stopped, and changed to %s", got)
		}
		r.cast.console.Forget()
		ask(r.browser())
		r.clock.move(25 * time.Hour)
		if err := r.app.holders.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.person("a").Account.Profile.Phone; got != next {
			t.Errorf("not changed after a day: %s", got)
		}
	})
}

// closing walks to the end of the closing of case c.
func (r *rig) closing(b *browser, c, number string) {
	r.t.Helper()
	p := r.walkIn(b, c, "/me/close")
	p.wants(r.t, 200, "/me/close")
	p = b.submit(p, "captcha", url.Values{"captcha": {demoCaptcha}})
	p.wants(r.t, 200, "/me/close/code", "sure")
	code := r.coded(number)
	p = b.submit(p, "sure", url.Values{"code": {code}})
	p.wants(r.t, 200, "/me/close/code", "sure-why")
	b.submit(p, "sure", url.Values{"code": {code}, "sure": {"yes"}}).wants(r.t, 200, "/closed")
}

// A closing ends everything at once, is taken back by a sign-in, and after its time
// nothing of the account is left; who registers anew is somebody else (C25, S31).
func TestAccountClosed(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		const number = "+8618711111111"
		system := r.browser()
		first := r.granted(system, "a", "demo-code", "openid profile offline_access")
		_, before := r.userinfo(text(first, "access_token"))
		who := r.person("a").Account

		b := r.browser()
		r.closing(b, "a", number)
		r.wantDead("demo-code", first, "closing")
		if p := b.get(r.issuer + "/me"); p.Request.URL.Path != "/login" {
			t.Error("still signed in")
		}
		// Taken back by signing in.
		r.clock.move(24 * time.Hour)
		r.walkIn(r.browser(), "a", "/me").wants(t, 200, "/me")
		r.clock.move(7 * 24 * time.Hour)
		if err := r.app.holders.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := r.person("a").Account; !a.Usable() || r.audited(audit.AccountReturned) != 1 {
			t.Fatalf("a sign-in did not take the closing back: %s", a.State)
		}
		// And carried out.
		r.cast.console.Forget()
		r.closing(r.browser(), "a", number)
		r.clock.move(7*24*time.Hour + time.Minute)
		if err := r.app.holders.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		gone, err := r.app.db.ByAccount(t.Context(), who.ID)
		if err != nil || gone.Account.State != account.Closed || gone.Account.Profile.IDNumber != "" || gone.Account.Profile.Phone != "" {
			t.Fatalf("%+v, %v", gone.Account, err)
		}
		if p := r.walkIn(r.browser(), "a", "/me"); p.Request.URL.Path != "/login" {
			t.Error("signed in to a closed account")
		}
		if r.audited(audit.AccountClosed) != 1 {
			t.Error("no record, or several")
		}
		r.toldOf(number, "account_closed")
		// The same person anew: the document is free, the subject another one.
		again := who
		again.ID, again.LoginName, again.LoginKey, again.Version = account.NewID(), "zhangsan2", "zhangsan2", 0
		phc, err := r.app.hasher.Hash(t.Context(), r.account("a").Password)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.app.db.PutAccount(t.Context(), again, phc, deed(audit.AccountCreated, string(again.ID), "")); err != nil {
			t.Fatal(err)
		}
		a := request("demo-code", "openid profile")
		fresh := r.browser()
		p := fresh.submit(fresh.get(r.authorizeURL(a)), "username", url.Values{"username": {"zhangsan2"}, "password": {r.account("a").Password}})
		_, after := r.userinfo(text(r.redeem(a, callback(t, p).Get("code")), "access_token"))
		if text(before, "sub") == "" || text(before, "sub") == text(after, "sub") {
			t.Errorf("subjects %q and %q", before["sub"], after["sub"])
		}
	})
}

// What is stored is shown masked and exported in the clear, once signed in again;
// a withdrawal ends the tokens at once (PIPL 44 to 47, S90).
func TestPrivacyPages(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		tokens := r.granted(r.browser(), "a", "demo-code", "openid profile offline_access")
		b := r.browser()
		p := r.walkIn(b, "a", "/me/privacy")
		p.wants(t, 200, "/me/privacy", "187****1111", `value="demo-code"`)
		for _, secret := range []string{"11000019900101003X", "18711111111"} {
			if strings.Contains(p.body, secret) {
				t.Errorf("the page shows %s", secret)
			}
		}
		b.submit(p, "withdraw=demo-code", url.Values{"withdraw": {"demo-code"}}).wants(t, 200, "/me/privacy")
		r.wantDead("demo-code", tokens, "withdrawn")
		if n := r.audited(audit.ConsentWithdrawn); n != 1 {
			t.Errorf("%d records of the withdrawal", n)
		}
		p = b.submit(p, "export", url.Values{"export": {"yes"}})
		p.wants(t, 200, "/me/privacy/export")
		file := b.submit(p, "form_token", nil)
		var got struct {
			Account struct {
				LoginName string `json:"login_name"`
			}
			Profile map[string]any
			ToldTo  []map[string]any `json:"told_to"`
		}
		if err := json.Unmarshal([]byte(file.body), &got); err != nil || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") || file.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%v %v: %s", err, file.Header, file.body)
		}
		if got.Account.LoginName != "zhangsan" || got.Profile["id_number"] != "11000019900101003X" || len(got.ToldTo) != 1 {
			t.Errorf("%+v", got)
		}
		if n := r.audited(audit.AccountExported); n != 1 {
			t.Errorf("%d records of the export", n)
		}
		r.clock.move(6 * time.Minute)
		if p := b.get(r.issuer + "/me/privacy/export"); p.Request.URL.Path != "/login" {
			t.Error("exported without a fresh sign-in")
		}
	})
}

// The address is proved before it counts, and its removal is told to it.
func TestEmailChanged(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		p := r.walkIn(b, "a", "/me/email")
		for _, bad := range []string{"x@y", "a@x.cn\r\nBcc: b@x.cn", "zhangsan@example.com"} {
			p = b.submit(p, "captcha", url.Values{"value": {bad}, "captcha": {demoCaptcha}})
			p.wants(t, 200, "/me/email", "value-why")
		}
		p = b.submit(p, "captcha", url.Values{"value": {"Zhang@New.Example"}, "captcha": {demoCaptcha}})
		p.wants(t, 200, "/me/email/code")
		b.submit(p, "code", url.Values{"code": {r.coded("zhang@new.example")}}).wants(t, 200, "/me/email/done")
		if got := r.person("a").Account.Profile; got.Email != "zhang@new.example" || !got.EmailVerified {
			t.Errorf("%q", got.Email)
		}
		r.toldOf("zhangsan@example.com", "email_changed")
		p = b.get(r.issuer + "/me/email")
		b.submit(p, "remove", url.Values{"remove": {"yes"}}).wants(t, http.StatusOK, "/me/email/done")
		if got := r.person("a").Account.Profile.Email; got != "" {
			t.Errorf("still %q", got)
		}
	})
}
