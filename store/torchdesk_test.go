package store_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/torch"
	"kejitong/store"
	"kejitong/store/storetest"
)

// What the desk reads of an import: every record that is to be settled stands in
// its heap, once, in pages; what was left out is kept without what stood there.
func TestTorchBooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		newTown(t, db)
		records, want := cast()
		stageAll(t, db, "first", records)
		if _, ok, err := db.BatchPlan(ctx, "first"); ok || err != nil {
			t.Errorf("a plan before any: %v", err)
		}
		_, err := db.Preview(ctx, "first", torch.Rules(), clock)
		must(t, err)
		if p, ok, err := db.BatchPlan(ctx, "first"); !ok || err != nil || !maps.Equal(p.Outcomes, counted(want)) || len(p.Samples) == 0 {
			t.Errorf("the plan is not kept: %+v, %v", p, err)
		}
		if e, err := db.EntriesOf(ctx, torch.UnitRecord, uE3); err != nil || len(e) != 1 || e[0].Outcome != "" || len(e[0].Open()) > 0 || e[0].Record.UnitName != "火炬"+uE3 {
			t.Errorf("before the batch is brought over: %+v, %v", e, err)
		}
		_, err = db.Commit(ctx, "first", torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted})
		must(t, err)
		snags := map[int][]torch.Snag{4: {torch.SnagName}, 5: {torch.SnagGrants}, 6: {torch.SnagName, torch.SnagGrants}, 7: {torch.SnagRival}, 13: {torch.SnagName},
			14: {torch.SnagElsewhere}, 15: {torch.SnagName, torch.SnagElsewhere}, 16: {torch.SnagThird}, 18: {torch.SnagName}}
		seen := map[int]bool{}
		for _, heap := range torch.Heaps() {
			after := torch.Place{}
			for {
				some, err := db.Entries(ctx, heap, after, 1)
				must(t, err)
				if len(some) == 0 {
					break
				}
				e := some[0]
				if seen[e.Place.Row] || heap != torch.Rivals && torch.Heap(want[e.Place.Row]) != heap {
					t.Errorf("row %d (%s) stands in heap %s", e.Place.Row, want[e.Place.Row], heap)
				}
				if !slices.Equal(e.Open(), snags[e.Place.Row]) {
					t.Errorf("row %d (%s): open %v, want %v", e.Place.Row, e.Outcome, e.Open(), snags[e.Place.Row])
				}
				seen[e.Place.Row], after = true, e.Place
			}
		}
		if len(seen) != len(snags) {
			t.Errorf("in the heaps are %v, want %v", seen, snags)
		}
		bad, err := db.BadRows(ctx, "first", 10)
		must(t, err)
		counts, err := db.BadCounts(ctx, "first")
		must(t, err)
		if want := (torch.RowError{Row: 99, Field: torch.ColumnKey, Msg: torch.MsgText}); len(bad) != 1 || bad[0] != want || len(counts) != 1 || counts[0].N != 1 {
			t.Errorf("left out: %+v, %+v", bad, counts)
		}
		b, err := db.Batch(ctx, "first")
		if err != nil || b.File != "first.csv" || b.By != "root" || b.Passwords != 8 {
			t.Errorf("%+v, %v", b, err)
		}
		e, err := db.EntriesOf(ctx, torch.UnitRecord, uE3)
		if err != nil || len(e) != 1 || e[0].Holder.LoginName != uE3 || e[0].Account.LoginName != "HJ_"+uE3 {
			t.Fatalf("%+v, %v", e, err)
		}
	})
}

// The rate of the wrapping is that between two looks at it.
func TestTorchWrappingRate(t *testing.T) {
	now, left := clock, int64(900)
	l := torch.Ledger{Books: countingBooks{left: &left}, Now: func() time.Time { return now }}
	batches := []torch.Batch{{ID: "a", State: torch.Committed, Passwords: 1000}, {ID: "b", State: torch.Reverted, Passwords: 50}}
	look := func() torch.Wrapping {
		t.Helper()
		w, err := l.Wrapping(t.Context(), batches)
		must(t, err)
		return w
	}
	if w := look(); w.All != 1000 || w.Left != 900 || w.Done() != 100 || w.Rate != 0 {
		t.Errorf("at first: %+v", w)
	}
	now, left = now.Add(time.Second), 850
	if w := look(); w.Left != 900 {
		t.Errorf("counted again at once: %+v", w)
	}
	now, left = now.Add(9*time.Second), 800
	if w := look(); w.Left != 800 || w.Rate != 10 || w.Takes != 80*time.Second {
		t.Errorf("after ten seconds: %+v", w)
	}
	now, left = now.Add(time.Minute), 5000
	if w := look(); w.Left != 5000 || w.Rate != 0 || w.Done() != 0 {
		t.Errorf("after another batch: %+v", w)
	}
}

type countingBooks struct {
	torch.Books
	left *int64
}

func (c countingBooks) CountUnwrapped(context.Context) (int64, error) { return *c.left, nil }
