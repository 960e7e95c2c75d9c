package document

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

type format int

const (
	formatUnknown format = iota
	formatJPEG
	formatPNG
	formatPDF
)

var pngMark = []byte("\x89PNG\r\n\x1a\n")

// sniff tells the format by the first bytes. Names and declared types count for
// nothing (S72).
func sniff(b []byte) format {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}):
		return formatJPEG
	case bytes.HasPrefix(b, pngMark):
		return formatPNG
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return formatPDF
	}
	return formatUnknown
}

// lookPNG reads IHDR, and walks over the chunks to tell an animation (APNG), of
// which one picture would say too little.
func lookPNG(b []byte) (shape, error) {
	const ihdr = 13
	at := len(pngMark)
	if len(b) < at+12+ihdr || string(b[at+4:at+8]) != "IHDR" || binary.BigEndian.Uint32(b[at:]) != ihdr ||
		crc32.ChecksumIEEE(b[at+4:at+8+ihdr]) != binary.BigEndian.Uint32(b[at+8+ihdr:]) {
		return shape{}, refused(MsgDamaged)
	}
	head := b[at+8 : at+8+ihdr]
	w, h := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	if w > 1<<30 || h > 1<<30 {
		return shape{}, refused(MsgTooManyDots)
	}
	depth, colour, interlaced := head[8], head[9], head[12] != 0
	bytesPerPixel := int64(1) // grey and palettes of up to 8 bits
	switch {
	case colour == 2 || colour == 4 || colour == 6: // true colour, and grey with alpha, become four channels
		bytesPerPixel = 4
	case colour == 0 && depth < 16:
		bytesPerPixel = 2 // with a transparent grey it takes four
		if bytes.Contains(b, []byte("tRNS")) {
			bytesPerPixel = 4
		}
	}
	if depth == 16 {
		bytesPerPixel = max(2*bytesPerPixel, 8)
	}
	memory := bytesPerPixel * int64(w) * int64(h)
	if interlaced { // the last pass is half of the picture beside the whole
		memory += memory / 2
	}
	for at += 12 + ihdr; len(b)-at >= 12; {
		n := int64(binary.BigEndian.Uint32(b[at:]))
		switch string(b[at+4 : at+8]) {
		case "acTL":
			return shape{}, refused(MsgAnimated)
		case "IDAT", "IEND":
			return shape{width: int(w), height: int(h), memory: memory, turn: 1}, nil
		}
		if n > int64(len(b)-at-12) {
			break
		}
		at += 12 + int(n)
	}
	return shape{}, refused(MsgDamaged)
}
