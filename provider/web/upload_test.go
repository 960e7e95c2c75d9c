package web_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"kejitong/provider/web"
)

// taken is what a handler behind GuardUpload got.
type taken struct {
	called bool
	note   string
	files  []string // field=name:bytes
}

// uploads serves a form of up to two files of 1000 bytes.
func uploads(t testing.TB, limits web.UploadLimits) (*web.Kit, http.Handler, *taken) {
	t.Helper()
	k, _ := kit(t, issuer)
	got := &taken{}
	h := k.Wrap(k.GuardUpload(limits, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*got = taken{called: true, note: r.PostForm.Get("note")}
		for u, err := range web.Uploads(r) {
			if err == nil {
				var n int64
				n, err = io.Copy(io.Discard, u.Body)
				got.files = append(got.files, fmt.Sprintf("%s=%s:%d", u.Field, u.Name, n))
			}
			if err != nil {
				k.FailUpload(w, r, err)
				return
			}
		}
	})))
	return k, h, got
}

var small = web.UploadLimits{Files: 2, File: 1000, Body: 100 << 10}

const boundary = "kejitong7f3a"

// form writes a multipart body; each part is name, file name ("-" for none) and
// content.
func form(t testing.TB, parts ...[3]string) string {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"`, p[0])}}
		if p[1] != "-" {
			h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, p[0], p[1]))
		}
		part, err := w.CreatePart(h)
		if err == nil {
			_, err = io.WriteString(part, p[2])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// S37, S73: a form with files is held to the same origin and token as any other,
// and to bounds of its own.
func TestForgedAndOversizedUploads(t *testing.T) {
	k, h, got := uploads(t, small)
	mine := strings.Repeat("A", 24)
	token := [3]string{"form_token", "-", k.FormToken(mine)}
	file := [3]string{"licence", "a.jpg", strings.Repeat("x", 900)}
	note := [3]string{"note", "-", "n"}
	cookie := []string{"Cookie", "__Host-kejitong_browser=" + mine}
	kind := []string{"Content-Type", "multipart/form-data; boundary=" + boundary}
	same := []string{"Sec-Fetch-Site", "same-origin"}
	plain := append(append(append([]string{}, cookie...), kind...), same...)
	many := [][3]string{token}
	for range 10_000 {
		many = append(many, [3]string{"a", "-", ""})
	}
	for _, row := range []struct {
		name, body string
		header     []string
		status     int
		files      string // of a form that arrives
	}{
		{"cross-site", form(t, token, file), append(append([]string{"Sec-Fetch-Site", "cross-site"}, cookie...), kind...), 403, ""},
		{"other origin", form(t, token, file), append(append([]string{"Origin", "https://evil.test"}, cookie...), kind...), 403, ""},
		{"no token", form(t, note, file), plain, 403, ""},
		{"token of another browser", form(t, [3]string{"form_token", "-", k.FormToken(strings.Repeat("B", 24))}, file), plain, 403, ""},
		{"token after the file", form(t, file, token), plain, 403, ""},
		{"token as a file", form(t, [3]string{"form_token", "t", k.FormToken(mine)}, file), plain, 403, ""},
		{"two tokens", form(t, token, token, file), plain, 403, ""},
		{"no browser cookie", form(t, token, file), append(append([]string{}, kind...), same...), 403, ""},
		{"URL-encoded", "form_token=" + k.FormToken(mine), append(append([]string{"Content-Type", "application/x-www-form-urlencoded"}, cookie...), same...), 403, ""},
		{"multipart/mixed", form(t, token, file), append(append([]string{"Content-Type", "multipart/mixed; boundary=" + boundary}, cookie...), same...), 403, ""},
		{"missing boundary", form(t, token, file), append(append([]string{"Content-Type", "multipart/form-data"}, cookie...), same...), 400, ""},
		{"other boundary", form(t, token, file), append(append([]string{"Content-Type", "multipart/form-data; boundary=zzz"}, cookie...), same...), 403, ""},
		{"ends within a file", form(t, token, file)[:600], plain, 400, ""},
		{"ends within the token", form(t, token, file)[:110], plain, 400, ""},
		{"part without a name", strings.Replace(form(t, token, note, file), `name="note"`, `nome="note"`, 1), plain, 400, ""},
		{"part that is no form data", strings.Replace(form(t, token, note, file), `form-data; name="note"`, `attachment; name="note"`, 1), plain, 400, ""},
		{"name of 101 bytes", form(t, token, [3]string{strings.Repeat("n", 101), "-", ""}), plain, 400, ""},
		{"header of a part too long", strings.Replace(form(t, token, file), "form-data", "form-data; x=\""+strings.Repeat("y", 80<<10)+"\"", 1), plain, 400, ""},
		{"10 001 parts", form(t, many...), plain, 413, ""},
		{"a field of 65 KiB", form(t, token, [3]string{"note", "-", strings.Repeat("n", 65<<10)}), plain, 413, ""},
		{"three files", form(t, token, file, file, file), plain, 413, ""},
		{"a body beyond all limits", form(t, token, [3]string{"licence", "a.jpg", strings.Repeat("x", 200<<10)}), plain, 413, ""},

		{"one file", form(t, token, note, file), plain, 200, "licence=a.jpg:900"},
		{"two files, a field between", form(t, token, file, note, [3]string{"id_front", "b.png", "y"}), plain, 200, "licence=a.jpg:900 id_front=b.png:1"},
		{"nothing chosen", form(t, token, note, [3]string{"licence", "", ""}, [3]string{"id_front", "", ""}), plain, 200, ""},
		{"no files at all", form(t, token, note), plain, 200, ""},
		{"a file too large is cut where it is too large", form(t, token, note, [3]string{"licence", "a.jpg", strings.Repeat("x", 5000)}), plain, 200, "licence=a.jpg:1000"},
		{"a name from elsewhere", form(t, token, [3]string{"licence", `../../etc/passwd`, "x"}), plain, 200, "licence=../../etc/passwd:1"},
		{"neither header: the token decides", form(t, token, note, file), append(append([]string{}, cookie...), kind...), 200, "licence=a.jpg:900"},
	} {
		t.Run(row.name, func(t *testing.T) {
			*got = taken{}
			res := ask(h, "POST", "/me/evidence", row.body, row.header...)
			if res.StatusCode != row.status {
				t.Errorf("status %d, want %d", res.StatusCode, row.status)
			}
			if files := strings.Join(got.files, " "); row.status == 200 && (!got.called || files != row.files) {
				t.Errorf("the handler got %q", files)
			}
			if row.status == 403 && got.called {
				t.Error("the handler was called")
			}
			if res.Header.Get("Location") != "" {
				t.Error("a failure redirects")
			}
		})
	}
}

// Other forms keep their own limit when the request says that it carries files.
func TestFilesWhereNoneBelong(t *testing.T) {
	k, _ := kit(t, issuer)
	var err error
	h := k.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, err = io.ReadAll(r.Body) }))
	ask(h, "POST", "/", strings.Repeat("a", 1<<20), "Content-Type", "multipart/form-data; boundary=x")
	if err == nil {
		t.Error("a body of 1 MiB was read by a handler that takes no files")
	}
}

