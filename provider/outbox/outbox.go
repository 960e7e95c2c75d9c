// Package outbox delivers what a transaction promised to the outside world
// (back-channel logouts, messages) after it committed: at least once, with
// retries, by whichever process gets to it first, and never while the user
// waits.
package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Kind names a handler.
type Kind string

// The kinds of task: BackchannelLogout carries a Logout, Message a Note.
const (
	BackchannelLogout Kind = "backchannel_logout"
	Message           Kind = "message"
)

// RealNameCheck tasks ask a verifier about a case of real-name verification.
const RealNameCheck Kind = "realname_check"

// WebhookEvent tasks say what happened, and whoever wants to know of it is found;
// Webhook tasks carry a Note with the id of one delivery.
const (
	WebhookEvent Kind = "webhook_event"
	Webhook      Kind = "webhook"
)

// Task is one thing to deliver. Payload is JSON and holds identifiers only.
type Task struct {
	ID        string
	Kind      Kind
	Key       string // a process delivers the tasks of one key one after another; empty: nothing to wait for
	Payload   string
	Attempts  int
	CreatedAt time.Time
	DueAt     time.Time
	Last      bool // the runner gives the task up if this try fails, too
}

// Logout is the payload of a BackchannelLogout task.
type Logout struct {
	Client  string `json:"client"`
	Session string `json:"session"` // our session id, not the client's sid
	Account string `json:"account"`
}

// Note is the payload of a Message task: the message itself stands sealed beside
// the queue.
type Note struct {
	Message string `json:"message"` // its request id
}

// Store keeps tasks.
type Store interface {
	// ClaimTasks gives up to n tasks that are due, none of the busy keys, and
	// hides them from other claimers until lease has passed.
	ClaimTasks(ctx context.Context, n int, now time.Time, lease time.Duration, busy ...string) ([]Task, error)
	// FinishTask deletes the task.
	FinishTask(ctx context.Context, id string) error
	// RetryTask counts a failed attempt and sets the time of the next one.
	RetryTask(ctx context.Context, id string, due time.Time) error
}

// Handler delivers one task. An error means: try again later.
type Handler func(ctx context.Context, t Task) error

// Runner works the queue off.
type Runner struct {
	Store    Store
	Handlers map[Kind]Handler
	Now      func() time.Time
	Log      *slog.Logger
	Every    time.Duration // how often to look when nothing wakes it
	Attempts int           // after so many failures a task is given up
	Workers  int           // deliveries under way at once, at most one of each key

	wake chan struct{}
}

// Init makes the runner ready; call it once before Run or Wake.
func (r *Runner) Init() { r.wake = make(chan struct{}, 1) }

// Wake makes the runner look now: the first try follows the commit at once.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// lease is how long claimed tasks are this process's alone. No new delivery
// begins in its second half, so that none outlives it.
const lease = time.Minute

// Run works until ctx ends and what is under way has ended with it.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	busy, freed := map[string]bool{}, make(chan string)
	for {
		for len(busy) < r.Workers && r.hire(ctx, busy, freed) {
		}
		select {
		case <-ctx.Done():
			for range busy {
				<-freed
			}
			return
		case lane := <-freed:
			delete(busy, lane)
		case <-tick.C:
		case <-r.wake:
		}
	}
}

// hire claims as many tasks as there are workers idle and gives those of one
// key to one worker, who says so on freed when he is done. It tells whether
// there was any.
func (r *Runner) hire(ctx context.Context, busy map[string]bool, freed chan<- string) bool {
	now := r.Now()
	tasks, err := r.Store.ClaimTasks(ctx, r.Workers-len(busy), now, lease, slices.Collect(maps.Keys(busy))...)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Error("outbox: claim", "error", err)
		}
		return false
	}
	lanes := map[string][]Task{}
	for _, t := range tasks {
		lane := t.Key
		if lane == "" {
			lane = t.ID
		}
		lanes[lane] = append(lanes[lane], t)
	}
	for lane, tasks := range lanes {
		busy[lane] = true
		go func() {
			defer func() { freed <- lane }()
			r.work(ctx, tasks, now.Add(lease/2))
		}()
	}
	return len(tasks) > 0
}

// work delivers one after another. What cannot begin before last is left to
// whoever claims it after the lease.
func (r *Runner) work(ctx context.Context, tasks []Task, last time.Time) {
	for i, t := range tasks {
		if ctx.Err() != nil || i > 0 && !r.Now().Before(last) {
			return
		}
		r.deliver(ctx, t)
	}
}

func (r *Runner) deliver(ctx context.Context, t Task) {
	t.Last = t.Attempts+1 >= r.Attempts
	err := r.handle(ctx, t)
	settle := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		err = r.Store.FinishTask(settle, t.ID)
	case ctx.Err() != nil: // it was cut short, which is no failure of the receiver
		return
	case t.Last:
		r.Log.Warn("outbox: given up", "kind", t.Kind, "key", t.Key, "task", t.ID, "attempts", t.Attempts+1, "error", err)
		err = r.Store.FinishTask(settle, t.ID)
	default:
		r.Log.Info("outbox: will retry", "kind", t.Kind, "key", t.Key, "task", t.ID, "attempts", t.Attempts+1, "error", err)
		err = r.Store.RetryTask(settle, t.ID, r.Now().Add(backoff(t.Kind, t.Attempts)))
	}
	if err != nil {
		r.Log.Error("outbox: settle", "task", t.ID, "error", err)
	}
}

// handle runs the task's handler; a panic is a failed attempt, and so is a kind
// that this process does not know: a newer one may.
func (r *Runner) handle(ctx context.Context, t Task) (err error) {
	h, ok := r.Handlers[t.Kind]
	if !ok {
		return fmt.Errorf("no handler for kind %q", t.Kind)
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("handler panicked: %v", v)
		}
	}()
	return h(ctx, t)
}

// backoff is how long a task waits after so many failures before the one just now.
// It doubles from two seconds to ten minutes, while somebody waits for it. A
// receiver of webhooks may be away over night: there it grows fourfold from five
// seconds to six hours, and twelve tries take about a day and a half.
func backoff(kind Kind, attempts int) time.Duration {
	if kind == Webhook {
		return min(5*time.Second<<min(2*attempts, 13), 6*time.Hour)
	}
	return min(2*time.Second<<min(attempts, 12), 10*time.Minute)
}
