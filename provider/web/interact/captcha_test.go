package interact_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/web"
)

var captchaID = regexp.MustCompile(`name="captcha_id" value="([^"]+)"`)

// captchaOf is the id of the captcha on the page.
func (p *page) captchaOf(t *testing.T) string {
	t.Helper()
	m := captchaID.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no captcha on %s:\n%s", p.path, p.body)
	}
	return m[1]
}

// Settlement 30: from the third failure of a name and address the page asks for a
// captcha, whether there is such a name or not, and not before.
func TestCaptchaOnThePage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, name := range []string{"zhangsan", "nobody_here", "frozen_one"} {
			b := h.browser()
			for i := range 3 {
				if p := b.signIn("/login", name, "password", "wrong"); p.asks() != (i == 2) {
					t.Errorf("%s: failure %d: captcha %v", name, i+1, p.asks())
				}
			}
			if b.get("/login").asks() {
				t.Errorf("%s: a captcha before anybody said who he is", name)
			}
		}
		b := h.browser()
		p := b.guess("/login", "zhangsan", password)
		p.goes(t, "/")
	})
}

// S53: what is no answer is refused before any hash and counts as no failure.
func TestNoCaptchaNoSignIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for range 3 {
			h.browser().signIn("/login", "zhangsan", "password", "wrong")
		}
		other := h.browser()
		used := other.guess("/login", "nobody_here", "x") // the captcha is another browser's
		_ = used
		b := h.browser()
		solved := func(more url.Values) url.Values {
			p := b.signIn("/login", "zhangsan")
			f := p.forms[0].fields
			f.Set("username", "zhangsan")
			f.Set("password", password)
			f.Set("captcha", "always")
			for k, v := range more {
				f[k] = v
			}
			return f
		}
		theirs := other.signIn("/login", "zhangsan").captchaOf(t)
		spent := solved(nil)
		spent.Set("password", "wrong")
		if p := b.post("/login", spent); p.owes() {
			t.Fatal("a solved captcha was refused")
		}
		late := solved(nil)
		h.wait(3 * 60e9)
		for _, row := range []struct {
			name   string
			fields func() url.Values
		}{
			{"missing", func() url.Values { f := solved(nil); f.Del("captcha"); f.Del("captcha_id"); return f }},
			{"empty", func() url.Values { return solved(url.Values{"captcha": {""}}) }},
			{"wrong", func() url.Values { return solved(url.Values{"captcha": {"00000"}}) }},
			{"reused", func() url.Values { return solved(url.Values{"captcha_id": spent["captcha_id"]}) }},
			{"expired", func() url.Values { return late }},
			{"another browser's", func() url.Values { return solved(url.Values{"captcha_id": {theirs}}) }},
			{"another action's", func() url.Values {
				return solved(url.Values{"captcha_id": {b.get("/login/sms").captchaOf(t)}, "username": {"zhangsan"}, "captcha": {"wrong"}})
			}},
			{"twice", func() url.Values { f := solved(nil); f.Add("captcha", "always"); return f }},
			{"as an array", func() url.Values { f := solved(nil); f["captcha[]"] = f["captcha"]; f.Del("captcha"); return f }},
			{"made up", func() url.Values { return solved(url.Values{"captcha_id": {strings.Repeat("A", 43)}}) }},
		} {
			fields := row.fields()
			work, failed := h.hasher.Computations(), len(h.trail(audit.SignInFailed))
			if p := b.post("/login", fields); !p.owes() || !p.asks() || p.status != http.StatusOK {
				t.Errorf("%s: %d, not asked again", row.name, p.status)
			}
			if n := h.hasher.Computations() - work; n != 0 {
				t.Errorf("%s: %d hashes", row.name, n)
			}
			if n := len(h.trail(audit.SignInFailed)) - failed; n != 0 {
				t.Errorf("%s: counted as a failure", row.name)
			}
			rows := h.trail(audit.SignInThrottled)
			if last := rows[len(rows)-1]; last.Detail != string(credential.CaptchaOwed) {
				t.Errorf("%s: the trail says %+v", row.name, last)
			}
		}
		if b.cookie(web.SessionCookie) != "" {
			t.Fatal("signed in")
		}
		p := b.post("/login", solved(nil))
		p.goes(t, "/")
	})
}

