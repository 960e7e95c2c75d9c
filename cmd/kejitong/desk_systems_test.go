package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"kejitong/provider/entitlement"
	"kejitong/store/storetest"
)

// systemEntry is the form of a system as a browser sends it.
func systemEntry(v url.Values, pairs ...string) url.Values {
	out := url.Values{
		"deed": {"change"}, "step": {"propose"}, "name_zh": {"科技成果登记"}, "owner": {"科技部"}, "entry_url": {"https://chengguo.example.gov.cn/"},
		"actions": {"apply\nreport"}, "account_types": {"legal_entity"}, "level": {"L2"}, "reason": {"年度调整"},
	}
	for k, list := range v {
		out[k] = list
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
	}
	return out
}

// deskPost sends a form with the browser's own token.
func (b *browser) deskPost(address string, v url.Values) page {
	b.t.Helper()
	v.Set("form_token", b.formToken(b.home.Scheme+"://"+b.home.Host+"/admin/self"))
	return b.deskSend(address, v)
}

func (r *rig) catalogued(id entitlement.SystemID) (entitlement.System, bool) {
	r.t.Helper()
	all, err := r.app.db.Systems(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range all {
		if s.ID == id {
			return s, true
		}
	}
	return entitlement.System{}, false
}

// openProposal is the id of the newest open proposal.
func (r *rig) openProposal() string {
	r.t.Helper()
	all, err := r.app.operators().Store.Proposals(r.t.Context(), 1)
	if err != nil || len(all) == 0 {
		r.t.Fatal(err, "nothing is proposed")
	}
	return all[0].ID
}

// S78, S80: nobody changes the catalogue alone, nobody of another role, nothing
// that is not as it was looked at; and what is wrong stands at its field.
func TestDeskCatalogueAttacked(t *testing.T) {
	r := newDeskRig(t, storetest.SQLite(t))
	sys, sec, rev := r.atDesk("sysadmin"), r.atDesk("secadmin"), r.atDesk("reviewer")
	const code = entitlement.SystemID("hightech_enterprise")
	at := r.issuer + "/admin/systems/" + string(code)
	was, _ := r.catalogued(code)
	proposals := func() int64 { return r.ask(`SELECT COUNT(*) FROM proposals`) }
	for name, try := range map[string]struct {
		who  *browser
		at   string
		form url.Values
		code int
		says string
	}{
		"the one who approves proposes":   {sec, at, systemEntry(nil, "version", was.Version()), http.StatusForbidden, ""},
		"a reviewer":                      {rev, at, systemEntry(nil, "version", was.Version()), http.StatusForbidden, ""},
		"a reviewer adds":                 {rev, r.issuer + "/admin/systems", systemEntry(nil, "system", "mine"), http.StatusForbidden, ""},
		"a version that never was":        {sys, at, systemEntry(nil, "version", "AAAA"), http.StatusConflict, "没有生效"},
		"no version":                      {sys, at, systemEntry(nil), http.StatusConflict, ""},
		"closing what was looked at else": {sys, at, url.Values{"deed": {"close"}, "version": {"AAAA"}, "reason": {"x"}}, http.StatusConflict, ""},
		"no reason":                       {sys, at, url.Values{"deed": {"close"}, "version": {was.Version()}}, http.StatusOK, "请填写理由"},
		"a deed of one's own":             {sys, at, url.Values{"deed": {"drop"}, "version": {was.Version()}, "reason": {"x"}}, http.StatusOK, ""},
		"another system's page":           {sys, r.issuer + "/admin/systems/nothing_here", systemEntry(nil, "version", was.Version()), http.StatusNotFound, ""},
		"a code that is taken":            {sys, r.issuer + "/admin/systems", systemEntry(nil, "system", string(code)), http.StatusConflict, "已有业务系统"},
		"a code with a script":            {sys, r.issuer + "/admin/systems", systemEntry(nil, "system", `"><script>alert(1)</script>`), http.StatusOK, "代码为 1 至 64"},
		"an address that runs":            {sys, at, systemEntry(nil, "version", was.Version(), "entry_url", "javascript:alert(1)"), http.StatusOK, "请填写网址"},
		"actions twice":                   {sys, at, systemEntry(nil, "version", was.Version(), "actions", "apply apply"), http.StatusOK, "不能重复"},
		"an account type of one's own":    {sys, at, systemEntry(url.Values{"account_types": {"robot"}}, "version", was.Version()), http.StatusOK, "账号类型中选择"},
		"a level of one's own":            {sys, at, systemEntry(nil, "version", was.Version(), "level", "L9"), http.StatusOK, "等级中选择"},
	} {
		before := proposals()
		p := try.who.deskPost(try.at, try.form)
		if p.StatusCode != try.code || try.says != "" && !strings.Contains(p.body, try.says) {
			t.Errorf("%s: %d\n%s", name, p.StatusCode, p.body)
		}
		if strings.Contains(p.body, "<script>alert") {
			t.Errorf("%s: the page runs it", name)
		}
		if proposals() != before {
			t.Errorf("%s: something was proposed", name)
		}
	}
	// The same without a form token, and with the fields left as they were.
	if p := sys.deskSend(at, systemEntry(nil, "version", was.Version())); p.StatusCode != http.StatusForbidden {
		t.Errorf("no form token: %d", p.StatusCode)
	}
	// The proposer cannot approve it, whatever the page shows him.
	if p := sys.deskPost(at, systemEntry(nil, "version", was.Version())); p.StatusCode != http.StatusSeeOther {
		t.Fatalf("not proposed: %d\n%s", p.StatusCode, p.body)
	}
	id := r.openProposal()
	if p := sys.deskPost(r.issuer+"/admin/approvals/"+id, url.Values{"decision": {"approve"}}); p.StatusCode != http.StatusForbidden {
		t.Errorf("one's own proposal: %d", p.StatusCode)
	}
	aud := r.atDesk("auditor")
	if p := aud.deskPost(r.issuer+"/admin/approvals/"+id, url.Values{"decision": {"approve"}}); p.StatusCode != http.StatusForbidden {
		t.Errorf("an auditor approves the catalogue: %d", p.StatusCode)
	}
	if p := aud.get(r.issuer + "/admin/approvals"); strings.Contains(p.body, id) {
		t.Error("an auditor is shown the catalogue's proposals")
	}
	// What was looked at changes by the command line meanwhile: approving does
	// nothing, and the proposal stays to be refused.
	next := was
	next.Owner = "别的单位"
	if err := r.app.entitlements().Revise(t.Context(), entitlement.Revision{Was: &was, Next: next}, "operator"); err != nil {
		t.Fatal(err)
	}
	if p := sec.get(r.issuer + "/admin/approvals"); !strings.Contains(p.body, "本提议不能再生效") {
		t.Errorf("a stale proposal looks like others:\n%s", p.body)
	}
	if p := sec.deskPost(r.issuer+"/admin/approvals/"+id, url.Values{"decision": {"approve"}}); p.StatusCode != http.StatusConflict {
		t.Errorf("a stale proposal: %d", p.StatusCode)
	}
	if s, _ := r.catalogued(code); s.Owner != "别的单位" {
		t.Errorf("a stale proposal took effect: %+v", s)
	}
	if n := r.ask(`SELECT COUNT(*) FROM proposals WHERE state = 'open'`); n != 1 {
		t.Errorf("%d open proposals", n)
	}
}

// Somebody proposes, looks at before and after, another one agrees: the entry, its
// history and the trail say so, on both databases. Of two who agree at once one
// does.
func TestDeskChangesTheCatalogue(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		sys, sec := r.atDesk("sysadmin"), r.atDesk("secadmin")
		const code = entitlement.SystemID("achievement_registry")
		p := sys.deskPost(r.issuer+"/admin/systems", systemEntry(nil, "system", string(code), "step", "check"))
		if p.StatusCode != http.StatusOK || !strings.Contains(p.body, `value="propose"`) || !strings.Contains(p.body, "变更前后") {
			t.Fatalf("not checked: %d\n%s", p.StatusCode, p.body)
		}
		p = sys.submit(p, "step=propose", systemEntry(nil, "system", string(code)))
		if p.Request.URL.Path != "/admin/systems" || !strings.Contains(p.body, "新增业务系统 科技成果登记") {
			t.Fatalf("not proposed: %s\n%s", p.Request.URL, p.body)
		}
		if _, there := r.catalogued(code); there {
			t.Fatal("an entry that nobody agreed to is there")
		}
		id, token := r.openProposal(), sec.formToken(r.issuer+"/admin/self")
		codes := twice(func(int) int {
			return sec.deskSend(r.issuer+"/admin/approvals/"+id, url.Values{"decision": {"approve"}, "form_token": {token}}).StatusCode
		})
		if codes[0]+codes[1] != http.StatusSeeOther+http.StatusConflict {
			t.Errorf("two who agree at once: %v", codes)
		}
		s, there := r.catalogued(code)
		if !there || s.NameZH != "科技成果登记" || len(s.Actions) != 2 || s.Level != "L2" {
			t.Fatalf("%v %+v", there, s)
		}
		if n := r.ask(`SELECT COUNT(*) FROM system_changes WHERE system = 'achievement_registry'`); n != 1 {
			t.Errorf("%d lines of history", n)
		}
		if n := r.ask(`SELECT COUNT(*) FROM audit WHERE kind = 'system.changed' AND object = 'achievement_registry' AND detail = 'entered'`); n != 1 {
			t.Errorf("%d audit rows", n)
		}
		p = sys.get(r.issuer + "/admin/systems/" + string(code))
		if !strings.Contains(p.body, "sysadmin 提出，secadmin 复核") || !strings.Contains(p.body, "年度调整") {
			t.Errorf("the history does not say who:\n%s", p.body)
		}
		p = sys.submit(p, "deed", url.Values{"deed": {"close"}, "reason": {"系统下线"}})
		if !strings.Contains(p.body, "已提交") || !strings.Contains(p.body, "停止 科技成果登记 新增授权") {
			t.Fatalf("closing is not proposed:\n%s", p.body)
		}
		if p = sec.deskPost(r.issuer+"/admin/approvals/"+r.openProposal(), url.Values{"decision": {"approve"}}); p.StatusCode != http.StatusSeeOther {
			t.Fatalf("not closed: %d\n%s", p.StatusCode, p.body)
		}
		if s, _ := r.catalogued(code); !s.Closed || s.NameZH != "科技成果登记" {
			t.Errorf("%+v", s)
		}
	})
}

// twice runs fn twice at once.
func twice[T any](fn func(int) T) (out [2]T) {
	var wg sync.WaitGroup
	for i := range out {
		wg.Add(1)
		go func() { defer wg.Done(); out[i] = fn(i) }()
	}
	wg.Wait()
	return out
}
