package document

import (
	"errors"
	"io"
	"math"
)

// pdfPicture is a JPEG of a page and how it has to be turned to stand as it does
// there (an EXIF orientation).
type pdfPicture struct {
	body []byte
	turn int
}

// What a PDF must not have anywhere, not even in a corner that no viewer looks
// at: scripts, attachments, actions that lead elsewhere, media (S72).
var activeNames = []string{"JS", "JavaScript", "Launch", "EmbeddedFile", "EmbeddedFiles", "Filespec", "AA", "RichMedia", "XFA", "SubmitForm",
	"ImportData", "GoToE", "GoToR", "Rendition", "Movie", "Sound", "URI"}

// pdfPictures gives the JPEGs that the pages of a PDF are. There is no renderer
// here: every page must be one JPEG and nothing else that can be seen, as scanners
// and the scanning functions of telephones make them. What a renderer would have
// shown beside it might be what matters, so all other files are refused as a
// whole.
func pdfPictures(b []byte) ([]pdfPicture, error) {
	f, err := readPDF(b)
	if err != nil {
		return nil, refused(MsgPDFForm)
	}
	if f.names["Encrypt"] {
		return nil, refused(MsgPDFLocked)
	}
	for _, name := range activeNames {
		if f.names[name] {
			return nil, refused(MsgPDFActive)
		}
	}
	var root pdfDict
	for _, o := range f.objects {
		if d, ok := o.(pdfDict); ok && d["Type"] == pdfName("Catalog") {
			if root != nil {
				return nil, refused(MsgPDFForm) // which one counts is a matter of the viewer
			}
			root = d
		}
	}
	if root == nil || root["AcroForm"] != nil {
		return nil, refused(MsgPDFForm)
	}
	w := pdfWalk{f: f, seen: map[any]bool{}}
	if err := w.walk(root["Pages"], pdfDict{}, 0); err != nil {
		if errors.Is(err, errTooManyPages) {
			return nil, refused(MsgPDFPages)
		}
		return nil, refused(MsgPDFForm)
	}
	if len(w.found) == 0 {
		return nil, refused(MsgPDFForm)
	}
	return w.found, nil
}

var errTooManyPages = errors.New("too many pages")

type pdfWalk struct {
	f     *pdfFile
	seen  map[any]bool
	found []pdfPicture
}

// walk goes through the page tree (§7.7.3). inherited are the attributes of the
// nodes above.
func (w *pdfWalk) walk(node any, inherited pdfDict, depth int) error {
	if _, ref := node.(pdfRef); ref {
		if w.seen[node] {
			return errPDF
		}
		w.seen[node] = true
	}
	d := w.f.dictOf(node)
	if d == nil || depth > maxNesting {
		return errPDF
	}
	own := pdfDict{}
	for _, key := range []string{"Resources", "Rotate"} {
		if own[key] = inherited[key]; d[key] != nil {
			own[key] = d[key]
		}
	}
	switch d["Type"] {
	case pdfName("Pages"):
		kids, ok := w.f.get(d["Kids"]).(pdfList)
		if !ok {
			return errPDF
		}
		for _, kid := range kids {
			if err := w.walk(kid, own, depth+1); err != nil {
				return err
			}
		}
		return nil
	case pdfName("Page"):
		if len(w.found) == MaxPages {
			return errTooManyPages
		}
		return w.page(d, own)
	}
	return errPDF
}

// page takes the picture of a page.
func (w *pdfWalk) page(d, own pdfDict) error {
	if notes, ok := w.f.get(d["Annots"]).(pdfList); ok && len(notes) > 0 || d["Annots"] != nil && !ok {
		return errPDF // stamps and notes lie over the picture
	}
	content, err := w.content(d["Contents"])
	if err != nil {
		return err
	}
	name, turn, err := drawn(content)
	if err != nil {
		return err
	}
	x := w.f.dictOf(w.f.dictOf(own["Resources"])["XObject"])
	s, ok := w.f.get(x[name]).(pdfStream)
	if !ok || s.dict["Subtype"] != pdfName("Image") || w.f.one(s.dict["Filter"]) != pdfName("DCTDecode") || sniff(s.raw) != formatJPEG {
		return errPDF
	}
	for _, key := range []string{"SMask", "Mask", "ImageMask", "Decode", "Alternates"} {
		if v := w.f.get(s.dict[key]); v != nil && v != false {
			return errPDF
		}
	}
	rotate, _ := w.f.get(own["Rotate"]).(float64)
	if math.Mod(rotate, 90) != 0 || math.Abs(rotate) > 3600 {
		return errPDF
	}
	quarters := (turn + int(rotate)/90%4 + 4) % 4
	w.found = append(w.found, pdfPicture{body: s.raw, turn: [4]int{1, 6, 3, 8}[quarters]})
	return nil
}

