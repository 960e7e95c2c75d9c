package document

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// chunk is a chunk of a PNG.
func chunk(kind, body string) string {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.BigEndian, uint32(len(body)))
	b.WriteString(kind + body)
	_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE([]byte(kind+body)))
	return b.String()
}

// pngHead is a PNG of which only the head is there.
func pngHead(w, h uint32, depth, colour, interlace byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	ihdr = append(ihdr, depth, colour, 0, 0, interlace)
	return []byte(string(pngMark) + chunk("IHDR", string(ihdr)) + chunk("IDAT", "x"))
}

// jpegHead is a JPEG of which only the frame header is there.
func jpegHead(sof byte, w, h int, components ...byte) []byte {
	frame := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(len(components))}
	for i, hv := range components {
		frame = append(frame, byte(i+1), hv, 0)
	}
	b := append([]byte{0xff, 0xd8, 0xff, sof, 0, byte(len(frame) + 2)}, frame...)
	return append(b, 0xff, 0xda, 0, 2)
}

const payload = "<script>alert('kejitong')</script>"

// S72, S73: what is not taken, and why.
func TestFilesThatAreRefused(t *testing.T) {
	small := quartersOf(120, 160)
	jpg, pic := asJPEG(t, small), asPNG(t, small)
	var gifar bytes.Buffer
	must(t, gif.Encode(&gifar, image.NewPaletted(image.Rect(0, 0, 90, 90), color.Palette{color.Black, color.White}), nil))
	gifar.WriteString("PK\x03\x04 a class of Java")
	apng := strings.Replace(string(pic), chunk("IDAT", "")[4:8], "IDAT", 1)
	at := strings.Index(apng, "IDAT") - 4
	apng = apng[:at] + chunk("acTL", "\x00\x00\x00\x02\x00\x00\x00\x00") + apng[at:]
	manyScans := append(bytes.Clone(jpg), bytes.Repeat([]byte{0xff, 0xda, 0, 2}, 65)...)
	for _, row := range []struct {
		name string
		body []byte
		msg  string
	}{
		{"nothing", nil, MsgEmpty},
		{"6 MiB", append(bytes.Clone(jpg), make([]byte, 6<<20)...), MsgTooLarge},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg">` + payload + `</svg>`), MsgForm},
		{"HTML", []byte("<!doctype html>" + payload), MsgForm},
		{"XML", []byte(`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`), MsgForm},
		{"HTML before a JPEG", append([]byte(payload), jpg...), MsgForm},
		{"GIF", gifar.Bytes(), MsgForm},
		{"GIFAR", gifar.Bytes(), MsgForm},
		{"ZIP with a JPEG behind", append([]byte("PK\x03\x04"), jpg...), MsgForm},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00"), MsgForm},
		{"WebP", []byte("RIFF\x00\x00\x00\x00WEBPVP8 "), MsgForm},
		{"BMP", []byte("BM\x00\x00\x00\x00"), MsgForm},
		{"a program", []byte("\x7fELF"), MsgForm},
		{"three bytes of a JPEG", jpg[:3], MsgDamaged},
		{"half a JPEG", jpg[:len(jpg)/2], MsgDamaged},
		{"half a PNG", pic[:len(pic)/2], MsgDamaged},
		{"PNG with a wrong checksum", append(append(bytes.Clone(pic[:20]), pic[20]^1), pic[21:]...), MsgDamaged},
		{"PNG that moves", []byte(apng), MsgAnimated},
		{"PNG bomb of 30 000 × 30 000", pngHead(30_000, 30_000, 8, 0, 0), MsgTooManyDots},
		{"PNG of 4 000 000 000 × 1", pngHead(4_000_000_000, 1, 8, 0, 0), MsgTooManyDots},
		{"PNG one row too large", pngHead(8000, 5001, 8, 0, 0), MsgTooManyDots},
		{"PNG of no width", pngHead(0, 100, 8, 0, 0), MsgDamaged},
		{"PNG of 16 bits that is too heavy", pngHead(6000, 6000, 16, 2, 0), MsgHeavy},
		{"interlaced PNG that is too heavy", pngHead(6000, 6000, 8, 6, 1), MsgHeavy},
		{"JPEG of 30 000 × 30 000", jpegHead(0xc0, 30_000, 30_000, 0x11), MsgTooManyDots},
		{"progressive JPEG that is too heavy", jpegHead(0xc2, 6000, 6000, 0x11, 0x11, 0x11), MsgHeavy},
		{"CMYK JPEG that is too heavy", jpegHead(0xc0, 6000, 6000, 0x11, 0x11, 0x11, 0x11), MsgHeavy},
		{"JPEG of 65 scans", manyScans, MsgHeavy},
		{"JPEG of two components", jpegHead(0xc0, 100, 100, 0x11, 0x11), MsgDamaged},
		{"JPEG of twelve bits", bytes.Replace(jpegHead(0xc1, 100, 100, 0x11), []byte{0, 11, 8}, []byte{0, 11, 12}, 1), MsgDamaged},
		{"lossless JPEG", jpegHead(0xc3, 100, 100, 0x11), MsgDamaged},
		{"a stamp", asPNG(t, quartersOf(49, 400)), MsgTooSmall},
		{"a strip", asPNG(t, quartersOf(400, 49)), MsgTooSmall},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, sh := house()
			_, err := add(t, s, sh, "身份证.jpg", row.body)
			var why *fault.Error
			if !errors.As(err, &why) || why.Kind != fault.Invalid || why.Field != "file" || why.Msg != row.msg {
				t.Errorf("got %v, want %s", err, row.msg)
			}
			if len(sh.rows)+len(sh.blobs) > 0 {
				t.Error("something is left of it")
			}
		})
	}
}

