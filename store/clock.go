package store

import (
	"context"
	"fmt"
	"time"
)

const clockPostgres = `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`

const clockSQLite = `SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS BIGINT)`

// Clock gives the database's own time, in UTC. On SQLite that is the host's.
func (d *DB) Clock(ctx context.Context) (time.Time, error) {
	var t time.Time
	if _, err := d.row(ctx, d.pick(clockPostgres, clockSQLite), nil, &instant{&t}); err != nil {
		return time.Time{}, fmt.Errorf("read the clock: %w", err)
	}
	return t, nil
}
