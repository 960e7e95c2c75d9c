package outbox_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/outbox"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// clock is moved by the test.
type clock struct {
	sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.Lock(); defer c.Unlock(); return c.now }

func (c *clock) forward(d time.Duration) { c.Lock(); defer c.Unlock(); c.now = c.now.Add(d) }

// owing queues one sign-out for each client.
func owing(t *testing.T, db *store.DB, clients ...string) {
	t.Helper()
	ctx, ev := t.Context(), audit.Event{Kind: audit.SessionEnded}
	_, err := db.StartSession(ctx, session.Session{Key: "k", ID: "s", Account: "a", CreatedAt: start, SeenAt: start, ExpiresAt: start.Add(time.Hour)}, "", ev)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		g, err := token.NewGrant(c, start)
		if err != nil {
			t.Fatal(err)
		}
		g.SessionID, g.ExpiresAt = "s", start.Add(time.Hour)
		if _, err := db.OpenGrant(ctx, g, token.Consume{}, ev); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.EndSessions(ctx, session.Which{Key: "k"}, start, ev); err != nil {
		t.Fatal(err)
	}
}

// running starts a runner whose deliveries are told to tried; it answers what
// the test sends.
func running(t *testing.T, db *store.DB, c *clock, attempts int) (r *outbox.Runner, tried chan outbox.Task, answer chan error) {
	t.Helper()
	tried, answer = make(chan outbox.Task), make(chan error)
	r = &outbox.Runner{
		Store: db, Now: c.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Every: time.Hour, Attempts: attempts, Workers: 2,
		Handlers: map[outbox.Kind]outbox.Handler{outbox.BackchannelLogout: func(ctx context.Context, task outbox.Task) error {
			tried <- task
			return <-answer
		}},
	}
	r.Init()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return r, tried, answer
}

// left waits until n tasks are queued and gives them; each claim hides them for
// no time at all.
func left(t *testing.T, db *store.DB, n int) []outbox.Task {
	t.Helper()
	for {
		tasks, err := db.ClaimTasks(t.Context(), 100, start.Add(1000*time.Hour), -1000*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks) == n {
			return tasks
		}
		select {
		case <-t.Context().Done():
			t.Fatal("out of time")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestAFailureIsTriedAgainUntilItSucceeds(t *testing.T) {
	db, _ := storetest.Ready(t, storetest.SQLite(t))
	owing(t, db, "rp")
	c := &clock{now: start}
	r, tried, answer := running(t, db, c, 5)
	refused := errors.New("the client answered 503")

	if task := <-tried; task.Attempts != 0 || task.Payload != `{"client":"rp","session":"s","account":"a"}` {
		t.Errorf("first try: %+v", task)
	}
	answer <- refused
	for attempt := 1; attempt <= 2; attempt++ {
		for left(t, db, 1)[0].Attempts != attempt { // settled
			time.Sleep(time.Millisecond)
		}
		c.forward(time.Hour)
		r.Wake()
		if task := <-tried; task.Attempts != attempt {
			t.Errorf("try %d: %+v", attempt, task)
		}
		if attempt == 1 {
			answer <- refused
		} else {
			answer <- nil
		}
	}
	left(t, db, 0)
}

func TestATaskIsGivenUp(t *testing.T) {
	db, _ := storetest.Ready(t, storetest.SQLite(t))
	owing(t, db, "rp")
	_, tried, answer := running(t, db, &clock{now: start}, 1)
	<-tried
	answer <- errors.New("the client is gone")
	left(t, db, 0)
}

func TestOneSlowClientDoesNotHoldTheOthers(t *testing.T) {
	db, _ := storetest.Ready(t, storetest.SQLite(t))
	owing(t, db, "a", "b")
	_, tried, answer := running(t, db, &clock{now: start}, 3)
	first, second := <-tried, <-tried // both are under way before either has an answer
	if first.ID == second.ID {
		t.Errorf("one task twice: %s", first.ID)
	}
	answer <- nil
	answer <- nil
	left(t, db, 0)
}
