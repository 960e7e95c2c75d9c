package interact_test

import (
	"slices"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/session"
	"kejitong/provider/web"
)

func TestChoiceOfUnit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser()
		b.in("zhangsan", "natural_person")
		id := b.begin(request("gaoqi"))
		p := b.get("/login/unit?interaction=" + id)
		if got := buttons(p, "org"); !slices.Equal(got, []string{"u-firm", "u-second"}) || !strings.Contains(p.body, "高企认定") || !strings.Contains(p.body, uscc2) {
			t.Errorf("choices %v", got)
		}
		b.press(p, "org", "u-second").goes(t, returns(id))
		v := h.visit(b)
		if pd := h.pending(id); pd.Unit != "u-second" || pd.Session != v.Session.ID || v.Session.UnitID != "u-second" {
			t.Errorf("interaction %+v", pd)
		}
		if rows := h.trail(audit.UnitChosen); len(rows) != 1 || rows[0].Actor != "zhang" || rows[0].Object != "u-second" || rows[0].Client != "gaoqi" {
			t.Errorf("trail %+v", rows)
		}
		p = b.get("/login/unit?interaction=" + b.begin(request("gaoqi")))
		if got := buttons(p, "org"); !slices.Equal(got, []string{"u-second", "u-firm"}) {
			t.Errorf("the last choice is not first: %v", got)
		}
		h.client("open", func(m *client.Metadata) { m.BusinessSystems = nil })
		id = b.begin(request("open"))
		b.press(b.get("/login/unit?interaction="+id), "org", "self").goes(t, returns(id))
		if h.pending(id).Unit != "self" || h.visit(b).Session.UnitID != "" {
			t.Errorf("interaction %+v", h.pending(id))
		}
	})
}

func buttons(p *page, name string) (values []string) {
	for _, f := range p.forms {
		for _, b := range f.buttons {
			if b[0] == name {
				values = append(values, b[1])
			}
		}
	}
	return values
}

// C22, C23: who asks, for what, with which values; sensitive things apart.
func TestConsent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.client("stranger", func(m *client.Metadata) { m.LogoURI = "https://evil.test/logo.png" })
		b := h.browser()
		b.in("zhangsan", "natural_person")
		id := b.begin(request("stranger", "scope", "openid org identity offline_access nonsense", "org_hint", uscc,
			"claims", `{"userinfo":{"phone_number":null,"address":{"essential":true},"own":null}}`))
		p := b.get("/consent?interaction=" + id)
		for _, want := range []string{"某某中心", "010-1234", "办理认定", "127.0.0.1:9999", "尚未经平台审核", "187****1111", "北京示例科技有限公司", uscc, "退出登录后"} {
			if !strings.Contains(p.body, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
		for _, never := range []string{"张三丰", "18711111111", "110101199003070038", "某路", "evil.test"} {
			if strings.Contains(p.body, never) {
				t.Errorf("the page shows %s", never)
			}
		}
		if boxes := p.forms[0].boxes; len(boxes) != 1 || boxes[0] != [2]string{"sensitive", "identity"} || p.forms[0].fields.Has("sensitive") {
			t.Errorf("sensitive items %v, ticked %v", boxes, p.forms[0].fields["sensitive"])
		}
		b.press(p, "decision", "allow", "sensitive", "identity").goes(t, returns(id))
		v, err := h.db.ByCookie(t.Context(), session.Key(b.cookie(web.SessionCookie)), "stranger")
		must(t, err)
		if want := []string{"identity", "offline_access", "openid", "org", "phone"}; !slices.Equal(sorted(v.Consent.Scopes), want) {
			t.Errorf("consent %v", v.Consent.Scopes)
		}
		if rows := h.trail(audit.ConsentGiven); len(rows) != 1 || rows[0].Actor != "zhang" || rows[0].Client != "stranger" || rows[0].Detail != "identity offline_access openid org phone" {
			t.Errorf("trail %+v", rows)
		}

		// Asked again for less: what was decided before on other things stays.
		id = b.begin(request("stranger", "scope", "openid identity"))
		p = b.get("/consent?interaction=" + id)
		if len(p.forms[0].boxes) != 1 {
			t.Error("a sensitive item is ticked beforehand")
		}
		b.press(p, "decision", "allow").goes(t, returns(id))
		v, err = h.db.ByCookie(t.Context(), session.Key(b.cookie(web.SessionCookie)), "stranger")
		must(t, err)
		if want := []string{consent.Refuse("identity"), "offline_access", "openid", "org", "phone"}; !slices.Equal(sorted(v.Consent.Scopes), want) {
			t.Errorf("consent %v", v.Consent.Scopes)
		}

		id = b.begin(request("gaoqi"))
		p = b.get("/consent?interaction=" + id)
		if strings.Contains(p.body, "尚未经平台审核") {
			t.Error("a reviewed client is warned of")
		}
		b.press(p, "decision", "deny").goes(t, returns(id))
		if pd := h.pending(id); pd.Declined == "" || pd.Consented || len(h.visit(b).Consent.Scopes) > 0 {
			t.Errorf("interaction %+v", pd)
		}
		if rows := h.trail(audit.ConsentRefused); len(rows) != 1 || rows[0].Result != "refused" {
			t.Errorf("trail %+v", rows)
		}
	})
}

func sorted(s []string) []string {
	out := slices.Clone(s)
	slices.Sort(out)
	return out
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.client("units", func(m *client.Metadata) {
			m.RequiredAccountTypes = []account.Kind{account.LegalEntity}
			m.RequiredLevel = "L3"
		})
		b := h.browser()
		b.in("18722223333", "natural_person")
		for _, row := range []struct{ reason, want string }{
			{"not_verified", "请先完成实名认证"}, {"level_too_low", "L3"}, {"wrong_account_type", "法人账号"}, {"not_entitled", "尚未获得该系统的授权"},
			{"unit_unknown", uscc},
		} {
			id := b.begin(request("units", "org_hint", uscc))
			path := "/refused?interaction=" + id + "&reason=" + row.reason
			p := b.get(path)
			if p.status != 200 || !strings.Contains(p.body, row.want) || !strings.Contains(p.body, "187****3333") || strings.Contains(p.body, "18722223333") {
				t.Errorf("%s: %d", row.reason, p.status)
			}
			before := h.trail(audit.EntryRefused)
			if last := before[len(before)-1]; last.Detail != row.reason || last.Actor != "wang" || last.Client != "units" || last.Result != "refused" {
				t.Errorf("trail %+v", last)
			}
			b.get(path)
			if len(h.trail(audit.EntryRefused)) != len(before) {
				t.Error("a reload counts as another refusal")
			}
			b.press(p, "account", "other").goes(t, "/login?interaction="+id+"&other=1")
			b.press(p, "cancel", "yes").goes(t, returns(id))
			if pd := h.pending(id); pd.Declined != row.reason {
				t.Errorf("declined %q", pd.Declined)
			}
		}
		id := b.begin(request("units"))
		for _, reason := range []string{"", "nonsense", "sign_in"} {
			b.get("/refused?interaction="+id+"&reason="+reason).goes(t, returns(id))
		}
	})
}
