package interact_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/session"
	"kejitong/provider/web"
)

func TestSignInWithinARequest(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser()
		id := b.begin(request("gaoqi", "login_hint", "zhangsan"))
		p := b.get("/login?interaction=" + id)
		for _, want := range []string{`value="zhangsan"`, "高新技术企业认定", "某某中心", "127.0.0.1:9999", `name="cancel"`} {
			if !strings.Contains(p.body, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
		if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https: http://127.0.0.1:9999") {
			t.Errorf("policy %s", csp)
		}
		if b := p.forms[0].buttons; len(b) != 1 || b[0] != [2]string{"", ""} {
			t.Errorf("the first form's buttons: %v", b)
		}
		b.press(p, "", "", "username", " ZhangSan ", "password", password).goes(t, returns(id))
		v, pd := h.visit(b), h.pending(id)
		if pd.Session != v.Session.ID || !pd.SignedInAt.Equal(h.now()) || !pd.Selected || pd.Consented || pd.Unit != "" {
			t.Errorf("interaction %+v", pd)
		}
		if v.Session.ACR != "urn:fuwu:aal:1" || !slices.Equal(v.Session.AMR, []string{"pwd"}) || v.Session.Shared || v.Session.IP == "" {
			t.Errorf("session %+v", v.Session)
		}
		if rows := h.trail(audit.SignInSucceeded); len(rows) != 1 || rows[0].Actor != "zhang" || rows[0].Client != "gaoqi" || rows[0].IP == "" {
			t.Errorf("trail %+v", rows)
		}
	})
}

func TestSessionCookie(t *testing.T) {
	h := lone(t)
	for _, row := range []struct {
		name   string
		more   []string
		maxAge int
		idle   time.Duration
	}{
		{"own computer", nil, 8 * 3600, time.Hour},
		{"shared computer", []string{"shared_computer", "yes"}, 0, session.SharedIdle},
	} {
		b := h.browser()
		p := b.signIn("/login", "zhangsan", row.more...)
		p.goes(t, "/")
		found := false
		for _, c := range (&http.Response{Header: p.header}).Cookies() {
			if c.Name == web.SessionCookie {
				found = true
				if c.MaxAge != row.maxAge || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
					t.Errorf("%s: %+v", row.name, c)
				}
			}
			if c.Name == "kejitong_window" && row.maxAge == 0 {
				t.Error("a shared computer remembers the window")
			}
		}
		if !found {
			t.Fatalf("%s: no session", row.name)
		}
		if !strings.Contains(b.get("/").body, "张**") {
			t.Errorf("%s: not signed in at home", row.name)
		}
		h.wait(row.idle)
		if strings.Contains(b.get("/").body, "张**") {
			t.Errorf("%s: signed in after %s of rest", row.name, row.idle)
		}
	}
}

// R1: which window is open.
func TestWindows(t *testing.T) {
	h := lone(t)
	kinds := func(k ...account.Kind) func(*client.Metadata) {
		return func(m *client.Metadata) { m.RequiredAccountTypes = k }
	}
	h.client("units", kinds(account.LegalEntity))
	h.client("persons", kinds(account.NaturalPerson))
	h.client("both", kinds(account.NaturalPerson, account.LegalEntity))
	for _, row := range []struct {
		name, client, hint, window, last string
		legal                            bool
		notice                           string
	}{
		{"nothing known", "gaoqi", "", "", "", false, ""},
		{"nonsense asked for", "gaoqi", "", "admin", "root", false, ""},
		{"client for units", "units", "", "", "", true, ""},
		{"client for persons, code as hint", "persons", uscc, "", "legal_entity", false, ""},
		{"client for both", "both", "", "", "legal_entity", true, ""},
		{"code as hint", "gaoqi", strings.ToLower(uscc), "", "", true, ""},
		{"mobile as hint", "gaoqi", "+86 187 2222 3333", "", "legal_entity", false, ""},
		{"some hint", "gaoqi", "somebody", "", "legal_entity", true, ""},
		{"last used", "gaoqi", "", "", "legal_entity", true, ""},
		{"clicked", "units", "", "natural_person", "", false, "该系统面向单位"},
		{"clicked the other", "persons", "", "legal_entity", "", true, "该系统面向自然人"},
	} {
		b := h.browser()
		if row.last != "" {
			b.plant("kejitong_window", row.last)
		}
		path := "/login?interaction=" + b.begin(request(row.client, "login_hint", row.hint))
		if row.window != "" {
			path += "&window=" + row.window
		}
		p := b.get(path)
		want := "natural_person"
		if row.legal {
			want = "legal_entity"
		}
		if got := p.forms[0].fields.Get("window"); got != want || !strings.Contains(p.body, row.notice) {
			t.Errorf("%s: window %s", row.name, got)
		}
	}
	b := h.browser()
	b.in(uscc, "legal_entity")
	b.press(b.get("/logout"), "logout", "yes")
	if p := b.get("/login"); p.forms[0].fields.Get("window") != "legal_entity" {
		t.Error("the last window is forgotten")
	}
}

