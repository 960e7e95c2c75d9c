package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/store/storetest"
)

// C29, C8: what the desk finds is masked; one field is shown with a reason, and the
// trail says to whom.
func TestDeskFindsAccountsMasked(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		b := r.atDesk("reviewer")
		who := r.person("a").Account
		for by, text := range map[string]string{"login": " ZHANGSAN ", "mobile": "+86 187-1111-1111", "document": "11000019900101003x"} {
			p := b.submit(b.get(r.issuer+"/admin/accounts"), "q", url.Values{"by": {by}, "q": {text}})
			if !strings.Contains(p.body, "/admin/accounts/"+string(who.ID)) {
				t.Errorf("not found by %s:\n%s", by, p.body)
			}
			for _, typed := range []string{"18711", "187-1", "187%", "110000"} { // behind the host: a port may hold anything
				if strings.Contains(p.Request.URL.RequestURI(), typed) {
					t.Errorf("the address tells what was searched for: %s", p.Request.URL)
				}
			}
			other := r.atDeskOnce("reviewer2")
			if got := other.get(p.Request.URL.String()); got.StatusCode != http.StatusBadRequest {
				t.Errorf("another operator opens what was found: %d (S83)", got.StatusCode)
			}
		}
		unit := b.submit(b.get(r.issuer+"/admin/accounts"), "q", url.Values{"by": {"uscc"}, "q": {demoUSCC}})
		if !strings.Contains(unit.body, "示例科技有限公司") {
			t.Errorf("the unit is not found:\n%s", unit.body)
		}
		for by, text := range map[string]string{"mobile": "123", "uscc": "911101", "login": "", "nonsense": "x"} {
			p := b.submit(b.get(r.issuer+"/admin/accounts"), "q", url.Values{"by": {by}, "q": {text}})
			if strings.Contains(p.Request.URL.RawQuery, "found") || !strings.Contains(p.body, `class="why"`) {
				t.Errorf("%s %q is taken: %s", by, text, p.Request.URL)
			}
		}
		at := r.issuer + "/admin/accounts/" + string(who.ID)
		p := b.get(at)
		for _, secret := range []string{"18711111111", "11000019900101003X", "张三", "zhangsan@example.com"} {
			if strings.Contains(p.body, secret) {
				t.Errorf("the page tells %s", secret)
			}
		}
		token := b.formToken(r.issuer + "/admin/self")
		p = b.deskSend(at+"/reveal", url.Values{"form_token": {token}, "field": {"id_number"}, "ground": {"case"}})
		if !strings.Contains(p.body, "11000019900101003X") || strings.Contains(p.body, "18711111111") {
			t.Errorf("the field is not shown, or more than it:\n%s", p.body)
		}
		if r.audited(audit.AccountRevealed) != 1 || r.ask(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%1100001990%' OR detail LIKE '%187%'`) != 0 {
			t.Error("the trail does not tell of it, or tells too much")
		}
		for name, v := range map[string]url.Values{
			"no reason": {"field": {"mobile"}}, "a reason of his own": {"field": {"mobile"}, "ground": {"curiosity"}}, "no such field": {"field": {"password"}, "ground": {"case"}},
		} {
			v.Set("form_token", token)
			if got := b.deskSend(at+"/reveal", v); strings.Contains(got.body, "18711111111") || !strings.Contains(got.body, `why`) {
				t.Errorf("%s: %d", name, got.StatusCode)
			}
		}
		for range 29 {
			b.deskSend(at+"/reveal", url.Values{"form_token": {token}, "field": {"mobile"}, "ground": {"case"}})
		}
		if got := b.deskSend(at+"/reveal", url.Values{"form_token": {token}, "field": {"mobile"}, "ground": {"case"}}); got.StatusCode != http.StatusTooManyRequests || strings.Contains(got.body, "18711111111") {
			t.Errorf("the 31st field within an hour: %d", got.StatusCode)
		}
	})
}

// atDeskOnce signs in again later than any code of before.
func (r *rig) atDeskOnce(login string) *browser {
	r.later()
	return r.atDesk(login)
}

// S30: what the security administrator freezes is refused on every replica with
// the next request, and comes back as it was; what its owner closed does not.
func TestDeskFreezes(t *testing.T) {
	r := newDeskRig(t, storetest.Postgres(t))
	other := r.replica()
	sec := r.atDesk("secadmin")
	token := text(r.tokens(r.browser(), "b", "openid profile org"), "access_token")
	if status, _ := other.userinfo(token); status != http.StatusOK {
		t.Fatalf("userinfo: %d", status)
	}
	who := r.person("b").Account
	at := r.issuer + "/admin/accounts/" + string(who.ID)
	act := func(deed string) page {
		t.Helper()
		return sec.submit(sec.get(at), "deed="+deed, url.Values{"deed": {deed}, "ground": {"abuse"}})
	}
	act("freeze_unit")
	if p := r.person("b"); p.Unit.State != account.Frozen {
		t.Errorf("the unit is %s", p.Unit.State)
	}
	act("unfreeze_unit")
	act("freeze")
	for name, one := range map[string]*rig{"here": r, "on a replica": other} {
		if status, _ := one.userinfo(token); status != http.StatusUnauthorized {
			t.Errorf("%s: userinfo of a frozen account answers %d", name, status)
		}
	}
	act("unfreeze")
	if got := r.person("b").Account.State; got != account.Active {
		t.Errorf("the account is %s", got)
	}
	if status, _ := other.userinfo(token); status != http.StatusUnauthorized {
		t.Errorf("a token of before lives again: %d", status)
	}
	form := sec.formToken(r.issuer + "/admin/self")
	send := func(deed, ground string) int {
		return sec.deskSend(at, url.Values{"form_token": {form}, "deed": {deed}, "ground": {ground}}).StatusCode
	}
	if got := send("unfreeze", "abuse"); got != http.StatusConflict {
		t.Errorf("unfrozen twice: %d", got)
	}
	if got := send("freeze", ""); got != http.StatusOK || r.person("b").Account.State != account.Active {
		t.Errorf("frozen without a reason: %d", got)
	}
	r.exec(`UPDATE accounts SET state = 'closed' WHERE id = ?`, string(who.ID))
	for _, deed := range []string{"freeze", "unfreeze"} {
		if got := send(deed, "abuse"); got != http.StatusConflict {
			t.Errorf("%s of a closed account: %d", deed, got)
		}
	}
	if got := r.ask(`SELECT COUNT(*) FROM accounts WHERE id = ? AND state = 'closed'`, string(who.ID)); got != 1 {
		t.Error("a closed account came back")
	}
	if n := r.ask(`SELECT COUNT(*) FROM audit WHERE kind = 'account.changed' AND detail IN ('freeze abuse', 'unfreeze abuse')`); n != 2 {
		t.Errorf("%d rows in the trail, want 2 (S85)", n)
	}
}
