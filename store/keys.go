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

var _ keys.Store = (*DB)(nil)

const selectKeys = `
SELECT kid, purpose, algorithm, state, number, sealed, created_at, activated_at, retired_at, root, former
FROM keys ORDER BY created_at, kid`

// addKey leaves the row out if another holds its place: (purpose, algorithm,
// state) for next and active, (purpose, number) for symmetric keys.
const addKey = `
INSERT INTO keys (kid, purpose, algorithm, state, number, sealed, created_at, activated_at, retired_at, root)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING`

const retireKey = `
UPDATE keys SET state = 'retired', retired_at = ?
WHERE purpose = ? AND algorithm = ? AND state = 'active' AND kid = ?`

const activateKey = `
UPDATE keys SET state = 'active', activated_at = ?
WHERE purpose = ? AND algorithm = ? AND state = 'next'`

const dropKeys = `
DELETE FROM keys WHERE purpose = 'sign' AND state = 'retired' AND retired_at < ?`

const dropSealing = `DELETE FROM keys WHERE kid = ? AND purpose <> 'sign' AND state = 'retired'`

// Keys implements keys.Store.
func (d *DB) Keys(ctx context.Context) ([]keys.Row, error) {
	return list(ctx, d, selectKeys, nil, func(rows *sqlx.Rows, k *keys.Row) error {
		return rows.Scan(&k.Kid, &k.Purpose, &k.Algorithm, &k.State, &k.Number, &k.Sealed,
			&instant{&k.CreatedAt}, &instant{&k.ActivatedAt}, &instant{&k.RetiredAt}, &k.Root, &k.Former)
	})
}

// AddKeys implements keys.Store. Racers insert in the same order, so the first
// row already decides who waits and then finds every place taken.
func (d *DB) AddKeys(ctx context.Context, rows []keys.Row, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		if len(rows) == 0 {
			return nil
		}
		if err := d.FoundRoot(ctx, rows[0].Root, d.Now()); err != nil {
			return err
		}
		if err := d.underRoot(ctx, rows[0].Root); err != nil {
			return err
		}
		var added int64
		for _, k := range rows {
			n, err := d.exec(ctx, addKey, keyArgs(k)...)
			if err != nil {
				return err
			}
			added += n
		}
		if added == 0 {
			return nil
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("add keys: %w", err)
	}
	return nil
}

// RotateKeys implements keys.Store.
func (d *DB) RotateKeys(ctx context.Context, purpose keys.Purpose, alg keys.Algorithm, active string, now time.Time, next keys.Row, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		if err := d.underRoot(ctx, next.Root); err != nil {
			return err
		}
		n, err := d.exec(ctx, retireKey, millis(now), string(purpose), string(alg), active)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the active key for %s %s is another one by now", purpose, alg)
		}
		if n, err = d.exec(ctx, activateKey, millis(now), string(purpose), string(alg)); err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "there is no next key for %s %s", purpose, alg)
		}
		if n, err = d.exec(ctx, addKey, keyArgs(next)...); err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the keys for %s %s changed meanwhile", purpose, alg)
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("rotate keys: %w", err)
	}
	return nil
}

// DropKeys implements keys.Store.
func (d *DB) DropKeys(ctx context.Context, retiredBefore time.Time) (int, error) {
	n, err := d.exec(ctx, dropKeys, millis(retiredBefore))
	if err != nil {
		return 0, fmt.Errorf("drop keys: %w", err)
	}
	return int(n), nil
}

// RelieveKey implements keys.Store.
func (d *DB) RelieveKey(ctx context.Context, purpose keys.Purpose, active string, now time.Time, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		if err := d.wanting(ctx, purpose, false); err != nil {
			return err
		}
		n, err := d.exec(ctx, retireKey, millis(now), string(purpose), "", active)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the active key for %s is another one by now", purpose)
		}
		if n, err = d.exec(ctx, activateKey, millis(now), string(purpose), ""); err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "there is no next key for %s", purpose)
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("relieve key: %w", err)
	}
	return nil
}

// DropSealing implements keys.Store.
func (d *DB) DropSealing(ctx context.Context, kid string, ev audit.Event) error {
	p, done, err := d.patient()
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	err = p.InTx(ctx, func(ctx context.Context) error {
		counts, err := p.sealedUnder(ctx)
		if err != nil {
			return err
		}
		if n := counts[kid]; n > 0 {
			return fault.New(fault.Conflict, "%d values are sealed under the key", n)
		}
		n, err := p.exec(ctx, dropSealing, kid)
		if err != nil {
			return err
		}
		if n == 0 {
			return missing("retired key")
		}
		return p.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("drop sealing key: %w", err)
	}
	return nil
}

func keyArgs(k keys.Row) []any {
	return []any{k.Kid, string(k.Purpose), string(k.Algorithm), string(k.State), k.Number, k.Sealed,
		millis(k.CreatedAt), millis(k.ActivatedAt), millis(k.RetiredAt), k.Root}
}