// A picture is shown to the browser that it was drawn for, while it can be
// answered.
func TestCaptchaPictures(t *testing.T) {
	h := lone(t)
	b := h.browser()
	id := b.get("/login/sms").captchaOf(t)
	p := b.get("/captcha/" + id + ".png")
	if p.status != http.StatusOK || p.header.Get("Content-Type") != "image/png" || p.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(p.body, "\x89PNG") {
		t.Errorf("%d %v", p.status, p.header)
	}
	zh, en := b.get("/captcha/"+id+".wav"), b.get("/captcha/"+id+".wav?ui_locales=en")
	if zh.status != http.StatusOK || zh.header.Get("Content-Type") != "audio/wav" || !strings.HasPrefix(zh.body, "RIFF") || len(zh.body) < 5*8000/4 || en.status != http.StatusOK {
		t.Errorf("sound: %d %v, %d bytes; %d", zh.status, zh.header, len(zh.body), en.status)
	}
	if q := h.browser().get("/captcha/" + id + ".wav"); q.status != http.StatusNotFound {
		t.Errorf("another browser hears it: %d", q.status)
	}
	if q := b.get("/captcha/" + id + ".png"); q.body != p.body {
		t.Error("two pictures of one captcha differ")
	}
	for what, q := range map[string]*page{
		"another browser": h.browser().get("/captcha/" + id + ".png"), "made up": b.get("/captcha/" + strings.Repeat("A", 43) + ".png"), "no id": b.get("/captcha/x.png"),
	} {
		if q.status != http.StatusNotFound {
			t.Errorf("%s: %d", what, q.status)
		}
	}
	h.wait(2 * 60e9)
	if q := b.get("/captcha/" + id + ".png"); q.status != http.StatusNotFound {
		t.Errorf("too late: %d", q.status)
	}
}

// Settlement 30: at a hundred failures the password alone no longer suffices, and
// the page says what does; a code does, and gives the guesses back.
func TestAHundredFailures(t *testing.T) {
	h := lone(t)
	h.h.Credentials.Limits.AccountLimit, h.h.Credentials.Limits.CaptchaFrom = 4, 50
	for range 4 {
		h.browser().guess("/login", "zhangsan", "wrong")
		h.browser().guess("/login", "nobody_here", "wrong")
	}
	for _, name := range []string{"zhangsan", "nobody_here"} {
		if p := h.browser().guess("/login", name, password); p.status != http.StatusOK || !strings.Contains(p.body, "请改用短信验证码登录") {
			t.Errorf("%s: %d", name, p.status)
		}
	}
	b := h.browser()
	b.bySMS("zhangsan", "").goes(t, "/")
	h.browser().signIn("/login", "zhangsan").goes(t, "/")
}

// S52: whoever signed in here before is not kept out by what others do.
func TestAKnownBrowserGetsIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser()
		b.in("zhangsan", "natural_person")
		b.get("/logout")
		for range 6 {
			h.browser().guess("/login", "zhangsan", "wrong")
		}
		if p := h.browser().guess("/login", "zhangsan", password); p.status != http.StatusOK {
			t.Fatalf("the pair is not locked: %d", p.status)
		}
		b.signIn("/login?other=1", "zhangsan").goes(t, "/")

		shared := h.browser()
		shared.signIn("/login?other=1", "wang_is_unknown")
		if shared.cookie("kejitong_device") != "" {
			t.Error("a failure makes a browser known")
		}
		h.wait(20 * 60e9)
		shared.signIn("/login?other=1", "zhangsan", "shared_computer", "yes").goes(t, "/")
		if shared.cookie("kejitong_device") != "" {
			t.Error("a shared computer is known")
		}
	})
}
