package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

var _ entitlement.RequestStore = (*DB)(nil)

const (
	addRequest = `
INSERT INTO entry_requests (id, account_id, unit_id, system, actions, state, asked_at, decided_at, decided_by, grant_id)
VALUES (?, ?, ?, ?, ?, 'open', ?, 0, '', '')
ON CONFLICT (account_id, unit_id, system) WHERE state = 'open' DO NOTHING`

	countRequests = `SELECT COUNT(*) FROM entry_requests WHERE account_id = ? AND asked_at > ?`

	requestColumns = `id, account_id, unit_id, system, actions, state, asked_at, decided_at, decided_by, grant_id`

	selectRequest = `SELECT ` + requestColumns + ` FROM entry_requests WHERE id = ?`

	requestsFor = `SELECT ` + requestColumns + ` FROM entry_requests WHERE unit_id = ? ORDER BY asked_at DESC, id LIMIT ?`

	requestsBy = `SELECT ` + requestColumns + ` FROM entry_requests WHERE account_id = ? ORDER BY asked_at DESC, id LIMIT ?`

	settleRequest = `
UPDATE entry_requests SET state = ?, decided_at = ?, decided_by = ?, grant_id = ? WHERE id = ? AND state = 'open'`
)

func requestDest(r *entitlement.Request) []any {
	return []any{
		&r.ID, &r.Account, &r.UnitID, &r.System, &document{&r.Actions}, &r.State, &instant{&r.AskedAt}, &instant{&r.DecidedAt}, &r.DecidedBy, &r.GrantID,
	}
}

// AddRequest implements entitlement.RequestStore.
func (d *DB) AddRequest(ctx context.Context, r entitlement.Request, since time.Time, most int, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.HeldAccount(ctx, r.Account); err != nil { // locks it: one request after another
			return err
		}
		n := 0
		if _, err := d.row(ctx, countRequests, []any{string(r.Account), millis(since)}, &n); err != nil {
			return fmt.Errorf("count requests: %w", err)
		}
		if n >= most {
			return &fault.Error{Kind: fault.Throttled, Msg: entitlement.MsgAskTooOften}
		}
		added, err := d.exec(ctx, addRequest, r.ID, string(r.Account), r.UnitID, string(r.System), encoded(r.Actions), millis(r.AskedAt))
		if err != nil {
			return fmt.Errorf("add request: %w", err)
		}
		if added == 0 {
			return &fault.Error{Kind: fault.Conflict, Msg: entitlement.MsgAskTwice}
		}
		return d.Record(ctx, ev)
	})
}

// Request implements entitlement.RequestStore.
func (d *DB) Request(ctx context.Context, id string) (entitlement.Request, error) {
	var r entitlement.Request
	found, err := d.row(ctx, selectRequest, []any{id}, requestDest(&r)...)
	if err != nil {
		return r, fmt.Errorf("read request: %w", err)
	}
	if !found {
		return r, missing("request")
	}
	return r, nil
}

// RequestsFor implements entitlement.RequestStore.
func (d *DB) RequestsFor(ctx context.Context, unitID string, limit int) ([]entitlement.Request, error) {
	return d.requests(ctx, requestsFor, unitID, limit)
}

// RequestsBy implements entitlement.RequestStore.
func (d *DB) RequestsBy(ctx context.Context, who account.ID, limit int) ([]entitlement.Request, error) {
	return d.requests(ctx, requestsBy, string(who), limit)
}

func (d *DB) requests(ctx context.Context, query, of string, limit int) ([]entitlement.Request, error) {
	return list(ctx, d, query, []any{of, limit}, func(rows *sqlx.Rows, r *entitlement.Request) error { return rows.Scan(requestDest(r)...) })
}

// SettleRequest implements entitlement.RequestStore.
func (d *DB) SettleRequest(ctx context.Context, r entitlement.Request, ev audit.Event) (bool, error) {
	won := false
	err := d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, settleRequest, string(r.State), millis(r.DecidedAt), string(r.DecidedBy), r.GrantID, r.ID)
		if won = n > 0; err != nil || !won {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return false, fmt.Errorf("settle request: %w", err)
	}
	return won, nil
}