// R17: one click and no second password.
func TestWrongWindow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, row := range []struct {
			username, window string
			want             account.ID
		}{{uscc, "natural_person", "firm"}, {"zhangsan", "legal_entity", "zhang"}} {
			b := h.browser()
			id := b.begin(request("gaoqi"))
			p := b.signIn("/login?interaction="+id+"&window="+row.window, row.username, "shared_computer", "yes")
			if p.status != 200 || h.who(b) != "" || strings.Contains(p.body, `name="password"`) {
				t.Fatalf("%s: %d", row.username, p.status)
			}
			b.press(p, "account", "current").goes(t, returns(id))
			if h.who(b) != row.want || !h.visit(b).Session.Shared || h.pending(id).Session != h.visit(b).Session.ID {
				t.Errorf("signed in as %q", h.who(b))
			}
			rows := h.trail(audit.SignInSucceeded)
			if last := rows[len(rows)-1]; last.Detail != "wrong_window" || last.Actor != string(row.want) {
				t.Errorf("trail %+v", last)
			}
		}
		b := h.browser()
		p := b.signIn("/login?window=natural_person", uscc)
		b.press(p, "account", "current").goes(t, "/")
		if h.who(b) != "firm" {
			t.Error("not signed in at the front door")
		}
		b = h.browser()
		id := b.begin(request("gaoqi"))
		p = b.signIn("/login?interaction="+id, uscc, "window", "natural_person")
		b.press(p, "account", "other").goes(t, "/login?interaction="+id+"&window=legal_entity")
		b.press(p, "cancel", "yes").goes(t, returns(id))
		if h.pending(id).Declined == "" || h.who(b) != "" {
			t.Error("cancelling did something else")
		}
	})
}

// "Use another account" in the middle of a request: the present session lives
// until the other has signed in, and is over then.
func TestAnotherAccount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser()
		b.in("zhangsan", "natural_person")
		mine := b.cookie(web.SessionCookie)
		id := b.begin(request("gaoqi", "prompt", "select_account"))
		p := b.get("/login/account?interaction=" + id)
		if !strings.Contains(p.body, "张**") {
			t.Error("the page does not say who is signed in")
		}
		to := b.press(p, "account", "other")
		to.goes(t, "/login?interaction="+id+"&other=1")
		if p := b.signIn(to.header.Get("Location"), uscc, "password", "wrong", "window", "legal_entity"); p.status != 200 || h.who(b) != "zhang" {
			t.Error("a failed sign-in ended the session")
		}
		woken := h.woken
		b.signIn(to.header.Get("Location"), uscc, "window", "legal_entity").goes(t, returns(id))
		if h.who(b) != "firm" || h.woken == woken {
			t.Errorf("signed in as %s", h.who(b))
		}
		if v, err := h.db.ByCookie(t.Context(), session.Key(mine), ""); err == nil && v.Session.EndedAt.IsZero() {
			t.Error("the session taken over lives on")
		}

		id = b.begin(request("gaoqi", "prompt", "select_account"))
		b.press(b.get("/login/account?interaction="+id), "account", "current").goes(t, returns(id))
		if pd := h.pending(id); !pd.Selected || pd.Session != h.visit(b).Session.ID || !pd.SignedInAt.IsZero() {
			t.Errorf("interaction %+v", pd)
		}
		id = b.begin(request("gaoqi"))
		h.browser().get("/")
		stranger := h.browser()
		sid := stranger.begin(request("gaoqi"))
		for _, path := range []string{"/login/account", "/login/unit", "/consent", "/refused"} {
			stranger.get(path+"?interaction="+sid+"&reason=not_entitled").goes(t, returns(sid))
		}
		b.get("/login/unit?interaction="+id).goes(t, returns(id)) // a unit's account has nothing to choose
	})
}

func TestSignOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, other := h.browser(), h.browser()
		other.in("zhangsan", "natural_person")
		if p := b.get("/logout"); p.status != 200 || len(p.forms) > 0 {
			t.Error("who is not signed in is asked")
		}
		b.in("zhangsan", "natural_person")
		old, browserID, woken := b.cookie(web.SessionCookie), b.id(), h.woken
		p := b.get("/logout")
		b.post("/logout", url.Values{"form_token": p.forms[0].fields["form_token"], "cancel": {"yes"}}).goes(t, "/")
		if h.who(b) != "zhang" {
			t.Error("staying signed out")
		}
		b.press(p, "logout", "yes").goes(t, "/logout/done")
		if b.cookie(web.SessionCookie) != "" || h.woken == woken || b.cookie(web.BrowserCookie) == browserID {
			t.Error("something is left behind")
		}
		b.plant(web.SessionCookie, old)
		if h.who(b) != "" {
			t.Error("the old cookie still works")
		}
		if h.who(other) != "zhang" {
			t.Error("another browser's session ended as well")
		}
		if rows := h.trail(audit.SessionEnded); len(rows) != 1 || rows[0].Actor != "zhang" || rows[0].Detail != "sign_out" {
			t.Errorf("trail %+v", rows)
		}
		if p := b.get("/logout/done"); p.status != 200 || !strings.Contains(p.body, "您已退出登录") {
			t.Errorf("got %d", p.status)
		}
	})
}

func TestHome(t *testing.T) {
	h := lone(t)
	b := h.browser()
	if p := b.get("/"); p.status != 200 || !strings.Contains(p.body, `href="/login"`) || len(p.header.Values("Set-Cookie")) > 0 {
		t.Errorf("got %d %v", p.status, p.header.Values("Set-Cookie"))
	}
	b.in("zhangsan", "natural_person")
	p := b.get("/")
	for _, want := range []string{"张**", "已实名认证", "高企认定", "https://gaoqi.example.gov.cn/", "北京示例科技有限公司", "福建示例研究院", `action="/logout"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("home lacks %s", want)
		}
	}
	if strings.Contains(p.body, "别人的单位") || strings.Contains(p.body, "科小企评价") {
		t.Error("home shows what is not theirs")
	}
	for i := range 20 { // activity keeps the session alive
		h.wait(10 * time.Minute)
		if !strings.Contains(b.get("/").body, "张**") {
			t.Fatalf("signed out after %d visits", i)
		}
	}
	b.get("/login").goes(t, "/")
	must(t, h.db.SetAccountState(t.Context(), "zhang", account.Frozen, audit.Event{Kind: audit.AccountChanged}))
	if strings.Contains(b.get("/").body, "张**") {
		t.Error("a frozen account is let in")
	}
}

// ui_locales, then the click on the switch, decide over the language.
func TestLanguage(t *testing.T) {
	h := lone(t)
	b := h.browser()
	path := "/login?interaction=" + b.begin(request("gaoqi", "ui_locales", "fr en"))
	if p := b.get(path); !strings.Contains(p.body, `<html lang="en"`) {
		t.Error("ui_locales is not heard")
	}
	if p := b.get(path + "&lang=zh-CN"); !strings.Contains(p.body, `<html lang="zh-CN"`) {
		t.Error("the switch is not heard")
	}
}

// A redirect URI of a private scheme is allowed for, one that scripts is not.
func TestFormAction(t *testing.T) {
	h := lone(t)
	for uri, want := range map[string]string{
		"https://rp.example/cb":    "form-action 'self' https:",
		"http://127.0.0.1:9999/cb": "form-action 'self' https: http://127.0.0.1:9999",
		"com.example.app:/cb":      "form-action 'self' https: com.example.app:",
		"javascript:alert(1)":      "form-action 'self' https:",
	} {
		b := h.browser()
		b.in("zhangsan", "natural_person")
		id := b.begin(request("gaoqi", "redirect_uri", uri))
		for _, path := range []string{"/login", "/login/account", "/login/unit", "/consent", "/refused"} {
			p := b.get(path + "?reason=not_entitled&interaction=" + id)
			_, got, _ := strings.Cut(p.header.Get("Content-Security-Policy"), "form-action")
			got, _, _ = strings.Cut(got, ";")
			if "form-action"+got != want {
				t.Errorf("%s for %s: form-action%s", path, uri, got)
			}
		}
	}
}

// Walking away ends the request at every step.
func TestCancel(t *testing.T) {
	h := lone(t)
	b := h.browser()
	b.in("zhangsan", "natural_person")
	for _, path := range []string{"/login", "/login/account", "/login/unit"} {
		id := b.begin(request("gaoqi"))
		b.press(b.get(path+"?interaction="+id), "cancel", "yes").goes(t, returns(id))
		if pd := h.pending(id); pd.Declined != "cancelled" || pd.Session != "" {
			t.Errorf("%s: %+v", path, pd)
		}
	}
	if h.who(b) != "zhang" {
		t.Error("cancelling signed out")
	}
}
