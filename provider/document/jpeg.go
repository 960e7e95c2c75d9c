package document

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
)

// maxScans bounds the scans of a progressive JPEG. Each goes over the whole
// picture and may cost a handful of bytes.
const maxScans = 64

// lookJPEG walks the segments up to the first scan, as leniently as the decoder
// does, so that both find the same frame.
func lookJPEG(b []byte) (shape, error) {
	if bytes.Count(b, []byte{0xff, 0xda}) > maxScans {
		return shape{}, refused(MsgHeavy)
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return shape{}, refused(MsgDamaged)
	}
	s := shape{width: cfg.Width, height: cfg.Height, turn: 1}
	plain := true // no conversion after decoding
	for at := 2; ; {
		marker, body, next := segment(b, at)
		if next == 0 || marker == 0xda || marker == 0xd9 {
			return shape{}, refused(MsgDamaged)
		}
		at = next
		switch {
		case marker == 0xe1:
			if o := orientation(body); o != 0 && s.turn == 1 {
				s.turn = o
			}
		case marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")):
			plain = len(body) >= 12 && body[11] == 1
		case marker >= 0xc0 && marker <= 0xc2:
			f, ok := frameOf(body)
			if !ok || f.width != s.width || f.height != s.height {
				return shape{}, refused(MsgDamaged)
			}
			plain = plain && !f.rgb && !adobe(b[at:]) // the segment may also follow the frame
			s.memory = f.samples
			if marker == 0xc2 { // the coefficients wait for the last scan, four bytes each
				s.memory += 4 * f.samples
			}
			if f.components == 4 || f.components == 3 && !plain {
				s.memory += 4 * int64(f.width) * int64(f.height)
			}
			// Orientation stands before the frame in every file that a camera makes.
			return s, nil
		}
	}
}

// adobe tells whether there is an Adobe segment in b.
func adobe(b []byte) bool {
	for {
		i := bytes.Index(b, []byte("Adobe"))
		if i < 0 {
			return false
		}
		if i >= 4 && b[i-4] == 0xff && b[i-3] == 0xee {
			return true
		}
		b = b[i+5:]
	}
}

// segment gives the marker at or after at, its body, and where the next one is
// looked for; 0 if there is none.
func segment(b []byte, at int) (marker byte, body []byte, next int) {
	for {
		for at < len(b) && b[at] != 0xff {
			at++
		}
		for at < len(b) && b[at] == 0xff {
			at++
		}
		if at >= len(b) {
			return 0, nil, 0
		}
		marker = b[at]
		at++
		if marker == 0 || marker >= 0xd0 && marker <= 0xd7 { // stuffed or restart: no body
			continue
		}
		if marker == 0xd9 {
			return marker, nil, at
		}
		if len(b)-at < 2 {
			return 0, nil, 0
		}
		n := int(binary.BigEndian.Uint16(b[at:]))
		if n < 2 || n > len(b)-at {
			return 0, nil, 0
		}
		return marker, b[at+2 : at+n], at + n
	}
}

type jpegFrame struct {
	width, height, components int
	samples                   int64
	rgb                       bool
}

// frameOf reads a frame header (ITU T.81 §B.2.2).
func frameOf(body []byte) (jpegFrame, bool) {
	if len(body) < 6 {
		return jpegFrame{}, false
	}
	f := jpegFrame{height: int(binary.BigEndian.Uint16(body[1:])), width: int(binary.BigEndian.Uint16(body[3:])), components: int(body[5])}
	if (f.components != 1 && f.components != 3 && f.components != 4) || len(body) != 6+3*f.components {
		return jpegFrame{}, false
	}
	hMax, vMax := 1, 1
	var ids []byte
	for i := range f.components {
		c := body[6+3*i:]
		h, v := int(c[1]>>4), int(c[1]&15)
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return jpegFrame{}, false
		}
		hMax, vMax = max(hMax, h), max(vMax, v)
		ids = append(ids, c[0])
	}
	units := int64((f.width+8*hMax-1)/(8*hMax)) * int64((f.height+8*vMax-1)/(8*vMax))
	for i := range f.components {
		hv := body[6+3*i+1]
		f.samples += units * 64 * int64(hv>>4) * int64(hv&15)
	}
	f.rgb = string(ids) == "RGB"
	return f, true
}

// orientation reads the tag Orientation of an EXIF segment (EXIF 2.32 §4.5.4); 0
// if there is none.
func orientation(body []byte) int {
	tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
	default:
		return 0
	}
	at := int64(order.Uint32(tiff[4:]))
	if at < 8 || at > int64(len(tiff))-2 {
		return 0
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == 3 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}
