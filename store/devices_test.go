package store_test

import (
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/device"
	"kejitong/provider/fault"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// A device's request from opening to its end (RFC 8628 §3.5): what is over stays
// over, and what fails leaves nothing behind.
func TestDeviceRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		seed(t, db)
		ctx, ev := t.Context(), did(audit.DeviceAllowed)
		must(t, won(db.OpenDevice(ctx, aDevice("d1"))))
		twin := aDevice("d2")
		twin.UserKey = "user d1"
		must(t, refused(db.OpenDevice(ctx, twin))) // the user code is taken
		if _, err := db.Device(ctx, "user d2"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such user code: %v", err)
		}
		if _, err := db.PollDevice(ctx, "d1", "other", clock); !fault.Is(err, fault.NotFound) {
			t.Errorf("polled by another client: %v", err)
		}
		r, err := db.Device(ctx, "user d1")
		must(t, err)
		want := aDevice("d1")
		if r != want {
			t.Errorf("read %+v, want %+v", r, want)
		}
		polls := []struct {
			at       time.Duration
			hasty    bool
			interval time.Duration
		}{{0, false, 5 * time.Second}, {5*time.Second - time.Millisecond, true, 10 * time.Second}, {15 * time.Second, false, 10 * time.Second}}
		for _, p := range polls {
			r, err = db.PollDevice(ctx, "d1", "rp", clock.Add(p.at))
			must(t, err)
			if r.Hasty != p.hasty || r.Interval != p.interval {
				t.Errorf("polled after %v: hasty %v, interval %v", p.at, r.Hasty, r.Interval)
			}
		}

		must(t, db.Park(ctx, parked("i1", "")))
		g := newGrant(t, "rp", "s1", "zhang")
		must(t, refused(db.AllowDevice(ctx, "d1", "no such interaction", g, clock, ev)))
		must(t, refused(db.AllowDevice(ctx, "no such device", "i1", g, clock, ev)))
		if _, err := db.ByGrant(ctx, g.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a grant stands of what was not allowed: %v", err)
		}
		r, err = db.Device(ctx, "user d1")
		must(t, err)
		if r.State != device.Pending {
			t.Errorf("state %d after a failed try, want pending", r.State)
		}
		late := clock.Add(2 * time.Hour)
		must(t, won(db.AllowDevice(ctx, "d1", "i1", g, late, ev)))
		must(t, refused(db.AllowDevice(ctx, "d1", "i1", newGrant(t, "rp", "s1", "zhang"), late, ev)))
		must(t, refused(db.RefuseDevice(ctx, "d1", ev)))
		r, err = db.PollDevice(ctx, "d1", "rp", clock.Add(15*time.Second))
		must(t, err)
		if r.State != device.Allowed || r.GrantID != g.ID || r.Hasty || !r.ExpiresAt.Equal(late) {
			t.Errorf("allowed: %+v", r)
		}
		if h, err := db.ByGrant(ctx, g.ID); err != nil || h.Grant.State != token.Issued {
			t.Errorf("the grant: %v", err)
		}

		db.Now = func() time.Time { return clock.Add(time.Hour) }
		must(t, won(db.OpenDevice(ctx, aDevice("d3")))) // expires now
		must(t, db.Park(ctx, parked("i3", "")))
		must(t, refused(db.AllowDevice(ctx, "d3", "i3", newGrant(t, "rp", "s1", "zhang"), late, ev)))
		must(t, won(db.RefuseDevice(ctx, "d3", ev)))
		must(t, refused(db.RefuseDevice(ctx, "d3", ev)))
	})
}

// Tries are counted in windows that begin with the first of them.
func TestCountTry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, row := range []struct {
			after time.Duration
			n     int
			end   time.Duration
		}{{0, 1, time.Minute}, {time.Second, 2, time.Minute}, {time.Minute - time.Millisecond, 3, time.Minute}, {time.Minute, 1, 2 * time.Minute}, {90 * time.Second, 2, 2 * time.Minute}} {
			n, end, err := db.CountTry(t.Context(), "k", time.Minute, clock.Add(row.after))
			if err != nil || n != row.n || !end.Equal(clock.Add(row.end)) {
				t.Errorf("after %v: %d until %v, %v, want %d until %v", row.after, n, end, err, row.n, clock.Add(row.end))
			}
		}
	})
}
