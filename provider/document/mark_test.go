package document

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// differing counts the pixels in which two pictures differ clearly.
func differing(t *testing.T, a, b []byte) (n, all int) {
	t.Helper()
	one, err := jpeg.Decode(bytes.NewReader(a))
	must(t, err)
	two, err := jpeg.Decode(bytes.NewReader(b))
	must(t, err)
	if one.Bounds() != two.Bounds() {
		t.Fatalf("%v and %v", one.Bounds(), two.Bounds())
	}
	r := one.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r1, g1, b1, _ := one.At(x, y).RGBA()
			r2, g2, b2, _ := two.At(x, y).RGBA()
			if d := abs(r1, r2) + abs(g1, g2) + abs(b1, b2); d > 0x3000 {
				n++
			}
		}
	}
	return n, r.Dx() * r.Dy()
}

func abs(a, b uint32) uint32 {
	if a > b {
		return a - b
	}
	return b - a
}

// C32: whoever looks sees why, in which case, that it was him, and when; on light
// and dark ground, in every quarter of the picture, in any size.
func TestWatermark(t *testing.T) {
	white := image.NewRGBA(image.Rect(0, 0, 1200, 800))
	for i := range white.Pix {
		white.Pix[i] = 0xff
	}
	dark := image.NewRGBA(white.Rect)
	for y := range 800 {
		for x := range 1200 {
			dark.SetRGBA(x, y, color.RGBA{20, 22, 25, 255})
		}
	}
	s, sh := house()
	for name, img := range map[string]image.Image{"white": white, "dark": dark, "small": white.SubImage(image.Rect(0, 0, 150, 100))} {
		d, err := s.Add(t.Context(), Upload{Owner: "zhang", Case: "c1", Kind: IDFront, Name: "身份证.jpg", Body: bytes.NewReader(asPNG(t, img))}, audit.Event{Actor: "zhang"})
		must(t, err)
		r, err := sh.Document(t.Context(), d.ID, "c1", "")
		must(t, err)
		c, err := s.open(t.Context(), r)
		must(t, err)
		look := func(viewer, shown string) []byte {
			p, err := s.View(t.Context(), Access{ID: d.ID, Case: "c1", Shown: shown, Viewer: viewer, Purpose: "review"}, audit.Event{})
			must(t, err)
			if p.Name != "身份证.jpg" {
				t.Errorf("name %q", p.Name)
			}
			return p.JPEG
		}
		marked := look("reviewer-1", "RN20261120-7K3QXMAB")
		if n, all := differing(t, c.Pages[0].body, marked); n < all/100 || n > all/2 {
			t.Errorf("%s: %d of %d pixels bear the mark", name, n, all)
		}
		if name == "small" {
			continue
		}
		for other, b := range map[string][]byte{"viewer": look("reviewer-2", "RN20261120-7K3QXMAB"), "case": look("reviewer-1", "RN20261120-7K3QXMAC")} {
			if n, _ := differing(t, marked, b); n == 0 {
				t.Errorf("%s: another %s leaves the same mark", name, other)
			}
		}
		if dir := os.Getenv("KEJITONG_TEST_PICTURES"); dir != "" {
			must(t, os.WriteFile(filepath.Join(dir, "watermark_"+name+".jpg"), marked, 0o600))
		}
	}
	// An odd name of a case breaks nothing.
	if _, err := stamp("张三\x00\xff", strings.Repeat("x", 1000)); err != nil {
		t.Error(err)
	}
}

// A view without a viewer, a purpose or a parent is a mistake of ours, and shows
// nothing.
func TestViewsAreAccountedFor(t *testing.T) {
	s, sh := house()
	d, err := s.Add(t.Context(), Upload{Owner: "zhang", Case: "c1", Kind: Other, Body: bytes.NewReader(asPNG(t, quartersOf(60, 60)))}, audit.Event{})
	must(t, err)
	for name, a := range map[string]Access{
		"no viewer":  {ID: d.ID, Case: "c1", Purpose: "review"},
		"no purpose": {ID: d.ID, Case: "c1", Viewer: "r"},
		"no parent":  {ID: d.ID, Viewer: "r", Purpose: "review"},
	} {
		if p, err := s.View(t.Context(), a, audit.Event{}); err == nil || p.JPEG != nil {
			t.Errorf("%s: shown", name)
		}
	}
	a := Access{ID: d.ID, Case: "c1", Viewer: "r", Purpose: "review"}
	small := a
	small.Edge = 30
	p, err := s.View(t.Context(), small, audit.Event{})
	must(t, err)
	if cfg, err := jpeg.DecodeConfig(bytes.NewReader(p.JPEG)); err != nil || max(cfg.Width, cfg.Height) != 30 {
		t.Errorf("the small one: %v %v", cfg, err)
	}
	last := sh.events[len(sh.events)-1]
	if last.Kind != audit.DocumentViewed || last.Actor != "r" || last.Object != d.ID || last.Detail != "review" {
		t.Errorf("event %+v", last)
	}
	for b := range sh.blobs { // a blob that was damaged at rest is a failure of ours, not "not found"
		sh.blobs[b][100] ^= 1
	}
	if _, err := s.View(t.Context(), a, audit.Event{}); err == nil || fault.Is(err, fault.NotFound) {
		t.Errorf("damaged: %v", err)
	}
	clear(sh.blobs)
	if _, err := s.View(t.Context(), a, audit.Event{}); err == nil || fault.Is(err, fault.NotFound) {
		t.Errorf("lost: %v", err)
	}
}

// E9: where there is no room nothing is left of the upload.
func TestNoRoom(t *testing.T) {
	s, sh := house()
	sh.full = true
	_, err := add(t, s, sh, "a.jpg", asPNG(t, quartersOf(60, 60)))
	var why *fault.Error
	if !errors.As(err, &why) || why.Kind != fault.Unavailable || why.Msg != MsgFull || len(sh.rows) != 0 {
		t.Errorf("got %v, %d records", err, len(sh.rows))
	}
}
