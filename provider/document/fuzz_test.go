package document

import (
	"bytes"
	"image/jpeg"
	"strings"
	"testing"
)

// FuzzIntake: whatever is handed in ends as a refusal or as pictures that are
// JPEGs of ours within the bounds, and nothing panics.
func FuzzIntake(f *testing.F) {
	jpg := asJPEG(f, quartersOf(60, 60))
	for _, b := range [][]byte{
		jpg, asPNG(f, quartersOf(60, 60)), withSegment(jpg, 0xe1, exif(6)), cmyk(f), scan(jpg), scan(jpg, "/Rotate 0", "/Rotate 90"),
		scan(jpg, "/Pages 2 0 R", "/Pages 2 0 R /OpenAction <</JS (x)>>"), pngHead(30000, 30000, 8, 2, 1), jpegHead(0xc2, 100, 100, 0x22, 0x11, 0x11),
		scan(jpg, "9 0 obj 12345 endobj", "10 0 obj <</Type /ObjStm /N 1 /First 5 /Length 3>> stream\n11 0 <<>>\nendstream endobj"),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, sh := house()
		pages, err := add(t, s, sh, "a", b)
		if err != nil {
			return
		}
		for _, p := range pages {
			cfg, err := jpeg.DecodeConfig(bytes.NewReader(p.body))
			if err != nil || cfg.Width != p.Width || cfg.Height != p.Height || max(p.Width, p.Height) > maxEdge {
				t.Errorf("kept: %v %v", cfg, err)
			}
		}
	})
}

// FuzzPDF: reading ends, in bounds, for any text.
func FuzzPDF(f *testing.F) {
	for _, s := range []string{
		"1 0 obj <</Type /Catalog>> endobj", "1 0 obj [1 0 R (a\\)b) <41> true null -1.5] endobj", "trailer <</Root 1 0 R>>",
		"1 0 obj <</Length 3>> stream\nabc endstream", "1 0 obj <</Type /ObjStm /N 1 /First 4>> stream\n1 0 <<>> endstream", "1 0 obj /A#42", "1 0 obj <<" + strings.Repeat("/A<<", 60),
	} {
		f.Add([]byte("%PDF-1.4\n" + s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := pdfPictures(b)
		if err == nil && (len(found) == 0 || len(found) > MaxPages) {
			t.Errorf("%d pictures", len(found))
		}
		_, _, _ = drawn(b)
	})
}

// FuzzLook: what the head of a picture says is never smaller than what its
// decoding finds.
func FuzzLook(f *testing.F) {
	jpg := asJPEG(f, quartersOf(60, 60))
	f.Add(jpg)
	f.Add(asPNG(f, quartersOf(60, 60)))
	f.Add(withSegment(jpg, 0xe1, exif(3)))
	f.Add(jpegHead(0xc0, 60, 60, 0x41, 0x11, 0x11))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := look(b)
		if err != nil || s.memory > 1<<24 {
			return
		}
		img, err := s.decode(bytes.NewReader(b))
		if err != nil {
			return
		}
		if r := img.Bounds(); r.Dx() != s.width || r.Dy() != s.height {
			t.Errorf("%v, the head says %d × %d", r, s.width, s.height)
		}
		if s.turn < 1 || s.turn > 8 {
			t.Errorf("turn %d", s.turn)
		}
		if samples := int64(s.width) * int64(s.height); s.memory < samples {
			t.Errorf("%d bytes for %d pixels", s.memory, samples)
		}
	})
}
