package main

import (
	"bytes"
	"context"
	"html"
	"image"
	"image/color"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kejitong/provider/recovery"
)

const freshPassword = "Renewed-42-horses"

// captcha fills in the answer that the demonstration's captchas take.
func captcha(fill ...string) []string { return append(fill, "captcha", demoCaptcha) }

// askReset walks the first step of a reset.
func (b *browser) askReset(r *rig, window, login string) page {
	b.t.Helper()
	p := b.get(r.issuer + "/forgot/reset?window=" + window)
	return b.press(p, "login_name", captcha("login_name", login)...)
}

// sms gives the newest code that came to a number after n messages before.
func (r *rig) sms(to string, n int) string {
	r.t.Helper()
	m := r.await(to, n)
	if len(m.Code) != 6 {
		r.t.Fatalf("message %d to %s has no code: %+v", n, to, m)
	}
	return m.Code
}

// signsIn tells whether login name and password open a session.
func (b *browser) signsIn(r *rig, window, login, password string) bool {
	b.t.Helper()
	p := b.get(r.issuer + "/login?other=1&window=" + window)
	p = b.submit(p, "username", url.Values{"username": {login}, "password": {password}})
	return p.Request.URL.Path == "/"
}

// photo is a picture that a camera could have taken.
func photo(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 900, 600))
	for y := range 600 {
		for x := range 900 {
			img.Set(x, y, color.RGBA{uint8(x / 4), uint8(y / 3), uint8((x + y) / 6), 255}) //nolint:gosec // within a byte
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// upload posts a document with the upload form of p.
func (b *browser) upload(p page, role string) page {
	b.t.Helper()
	f := findForm(b.t, p.body, "file")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k := range f.values {
		if k != "file" {
			if err := w.WriteField(k, f.values.Get(k)); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	if err := w.WriteField("role", role); err != nil {
		b.t.Fatal(err)
	}
	part, err := w.CreateFormFile("file", "证件.jpg")
	if err == nil {
		_, err = part.Write(photo(b.t))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	to, err := p.Request.URL.Parse(f.action)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, to.String(), &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Origin", b.home.Scheme+"://"+b.home.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

var (
	caseNumbers = regexp.MustCompile(`SS[0-9]{8}-[A-Z2-9]{8}`)
	secretTexts = regexp.MustCompile(`[A-Z2-9]{8}-[A-Z2-9]{8}-[A-Z2-9]{8}-[A-Z2-9]{8}`)
)

// filed is an appeal that a browser filed.
type filed struct {
	number, secret string
	mobile         string
}

// claimant is what a person's appeal says.
type claimant struct{ login, name, id, mobile string }

// filePerson files a person's appeal over the pages.
func (b *browser) filePerson(r *rig, c claimant) filed {
	b.t.Helper()
	return b.fileAt(r, "/appeal/person", "旧手机号已注销", c)
}

// fileAt files a person's appeal that begins at the path.
func (b *browser) fileAt(r *rig, path, reason string, c claimant) filed {
	b.t.Helper()
	before := len(r.told("+86" + c.mobile))
	p := b.press(b.get(r.issuer+path), "login_name", captcha("login_name", c.login, "name", c.name, "id_type", "cn_resident_id", "id_number", c.id, "mobile", c.mobile)...)
	at(r.t.(*testing.T), p, "/appeal/mobile")
	p = b.press(p, "code", "code", r.sms("+86"+c.mobile, before+1))
	at(r.t.(*testing.T), p, "/appeal/evidence")
	p = b.upload(p, "id_front")
	p = b.press(p, "form_token", "reason", reason) // the last form has the reason
	return b.taken(r, p, c.mobile)
}

// taken reads the receipt.
func (b *browser) taken(r *rig, p page, mobile string) filed {
	b.t.Helper()
	at(r.t.(*testing.T), p, "/appeal/filed")
	f := filed{caseNumbers.FindString(p.body), secretTexts.FindString(p.body), mobile}
	if f.number == "" || f.secret == "" {
		b.t.Fatalf("no receipt:\n%s", p.body)
	}
	return f
}

// desk gives the service that the desk's pages call.
func (r *rig) desk() *recovery.Service {
	r.t.Helper()
	s, err := r.app.recoveries()
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// appeal gives a filed appeal as the desk sees it.
func (r *rig) appeal(f filed) recovery.Appeal {
	r.t.Helper()
	a, err := r.app.db.AppealByNumber(context.WithoutCancel(r.t.Context()), f.number)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// approve is what two reviewers do. It waits for the notices, which are of no use
// once the clock has moved.
func (r *rig) approve(f filed) {
	r.t.Helper()
	sub, err := r.app.db.Subject(context.WithoutCancel(r.t.Context()), r.appeal(f).Account)
	if err != nil {
		r.t.Fatal(err)
	}
	holder := sub.Account.Lookups()[0].Value
	r.await("+86"+f.mobile, 2) // the code, and that it was filed
	before, told := len(r.told("+86"+f.mobile)), len(r.told(holder))
	defer func() {
		r.await("+86"+f.mobile, before+1)
		r.await(holder, told+1)
	}()
	for _, who := range []string{"reviewer-1", "reviewer-2"} {
		a := r.appeal(f)
		if err := r.desk().Approve(context.WithoutCancel(r.t.Context()), a.ID, a.Version, recovery.Reviewer{ID: who}, "证件与登记一致"); err != nil {
			r.t.Fatal(err)
		}
	}
}

// progress opens the progress page.
func (b *browser) progress(r *rig, f filed) page {
	b.t.Helper()
	return b.press(b.get(r.issuer+"/appeal/track"), "number", "number", f.number, "secret", strings.ToLower(f.secret))
}

// click follows the first link of p to path.
func (b *browser) click(p page, path string) page {
	b.t.Helper()
	m := regexp.MustCompile(`href="(` + regexp.QuoteMeta(path) + `(\?[^"]*)?)"`).FindStringSubmatch(p.body)
	if m == nil {
		b.t.Fatalf("no link to %s:\n%s", path, p.body)
	}
	return b.get(b.home.String() + html.UnescapeString(m[1]))
}
