package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/blob"
	"kejitong/store/storetest"
)

// archive is a service of documents on db and a folder of its own.
func archive(t testing.TB, db *store.DB) *document.Service {
	t.Helper()
	folder, err := blob.OpenFolder(t.TempDir() + "/documents")
	must(t, err)
	s := &document.Service{
		Store: db, Blobs: folder, Limits: document.Limits{Documents: 5, Bytes: 1 << 20}, Retain: 30 * 24 * time.Hour, Idle: 180 * 24 * time.Hour,
		Now: func() time.Time { return clock },
	}
	s.Init()
	db.Now = s.Now
	return s
}

// photo is a small JPEG of one colour.
func photo(t testing.TB, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for y := range 200 {
		for x := range 320 {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func evidence(t testing.TB, owner, caseID string, kind document.Kind) document.Upload {
	t.Helper()
	return document.Upload{Owner: owner, Case: caseID, Kind: kind, Name: "证照.jpg", Body: bytes.NewReader(photo(t, color.RGBA{200, 30, 30, 255}))}
}

func failsWith(t *testing.T, err error, kind fault.Kind, msg string) {
	t.Helper()
	var why *fault.Error
	if !errors.As(err, &why) || why.Kind != kind || why.Msg != msg {
		t.Errorf("got %v, want %d %s", err, kind, msg)
	}
}

// trailed counts the events of a kind about an object.
func trailed(t *testing.T, db *store.DB, kind audit.Kind, object string) (n int) {
	t.Helper()
	rows, err := db.RecentAudit(t.Context(), 1000)
	must(t, err)
	for _, r := range rows {
		if r.Kind == kind && r.Object == object {
			n++
		}
	}
	return n
}

// What becomes of a document, from the upload to the erasure (S58, S75, S77).
func TestLifeOfADocument(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx, ev := archive(t, db), t.Context(), audit.Event{Actor: "zhang"}
		first, err := s.Add(ctx, evidence(t, "zhang", "case1", document.Licence), ev)
		must(t, err)
		views := func(a document.Access) error {
			a.Viewer, a.Purpose, a.Shown = "zhang", "own", "RN-1"
			_, err := s.View(ctx, a, audit.Event{})
			return err
		}
		for name, a := range map[string]document.Access{
			"another case":          {ID: first.ID, Case: "case2"},
			"another owner":         {ID: first.ID, Owner: "li"},
			"its case, not its own": {ID: first.ID, Case: "case1", Owner: "li"},
			"guessed":               {ID: strings.Repeat("A", 22), Case: "case1"},
			"a page too far":        {ID: first.ID, Case: "case1", Page: 1},
			"a page before":         {ID: first.ID, Case: "case1", Page: -1},
		} {
			if err := views(a); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if trailed(t, db, audit.DocumentViewed, first.ID) != 0 {
			t.Error("a refused view stands in the trail as one")
		}
		must(t, views(document.Access{ID: first.ID, Case: "case1"}))
		must(t, views(document.Access{ID: first.ID, Owner: "zhang"}))
		if n := trailed(t, db, audit.DocumentViewed, first.ID); n != 2 {
			t.Errorf("%d events of 2 views", n)
		}

		// A licence is replaced by the next; another kind is not.
		second, err := s.Add(ctx, evidence(t, "zhang", "case1", document.Licence), ev)
		must(t, err)
		third, err := s.Add(ctx, evidence(t, "zhang", "case1", document.IDFront), ev)
		must(t, err)
		list, err := s.List(ctx, "case1")
		must(t, err)
		if len(list) != 2 || trailed(t, db, audit.DocumentErased, first.ID) != 1 || trailed(t, db, audit.DocumentStored, second.ID) != 1 {
			t.Errorf("after the replacement: %v", list)
		}
		if err := views(document.Access{ID: first.ID, Case: "case1"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("the replaced one: %v", err)
		}
		if err := s.Erase(ctx, third.ID, "case1", "li", ev); !fault.Is(err, fault.NotFound) {
			t.Errorf("erased by another: %v", err)
		}
		must(t, s.Erase(ctx, third.ID, "case1", "zhang", ev))
		if err := s.Erase(ctx, third.ID, "case1", "zhang", ev); !fault.Is(err, fault.NotFound) {
			t.Errorf("erased twice: %v", err)
		}

		// Decided: nothing in, nothing out (S58, S75).
		kept, err := db.Document(ctx, second.ID, "case1", "")
		must(t, err)
		must(t, s.CloseCase(ctx, "case1"))
		must(t, s.CloseCase(ctx, "case1"))
		_, err = s.Add(ctx, evidence(t, "zhang", "case1", document.Other), ev)
		failsWith(t, err, fault.Conflict, document.MsgDecided)
		if err := views(document.Access{ID: second.ID, Case: "case1"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("after the decision: %v", err)
		}

		// Retention: the key goes, then the blob.
		_, err = s.Tend(ctx, 100)
		must(t, err)
		blobThere := func() bool {
			r, err := s.Blobs.Get(ctx, kept.Blob)
			if err == nil {
				must(t, r.Close())
			}
			return err == nil
		}
		if !blobThere() {
			t.Error("erased before its time")
		}
		s.Now = func() time.Time { return clock.Add(s.Retain) }
		_, err = s.Tend(ctx, 100)
		must(t, err)
		if blobThere() || trailed(t, db, audit.DocumentErased, second.ID) != 1 {
			t.Error("not erased at its time")
		}
		if n, err := s.Tend(ctx, 100); err != nil || n != 0 {
			t.Errorf("left to do: %d, %v", n, err)
		}
	})
}

// S77: a copy of the blob, such as in a backup, is of no use once the key is gone
// from its row; and the row holds no key in the clear.
func TestErasedMeansUnreadable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx, ev := archive(t, db), t.Context(), audit.Event{Actor: "zhang"}
		doc, err := s.Add(ctx, evidence(t, "zhang", "case1", document.Other), ev)
		must(t, err)
		r, err := db.Document(ctx, doc.ID, "case1", "")
		must(t, err)
		from, err := s.Blobs.Get(ctx, r.Blob)
		must(t, err)
		sealed, err := io.ReadAll(from)
		must(t, err)
		must(t, from.Close())
		for _, plain := range []string{"\xff\xd8\xff", "证照", "zhang", "{\"name\""} {
			if bytes.Contains(sealed, []byte(plain)) {
				t.Errorf("the blob holds %q", plain)
			}
		}
		n, err := s.EraseOwned(ctx, "zhang", ev)
		must(t, err)
		if n != 1 || trailed(t, db, audit.DocumentErased, doc.ID) != 1 {
			t.Errorf("%d erased", n)
		}
		// The blob comes back from the backup; the record does not open it.
		must(t, s.Blobs.Put(ctx, r.Blob, sealed))
		if _, err := db.Document(ctx, doc.ID, "case1", ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("the record of an erased document: %v", err)
		}
	})
}

// careless counts first and inserts then.
type careless struct {
	document.Store
	meet *sync.WaitGroup
}

func (c careless) ReserveDocument(ctx context.Context, r document.Record, l document.Limits) error {
	ids, err := c.OwnedDocuments(ctx, r.Owner)
	c.meet.Done()
	c.meet.Wait()
	if err != nil {
		return err
	}
	if len(ids) >= l.Documents {
		return &fault.Error{Kind: fault.Throttled, Field: "file", Msg: document.MsgQuota}
	}
	return c.Store.ReserveDocument(ctx, r, document.Limits{Documents: 1 << 20, Bytes: 1 << 40})
}

// S73: of racing uploads no more succeed than the quota has room for; a store that
// counts first and writes then lets them all in.
func TestRacesForTheQuota(t *testing.T) {
	const racers, room = 8, 2
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, guarded := range []bool{true, false} {
			s := archive(t, db)
			s.Limits.Documents = room
			if !guarded {
				meet := &sync.WaitGroup{}
				meet.Add(racers)
				s.Store = careless{db, meet}
			}
			owner := fmt.Sprint("owner ", guarded)
			var wg sync.WaitGroup
			errs := make([]error, racers)
			for i := range racers {
				up := evidence(t, owner, fmt.Sprint(owner, i), document.Other)
				wg.Go(func() { _, errs[i] = s.Add(t.Context(), up, audit.Event{Actor: owner}) })
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					failsWith(t, err, fault.Throttled, document.MsgQuota)
				}
			}
			if want := map[bool]int{true: room, false: racers}[guarded]; won != want {
				t.Errorf("guarded %v: %d of %d uploads succeed, want %d", guarded, won, racers, want)
			}
		}
	})
}

