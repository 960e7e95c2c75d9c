package store_test

import (
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/token"
	"kejitong/store/storetest"
)

// Spending and refreshing must touch no index: an index on a column that they
// change would double what they write.
func TestRefreshingTouchesNoIndex(t *testing.T) {
	updates := func(t *testing.T, sabotage string) (all, heapOnly int64) {
		o := storetest.Postgres(t)
		db := storetest.Open(t, o)
		if sabotage != "" {
			storetest.Exec(t, o, sabotage)
		}
		const flows = 100
		for range flows {
			g := newGrant(t, "rp", "s1", "zhang")
			must(t, won(db.OpenGrant(t.Context(), g, token.Consume{}, did(audit.CodeIssued))))
			must(t, won(db.SpendCode(t.Context(), g.ID, 1, clock, did(audit.ClaimsReleased))))
			must(t, won(db.RotateRefresh(t.Context(), g.ID, 1, clock)))
		}
		must(t, db.Close()) // the server counts a connection's deeds at its end
		for all < 2*flows {
			all = storetest.Count(t, o, `SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'grants'`)
			time.Sleep(5 * time.Millisecond)
		}
		return all, storetest.Count(t, o, `SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'grants'`)
	}
	if all, heapOnly := updates(t, `CREATE INDEX sabotage ON grants (rt_gen)`); heapOnly == all {
		t.Errorf("control: %d of %d updates are heap-only with an index on what they change", heapOnly, all)
	}
	if all, heapOnly := updates(t, ""); heapOnly < all*9/10 {
		t.Errorf("%d of %d updates are heap-only", heapOnly, all)
	}
}
