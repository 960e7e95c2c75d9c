package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"kejitong/provider/fault"
	"kejitong/provider/web"
	"kejitong/templates"
)

// S45: nothing but paths on this origin.
func TestSamePath(t *testing.T) {
	for _, bad := range []string{
		"", "login", "//e", "///e", `/\e`, `\\e`, `/\/e`, "/%09/e", "/\t/e", "/%2fe", "/%2f/e", "/%5ce", "/.//e", "/a//e", "/a/../e", "/%2e%2e/e",
		"https:e", "https://e", "https:/e", "HTTPS://e", "javascript:alert(1)", "data:,x", "/a\r\nLocation: https://e", "/a%0d%0aX:y", "/a\x00", "/a b",
		" /a", "/a#b", "/@e:80;x", "/科技", "?a=b", "/" + strings.Repeat("a", 3000), "/a?b=\n", "/%zz",
	} {
		if got, ok := web.SamePath(bad); ok || got != "" {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{"/", "/login", "/login?id=1&x=https%3A%2F%2Fe", "/oauth2/authorize?redirect_uri=https://e/cb&state=a;b", "/a@b"} {
		if got, ok := web.SamePath(good); !ok || got != good {
			t.Errorf("%q is refused", good)
		}
	}
}

func TestLanguageSwitch(t *testing.T) {
	k, _ := kit(t, issuer)
	h := k.Wrap(k.Language())
	for _, query := range []string{
		"", "to=en", "to=fr&return_to=/", "to=EN&return_to=/", "to=en&return_to=//e", `to=en&return_to=/\e`, "to=en&return_to=/%2509/e", "to=en&return_to=/%09/e",
		"to=en&return_to=https:e", "to=en&return_to=https://e", "to=en&return_to=/a%0d%0aSet-Cookie:a=b", "to=e%0d%0an&return_to=/",
	} {
		if res := ask(h, "GET", "/lang?"+query, ""); res.StatusCode != 400 || res.Header.Get("Location") != "" || len(res.Cookies()) != 0 {
			t.Errorf("%s: %d %v", query, res.StatusCode, res.Header)
		}
	}
	if res := ask(h, "POST", "/lang?to=en&return_to=/", ""); res.StatusCode != 405 {
		t.Errorf("POST: %d", res.StatusCode)
	}
	for to, want := range map[string]string{
		"/":                   "/?lang=en",
		"/login?id=1":         "/login?id=1&lang=en",
		"/login?lang=zh-CN&a": "/login?a&lang=en",
	} {
		res := ask(h, "GET", "/lang?to=en&return_to="+url.QueryEscape(to), "")
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != want {
			t.Errorf("%s: %d %s", to, res.StatusCode, res.Header.Get("Location"))
		}
		if c := res.Cookies(); len(c) != 1 || c[0].Name != "__Host-kejitong_lang" || c[0].Value != "en" {
			t.Errorf("%s: %v", to, c)
		}
	}
}

func TestLocale(t *testing.T) {
	k, _ := kit(t, issuer)
	for _, row := range []struct {
		name, target, cookie, accept, ui string
		want                             language.Tag
	}{
		{"nothing", "/", "", "", "", templates.Chinese},
		{"odd cookie", "/", "xx", "en", "", templates.English},
		{"overlong Accept-Language", "/", "", "en," + strings.Repeat("fr,", 100), "", templates.Chinese},
		{"broken Accept-Language", "/", "", ";;;q=", "", templates.Chinese},
		{"broken ui_locales", "/", "", "en", "!! \x00", templates.English},
		{"unspoken ui_locales", "/", "", "en", "fr de", templates.English},
		{"Accept-Language", "/", "", "en-GB,en;q=0.9", "", templates.English},
		{"cookie over Accept-Language", "/", "zh-CN", "en", "", templates.Chinese},
		{"ui_locales over cookie", "/", "zh-CN", "", "fr en", templates.English},
		{"switch over ui_locales", "/?lang=zh-CN", "", "", "en", templates.Chinese},
		{"odd switch", "/?lang=fr", "", "", "en", templates.English},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got language.Tag
			h := k.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = web.Locale(web.WithLocale(r.Context(), web.ParseLocales(row.ui)...))
			}))
			ask(h, "GET", row.target, "", "Accept-Language", row.accept, "Cookie", "__Host-kejitong_lang="+row.cookie)
			if got != row.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestShow(t *testing.T) {
	k, _ := kit(t, issuer)
	page := templates.SignIn{Asks: &templates.System{Name: "S", LogoURL: "https://cdn.example.com/l.png"}}
	show := func(p templates.Page, opts ...web.Option) *http.Response {
		return ask(k.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { k.Show(w, r, 200, p, opts...) })), "GET", "/login?id=7&lang=zh-CN", "")
	}
	res := show(page, web.FormAction(web.RedirectSources("http://127.0.0.1:9999/cb")...), web.As("王*", "U"))
	csp, body := res.Header.Get("Content-Security-Policy"), text(t, res)
	if !strings.HasSuffix(csp, "; form-action 'self' https: http://127.0.0.1:9999") || !strings.Contains(csp, "img-src 'self' data: https://cdn.example.com;") {
		t.Errorf("policy is %s", csp)
	}
	if len(res.Cookies()) != 1 || !strings.Contains(body, k.FormToken(res.Cookies()[0].Value)) {
		t.Error("the form's token is not the browser's")
	}
	if !strings.Contains(body, `href="/lang?to=en&amp;return_to=%2Flogin%3Fid%3D7"`) {
		t.Error("no way back from the switch of language")
	}
	if res.Header.Get("Cross-Origin-Opener-Policy") != "" {
		t.Error("a step of a sign-in cuts off its opener")
	}
	res = show(templates.Home{}, web.As("王*", "示例科技有限公司"))
	if res.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" || !strings.Contains(text(t, res), "示例科技有限公司") {
		t.Error("home has no opener policy or no name")
	}
	for _, p := range []templates.Page{templates.Problem{Status: 404}, templates.SignedOut{}, templates.FormPost{Action: "myapp:/cb"}, templates.Home{}} {
		if res := show(p); len(res.Cookies()) != 0 {
			t.Errorf("%s sets a cookie", p.Name())
		}
	}
}

