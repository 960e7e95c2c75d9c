package relyingparty_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Each row bends one thing of an otherwise good sign-in; none may end in a
// session.
func TestSignInIsRefused(t *testing.T) {
	edit := func(f func(map[string]any)) func(*town) {
		return func(n *town) { n.op.lie(func(o *op) { o.editID = f }) }
	}
	query := func(f func(url.Values)) func(*browser, *url.URL) {
		return func(_ *browser, back *url.URL) {
			q := back.Query()
			f(q)
			back.RawQuery = q.Encode()
		}
	}
	rows := []struct {
		name   string
		login  string
		before func(*town)
		then   func(*browser, *url.URL)
		status int
		want   string
		cause  string // in the log
		asked  bool   // whether the code may reach the token endpoint
	}{
		{name: "state of nobody", then: query(func(q url.Values) { q.Set("state", strings.Repeat("A", 43)) }), status: 400, want: "不是从本浏览器发起"},
		{name: "state missing", then: query(func(q url.Values) { q.Del("state") }), status: 400, want: "不完整"},
		{name: "state given twice", then: query(func(q url.Values) { q.Add("state", q.Get("state")) }), status: 400, want: "不完整"},
		{name: "code given twice", then: query(func(q url.Values) { q.Add("code", "x") }), status: 400, want: "不完整"},
		{name: "code missing", then: query(func(q url.Values) { q.Del("code") }), status: 400, want: "不完整"},
		{name: "cookie of the attempt missing", then: func(b *browser, _ *url.URL) { *b = *b.browser() }, status: 400, want: "不是从本浏览器发起"},
		{name: "answer of one browser in another that has an attempt too", then: func(b *browser, _ *url.URL) { *b = *b.browser(); b.begin("/login") }, status: 400, want: "不是从本浏览器发起"},
		{name: "cookie of the attempt altered", then: func(b *browser, _ *url.URL) {
			u, _ := url.Parse(b.rp.URL)
			for _, c := range b.follow.Jar.Cookies(u) {
				b.follow.Jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Value: c.Value[:len(c.Value)-4] + "AAAA", Path: "/"}})
			}
		}, status: 400, want: "不是从本浏览器发起"},
		{name: "attempt ten minutes old", then: func(b *browser, _ *url.URL) { b.clock.move(10 * time.Minute) }, status: 400, want: "不是从本浏览器发起"},
		{name: "iss of another provider", then: query(func(q url.Values) { q.Set("iss", "https://evil.test") }), status: 400, want: "来源不符"},
		{name: "iss missing though promised", then: query(func(q url.Values) { q.Del("iss") }), status: 400, want: "来源不符"},
		{name: "error of another provider", then: query(func(q url.Values) { q.Set("iss", "https://evil.test"); q.Set("error", "access_denied") }), status: 400, want: "来源不符"},
		{name: "error that belongs to no attempt", then: query(func(q url.Values) {
			q.Set("state", "zzz")
			q.Set("error", "access_denied")
			q.Set("error_description", "call +86 1234")
		}), status: 400, want: "不是从本浏览器发起"},
		{name: "error instead of a code", then: query(func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }), status: 400, want: "取消了登录或授权"},
		{name: "code of another attempt", then: query(func(q url.Values) { q.Set("code", "forged") }), status: 400, want: "没有签发令牌", asked: true},
		{name: "nonce of another attempt", before: edit(func(c map[string]any) { c["nonce"] = strings.Repeat("n", 43) }), status: 502, want: "未通过校验", cause: "nonce is not", asked: true},
		{name: "nonce missing", before: edit(func(c map[string]any) { delete(c, "nonce") }), status: 502, want: "未通过校验", cause: "nonce is not", asked: true},
		{name: "issuer of the ID token", before: edit(func(c map[string]any) { c["iss"] = "https://evil.test" }), status: 502, want: "未通过校验", cause: "different provider", asked: true},
		{name: "audience another client", before: edit(func(c map[string]any) { c["aud"] = "tech-sme"; delete(c, "azp") }), status: 502, want: "未通过校验", cause: "expected audience", asked: true},
		{name: "two audiences and no azp", before: edit(func(c map[string]any) { c["aud"] = []string{clientID, "tech-sme"}; delete(c, "azp") }), status: 502, want: "未通过校验", cause: "azp is not", asked: true},
		{name: "azp another client", before: edit(func(c map[string]any) { c["azp"] = "tech-sme" }), status: 502, want: "未通过校验", cause: "azp is not", asked: true},
		{name: "ID token expired", before: edit(func(c map[string]any) { c["exp"] = c["iat"].(int64) - 1 }), status: 502, want: "未通过校验", cause: "expired", asked: true},
		{name: "ID token from the future", before: edit(func(c map[string]any) { c["iat"] = c["iat"].(int64) + 3600 }), status: 502, want: "未通过校验", cause: "iat is", asked: true},
		{name: "ID token without iat", before: edit(func(c map[string]any) { delete(c, "iat") }), status: 502, want: "未通过校验", cause: "iat is", asked: true},
		{name: "ID token without sub", before: edit(func(c map[string]any) { delete(c, "sub") }), status: 502, want: "未通过校验", cause: "sub is missing", asked: true},
		{name: "at_hash of another access token", before: edit(func(c map[string]any) { c["at_hash"] = halfHash("other") }), status: 502, want: "未通过校验", cause: "hash does not match", asked: true},
		{name: "alg none", before: func(n *town) { n.op.lie(func(o *op) { o.sign = unsigned }) }, status: 502, want: "未通过校验", cause: "unexpected signature algorithm", asked: true},
		{name: "HS256 with the client secret", before: func(n *town) {
			n.op.lie(func(o *op) {
				o.sign = func(h, c map[string]any) string {
					return sign(o.t, jose.HS256, []byte(clientSecret+clientSecret), h, c)
				}
			})
		}, status: 502, want: "未通过校验", cause: "unexpected signature algorithm", asked: true},
		{name: "key of somebody else", before: func(n *town) {
			n.op.lie(func(o *op) {
				o.sign = func(h, c map[string]any) string { return sign(o.t, jose.RS256, foreignKey(), h, c) }
			})
		}, status: 502, want: "未通过校验", cause: "failed to verify", asked: true},
		{name: "logout token as ID token", before: func(n *town) {
			n.op.lie(func(o *op) { o.editHeader = func(h map[string]any) { h["typ"] = "logout+jwt" } })
		}, status: 502, want: "未通过校验", cause: "is no ID token", asked: true},
		{name: "access token as ID token", before: func(n *town) {
			n.op.lie(func(o *op) { o.editHeader = func(h map[string]any) { h["typ"] = "application/at+jwt" } })
		}, status: 502, want: "未通过校验", cause: "is no ID token", asked: true},
		{name: "no ID token", before: func(n *town) {
			n.op.lie(func(o *op) { o.editToken = func(m map[string]any) { delete(m, "id_token") } })
		}, status: 502, want: "未通过校验", cause: "not a JWT", asked: true},
		{name: "userinfo of another person", before: func(n *town) { n.op.lie(func(o *op) { o.info["sub"] = "somebody" }) }, status: 502, want: "用户信息无法取得", cause: "sub of userinfo", asked: true},
		{name: "userinfo refused", before: func(n *town) { n.op.lie(func(o *op) { o.info = nil }) }, status: 502, want: "用户信息无法取得", cause: "401 Unauthorized", asked: true},
		{name: "userinfo for another unit", before: func(n *town) {
			n.op.lie(func(o *op) { o.info["org"] = map[string]any{"uscc": otherUSCC, "name": "他人公司"} })
		}, status: 403, want: otherUSCC, asked: true},
		{name: "unit without a number", before: edit(func(c map[string]any) { c["org"] = map[string]any{"name": "无码公司"} }), status: 502, want: "单位信息不完整", asked: true},
		{name: "another unit than the pinned one", login: "/login?org_hint=" + otherUSCC, status: 403, want: otherUSCC, asked: true},
		{name: "no unit though one was pinned", login: "/login?org_hint=" + uscc, before: func(n *town) { n.op.be(person("verified", "L2", "张三")) }, status: 403, want: "不代表任何单位", asked: true},
		{name: "provider refuses the code", before: func(n *town) { n.op.lie(func(o *op) { o.refuses = "invalid_grant" }) }, status: 400, want: "invalid_grant", asked: true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n := newTown(t)
			b := n.browser()
			if row.before != nil {
				row.before(n)
			}
			if row.login == "" {
				row.login = "/login"
			}
			back := b.begin(row.login)
			if row.then != nil {
				row.then(b, back)
			}
			got := b.get(back.String())
			if got.status != row.status || !strings.Contains(got.text, row.want) {
				t.Errorf("got %d, want %d with %q:\n%s", got.status, row.status, row.want, got.text)
			}
			if !strings.Contains(n.log.String(), row.cause) {
				t.Errorf("refused for another reason than %q:\n%s", row.cause, n.log)
			}
			if asked := n.op.exchanges > 0; asked != row.asked {
				t.Errorf("code sent to the token endpoint: %v, want %v", asked, row.asked)
			}
			if b.state().SignedIn {
				t.Error("signed in all the same")
			}
			if strings.Contains(got.text, "+86 1234") {
				t.Error("shows a text that nobody vouches for")
			}
		})
	}
}