// S73: who sends nothing for too long is answered 408, and what was sent is not
// taken.
func TestSlowUpload(t *testing.T) {
	limits := small
	limits.Pause = 50 * time.Millisecond
	k, h, got := uploads(t, limits)
	mine := strings.Repeat("A", 24)
	srv := httptest.NewServer(h)
	defer srv.Close()
	for _, cut := range []int{20, 300} { // within the token, within the file
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body := form(t, [3]string{"form_token", "-", k.FormToken(mine)}, [3]string{"licence", "a.jpg", strings.Repeat("x", 900)})
		fmt.Fprintf(c, "POST /me HTTP/1.1\r\nHost: fuwu.example.gov.cn\r\nCookie: __Host-kejitong_browser=%s\r\nContent-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n%s", //nolint:errcheck // the answer tells
			mine, boundary, len(body), body[:cut])
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("cut at %d: status %d, files %v", cut, res.StatusCode, got.files)
		}
		_ = res.Body.Close()
		_ = c.Close()
	}
}

// S73: one address does not take all places.
func TestUploadsAtOnce(t *testing.T) {
	k, _ := kit(t, issuer)
	hold, held := make(chan struct{}), make(chan int, 64)
	h := k.Wrap(k.GuardUpload(small, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { held <- 200; <-hold })))
	mine := strings.Repeat("A", 24)
	body := form(t, [3]string{"form_token", "-", k.FormToken(mine)})
	send := func(peer string) int {
		return ask(h, "POST", "/me", body, "Peer", peer, "Cookie", "__Host-kejitong_browser="+mine,
			"Content-Type", "multipart/form-data; boundary="+boundary).StatusCode
	}
	results := make(chan int, 16)
	for range 8 {
		go func() { results <- send("192.0.2.1:99") }()
		<-held
	}
	if got := send("192.0.2.1:100"); got != http.StatusServiceUnavailable {
		t.Errorf("a ninth upload from one address: %d", got)
	}
	go func() { results <- send("192.0.2.2:99") }()
	<-held
	close(hold)
	for range 9 {
		if got := <-results; got != http.StatusOK {
			t.Errorf("an upload that was let in: %d", got)
		}
	}
	if got := send("192.0.2.1:101"); got != http.StatusOK {
		t.Errorf("after the others are done: %d", got)
	}
}
