package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// asked is a browser that stops where a unit's data are to be confirmed.
func (s *stage) asked() *browser {
	b := s.browser()
	b.asks = true
	return b
}

// smeRequest is the second system's own request.
func (r *rig) smeRequest() attempt {
	return r.systemRequest().with("client_id", "tech-sme", "redirect_uri", r.cast.systems[1].BaseURL+"/cb")
}

// R36: a unit's data are confirmed once for each system, by each account, and again
// when they changed; nothing gets round it, and whose gate is open to everybody does
// not ask.
func TestTheUnitsDataAreConfirmedBeforeTheFirstEntry(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.exec(`DELETE FROM entry_confirmations`) // what the cast has confirmed
		before := r.audited(audit.EntryConfirmed)
		b := r.asked()
		a := r.systemRequest()
		p := b.signIn(r.stage, b.get(r.authorizeURL(a)), "b")
		p.wants(t, 200, "/login/entry", "核对企业信息", "示例科技有限公司", demoUSCC, "高新技术企业认定", "李*", "/me/unit/change")
		p.lacks(t, "440000198512319997", "李四")
		if q := callback(t, b.get(r.authorizeURL(r.systemRequest().with("prompt", "none")))); q.Get("error") != "interaction_required" {
			t.Errorf("prompt=none is answered with %v", q)
		}
		for name, fill := range map[string]url.Values{
			"another version": {"decision": {"allow"}, "version": {"AAAAAAAAAAAAAAAAAAAAAA"}},
			"no version":      {"decision": {"allow"}, "version": {""}},
			"no decision":     {"decision": {""}},
			"another session": {"decision": {"allow"}, "session": {"x"}},
		} {
			if got := b.submit(p, "decision=allow", fill); got.Request.URL.Path != "/login/entry" || r.audited(audit.EntryConfirmed) != before {
				t.Errorf("%s: at %s", name, got.Request.URL)
			}
		}
		if q := callback(t, b.submit(b.get(r.authorizeURL(r.systemRequest())), "cancel", url.Values{"cancel": {"yes"}})); q.Get("error") != "access_denied" {
			t.Errorf("cancelled: %v", q)
		}
		stolen := r.asked().submit(p, "decision=allow", url.Values{"decision": {"allow"}})
		if stolen.StatusCode != http.StatusForbidden || r.audited(audit.EntryConfirmed) != before {
			t.Errorf("another browser confirms: %d at %s", stolen.StatusCode, stolen.Request.URL)
		}

		p = b.submit(p, "decision=allow", url.Values{"decision": {"allow"}})
		if status, m := r.exchange(a, callback(t, p).Get("code")); status != http.StatusOK || text(m, "id_token") == "" {
			t.Fatalf("after the confirmation: %d %v", status, m)
		}
		silent := func(a attempt) string {
			q := callback(t, b.get(r.authorizeURL(a.with("prompt", "none"))))
			return q.Get("error")
		}
		if e := silent(r.systemRequest()); e != "" || r.audited(audit.EntryConfirmed) != before+1 {
			t.Errorf("the second time: %s", e)
		}
		if e := silent(newAttempt("openid")); e != "" {
			t.Errorf("a client with an open gate: %s", e)
		}
		at(t, b.get(r.authorizeURL(r.smeRequest())), "/login/entry") // another system

		u := *r.person("b").Unit
		u.Name = "示例科技集团有限公司"
		if err := r.app.db.PutUnit(t.Context(), u, audit.Event{Kind: audit.UnitChanged}); err != nil {
			t.Fatal(err)
		}
		p = b.get(r.authorizeURL(r.systemRequest()))
		p.wants(t, 200, "/login/entry", "示例科技集团有限公司")

		other := r.asked() // what one account confirmed another did not
		p = other.signIn(r.stage, other.get(r.authorizeURL(r.systemRequest())), "c")
		p.wants(t, 200, "/login/entry", "经办人", "火炬")
		p.lacks(t, "/me/unit/change")
	})
}

