package document

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"runtime/debug"

	"kejitong/provider/fault"
)

// What a picture may be. The bounds are known from its first bytes, before
// anything is decoded (S73).
const (
	MaxFile   = 5 << 20    // bytes as uploaded
	MaxPixels = 40_000_000 // width × height
	MaxPages  = 10         // of a PDF

	maxEdge = 3000 // what is kept is scaled down to this
	minEdge = 50   // less shows no document
	maxKept = 20 << 20

	// maxDecoded bounds the memory of one decoding, and with it that of all: they
	// share one budget.
	maxDecoded   = 4 * MaxPixels
	decodeBudget = maxDecoded + 4*maxEdge*maxEdge
	// collectFrom is the size of a decoding after which its memory is given back
	// at once. The heap would else grow by a multiple of it before the collector
	// comes round.
	collectFrom = 32 << 20

	quality = 88
)

// page is one picture as it is kept: an upright JPEG of our own making.
type page struct {
	Width  int    `json:"w"`
	Height int    `json:"h"`
	Size   int    `json:"size"`
	body   []byte //
}

// shape is what the head of a picture says of the whole.
type shape struct {
	width, height int
	memory        int64 // that its decoding takes, at most
	turn          int   // EXIF orientation, 1 to 8
	decode        func(io.Reader) (image.Image, error)
}

func refused(msg string) error {
	return &fault.Error{Kind: fault.Invalid, Field: "file", Msg: msg}
}

// look reads the head of a JPEG or PNG.
func look(b []byte) (shape, error) {
	var s shape
	var err error
	switch sniff(b) {
	case formatJPEG:
		s, err = lookJPEG(b)
		s.decode = jpeg.Decode
	case formatPNG:
		s, err = lookPNG(b)
		s.decode = png.Decode
	default:
		return shape{}, refused(MsgForm)
	}
	if err != nil {
		return shape{}, err
	}
	w, h := int64(s.width), int64(s.height)
	switch {
	case w <= 0 || h <= 0:
		return shape{}, refused(MsgDamaged)
	case w*h > MaxPixels:
		return shape{}, refused(MsgTooManyDots)
	case min(w, h) < minEdge:
		return shape{}, refused(MsgTooSmall)
	case s.memory > maxDecoded:
		return shape{}, refused(MsgHeavy)
	}
	return s, nil
}

// keep decodes a whole JPEG or PNG and makes the picture that is kept of it. It
// waits for its share of the memory that all decodings have. turn says how it is to
// be turned where something else than itself does (a PDF); 0 if nothing.
func (s *Service) keep(ctx context.Context, b []byte, turn int) (page, error) {
	sh, err := look(b)
	if err != nil {
		return page{}, err
	}
	if turn == 0 {
		turn = sh.turn
	}
	outW, outH := fit(sh.width, sh.height, maxEdge)
	done, err := s.share(ctx, sh.memory+4*int64(outW)*int64(outH))
	if err != nil {
		return page{}, err
	}
	defer done()
	img, err := sh.decode(whileWanted{ctx, bytes.NewReader(b)})
	if err != nil {
		if ctx.Err() != nil {
			return page{}, ctx.Err()
		}
		return page{}, refused(MsgDamaged)
	}
	if img.Bounds().Dx() != sh.width || img.Bounds().Dy() != sh.height {
		return page{}, refused(MsgDamaged)
	}
	return encode(upright(img, outW, outH, turn), quality)
}

func encode(img *image.RGBA, quality int) (page, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		return page{}, err
	}
	return page{Width: img.Bounds().Dx(), Height: img.Bounds().Dy(), Size: out.Len(), body: out.Bytes()}, nil
}

// share takes n bytes of the budget of decodings; what it returns gives them
// back.
func (s *Service) share(ctx context.Context, n int64) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	n = min(n, decodeBudget)
	if err := s.decodes.Acquire(ctx, n); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, &fault.Error{Kind: fault.Unavailable, Field: "file", Msg: MsgBusy, RetryAfter: busyFor}
	}
	return func() {
		if n > collectFrom {
			debug.FreeOSMemory()
		}
		s.decodes.Release(n)
	}, nil
}

// whileWanted stops a decoding whose asker has gone.
type whileWanted struct {
	ctx context.Context //nolint:containedctx // io.Reader has no other way to learn of it
	r   io.Reader
}

func (w whileWanted) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

// fit is the size of a w × h picture whose longest edge is at most edge.
func fit(w, h, edge int) (int, int) {
	long := max(w, h)
	if long <= edge {
		return w, h
	}
	return max(w*edge/long, 1), max(h*edge/long, 1)
}

// upright draws img on white in w × h, before it is turned as EXIF says, and turns
// it. Each pixel is the mean of those that fall onto it. It goes row by row, so
// that it needs no second copy of a large picture.
func upright(img image.Image, w, h, turn int) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	row := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	white := image.NewUniform(color.White)
	sum, count := make([]uint32, 3*w), make([]uint32, w)
	to := make([]int, b.Dx())
	for x := range to {
		to[x] = x * w / b.Dx()
	}
	at := 0
	for y := range b.Dy() {
		if now := y * h / b.Dy(); now != at {
			flush(out, sum, count, at, w, h, turn)
			at = now
		}
		draw.Draw(row, row.Rect, white, image.Point{}, draw.Src)
		draw.Draw(row, row.Rect, img, image.Pt(b.Min.X, b.Min.Y+y), draw.Over)
		for x, t := range to {
			p := row.Pix[4*x : 4*x+3 : 4*x+3]
			sum[3*t] += uint32(p[0])
			sum[3*t+1] += uint32(p[1])
			sum[3*t+2] += uint32(p[2])
			count[t]++
		}
	}
	flush(out, sum, count, at, w, h, turn)
	return out
}

// flush writes row y of the picture and empties the sums.
func flush(out *image.RGBA, sum, count []uint32, y, w, h, turn int) {
	for x := range w {
		n := max(count[x], 1)
		tx, ty := turned(x, y, w, h, turn)
		i := out.PixOffset(tx, ty)
		out.Pix[i] = uint8(sum[3*x] / n)     //nolint:gosec // a mean of bytes
		out.Pix[i+1] = uint8(sum[3*x+1] / n) //nolint:gosec // likewise
		out.Pix[i+2] = uint8(sum[3*x+2] / n) //nolint:gosec // likewise
		out.Pix[i+3] = 0xff
	}
	clear(sum)
	clear(count)
}

// turned is where pixel (x, y) of a w × h picture belongs (EXIF 2.32 §4.6.5,
// tag Orientation).
func turned(x, y, w, h, turn int) (int, int) {
	switch turn {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}
