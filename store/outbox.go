package store

import (
	"context"
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
WHERE id IN (SELECT id FROM outbox WHERE due_at <= ? ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED)
RETURNING id, kind, payload, attempts, created_at, due_at`

const claimTasksSQLite = `
UPDATE outbox SET due_at = ?
WHERE id IN (SELECT id FROM outbox WHERE due_at <= ? ORDER BY due_at LIMIT ?)
RETURNING id, kind, payload, attempts, created_at, due_at`

const finishTask = `DELETE FROM outbox WHERE id = ?`

const retryTask = `UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE id = ?`

// ClaimTasks implements outbox.Store. DueAt is the end of the lease.
func (d *DB) ClaimTasks(ctx context.Context, n int, now time.Time, lease time.Duration) ([]outbox.Task, error) {
	args := []any{millis(now.Add(lease)), millis(now), n}
	tasks, err := returned(ctx, d, d.pick(claimTasksPostgres, claimTasksSQLite), args, func(rows *sqlx.Rows, t *outbox.Task) error {
		return rows.Scan(&t.ID, &t.Kind, &t.Payload, &t.Attempts, &instant{&t.CreatedAt}, &instant{&t.DueAt})
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
