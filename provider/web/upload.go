package web

import (
	"context"
	"errors"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"kejitong/templates"
)

// UploadLimits bound a form with files. Zero fields take the defaults.
type UploadLimits struct {
	Files int           // that may be chosen; 1
	File  int64         // bytes of one that reach the handler; more is read off, so that the page can say so. 5 MiB and one byte
	Body  int64         // bytes of the whole; beyond it the answer is 413. 16 MiB and 8 MiB for each further file
	Pause time.Duration // longest silence of the sender; 10 s
}

const (
	maxParts     = 100
	maxFormText  = 64 << 10 // of all fields that are no files
	maxFieldName = 100
	// maxDisposition bounds the header that names a field and its file.
	maxDisposition = 4 << 10

	// An upload gets uploadTime, and after uploadGrace must have come at leastRate
	// bytes a second on average (S73).
	uploadTime  = 3 * time.Minute
	uploadGrace = 10 * time.Second
	leastRate   = 8 << 10

	// Uploads that one process, and one address, may have under way.
	uploadsAtOnce     = 24
	uploadsPerAddress = 8
)

// Upload is one file of a form.
type Upload struct {
	Field string    // name of the input
	Name  string    // as the browser gave it; never part of a path
	Body  io.Reader // good until the next one is asked for
}

var (
	errTooManyParts = &http.MaxBytesError{Limit: maxParts}
	errFormBroken   = errors.New("web: the form cannot be read")
)

// GuardUpload is Guard for forms that carry files (multipart/form-data). The
// fields that stand before the first file are parsed into r.PostForm; the form
// token must be among them. The files stream through Uploads: nothing of them
// touches a disk, and no more than a buffer is in memory.
func (k *Kit) GuardUpload(limits UploadLimits, next http.Handler) http.Handler {
	limits = limits.orDefault()
	origins := http.NewCrossOriginProtection()
	if k.Issuer != nil {
		_ = origins.AddTrustedOrigin(k.Issuer.Scheme + "://" + k.Issuer.Host) // as in Guard
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if origins.Check(r) != nil || err != nil || kind != "multipart/form-data" {
			k.problem(w, r, templates.Problem{Status: http.StatusForbidden})
			return
		}
		if params["boundary"] == "" {
			k.problem(w, r, templates.Problem{Status: http.StatusBadRequest})
			return
		}
		if r.ContentLength > limits.Body {
			w.Header().Set("Connection", "close")
			k.problem(w, r, templates.Problem{Status: http.StatusRequestEntityTooLarge})
			return
		}
		leave, ok := k.under.enter(ClientIP(r.Context()))
		if !ok {
			w.Header().Set("Connection", "close")
			k.problem(w, r, templates.Problem{Status: http.StatusServiceUnavailable, RetryAfter: unavailableWait})
			return
		}
		defer leave()
		p := k.parts(w, r, params["boundary"], limits)
		if err := p.fields(r); err != nil {
			k.failUpload(w, r, err)
			return
		}
		if !k.tokenFits(r) {
			p.drain()
			k.problem(w, r, templates.Problem{Status: http.StatusForbidden})
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), partsKey{}, p)))
	})
}

func (l UploadLimits) orDefault() UploadLimits {
	if l.Files == 0 {
		l.Files = 1
	}
	if l.File == 0 {
		l.File = 5<<20 + 1
	}
	if l.Body == 0 {
		l.Body = 16<<20 + int64(l.Files-1)*(8<<20)
	}
	if l.Pause == 0 {
		l.Pause = 10 * time.Second
	}
	return l
}

// failUpload answers for a form that could not be read.
func (k *Kit) failUpload(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Connection", "close") // what is not read cannot be answered on the same connection
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		k.problem(w, r, templates.Problem{Status: http.StatusRequestEntityTooLarge})
	case errors.Is(err, os.ErrDeadlineExceeded):
		k.problem(w, r, templates.Problem{Status: http.StatusRequestTimeout, Text: templates.T("upload.slow")})
	default:
		k.problem(w, r, templates.Problem{Status: http.StatusBadRequest})
	}
}

