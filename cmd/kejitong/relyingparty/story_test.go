package relyingparty_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSignInRefreshIntrospectSignOut(t *testing.T) {
	n := newTown(t)
	b := n.browser()

	front := b.get("/")
	front.has(t, "高新技术企业认定", "High-tech Enterprise Accreditation", `href="/login"`)
	if s := b.state(); s.SignedIn || s.Logouts != 0 {
		t.Fatalf("before: %+v", s)
	}

	b.signIn()
	asked := n.op.asked[0]
	if asked.Get("scope") != "openid profile org entitlements identity" || asked.Get("redirect_uri") != n.rp.URL+"/cb" {
		t.Errorf("asked %v", asked)
	}
	home := b.get("/")
	home.has(t, "法人（legal_entity）", "示例科技有限公司（已核验）", "已认证（verified），等级 L2", "口令 + 短信或动态码（urn:fuwu:aal:2）",
		"pwd + sms", "op7handler", uscc, "本单位账号（self）", "2026-11-21 17:10:00")
	if strings.Contains(home.element("verified_name"), "未经核验") {
		t.Error("a name outside verified_claims is shown as the visitor's")
	}
	if got := home.element("id_token"); !strings.Contains(got, `"sub": "Lw9legalB"`) || !strings.Contains(got, `"nonce"`) {
		t.Errorf("id_token element: %s", got)
	}
	if got := home.element("userinfo"); !strings.Contains(got, `"verified_claims"`) {
		t.Errorf("userinfo element: %s", got)
	}
	s := b.state()
	if !s.SignedIn || s.Sub != "Lw9legalB" || s.Org["uscc"] != uscc || !slices.Equal(s.Entitlements, []string{"hightech_enterprise:apply", "hightech_enterprise:report"}) {
		t.Errorf("state %+v", s)
	}

	b.post("/introspect").has(t, `"active": true`, "令牌内省于")

	// A grant that ended in the meantime is gone after a refresh.
	n.op.lie(func(o *op) {
		o.id["entitlements"] = []string{"hightech_enterprise:apply"}
		o.info["entitlements"] = []string{"hightech_enterprise:apply"}
	})
	n.clock.move(5 * time.Minute)
	b.post("/refresh").has(t, "令牌已于 2026-11-21 17:05:00 刷新", "2026-11-21 17:15:00")
	if s := b.state(); !slices.Equal(s.Entitlements, []string{"hightech_enterprise:apply"}) {
		t.Errorf("after refresh: %v", s.Entitlements)
	}
	b.post("/refresh").has(t, "刷新")

	out := b.post("/logout")
	if out.at.Path != "/signed-out" {
		t.Errorf("sign-out ended at %s", out.at)
	}
	out.has(t, "你已安全退出")
	bye := n.op.goodbyes[0]
	if strings.Count(bye.Get("id_token_hint"), ".") != 2 || bye.Get("post_logout_redirect_uri") != n.rp.URL+"/signed-out" || len(bye.Get("state")) < 32 {
		t.Errorf("end_session asked with %v", bye)
	}
	if b.state().SignedIn {
		t.Error("still signed in")
	}
	b.get("/signed-out?state="+bye.Get("state")).has(t, "当前未登录")
	for _, secret := range []string{clientSecret, "at-", "eyJ", uscc} {
		if strings.Contains(n.log.String(), secret) {
			t.Errorf("log holds %q", secret)
		}
	}
}

func TestWhoCame(t *testing.T) {
	rows := []struct {
		name string
		who  func() (map[string]any, map[string]any)
		want []string
		not  []string
	}{
		{"unverified person", func() (map[string]any, map[string]any) { return person("unverified", "L1", "") },
			[]string{"自然人（natural_person）", "未认证（unverified）", "平台未提供已核验的名称", `id="no_unit"`, `id="no_grants"`, "口令（urn:fuwu:aal:1）"}, []string{"verified_name"}},
		{"verified person", func() (map[string]any, map[string]any) { return person("verified", "L2", "张三") },
			[]string{"张三", "已认证（verified）", `id="no_unit"`}, nil},
		{"handler of a unit", func() (map[string]any, map[string]any) { return handler(uscc, "hightech_enterprise:apply") },
			[]string{"王五", "经办人（handler）", uscc, "hightech_enterprise:apply"}, []string{`id="no_unit"`}},
		{"grants of another system only", func() (map[string]any, map[string]any) {
			return handler(uscc, "tech_sme:apply", "hightech_enterprise:", "hightech_enterprise_x:apply")
		}, []string{`id="no_grants"`}, []string{`id="entitlements"`}},
		{"name verified by nobody", func() (map[string]any, map[string]any) {
			id, info := person("verified", "L2", "")
			info["verified_claims"] = map[string]any{"verification": map[string]any{}, "claims": map[string]any{"name": "冒名"}}
			return id, info
		}, []string{"平台未提供已核验的名称"}, []string{"verified_name"}},
		{"several verified_claims", func() (map[string]any, map[string]any) {
			id, info := person("verified", "L2", "赵六")
			info["verified_claims"] = []any{info["verified_claims"]}
			return id, info
		}, []string{"赵六"}, nil},
		{"unit named in markup", func() (map[string]any, map[string]any) {
			id, info := handler(uscc, "hightech_enterprise:apply")
			id["org"].(map[string]any)["name"] = "<script>alert(1)</script>"
			return id, info
		}, nil, []string{"<script"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n := newTown(t)
			n.op.be(row.who())
			b := n.browser()
			b.signIn()
			home := b.get("/")
			home.has(t, row.want...)
			for _, not := range row.not {
				if strings.Contains(home.raw, not) {
					t.Errorf("page has %q", not)
				}
			}
		})
	}
}

