package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/torch"
	"kejitong/store/storetest"
)

// An operator reads the batches; who may search accounts finds a record by its
// key, masked, sees what is to be settled and reveals one field with a reason.
func TestDeskShowsImports(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		m := bringOver(t, r)
		holds := func(p page, what string, texts ...string) {
			t.Helper()
			for _, s := range texts {
				if !strings.Contains(p.body, s) {
					t.Errorf("%s lacks %q:\n%s", what, s, p.body)
				}
			}
		}
		sys := r.atDesk("sysadmin")
		p := sys.get(r.issuer + "/admin/import")
		holds(p, "the list of batches", "torch.csv", "somebody", "可以撤回", "/admin/import/batches/b")
		if strings.Contains(p.body, `name="q"`) || strings.Contains(p.body, "/admin/import/conflicts") {
			t.Error("a system administrator is offered the search for accounts")
		}
		p = sys.get(r.issuer + "/admin/import/batches/b")
		holds(p, "the batch", "E5", "I6", "****", "kejitong import revert --batch b")
		for _, code := range []torch.Code{torch.I1, torch.I3} {
			if key, _ := m.key(code); strings.Contains(p.body, key) {
				t.Errorf("the batch tells the number of %s", code)
			}
		}
		if p := sys.get(r.issuer + "/admin"); !strings.Contains(p.body, `href="/admin/import"`) {
			t.Error("the front page does not lead there")
		}

		rev := r.atDesk("reviewer")
		unit, _ := m.key(torch.E3)
		number, _ := m.key(torch.I3)
		find := func(text string) page {
			return rev.submit(rev.get(r.issuer+"/admin/import"), "q", url.Values{"q": {text}})
		}
		p = find(" " + strings.ToLower(unit))
		holds(p, "the search by USCC", "HJ_"+unit, "登录名被占用", "/admin/accounts/")
		p = find("+86 " + number)
		holds(p, "the search by number", "I3", "****")
		if strings.Contains(p.body, number) || strings.Contains(p.Request.URL.String(), number) {
			t.Error("the number stands on the page, or in its address (C29)")
		}
		if got := r.atDesk("secadmin").get(p.Request.URL.String()); got.StatusCode != http.StatusBadRequest {
			t.Errorf("another operator opens what was found: %d (S83)", got.StatusCode)
		}
		if p := find("18799999998"); !strings.Contains(p.body, "没有这个") {
			t.Error("a number that nobody has is found")
		}
		if p := find("1234"); strings.Contains(p.Request.URL.RawQuery, "found") || !strings.Contains(p.body, `class="why"`) {
			t.Errorf("nonsense is searched for: %s", p.Request.URL)
		}

		e, err := r.app.db.EntriesOf(t.Context(), torch.PersonRecord, number)
		if err != nil || len(e) != 1 {
			t.Fatal(e, err)
		}
		at := r.issuer + "/admin/import/records/" + e[0].ID
		p = rev.get(at)
		holds(p, "the record", "登录名被占用", "曾持有该登录名", `href="/admin/appeals"`)
		if id := m.g.resident(m.first[torch.I3]); strings.Contains(p.body, id) || strings.Contains(p.body, number) {
			t.Error("the record tells more than masking leaves")
		}
		token := rev.formToken(r.issuer + "/admin/self")
		send := func(field, ground string) page {
			return rev.deskSend(at+"/reveal", url.Values{"form_token": {token}, "field": {field}, "ground": {ground}})
		}
		before := r.audited(audit.AccountRevealed)
		p = send("id_number", "case")
		holds(p, "the revealed field", m.g.resident(m.first[torch.I3]))
		if strings.Contains(p.body, number) || r.audited(audit.AccountRevealed) != before+1 {
			t.Error("more than the field is shown, or the trail is silent (C8)")
		}
		for name, p := range map[string]page{"no reason": send("mobile", ""), "no such field": send("password", "case")} {
			if strings.Contains(p.body, number) || !strings.Contains(p.body, "why") {
				t.Errorf("%s: %d", name, p.StatusCode)
			}
		}
		if r.ask(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%`+number+`%' OR object LIKE '%`+number+`%'`) != 0 {
			t.Error("the trail tells what was searched for")
		}

		// What is settled leaves the list.
		list := r.issuer + "/admin/import/conflicts?heap=E3"
		holds(rev.get(list), "the heap", e3Key(m), "占用人可以提出异议")
		r.exec(`UPDATE accounts SET login_key = 'moved-' || id, login_name = 'moved' WHERE login_key = ? AND kind = 'natural_person'`, strings.ToLower(unit))
		if p := rev.get(list); strings.Contains(p.body, unit) {
			t.Error("a name that its owner gave back is still to be settled")
		}
		for _, token := range []string{"x", "s1.AAAAAAAAAAAAAAAA.AAAA"} {
			if p := rev.get(list + "&page=" + token); p.StatusCode != http.StatusBadRequest {
				t.Errorf("page token %q: %d (S83)", token, p.StatusCode)
			}
		}
	})
}

func e3Key(m moved) string { key, _ := m.key(torch.E3); return key }

// A batch that somebody used is not offered to be taken back any more.
func TestDeskKnowsUsedBatches(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	m := bringOver(t, r)
	key, window := m.key(torch.E1)
	b := r.browser()
	b.submit(b.get(r.issuer+"/login?window="+window), "username", url.Values{"username": {key}, "password": {m.g.password(key)}})
	r.clock.move(time.Hour)
	if err := (&torch.Watch{Uses: r.app.db, Now: r.clock.now}).Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := r.atDesk("sysadmin").get(r.issuer + "/admin/import"); !strings.Contains(p.body, "不能撤回") {
		t.Errorf("somebody came, and still:\n%s", p.body)
	}
}
