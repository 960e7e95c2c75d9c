package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
)

func postedValue(t testing.TB, p page, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]+)"`).FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no %s at %s:\n%s", name, p.Request.URL, p.body)
	}
	return m[1]
}

// invites has the unit b invite 张三 for the first system.
func (r *rig) invites(b *browser, who, name string) page {
	r.t.Helper()
	p := r.walkIn(b, "b", "/me/handlers/invite")
	p.wants(r.t, 200, "/me/handlers/invite")
	return b.submit(p, "who", url.Values{"who": {who}, "name": {name}, "relation": {"handler"}, "scope": {"hightech_enterprise:apply"}, "months": {"12"}})
}

// A unit invites a person, who confirms and enters; when the unit ends it, nothing
// that came of it lives at any replica (S62).
func TestHandlerInvitedEntersAndIsEnded(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		all := []*rig{r}
		if r.options.Driver == "postgres" {
			all = append(all, r.replica())
		}
		r.register("auditor", client.Metadata{ResourceIdentifiers: []string{"https://api.example"}})
		unit, person := r.browser(), r.browser()
		r.invites(unit, "zhangsan", "张三").wants(t, 200, "/me/handlers", "等待确认")
		r.toldOf("+8618711111111", "mandate_offered")
		p := r.walkIn(person, "a", "/me")
		p.wants(t, 200, "/me", "有单位邀请您担任经办人")
		p = person.get(r.issuer + "/me/mandates")
		p.wants(t, 200, "/me/mandates", "示例科技有限公司", "高新技术企业认定")
		id := postedValue(t, p, "confirm")
		person.submit(p, "confirm", url.Values{"confirm": {id}}).wants(t, 200, "/me/mandates", "已确认")
		person.submit(p, "confirm", url.Values{"confirm": {id}}).wants(t, 200, "/me/mandates", "已经结束") // twice is once
		h := r.holds("a", "hightech-enterprise")
		if got := r.inspect("hightech-enterprise", text(h.online, "access_token")); got.body["active"] != true {
			t.Fatalf("he cannot enter: %s", got)
		}
		p = unit.get(r.issuer + "/me/handlers")
		a := string(r.person("a").Account.ID)
		if !strings.Contains(p.body, a) {
			t.Fatalf("the unit does not see him:\n%s", p.body)
		}
		unit.submit(p, "end", url.Values{"end": {a}}).wants(t, 200, "/me/handlers", "授权已收回")
		for _, at := range all {
			h.wantOver(at, false)
		}
		for kind, n := range map[audit.Kind]int64{audit.HandlerInvited: 1, audit.HandlerConfirmed: 1, audit.HandlerEnded: 1} {
			if got := r.audited(kind); got != n {
				t.Errorf("%d rows of %s", got, kind)
			}
		}
	})
}

// S49: whoever invites learns nothing of who exists.
func TestInvitingIsNoOracle(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		var bodies []string
		forms := regexp.MustCompile(`value="[^"]{20,}"|\b\d\d:\d\d\b|张.|<span class="code">[^<]*</span>`)
		for _, who := range [][2]string{{"zhangsan", "张三"}, {"nobodyy1", "张三"}, {"18711111111", "张四"}, {"newcomer", "张三"}, {demoUSCC, "张三"}} {
			b := r.browser()
			p := r.invites(b, who[0], who[1])
			p.wants(t, 200, "/me/handlers", "等待确认")
			at := strings.Index(p.body, "邀请记录")
			row := p.body[at:]
			row = row[:strings.Index(row, "</li>")]
			bodies = append(bodies, forms.ReplaceAllString(row, ""))
		}
		for i, b := range bodies[1:] {
			if b != bodies[0] {
				t.Errorf("%d differs:\n%s\n%s", i+1, b, bodies[0])
			}
		}
		if n := r.ask(`SELECT COUNT(*) FROM mandate_invitations WHERE person_id <> ''`); n != 1 {
			t.Errorf("%d found somebody, want 1", n)
		}
	})
}

// What the demonstration says of its mandates is what is there.
func TestDemoMandates(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		for _, m := range demoMandates() {
			who, err := findPrincipal(t.Context(), s.app, m.Username)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(who.Mandates, func(h entitlement.Mandate) bool { return h.Unit.USCC == m.USCC })
			if i < 0 || who.Mandates[i].Relation != m.Relation || who.Mandates[i].Source != m.Source {
				t.Errorf("%s for %s: %+v", m.Username, m.USCC, who.Mandates)
				continue
			}
			got := entitlement.Names(entitlement.For(who.Grants, who.Mandates[i].Unit.ID, []entitlement.SystemID{hightech, techSME}, true, now()))
			if !slices.Equal(got, m.Entitlements) {
				t.Errorf("%s for %s may %v, the line says %v", m.Username, m.USCC, got, m.Entitlements)
			}
		}
	})
}