func TestUnitNeverChangesSilently(t *testing.T) {
	t.Run("prompt=none answers for another unit", func(t *testing.T) {
		n := newTown(t)
		b := n.browser()
		b.signIn()
		n.op.be(handler(otherUSCC, "hightech_enterprise:apply"))
		n.op.lie(func(o *op) { o.id["sub"], o.info["sub"] = "Lw9legalB", "Lw9legalB" })
		if got := b.get("/login?prompt=none"); got.status != 403 || !strings.Contains(got.text, otherUSCC) || !strings.Contains(got.text, "单位不一致") {
			t.Errorf("got %d:\n%s", got.status, got.text)
		}
		if s := b.state(); s.Org["uscc"] != uscc {
			t.Errorf("session is now for %v", s.Org)
		}
	})
	t.Run("prompt=none answers for another person", func(t *testing.T) {
		n := newTown(t)
		b := n.browser()
		b.signIn()
		n.op.be(handler(uscc, "hightech_enterprise:apply"))
		if got := b.get("/login?prompt=none"); got.status != 403 || b.state().Sub != "Lw9legalB" {
			t.Errorf("got %d, sub %s", got.status, b.state().Sub)
		}
	})
	for name, lie := range map[string]func(*op){
		"refresh gives another unit":         func(o *op) { o.id["org"].(map[string]any)["uscc"] = otherUSCC },
		"refresh gives no unit":              func(o *op) { delete(o.id, "org"); delete(o.info, "org") },
		"refresh gives another person":       func(o *op) { o.id["sub"], o.info["sub"] = "x", "x" },
		"refresh gives another auth_time":    func(o *op) { o.editID = func(c map[string]any) { c["auth_time"] = 1 } },
		"refresh gives another nonce":        func(o *op) { o.editID = func(c map[string]any) { c["nonce"] = "n" } },
		"refresh, userinfo for another unit": func(o *op) { o.info["org"] = map[string]any{"uscc": otherUSCC} },
		"refresh without ID token, userinfo of another person": func(o *op) {
			o.editToken = func(m map[string]any) { delete(m, "id_token") }
			o.info["sub"] = "x"
		},
		"refresh refused": func(o *op) { o.refuses = "invalid_grant" },
	} {
		t.Run(name, func(t *testing.T) {
			n := newTown(t)
			b := n.browser()
			b.signIn()
			n.op.lie(lie)
			if got := b.post("/refresh"); got.status < 400 {
				t.Errorf("got %d", got.status)
			}
			if b.state().SignedIn {
				t.Error("session lives on")
			}
		})
	}
	t.Run("a fresh sign-in may choose", func(t *testing.T) {
		n := newTown(t)
		b := n.browser()
		b.signIn()
		n.op.be(handler(otherUSCC, "hightech_enterprise:apply"))
		b.get("/login?prompt=select_account")
		if s := b.state(); s.Org["uscc"] != otherUSCC {
			t.Errorf("session is for %v", s.Org)
		}
		if got := n.op.asked[1].Get("prompt"); got != "select_account" {
			t.Errorf("prompt %q", got)
		}
	})
	t.Run("the pinned unit", func(t *testing.T) {
		n := newTown(t)
		b := n.browser()
		b.get("/login?org_hint=" + uscc + "&login_hint=zhangsan")
		if s := b.state(); !s.SignedIn || n.op.asked[0].Get("org_hint") != uscc || n.op.asked[0].Get("login_hint") != "zhangsan" {
			t.Errorf("state %+v, asked %v", s, n.op.asked[0])
		}
	})
}

func TestRefreshWithoutNewIDTokenKeepsTheSession(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	b.signIn()
	n.op.lie(func(o *op) { o.editToken = func(m map[string]any) { delete(m, "id_token") } })
	b.post("/refresh")
	if s := b.state(); !s.SignedIn || len(s.Entitlements) != 2 {
		t.Errorf("state %+v", s)
	}
	n.op.lie(func(o *op) { o.down = true })
	if got := b.post("/refresh"); got.status != 503 && got.status != 502 {
		t.Errorf("provider down: %d", got.status)
	}
	if !b.state().SignedIn {
		t.Error("a passing failure of the provider ended the session")
	}
}

