package store_test

import (
	"fmt"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// Codes that nobody redeems do not stay for as long as the tokens would have
// lived, however many spent ones stand between them; what was spent or revoked
// stays, since tokens depend on it.
func TestUnspentGrantsAreSwept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx, ev := t.Context(), did(audit.ClaimsReleased)
		var kept, gone, late []*token.Grant
		open := func(code time.Time) *token.Grant {
			g := newGrant(t, "rp", "s1", "zhang")
			g.CodeExp = code
			must(t, won(db.OpenGrant(ctx, g, token.Consume{}, ev)))
			return g
		}
		for i := range 30 {
			g := open(clock.Add(time.Duration(i/3) * time.Second)) // three at each moment
			switch {
			case i%10 == 0:
				gone = append(gone, g)
			case i%10 == 1:
				must(t, db.RevokeGrant(ctx, g, ev))
				kept = append(kept, g)
			default:
				must(t, won(db.SpendCode(ctx, g.ID, 1, clock, ev)))
				kept = append(kept, g)
			}
		}
		late = append(late, open(clock.Add(time.Minute)))
		held := func(what string, want int, grants ...*token.Grant) {
			t.Helper()
			n := 0
			for _, g := range grants {
				_, err := db.ByGrant(ctx, g.ID)
				if err == nil {
					n++
				} else if !fault.Is(err, fault.NotFound) {
					t.Fatal(err)
				}
			}
			if n != want {
				t.Errorf("%d %s grants, want %d", n, what, want)
			}
		}
		sweep := func(before time.Time, limit, want int) {
			t.Helper()
			if n, err := db.SweepExpired(ctx, before, limit); err != nil || n != want {
				t.Errorf("%d swept, %v, want %d", n, err, want)
			}
		}
		sweep(clock, 4, 0)
		held("unspent", 3, gone...)
		sweep(clock.Add(time.Minute), 4, 3)
		held("unspent", 0, gone...)
		held("spent and revoked", len(kept), kept...)
		held("younger", 1, late...)
		sweep(clock.Add(time.Minute+time.Millisecond), 4, 1)
		sweep(clock.Add(time.Hour), 4, 0)
	})
}

// A great backlog of unspent grants goes in batches.
func TestUnspentGrantsGoInBatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i := range 10 {
			g := newGrant(t, "rp", "s1", "zhang")
			g.CodeExp = clock.Add(time.Duration(i) * time.Second)
			must(t, won(db.OpenGrant(t.Context(), g, token.Consume{}, did(audit.ClaimsReleased))))
		}
		for i, want := range []int{4, 4, 2, 0} {
			if n, err := db.SweepExpired(t.Context(), clock.Add(time.Hour), 4); err != nil || n != want {
				t.Errorf("batch %d: %d, %v, want %d", i, n, err, want)
			}
		}
	})
}

// What waits for a browser goes a minute after its end, not an hour: strangers
// can make it without signing in.
func TestParkedRequestsAreSweptSoon(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for i := range 3 {
			must(t, db.Park(ctx, parked(fmt.Sprintf("i%d", i), ""))) // for an hour
			must(t, db.Push(ctx, pushed(fmt.Sprintf("p%d", i))))     // for a minute
		}
		for _, c := range []struct {
			name string
			now  time.Duration
			want int
		}{
			{"a minute after the pushed ones' end", 2 * time.Minute, 0},
			{"a moment later", 2*time.Minute + time.Millisecond, 2},
			{"the rest of them", 2*time.Minute + time.Millisecond, 1},
			{"a minute after the parked ones' end", 61 * time.Minute, 0},
			{"a moment later", 61*time.Minute + time.Millisecond, 2},
			{"the rest", 61*time.Minute + time.Millisecond, 1},
		} {
			db.Now = func() time.Time { return clock.Add(c.now) }
			if n, err := db.SweepExpired(ctx, db.Now().Add(-time.Hour), 2); err != nil || n != c.want {
				t.Errorf("%s: %d, %v, want %d", c.name, n, err, c.want)
			}
		}
	})
}
