package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/webhook"
)

const insertAudit = `
INSERT INTO audit (at, kind, actor, object, client_id, result, detail, ip, user_agent, request_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// auditDone ends a statement of PostgreSQL that begins with WITH done AS (...
// RETURNING ...): one audit row per row of done, in the same round trip.
const auditDone = `
INSERT INTO audit (at, kind, actor, object, client_id, result, detail, ip, user_agent, request_id)
SELECT CAST(? AS BIGINT), ?, ?, ?, ?, ?, ?, ?, ?, ? FROM done`

// auditColumns is a row of the trail, in the order of scanAudit.
const auditColumns = `id, at, kind, actor, object, client_id, result, detail, ip, user_agent, request_id`

const recentAudit = `SELECT ` + auditColumns + ` FROM audit ORDER BY id DESC LIMIT ?`

// Record writes an event by itself, for what happens without another write. What
// webhooks tell of is promised with it.
func (d *DB) Record(ctx context.Context, ev audit.Event) error {
	_, told := webhook.Of(ev)
	if told && d.unit(ctx) == nil {
		return d.InTx(ctx, func(ctx context.Context) error { return d.Record(ctx, ev) })
	}
	_, err := d.exec(ctx, insertAudit, d.auditArgs(ctx, ev)...)
	if err == nil && told {
		err = d.promiseWebhooks(ctx, ev)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", ev.Kind, err)
	}
	return nil
}

// RecentAudit gives the last n events, the newest first.
func (d *DB) RecentAudit(ctx context.Context, n int) ([]audit.Row, error) {
	return list(ctx, d, recentAudit, []any{n}, scanAudit)
}

func scanAudit(rows *sqlx.Rows, a *audit.Row) error {
	return rows.Scan(&a.ID, &instant{&a.At}, &a.Kind, &a.Actor, &a.Object, &a.Client, &a.Result, &a.Detail, &a.IP, &a.UserAgent, &a.RequestID)
}

// deed runs a write with its audit row: on PostgreSQL the one statement
// postgres, which ends with auditDone; on SQLite the statement sqlite and, if
// it affected a row, the audit row in one transaction. It tells whether the
// write took place.
func (d *DB) deed(ctx context.Context, postgres, sqlite string, ev audit.Event, args ...any) (bool, error) {
	if d.postgres {
		n, err := d.exec(ctx, postgres, append(args, d.auditArgs(ctx, ev)...)...)
		return n > 0, err
	}
	var n int64
	err := d.InTx(ctx, func(ctx context.Context) error {
		var err error
		if n, err = d.exec(ctx, sqlite, args...); err != nil || n == 0 {
			return err
		}
		return d.Record(ctx, ev)
	})
	return n > 0, err
}

// auditObject is the place of the object among auditArgs.
const auditObject = 3

// maxRemark bounds what a request can write into the trail (user agent and the
// like).
const maxRemark = 256

func (d *DB) auditArgs(ctx context.Context, ev audit.Event) []any {
	ev = audit.From(ctx, ev)
	return []any{millis(d.Now()), string(ev.Kind), clip(ev.Actor), clip(ev.Object), clip(ev.Client), clip(ev.Result), clip(ev.Detail),
		clip(ev.IP), clip(ev.UserAgent), clip(ev.RequestID)}
}