// R36, R41: 服务事项 and 我的授权 show each visitor what is open, and why the rest is
// not; 办理入口 leads to the system, which starts the sign-in.
func TestServicesAndGrants(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		for _, row := range []struct {
			who  string
			says []string
			not  []string
		}{
			{"d", []string{"需实名认证", "以本人身份"}, []string{`name="enter"`}},
			{"a", []string{"未授权", "以本人身份"}, []string{`name="enter"`, "/me/services/ask"}},
			{"b", []string{"可办理", "示例科技有限公司", `name="enter" value="hightech_enterprise"`, `name="enter" value="tech_sme"`}, []string{"以本人身份"}},
			{"c", []string{"可办理", "待单位确认", "经办人"}, nil},
			{"e", []string{"示例科技有限公司", "样例智能装备有限公司", `name="enter" value="hightech_enterprise"`, "/me/services/ask?org="}, nil},
		} {
			b := r.browser()
			p := b.signIn(r.stage, b.get(r.issuer+"/login?next=%2Fme%2Fservices"), row.who)
			p.wants(t, 200, "/me/services", row.says...)
			p.lacks(t, row.not...)
			if row.who == "e" {
				unit := r.unitID("91110000MA00000077")
				p = b.submit(p, "enter=tech_sme", url.Values{"enter": {"tech_sme"}, "org": {unit}})
				at := p.Header.Get("Location")
				if p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(at, r.cast.systems[1].BaseURL+"/login?iss="+url.QueryEscape(r.cast.config.Issuer)) {
					t.Errorf("办理入口 leads to %d %s", p.StatusCode, at)
				}
				b.get(r.issuer+"/me/services").wants(t, 200, "/me/services")
				if got := b.raw("/me/services", url.Values{"enter": {"tech_sme"}, "org": {"another"}, "form_token": {b.formToken(r.issuer + "/")}}); got.Request.URL.Path != "/me/services" {
					t.Errorf("for a unit that is not theirs: %s", got.Request.URL)
				}
			}
		}
		b := r.browser()
		p := b.signIn(r.stage, b.get(r.issuer+"/login?next=%2Fme%2Fgrants"), "c")
		p.wants(t, 200, "/me/grants", "高新技术企业认定", "火炬中心账号迁移", "有效", "示例科技有限公司")
		b.get(r.issuer+"/").wants(t, 200, "/", `href="/me/services"`, `href="/me/grants"`)
		b.get(r.issuer+"/me").wants(t, 200, "/me", `href="/me/services"`, `href="/me/grants"`)
	})
}

// word reads one text past the provider.
func (r *rig) word(query string, args ...any) (text string) {
	r.t.Helper()
	if err := r.beside.QueryRowContext(r.t.Context(), r.bound(query), args...).Scan(&text); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return text
}

func (r *rig) unitID(uscc string) string {
	r.t.Helper()
	var id string
	for _, c := range []string{"b", "c", "e"} {
		for _, m := range r.person(c).Units(r.clock.now()) {
			if m.Unit.USCC == account.USCC(uscc) {
				id = m.Unit.ID
			}
		}
	}
	if id == "" {
		r.t.Fatalf("nobody acts for %s", uscc)
	}
	return id
}

