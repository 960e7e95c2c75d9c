package store_test

import (
	"testing"
	"time"

	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/storetest"
)

// The latest grant counts, until its end, for its own client.
func TestSpokenFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.SpeakFor(ctx, "rp", "sub", "g1", clock.Add(time.Hour)))
		must(t, db.SpeakFor(ctx, "rp", "sub", "g2", clock.Add(time.Minute)))
		for _, row := range []struct {
			name, client, subject string
			at                    time.Duration
		}{{"another client", "other", "sub", 0}, {"another subject", "rp", "sup", 0}, {"after its end", "rp", "sub", time.Minute}} {
			if id, err := db.SpokenFor(ctx, row.client, row.subject, clock.Add(row.at)); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %q, %v", row.name, id, err)
			}
		}
		if id, err := db.SpokenFor(ctx, "rp", "sub", clock); err != nil || id != "g2" {
			t.Errorf("%q, %v, want the latest", id, err)
		}
		if n, err := db.SweepExpired(ctx, clock.Add(time.Hour), 10); err != nil || n != 1 {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}
