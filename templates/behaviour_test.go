package templates_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kejitong/templates"
)

var (
	hashes  = regexp.MustCompile(`/static/([\w/]+)\.[0-9a-f]{16}\.(\w+)`)
	scripts = regexp.MustCompile(`<script[^>]*>`)
	forms   = regexp.MustCompile(`(?s)<form.*?</form>`)
	inputs  = regexp.MustCompile(`<input[^>]*>`)
	ids     = regexp.MustCompile(` id="([^"]+)"`)
	submits = regexp.MustCompile(`<button[^>]*type="submit"[^>]*>`)
)

func TestFormPostRefusesToRun(t *testing.T) {
	r := renderer(t)
	for _, action := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "blob:x", "about:blank",
		"", "/relative", "//evil.test/cb", "\x01javascript:alert(1)", "java\nscript:alert(1)",
	} {
		if err := r.Render(io.Discard, frame(templates.Chinese), templates.FormPost{Action: action}); err == nil {
			t.Errorf("form is sent to %q", action)
		}
	}
	for _, action := range []string{"https://rp.example.com/cb?x=1&y=2", "http://127.0.0.1:9999/cb", "com.example.app:/cb", "myapp://cb"} {
		got := draw(t, r, frame(templates.Chinese), templates.FormPost{Action: action})
		if want := `action="` + strings.ReplaceAll(action, "&", "&amp;") + `"`; !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, forms.FindString(got))
		}
	}
}

func TestSignedOutRefusesToRun(t *testing.T) {
	r := renderer(t)
	for _, to := range []string{"javascript:alert(1)", "//evil.test", `/\evil.test`, "data:text/html,x"} {
		if err := r.Render(io.Discard, frame(templates.Chinese), templates.SignedOut{ContinueURL: to, Refresh: true}); err == nil {
			t.Errorf("continues to %q", to)
		}
	}
	got := draw(t, r, frame(templates.Chinese), templates.SignedOut{ContinueURL: "myapp:/bye?a=1&b='2'", Refresh: true})
	if !strings.Contains(got, `<meta http-equiv="refresh" content="0;url=myapp:/bye?a=1&amp;b=`) {
		t.Errorf("refresh is not understood: %s", got)
	}
	if !strings.Contains(got, `href="myapp:/bye?a=1&amp;b=`) {
		t.Errorf("link is not understood: %s", got)
	}
}

func TestUnknownPage(t *testing.T) {
	if err := renderer(t).Render(io.Discard, frame(templates.Chinese), noPage{}); !errors.Is(err, templates.ErrNoPage) {
		t.Errorf("got %v", err)
	}
}

type noPage struct{ templates.Problem }

func (noPage) Name() string { return "interact/none" }

func TestFormContract(t *testing.T) {
	r := renderer(t)
	page := func(name string) string { return draw(t, r, frame(templates.Chinese), samples()[name]) }

	signin := forms.FindAllString(page("signin_asked"), -1)
	if len(signin) != 2 {
		t.Fatalf("sign-in has %d forms", len(signin))
	}
	for _, want := range []string{`name="username"`, `autocomplete="username"`, `name="password"`, `autocomplete="current-password"`,
		`name="window" value="legal_entity"`, `name="shared_computer" value="yes"`, `name="interaction" value="ia_4kPz"`, `value="91110108MA01ET88XL"`} {
		if !strings.Contains(signin[0], want) {
			t.Errorf("sign-in form lacks %s", want)
		}
	}
	if b := submits.FindAllString(signin[0], -1); len(b) != 1 || strings.Contains(b[0], "name=") {
		t.Errorf("sign-in form's buttons are %q", b)
	}
	if !strings.Contains(signin[1], `name="cancel" value="yes"`) || strings.Contains(signin[1], `name="password"`) {
		t.Errorf("cancel form is %s", signin[1])
	}

	unit := page("unit")
	if last, first := strings.Index(unit, `name="org" value="u2"`), strings.Index(unit, `name="org" value="u1"`); last < 0 || first < last {
		t.Error("the last choice does not come first")
	}
	if !strings.Contains(unit, `name="org" value="self"`) || strings.Contains(page("unit_none"), `value="self"`) {
		t.Error("as myself is offered wrongly")
	}

	consent := page("consent")
	for _, want := range []string{`name="decision" value="allow"`, `name="decision" value="deny"`, `name="sensitive" value="id_number"`} {
		if !strings.Contains(consent, want) {
			t.Errorf("consent lacks %s", want)
		}
	}
	if strings.Contains(consent, "checked") {
		t.Error("a sensitive item is ticked beforehand")
	}
	if !strings.Contains(page("consent_unreviewed"), "app.example.com") {
		t.Error("an unreviewed application's host is not shown")
	}
	for name, want := range map[string]string{
		"account": `name="account" value="current"`, "refused_type": `name="account" value="other"`,
		"signout": `name="logout" value="yes"`, "home_signed_in": `name="logout" value="yes"`,
	} {
		if !strings.Contains(page(name), want) {
			t.Errorf("%s lacks %s", name, want)
		}
	}
}

func TestLogoPolicyAndTerms(t *testing.T) {
	r := renderer(t)
	s := system()
	s.LogoURL, s.TosURL = "https://cdn.example.com:8443/logo.png", "javascript:alert(1)"
	p := templates.SignIn{Asks: s}
	got := draw(t, r, frame(templates.English), p)
	if !strings.Contains(got, `src="https://cdn.example.com:8443/logo.png"`) || !strings.Contains(got, `href="https://gaoqi.example.gov.cn/privacy"`) {
		t.Error("logo or policy are not shown")
	}
	if strings.Contains(got, "Terms of service") {
		t.Error("terms at a script address are shown")
	}
	if o := p.Pictures(); len(o) != 1 || o[0] != "https://cdn.example.com:8443" {
		t.Errorf("pictures come from %q", o)
	}
	s.LogoURL = "https://user@cdn.example.com/logo.png"
	if o := p.Pictures(); o != nil {
		t.Errorf("pictures come from %q", o)
	}
}

func BenchmarkSignIn(b *testing.B) {
	r, p, f := renderer(b), samples()["signin_asked"], frame(templates.Chinese)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Render(io.Discard, f, p); err != nil {
			b.Fatal(err)
		}
	}
}

// Chinese text has Chinese punctuation (GB/T 15834): no half-width colon, comma,
// semicolon, question or exclamation mark follows a Chinese character on any page.
func TestPunctuation(t *testing.T) {
	half := regexp.MustCompile(`\p{Han}(?:</\w+>)*[:;,!?](?:\s|<|\p{Han}|$)`)
	if !half.MatchString("<a>证件号码</a>: 不符") || half.MatchString("证件号码：123, 456") {
		t.Fatal("the expression finds nothing, or too much")
	}
	pages, err := filepath.Glob("testdata/*.zh-CN.html")
	if err != nil || len(pages) < 50 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, path := range pages {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range half.FindAllString(string(page), 3) {
			t.Errorf("%s: %q", path, found)
		}
	}
}
