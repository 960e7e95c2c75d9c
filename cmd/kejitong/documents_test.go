package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/realname"
)

// card is the photograph of a card.
func card(t testing.TB, c color.RGBA) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 400))
	for y := range 400 {
		for x := range 640 {
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// papers enters somebody whom no register knows, so that documents decide.
func (r *rig) papers(c string) realname.Case {
	r.t.Helper()
	id := r.person(c).Account.ID
	e := realname.Entry{Person: &realname.Person{Name: "赵七", IDType: account.DocTaiwanPass, IDNumber: "12345678", Nationality: "CHN"}}
	got, err := r.app.names.Enter(r.t.Context(), id, e, audit.Event{Actor: string(id)})
	if err != nil {
		r.t.Fatal(err)
	}
	if got.State != realname.ManualReview {
		r.t.Fatalf("state %s", got.State)
	}
	return got
}

// attachTo posts the form of documents as a browser would: hidden fields first, then
// the files in the order given (field, file name, content), then the button.
func (b *browser) attachTo(p page, f form, act string, agree bool, files ...[3]string) page {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	field := func(name, value string) {
		if err := w.WriteField(name, value); err != nil {
			b.t.Fatal(err)
		}
	}
	for name := range f.values {
		if v := f.values.Get(name); v != "" {
			field(name, v)
		}
	}
	if agree {
		field("agree", "yes")
	}
	for _, file := range files {
		part, err := w.CreateFormFile(file[0], file[1])
		if err == nil {
			_, err = part.Write([]byte(file[2]))
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	field("act", act)
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, p.Request.URL.String(), &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Origin", b.home.Scheme+"://"+b.home.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

var documentLink = regexp.MustCompile(`/me/documents/([A-Za-z0-9_-]{22})`)

// 上传自然人信息 over plain HTTP, without script: from the first photograph to the
// review, and who may see what of it (R20, S72, S75).
func TestPapersHandedIn(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		c := r.papers("d")
		b := r.browser()
		const path = "/me/realname/papers"
		p := r.walkIn(b, "d", path)
		p.wants(t, 200, path, "上传自然人信息", "证件人像面", c.Number)
		form := findForm(t, p.body, "agree")
		front, back := string(card(t, color.RGBA{180, 60, 60, 255})), string(card(t, color.RGBA{60, 60, 180, 255}))

		p = b.attachTo(p, form, "save", false, [3]string{"id_front", "a.jpg", front})
		p.wants(t, 422, path, "agree-why")
		p = b.attachTo(p, form, "save", true, [3]string{"id_front", "a.jpg", "<svg onload=alert(1)>"}, [3]string{"id_back", "b.jpg", back})
		p.wants(t, 422, path, "id_front-why", "只能上传 JPG、PNG", "您已同意", "已上传")
		p = b.attachTo(p, form, "submit", true, [3]string{"id_front", "", ""})
		p.wants(t, 422, path, "材料还不齐全", "id_front-why")
		p = b.attachTo(p, form, "save", true, [3]string{"id_front", "big.jpg", front + strings.Repeat("x", 6<<20)})
		p.wants(t, 413, path, "文件超过 5 MB")
		p = b.attachTo(p, form, "save", true, [3]string{"id_front", "身份证 正面.jpg", front})
		p.wants(t, 200, path)
		links := documentLink.FindAllStringSubmatch(p.body, -1)
		if len(links) == 0 {
			t.Fatalf("no documents on the page:\n%s", p.body)
		}
		id := links[0][1]

		// S75: its owner gets a picture to keep, others what they get of nothing.
		own := b.get(r.issuer + "/me/documents/" + id)
		if own.StatusCode != 200 || !strings.HasPrefix(own.Header.Get("Content-Disposition"), "attachment; filename*=utf-8''") || own.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(own.Header.Get("Content-Security-Policy"), "sandbox") || own.Header.Get("Cache-Control") != "no-store" || own.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("own document: %d %v", own.StatusCode, own.Header)
		}
		if own.body == front {
			t.Error("the file comes back as it was uploaded")
		}
		other := r.browser()
		r.walkIn(other, "a", "/me")
		missing, theirs := other.get(r.issuer+"/me/documents/"+strings.Repeat("A", 22)), other.get(r.issuer+"/me/documents/"+id)
		number := regexp.MustCompile(`[a-z2-7]{16}`)
		plain := func(p page) string {
			return strings.ReplaceAll(number.ReplaceAllString(p.body, ""), id, strings.Repeat("A", 22))
		}
		if theirs.StatusCode != 404 || missing.StatusCode != 404 || regexp.MustCompile(`nonce="[^"]*"|value="[^"]*"`).ReplaceAllString(plain(theirs), "") != regexp.MustCompile(`nonce="[^"]*"|value="[^"]*"`).ReplaceAllString(plain(missing), "") {
			t.Errorf("somebody else's document: %d, a missing one: %d", theirs.StatusCode, missing.StatusCode)
		}
		if p := r.browser().get(r.issuer + "/me/documents/" + id); p.Request.URL.Path != "/login" {
			t.Errorf("without a sign-in: %d at %s", p.StatusCode, p.Request.URL.Path)
		}
		viewed := r.audited(audit.DocumentViewed)

		p = b.attachTo(p, form, "submit", false)
		p.wants(t, 200, "/me/realname/status")
		if r.audited(audit.DocumentStored) != 2 || r.audited(audit.RealNameHandedIn) != 1 || viewed != 1 {
			t.Errorf("trail: %d stored, %d handed in, %d viewed", r.audited(audit.DocumentStored), r.audited(audit.RealNameHandedIn), viewed)
		}
		// Under review: it can be replaced, not taken away.
		p = b.get(r.issuer + path)
		p.wants(t, 200, path, "材料已提交")
		if strings.Contains(p.body, "remove-") {
			t.Error("a document under review can be removed")
		}
		// Decided: nothing in, nothing out (S58, S75).
		if err := r.app.papers.CloseCase(t.Context(), c.Folder); err != nil {
			t.Fatal(err)
		}
		if p := b.get(r.issuer + "/me/documents/" + id); p.StatusCode != 404 {
			t.Errorf("after the decision: %d", p.StatusCode)
		}
		p = b.attachTo(b.get(r.issuer+path), form, "save", true, [3]string{"id_front", "a.jpg", front})
		p.wants(t, 409, path, "已有审核结果")
		r.sealedAway(t, "身份证 正面")
	})
}

// sealedAway looks for a text in every file of the folder of documents (S84).
func (r *rig) sealedAway(t *testing.T, texts ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(r.cast.config.DocumentsFolder(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path) //nolint:gosec // a folder of the test
		for _, s := range append(texts, "\xff\xd8\xff", "JFIF") {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s holds %q", path, s)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}

// Removing a document is for its owner, before the review.
func TestPapersRemoved(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		r.papers("d")
		b := r.browser()
		p := r.walkIn(b, "d", "/me/realname/papers")
		p = b.attachTo(p, findForm(t, p.body, "agree"), "save", true, [3]string{"other", "a.jpg", string(card(t, color.RGBA{9, 99, 9, 255}))},
			[3]string{"other", "b.jpg", string(card(t, color.RGBA{9, 9, 99, 255}))})
		p.wants(t, 200, "/me/realname/papers")
		if n := len(findAll(p.body)); n != 2 {
			t.Fatalf("%d documents", n)
		}
		p = b.submit(p, "act=remove", nil)
		p.wants(t, 200, "/me/realname/papers")
		if n := len(findAll(p.body)); n != 1 || r.audited(audit.DocumentErased) != 1 {
			t.Errorf("%d documents after the removal of one", n)
		}
	})
}

// findAll are the ids of the documents on a page.
func findAll(body string) map[string]bool {
	out := map[string]bool{}
	for _, m := range documentLink.FindAllStringSubmatch(body, -1) {
		out[m[1]] = true
	}
	return out
}

// S77 and the maintenance loop: documents go when their time is over.
func TestDocumentsAreErasedInTime(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		d, err := r.app.papers.Add(ctx, document.Upload{Owner: "o", Case: "c", Kind: document.Other, Body: bytes.NewReader(card(t, color.RGBA{1, 2, 3, 255}))}, audit.Event{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.app.papers.CloseCase(ctx, "c"); err != nil {
			t.Fatal(err)
		}
		r.app.eraseDocuments(ctx)
		if r.audited(audit.DocumentErased) != 0 {
			t.Error("erased at once")
		}
		r.clock.move(r.app.cfg.Documents.Retain + time.Hour)
		r.app.eraseDocuments(ctx)
		if r.audited(audit.DocumentErased) != 1 || r.ask(`SELECT COUNT(*) FROM documents WHERE id = ? AND dek = '' AND blob = ''`, d.ID) != 1 {
			t.Error("not erased in time")
		}
	})
}

// The form in a real browser: files are chosen, previewed and handed in.
func TestPapersInChromium(t *testing.T) {
	s := theatre(t)
	who, err := s.app.db.AccountByLogin(t.Context(), "newcomer")
	if err != nil {
		t.Fatal(err)
	}
	e := realname.Entry{Person: &realname.Person{Name: "赵七", IDType: account.DocTaiwanPass, IDNumber: "12345678", Nationality: "CHN"}}
	if _, err := s.app.names.Enter(t.Context(), who.ID, e, audit.Event{Actor: string(who.ID)}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, c color.RGBA) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, card(t, c), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	front, back := file("正面.jpg", color.RGBA{200, 210, 220, 255}), file("反面.jpg", color.RGBA{220, 210, 190, 255})
	for _, width := range []int64{1280, 375} {
		ctx, violations := chromium(t, width)
		step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
			t.Helper()
			if err := chromedp.Do(ctx, actions...); err != nil {
				body, _ := chromedp.Run(ctx, chromedp.OuterHTML("body")) // best effort: it explains the failure
				t.Fatalf("%s at %d px: %v\n%.2000s", name, width, err, body)
			}
			picture(ctx, t, fmt.Sprintf("papers-%s-%d", name, width))
		}
		step("1-empty", chromedp.Navigate(s.issuer+"/login?next=/me/realname/papers"), chromedp.WaitVisible("#username"),
			chromedp.SendKeys("#username", "newcomer"), chromedp.SendKeys("#password", s.cast.Secrets["newcomer"]),
			chromedp.Submit("#password"), chromedp.WaitVisible("#id_front"))
		if width == 1280 { // the consent is asked for once
			step("2-agreed", chromedp.Click("#agree"))
		}
		step("3-kept", chromedp.SetUploadFiles("#id_front", []string{front}), chromedp.SetUploadFiles("#id_back", []string{back}),
			chromedp.Click(`button[value="save"]`), chromedp.WaitVisible(".file-there img"))
		shown, err := chromedp.Run(ctx, chromedp.Poll[bool](`(function () {
			var all = Array.from(document.querySelectorAll(".file-there img"));
			return all.length === 2 && all.every(function (i) { i.loading = "eager"; return i.complete && i.naturalWidth > 0; });
		})()`))
		if err != nil || !shown {
			t.Fatalf("%d px: the previews do not come: %v", width, err)
		}
		step("4-previews")
		step("5-handed-in", chromedp.Click(`button[value="submit"]`), chromedp.WaitNotPresent("#id_front"))
		if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || !strings.HasSuffix(at, "/me/realname/status") {
			t.Errorf("%d px: ended at %s, %v", width, at, err)
		}
		if len(*violations) > 0 {
			t.Errorf("the browser complained:\n%s", strings.Join(*violations, "\n"))
		}
	}
}
