package diagnosis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// Store keeps events.
type Store interface {
	// AddDiagnoses adds events, those of clients that are gone left out, and
	// deletes what is older than the newest keep of the same client and kind. An
	// event goes by itself at expires.
	AddDiagnoses(ctx context.Context, events []Event, keep int, expires time.Time) error
	// Diagnoses gives a client's newest events, the newest first; of one kind
	// unless kind is "".
	Diagnoses(ctx context.Context, client string, kind Kind, limit int) ([]Event, error)
}

// The bounds: whoever knows a client_id can make its requests fail, so that
// neither the database nor memory may grow with what he does, and one kind of
// failure must not push out the others.
const (
	Keep      = 30                  // events of a kind that are kept for a client
	Age       = 14 * 24 * time.Hour // for how long
	perMinute = 10                  // events of a kind that a process takes down for a client
	maxQueue  = 512                 // events that wait to be written
	maxHeat   = 4096                // clients and kinds whose minute is counted
	warnEvery = time.Hour           // a warning about requests that did not fail is not repeated sooner
)

// Recorder takes events down and writes them later. The zero fields of mu and
// below are ready for use.
type Recorder struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger

	writing sync.Mutex // one flush at a time
	mu      sync.Mutex
	queue   []Event
	lost    int // events for which there was no room at all
	heat    map[place]*heat
	warned  map[warning]time.Time
	count   uint32
}

type place struct {
	client string
	kind   Kind
}

// heat is how many events of a place came within a minute.
type heat struct {
	since time.Time
	taken int
	over  int
}

type warning struct{ client, received string }

// Note takes an event down. It never waits for anything; what is too much is
// counted and forgotten.
func (r *Recorder) Note(e Event) {
	if r == nil || e.Client == "" {
		return
	}
	e.At = r.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.room(&e) {
		return
	}
	e.Expected, e.Received, e.Request, e.Endpoint = Clean(e.Expected), Clean(e.Received), Clean(e.Request), Clean(e.Endpoint)
	r.add(e)
}

func (r *Recorder) add(e Event) {
	if len(r.queue) >= maxQueue {
		r.lost++
		return
	}
	r.count++
	var noise [4]byte
	_, _ = rand.Read(noise[:]) // it never fails
	e.ID = fmt.Sprintf("%011x%08x%s", e.At.UnixMilli(), r.count, hex.EncodeToString(noise[:]))
	r.queue = append(r.queue, e)
}

// room tells whether the event may be taken down, and counts it.
func (r *Recorder) room(e *Event) bool {
	if e.Kind.Warns() {
		w := warning{e.Client, Clean(e.Received)}
		if last, before := r.warned[w]; before && e.At.Sub(last) < warnEvery {
			return false
		}
		if r.warned == nil || len(r.warned) >= maxHeat {
			r.warned = map[warning]time.Time{}
		}
		r.warned[w] = e.At
	}
	if r.heat == nil {
		r.heat = map[place]*heat{}
	}
	at := place{e.Client, e.Kind}
	h := r.heat[at]
	if h == nil {
		if len(r.heat) >= maxHeat {
			r.lost++
			return false
		}
		h = &heat{since: e.At}
		r.heat[at] = h
	}
	if h.taken >= perMinute {
		h.over++
		return false
	}
	h.taken++
	return true
}

// cool forgets the minutes that are over and says of which events there were too
// many to keep.
func (r *Recorder) cool(now time.Time) {
	for at, h := range r.heat {
		if now.Sub(h.since) < time.Minute && !now.Before(h.since) {
			continue
		}
		delete(r.heat, at)
		if h.over > 0 {
			r.add(Event{Client: at.client, At: h.since, Kind: Flood, Expected: strconv.Itoa(perMinute), Received: fmt.Sprintf("%s: +%d", at.kind, h.over)})
		}
	}
}

// Flush writes what waits. What cannot be written is given up: it is not worth
// the memory of a process whose database is gone.
func (r *Recorder) Flush(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	now := r.Now()
	r.mu.Lock()
	r.cool(now)
	events, lost := r.queue, r.lost
	r.queue, r.lost = nil, 0
	r.mu.Unlock()
	if lost > 0 {
		r.Log.WarnContext(ctx, "diagnoses of clients not kept", "lost", lost)
	}
	if len(events) == 0 {
		return nil
	}
	if err := r.Store.AddDiagnoses(ctx, events, Keep, now.Add(Age)); err != nil {
		return fmt.Errorf("%d diagnoses of clients given up: %w", len(events), err)
	}
	return nil
}

// Run writes every second until ctx ends, and then once more.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	write := func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := r.Flush(ctx); err != nil {
			r.Log.ErrorContext(ctx, "write diagnoses", "error", err)
		}
	}
	for {
		select {
		case <-ctx.Done():
			write(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			write(ctx)
		}
	}
}

// Latest gives a client's newest events. Whether the asker may see them is the
// caller's to decide.
func (r *Recorder) Latest(ctx context.Context, client string, kind Kind, limit int) ([]Event, error) {
	if kind != "" && !kind.Known() {
		kind = ""
	}
	return r.Store.Diagnoses(ctx, client, kind, limit)
}
