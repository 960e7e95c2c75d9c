package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kejitong/provider/challenge"
)

var _ challenge.Store = (*DB)(nil)

const spendCaptcha = `INSERT INTO spent_captchas (key, expires_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING`

// holdTally makes the row if there is none and locks it in any case; on SQLite
// the transaction is the only one that writes.
const holdTally = `
INSERT INTO send_tallies (key, times, expires_at) VALUES (?, '[]', 0)
ON CONFLICT (key) DO UPDATE SET expires_at = send_tallies.expires_at
RETURNING times`

const putTallyTimes = `UPDATE send_tallies SET times = ?, expires_at = ? WHERE key = ?`

const putCode = `
INSERT INTO one_time_codes (slot, digest, tries, expires_at) VALUES (?, ?, 0, ?)
ON CONFLICT (slot) DO UPDATE SET digest = excluded.digest, tries = 0, expires_at = excluded.expires_at`

const tryCode = `UPDATE one_time_codes SET tries = tries + 1 WHERE slot = ? AND tries < ? AND expires_at > ? RETURNING digest`

const useCode = `DELETE FROM one_time_codes WHERE slot = ? AND digest = ?`

// errWithin is what must commit by itself answers inside a transaction.
var errWithin = errors.New("store: guesses and answers are counted outside any transaction, so that no rollback gives them back")

// SpendCaptcha implements challenge.Store.
func (d *DB) SpendCaptcha(ctx context.Context, key string, until time.Time) (bool, error) {
	if d.unit(ctx) != nil {
		return false, errWithin
	}
	n, err := d.exec(ctx, spendCaptcha, key, millis(until))
	if err != nil {
		return false, fmt.Errorf("spend captcha: %w", err)
	}
	return n == 1, nil
}

// Tally implements challenge.Store.
func (d *DB) Tally(ctx context.Context, key string) ([]time.Time, error) {
	if d.unit(ctx) == nil {
		return nil, errors.New("store: a tally is held by a transaction")
	}
	var ms []int64
	if _, err := d.returning(ctx, holdTally, []any{key}, document{&ms}); err != nil {
		return nil, fmt.Errorf("hold tally: %w", err)
	}
	times := make([]time.Time, len(ms))
	for i, m := range ms {
		times[i] = moment(m)
	}
	return times, nil
}

// PutTally implements challenge.Store.
func (d *DB) PutTally(ctx context.Context, key string, times []time.Time, until time.Time) error {
	ms := make([]int64, len(times))
	for i, t := range times {
		ms[i] = millis(t)
	}
	if _, err := d.exec(ctx, putTallyTimes, encoded(ms), millis(until), key); err != nil {
		return fmt.Errorf("put tally: %w", err)
	}
	return nil
}

// PutCode implements challenge.Store.
func (d *DB) PutCode(ctx context.Context, c challenge.Code) error {
	if _, err := d.exec(ctx, putCode, c.Slot, c.Digest, millis(c.ExpiresAt)); err != nil {
		return fmt.Errorf("put code: %w", err)
	}
	return nil
}

// TryCode implements challenge.Store.
func (d *DB) TryCode(ctx context.Context, slot string, most int, now time.Time) (digest string, err error) {
	if d.unit(ctx) != nil {
		return "", errWithin
	}
	found, err := d.returning(ctx, tryCode, []any{slot, most, millis(now)}, &digest)
	if err != nil {
		return "", fmt.Errorf("try code: %w", err)
	}
	if !found {
		return "", missing("code")
	}
	return digest, nil
}

// UseCode implements challenge.Store.
func (d *DB) UseCode(ctx context.Context, slot, digest string) (bool, error) {
	n, err := d.exec(ctx, useCode, slot, digest)
	if err != nil {
		return false, fmt.Errorf("use code: %w", err)
	}
	return n == 1, nil
}
