package store_test

import (
	"slices"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/operator"
	"kejitong/store"
	"kejitong/store/storetest"
)

// What the desk's front page counts is what the trail holds, whichever of it was
// added up before, and adding up twice counts nothing twice.
func TestGlance(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		end := clock.Truncate(time.Hour).Add(30 * time.Minute)
		record := func(at time.Time, kind audit.Kind, detail, client string) {
			t.Helper()
			db.Now = func() time.Time { return at }
			must(t, db.Record(ctx, audit.Event{Kind: kind, Detail: detail, Client: client}))
		}
		for _, back := range []time.Duration{0, time.Hour, 5 * time.Hour, 23 * time.Hour, 50 * time.Hour, 20 * 24 * time.Hour, 40 * 24 * time.Hour} {
			record(end.Add(-back), audit.SignInSucceeded, "password", "rp")
			record(end.Add(-back), audit.SignInFailed, "wrong", "")
			record(end.Add(-back), audit.ClaimsReleased, "openid", "rp")
		}
		record(end, audit.SignInThrottled, "captcha", "")
		record(end, audit.AccountCreated, "", "")
		w := &operator.Watch{Store: db, Now: func() time.Time { return end }}
		for range 30 { // a day at a time
			if more, err := db.AddHours(ctx, end.Add(-30*24*time.Hour), end); err != nil || !more {
				must(t, err)
				break
			}
		}
		for round := range 2 {
			w = &operator.Watch{Store: db, Now: func() time.Time { return end }}
			g, err := w.Look(ctx)
			must(t, err)
			if want := []operator.Count{{Key: "failed wrong", N: 4}, {Key: "succeeded", N: 4}, {Key: "throttled captcha", N: 1}}; !slices.Equal(g.Day, want) {
				t.Errorf("round %d, a day: %v", round, g.Day)
			}
			if want := []operator.Count{{Key: "failed wrong", N: 6}, {Key: "succeeded", N: 6}, {Key: "throttled captcha", N: 1}}; !slices.Equal(g.Month, want) {
				t.Errorf("round %d, a month: %v", round, g.Month)
			}
			if want := []operator.Count{{Key: "rp", N: 6}}; !slices.Equal(g.Tokens, want) {
				t.Errorf("round %d, tokens: %v", round, g.Tokens)
			}
		}
		// Within a minute nobody asks the database again.
		record(end, audit.SignInThrottled, "captcha", "")
		if g, err := w.Look(ctx); err != nil || g.Day[2].N != 1 {
			t.Errorf("%v %v", g.Day, err)
		}
		w.Now = func() time.Time { return end.Add(time.Minute) }
		if g, err := w.Look(ctx); err != nil || g.Day[2].N != 2 {
			t.Errorf("after a minute: %v %v", g.Day, err)
		}
	})
}
