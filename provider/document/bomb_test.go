package document

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// blank is a whole PNG of true colour, all black: some hundred bytes a megapixel.
func blank(t testing.TB, w, h int) []byte {
	t.Helper()
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(w))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(h))
	ihdr = append(ihdr, 8, 2, 0, 0, 0)
	var idat bytes.Buffer
	z, err := zlib.NewWriterLevel(&idat, zlib.BestSpeed)
	must(t, err)
	row := make([]byte, 1+3*w)
	for range h {
		_, err := z.Write(row)
		must(t, err)
	}
	must(t, z.Close())
	return []byte(string(pngMark) + chunk("IHDR", string(ihdr)) + chunk("IDAT", idat.String()) + chunk("IEND", ""))
}

// resident is about what the process holds of memory.
func resident() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}

// S73: ten bombs at once, some refused by their heads and some as large as may be,
// cost no more memory than one of them; and a small picture among them is taken.
func TestBombsInParallel(t *testing.T) {
	large := blank(t, 8000, 5000) // 40 megapixels, 160 MB decoded
	files := [][]byte{large, large, large, pngHead(30_000, 30_000, 8, 2, 0), pngHead(30_000, 30_000, 16, 6, 1), jpegHead(0xc2, 30_000, 30_000, 0x11, 0x11, 0x11),
		jpegHead(0xc0, 60_000, 60_000, 0x11), pngHead(6300, 6300, 16, 6, 0), blank(t, 9000, 5000), asPNG(t, quartersOf(300, 200))}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as in service
	s, _ := house()
	s.Patience = 20 * time.Minute // slow machines, race detector
	debug.FreeOSMemory()
	before := resident()
	var peak atomic.Int64
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
				peak.Store(max(peak.Load(), resident()))
			}
		}
	})
	var wg sync.WaitGroup
	errs := make([]error, len(files))
	for i, b := range files {
		wg.Go(func() {
			_, errs[i] = s.Add(t.Context(), Upload{Owner: "zhang", Case: "c", Kind: Other, Body: bytes.NewReader(b)}, audit.Event{})
		})
	}
	wg.Wait()
	close(done)
	watch.Wait()
	for i, want := range []bool{true, true, true, false, false, false, false, false, false, true} {
		if (errs[i] == nil) != want {
			t.Errorf("file %d: %v", i, errs[i])
		}
	}
	rise := (peak.Load() - before) >> 20
	t.Logf("memory rose by %d MiB", rise)
	if rise > 200 {
		t.Errorf("memory rose by %d MiB", rise)
	}
}

// Whoever waits for a turn longer than is decent is asked to come again, and who
// has gone away waits no longer.
func TestTurns(t *testing.T) {
	s, _ := house()
	s.Patience = time.Millisecond
	done, err := s.share(t.Context(), decodeBudget)
	must(t, err)
	_, err = s.Add(t.Context(), Upload{Owner: "zhang", Case: "c", Kind: Other, Body: bytes.NewReader(asPNG(t, quartersOf(60, 60)))}, audit.Event{})
	var why *fault.Error
	if !errors.As(err, &why) || why.Kind != fault.Unavailable || why.Msg != MsgBusy {
		t.Errorf("got %v", err)
	}
	done()
	if _, err = s.Add(t.Context(), Upload{Owner: "zhang", Case: "c", Kind: Other, Body: bytes.NewReader(asPNG(t, quartersOf(60, 60)))}, audit.Event{}); err != nil {
		t.Error(err)
	}
	if _, err := s.Add(t.Context(), Upload{Owner: "zhang", Case: "c", Kind: Other, Body: iotest{}}, audit.Event{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a body that breaks: %v", err)
	}
}

type iotest struct{}

func (iotest) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
