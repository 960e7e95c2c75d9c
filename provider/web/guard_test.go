package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/web"
)

// S37: what another site can make a browser send does nothing.
func TestForgedForms(t *testing.T) {
	k, _ := kit(t, issuer)
	done := ""
	h := k.Wrap(k.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { done = r.Method })))

	mine, other := strings.Repeat("A", 24), strings.Repeat("B", 24)
	form := func(token string) string {
		return url.Values{"username": {"u"}, "form_token": {token}}.Encode()
	}
	good := form(k.FormToken(mine))
	cookie := []string{"Cookie", "__Host-kejitong_browser=" + mine}
	urlencoded := []string{"Content-Type", "application/x-www-form-urlencoded"}
	same := []string{"Sec-Fetch-Site", "same-origin"}
	with := func(parts ...[]string) (all []string) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, row := range []struct {
		name, method, target, body string
		header                     []string
		status                     int
		done                       string
	}{
		{"cross-site", "POST", "/login", good, with(cookie, urlencoded, []string{"Sec-Fetch-Site", "cross-site"}), 403, ""},
		{"sibling site", "POST", "/login", good, with(cookie, urlencoded, []string{"Sec-Fetch-Site", "same-site"}), 403, ""},
		{"origin null", "POST", "/login", good, with(cookie, urlencoded, []string{"Origin", "null"}), 403, ""},
		{"other origin", "POST", "/login", good, with(cookie, urlencoded, []string{"Origin", "https://evil.test"}), 403, ""},
		{"our name, other scheme and host", "POST", "/login", good, with(cookie, urlencoded, []string{"Origin", "https://fuwu.example.gov.cn.evil.test"}), 403, ""},
		{"no token", "POST", "/login", "username=u", with(cookie, urlencoded, same), 403, ""},
		{"empty token", "POST", "/login", form(""), with(cookie, urlencoded, same), 403, ""},
		{"token of another browser", "POST", "/login", form(k.FormToken(other)), with(cookie, urlencoded, same), 403, ""},
		{"token cut short", "POST", "/login", form(k.FormToken(mine)[:40]), with(cookie, urlencoded, same), 403, ""},
		{"two tokens", "POST", "/login", good + "&form_token=x", with(cookie, urlencoded, same), 403, ""},
		{"token in the query", "POST", "/login?" + good, "username=u", with(cookie, urlencoded, same), 403, ""},
		{"no browser cookie", "POST", "/login", good, with(urlencoded, same), 403, ""},
		{"browser cookie without prefix", "POST", "/login", good, with(urlencoded, same, []string{"Cookie", "kejitong_browser=" + mine}), 403, ""},
		{"browser cookie twice", "POST", "/login", good, with(urlencoded, same, []string{"Cookie", "__Host-kejitong_browser=" + mine + "; __Host-kejitong_browser=" + other}), 403, ""},
		{"browser cookie of no shape", "POST", "/login", form(k.FormToken("x")), with(urlencoded, same, []string{"Cookie", "__Host-kejitong_browser=x"}), 403, ""},
		{"text/plain", "POST", "/login", good, with(cookie, same, []string{"Content-Type", "text/plain"}), 403, ""},
		{"JSON", "POST", "/login", `{"form_token":"x"}`, with(cookie, same, []string{"Content-Type", "application/json"}), 403, ""},
		{"no content type", "POST", "/login", good, with(cookie, same), 403, ""},
		{"content type with a comma", "POST", "/login", good, with(cookie, same, []string{"Content-Type", "text/plain, application/x-www-form-urlencoded"}), 403, ""},
		{"broken form", "POST", "/login", "a=%zz", with(cookie, urlencoded, same), 400, ""},
		{"PUT", "PUT", "/login", "username=u", with(cookie, urlencoded, same), 403, ""},
		{"DELETE", "DELETE", "/login", "", with(cookie, urlencoded, same), 403, ""},
		{"PATCH", "PATCH", "/login", "username=u", with(cookie, urlencoded, same), 403, ""},
		{"unknown method", "FETCH", "/login", good, with(cookie, urlencoded, same), 403, ""},
		{"GET that would be POST", "GET", "/login?_method=POST", "", with(cookie, []string{"X-Http-Method-Override", "POST", "X-Method-Override", "POST"}), 200, "GET"},
		{"POST that would be GET", "POST", "/login?_method=GET", "_method=GET", with(cookie, urlencoded, same, []string{"X-Http-Method-Override", "GET"}), 403, ""},

		{"our own form", "POST", "/login", good, with(cookie, urlencoded, same), 200, "POST"},
		{"charset in the type", "POST", "/login", good, with(cookie, same, []string{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}), 200, "POST"},
		{"old browser with Origin", "POST", "/login", good, with(cookie, urlencoded, []string{"Origin", issuer}), 200, "POST"},
		{"proxy rewrote Host", "POST", "/login", good, with(cookie, urlencoded, []string{"Origin", issuer, "Host", "10.0.0.9:8080"}), 200, "POST"},
		{"neither header: the token decides", "POST", "/login", good, with(cookie, urlencoded), 200, "POST"},
		{"reading", "GET", "/login", "", nil, 200, "GET"},
	} {
		t.Run(row.name, func(t *testing.T) {
			done = ""
			res := ask(h, row.method, row.target, row.body, row.header...)
			if res.StatusCode != row.status || done != row.done {
				t.Errorf("got %d, done %q", res.StatusCode, done)
			}
			if res.Header.Get("Location") != "" {
				t.Error("a failure redirects")
			}
		})
	}
}

