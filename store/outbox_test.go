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

// A client whose worker is at it is passed over, however much it is owed.
func TestTasksOfTheBusyAreLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		for i := range 5 { // one session each, the slow client's first
			s := "s" + string(rune('0'+i))
			start(t, db, visit("k"+s, s, "zhang"), "")
			issue(t, db, "slow", s, false)
			if i == 4 {
				issue(t, db, `rp "1"`, s, false)
			}
			_, err := db.EndSessions(ctx, session.Which{Key: "k" + s}, clock.Add(time.Duration(i)*time.Second), did(audit.SessionEnded))
			must(t, err)
		}
		now := clock.Add(time.Minute)
		n, overdue, err := db.OutboxBacklog(ctx, now)
		if err != nil || n != 6 || overdue != time.Minute {
			t.Errorf("backlog %d for %v, %v, want 6 for a minute", n, overdue, err)
		}
		tasks, err := db.ClaimTasks(ctx, 10, now, time.Hour, "slow", "idle")
		if err != nil || len(tasks) != 1 || tasks[0].Key != `rp "1"` {
			t.Errorf("%+v, %v, want the other client's alone", tasks, err)
		}
		if tasks, err = db.ClaimTasks(ctx, 10, now, time.Hour, `rp "1"`); err != nil || len(tasks) != 5 || tasks[0].Key != "slow" {
			t.Errorf("%+v, %v, want the slow client's", tasks, err)
		}
		if n, overdue, err := db.OutboxBacklog(ctx, now); err != nil || n != 0 || overdue != 0 {
			t.Errorf("backlog %d for %v, %v, want none: all are claimed", n, overdue, err)
		}
	})
}
