package store

import (
	"context"
	"fmt"
	"time"
)

const speakFor = `
INSERT INTO spoken_for (client_id, subject, grant_id, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (client_id, subject) DO UPDATE SET grant_id = excluded.grant_id, expires_at = excluded.expires_at`

const spokenFor = `SELECT grant_id FROM spoken_for WHERE client_id = ? AND subject = ? AND expires_at > ?`

// SpeakFor implements token.Store.
func (d *DB) SpeakFor(ctx context.Context, client, subject, grantID string, until time.Time) error {
	if _, err := d.exec(ctx, speakFor, client, subject, grantID, millis(until)); err != nil {
		return fmt.Errorf("remember whom a client may speak for: %w", err)
	}
	return nil
}

// SpokenFor implements token.Store.
func (d *DB) SpokenFor(ctx context.Context, client, subject string, now time.Time) (grantID string, err error) {
	found, err := d.row(ctx, spokenFor, []any{client, clip(subject), millis(now)}, &grantID)
	if err != nil {
		return "", fmt.Errorf("read whom a client may speak for: %w", err)
	}
	if !found {
		return "", missing("grant")
	}
	return grantID, nil
}