func TestFormTooLarge(t *testing.T) {
	k, _ := kit(t, issuer)
	k.MaxBody = 100
	h := k.Wrap(k.Guard(fine))
	res := ask(h, "POST", "/login", strings.Repeat("a", 101), "Content-Type", "application/x-www-form-urlencoded")
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestFormTokenNeedsAKey(t *testing.T) {
	k, _ := kit(t, issuer)
	k.FormKey = nil
	mine := strings.Repeat("A", 24)
	res := ask(k.Wrap(k.Guard(fine)), "POST", "/login", "form_token="+k.FormToken(mine),
		"Cookie", "__Host-kejitong_browser="+mine, "Content-Type", "application/x-www-form-urlencoded")
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("got %d", res.StatusCode)
	}
}

// S34: what our cookies look like.
func TestCookies(t *testing.T) {
	for _, row := range []struct {
		issuer, name string
		secure       bool
	}{
		{issuer, "__Host-kejitong_session", true},
		{"http://localhost:8080", "kejitong_session", false},
	} {
		k, _ := kit(t, row.issuer)
		h := k.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/clear" {
				k.ClearCookie(w, web.SessionCookie)
				return
			}
			k.SetCookie(w, web.SessionCookie, "opaque", 0)
		}))
		for _, path := range []string{"/set", "/clear"} {
			cookies := ask(h, "GET", path, "").Cookies()
			if len(cookies) != 1 {
				t.Fatalf("%d cookies", len(cookies))
			}
			c := cookies[0]
			if c.Name != row.name || c.Secure != row.secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("%s: %v", path, c)
			}
			if path == "/clear" && c.MaxAge >= 0 {
				t.Error("cookie is not cleared")
			}
		}
	}
	for _, value := range []string{"a b", "a;b", "a\r\nb", "科", strings.Repeat("a", 5000)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("cookie %.10q is set", value)
				}
			}()
			k, _ := kit(t, issuer)
			ask(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { k.SetCookie(w, web.SessionCookie, value, 0) }), "GET", "/", "")
		}()
	}
}

func TestBrowser(t *testing.T) {
	k, _ := kit(t, issuer)
	var first, second string
	h := k.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first = k.Browser(w, r)
		if r.URL.Path == "/new" {
			k.NewBrowser(w, r)
		}
		second = k.Browser(w, r)
	}))
	mine := strings.Repeat("A", 24)
	for _, row := range []struct {
		name, cookie string
		kept         bool
	}{
		{"none", "", false},
		{"planted without prefix", "kejitong_browser=" + mine, false},
		{"too short", "__Host-kejitong_browser=AAAA", false},
		{"too long", "__Host-kejitong_browser=" + mine + "A", false},
		{"odd letters", "__Host-kejitong_browser=" + mine[:23] + "+", false},
		{"two of them", "__Host-kejitong_browser=" + mine + "; __Host-kejitong_browser=" + mine, false},
		{"ours", "__Host-kejitong_browser=" + mine, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			res := ask(h, "GET", "/", "", "Cookie", row.cookie)
			if first != second || len(first) != 24 || (first == mine) != row.kept {
				t.Errorf("ids are %q and %q", first, second)
			}
			if n := len(res.Cookies()); (n == 0) != row.kept || n > 1 {
				t.Errorf("%d cookies set", n)
			}
		})
	}
	ask(h, "GET", "/new", "", "Cookie", "__Host-kejitong_browser="+mine)
	if first != mine || second == mine {
		t.Errorf("the id does not change: %q, %q", first, second)
	}
}