func TestAnswerIsAcceptedOnce(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	back := b.begin("/login").String()
	if got := b.get(back); got.status != 200 {
		t.Fatalf("first: %d", got.status)
	}
	if got := b.get(back); got.status != 400 {
		t.Errorf("second: %d, want 400", got.status)
	}
	if n.op.exchanges != 1 {
		t.Errorf("%d exchanges, want 1", n.op.exchanges)
	}
}

func TestErrorPageEscapesWhatTheProviderWrote(t *testing.T) {
	n := newTown(t)
	n.op.lie(func(o *op) {
		o.editAnswer = func(q url.Values) {
			q.Del("code")
			q.Set("error", `<b onclick="x">`)
			q.Set("error_description", `</dd><script>alert(1)</script>`+"\x1b[31m"+strings.Repeat("长", 600))
		}
	})
	got := n.browser().get("/login")
	if got.status != 400 || strings.Contains(got.raw, "<script") || strings.Contains(got.raw, "<b onclick") || strings.Contains(got.raw, "\x1b") {
		t.Errorf("%d:\n%s", got.status, got.raw)
	}
	if d := got.element("error_description"); !strings.Contains(d, "<script>alert(1)</script>") || len([]rune(d)) > 501 {
		t.Errorf("description is not legible: %q", d)
	}
	if strings.Contains(n.log.String(), "\x1b") {
		t.Error("control characters in the log")
	}
}

