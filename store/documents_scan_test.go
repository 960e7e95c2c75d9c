package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/storetest"
)

// guard is a scanner that says what it is told to.
type guard struct{ says error }

func (g guard) Scan(context.Context, []byte) error { return g.says }

// What waits for the scanner is settled once, however many look at it at once; its
// owner's room is that of one document; and what was decided meanwhile is opened no
// more (S58, S76).
func TestScannedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := archive(t, db)
		s.Hold, s.Scanner, s.Limits.Documents = true, guard{errors.New("down")}, 5
		ctx := t.Context()
		add := func(caseID string, k document.Kind) document.Document {
			t.Helper()
			d, err := s.Add(ctx, evidence(t, "zhang", caseID, k), audit.Event{Actor: "zhang"})
			must(t, err)
			return d
		}
		first, bad, decided := add("c1", document.IDFront), add("c2", document.IDFront), add("c3", document.IDFront)
		must(t, s.CloseCase(ctx, "c3"))
		waiting, err := db.WaitingDocuments(ctx, 10)
		must(t, err)
		if len(waiting) != 2 || waiting[0].Scan != document.Waiting || len(waiting[0].Key) == 0 {
			t.Fatalf("waiting: %+v", waiting)
		}
		if _, err := s.Rescan(ctx, 10); err == nil {
			t.Error("settled by a scanner that is down")
		}
		together := func(says func(body []byte) error) {
			t.Helper()
			var wg sync.WaitGroup
			for range 4 {
				other := *s
				other.Scanner = scan(says)
				other.Init()
				wg.Go(func() {
					if _, err := other.Rescan(ctx, 10); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		// The two of them are alike: the first one passes, whoever looks.
		must(t, s.Erase(ctx, bad.ID, "c2", "", audit.Event{Actor: "zhang"}))
		together(func([]byte) error { return nil })
		all, err := s.List(ctx, "c1")
		must(t, err)
		if len(all) != 1 || all[0].Scan != document.Passed || all[0].ID == first.ID {
			t.Fatalf("%+v", all)
		}
		if n := trailed(t, db, audit.DocumentStored, all[0].ID); n != 1 {
			t.Errorf("stored %d times", n)
		}
		_, err = s.View(ctx, document.Access{ID: all[0].ID, Case: "c1", Viewer: "r", Purpose: "review"}, audit.Event{})
		must(t, err)

		bad = add("c2", document.IDFront)
		together(func([]byte) error { return &fault.Error{Kind: fault.Invalid, Field: "file", Msg: document.MsgMalware} })
		if all, err = s.List(ctx, "c2"); err != nil || len(all) != 1 || all[0].Scan != document.Quarantined || all[0].ID != bad.ID {
			t.Fatalf("%+v, %v", all, err)
		}
		if n := trailed(t, db, audit.DocumentQuarantined, bad.ID); n != 1 {
			t.Errorf("quarantined %d times", n)
		}
		if done, err := db.QuarantineDocument(ctx, all[0].ID); err != nil || done {
			t.Errorf("quarantined again: %v, %v", done, err)
		}
		// A better file takes the place of what is in quarantine.
		s.Scanner = guard{}
		add("c2", document.IDFront)
		if all, err = s.List(ctx, "c2"); err != nil || len(all) != 1 || all[0].Scan != document.Passed {
			t.Errorf("replaced: %+v, %v", all, err)
		}
		if n := trailed(t, db, audit.DocumentStored, decided.ID) + trailed(t, db, audit.DocumentQuarantined, decided.ID); n != 0 {
			t.Error("a document of a decided case was opened")
		}
		// c1, c2 and c3 hold one each: room for two more, and no third.
		add("c4", document.IDFront)
		add("c5", document.IDFront)
		_, err = s.Add(ctx, evidence(t, "zhang", "c6", document.IDFront), audit.Event{})
		failsWith(t, err, fault.Throttled, document.MsgQuota)
	})
}

type scan func([]byte) error

func (f scan) Scan(_ context.Context, body []byte) error { return f(body) }
