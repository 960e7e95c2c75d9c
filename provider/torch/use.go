package torch

import (
	"context"
	"time"
)

// Look is what is known of the use of a batch's accounts. Looking at a million of
// them takes a while, so the service does it beside, in pieces; nobody waits for it.
type Look struct {
	Used         bool      // somebody used or changed one; that stays so
	LookedAt     time.Time // else nobody had by then
	LookingSince time.Time // of the look under way; zero if there is none
	LookedRow    int       // how far that has come
}

// Reversible tells whether a batch can be taken back as far as is known; taking back
// looks again, at everything.
func (b Batch) Reversible() bool { return b.State == Committed && !b.Used }

// Uses is where the use of accounts is seen.
type Uses interface {
	// Batches lists them, the newest first.
	Batches(ctx context.Context, limit int) ([]Batch, error)
	// LookAtBatch looks at up to limit records of a batch after a row: it gives the
	// last row, 0 if there is none, and whether somebody used or changed an account
	// that one of them made.
	LookAtBatch(ctx context.Context, batch string, after, limit int) (last int, used bool, err error)
	// NoteLook puts is in place of was, if that still stands and the batch is
	// committed.
	NoteLook(ctx context.Context, batch string, was, is Look) (bool, error)
}

// Watch finds out which batches are in use.
type Watch struct {
	Uses Uses
	Now  func() time.Time
}

const (
	watched   = 1000            // batches, the newest
	lookStep  = 5000            // records that are looked at by one statement
	lookMost  = 200_000         // and by one call
	lookAgain = 5 * time.Minute // from the beginning of a look to that of the next
)

// Tend goes on looking where the last call, of whatever process, stopped. One that
// finds itself overtaken by another leaves the batch to it.
func (w *Watch) Tend(ctx context.Context) error {
	batches, err := w.Uses.Batches(ctx, watched)
	if err != nil {
		return err
	}
	left := lookMost
	for _, b := range batches {
		for mine := b.Reversible(); mine && left > 0; left -= lookStep {
			is, due := w.next(b.Look)
			if !due {
				break
			}
			last, used, err := w.Uses.LookAtBatch(ctx, b.ID, is.LookedRow, lookStep)
			if err != nil {
				return err
			}
			switch {
			case used:
				is = Look{Used: true, LookedAt: w.Now()}
			case last == 0:
				is = Look{LookedAt: is.LookingSince}
			default:
				is.LookedRow = last
			}
			if mine, err = w.Uses.NoteLook(ctx, b.ID, b.Look, is); err != nil {
				return err
			}
			b.Look, mine = is, mine && !used
		}
	}
	return nil
}

// next is how a look goes on, or begins if it is time.
func (w *Watch) next(l Look) (Look, bool) {
	if l.LookingSince.IsZero() {
		if w.Now().Sub(l.LookedAt) < lookAgain {
			return l, false
		}
		l.LookingSince, l.LookedRow = w.Now(), 0
	}
	return l, true
}
