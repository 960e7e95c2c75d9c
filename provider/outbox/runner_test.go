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

// owingMuch queues n sign-outs for the client, each of another session.
func owingMuch(t *testing.T, db *store.DB, client string, n int) {
	t.Helper()
	ctx, ev := t.Context(), audit.Event{Kind: audit.SessionEnded}
	for i := range n {
		key := client + string(rune('a'+i))
		s := session.Session{Key: key, ID: key, Account: "a", CreatedAt: start, SeenAt: start, ExpiresAt: start.Add(time.Hour)}
		if _, err := db.StartSession(ctx, s, "", ev); err != nil {
			t.Fatal(err)
		}
		g, err := token.NewGrant(client, start)
		if err != nil {
			t.Fatal(err)
		}
		g.SessionID, g.ExpiresAt = key, start.Add(time.Hour)
		if _, err := db.OpenGrant(ctx, g, token.Consume{}, ev); err != nil {
			t.Fatal(err)
		}
		if _, err := db.EndSessions(ctx, session.Which{Key: key}, start.Add(-time.Minute), ev); err != nil {
			t.Fatal(err)
		}
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

// left waits until n tasks are queued. It only reads: a claim of its own would
// hold the rows for a moment, the runner would step over them (SKIP LOCKED) and
// sleep until it is woken.
func left(t *testing.T, o store.Options, n int64) {
	t.Helper()
	until(t, o, n, "SELECT COUNT(*) FROM outbox")
}

// until waits until the query gives n.
func until(t *testing.T, o store.Options, n int64, query string, args ...any) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for storetest.Count(t, o, query, args...) != n {
		if time.Now().After(deadline) {
			t.Fatalf("out of time: %s is not %d", query, n)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAFailureIsTriedAgainUntilItSucceeds(t *testing.T) {
	o := storetest.SQLite(t)
	db, _ := storetest.Ready(t, o)
	owing(t, db, "rp")
	c := &clock{now: start}
	r, tried, answer := running(t, db, c, 5)
	refused := errors.New("the client answered 503")

	if task := <-tried; task.Attempts != 0 || task.Payload != `{"client":"rp","session":"s","account":"a"}` {
		t.Errorf("first try: %+v", task)
	}
	answer <- refused
	for attempt := 1; attempt <= 2; attempt++ {
		until(t, o, 1, "SELECT COUNT(*) FROM outbox WHERE attempts = ?", attempt) // settled
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
	left(t, o, 0)
}

func TestATaskIsGivenUp(t *testing.T) {
	o := storetest.SQLite(t)
	db, _ := storetest.Ready(t, o)
	owing(t, db, "rp")
	_, tried, answer := running(t, db, &clock{now: start}, 1)
	<-tried
	answer <- errors.New("the client is gone")
	left(t, o, 0)
}

func TestOneSlowClientDoesNotHoldTheOthers(t *testing.T) {
	o := storetest.SQLite(t)
	db, _ := storetest.Ready(t, o)
	owing(t, db, "a", "b")
	_, tried, answer := running(t, db, &clock{now: start}, 3)
	first, second := <-tried, <-tried // both are under way before either has an answer
	if first.ID == second.ID {
		t.Errorf("one task twice: %s", first.ID)
	}
	answer <- nil
	answer <- nil
	left(t, o, 0)
}

// A receiver that hangs has one worker, never two, however much it is owed; all
// the others go on as fast as they answer.
func TestOneHangingClientDelaysItselfAlone(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			db, _ := storetest.Ready(t, o)
			owingMuch(t, db, "slow", 12) // due before all others
			owing(t, db, "a", "b", "c", "d", "e", "f")
			ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
			var mu sync.Mutex
			hanging, most := 0, 0
			held, quick := make(chan struct{}), make(chan string, 20)
			r := &outbox.Runner{
				Store: db, Now: (&clock{now: start}).Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Every: time.Hour, Attempts: 3, Workers: 3,
				Handlers: map[outbox.Kind]outbox.Handler{outbox.BackchannelLogout: func(_ context.Context, task outbox.Task) error {
					if task.Key != "slow" {
						quick <- task.Key
						return nil
					}
					mu.Lock()
					hanging++
					most = max(most, hanging)
					mu.Unlock()
					<-held
					mu.Lock()
					hanging--
					mu.Unlock()
					return nil
				}},
			}
			r.Init()
			done := make(chan struct{})
			go func() { r.Run(ctx); close(done) }()
			told := map[string]bool{}
			for range 6 {
				select {
				case c := <-quick:
					told[c] = true
				case <-time.After(20 * time.Second):
					t.Error("the others wait for the one that hangs")
				}
			}
			if len(told) != 6 {
				t.Errorf("told %v, want six clients", told)
			}
			close(held)
			left(t, o, 0) // its own tasks go, too, one after another
			cancel()
			<-done
			if most != 1 {
				t.Errorf("%d deliveries to one client at once, want 1", most)
			}
		})
	}
}

// asked tells of every claim.
type asked struct {
	*store.DB
	claims chan int
}

func (a asked) ClaimTasks(ctx context.Context, n int, now time.Time, lease time.Duration, busy ...string) ([]outbox.Task, error) {
	tasks, err := a.DB.ClaimTasks(ctx, n, now, lease, busy...)
	a.claims <- len(tasks)
	return tasks, err
}

// What cannot begin well within the lease is left to whoever claims it next, so
// that no two processes deliver one task.
func TestNothingBeginsLateInItsLease(t *testing.T) {
	o := storetest.SQLite(t)
	db, _ := storetest.Ready(t, o)
	owingMuch(t, db, "slow", 2)
	c, claims, tried := &clock{now: start}, make(chan int, 10), make(chan string, 10)
	r := &outbox.Runner{
		Store: asked{db, claims}, Now: c.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Every: time.Hour, Attempts: 3, Workers: 2,
		Handlers: map[outbox.Kind]outbox.Handler{outbox.BackchannelLogout: func(_ context.Context, task outbox.Task) error {
			tried <- task.ID
			c.forward(30 * time.Second) // half the lease
			return nil
		}},
	}
	r.Init()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	if n := <-claims; n != 2 {
		t.Fatalf("%d tasks claimed, want both", n)
	}
	<-claims // nothing for the other worker
	<-claims // the first worker is back
	if n := len(tried); n != 1 {
		t.Errorf("%d deliveries in the first half of the lease, want 1", n)
	}
	first := <-tried
	c.forward(30 * time.Second)
	r.Wake()
	if second := <-tried; second == first {
		t.Error("the first one again")
	}
	left(t, o, 0)
}

// A delivery that is cut short because the process ends is no failure of the
// receiver: it is neither counted nor given up.
func TestAnEndingProcessGivesNothingUp(t *testing.T) {
	db, _ := storetest.Ready(t, storetest.SQLite(t))
	owing(t, db, "rp")
	ctx, cancel := context.WithCancel(t.Context())
	r := &outbox.Runner{
		Store: db, Now: (&clock{now: start}).Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Every: time.Hour, Attempts: 1, Workers: 2,
		Handlers: map[outbox.Kind]outbox.Handler{outbox.BackchannelLogout: func(ctx context.Context, _ outbox.Task) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}},
	}
	r.Init()
	r.Run(ctx)
	tasks, err := db.ClaimTasks(t.Context(), 2, start.Add(time.Minute), time.Minute)
	if err != nil || len(tasks) != 1 || tasks[0].Attempts != 0 {
		t.Errorf("%+v, %v, want the task as it was", tasks, err)
	}
}
