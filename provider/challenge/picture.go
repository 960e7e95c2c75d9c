package challenge

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// The size of a picture.
const (
	PictureWidth  = 180
	PictureHeight = 60
)

// glyphs are the digits, 5 by 7 dots, a row a byte.
var glyphs = [10][7]byte{
	{0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110},
	{0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110},
	{0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111},
	{0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110},
	{0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010},
	{0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110},
	{0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110},
	{0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000},
	{0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110},
	{0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100},
}

// stream is as much noise as a drawing needs, from 32 bytes.
type stream struct {
	seed []byte
	left []byte
	n    uint32
}

func (s *stream) byte() byte {
	if len(s.left) == 0 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(s.seed[:len(s.seed):len(s.seed)], s.n))
		s.n++
		s.left = sum[:]
	}
	b := s.left[0]
	s.left = s.left[1:]
	return b
}

// between gives a number from a to b.
func (s *stream) between(a, b float64) float64 { return a + (b-a)*float64(s.byte())/255 }

// Picture draws digits as PNG: each turned, sheared and out of line, the whole on
// a wave, crossed by curves of the same ink. The same noise gives the same picture.
func Picture(digits string, noise []byte) ([]byte, error) {
	s := &stream{seed: noise}
	img := image.NewPaletted(image.Rect(0, 0, PictureWidth, PictureHeight), color.Palette{
		color.RGBA{0xf4, 0xf6, 0xf9, 0xff}, color.RGBA{0x1d, 0x3a, 0x6b, 0xff}, color.RGBA{0xb9, 0xc5, 0xd8, 0xff},
	})
	for range 260 { // dust
		img.SetColorIndex(int(s.between(0, PictureWidth)), int(s.between(0, PictureHeight)), 2)
	}
	amplitude, phase, length := s.between(1, 2.5), s.between(0, 2*math.Pi), s.between(34, 60)
	wave := func(x float64) float64 { return amplitude * math.Sin(phase+2*math.Pi*x/length) }
	step := float64(PictureWidth-24) / float64(len(digits))
	for i, d := range digits {
		if d < '0' || d > '9' {
			return nil, fmt.Errorf("challenge: %q is no digit", d)
		}
		x, y := 12+step*(float64(i)+.5)+s.between(-2, 2), PictureHeight/2+s.between(-5, 5)
		stamp(img, glyphs[d-'0'], x, y, s, wave)
	}
	for range 2 {
		curve(img, s)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("challenge: draw: %w", err)
	}
	return out.Bytes(), nil
}

// stamp puts one digit around (cx, cy): every pixel near is looked up in the
// glyph, backwards through turn, shear and scale.
func stamp(img *image.Paletted, g [7]byte, cx, cy float64, s *stream, wave func(float64) float64) {
	turn, shear, scale := s.between(-.3, .3), s.between(-.15, .15), s.between(4.6, 5.4)
	sin, cos := math.Sincos(turn)
	for py := 0; py < PictureHeight; py++ {
		for px := int(cx) - 26; px <= int(cx)+26; px++ {
			dx, dy := float64(px)-cx, float64(py)-cy-wave(float64(px))
			u, v := (dx*cos+dy*sin)/scale, (-dx*sin+dy*cos)/scale
			u += shear * v
			col, row := int(math.Floor(u+2.5)), int(math.Floor(v+3.5))
			if col < 0 || col > 4 || row < 0 || row > 6 || g[row]>>(4-col)&1 == 0 || px < 0 || px >= PictureWidth {
				continue
			}
			img.SetColorIndex(px, py, 1)
		}
	}
}

// curve draws a line across the picture.
func curve(img *image.Paletted, s *stream) {
	y, slope := s.between(12, PictureHeight-12), s.between(-.12, .12)
	amplitude, phase, length := s.between(3, 9), s.between(0, 2*math.Pi), s.between(50, 130)
	for x := range PictureWidth {
		at := int(y + slope*float64(x-PictureWidth/2) + amplitude*math.Sin(phase+2*math.Pi*float64(x)/length))
		if at >= 0 && at < PictureHeight {
			img.SetColorIndex(x, at, 1)
		}
	}
}
