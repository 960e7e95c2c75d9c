package store

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
)

const sawOperator = `UPDATE operators SET seen_at = ? WHERE id = ? AND version = ? AND state = 'active'`

const startDesk = `
INSERT INTO operator_sessions (key, id, operator_id, created_at, seen_at, expires_at, ended_at, ip, user_agent)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)`

const deskByKey = `
SELECT s.key, s.id, s.operator_id, s.created_at, s.seen_at, s.expires_at, s.ended_at, s.ip, s.user_agent, ` + operatorColumns + `
FROM operator_sessions s JOIN operators o ON o.id = s.operator_id WHERE s.key = ?`

const touchDesk = `UPDATE operator_sessions SET seen_at = ? WHERE key = ? AND seen_at < ? AND ended_at = 0`

const endDesk = `UPDATE operator_sessions SET ended_at = ? WHERE key = ? AND ended_at = 0`

const endDeskDone = `WITH done AS (` + endDesk + ` RETURNING id)` + auditDone

const endDesks = `UPDATE operator_sessions SET ended_at = ? WHERE operator_id = ? AND key <> ? AND ended_at = 0`

// StartDesk implements operator.Store.
func (d *DB) StartDesk(ctx context.Context, s operator.Session, version int64, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, sawOperator, millis(s.CreatedAt), s.Operator, version)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Unproven, "the operator changed meanwhile")
		}
		if _, err := d.exec(ctx, startDesk, s.Key, s.ID, s.Operator, millis(s.CreatedAt), millis(s.SeenAt), millis(s.ExpiresAt), clip(s.IP), clip(s.UserAgent)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("start an operator's session: %w", err)
	}
	return nil
}

// DeskByKey implements operator.Store.
func (d *DB) DeskByKey(ctx context.Context, key string) (s operator.Session, o operator.Operator, err error) {
	var sealed string
	dest := append([]any{&s.Key, &s.ID, &s.Operator, &instant{&s.CreatedAt}, &instant{&s.SeenAt}, &instant{&s.ExpiresAt}, &instant{&s.EndedAt},
		&s.IP, &s.UserAgent}, operatorDest(&o, &sealed)...)
	found, err := d.row(ctx, deskByKey, []any{key}, dest...)
	if err == nil && found {
		err = d.openOperator(&o, sealed)
	}
	if err != nil {
		return operator.Session{}, operator.Operator{}, fmt.Errorf("read an operator's session: %w", err)
	}
	if !found {
		return operator.Session{}, operator.Operator{}, missing("session")
	}
	return s, o, nil
}

// TouchDesk implements operator.Store.
func (d *DB) TouchDesk(ctx context.Context, key string, now time.Time) error {
	if _, err := d.exec(ctx, touchDesk, millis(now), key, millis(now)); err != nil {
		return fmt.Errorf("touch an operator's session: %w", err)
	}
	return nil
}

// EndDesk implements operator.Store.
func (d *DB) EndDesk(ctx context.Context, key string, now time.Time, ev audit.Event) error {
	if _, err := d.deed(ctx, endDeskDone, endDesk, ev, millis(now), key); err != nil {
		return fmt.Errorf("end an operator's session: %w", err)
	}
	return nil
}

// EndDesks implements operator.Store.
func (d *DB) EndDesks(ctx context.Context, id, exceptKey string, now time.Time) error {
	if _, err := d.exec(ctx, endDesks, millis(now), id, exceptKey); err != nil {
		return fmt.Errorf("end an operator's sessions: %w", err)
	}
	return nil
}