func TestSignInRequestIsRefused(t *testing.T) {
	n := newTown(t)
	for name, query := range map[string]string{
		"initiated by another provider":   "iss=https://evil.test",
		"empty issuer":                    "iss=",
		"target elsewhere":                "target_link_uri=https://evil.test/",
		"target by scheme":                "target_link_uri=javascript:alert(1)",
		"target without scheme":           "target_link_uri=//evil.test/",
		"target with userinfo":            "target_link_uri=" + url.QueryEscape(strings.Replace(n.rp.URL, "http://", "http://a@", 1)+"/"),
		"target with a longer host":       "target_link_uri=" + url.QueryEscape(n.rp.URL+".evil.test/"),
		"target with a backslash":         "target_link_uri=" + url.QueryEscape(n.rp.URL+`\@evil.test/`),
		"target that acts":                "target_link_uri=" + url.QueryEscape(n.rp.URL+"/login"),
		"target given twice":              "target_link_uri=&target_link_uri=",
		"unknown prompt":                  "prompt=create_admin",
		"none beside another prompt":      "prompt=none+login",
		"unit that is no number":          "org_hint=" + url.QueryEscape(`"><script>`),
		"person hint of a thousand bytes": "login_hint=" + strings.Repeat("x", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			b := n.browser()
			got := b.do(b.walker, "GET", "/login?"+query, nil)
			if got.status != 400 || got.header.Get("Location") != "" || len(got.header.Values("Set-Cookie")) != 0 {
				t.Errorf("got %d, Location %q", got.status, got.header.Get("Location"))
			}
		})
	}
}

func TestFormsOfOtherOriginsDoNothing(t *testing.T) {
	n := newTown(t)
	b := n.browser()
	b.signIn()
	rows := []struct {
		name   string
		method string
		header []string
		status int
	}{
		{"cross-site", "POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another port of this host", "POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"old browser, other origin", "POST", []string{"Origin", "http://evil.test"}, 403},
		{"origin null", "POST", []string{"Origin", "null"}, 403},
		{"by GET", "GET", nil, 405},
	}
	for _, path := range []string{"/logout", "/refresh", "/introspect"} {
		for _, row := range rows {
			got := b.do(b.walker, row.method, path, url.Values{}, row.header...)
			if got.status != row.status {
				t.Errorf("%s %s: %d, want %d", path, row.name, got.status, row.status)
			}
		}
	}
	if !b.state().SignedIn {
		t.Error("a foreign form ended the session")
	}
}
