package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/outbox"
)

var _ outbox.Store = (*DB)(nil)

// claimTasks hides what it takes by moving it into the future, so that a
// claimer that dies gives it back by itself. Rows that another claimer is
// taking at this moment are stepped over.
const claimTasksPostgres = `
UPDATE outbox SET due_at = ?
WHERE id IN (
    SELECT id FROM outbox WHERE due_at <= ? AND key NOT IN (SELECT json_array_elements_text(CAST(? AS JSON)))
    ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED
)
RETURNING id, kind, key, payload, attempts, created_at, due_at`

const claimTasksSQLite = `
UPDATE outbox SET due_at = ?
WHERE id IN (
    SELECT id FROM outbox WHERE due_at <= ? AND key NOT IN (SELECT value FROM json_each(?))
    ORDER BY due_at LIMIT ?
)
RETURNING id, kind, key, payload, attempts, created_at, due_at`

const queueTask = `
INSERT INTO outbox (id, kind, key, payload, attempts, created_at, due_at) VALUES (?, ?, ?, ?, 0, ?, ?)`

const finishTask = `DELETE FROM outbox WHERE id = ?`

const retryTask = `UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE id = ?`

const backlog = `SELECT COUNT(*), COALESCE(MIN(due_at), 0) FROM outbox WHERE due_at <= ?`

// ClaimTasks implements outbox.Store. DueAt is the end of the lease.
func (d *DB) ClaimTasks(ctx context.Context, n int, now time.Time, lease time.Duration, busy ...string) ([]outbox.Task, error) {
	args := []any{millis(now.Add(lease)), millis(now), encoded(busy), n}
	tasks, err := returned(ctx, d, d.pick(claimTasksPostgres, claimTasksSQLite), args, func(rows *sqlx.Rows, t *outbox.Task) error {
		return rows.Scan(&t.ID, &t.Kind, &t.Key, &t.Payload, &t.Attempts, &instant{&t.CreatedAt}, &instant{&t.DueAt})
	})
	if err != nil {
		return nil, fmt.Errorf("claim tasks: %w", err)
	}
	return tasks, nil
}

// FinishTask implements outbox.Store.
func (d *DB) FinishTask(ctx context.Context, id string) error {
	if _, err := d.exec(ctx, finishTask, id); err != nil {
		return fmt.Errorf("finish task: %w", err)
	}
	return nil
}

// RetryTask implements outbox.Store.
func (d *DB) RetryTask(ctx context.Context, id string, due time.Time) error {
	if _, err := d.exec(ctx, retryTask, millis(due), id); err != nil {
		return fmt.Errorf("retry task: %w", err)
	}
	return nil
}

// OutboxBacklog gives how many tasks are due at now and not claimed, and how
// long the oldest of them has been.
func (d *DB) OutboxBacklog(ctx context.Context, now time.Time) (n int, overdue time.Duration, err error) {
	var since time.Time
	if _, err := d.row(ctx, backlog, []any{millis(now)}, &n, &instant{&since}); err != nil {
		return 0, 0, fmt.Errorf("read the backlog: %w", err)
	}
	if n > 0 {
		overdue = now.Sub(since)
	}
	return n, overdue, nil
}

// queueLogout owes a client one back-channel logout, within ctx's transaction.
func (d *DB) queueLogout(ctx context.Context, l outbox.Logout, now time.Time) error {
	payload, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("logout task: %w", err)
	}
	if u := d.unit(ctx); u != nil {
		u.promised = true
	}
	_, err = d.exec(ctx, queueTask, rand.Text(), string(outbox.BackchannelLogout), l.Client, string(payload), millis(now), millis(now))
	return err
}