func TestTwoTabsSignInAtOnce(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	first, second := b.begin("/login"), b.begin("/login?target_link_uri="+url.QueryEscape(n.rp.URL+"/?from=portal")+"&iss="+url.QueryEscape(n.op.URL))
	if got := b.get(first.String()); got.status != 200 || got.at.Path != "/" {
		t.Errorf("first tab: %d at %s", got.status, got.at)
	}
	if got := b.get(second.String()); got.status != 200 || got.at.RequestURI() != "/?from=portal" {
		t.Errorf("second tab: %d at %s", got.status, got.at)
	}
}

func TestTabsAreBounded(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	first := b.begin("/login")
	var last *url.URL
	for range 12 {
		n.clock.move(time.Second)
		last = b.begin("/login")
	}
	u, _ := url.Parse(n.rp.URL)
	if c := b.follow.Jar.Cookies(u); len(c) > 6 {
		t.Errorf("%d cookies", len(c))
	}
	if got := b.get(first.String()); got.status != 400 {
		t.Errorf("displaced attempt: %d", got.status)
	}
	if got := b.get(last.String()); got.status != 200 {
		t.Errorf("last attempt: %d", got.status)
	}
}

func TestSessionKeyRotatesAndDies(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	u, _ := url.Parse(n.rp.URL)
	name := "rp." + clientID + ".session"
	key := func() string {
		for _, c := range b.follow.Jar.Cookies(u) {
			if c.Name == name {
				return c.Value
			}
		}
		return ""
	}
	b.follow.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: "planted", Path: "/"}})
	b.signIn()
	first := key()
	if first == "planted" || len(first) < 43 {
		t.Fatalf("session key %q", first)
	}
	b.signIn()
	if key() == first {
		t.Error("same key after a second sign-in")
	}
	thief := n.browser()
	thief.follow.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: first, Path: "/"}})
	if thief.state().SignedIn {
		t.Error("the former key still opens the session")
	}

	for range 16 {
		n.clock.move(29 * time.Minute)
		if !b.state().SignedIn {
			t.Fatal("ended although in use")
		}
	}
	n.clock.move(29 * time.Minute)
	if b.state().SignedIn {
		t.Error("lives beyond eight hours")
	}
	b.signIn()
	n.clock.move(30 * time.Minute)
	if b.state().SignedIn {
		t.Error("lives after half an hour of idleness")
	}
}

func TestStartsBeforeTheProvider(t *testing.T) {
	n := newTown(t)
	n.op.lie(func(o *op) { o.down = true })
	b := n.browser()
	if got := b.get("/"); got.status != 200 {
		t.Errorf("front page: %d", got.status)
	}
	got := b.get("/login")
	if got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("sign-in: %d", got.status)
	}
	got.has(t, "暂时无法连接", `id="retry" href="/login"`, "请求编号")
	n.op.lie(func(o *op) { o.down = false })
	b.signIn()
}

func TestSignOutWhileTheProviderIsDown(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	b.signIn()
	n.clock.move(20 * time.Minute)
	n.op.lie(func(o *op) { o.down = true })
	b.do(b.walker, "POST", "/logout", url.Values{})
	if b.state().SignedIn {
		t.Error("still signed in here")
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	b.signIn()
	for _, path := range []string{"/", "/state.json", "/signed-out", "/cb", "/nowhere", "/logout", "/login?prompt=x"} {
		got := b.do(b.walker, "GET", path, nil)
		csp := got.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self' "+n.op.URL) {
			t.Errorf("%s: CSP %q", path, csp)
		}
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, got.header)
		}
		if strings.Contains(got.raw, "<script") || strings.Contains(got.raw, "style=") {
			t.Errorf("%s: inline script or style", path)
		}
	}
	if css := b.get("/style.css"); css.header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.HasPrefix(css.raw, ":root{--band:#0b5c55") {
		t.Errorf("stylesheet: %.80s", css.raw)
	}
	if got := b.get("/nowhere"); got.status != 404 {
		t.Errorf("unknown page: %d", got.status)
	}
}

func TestLoopbackByAnotherName(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	port := n.rp.URL[strings.LastIndex(n.rp.URL, ":"):]
	got := b.do(b.walker, "GET", "/login?prompt=login", nil, "Host", "localhost"+port)
	if got.header.Get("Location") != n.rp.URL+"/login?prompt=login" {
		t.Errorf("%d to %q", got.status, got.header.Get("Location"))
	}
	if got := b.do(b.walker, "GET", "/", nil, "Host", "evil.test"+port); got.status != 200 {
		t.Errorf("foreign host: %d to %q", got.status, got.header.Get("Location"))
	}
}
