package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
)

// 登录设备: one's own sessions are shown and end with their grants; nobody else's
// can be named (S79).
func TestDevicesPage(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.castOfTokens()
		one, two, three, other := r.browser(), r.browser(), r.browser(), r.browser()
		tokens := r.granted(two, "a", "opaque", "openid offline_access")
		for _, b := range []*browser{one, three} {
			b.signIn(r.stage, b.get(r.issuer+"/login"), "a")
		}
		other.signIn(r.stage, other.get(r.issuer+"/login"), "c")
		p := one.get(r.issuer + "/me/devices")
		if n := strings.Count(p.body, `class="row"`); n != 3 || strings.Count(p.body, "当前设备") != 1 {
			t.Fatalf("%d sessions shown:\n%s", n, p.body)
		}
		theirs := r.sessionsOf("c")[0].ID
		for name, id := range map[string]string{"somebody else's": theirs, "none": "", "made up": "x", "by its key": r.sessionsOf("a")[0].Key} {
			got := one.submit(p, "session", url.Values{"session": {id}})
			if got.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", name, got.StatusCode)
			}
		}
		if n := r.ask(`SELECT COUNT(*) FROM sessions WHERE ended_at = 0`); n != 4 {
			t.Fatalf("%d sessions live", n)
		}
		third := r.sessionOf(three)
		if got := one.submit(p, "session="+third, url.Values{"session": {third}}); got.StatusCode != http.StatusOK || strings.Count(got.body, `class="row"`) != 2 {
			t.Errorf("one ended: %d\n%s", got.StatusCode, got.body)
		}
		if inside(three.get(r.issuer + "/me")) {
			t.Error("the ended session is open")
		}
		if got := one.submit(p, "others", url.Values{"others": {"yes"}}); got.StatusCode != http.StatusOK || strings.Contains(got.body, `name="others"`) {
			t.Errorf("the others ended: %d", got.StatusCode)
		}
		if inside(two.get(r.issuer+"/me")) || !inside(one.get(r.issuer+"/me")) || !inside(other.get(r.issuer+"/me")) {
			t.Error("one-click sign-out reached the wrong ones")
		}
		r.want(r.refresh("opaque", text(tokens, "refresh_token")), http.StatusBadRequest, "invalid_grant", "a grant that was to outlive its session")
		if n := r.audited(audit.SessionEnded); n != 2 {
			t.Errorf("%d ended sessions on record", n)
		}
	})
}

// sessionOf is the id of the session that the browser brings.
func (r *rig) sessionOf(b *browser) string {
	r.t.Helper()
	v, err := r.app.db.ByCookie(r.t.Context(), b.sessionKey(r), "")
	if err != nil {
		r.t.Fatal(err)
	}
	return v.Session.ID
}

// A change of password takes the present one and a good new one; it ends every
// other session (S47), tells the owner and is on record once.
func TestPasswordPage(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b, elsewhere := r.browser(), r.browser()
		for _, o := range []*browser{b, elsewhere} {
			o.signIn(r.stage, o.get(r.issuer+"/login"), "a")
		}
		old := r.account("a").Password
		const fresh = "Correct-Horse-9-battery"
		change := func(present, chosen, again string) page {
			return b.submit(b.get(r.issuer+"/me/security/password"), "new_password", url.Values{"password": {present}, "new_password": {chosen}, "new_password_again": {again}})
		}
		for name, c := range map[string]struct{ present, chosen, again, at string }{
			"a wrong present one": {"wrong", fresh, fresh, "password-why"},
			"unequal":             {old, fresh, fresh + "x", "new-password-again-why"},
			"too short":           {old, "Ab1!", "Ab1!", "new-password-why"},
			"with the login name": {old, "zhangsan-A1!", "zhangsan-A1!", "new-password-why"},
			"the one there is":    {old, old, old, "new-password-why"},
		} {
			got := change(c.present, c.chosen, c.again)
			if !strings.Contains(got.body, `id="`+c.at+`"`) || strings.Contains(got.body, c.chosen) {
				t.Errorf("%s: %d\n%s", name, got.StatusCode, got.body)
			}
		}
		if !inside(elsewhere.get(r.issuer + "/me")) {
			t.Fatal("a failed change ended a session")
		}
		if got := change(old, fresh, fresh); got.Request.URL.Path != "/me/security" || !strings.Contains(got.body, `role="status"`) {
			t.Fatalf("the change: %d %s\n%s", got.StatusCode, got.Request.URL, got.body)
		}
		if inside(elsewhere.get(r.issuer+"/me")) || !inside(b.get(r.issuer+"/me")) {
			t.Error("the wrong sessions ended")
		}
		if m := r.await(r.mobileOf("a"), 1); m.Purpose != "password_changed" {
			t.Errorf("the owner was told %q", m.Purpose)
		}
		if n := r.audited(audit.PasswordChanged); n != 1 {
			t.Errorf("%d changes on record", n)
		}
		if n := r.audited(audit.SignInFailed); n != 1 {
			t.Errorf("%d wrong passwords on record", n)
		}
		r.clock.move(time.Minute)
	})
}