// S72: whatever a file is beside a picture is gone from what is kept, and its name
// and type change nothing.
func TestNothingButThePictureIsKept(t *testing.T) {
	img := quartersOf(120, 160)
	jpg, pic := asJPEG(t, img), asPNG(t, img)
	end := bytes.LastIndex(pic, []byte("IEND")) - 4
	for _, row := range []struct {
		name string
		body []byte
	}{
		{"JPEG with HTML behind", append(bytes.Clone(jpg), "<html>"+payload...)},
		{"JPEG with HTML in a comment", withSegment(jpg, 0xfe, payload)},
		{"JPEG with PHP in EXIF", withSegment(jpg, 0xe1, exif(1)+"<?php system($_GET[0]); ?>")},
		{"JPEG with a profile", withSegment(jpg, 0xe2, "ICC_PROFILE\x00"+payload)},
		{"JPEG with XMP", withSegment(jpg, 0xe1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>"+payload)},
		{"JPEG and ZIP", append(bytes.Clone(jpg), "PK\x03\x04"+payload...)},
		{"JPEG and PDF", withSegment(jpg, 0xfe, "%PDF-1.4 1 0 obj <</JS (app.alert(1))>>"+payload)},
		{"PNG and ZIP", append(bytes.Clone(pic), "PK\x03\x04"+payload...)},
		{"PNG with text", []byte(string(pic[:end]) + chunk("tEXt", "Comment\x00"+payload) + string(pic[end:]))},
		{"PNG with a chunk of its own", []byte(string(pic[:end]) + chunk("kjTg", payload) + string(pic[end:]))},
		{"PNG with EXIF", []byte(string(pic[:end]) + chunk("eXIf", exif(1)[6:]+payload) + string(pic[end:]))},
	} {
		for _, name := range []string{"证件.jpg", "证件.png", "x.pdf.html", "x.php"} {
			s, sh := house()
			pages, err := add(t, s, sh, name, row.body)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
				continue
			}
			kept := pages[0].body
			for _, trace := range []string{"script", "<html", "<?php", "Exif", "GPS", "116.4074", "ICC_", "xmpmeta", "PK\x03\x04", "%PDF", "tEXt", "kjTg", "JFIF", "Adobe"} {
				if bytes.Contains(kept, []byte(trace)) {
					t.Errorf("%s: %q is still there", row.name, trace)
				}
			}
			if got := corners(t, kept); got != "rgbw" {
				t.Errorf("%s: the picture has become %s", row.name, got)
			}
		}
	}
}

// Colour models and the turns of cameras.
func TestPicturesAreKeptAsSeen(t *testing.T) {
	img := quartersOf(120, 160)
	gray, alpha, deep := image.NewGray(img.Rect), image.NewNRGBA(image.Rect(0, 0, 120, 160)), image.NewNRGBA64(img.Rect)
	paletted := image.NewPaletted(img.Rect, color.Palette{color.RGBA{220, 20, 20, 255}, color.RGBA{20, 200, 20, 255}, color.RGBA{20, 20, 220, 255}, color.White})
	for y := range 160 {
		for x := range 120 {
			gray.Set(x, y, img.At(x, y))
			deep.Set(x, y, img.At(x, y))
			paletted.Set(x, y, img.At(x, y))
			if x < 60 || y < 80 { // the lower right corner stays transparent: white on paper
				alpha.Set(x, y, img.At(x, y))
			}
		}
	}
	for name, row := range map[string]struct {
		body []byte
		want string
	}{
		"JPEG":             {asJPEG(t, img), "rgbw"},
		"PNG":              {asPNG(t, img), "rgbw"},
		"PNG with alpha":   {asPNG(t, alpha), "rgbw"},
		"PNG of 16 bits":   {asPNG(t, deep), "rgbw"},
		"PNG with palette": {asPNG(t, paletted), "rgbw"},
		"turned by 1":      {withSegment(asJPEG(t, img), 0xe1, exif(1)), "rgbw"},
		"turned by 2":      {withSegment(asJPEG(t, img), 0xe1, exif(2)), "grwb"},
		"turned by 3":      {withSegment(asJPEG(t, img), 0xe1, exif(3)), "wbgr"},
		"turned by 4":      {withSegment(asJPEG(t, img), 0xe1, exif(4)), "bwrg"},
		"turned by 5":      {withSegment(asJPEG(t, img), 0xe1, exif(5)), "rbgw"},
		"turned by 6":      {withSegment(asJPEG(t, img), 0xe1, exif(6)), "brwg"},
		"turned by 7":      {withSegment(asJPEG(t, img), 0xe1, exif(7)), "wgbr"},
		"turned by 8":      {withSegment(asJPEG(t, img), 0xe1, exif(8)), "gwrb"},
		"turned by 9":      {withSegment(asJPEG(t, img), 0xe1, exif(9)), "rgbw"},
		"larger than kept": {asJPEG(t, quartersOf(4000, 300)), "rgbw"},
	} {
		s, sh := house()
		pages, err := add(t, s, sh, "a.jpg", row.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := corners(t, pages[0].body); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
		if max(pages[0].Width, pages[0].Height) > maxEdge {
			t.Errorf("%s: kept as %d × %d", name, pages[0].Width, pages[0].Height)
		}
	}
	s, sh := house()
	if _, err := add(t, s, sh, "grey.jpg", asJPEG(t, gray)); err != nil {
		t.Errorf("grey JPEG: %v", err)
	}
}

// A CMYK JPEG as Photoshop writes it: four components, inverted.
func TestCMYK(t *testing.T) {
	// 60 × 60 pixels, made from a baseline JPEG of four components of one constant
	// value each, so that no encoder is needed.
	s, sh := house()
	pages, err := add(t, s, sh, "cmyk.jpg", cmyk(t))
	must(t, err)
	img, err := jpeg.Decode(bytes.NewReader(pages[0].body))
	must(t, err)
	if r, g, b, _ := img.At(30, 30).RGBA(); r < 0x7000 || r > 0x9000 || g < 0x7000 || g > 0x9000 || b < 0x7000 || b > 0x9000 {
		t.Errorf("a grey of half ink has become %x %x %x", r, g, b)
	}
}

// cmyk makes the smallest CMYK picture: all coefficients are zero, which is 128 in
// each component, and K without ink.
func cmyk(t testing.TB) []byte {
	t.Helper()
	b := []byte{0xff, 0xd8, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}
	b = append(b, 0xff, 0xdb, 0, 67, 0)
	b = append(b, bytes.Repeat([]byte{1}, 64)...)
	b = append(b, 0xff, 0xc0, 0, 20, 8, 0, 64, 0, 64, 4)
	for id := byte(1); id <= 4; id++ {
		b = append(b, id, 0x11, 0)
	}
	// One code each: DC "0" is category 0 and "10" category 11; AC "0" ends the block.
	b = append(b, 0xff, 0xc4, 0, 21, 0x00, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11)
	b = append(b, 0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, 0xff, 0xda, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0)
	bits := ""
	for block := range 64 {
		for component := range 4 {
			dc := "0"
			if block == 0 && component == 3 {
				dc = "10" + "10000000000" // +1024, which is clamped to 255
			}
			bits += dc + "0"
		}
	}
	for len(bits)%8 != 0 {
		bits += "1"
	}
	for i := 0; i < len(bits); i += 8 {
		var c byte
		for _, bit := range bits[i : i+8] {
			c = c<<1 | byte(bit-'0')
		}
		b = append(b, c)
		if c == 0xff {
			b = append(b, 0)
		}
	}
	return append(b, 0xff, 0xd9)
}

// S72: of a PDF only scans are taken.
func TestPDFs(t *testing.T) {
	jpg := asJPEG(t, quartersOf(120, 160))
	page2 := "3 0 obj <</Type /Page"
	for _, row := range []struct {
		name string
		body []byte
		msg  string // "" if it is taken
		want string // corners of the first page
	}{
		{"script in the catalog", scan(jpg, "/Pages 2 0 R", "/Pages 2 0 R /OpenAction <</S /JavaScript /JS (app.alert(1))>>"), MsgPDFActive, ""},
		{"script under another spelling", scan(jpg, "/Pages 2 0 R", "/Pages 2 0 R /OpenAction <</S /J#61vaScript /#4a#53 (app.alert(1))>>"), MsgPDFActive, ""},
		{"script that nothing refers to", scan(jpg, "9 0 obj 12345 endobj", "9 0 obj 12345 endobj 10 0 obj <</JS (x)>> endobj"), MsgPDFActive, ""},
		{"script in an object stream", scan(jpg, "9 0 obj 12345 endobj", "10 0 obj <</Type /ObjStm /N 1 /First 5 /Filter /FlateDecode /Length 0>> stream\n"+deflated("11 0 <</S /JavaScript>>")+"\nendstream endobj"), MsgPDFActive, ""},
		{"attachment", scan(jpg, "/Pages 2 0 R", "/Pages 2 0 R /Names <</EmbeddedFiles <</Names [(a) 7 0 R]>>>>"), MsgPDFActive, ""},
		{"launch", scan(jpg, "/Contents 4 0 R", "/Contents 4 0 R /AA <</O <</S /Launch /F (cmd.exe)>>>>"), MsgPDFActive, ""},
		{"form", scan(jpg, "/Pages 2 0 R", "/Pages 2 0 R /AcroForm <</Fields []>>"), MsgPDFForm, ""},
		{"encrypted", scan(jpg, "/Size 6", "/Size 6 /Encrypt 8 0 R"), MsgPDFLocked, ""},
		{"text", scan(jpg, "/Im0 Do Q", "/Im0 Do Q BT /F1 12 Tf (I agree) Tj ET"), MsgPDFForm, ""},
		{"text after unseen text", scan(jpg, "/Im0 Do Q", "/Im0 Do Q q 3 Tr Q BT (I agree) Tj ET"), MsgPDFForm, ""},
		{"a line", scan(jpg, "/Im0 Do Q", "/Im0 Do Q 0 0 m 100 100 l S"), MsgPDFForm, ""},
		{"a filled square", scan(jpg, "/Im0 Do Q", "/Im0 Do Q 0 0 99 99 re f"), MsgPDFForm, ""},
		{"an inline picture", scan(jpg, "/Im0 Do Q", "/Im0 Do Q BI /W 1 ID x EI"), MsgPDFForm, ""},
		{"two pictures", scan(jpg, "/Im0 Do Q", "/Im0 Do /Im0 Do Q"), MsgPDFForm, ""},
		{"no picture", scan(jpg, "/Im0 Do Q", "Q"), MsgPDFForm, ""},
		{"mirrored", scan(jpg, "595 0 0 842", "-595 0 0 842"), MsgPDFForm, ""},
		{"slanted", scan(jpg, "595 0 0 842", "595 100 -100 842"), MsgPDFForm, ""},
		{"of no size", scan(jpg, "595 0 0 842", "0 0 0 0"), MsgPDFForm, ""},
		{"a stamp over it", scan(jpg, "/Contents 4 0 R", "/Contents 4 0 R /Annots [<</Subtype /Stamp>>]"), MsgPDFForm, ""},
		{"a mask", scan(jpg, "/BitsPerComponent 8", "/BitsPerComponent 8 /SMask 6 0 R", "9 0 obj 12345", "6 0 obj <<>> endobj 9 0 obj 12345"), MsgPDFForm, ""},
		{"inverted", scan(jpg, "/BitsPerComponent 8", "/BitsPerComponent 8 /Decode [1 0 1 0 1 0]"), MsgPDFForm, ""},
		{"fax", scan(jpg, "/DCTDecode", "/CCITTFaxDecode"), MsgPDFForm, ""},
		{"raw pixels", scan([]byte(deflated("xxxx")), "/DCTDecode", "/FlateDecode"), MsgPDFForm, ""},
		{"HTML as its picture", scan([]byte(payload)), MsgPDFForm, ""},
		{"PNG as its picture", scan(asPNG(t, quartersOf(120, 160))), MsgPDFForm, ""},
		{"bomb as its picture", scan(jpegHead(0xc0, 30_000, 30_000, 0x11)), MsgTooManyDots, ""},
		{"half a JPEG as its picture", scan(jpg[:len(jpg)/2]), MsgDamaged, ""},
		{"two catalogs", scan(jpg, "9 0 obj 12345 endobj", "9 0 obj <</Type /Catalog /Pages 2 0 R>> endobj"), MsgPDFForm, ""},
		{"no catalog", scan(jpg, "/Type /Catalog", "/Type /Katalog"), MsgPDFForm, ""},
		{"a page that is its own parent", scan(jpg, "/Kids [3 0 R]", "/Kids [2 0 R]"), MsgPDFForm, ""},
		{"the same page twice", scan(jpg, "/Kids [3 0 R]", "/Kids [3 0 R 3 0 R]"), MsgPDFForm, ""},
		{"no pages", scan(jpg, "/Kids [3 0 R]", "/Kids []"), MsgPDFForm, ""},
		{"eleven pages", scan(jpg, "/Kids [3 0 R]", "/Kids ["+strings.Repeat("<</Type /Page /Contents 4 0 R /Resources <</XObject <</Im0 5 0 R>>>>>>", 11)+"]"), MsgPDFPages, ""},
		{"a content bomb", scan(jpg, "/Length 30>> stream\nq 595 0 0 842 0 0 cm /Im0 Do Q", "/Filter /FlateDecode /Length 0>> stream\n"+deflated(strings.Repeat(" ", 64<<20))), MsgPDFForm, ""},
		{"a nesting of brackets", scan(jpg, "9 0 obj 12345", "9 0 obj "+strings.Repeat("[", 100_000)), MsgPDFForm, ""},
		{"a string without end", scan(jpg, "9 0 obj 12345", "9 0 obj (((("), MsgPDFForm, ""},
		{"a key twice", scan(jpg, page2, page2+" /Contents 9 0 R"), MsgPDFForm, ""},
		{"nothing else", []byte("%PDF-1.7\n"), MsgPDFForm, ""},

		{"a scan", scan(jpg), "", "rgbw"},
		{"a scan with OCR", scan(jpg, "/Im0 Do Q", "/Im0 Do Q BT 3 Tr /F1 9 Tf 1 0 0 1 0 0 Tm (abc) Tj [(d) -20 (e)] TJ ET"), "", "rgbw"},
		{"compressed content", scan(jpg, "/Length 30>> stream\nq 595 0 0 842 0 0 cm /Im0 Do Q", "/Filter [/FlateDecode] /Length 0>> stream\n"+deflated("q 595 0 0 842 0 0 cm /Im0 Do Q")), "", "rgbw"},
		{"content in parts", scan(jpg, "/Contents 4 0 R", "/Contents [6 0 R 4 0 R 7 0 R]", "9 0 obj 12345", "6 0 obj <<>> stream\nq\nendstream endobj 7 0 obj <<>> stream\nQ\nendstream endobj 9 0 obj 12345"), "", "rgbw"},
		{"turned by the page", scan(jpg, "/Contents 4 0 R", "/Contents 4 0 R /Rotate 90"), "", "brwg"},
		{"turned by the pages", scan(jpg, "/Rotate 0", "/Rotate -90"), "", "gwrb"},
		{"turned by the content", scan(jpg, "595 0 0 842", "0 842 -595 0"), "", "gwrb"},
		{"turned there and back", scan(jpg, "595 0 0 842", "0 842 -595 0", "/Rotate 0", "/Rotate 90"), "", "rgbw"},
		{"upside down", scan(jpg, "595 0 0 842", "-595 0 0 -842"), "", "wbgr"},
		{"EXIF within counts for nothing", scan(withSegment(jpg, 0xe1, exif(6))), "", "rgbw"},
		{"pages in an object stream", scan(jpg, "1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj", "10 0 obj <</Type /ObjStm /N 1 /First 4 /Length 3>> stream\n1 0 <</Type /Catalog /Pages 2 0 R>>\nendstream endobj"), "", "rgbw"},
		{"ten pages", scan(jpg, "/Kids [3 0 R]", "/Kids ["+strings.Repeat("<</Type /Page /Contents 4 0 R /Resources <</XObject <</Im0 5 0 R>>>>>>", 10)+"]"), "", "rgbw"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, sh := house()
			pages, err := add(t, s, sh, "扫描件.pdf", row.body)
			if row.msg == "" {
				must(t, err)
				if got := corners(t, pages[0].body); got != row.want {
					t.Errorf("the picture is %s, want %s", got, row.want)
				}
				return
			}
			var why *fault.Error
			if !errors.As(err, &why) || why.Msg != row.msg {
				t.Errorf("got %v, want %s", err, row.msg)
			}
			if refusals := slices.IndexFunc(sh.events, func(e audit.Event) bool { return e.Kind == audit.DocumentRefused }); (refusals >= 0) != (row.msg == MsgPDFActive) {
				t.Errorf("trail: %v", sh.events)
			}
		})
	}
}

// S74: a name is what its owner sees again, and nothing else.
func TestFileNames(t *testing.T) {
	for given, want := range map[string]string{
		"../../etc/passwd":                 "passwd",
		`C:\Users\张三\身份证.jpg`:              "身份证.jpg",
		"a\x00b\r\nc.jpg":                  "abc.jpg",
		"photo\u202egpj.exe":               "photogpj.exe",
		strings.Repeat("长", 300):           strings.Repeat("长", 200),
		"\u2066a\u2069\u200b\ufeff.jpg":    "a.jpg",
		"":                                 "",
		"..":                               "..",
		"营业执照 (2).jpg":                     "营业执照 (2).jpg",
		"bad \xff utf8.png":                "bad  utf8.png",
		"/":                                "",
		"<img src=x onerror=alert(1)>.jpg": "<img src=x onerror=alert(1)>.jpg",
	} {
		if got := cleanName(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}
