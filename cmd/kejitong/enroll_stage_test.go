package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// applicant is somebody who registers, in a browser of their own.
type applicant struct {
	*browser
	s      *stage
	mobile string
	codes  int // that went to the mobile before
}

// codesTo are the one-time codes that went to a mobile, the newest first.
func (s *stage) codesTo(mobile string) (codes []string) {
	for _, m := range s.told("+86" + mobile) {
		if m.Code != "" {
			codes = append(codes, m.Code)
		}
	}
	return codes
}

func (s *stage) applicant(mobile string) *applicant {
	s.t.Helper()
	return &applicant{browser: s.browser(), s: s, mobile: mobile, codes: len(s.codesTo(mobile))}
}

// at opens a page of the provider.
func (a *applicant) at(path string) page { return a.get(a.s.issuer + path) }

// ends fails unless p is the page at path.
func (p page) ends(t testing.TB, path string) page {
	t.Helper()
	if p.Request.URL.Path != path {
		t.Fatalf("at %s with %d, want %s:\n%s", p.Request.URL, p.StatusCode, path, textOf(p.body))
	}
	return p
}

// textOf cuts a page down to its main part.
func textOf(body string) string {
	if _, main, ok := strings.Cut(body, "<main"); ok {
		body, _, _ = strings.Cut(main, "</main>")
	}
	return body
}

// code waits for one more code and gives it.
func (a *applicant) code() string {
	a.t.Helper()
	a.codes++
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got := a.s.codesTo(a.mobile); len(got) >= a.codes {
			return got[len(got)-a.codes]
		}
	}
	a.t.Fatalf("code %d to %s has not come", a.codes, a.mobile)
	return ""
}

// prove goes from the first form to the last: mobile, captcha and ticks, then the
// code.
func (a *applicant) prove(start string) page {
	a.t.Helper()
	p := a.submit(a.at(start), "mobile", url.Values{"mobile": {a.mobile}, "captcha": {demoCaptcha}, "terms": {"yes"}, "adult": {"yes"}}).ends(a.t, "/register/code")
	return a.submit(p, "code", url.Values{"code": {a.code()}}).ends(a.t, "/register/account")
}

const chosenPassword = "Zk7#tideQuill"

func personForm(login string) url.Values {
	return url.Values{"login_name": {login}, "password": {chosenPassword}, "password_again": {chosenPassword}}
}

func unitForm(login, uscc, name string) url.Values {
	f := personForm(login)
	f.Set("uscc", uscc)
	f.Set("unit_name", name)
	f.Set("unit_type", "enterprise")
	f.Set("area", "mainland")
	f.Set("contact", "王五")
	return f
}

// enrolled registers a person or, with a form that has a USCC, a unit.
func (a *applicant) enrolled(form url.Values) page {
	a.t.Helper()
	start := "/register/person"
	if form.Has("uscc") {
		start = "/register/unit"
	}
	return a.submit(a.prove(start), "login_name", form).ends(a.t, "/register/done")
}

// holds fails unless the page holds all of it.
func (p page) holds(t testing.TB, all ...string) page {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(p.body, want) {
			t.Errorf("%s does not show %q:\n%s", p.Request.URL.Path, want, textOf(p.body))
		}
	}
	return p
}

// lacks fails if the page holds any of it.
func (p page) lacks(t testing.TB, all ...string) page {
	t.Helper()
	for _, bad := range all {
		if strings.Contains(p.body, bad) {
			t.Errorf("%s shows %q:\n%s", p.Request.URL.Path, bad, textOf(p.body))
		}
	}
	return p
}

// link follows the first link of the page whose address has the part.
func (b *browser) link(p page, part string) page {
	b.t.Helper()
	for _, piece := range strings.Split(p.body, `href="`)[1:] {
		target, _, _ := strings.Cut(piece, `"`)
		if strings.Contains(target, part) {
			u, err := p.Request.URL.Parse(strings.ReplaceAll(target, "&amp;", "&"))
			if err != nil {
				b.t.Fatal(err)
			}
			return b.get(u.String())
		}
	}
	b.t.Fatalf("no link with %q:\n%s", part, textOf(p.body))
	return page{}
}

// raw posts a form past the pages, as a script with the browser's cookies would.
func (b *browser) raw(path string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.home.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.home.Scheme+"://"+b.home.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}
