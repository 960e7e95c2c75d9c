package document

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"regexp"
	"strconv"
)

// The objects of a PDF (ISO 32000-1 §7.3), as far as they are needed here:
// name, number, ref, dict, list and stream; strings are told apart from nothing
// else, and a keyword is what is none of these.
type (
	pdfName    string
	pdfRef     int // object number; generations say nothing in a file that is read as it lies
	pdfDict    map[string]any
	pdfList    []any
	pdfString  struct{}
	pdfKeyword string
	pdfStream  struct {
		dict pdfDict
		raw  []byte
	}
)

var errPDF = errors.New("not the PDF that this reads")

// pdfParser reads objects from bytes. names are all names that it came upon.
type pdfParser struct {
	b     []byte
	at    int
	names map[string]bool
}

const (
	maxNesting  = 40
	maxObjects  = 20_000
	maxInflated = 4 << 20 // of everything in a file together that is inflated or put together, pictures excepted
)

func isSpace(c byte) bool {
	return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '
}

func isDelimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

func (p *pdfParser) skip() {
	for p.at < len(p.b) {
		switch c := p.b[p.at]; {
		case isSpace(c):
			p.at++
		case c == '%':
			for p.at < len(p.b) && p.b[p.at] != '\n' && p.b[p.at] != '\r' {
				p.at++
			}
		default:
			return
		}
	}
}

// word reads up to the next space or delimiter.
func (p *pdfParser) word() []byte {
	from := p.at
	for p.at < len(p.b) && !isSpace(p.b[p.at]) && !isDelimiter(p.b[p.at]) {
		p.at++
	}
	return p.b[from:p.at]
}

// value reads the next object or keyword; io.EOF at the end.
func (p *pdfParser) value(depth int) (any, error) {
	if p.skip(); p.at >= len(p.b) {
		return nil, io.EOF
	}
	if depth > maxNesting {
		return nil, errPDF
	}
	switch c := p.b[p.at]; c {
	case '/':
		p.at++
		return p.name(), nil
	case '(':
		return pdfString{}, p.literal()
	case '[':
		p.at++
		return p.list(depth)
	case '<':
		if p.at+1 < len(p.b) && p.b[p.at+1] == '<' {
			p.at += 2
			return p.dict(depth)
		}
		end := bytes.IndexByte(p.b[p.at:], '>')
		if end < 0 {
			return nil, errPDF
		}
		p.at += end + 1
		return pdfString{}, nil
	case ')', '>', ']', '{', '}':
		p.at++
		return pdfKeyword(c), nil
	}
	w := p.word()
	if len(bytes.Trim(w, "0123456789+-.")) == 0 { // no "inf", no "nan"
		if n, err := strconv.ParseFloat(string(w), 64); err == nil {
			return p.numberOrRef(n), nil
		}
	}
	switch string(w) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	return pdfKeyword(w), nil
}

var refTail = regexp.MustCompile(`^[\x00\t\n\f\r ]+\d{1,5}[\x00\t\n\f\r ]+R(?:[\x00\t\n\f\r ()<>\[\]{}/%]|$)`)

// numberOrRef tells "7" from "7 0 R".
func (p *pdfParser) numberOrRef(n float64) any {
	if n != float64(int(n)) || n < 0 {
		return n
	}
	rest := p.b[p.at:min(len(p.b), p.at+64)]
	if m := refTail.Find(rest); m != nil {
		p.at += bytes.IndexByte(m, 'R') + 1
		return pdfRef(n)
	}
	return n
}

// name reads a name after its slash; #20 stands for a space.
func (p *pdfParser) name() pdfName {
	raw := p.word()
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) {
			if c, err := strconv.ParseUint(string(raw[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(c))
				i += 2
				continue
			}
		}
		out = append(out, raw[i])
	}
	p.names[string(out)] = true
	return pdfName(out)
}

// literal passes over a string in parentheses.
func (p *pdfParser) literal() error {
	open := 0
	for ; p.at < len(p.b); p.at++ {
		switch p.b[p.at] {
		case '\\':
			p.at++
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				p.at++
				return nil
			}
		}
	}
	return errPDF
}

func (p *pdfParser) list(depth int) (any, error) {
	out := pdfList{}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, errPDF
		}
		if v == pdfKeyword("]") {
			return out, nil
		}
		if _, odd := v.(pdfKeyword); odd {
			return nil, errPDF
		}
		out = append(out, v)
	}
}

func (p *pdfParser) dict(depth int) (any, error) {
	out := pdfDict{}
	for {
		key, err := p.value(depth + 1)
		if err != nil {
			return nil, errPDF
		}
		if key == pdfKeyword(">") && p.at < len(p.b) && p.b[p.at] == '>' {
			p.at++
			return out, nil
		}
		name, ok := key.(pdfName)
		if !ok {
			return nil, errPDF
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, errPDF
		}
		if _, odd := v.(pdfKeyword); odd {
			return nil, errPDF
		}
		if _, twice := out[string(name)]; twice {
			return nil, errPDF
		}
		out[string(name)] = v
	}
}

// pdfFile is all objects of a file by number.
type pdfFile struct {
	objects  map[int]any
	names    map[string]bool
	inflated int
}

