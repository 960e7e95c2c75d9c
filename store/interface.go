package store

import (
	"context"
	"fmt"
	"time"
)

const (
	beginDeed = `INSERT INTO interface_deeds (client_id, key, request, object, expires_at) VALUES (?, ?, ?, '', ?) ON CONFLICT DO NOTHING`

	selectDeed = `SELECT request, object FROM interface_deeds WHERE client_id = ? AND key = ?`

	settleDeed = `UPDATE interface_deeds SET object = ? WHERE client_id = ? AND key = ?`

	sweepDeeds = `
DELETE FROM interface_deeds WHERE (client_id, key) IN (SELECT client_id, key FROM interface_deeds WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`
)

// Deed gives the digest of the request that was done under key, and what it made.
func (d *DB) Deed(ctx context.Context, clientID, key string) (request, object string, err error) {
	if _, err := d.row(ctx, selectDeed, []any{clientID, key}, &request, &object); err != nil {
		return "", "", fmt.Errorf("read a deed: %w", err)
	}
	return request, object, nil
}

// BeginDeed notes within ctx's transaction that the client does something under
// key. Of those who do the same at once one is first, and the others wait for
// what became of it; they get the digest of its request and what it made.
func (d *DB) BeginDeed(ctx context.Context, clientID, key, request string, until time.Time) (first bool, before, object string, err error) {
	n, err := d.exec(ctx, beginDeed, clientID, key, request, millis(until))
	if err != nil {
		return false, "", "", fmt.Errorf("begin a deed: %w", err)
	}
	if n == 1 {
		return true, "", "", nil
	}
	if _, err := d.returning(ctx, selectDeed, []any{clientID, key}, &before, &object); err != nil {
		return false, "", "", fmt.Errorf("read a deed: %w", err)
	}
	return false, before, object, nil
}

// SettleDeed notes what the deed made.
func (d *DB) SettleDeed(ctx context.Context, clientID, key, object string) error {
	if _, err := d.exec(ctx, settleDeed, object, clientID, key); err != nil {
		return fmt.Errorf("settle a deed: %w", err)
	}
	return nil
}