// A unit that asks who acts: no system is entered with its account before one of
// its handlers proved himself, and then the system is told.
func TestWhoActsIsAskedAndTold(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b := r.browser()
		p := r.walkIn(b, "b", "/me/handlers")
		b.submit(p, "asks", url.Values{"asks": {"yes"}}).wants(t, 200, "/me/handlers", "必须说明由谁操作")
		a := request("hightech-enterprise", "openid")
		a.params.Set("redirect_uri", r.cast.systems[0].BaseURL+"/cb")
		quiet := request("hightech-enterprise", "openid")
		quiet.params.Set("redirect_uri", r.cast.systems[0].BaseURL+"/cb")
		quiet.params.Set("prompt", "none")
		if q := callback(t, b.get(r.authorizeURL(quiet))); q.Get("error") != "interaction_required" {
			t.Errorf("prompt=none: %v", q)
		}
		p = b.get(r.authorizeURL(a))
		p.wants(t, 200, "/me/acting", "本单位要求")
		who := string(r.person("e").Account.ID)
		p = b.submit(p, "actor", url.Values{"actor": {who}, "captcha": {demoCaptcha}})
		p.wants(t, 200, "/me/acting", "139****0002")
		wrong := b.submit(p, "code", url.Values{"code": {"000000"}})
		wrong.wants(t, 200, "/me/acting", "code-why")
		done := b.submit(wrong, "code", url.Values{"code": {r.coded("+8613900000002")}})
		m := r.redeem(a, callback(t, done).Get("code"))
		act, _ := claimsOf(t, text(m, "id_token"))["act"].(map[string]any)
		if act["sub"] == nil || act["sub"] == who {
			t.Errorf("act is %v", act)
		}
		// When he is the unit's handler no more, the session in which he acts is over.
		gone := r.person("e")
		if err := r.app.handlers.EndBy(t.Context(), "operator", r.person("b").Unit.ID, gone.Account.ID); err != nil {
			t.Fatal(err)
		}
		r.wantDead("hightech-enterprise", m, "after the acting handler's end")
		if p := b.get(r.issuer + "/me"); p.Request.URL.Path != "/login" {
			t.Error("the session goes on")
		}
	})
}

// C30, S54: with a unit's session alone nobody's mobile rings, whatever is sent.
func TestNobodyIsTroubledWithoutACaptcha(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		b, other := r.browser(), r.browser()
		p, elsewhere := r.walkIn(b, "b", "/me/acting"), r.walkIn(other, "b", "/me/acting")
		who := string(r.person("e").Account.ID)
		mine := findForm(t, p.body, "actor").values.Get("captcha_id")
		foreign := findForm(t, elsewhere.body, "actor").values.Get("captcha_id")
		closing := findForm(t, b.get(r.issuer+"/me/close").body, "captcha").values.Get("captcha_id")
		if mine == "" || foreign == "" || closing == "" {
			t.Fatalf("captchas %q %q %q", mine, foreign, closing)
		}
		for _, row := range []struct{ name, id, answer string }{
			{"none", "", ""}, {"no answer", mine, ""}, {"made up", "AAAA", demoCaptcha}, {"another browser's", foreign, demoCaptcha}, {"another purpose's", closing, demoCaptcha},
			{"spent by the empty answer", mine, demoCaptcha},
		} {
			got := b.submit(p, "actor", url.Values{"actor": {who}, "captcha_id": {row.id}, "captcha": {row.answer}})
			got.wants(t, 200, "/me/acting", "captcha-why")
		}
		if n := r.audited(audit.ChallengeSent); n != 0 {
			t.Errorf("%d codes went out", n)
		}
		p = b.get(r.issuer + "/me/acting")
		b.submit(p, "actor", url.Values{"actor": {who}, "captcha": {demoCaptcha}}).wants(t, 200, "/me/acting", "139****0002")
		b.submit(p, "actor", url.Values{"actor": {who}, "captcha": {demoCaptcha}}).wants(t, 200, "/me/acting", "captcha-why") // once
		p = b.get(r.issuer + "/me/acting")
		b.submit(p, "actor", url.Values{"actor": {who}, "captcha": {demoCaptcha}}).wants(t, 200, "/me/acting", `role="alert"`) // one a minute
		if n := r.audited(audit.ChallengeSent); n != 1 {
			t.Errorf("%d codes went out, want 1", n)
		}
	})
}
