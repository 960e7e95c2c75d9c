package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// unit is a transaction under way; it rides in ctx.
type unit struct {
	db       *DB
	tx       *sqlx.Tx
	promised bool // something was promised to the outside world
}

type unitKey struct{}

// unit gives the transaction that ctx carries on this database, nil if none.
func (d *DB) unit(ctx context.Context) *unit {
	u, _ := ctx.Value(unitKey{}).(*unit)
	if u == nil || u.db != d {
		return nil
	}
	return u
}

// attempts bounds how often a transaction that lost a race is run.
const attempts = 8

// InTx runs fn in a transaction: what fn does with the ctx it is given stands
// or falls together, and an error or a panic undoes it. Inside another InTx it
// joins that one. The outermost call runs fn again, from the start, when the
// database asks for it (serialization failure, deadlock, busy, connection lost
// before COMMIT); so fn must have no effect but on the database and on what it
// sets anew each time.
func (d *DB) InTx(ctx context.Context, fn func(context.Context) error) error {
	if d.unit(ctx) != nil {
		return fn(ctx)
	}
	for attempt := 0; ; attempt++ {
		err, again := d.once(ctx, fn)
		if err == nil || !again || !pause(ctx, attempt) {
			return classify(err)
		}
	}
}

func (d *DB) once(ctx context.Context, fn func(context.Context) error) (err error, again bool) { //nolint:revive // the error says what, the flag what to do
	tx, err := d.write.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err), repeatable(err)
	}
	done := false
	defer func() {
		if !done { // fn failed or panicked
			if e := rolledBack(tx); e != nil {
				err = errors.Join(err, e)
			}
		}
	}()
	u := &unit{db: d, tx: tx}
	if err := fn(context.WithValue(ctx, unitKey{}, u)); err != nil {
		return err, repeatable(err) || lost(err)
	}
	done = true
	// A connection that breaks here leaves open whether the commit took place:
	// running fn again might do the deed twice.
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err), repeatable(err)
	}
	if u.promised && d.Promised != nil {
		d.Promised()
	}
	return nil, false
}

// rolledBack ends the transaction; that the connection is gone already or ctx
// ended it is no news.
func rolledBack(tx *sqlx.Tx) error {
	if err := tx.Rollback(); err != nil && !ended(err) && !lost(err) && !exhausted(err) {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// pause waits a little, longer each time, so that racers do not meet again. It
// is false when there were enough attempts or ctx has ended.
func pause(ctx context.Context, attempt int) bool {
	if attempt+1 >= attempts {
		return false
	}
	var b [1]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	wait := 2 * time.Millisecond << attempt
	wait += wait * time.Duration(b[0]) / 256
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
