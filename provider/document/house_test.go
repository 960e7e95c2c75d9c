package document

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

var moment = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quarters is a picture whose four corners have colours of their own: red and
// green above, blue and white below.
func quartersOf(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{220, 20, 20, 255}
			switch {
			case x >= w/2 && y >= h/2:
				c = color.RGBA{250, 250, 250, 255}
			case y >= h/2:
				c = color.RGBA{20, 20, 220, 255}
			case x >= w/2:
				c = color.RGBA{20, 200, 20, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, img))
	return b.Bytes()
}

// corners names the colours of a picture's corners, from the upper left.
func corners(t testing.TB, b []byte) string {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	must(t, err)
	r := img.Bounds()
	var out strings.Builder
	for _, p := range []image.Point{{r.Dx() / 8, r.Dy() / 8}, {7 * r.Dx() / 8, r.Dy() / 8}, {r.Dx() / 8, 7 * r.Dy() / 8}, {7 * r.Dx() / 8, 7 * r.Dy() / 8}} {
		red, green, blue, _ := img.At(p.X, p.Y).RGBA()
		switch {
		case red > 0x8000 && green > 0x8000 && blue > 0x8000:
			out.WriteByte('w')
		case red > green && red > blue:
			out.WriteByte('r')
		case green > blue:
			out.WriteByte('g')
		default:
			out.WriteByte('b')
		}
	}
	return out.String()
}

// withSegment puts a segment behind the start of a JPEG.
func withSegment(b []byte, marker byte, body string) []byte {
	out := append([]byte{0xff, 0xd8, 0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
	return append(out, b[2:]...)
}

// exif is the EXIF segment of a camera: an orientation, and where it was.
func exif(turn int) string {
	return "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x02" +
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(turn)) + "\x00\x00" +
		"\x88\x25\x00\x04\x00\x00\x00\x01\x00\x00\x00\x26" + "\x00\x00\x00\x00GPS-39.9042N-116.4074E"
}

// scan is a PDF of one page with one JPEG, changed by edits, which are pairs of
// what to replace and by what.
func scan(jpg []byte, edits ...string) []byte {
	text := `%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1 /Rotate 0>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources <</XObject <</Im0 5 0 R>>>>>> endobj
4 0 obj <</Length 30>> stream
q 595 0 0 842 0 0 cm /Im0 Do Q
endstream endobj
5 0 obj <</Type /XObject /Subtype /Image /Width 60 /Height 80 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length 9 0 R>> stream
<JPEG>
endstream endobj
9 0 obj 12345 endobj
trailer <</Root 1 0 R /Size 6>>
startxref 0
%%EOF
`
	for i := 0; i+1 < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			panic("no such text: " + edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	return []byte(strings.Replace(text, "<JPEG>", string(jpg), 1))
}

func deflated(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// shelf is Store and Blobs in memory, for what does not depend on a database.
type shelf struct {
	mu     sync.Mutex
	rows   map[string]Record
	blobs  map[string][]byte
	events []audit.Event
	full   bool
}

func (s *shelf) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (s *shelf) ReserveDocument(_ context.Context, r Record, _ Limits) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[r.ID] = r
	return nil
}
func (s *shelf) ConfirmDocument(context.Context, string) error { return nil }
func (s *shelf) Documents(_ context.Context, caseID string) (out []Document, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.Case == caseID {
			out = append(out, r.Document)
		}
	}
	return out, nil
}

func (s *shelf) Document(_ context.Context, id, _, _ string) (Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[id]
	if !ok {
		return Record{}, fault.New(fault.NotFound, "none")
	}
	return r, nil
}

func (s *shelf) WaitingDocuments(context.Context, int) (out []Record, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.Scan == Waiting {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) QuarantineDocument(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[id]
	ok = ok && r.Scan == Waiting
	if ok {
		r.Scan = Quarantined
		s.rows[id] = r
	}
	return ok, nil
}

func (s *shelf) DestroyDocument(_ context.Context, id string, _ time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.rows[id]
	delete(s.rows, id)
	return ok, nil
}

func (*shelf) CloseDocuments(context.Context, string, time.Time, time.Time) (bool, error) {
	return true, nil
}
func (*shelf) DocumentsClosed(context.Context, string) (bool, error) { return false, nil }
func (*shelf) ExpiredDocuments(context.Context, time.Time, time.Time, time.Time, int) ([]string, error) {
	return nil, nil
}
func (*shelf) OwnedDocuments(context.Context, string) ([]string, error) { return nil, nil }
func (*shelf) UndeletedBlobs(context.Context, int) ([]Stale, error)     { return nil, nil }
func (*shelf) BlobDeleted(context.Context, string) error                { return nil }
func (s *shelf) Record(_ context.Context, ev audit.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, ev)
	return nil
}

func (s *shelf) Put(_ context.Context, name string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return &fault.Error{Kind: fault.Unavailable, Field: "file", Msg: MsgFull}
	}
	s.blobs[name] = bytes.Clone(body)
	return nil
}

func (s *shelf) Get(_ context.Context, name string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "none")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}
func (*shelf) Delete(context.Context, string) error { return nil }

// house is a service on a shelf.
func house() (*Service, *shelf) {
	sh := &shelf{rows: map[string]Record{}, blobs: map[string][]byte{}}
	s := &Service{Store: sh, Blobs: sh, Limits: Limits{Documents: 100, Bytes: 1 << 30}, Now: func() time.Time { return moment }}
	s.Init()
	return s, sh
}

// add hands in b and gives the pages that are kept of it.
func add(t testing.TB, s *Service, sh *shelf, name string, b []byte) ([]page, error) {
	t.Helper()
	d, err := s.Add(t.Context(), Upload{Owner: "zhang", Case: "c1", Kind: Other, Name: name, Body: bytes.NewReader(b)}, audit.Event{Actor: "zhang"})
	if err != nil {
		return nil, err
	}
	r, err := sh.Document(t.Context(), d.ID, "c1", "")
	must(t, err)
	c, err := s.open(t.Context(), r)
	must(t, err)
	if len(c.Pages) != d.Pages {
		return nil, fmt.Errorf("%d pages, the record says %d", len(c.Pages), d.Pages)
	}
	return c.Pages, nil
}
