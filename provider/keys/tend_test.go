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
		const rotateAfter, retireAfter = 90 * 24 * time.Hour, 7 * 24 * time.Hour
		ahead := time.Duration(0)
		ring := func() *keys.Ring {
			r := &keys.Ring{Store: db, Root: storetest.Root, RetireAfter: retireAfter, Now: func() time.Time { return time.Now().Add(ahead) }}
			if err := r.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			return r
		}
		r, n := ring(), len(keys.Algorithms())
		tend := func(r *keys.Ring) {
			t.Helper()
			if err := r.Tend(t.Context(), rotateAfter, keys.HintsFor); err != nil {
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
			wg.Go(func() { errs[i] = other.Tend(t.Context(), rotateAfter, keys.HintsFor) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if got := states(t, db); got[keys.Retired] != n || got[keys.Active] != n || got[keys.Next] != n {
			t.Fatalf("three processes tended at once: %v, want each key rotated once", got)
		}
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		old := published(t, r.Snapshot())
		ahead += retireAfter + time.Hour
		tend(r)
		if now := published(t, r.Snapshot()); len(old) != 3*n || len(now) != 2*n {
			t.Fatalf("%d keys in the JWKS, then %d: the retired ones stay", len(old), len(now))
		}
		for _, kid := range old { // who comes back with an old ID token is still recognised
			if _, _, ok := r.Snapshot().Public(kid); !ok {
				t.Errorf("key %s is forgotten as soon as it leaves the JWKS", kid)
			}
		}
		ahead += keys.HintsFor
		tend(r)
		kept := 0
		for _, kid := range old {
			if _, _, ok := r.Snapshot().Public(kid); ok {
				kept++
			}
		}
		if kept != 2*n { // those that were active or next then have only been replaced now
			t.Fatalf("%d of %d keys are kept, want %d: retired keys stay", kept, len(old), 2*n)
		}
	})
}
