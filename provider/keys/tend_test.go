package keys_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"kejitong/provider/keys"
	"kejitong/store"
	"kejitong/store/storetest"
)

// states counts the signing keys of each state.
func states(t *testing.T, db *store.DB) map[keys.State]int {
	t.Helper()
	rows, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[keys.State]int{}
	for _, k := range rows {
		if k.Purpose == keys.Sign {
			out[k.State]++
		}
	}
	return out
}

// A key that is old rotates only when its successor has been published for a
// day, whoever tends it and how many do; what is retired leaves in time.
func TestTend(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ahead := time.Duration(0)
		ring := func() *keys.Ring {
			r := &keys.Ring{Store: db, Root: storetest.Root, Now: func() time.Time { return time.Now().Add(ahead) }}
			if err := r.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			return r
		}
		const rotateAfter, retireAfter = 90 * 24 * time.Hour, 7 * 24 * time.Hour
		r, n := ring(), len(keys.Algorithms())
		tend := func(r *keys.Ring) {
			t.Helper()
			if err := r.Tend(t.Context(), rotateAfter, retireAfter); err != nil {
				t.Fatal(err)
			}
		}
		ahead = rotateAfter + time.Hour
		tend(r)
		if got := states(t, db); got[keys.Retired] != 0 {
			t.Fatalf("rotated without successors: %v", got)
		}
		if err := r.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		tend(r)
		if got := states(t, db); got[keys.Retired] != 0 || got[keys.Next] != n {
			t.Fatalf("rotated to keys that nobody has seen yet: %v", got)
		}
		ahead += keys.PublishedFor
		var wg sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			other := ring()
			wg.Go(func() { errs[i] = other.Tend(t.Context(), rotateAfter, retireAfter) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if got := states(t, db); got[keys.Retired] != n || got[keys.Active] != n || got[keys.Next] != n {
			t.Fatalf("three processes tended at once: %v, want each key rotated once", got)
		}
		ahead += retireAfter + time.Hour
		tend(r)
		if got := states(t, db); got[keys.Retired] != 0 || got[keys.Active] != n {
			t.Fatalf("retired keys stay: %v", got)
		}
	})
}
