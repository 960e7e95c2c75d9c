package operator

import (
	"context"
	"sync"
	"time"
)

// Count is how many there are of something.
type Count struct {
	Key string
	N   int64
}

// Glance is the state of the platform in a few numbers, none of which is about a
// person.
type Glance struct {
	At      time.Time
	Day     []Count // of sign-ins by what came of them, in 24 hours
	Month   []Count // the same in 30 days
	Tokens  []Count // sign-ins that brought a client tokens, in 30 days, by client
	Waiting []Count // cases of real-name verification that wait, by age in days
	Ending  []Count // grants and mandates whose time runs out, by days left
	Imports []Count // accounts of the former platform by outcome
}

// GlanceStore counts. Each call costs a bounded amount of work, however long the
// trail is: hours that are over are added up once.
type GlanceStore interface {
	// AddHours adds up hours of the trail that are over and were not added up yet,
	// since from, some of them at most; it tells whether there are more.
	AddHours(ctx context.Context, from, now time.Time) (more bool, err error)
	// SignInsSince gives sign-ins by kind and reason, and code flows by client, of
	// the hours that were added up since a moment and of what followed them.
	SignInsSince(ctx context.Context, since time.Time) (signIns, clients []Count, err error)
	// WaitingCases gives the cases that wait for a reviewer, and how old they are:
	// "1", "3" and "7" days at most, "more".
	WaitingCases(ctx context.Context, now time.Time) ([]Count, error)
	// EndingRights gives grants and mandates that end within "7", "14" and "30" days.
	EndingRights(ctx context.Context, now time.Time) ([]Count, error)
	// ImportsVersion changes with every batch; ImportOutcomes counts, which takes
	// long.
	ImportsVersion(ctx context.Context) (string, error)
	ImportOutcomes(ctx context.Context) ([]Count, error)
}

// Watch keeps the Glance for a minute, so that many who look cost what one does.
type Watch struct {
	Store GlanceStore
	Now   func() time.Time

	mu      sync.Mutex
	last    Glance
	version string
	imports []Count
}

const (
	glanceFor = time.Minute
	month     = 30 * 24 * time.Hour
	steps     = 3 // rounds of adding up within one look; a day of the trail each
)

// Look gives the state as it was no more than a minute ago.
func (w *Watch) Look(ctx context.Context) (Glance, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Now()
	if age := now.Sub(w.last.At); !w.last.At.IsZero() && age >= 0 && age < glanceFor {
		return w.last, nil
	}
	for range steps {
		more, err := w.Store.AddHours(ctx, now.Add(-month), now)
		if err != nil {
			return Glance{}, err
		}
		if !more {
			break
		}
	}
	g := Glance{At: now}
	var err error
	if g.Day, _, err = w.Store.SignInsSince(ctx, now.Add(-24*time.Hour)); err != nil {
		return Glance{}, err
	}
	if g.Month, g.Tokens, err = w.Store.SignInsSince(ctx, now.Add(-month)); err != nil {
		return Glance{}, err
	}
	if g.Waiting, err = w.Store.WaitingCases(ctx, now); err != nil {
		return Glance{}, err
	}
	if g.Ending, err = w.Store.EndingRights(ctx, now); err != nil {
		return Glance{}, err
	}
	version, err := w.Store.ImportsVersion(ctx)
	if err != nil {
		return Glance{}, err
	}
	if version != w.version {
		if w.imports, err = w.Store.ImportOutcomes(ctx); err != nil {
			return Glance{}, err
		}
		w.version = version
	}
	g.Imports = w.imports
	w.last = g
	return g, nil
}
