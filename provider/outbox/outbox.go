// Package outbox delivers what a transaction promised to the outside world
// (back-channel logouts, messages) after it committed: at least once, with
// retries, by whichever process gets to it first, and never while the user
// waits.
package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Kind names a handler.
type Kind string

// BackchannelLogout tasks carry a Logout payload.
const BackchannelLogout Kind = "backchannel_logout"

// Task is one thing to deliver. Payload is JSON and holds identifiers only.
type Task struct {
	ID        string
	Kind      Kind
	Payload   string
	Attempts  int
	CreatedAt time.Time
	DueAt     time.Time
}

// Logout is the payload of a BackchannelLogout task.
type Logout struct {
	Client  string `json:"client"`
	Session string `json:"session"` // our session id, not the client's sid
	Account string `json:"account"`
}

// Store keeps tasks.
type Store interface {
	// ClaimTasks gives up to n tasks that are due and hides them from other
	// claimers until lease has passed.
	ClaimTasks(ctx context.Context, n int, now time.Time, lease time.Duration) ([]Task, error)
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
	Workers  int           // deliveries under way at once

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

// Run works until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	for {
		for r.round(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.wake:
		}
	}
}

// round delivers one batch; it tells whether there may be more.
func (r *Runner) round(ctx context.Context) bool {
	tasks, err := r.Store.ClaimTasks(ctx, r.Workers, r.Now(), time.Minute)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Error("outbox: claim", "error", err)
		}
		return false
	}
	done := make(chan struct{})
	for _, t := range tasks {
		go func() {
			defer func() { done <- struct{}{} }()
			r.deliver(ctx, t)
		}()
	}
	for range tasks {
		<-done
	}
	return len(tasks) == r.Workers
}

func (r *Runner) deliver(ctx context.Context, t Task) {
	err := r.handle(ctx, t)
	if err == nil {
		err = r.Store.FinishTask(ctx, t.ID)
	} else if t.Attempts+1 >= r.Attempts {
		r.Log.Warn("outbox: given up", "kind", t.Kind, "task", t.ID, "attempts", t.Attempts+1, "error", err)
		err = r.Store.FinishTask(ctx, t.ID)
	} else {
		r.Log.Info("outbox: will retry", "kind", t.Kind, "task", t.ID, "attempts", t.Attempts+1, "error", err)
		err = r.Store.RetryTask(ctx, t.ID, r.Now().Add(backoff(t.Attempts)))
	}
	if err != nil && ctx.Err() == nil {
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

// backoff doubles from two seconds to ten minutes.
func backoff(attempts int) time.Duration {
	return min(2*time.Second<<min(attempts, 12), 10*time.Minute)
}