// A registration must not be able to write our policy.
func TestPolicyInjection(t *testing.T) {
	k, _ := kit(t, issuer)
	for _, source := range []string{"https://e; script-src *", "https://e script-src", "'unsafe-inline'", "*", "https://*.e", "a\r\nX: y", "javascript:", "DATA:", "e,f", "", "e"} {
		res := ask(k.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			k.Show(w, r, 200, templates.SignIn{}, web.FormAction(source))
		})), "GET", "/", "")
		if csp := res.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; form-action 'self'") {
			t.Errorf("%q gets through: %s", source, csp)
		}
	}
}

func TestRedirectSources(t *testing.T) {
	for uri, want := range map[string]string{
		"https://rp.example.com/cb": "https:",
		"http://127.0.0.1:9999/cb":  "https: http://127.0.0.1:9999",
		"http://localhost/cb":       "https: http://localhost",
		"http://[::1]:9999/cb":      "https: http:",
		"com.example.app:/cb":       "https: com.example.app:",
		"myapp://cb":                "https: myapp:",
		"":                          "https:",
		"://":                       "https:",
	} {
		if got := strings.Join(web.RedirectSources(uri), " "); got != want {
			t.Errorf("%s gives %s", uri, got)
		}
	}
}

func TestFail(t *testing.T) {
	k, log := kit(t, issuer)
	for _, row := range []struct {
		name   string
		err    error
		status int
		retry  string
		code   string
		shown  string
	}{
		{"internal", errSecret, 500, "", "server_error", ""},
		{"forgotten kind", &fault.Error{Msg: "m5g"}, 500, "", "server_error", ""},
		{"unavailable", fault.Wrap(fault.Unavailable, errSecret, "m5g"), 503, "5", "temporarily_unavailable", ""},
		{"deadline", context.DeadlineExceeded, 503, "5", "temporarily_unavailable", ""},
		{"throttled", fault.New(fault.Throttled, "m5g"), 429, "60", "temporarily_unavailable", "m5g"},
		{"throttled for long", &fault.Error{Kind: fault.Throttled, RetryAfter: 90*time.Second + 1}, 429, "91", "temporarily_unavailable", ""},
		{"invalid", fault.Wrap(fault.Invalid, errSecret, "m5g"), 400, "", "invalid_request", "m5g"},
		{"not found", fault.New(fault.NotFound, "m5g"), 404, "", "not_found", "m5g"},
		{"conflict", fault.New(fault.Conflict, "m5g"), 409, "", "invalid_request", "m5g"},
		{"refused", fault.New(fault.Refused, `m5g"<b>`), 403, "", "access_denied", "m5g"},
		{"unproven", fault.New(fault.Unproven, "m5g"), 401, "", "access_denied", "m5g"},
		{"gone", fault.New(fault.Gone, "m5g"), 410, "", "invalid_request", "m5g"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := k.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { k.Fail(w, r, row.err) }))
			log.Reset()
			page := ask(h, "GET", "/page", "", "Accept", "text/html")
			body := text(t, page)
			if page.StatusCode != row.status || page.Header.Get("Retry-After") != row.retry {
				t.Errorf("got %d, retry after %q", page.StatusCode, page.Header.Get("Retry-After"))
			}
			if !strings.Contains(body, row.shown) || row.shown == "" && strings.Contains(body, "m5g") || strings.Contains(body, "<b>") || strings.Contains(body, "hunter2") {
				t.Errorf("page shows %s", body)
			}
			if logged := strings.Contains(log.String(), "request failed"); logged != (row.status >= 500) {
				t.Errorf("log is %s", log)
			}
			res := ask(h, "POST", "/oauth2/token", "a=b", "Accept", "*/*")
			var answer struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
				RequestID   string `json:"request_id"`
			}
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != row.status || answer.Error != row.code || answer.RequestID != res.Header.Get("X-Request-Id") ||
				!strings.HasPrefix(answer.Description, row.shown) || strings.Contains(answer.Description, `"`) {
				t.Errorf("got %d %+v", res.StatusCode, answer)
			}
		})
	}
}

func TestPageOrJSON(t *testing.T) {
	k, _ := kit(t, issuer)
	h := k.Wrap(k.NotFound())
	for _, row := range []struct {
		path, accept, want string
	}{
		{"/oauth2/token", "", "application/json"},
		{"/oauth2/token", "*/*", "application/json"},
		{"/.well-known/none", "application/json, */*", "application/json"},
		{"/api", "application/json", "application/json"},
		{"/oauth2/authorize", "application/json", "application/json"},
		{"/oauth2/authorize", "", "text/html; charset=utf-8"},
		{"/oauth2/logout", "*/*", "text/html; charset=utf-8"},
		{"/oauth2/userinfo", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"},
		{"/login", "*/*", "text/html; charset=utf-8"},
		{"/login", "", "text/html; charset=utf-8"},
	} {
		if got := ask(h, "GET", row.path, "", "Accept", row.accept).Header.Get("Content-Type"); got != row.want {
			t.Errorf("%s %q: %s", row.path, row.accept, got)
		}
	}
}
