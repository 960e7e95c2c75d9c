package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/credential"
)

var _ credential.WatchStore = (*DB)(nil)

const addSignIns = `
INSERT INTO sign_in_counts (minute, network, succeeded, failed) VALUES (?, ?, ?, ?)
ON CONFLICT (minute, network) DO UPDATE SET
    succeeded = sign_in_counts.succeeded + excluded.succeeded, failed = sign_in_counts.failed + excluded.failed`

const sumSignIns = `SELECT COALESCE(SUM(succeeded), 0), COALESCE(SUM(failed), 0) FROM sign_in_counts WHERE minute >= ?`

const sumNetworks = `
SELECT network, SUM(succeeded), SUM(failed) FROM sign_in_counts WHERE minute >= ?
GROUP BY network HAVING SUM(failed) >= ?`

// AddSignIns implements credential.WatchStore. Networks come in one order, so
// that no two processes wait for each other.
func (d *DB) AddSignIns(ctx context.Context, minute time.Time, counts map[string]credential.Counts) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		for _, network := range slices.Sorted(maps.Keys(counts)) {
			c := counts[network]
			if _, err := d.exec(ctx, addSignIns, millis(minute), network, c.Succeeded, c.Failed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add sign-ins: %w", err)
	}
	return nil
}

// SumSignIns implements credential.WatchStore.
func (d *DB) SumSignIns(ctx context.Context, since time.Time, failures int64) (all credential.Counts, networks map[string]credential.Counts, err error) {
	if _, err := d.row(ctx, sumSignIns, []any{millis(since)}, &all.Succeeded, &all.Failed); err != nil {
		return all, nil, fmt.Errorf("sum sign-ins: %w", err)
	}
	type row struct {
		network string
		credential.Counts
	}
	rows, err := list(ctx, d, sumNetworks, []any{millis(since), failures}, func(r *sqlx.Rows, x *row) error {
		return r.Scan(&x.network, &x.Succeeded, &x.Failed)
	})
	if err != nil {
		return all, nil, fmt.Errorf("sum sign-ins: %w", err)
	}
	networks = make(map[string]credential.Counts, len(rows))
	for _, x := range rows {
		networks[x.network] = x.Counts
	}
	return all, networks, nil
}