// Uploads gives the files of a form that passed GuardUpload, one after the other;
// inputs for which no file was chosen are left out. An error is what FailUpload
// answers, and the last element. When the loop ends, the rest of the form has been
// read off, so that the answer reaches the browser.
func Uploads(r *http.Request) iter.Seq2[Upload, error] {
	p, _ := r.Context().Value(partsKey{}).(*parts)
	return func(yield func(Upload, error) bool) {
		if p == nil {
			yield(Upload{}, errors.New("web: Uploads without GuardUpload"))
			return
		}
		defer p.drain()
		for {
			u, err := p.next(r)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// FailUpload is Fail for errors of Uploads, and of those who read the files:
// 413, 408 and 400 where the form is to blame.
func (k *Kit) FailUpload(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, errFormBroken) || errors.Is(err, os.ErrDeadlineExceeded) {
		k.failUpload(w, r, err)
		return
	}
	k.Fail(w, r, err)
}

type partsKey struct{}

// parts reads a form part by part.
type parts struct {
	body   *pace
	reader *multipart.Reader
	limits UploadLimits
	ahead  *multipart.Part // a file that fields came upon
	seen   int
	files  int
	text   int64
	ended  bool
}

func (k *Kit) parts(w http.ResponseWriter, r *http.Request, boundary string, limits UploadLimits) *parts {
	body := r.Body
	if v := visitOf(r.Context()); v != nil && v.body != nil {
		body = v.body // Wrap's limit is for forms without files
	}
	body = http.MaxBytesReader(w, body, limits.Body)
	began := time.Now() // deadlines of connections are real time
	answer := http.NewResponseController(w)
	// Writers that know no deadlines (in tests) go without.
	_ = answer.SetWriteDeadline(began.Add(uploadTime + time.Minute))
	paced := &pace{body: body, conn: answer, began: began, pause: limits.Pause}
	r.Body = struct {
		io.Reader
		io.Closer
	}{paced, body}
	return &parts{body: paced, reader: multipart.NewReader(paced, boundary), limits: limits}
}

// fields reads up to the first file.
func (p *parts) fields(r *http.Request) error {
	r.PostForm = map[string][]string{}
	r.Form = r.URL.Query()
	for {
		part, file, err := p.part(r)
		if errors.Is(err, io.EOF) {
			p.ended = true
			return nil
		}
		if err != nil {
			return err
		}
		if file {
			p.ahead = part
			return nil
		}
	}
}

// part gives the next part, a field's already read into the form.
func (p *parts) part(r *http.Request) (*multipart.Part, bool, error) {
	part, err := p.reader.NextRawPart()
	if err != nil {
		return nil, false, p.reading(err)
	}
	if p.seen++; p.seen > maxParts {
		return nil, false, errTooManyParts
	}
	given := part.Header.Get("Content-Disposition")
	if len(given) > maxDisposition {
		return nil, false, errFormBroken
	}
	disposition, params, err := mime.ParseMediaType(given)
	name := params["name"]
	if err != nil || disposition != "form-data" || name == "" || len(name) > maxFieldName {
		return nil, false, errFormBroken
	}
	if _, file := params["filename"]; file {
		return part, true, nil
	}
	value, err := io.ReadAll(io.LimitReader(part, maxFormText-p.text+1))
	if err != nil {
		return nil, false, p.reading(err)
	}
	if p.text += int64(len(value)); p.text > maxFormText {
		return nil, false, &http.MaxBytesError{Limit: maxFormText}
	}
	r.PostForm.Add(name, string(value))
	return part, false, nil
}

// next gives the next chosen file; io.EOF after the last one.
func (p *parts) next(r *http.Request) (Upload, error) {
	for {
		part, file := p.ahead, p.ahead != nil
		if p.ahead = nil; !file {
			if p.ended {
				return Upload{}, io.EOF
			}
			var err error
			if part, file, err = p.part(r); err != nil {
				p.ended = true
				return Upload{}, err
			}
			if !file {
				continue
			}
		}
		_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition")) // vetted by part
		if params["filename"] == "" {
			continue // nothing was chosen
		}
		if p.files++; p.files > p.limits.Files {
			p.ended = true
			return Upload{}, &http.MaxBytesError{Limit: int64(p.limits.Files)}
		}
		return Upload{Field: params["name"], Name: strings.ToValidUTF8(params["filename"], ""), Body: &cleanErrors{io.LimitReader(part, p.limits.File), p}}, nil
	}
}

// drain reads off what is left, within the limits of the body.
func (p *parts) drain() {
	p.ended = true
	_, _ = io.Copy(io.Discard, p.body) // the answer does not depend on it
}

// cleanErrors tells a broken form from a failure of ours.
type cleanErrors struct {
	r io.Reader
	p *parts
}

func (c *cleanErrors) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	return n, c.p.reading(err)
}

// reading sorts errors of the body: too large and too slow are themselves, also
// where the reader of the form took them for a line that ends; all others, such as
// an end before the last boundary, mean a broken form.
func (p *parts) reading(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	var tooLarge *http.MaxBytesError
	if cause := p.body.failed; errors.Is(cause, os.ErrDeadlineExceeded) || errors.As(cause, &tooLarge) {
		return cause
	}
	return errors.Join(errFormBroken, err)
}

// pace reads a body that must keep coming.
type pace struct {
	body   io.Reader
	conn   *http.ResponseController
	began  time.Time
	pause  time.Duration
	got    int64
	failed error
}

// Read implements io.Reader.
func (p *pace) Read(b []byte) (int, error) {
	now := time.Now()
	spent := now.Sub(p.began)
	if spent > uploadTime || spent > uploadGrace && p.got < int64((spent-uploadGrace).Seconds()*leastRate) {
		p.failed = os.ErrDeadlineExceeded
		return 0, p.failed
	}
	_ = p.conn.SetReadDeadline(now.Add(p.pause)) // as above
	n, err := p.body.Read(b)
	p.got += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		p.failed = err
	}
	return n, err
}

// underway counts uploads.
type underway struct {
	mu  sync.Mutex
	all int
	by  map[string]int
}

func (u *underway) enter(address string) (leave func(), ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all >= uploadsAtOnce || u.by[address] >= uploadsPerAddress {
		return nil, false
	}
	if u.by == nil {
		u.by = map[string]int{}
	}
	u.all++
	u.by[address]++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.all--
		if u.by[address]--; u.by[address] == 0 {
			delete(u.by, address)
		}
	}, true
}
