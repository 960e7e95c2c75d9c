package document

import (
	"bytes"
	"net"
	"path/filepath"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// S76: while the scanner gives no verdict, whatever the reason, what is handed in
// is kept where nobody sees it. A verdict settles it: shown without a byte of the
// upload, or in quarantine for good.
func TestHeldUntilScanned(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	must(t, err)
	t.Cleanup(func() { _ = deaf.Close() })
	clean := asJPEG(t, quartersOf(120, 160))
	infected := append(bytes.Clone(clean), eicar...)
	for _, down := range []struct{ name, address string }{
		{"not there", "unix:" + filepath.Join(t.TempDir(), "nobody")},
		{"does not answer", deaf.Addr().String()},
		{"answers garbage", clamd(t, "\x7fELF\x01\x02 OK\x00")},
		{"half an answer", clamd(t, "stream: OK")},
		{"a verdict of something else", clamd(t, "/etc/passwd: OK\x00")},
	} {
		t.Run(down.name, func(t *testing.T) {
			s, sh := house()
			s.Hold, s.Scanner = true, &Clamd{Address: down.address, Timeout: 100 * time.Millisecond}
			take := func(k Kind, body []byte) Document {
				t.Helper()
				d, err := s.Add(t.Context(), Upload{Owner: "zhang", Case: "c1", Kind: k, Name: "a.jpg", Body: bytes.NewReader(body)}, audit.Event{Actor: "zhang"})
				must(t, err)
				return d
			}
			good, bad := take(IDFront, clean), take(IDBack, infected)
			unseen := func(d Document) {
				t.Helper()
				for _, a := range []Access{{ID: d.ID, Case: "c1", Viewer: "reviewer", Purpose: "review"}, {ID: d.ID, Owner: "zhang", Viewer: "zhang", Purpose: "own"}} {
					if _, err := s.View(t.Context(), a, audit.Event{}); !fault.Is(err, fault.NotFound) {
						t.Errorf("%s sees it: %v", a.Viewer, err)
					}
				}
			}
			if good.Scan != Waiting || bad.Scan != Waiting {
				t.Fatalf("%q, %q", good.Scan, bad.Scan)
			}
			unseen(good)
			unseen(bad)
			if n, err := s.Rescan(t.Context(), 10); err == nil || n != 0 {
				t.Errorf("scanned by nobody: %d, %v", n, err)
			}
			unseen(good)

			s.Scanner = &Clamd{Address: clamd(t, ""), Timeout: 5 * time.Second}
			if n, err := s.Rescan(t.Context(), 10); err != nil || n != 2 {
				t.Fatalf("%d, %v", n, err)
			}
			unseen(bad)
			all, err := s.List(t.Context(), "c1")
			must(t, err)
			for _, d := range all {
				switch d.Kind {
				case IDFront:
					if d.Scan != Passed || d.ID == good.ID || d.Pages != 1 || !d.CreatedAt.Equal(good.CreatedAt) {
						t.Errorf("passed: %+v", d)
					}
					r, err := sh.Document(t.Context(), d.ID, "c1", "")
					must(t, err)
					c, err := s.open(t.Context(), r)
					must(t, err)
					if len(c.raw) > 0 || c.Raw > 0 || c.Name != "a.jpg" {
						t.Errorf("%d bytes of the upload are left", len(c.raw))
					}
					_, err = s.View(t.Context(), Access{ID: d.ID, Case: "c1", Viewer: "reviewer", Purpose: "review"}, audit.Event{})
					must(t, err)
				case IDBack:
					if d.Scan != Quarantined {
						t.Errorf("infected: %+v", d)
					}
				}
			}
			if missing := Missing([]Need{{IDFront, true}, {IDBack, true}}, all); len(missing) != 1 || missing[0] != IDBack {
				t.Errorf("what is in quarantine counts: missing %v", missing)
			}
			count := map[audit.Kind]int{}
			for _, ev := range sh.events {
				count[ev.Kind]++
			}
			if count[audit.DocumentHeld] != 2 || count[audit.DocumentStored] != 1 || count[audit.DocumentQuarantined] != 1 || count[audit.DocumentViewed] != 1 {
				t.Errorf("trail: %v", count)
			}
			if n, err := s.Rescan(t.Context(), 10); err != nil || n != 0 {
				t.Errorf("settled twice: %d, %v", n, err)
			}
		})
	}
}

// S76: holding is for a scanner that gives no verdict; what it finds is refused at
// once, and what is no picture is not held either.
func TestNothingElseIsHeld(t *testing.T) {
	s, sh := house()
	s.Hold, s.Scanner = true, &Clamd{Address: clamd(t, ""), Timeout: 5 * time.Second}
	if _, err := add(t, s, sh, "a.jpg", append(asJPEG(t, quartersOf(120, 160)), eicar...)); !fault.Is(err, fault.Invalid) {
		t.Errorf("infected: %v", err)
	}
	s.Scanner = &Clamd{Address: "unix:" + filepath.Join(t.TempDir(), "nobody")}
	if _, err := add(t, s, sh, "a.jpg", pngHead(30_000, 30_000, 8, 2, 0)); !fault.Is(err, fault.Invalid) {
		t.Errorf("a bomb: %v", err)
	}
	if len(sh.rows)+len(sh.blobs) > 0 {
		t.Error("something was stored")
	}
}