// R36, R40: who is not entitled asks the unit, which alone answers; what it has not
// itself it cannot give.
func TestAskingTheUnitForAGrant(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		e := r.browser()
		p := e.signIn(r.stage, e.get(r.authorizeURL(r.smeRequest().with("org_hint", demoUSCC))), "e")
		p.wants(t, 200, "/refused", "尚未获得该系统的授权", "申请授权")
		if q := callback(t, e.get(r.authorizeURL(r.smeRequest().with("org_hint", demoUSCC, "prompt", "none")))); q.Get("error") != "access_denied" {
			t.Errorf("prompt=none is answered with %v", q)
		}
		p = e.follows(p, "/me/services/ask?")
		p.wants(t, 200, "/me/services/ask", "示例科技有限公司", `name="action" value="apply"`)
		unit, other := r.unitID(demoUSCC), r.unitID("91110000MA00000077")
		for _, row := range []struct {
			name   string
			fill   url.Values
			status int
		}{
			{"nothing ticked", url.Values{"org": {unit}, "action": {}}, 422},
			{"what the unit has not", url.Values{"org": {unit}, "action": {"report"}}, 422},
			{"of a unit without an account", url.Values{"org": {other}, "action": {"apply"}}, 403},
			{"of a unit that is not theirs", url.Values{"org": {"another"}, "action": {"apply"}}, 403},
		} {
			if got := e.submit(p, "ask=yes", row.fill); got.StatusCode != row.status {
				t.Errorf("%s: %d", row.name, got.StatusCode)
			}
		}
		if n := r.audited(audit.EntryAsked); n != 0 {
			t.Errorf("%d requests of what cannot be asked for", n)
		}
		send := func() page { return e.submit(p, "ask=yes", url.Values{"org": {unit}, "action": {"apply"}}) }
		send().wants(t, 200, "/me/grants", "申请已提交", "等待处理")
		send().wants(t, 409, "/me/services/ask", "已经有一个同样的申请")
		id := findForm(t, e.get(r.issuer+"/me/grants").body, "withdraw").values
		request := r.word(`SELECT id FROM entry_requests`)
		if len(id["withdraw"]) > 1 || r.audited(audit.EntryAsked) != 1 {
			t.Errorf("%v, %d audited", id, r.audited(audit.EntryAsked))
		}

		// Nobody decides but who decides for the unit, and nobody on his own.
		for _, who := range []string{"a", "c", "e"} {
			b := e
			if who != "e" {
				b = r.browser()
				b.signIn(r.stage, b.get(r.issuer+"/login"), who)
			}
			for _, name := range []string{"grant", "decline"} {
				got := b.raw("/me/unit/requests", url.Values{"form_token": {b.formToken(r.issuer + "/")}, name: {request}, "action": {"apply"}, "days": {"30"}})
				if got.StatusCode != http.StatusNotFound {
					t.Errorf("%s may %s: %d", who, name, got.StatusCode)
				}
			}
			if who != "e" {
				got := b.raw("/me/grants", url.Values{"form_token": {b.formToken(r.issuer + "/")}, "withdraw": {request}})
				if got.StatusCode != http.StatusNotFound {
					t.Errorf("%s withdraws another's request: %d", who, got.StatusCode)
				}
			}
		}

		b := r.browser()
		p = b.signIn(r.stage, b.get(r.issuer+"/login?next=%2Fme"), "b")
		p.wants(t, 200, "/me", "有 1 个授权申请等待处理")
		p = b.follows(p, "/me/unit/requests")
		p.wants(t, 200, "/me/unit/requests", "刘*", "科技型中小企业评价")
		p.lacks(t, "刘六")
		b.submit(p, "grant", url.Values{"grant": {request}, "action": {}, "days": {"90"}}).wants(t, 403, "/me/unit/requests", "不能同意")
		grant := func() page {
			return b.submit(p, "grant", url.Values{"grant": {request}, "action": {"apply"}, "days": {"9999"}})
		}
		grant().wants(t, 200, "/me/unit/requests", "已同意")
		grant().wants(t, 409, "/me/unit/requests", "已经处理过")
		if n := r.audited(audit.EntryAnswered); n != 1 {
			t.Errorf("%d answers", n)
		}
		e.get(r.issuer+"/me/grants").wants(t, 200, "/me/grants", "单位授予", "已同意")

		a := r.smeRequest().with("org_hint", demoUSCC)
		status, m := r.exchange(a, callback(t, e.get(r.authorizeURL(a))).Get("code"))
		if status != http.StatusOK {
			t.Fatalf("not in after the grant: %d %v", status, m)
		}
		_, info := r.userinfo(text(m, "access_token"))
		if got, _ := info["entitlements"].([]any); len(got) != 1 || got[0] != "tech_sme:apply" {
			t.Errorf("the system learns %v", info)
		}
		for _, g := range r.person("e").Grants {
			if g.Source == "delegated" && g.UnitID == unit && g.System == techSME && g.Until.After(r.clock.now().AddDate(1, 0, 2)) {
				t.Errorf("granted until %s", g.Until)
			}
		}
	})
}

