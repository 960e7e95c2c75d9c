package document

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"time"
)

// letters is a picture, white on black, of the sentence that every watermark
// says in Chinese (仅用于政务平台实名认证, from Noto Sans CJK) and of the printable
// ASCII characters in cells of one size (from DejaVu Sans Mono). It saves a font
// of many megabytes and whatever renders one; for the same reason the rest of a
// watermark is ASCII.
//
//go:embed letters.png
var letters []byte

const (
	phraseWidth, phraseHeight = 376, 44
	cellWidth, cellHeight     = 20, 40
	cellsPerRow               = 24
	firstLetter, lastLetter   = ' ', '~'

	maxMark = 64 // characters of a line
)

// china is where the time in a watermark is told. Every clock there has one
// offset.
var china = time.FixedZone("CST", 8*60*60)

// mark burns into a page why it is shown, in which case, to whom and when, all
// over it.
func (s *Service) mark(ctx context.Context, p page, a Access) ([]byte, error) {
	w, h := p.Width, p.Height
	if a.Edge > 0 {
		w, h = fit(w, h, a.Edge)
	}
	done, err := s.share(ctx, 4*(int64(p.Width)*int64(p.Height)+int64(w)*int64(h))) // as decoded, and the copy that is drawn on
	if err != nil {
		return nil, err
	}
	defer done()
	img, err := jpeg.Decode(bytes.NewReader(p.body))
	if err != nil {
		return nil, fmt.Errorf("document %s: a kept page does not decode: %w", a.ID, err)
	}
	out := upright(img, w, h, 1)
	tile, err := stamp(a.Shown, a.Viewer+"  "+s.Now().In(china).Format("2006-01-02 15:04:05"))
	if err != nil {
		return nil, err
	}
	imprint(out, tile)
	marked, err := encode(out, quality)
	return marked.body, err
}

// stamp draws the lines of a watermark, with room around.
func stamp(lines ...string) (*image.Gray, error) {
	font, err := png.Decode(bytes.NewReader(letters))
	if err != nil {
		return nil, fmt.Errorf("document: letters of the watermark: %w", err)
	}
	width := phraseWidth
	for _, l := range lines {
		width = max(width, cellWidth*min(len(l), maxMark))
	}
	const gap = 60
	out := image.NewGray(image.Rect(0, 0, width+2*gap, phraseHeight+cellHeight*len(lines)+gap))
	draw.Draw(out, image.Rect(0, 0, phraseWidth, phraseHeight), font, image.Point{}, draw.Src)
	for i, l := range lines {
		at := image.Pt(0, phraseHeight+i*cellHeight)
		for n := range min(len(l), maxMark) {
			c := l[n]
			if c < firstLetter || c > lastLetter {
				c = '?'
			}
			k := int(c - firstLetter)
			from := image.Pt(k%cellsPerRow*cellWidth, phraseHeight+k/cellsPerRow*cellHeight)
			draw.Draw(out, image.Rectangle{at, at.Add(image.Pt(cellWidth, cellHeight))}, font, from, draw.Src)
			at.X += cellWidth
		}
	}
	return out, nil
}

// imprint covers img with slanting rows of the tile: dark red, with a light edge
// so that it can be read on dark ground too.
func imprint(img *image.RGBA, tile *image.Gray) {
	const slant = 25 * math.Pi / 180
	w, h := img.Rect.Dx(), img.Rect.Dy()
	tw, th := tile.Rect.Dx(), tile.Rect.Dy()
	// About three stamps fit across whatever the size of the picture.
	scale := max(float64(max(w, h))/(2.6*float64(tw)), 0.25)
	sin, cos := math.Sincos(slant)
	sin, cos = sin/scale, cos/scale
	at := func(x, y int) uint32 {
		u, v := float64(x)*cos-float64(y)*sin, float64(x)*sin+float64(y)*cos
		row := int(math.Floor(v / float64(th)))
		u += float64(row&1) * float64(tw) / 2 // every other row is moved by half
		i, j := int(math.Floor(u)), int(math.Floor(v))-row*th
		i %= tw
		if i < 0 {
			i += tw
		}
		return uint32(tile.Pix[tile.PixOffset(i, j)])
	}
	edge := max(int(2*scale), 1)
	for y := range h {
		for x := range w {
			a, light := at(x, y), at(x-edge, y-edge)
			if a|light == 0 {
				continue
			}
			p := img.Pix[img.PixOffset(x, y):]
			blend(p, 255, 255, 255, light*90/255)
			blend(p, 170, 20, 20, a*110/255)
		}
	}
}

// blend lays a colour over a pixel, alpha of 255.
func blend(p []uint8, r, g, b, alpha uint32) {
	for i, c := range [3]uint32{r, g, b} {
		p[i] = uint8((uint32(p[i])*(255-alpha) + c*alpha) / 255) //nolint:gosec // a mean of bytes
	}
}
