package store_test

import (
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/session"
	"kejitong/store"
	"kejitong/store/storetest"
)

func TestTasksAreClaimedOnceAndComeBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		start(t, db, visit("k1", "s1", "zhang"), "")
		const n = 24
		for i := range n {
			issue(t, db, "rp"+string(rune('a'+i)), "s1", false)
		}
		_, err := db.EndSessions(ctx, session.Which{Key: "k1"}, clock, did(audit.SessionEnded))
		must(t, err)

		if early, err := db.ClaimTasks(ctx, n, clock.Add(-time.Millisecond), time.Minute); err != nil || len(early) > 0 {
			t.Errorf("%d tasks before they are due, %v", len(early), err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		claimed := map[string]int{}
		for range 8 {
			wg.Go(func() {
				for {
					tasks, err := db.ClaimTasks(ctx, 2, clock, time.Minute)
					if err != nil {
						t.Errorf("claim: %v", err)
					}
					if len(tasks) == 0 {
						return
					}
					mu.Lock()
					for _, task := range tasks {
						claimed[task.ID]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for id, times := range claimed {
			if times != 1 {
				t.Errorf("task %s was claimed %d times", id, times)
			}
		}
		if len(claimed) != n {
			t.Errorf("%d tasks claimed, want %d", len(claimed), n)
		}
		again, err := db.ClaimTasks(ctx, n, clock.Add(time.Minute), time.Minute)
		must(t, err)
		if len(again) != n || again[0].Attempts != 0 {
			t.Errorf("%d tasks after the lease", len(again))
		}
		must(t, db.RetryTask(ctx, again[0].ID, clock.Add(time.Hour)))
		must(t, db.FinishTask(ctx, again[1].ID))
		must(t, db.RetryTask(ctx, again[1].ID, clock)) // a slow worker settles what another has finished
		last, err := db.ClaimTasks(ctx, n, clock.Add(time.Hour), time.Minute)
		must(t, err)
		attempts := 0
		for _, task := range last {
			attempts += task.Attempts
		}
		if len(last) != n-1 || attempts != 1 {
			t.Errorf("%d tasks with %d attempts", len(last), attempts)
		}
	})
}
