package store

import (
	"context"
	"fmt"

	"kejitong/provider/authflow"
	"kejitong/provider/fault"
)

var _ authflow.Store = (*DB)(nil)

const park = `
INSERT INTO interactions (key, client_id, form, browser, pushed, created_at, expires_at, signed_in_at, session_id, selected, unit,
    consented, declined, grant_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// visitPushed never shortens a life.
const visitPushed = `
UPDATE pushed_requests SET visited = TRUE, expires_at = CASE WHEN expires_at < ? THEN ? ELSE expires_at END
WHERE key = ? AND used_at = 0`

const parkPushed = `WITH visited AS (` + visitPushed + `)` + park

const selectPending = `
SELECT key, client_id, form, browser, pushed, created_at, expires_at, signed_in_at, session_id, selected, unit, consented, declined, grant_id
FROM interactions WHERE key = ?`

const advance = `
UPDATE interactions SET signed_in_at = ?, session_id = ?, selected = ?, unit = ?, consented = ?, declined = ?, browser = ?
WHERE key = ? AND grant_id = ''`

const finishInteraction = `UPDATE interactions SET declined = ? WHERE key = ? AND declined = '' AND grant_id = ''`

const push = `
INSERT INTO pushed_requests (key, client_id, form, expires_at, visited, used_at) VALUES (?, ?, ?, ?, ?, ?)`

const selectPushed = `SELECT key, client_id, form, expires_at, visited, used_at FROM pushed_requests WHERE key = ?`

// Park implements authflow.Store.
func (d *DB) Park(ctx context.Context, p authflow.Pending) error {
	args := []any{p.Key, p.Client, p.Form, p.Browser, p.Pushed, millis(p.CreatedAt), millis(p.ExpiresAt), millis(p.SignedInAt), p.Session,
		p.Selected, p.Unit, p.Consented, p.Declined, p.GrantID}
	visit := []any{millis(p.ExpiresAt), millis(p.ExpiresAt), p.Pushed}
	var err error
	switch {
	case p.Pushed == "":
		_, err = d.exec(ctx, park, args...)
	case d.postgres:
		_, err = d.exec(ctx, parkPushed, append(visit, args...)...)
	default:
		err = d.InTx(ctx, func(ctx context.Context) error {
			if _, err := d.exec(ctx, visitPushed, visit...); err != nil {
				return err
			}
			_, err := d.exec(ctx, park, args...)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	return nil
}

// Pending implements authflow.Store.
func (d *DB) Pending(ctx context.Context, key string) (authflow.Pending, error) {
	var p authflow.Pending
	found, err := d.row(ctx, selectPending, []any{key}, &p.Key, &p.Client, &p.Form, &p.Browser, &p.Pushed, &instant{&p.CreatedAt},
		&instant{&p.ExpiresAt}, &instant{&p.SignedInAt}, &p.Session, &p.Selected, &p.Unit, &p.Consented, &p.Declined, &p.GrantID)
	if err != nil {
		return authflow.Pending{}, fmt.Errorf("read interaction: %w", err)
	}
	if !found {
		return authflow.Pending{}, missing("interaction")
	}
	return p, nil
}

// Advance implements authflow.Store.
func (d *DB) Advance(ctx context.Context, p authflow.Pending) error {
	n, err := d.exec(ctx, advance, millis(p.SignedInAt), p.Session, p.Selected, p.Unit, p.Consented, p.Declined, p.Browser, p.Key)
	if err != nil {
		return fmt.Errorf("advance interaction: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Gone, "the interaction is over")
	}
	return nil
}

// Finish implements authflow.Store.
func (d *DB) Finish(ctx context.Context, key, why string) (bool, error) {
	n, err := d.exec(ctx, finishInteraction, why, key)
	if err != nil {
		return false, fmt.Errorf("finish interaction: %w", err)
	}
	return n == 1, nil
}

// Push implements authflow.Store.
func (d *DB) Push(ctx context.Context, p authflow.Pushed) error {
	if _, err := d.exec(ctx, push, p.Key, p.Client, p.Form, millis(p.ExpiresAt), p.Visited, millis(p.UsedAt)); err != nil {
		return fmt.Errorf("push request: %w", err)
	}
	return nil
}

// Pushed implements authflow.Store.
func (d *DB) Pushed(ctx context.Context, key string) (authflow.Pushed, error) {
	var p authflow.Pushed
	found, err := d.row(ctx, selectPushed, []any{key}, &p.Key, &p.Client, &p.Form, &instant{&p.ExpiresAt}, &p.Visited, &instant{&p.UsedAt})
	if err != nil {
		return authflow.Pushed{}, fmt.Errorf("read pushed request: %w", err)
	}
	if !found {
		return authflow.Pushed{}, missing("pushed request")
	}
	return p, nil
}
