package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/outbox"
	"kejitong/provider/webhook"
)

const (
	deliveryColumns = `id, endpoint_id, event, account_id, body, state, attempts, status, problem, created_at, tried_at, expires_at`

	addDelivery = `
INSERT INTO webhook_deliveries (` + deliveryColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	selectDelivery = `SELECT ` + deliveryColumns + ` FROM webhook_deliveries WHERE id = ?`

	triedDelivery = `UPDATE webhook_deliveries SET state = ?, attempts = ?, status = ?, problem = ?, tried_at = ? WHERE id = ? AND state = 'pending'`

	selectDeliveries = `
SELECT ` + deliveryColumns + ` FROM webhook_deliveries
WHERE endpoint_id = ? AND (created_at < ? OR created_at = ? AND id < ?) ORDER BY created_at DESC, id DESC LIMIT ?`

	countHeld = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_deliveries WHERE endpoint_id = ? AND state = 'held' LIMIT ?) AS held`

	heldDeliveries = `SELECT id, created_at FROM webhook_deliveries WHERE endpoint_id = ? AND state = 'held' ORDER BY created_at, id`

	releaseDeliveries = `UPDATE webhook_deliveries SET state = 'pending' WHERE endpoint_id = ? AND state = 'held'`

	againDelivery = `
UPDATE webhook_deliveries SET state = 'pending' WHERE id = ? AND endpoint_id = ? AND state IN ('delivered', 'failed')`

	sweepDeliveries = `
DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`
)

// PromiseDelivery implements webhook.Store.
func (d *DB) PromiseDelivery(ctx context.Context, v webhook.Delivery) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, addDelivery, v.ID, v.Endpoint, string(v.Event), string(v.Account), v.Body, string(v.State), v.Attempts, v.Status, v.Problem,
			millis(v.CreatedAt), millis(v.TriedAt), millis(v.ExpiresAt))
		if err != nil || n == 0 || v.State != webhook.Pending {
			return err
		}
		return d.queueDelivery(ctx, v.Endpoint, v.ID, v.CreatedAt)
	})
	if err != nil {
		return fmt.Errorf("promise a webhook: %w", err)
	}
	return nil
}

// queueDelivery owes the endpoint a delivery, within ctx's transaction. The task of
// an earlier try may be there still, about to be finished, so each has its own id.
func (d *DB) queueDelivery(ctx context.Context, endpoint, id string, due time.Time) error {
	payload, err := json.Marshal(outbox.Note{Message: id})
	if err != nil {
		return err
	}
	d.unit(ctx).promised = true
	_, err = d.exec(ctx, queueTask, rand.Text(), string(outbox.Webhook), "webhook "+endpoint, string(payload), millis(d.Now()), millis(due))
	return err
}

// HeldFor implements webhook.Store.
func (d *DB) HeldFor(ctx context.Context, endpoint string, limit int) (n int, err error) {
	if _, err := d.row(ctx, countHeld, []any{clip(endpoint), limit}, &n); err != nil {
		return 0, fmt.Errorf("count deliveries: %w", err)
	}
	return n, nil
}

// Release implements webhook.Store. What came first is due first.
func (d *DB) Release(ctx context.Context, endpoint string, now time.Time) (n int, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		held, err := returned(ctx, d, heldDeliveries, []any{endpoint}, func(rows *sqlx.Rows, v *webhook.Delivery) error {
			return rows.Scan(&v.ID, &instant{&v.CreatedAt})
		})
		if n = len(held); err != nil || n == 0 {
			return err
		}
		if _, err := d.exec(ctx, releaseDeliveries, endpoint); err != nil {
			return err
		}
		for i, v := range held {
			if err := d.queueDelivery(ctx, endpoint, v.ID, now.Add(time.Duration(i-n)*time.Millisecond)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("release deliveries: %w", err)
	}
	return n, nil
}

// Again implements webhook.Store.
func (d *DB) Again(ctx context.Context, endpoint, id string, now time.Time, ev audit.Event) (again bool, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, againDelivery, clip(id), clip(endpoint))
		if again = n > 0; err != nil || !again {
			return err
		}
		if err := d.queueDelivery(ctx, endpoint, id, now); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return false, fmt.Errorf("redeliver: %w", err)
	}
	return again, nil
}

func scanDelivery(rows *sqlx.Rows, v *webhook.Delivery) error {
	return rows.Scan(&v.ID, &v.Endpoint, &v.Event, &v.Account, &v.Body, &v.State, &v.Attempts, &v.Status, &v.Problem, &instant{&v.CreatedAt},
		&instant{&v.TriedAt}, &instant{&v.ExpiresAt})
}

// Delivery implements webhook.Store.
func (d *DB) Delivery(ctx context.Context, id string) (webhook.Delivery, error) {
	all, err := list(ctx, d, selectDelivery, []any{clip(id)}, scanDelivery)
	if err != nil {
		return webhook.Delivery{}, fmt.Errorf("read delivery: %w", err)
	}
	if len(all) == 0 {
		return webhook.Delivery{}, missing("delivery")
	}
	return all[0], nil
}

// Tried implements webhook.Store.
func (d *DB) Tried(ctx context.Context, v webhook.Delivery) error {
	if _, err := d.exec(ctx, triedDelivery, string(v.State), v.Attempts, v.Status, v.Problem, millis(v.TriedAt), v.ID); err != nil {
		return fmt.Errorf("write a try: %w", err)
	}
	return nil
}

// Deliveries implements webhook.Store.
func (d *DB) Deliveries(ctx context.Context, endpoint string, before time.Time, id string, limit int) ([]webhook.Delivery, error) {
	all, err := list(ctx, d, selectDeliveries, []any{clip(endpoint), millis(before), millis(before), clip(id), limit}, scanDelivery)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return all, nil
}
