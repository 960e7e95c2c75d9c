package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// untouched are the accounts that nobody signed in to since ?, three times.
const untouched = `
a.state = 'active' AND a.created_at < ?
    AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id AND s.auth_time >= ?)
    AND NOT EXISTS (SELECT 1 FROM last_sign_ins l WHERE l.account_id = a.id AND l.at >= ?)`

const (
	doubtNumbers = `
INSERT INTO account_uses (account_id, doubted, trusted_at, reminded_at, disabled_at)
SELECT l.account_id, TRUE, 0, 0, 0 FROM last_sign_ins l JOIN accounts a ON a.id = l.account_id
WHERE EXISTS (
    SELECT 1 FROM sessions s
    WHERE s.account_id = l.account_id AND s.auth_time > ? AND s.auth_time - l.at >= ?
        AND s.auth_time > COALESCE((SELECT u.trusted_at FROM account_uses u WHERE u.account_id = l.account_id), 0)
)
ON CONFLICT (account_id) DO UPDATE SET doubted = TRUE`

	numberDoubted = `SELECT COUNT(*) FROM account_uses WHERE account_id = ? AND doubted`

	trustNumber = `
INSERT INTO account_uses (account_id, doubted, trusted_at, reminded_at, disabled_at) VALUES (?, FALSE, ?, 0, 0)
ON CONFLICT (account_id) DO UPDATE SET doubted = FALSE, trusted_at = excluded.trusted_at`

	forgotten = `
SELECT a.id FROM accounts a LEFT JOIN account_uses u ON u.account_id = a.id
WHERE ` + untouched + ` AND COALESCE(u.reminded_at, 0) < ? ORDER BY a.id LIMIT ?`

	noteReminder = `
INSERT INTO account_uses AS u (account_id, doubted, trusted_at, reminded_at, disabled_at) VALUES (?, FALSE, 0, ?, 0)
ON CONFLICT (account_id) DO UPDATE SET reminded_at = excluded.reminded_at WHERE u.reminded_at < ?`

	unused = `
SELECT a.id FROM accounts a JOIN account_uses u ON u.account_id = a.id
WHERE ` + untouched + ` AND u.reminded_at >= ? AND u.reminded_at <= ? AND u.disabled_at < u.reminded_at ORDER BY a.id LIMIT ?`

	noteDisabled = `
UPDATE account_uses SET disabled_at = ?
WHERE account_id = ? AND disabled_at < reminded_at AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = account_uses.account_id AND ` + untouched + `)`

	emptyPassword = `UPDATE credentials SET phc = '' WHERE account_id = ?`

	moveVersion = `UPDATE accounts SET version = version + 1, updated_at = ? WHERE id = ?`
)

// DoubtNumbers implements holder.Store.
func (d *DB) DoubtNumbers(ctx context.Context, t time.Time, gap time.Duration) error {
	if _, err := d.exec(ctx, doubtNumbers, millis(t), gap.Milliseconds()); err != nil {
		return fmt.Errorf("doubt numbers: %w", err)
	}
	return nil
}

// NumberDoubted implements holder.Store.
func (d *DB) NumberDoubted(ctx context.Context, id account.ID) (bool, error) {
	var n int64
	if _, err := d.row(ctx, numberDoubted, []any{string(id)}, &n); err != nil {
		return false, fmt.Errorf("read doubt: %w", err)
	}
	return n > 0, nil
}

// TrustNumber implements holder.Store.
func (d *DB) TrustNumber(ctx context.Context, id account.ID, now time.Time) error {
	_, err := d.won(ctx, "trust number", trustNumber, string(id), millis(now))
	return err
}

// Forgotten implements holder.Store.
func (d *DB) Forgotten(ctx context.Context, t time.Time, limit int) ([]account.ID, error) {
	ms := millis(t)
	return list(ctx, d, forgotten, []any{ms, ms, ms, ms, limit}, scanID)
}

func scanID(rows *sqlx.Rows, id *account.ID) error { return rows.Scan(id) }

// NoteReminder implements holder.Store.
func (d *DB) NoteReminder(ctx context.Context, id account.ID, since, now time.Time) (bool, error) {
	return d.won(ctx, "note reminder", noteReminder, string(id), millis(now), millis(since))
}

// Unused implements holder.Store.
func (d *DB) Unused(ctx context.Context, t, told time.Time, limit int) ([]account.ID, error) {
	ms := millis(t)
	return list(ctx, d, unused, []any{ms, ms, ms, ms, millis(told), limit}, scanID)
}

// DisableUnused implements holder.Store. The version moves on, so that a password
// that was proved a moment ago begins no session.
func (d *DB) DisableUnused(ctx context.Context, id account.ID, t, now time.Time, ev audit.Event) (bool, error) {
	won, ms := false, millis(t)
	err := d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, moveVersion, millis(now), string(id)); err != nil {
			return err
		}
		var err error
		if won, err = d.won(ctx, "disable", noteDisabled, millis(now), string(id), ms, ms, ms); err != nil || !won {
			return err
		}
		if _, err := d.exec(ctx, emptyPassword, string(id)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	return won, err
}