// S58: an upload that races with the decision is part of what was decided upon or
// refused; never both.
func TestUploadRacesWithDecision(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := archive(t, db)
		s.Limits.Documents = 100
		for i := range 8 {
			caseID := fmt.Sprint("case", i)
			up := evidence(t, "zhang", caseID, document.Other)
			var added, closed error
			var seen []document.Document
			var wg sync.WaitGroup
			wg.Go(func() { _, added = s.Add(t.Context(), up, audit.Event{Actor: "zhang"}) })
			wg.Go(func() {
				closed = db.InTx(t.Context(), func(ctx context.Context) error {
					if err := s.CloseCase(ctx, caseID); err != nil {
						return err
					}
					var err error
					seen, err = s.List(ctx, caseID)
					return err
				})
			})
			wg.Wait()
			must(t, closed)
			after, err := s.List(t.Context(), caseID)
			must(t, err)
			if len(after) != len(seen) || (added == nil) != (len(seen) == 1) {
				t.Errorf("%d documents seen by the decision, %d there, upload: %v", len(seen), len(after), added)
			}
		}
	})
}

// An upload that was cut off between reservation and confirmation is swept, and
// gives its room back.
func TestUnfinishedUploads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := archive(t, db), t.Context()
		r := document.Record{
			Document: document.Document{ID: "d1", Owner: "zhang", Case: "c1", Kind: document.Other, Pages: 1, Size: 5, CreatedAt: clock},
			Key:      make([]byte, document.KeySize), Blob: strings.Repeat("a", 26),
		}
		must(t, db.ReserveDocument(ctx, r, document.Limits{Documents: 1, Bytes: 5}))
		must(t, s.Blobs.Put(ctx, r.Blob, []byte("12345")))
		again := r
		again.ID, again.Blob = "d2", strings.Repeat("b", 26)
		failsWith(t, db.ReserveDocument(ctx, again, document.Limits{Documents: 1, Bytes: 5}), fault.Throttled, document.MsgQuota)
		if list, err := s.List(ctx, "c1"); err != nil || len(list) != 0 {
			t.Errorf("unconfirmed and listed: %v %v", list, err)
		}
		if n, err := s.Tend(ctx, 10); err != nil || n != 0 {
			t.Errorf("swept at once: %d %v", n, err)
		}
		s.Now = func() time.Time { return clock.Add(2 * time.Hour) }
		if n, err := s.Tend(ctx, 10); err != nil || n != 1 {
			t.Errorf("swept later: %d %v", n, err)
		}
		if _, err := s.Blobs.Get(ctx, r.Blob); !fault.Is(err, fault.NotFound) {
			t.Errorf("its blob: %v", err)
		}
		must(t, db.ReserveDocument(ctx, again, document.Limits{Documents: 1, Bytes: 5}))
	})
}