var objectHead = regexp.MustCompile(`(\d{1,9})[\x00\t\n\f\r ]+\d{1,5}[\x00\t\n\f\r ]+obj|trailer`)

// readPDF reads the objects in the order in which they lie in the file, where a
// later one replaces an earlier one of its number, and whatever is in object
// streams. Tables of positions are not believed: what counts here is not what
// some viewer would show, but that nothing in the file goes unseen.
func readPDF(b []byte) (*pdfFile, error) {
	f := &pdfFile{objects: map[int]any{}, names: map[string]bool{}}
	var packed []pdfStream
	for at := 0; ; {
		m := objectHead.FindSubmatchIndex(b[at:])
		if m == nil {
			break
		}
		p := &pdfParser{b: b, at: at + m[1], names: f.names}
		number := -1 // a trailer: only its names matter
		if m[2] >= 0 {
			number, _ = strconv.Atoi(string(b[at+m[2] : at+m[3]])) // nine digits at most
		}
		v, err := p.value(0)
		if err != nil {
			return nil, errPDF
		}
		if d, ok := v.(pdfDict); ok {
			if s, ok := p.stream(d); ok {
				v = s
				if d["Type"] == pdfName("ObjStm") {
					packed = append(packed, s)
				}
			}
		}
		if at = p.at; number >= 0 {
			f.objects[number] = v
		}
		if len(f.objects) > maxObjects {
			return nil, errPDF
		}
	}
	for _, s := range packed {
		if err := f.unpack(s); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// stream reads the stream that follows its dictionary, if one does. Its length is
// believed where "endstream" stands behind it; else the next one ends it.
func (p *pdfParser) stream(d pdfDict) (pdfStream, bool) {
	p.skip()
	rest, ok := bytes.CutPrefix(p.b[p.at:], []byte("stream"))
	if !ok {
		return pdfStream{}, false
	}
	if r, ok := bytes.CutPrefix(rest, []byte("\r\n")); ok {
		rest = r
	} else if r, ok := bytes.CutPrefix(rest, []byte("\n")); ok {
		rest = r
	}
	end := []byte("endstream")
	n := -1
	if length, ok := d["Length"].(float64); ok && length >= 0 && length <= float64(len(rest)) {
		if bytes.HasPrefix(bytes.TrimLeft(rest[int(length):], "\r\n "), end) {
			n = int(length)
		}
	}
	if n < 0 {
		n = bytes.Index(rest, end)
	}
	if n < 0 {
		n = len(rest)
	}
	p.at = len(p.b) - len(rest) + n
	return pdfStream{dict: d, raw: rest[:n]}, true
}

// unpack reads the objects of an object stream (§7.5.7).
func (f *pdfFile) unpack(s pdfStream) error {
	b, err := f.plain(s)
	n, haveN := s.dict["N"].(float64)
	first, haveFirst := s.dict["First"].(float64)
	if err != nil || !haveN || !haveFirst || n < 0 || n > maxObjects || first < 0 || first > float64(len(b)) {
		return errPDF
	}
	index := &pdfParser{b: b[:int(first)], names: f.names}
	end := 0 // of the object before: they lie one after the other, so that none is read twice
	for range int(n) {
		number, err1 := index.value(0)
		offset, err2 := index.value(0)
		num, ok1 := number.(float64)
		off, ok2 := offset.(float64)
		if err1 != nil || err2 != nil || !ok1 || !ok2 || num < 0 || num > 1e9 || off < 0 || first+off > float64(len(b)) || int(first+off) < end {
			return errPDF
		}
		p := &pdfParser{b: b, at: int(first + off), names: f.names}
		v, err := p.value(0)
		if err != nil {
			return errPDF
		}
		end = p.at
		if _, there := f.objects[int(num)]; !there {
			f.objects[int(num)] = v
		}
	}
	if len(f.objects) > maxObjects {
		return errPDF
	}
	return nil
}

// plain gives the bytes of a stream that is not compressed or by Flate, without a
// predictor.
func (f *pdfFile) plain(s pdfStream) ([]byte, error) {
	switch filter := f.one(s.dict["Filter"]); {
	case filter == nil:
		if f.inflated += len(s.raw); f.inflated > maxInflated {
			return nil, errPDF
		}
		return s.raw, nil
	case filter == pdfName("FlateDecode") && f.get(s.dict["DecodeParms"]) == nil:
	default:
		return nil, errPDF
	}
	r, err := zlib.NewReader(bytes.NewReader(s.raw))
	if err != nil {
		return nil, errPDF
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(maxInflated-f.inflated)+1))
	if f.inflated += len(out); f.inflated > maxInflated || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errPDF
	}
	return out, nil
}

// get follows references.
func (f *pdfFile) get(v any) any {
	for range 8 {
		ref, ok := v.(pdfRef)
		if !ok {
			return v
		}
		v = f.objects[int(ref)]
	}
	return nil
}

// one gives v, or what is alone in the list that v is.
func (f *pdfFile) one(v any) any {
	v = f.get(v)
	if l, ok := v.(pdfList); ok {
		switch len(l) {
		case 0:
			return nil
		case 1:
			return f.get(l[0])
		}
	}
	return v
}

func (f *pdfFile) dictOf(v any) pdfDict {
	d, _ := f.get(v).(pdfDict)
	return d
}