// content gives what a page draws.
func (w *pdfWalk) content(v any) ([]byte, error) {
	var out []byte
	v = w.f.get(v)
	all, ok := v.(pdfList)
	if !ok {
		all = pdfList{v}
	}
	for _, one := range all {
		s, ok := w.f.get(one).(pdfStream)
		if !ok {
			return nil, errPDF
		}
		b, err := w.f.plain(s)
		if err != nil {
			return nil, err
		}
		out = append(append(out, b...), '\n')
	}
	return out, nil
}

// matrix is [a b c d]; where a picture lies does not matter here.
type matrix [4]float64

func (m matrix) times(n matrix) matrix {
	return matrix{m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3], m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3]}
}

// quarters is by how many quarters clockwise the matrix turns.
func (m matrix) quarters() (int, error) {
	small := 1e-3 * (math.Abs(m[0]) + math.Abs(m[1]) + math.Abs(m[2]) + math.Abs(m[3]))
	zero := func(x float64) bool { return math.Abs(x) <= small }
	switch {
	case !(small > 0) || math.IsInf(small, 0):
		return 0, errPDF
	case zero(m[1]) && zero(m[2]) && m[0] > 0 && m[3] > 0:
		return 0, nil
	case zero(m[1]) && zero(m[2]) && m[0] < 0 && m[3] < 0:
		return 2, nil
	case zero(m[0]) && zero(m[3]) && m[1] > 0 && m[2] < 0: // counter-clockwise
		return 3, nil
	case zero(m[0]) && zero(m[3]) && m[1] < 0 && m[2] > 0:
		return 1, nil
	}
	return 0, errPDF // mirrored or slanted
}

type pdfState struct {
	m      matrix
	unseen bool // text in rendering mode 3: what character recognition leaves
}

// drawn runs the operators of a page (§A.2) and gives the one XObject that it
// draws and its turn. Operators that would draw anything else are errors.
func drawn(content []byte) (name string, turn int, err error) {
	p := &pdfParser{b: content, names: map[string]bool{}}
	now := pdfState{m: matrix{1, 0, 0, 1}}
	var saved []pdfState
	var args []any
	for {
		v, err := p.value(0)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", 0, errPDF
		}
		op, isOp := v.(pdfKeyword)
		if !isOp {
			if args = append(args, v); len(args) > 64 {
				return "", 0, errPDF
			}
			continue
		}
		switch op {
		case "q":
			if saved = append(saved, now); len(saved) > maxNesting {
				return "", 0, errPDF
			}
		case "Q":
			if len(saved) == 0 {
				return "", 0, errPDF
			}
			now, saved = saved[len(saved)-1], saved[:len(saved)-1]
		case "cm":
			m, ok := matrixOf(args)
			if !ok {
				return "", 0, errPDF
			}
			now.m = m.times(now.m)
		case "Do":
			x, ok := last(args).(pdfName)
			if !ok || name != "" {
				return "", 0, errPDF
			}
			if turn, err = now.m.quarters(); err != nil {
				return "", 0, err
			}
			name = string(x)
		case "Tr":
			now.unseen = last(args) == 3.0
		case "Tj", "TJ", "'", "\"":
			if !now.unseen {
				return "", 0, errPDF
			}
		case "re", "m", "l", "h", "W", "W*", "n", // clipping; nothing is painted
			"BT", "ET", "Tf", "Td", "TD", "Tm", "T*", "Tc", "Tw", "Tz", "TL", "Ts", // text states
			"BMC", "BDC", "EMC", "MP", "DP", "BX", "EX", "gs", "ri", "i", // marks
			"g", "G", "rg", "RG", "k", "K", "cs", "CS", "w", "J", "j", "M", "d": // colours and pens
		default:
			return "", 0, errPDF
		}
		args = args[:0]
	}
	if name == "" {
		return "", 0, errPDF
	}
	return name, turn, nil
}

func last(args []any) any {
	if len(args) == 0 {
		return nil
	}
	return args[len(args)-1]
}

func matrixOf(args []any) (matrix, bool) {
	if len(args) != 6 {
		return matrix{}, false
	}
	var m matrix
	for i := range m {
		n, ok := args[i].(float64)
		if !ok {
			return matrix{}, false
		}
		m[i] = n
	}
	return m, true
}