// S61-like bounds: five a day, and of many at once one stands.
func TestRequestsAreCounted(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		e := r.browser()
		p := e.signIn(r.stage, e.get(r.issuer+"/login?next="+url.QueryEscape("/me/services/ask?system=tech_sme&org="+r.unitID(demoUSCC))), "e")
		ask := func() page {
			return e.submit(p, "ask=yes", url.Values{"org": {r.unitID(demoUSCC)}, "action": {"apply"}})
		}
		for range 5 {
			ask().wants(t, 200, "/me/grants", "等待处理")
			e.submit(e.get(r.issuer+"/me/grants"), "withdraw", url.Values{"withdraw": {r.word(`SELECT id FROM entry_requests WHERE state = 'open'`)}}).wants(t, 200, "/me/grants", "已撤回")
		}
		ask().wants(t, http.StatusTooManyRequests, "/me/services/ask", "今天申请得太多了")
	})
}

// R21: what a change would do is seen before it is sent, and sent only then.
func TestAChangeOfTheUnitIsShownBeforeItIsSent(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		p := b.signIn(r.stage, b.get(r.issuer+"/login?next=%2Fme%2Funit%2Fchange"), "b")
		p.wants(t, 200, "/me/unit/change", "示例科技有限公司", demoUSCC)
		form := url.Values{
			"unit_name": {"示例科技集团有限公司"}, "unit_type": {"enterprise"}, "region": {"mainland"}, "legal_rep_name": {"李四光"}, "legal_rep_id_type": {account.DocResident},
			"legal_rep_id_number": {"110000199001010013"}, "handler_same": {"yes"}, "handler_mobile": {"13800000000"}, "handler_until": {r.clock.now().AddDate(0, 6, 0).Format("2006-01-02")},
		}
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set("legal_rep_id_number", "110000199001010012")
		b.submit(p, "unit_name", bad).wants(t, 422, "/me/unit/change", `id="legal_rep_id_number-why"`)
		p = b.submit(p, "unit_name", form)
		p.wants(t, 200, "/me/unit/change", "变更前", "<del>示例科技有限公司</del>", "<ins>示例科技集团有限公司</ins>", "<del>李四</del>", "<ins>李四光</ins>", "440***********9997", "变更法定代表人")
		p.lacks(t, "440000198512319997", "<th scope=\"row\">单位类型")
		if r.audited(audit.RealNameEntered) != 0 {
			t.Fatal("sent before it was confirmed")
		}
		edit := b.submit(p, "edit=yes", url.Values{"edit": {"yes"}})
		edit.wants(t, 200, "/me/unit/change", `value="示例科技集团有限公司"`, "李四光")
		p = b.submit(p, "confirm=yes", url.Values{"confirm": {"yes"}})
		if p.Request.URL.Path != "/me/realname/status" || r.audited(audit.RealNameEntered) != 1 {
			t.Errorf("at %s, %d entered", p.Request.URL, r.audited(audit.RealNameEntered))
		}
		if got := r.person("b"); got.Unit.Name != "示例科技有限公司" || !got.Account.RealName.Verified() {
			t.Errorf("suspended or changed before the verdict: %s, %s", got.Unit.Name, got.Account.RealName.Status)
		}
		c := r.browser()
		if p := c.signIn(r.stage, c.get(r.issuer+"/login?next=%2Fme%2Funit%2Fchange"), "a"); p.Request.URL.Path != "/me/realname" {
			t.Errorf("a person is led to %s", p.Request.URL)
		}
	})
}
