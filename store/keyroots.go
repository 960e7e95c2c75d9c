package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

const selectRoots = `SELECT id, state = 'former', since FROM key_roots ORDER BY state`

// holdRoots keeps the root keys as they are until the transaction ends.
const holdRoots = selectRoots + ` FOR UPDATE`

const foundRoot = `
INSERT INTO key_roots (id, state, since) SELECT CAST(? AS TEXT), 'active', CAST(? AS BIGINT) WHERE NOT EXISTS (SELECT 1 FROM key_roots) ON CONFLICT DO NOTHING`

// nameRoot is for rows from before root keys had ids.
const nameRoot = `UPDATE keys SET root = ? WHERE root = ''`

const countKeys = `SELECT COUNT(*) FROM keys`

const (
	rewrapKey = `UPDATE keys SET former = sealed, sealed = ?, root = ? WHERE kid = ? AND former = ''`

	rewrapped = `UPDATE key_roots SET state = 'former' WHERE id = ? AND state = 'active'`

	enterRoot = `INSERT INTO key_roots (id, state, since) VALUES (?, 'active', ?)`
)

const forgetFormer = `UPDATE keys SET former = '' WHERE former <> ''`

const restoreFormer = `UPDATE keys SET sealed = former, root = ?, former = '' WHERE former <> ''`

const (
	dropFormerRoot = `DELETE FROM key_roots WHERE state = 'former'`

	dropActiveRoot = `DELETE FROM key_roots WHERE state = 'active'`

	reviveRoot = `UPDATE key_roots SET state = 'active', since = ? WHERE id = ? AND state = 'former'`
)

func scanRoot(rows *sqlx.Rows, r *keys.Root) error {
	return rows.Scan(&r.ID, &r.Former, &instant{&r.Since})
}

// Roots implements keys.RootStore.
func (d *DB) Roots(ctx context.Context) ([]keys.Root, error) {
	out, err := list(ctx, d, selectRoots, nil, scanRoot)
	if err != nil {
		return nil, fmt.Errorf("read root keys: %w", err)
	}
	return out, nil
}

// FoundRoot implements keys.RootStore.
func (d *DB) FoundRoot(ctx context.Context, id string, now time.Time) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, foundRoot, id, millis(now))
		if err != nil || n == 0 {
			return err
		}
		_, err = d.exec(ctx, nameRoot, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("enter the root key: %w", err)
	}
	return nil
}

// underRoot makes sure, until the transaction ends, that id is the root key and
// not being changed.
func (d *DB) underRoot(ctx context.Context, id string) error {
	roots, err := returned(ctx, d, d.pick(holdRoots, selectRoots), nil, scanRoot)
	switch {
	case err != nil:
		return err
	case len(roots) == 0 || roots[0].ID != id:
		return fault.New(fault.Conflict, "root key %s is not the one in force", id)
	// Who waited for a change to be made sees the old root key as the former one, and
	// not yet the new one: that was no row when this statement began.
	case len(roots) > 1 || roots[0].Former:
		return fault.New(fault.Conflict, "a change of the root key waits to be confirmed, until which no key is made: kejitong keys rotate root --confirm")
	}
	return nil
}

// Rewrap implements keys.RootStore.
func (d *DB) Rewrap(ctx context.Context, from, to string, rows []keys.Row, now time.Time, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		if err := d.underRoot(ctx, from); err != nil {
			return err
		}
		for _, k := range rows {
			n, err := d.exec(ctx, rewrapKey, k.Sealed, to, k.Kid)
			if err != nil {
				return err
			}
			if n == 0 {
				return errKeysChanged()
			}
		}
		var all int
		if _, err := d.returning(ctx, countKeys, nil, &all); err != nil {
			return err
		}
		if all != len(rows) {
			return errKeysChanged()
		}
		if _, err := d.exec(ctx, rewrapped, from); err != nil {
			return err
		}
		if _, err := d.exec(ctx, enterRoot, to, millis(now)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
}

func errKeysChanged() error {
	return fault.New(fault.Conflict, "the keys changed meanwhile; try again")
}

// ConfirmRoot implements keys.RootStore.
func (d *DB) ConfirmRoot(ctx context.Context, id string, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		roots, err := returned(ctx, d, d.pick(holdRoots, selectRoots), nil, scanRoot)
		if err != nil {
			return err
		}
		if len(roots) != 2 {
			return fault.New(fault.Conflict, "no change of the root key waits to be confirmed")
		}
		if roots[0].ID != id {
			return fault.New(fault.Conflict, "this process has the root key before, %s: put the new one, %s, into keys.root_key_file first", id, roots[0].ID)
		}
		for _, step := range []string{forgetFormer, dropFormerRoot} {
			if _, err := d.exec(ctx, step); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
}

// AbandonRoot implements keys.RootStore.
func (d *DB) AbandonRoot(ctx context.Context, id string, now time.Time, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		roots, err := returned(ctx, d, d.pick(holdRoots, selectRoots), nil, scanRoot)
		if err != nil {
			return err
		}
		if len(roots) != 2 {
			return fault.New(fault.Conflict, "no change of the root key waits to be confirmed")
		}
		if roots[1].ID != id {
			return fault.New(fault.Conflict, "this process has the new root key, %s: put the one before, %s, into keys.root_key_file first", id, roots[1].ID)
		}
		if _, err := d.exec(ctx, restoreFormer, id); err != nil {
			return err
		}
		if _, err := d.exec(ctx, dropActiveRoot); err != nil {
			return err
		}
		if _, err := d.exec(ctx, reviveRoot, millis(now), id); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
}
