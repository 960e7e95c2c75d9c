package store

import (
	"context"
	"fmt"
	"time"
)

// The rows that SweepExpired deletes. A grant without an end is never swept: it
// may be the only proof that a token was revoked. A session stays until its
// absolute end, also when it was ended before.
const (
	sweepGrants = `
DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at > 0 AND expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepInteractions = `
DELETE FROM interactions WHERE key IN (SELECT key FROM interactions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepPushed = `
DELETE FROM pushed_requests WHERE key IN (SELECT key FROM pushed_requests WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepAssertions = `
DELETE FROM assertions WHERE (client_id, jti) IN (SELECT client_id, jti FROM assertions WHERE exp < ? ORDER BY exp LIMIT ?)`

	sweepSessions = `
DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepThrottle = `
DELETE FROM throttle WHERE key IN (SELECT key FROM throttle WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`
)

// SweepExpired implements token.Store. Each kind is a statement of its own, so
// that a sweep holds few locks for a short time; call it again while it gives
// limit or more.
func (d *DB) SweepExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	total := 0
	for _, query := range []string{sweepGrants, sweepInteractions, sweepPushed, sweepAssertions, sweepSessions, sweepThrottle} {
		n, err := d.exec(ctx, query, millis(before), limit)
		if err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
		total += int(n)
	}
	return total, nil
}
