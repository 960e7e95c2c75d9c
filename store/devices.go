package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/device"
	"kejitong/provider/token"
)

var _ device.Store = (*DB)(nil)

const deviceColumns = `key, user_key, client_id, form, state, grant_id, created_at, expires_at, interval_ms, hasty`

const openDevice = `
INSERT INTO device_requests (key, user_key, client_id, form, state, grant_id, created_at, expires_at, polled_at, interval_ms, hasty)
VALUES (?, ?, ?, ?, 0, '', ?, ?, 0, ?, FALSE)
ON CONFLICT (user_key) DO NOTHING`

const selectDevice = `SELECT ` + deviceColumns + ` FROM device_requests WHERE user_key = ?`

// pollDevice judges and counts in one statement, so that of polls at the same
// moment all but the first are early. Its parameters are: now, now, the
// addition, now, key, client.
const pollDevice = `
UPDATE device_requests SET
    hasty = CASE WHEN state = 0 AND polled_at > 0 AND polled_at + interval_ms > ? THEN TRUE ELSE FALSE END,
    interval_ms = CASE WHEN state = 0 AND polled_at > 0 AND polled_at + interval_ms > ? THEN interval_ms + ? ELSE interval_ms END,
    polled_at = ?
WHERE key = ? AND client_id = ?
RETURNING ` + deviceColumns

const allowDevice = `
UPDATE device_requests SET state = 1, grant_id = ?, expires_at = CASE WHEN expires_at < ? THEN ? ELSE expires_at END
WHERE key = ? AND state = 0 AND expires_at > ?`

const refuseDevice = `UPDATE device_requests SET state = 2 WHERE key = ? AND state = 0`

const refuseDeviceDone = `WITH done AS (` + refuseDevice + ` RETURNING key)` + auditDone

const countTry = `
INSERT INTO throttle (key, n, last_at, expires_at) VALUES (?, 1, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    n = CASE WHEN throttle.expires_at <= excluded.last_at THEN 1 ELSE throttle.n + 1 END,
    expires_at = CASE WHEN throttle.expires_at <= excluded.last_at THEN excluded.expires_at ELSE throttle.expires_at END,
    last_at = excluded.last_at
RETURNING n, expires_at`

// OpenDevice implements device.Store.
func (d *DB) OpenDevice(ctx context.Context, r device.Request) (bool, error) {
	n, err := d.exec(ctx, openDevice, r.Key, r.UserKey, r.Client, r.Form, millis(r.CreatedAt), millis(r.ExpiresAt), r.Interval.Milliseconds())
	if err != nil {
		return false, fmt.Errorf("open device request: %w", err)
	}
	return n == 1, nil
}

// Device implements device.Store.
func (d *DB) Device(ctx context.Context, userKey string) (device.Request, error) {
	var r device.Request
	var interval int64
	found, err := d.row(ctx, selectDevice, []any{userKey}, deviceDest(&r, &interval)...)
	return deviceRead(r, interval, found, err)
}

// PollDevice implements device.Store.
func (d *DB) PollDevice(ctx context.Context, key, client string, now time.Time) (device.Request, error) {
	var r device.Request
	var interval int64
	args := []any{millis(now), millis(now), device.Slower.Milliseconds(), millis(now), key, client}
	found, err := d.returning(ctx, pollDevice, args, deviceDest(&r, &interval)...)
	return deviceRead(r, interval, found, err)
}

func deviceRead(r device.Request, interval int64, found bool, err error) (device.Request, error) {
	if err != nil {
		return device.Request{}, fmt.Errorf("read device request: %w", err)
	}
	if !found {
		return device.Request{}, missing("device request")
	}
	r.Interval = time.Duration(interval) * time.Millisecond
	return r, nil
}

// errOutrun undoes a transaction whose turn had passed.
var errOutrun = errors.New("somebody else was first")

// AllowDevice implements device.Store.
func (d *DB) AllowDevice(ctx context.Context, key, interaction string, g *token.Grant, until time.Time, ev audit.Event) (bool, error) {
	args, err := grantArgs(g, g.State)
	if err != nil {
		return false, err
	}
	once := func(n int64, err error) error {
		if err == nil && n != 1 {
			return errOutrun
		}
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if err := once(d.exec(ctx, allowDevice, g.ID, millis(until), millis(until), key, millis(d.Now()))); err != nil {
			return err
		}
		if err := once(d.exec(ctx, consumeInteraction, g.ID, interaction)); err != nil {
			return err
		}
		if _, err := d.exec(ctx, insertGrant, args...); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if errors.Is(err, errOutrun) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("allow device: %w", err)
	}
	return true, nil
}

// RefuseDevice implements device.Store.
func (d *DB) RefuseDevice(ctx context.Context, key string, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, refuseDeviceDone, refuseDevice, ev, key)
	if err != nil {
		return false, fmt.Errorf("refuse device: %w", err)
	}
	return ok, nil
}

// CountTry implements device.Store.
func (d *DB) CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (n int, end time.Time, err error) {
	if _, err := d.returning(ctx, countTry, []any{key, millis(now), millis(now.Add(window))}, &n, &instant{&end}); err != nil {
		return 0, time.Time{}, fmt.Errorf("count a try: %w", err)
	}
	return n, end, nil
}

func deviceDest(r *device.Request, interval *int64) []any {
	return []any{&r.Key, &r.UserKey, &r.Client, &r.Form, &r.State, &r.GrantID, &instant{&r.CreatedAt}, &instant{&r.ExpiresAt}, interval, &r.Hasty}
}
