package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
	"kejitong/provider/session"
)

// endSessions ends what is selected; unused selectors are empty texts, which
// no row holds. With each it gives the clients that hold a grant of it, as they
// were before anything was revoked: RETURNING sees what the statement began with.
const (
	endSessions = `
UPDATE sessions SET ended_at = ?
WHERE (key = ? OR id = ? OR account_id = ?) AND key <> ? AND ended_at = 0
RETURNING id, account_id, `
	held               = `FROM grants g WHERE g.session_id = sessions.id AND g.session_id <> '' AND g.state <> 2)`
	endSessionsSQLite  = endSessions + `(SELECT json_group_array(DISTINCT g.client_id) ` + held
	endSessionsReturns = endSessions + `(SELECT CAST(json_agg(DISTINCT g.client_id) AS TEXT) ` + held + ` AS clients`
)

// endSessionsPostgres does all that belongs to it in the same round trip. That
// session_id is not empty is said again, since only then may the partial index
// be used.
const endSessionsPostgres = `
WITH ended AS (` + endSessionsReturns + `),
revoked AS (
    UPDATE grants SET state = 2 FROM ended
    WHERE grants.session_id = ended.id AND grants.session_id <> '' AND grants.offline = FALSE AND grants.state <> 2
), everywhere AS (` + revokeOffline + `), owed AS (
    SELECT DISTINCT g.client_id, g.session_id, ended.account_id FROM grants g JOIN ended ON g.session_id = ended.id
    WHERE g.session_id <> ''
), queued AS (
    INSERT INTO outbox (id, kind, key, payload, attempts, created_at, due_at)
    SELECT CAST(gen_random_uuid() AS TEXT), CAST(? AS TEXT), client_id,
        CAST(json_build_object('client', client_id, 'session', session_id, 'account', account_id) AS TEXT), 0, CAST(? AS BIGINT), CAST(? AS BIGINT)
    FROM owed
), audited AS (
    INSERT INTO audit (at, kind, actor, object, client_id, result, detail, ip, user_agent, request_id)
    SELECT CAST(? AS BIGINT), ?, COALESCE(NULLIF(CAST(? AS TEXT), ''), account_id), id, ?, ?, ?, ?, ?, ? FROM ended
)
SELECT id, account_id, COALESCE(clients, '[]') FROM ended`

const revokeOfSession = `
UPDATE grants SET state = 2 WHERE session_id = ? AND session_id <> '' AND offline = FALSE AND state <> 2`

// revokeOffline ends what was asked to outlive its session, when an account is
// signed out everywhere; an empty account selects nothing.
const revokeOffline = `
UPDATE grants SET state = 2
WHERE account_id = ? AND account_id <> '' AND offline = TRUE AND state <> 2
    AND session_id NOT IN (SELECT id FROM sessions WHERE key = ?)`

const queueLogouts = `
INSERT INTO outbox (id, kind, key, payload, attempts, created_at, due_at)
SELECT lower(hex(randomblob(16))), ?, client_id, json_object('client', client_id, 'session', session_id, 'account', ?), 0, ?, ?
FROM (SELECT DISTINCT client_id, session_id FROM grants WHERE session_id = ? AND session_id <> '')`

// EndSessions implements session.Store. Each event's object is the session's
// id, and its actor, if ev names none, the session's account.
func (d *DB) EndSessions(ctx context.Context, which session.Which, now time.Time, ev audit.Event) ([]session.Ended, error) {
	if which.Key == "" && which.ID == "" && which.Account == "" {
		return nil, fault.New(fault.Invalid, "no session is selected")
	}
	end := d.endSQLite
	if d.postgres {
		end = d.endPostgres
	}
	ended, err := end(ctx, which, now, ev)
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	return ended, nil
}

func selector(which session.Which, now time.Time) []any {
	return []any{millis(now), which.Key, which.ID, string(which.Account), which.ExceptKey}
}

func scanEnded(rows *sqlx.Rows, e *session.Ended) error {
	var clients string
	if err := rows.Scan(&e.ID, &e.Account, &clients); err != nil {
		return err
	}
	err := json.Unmarshal([]byte(clients), &e.Clients)
	slices.Sort(e.Clients)
	return err
}

func (d *DB) endPostgres(ctx context.Context, which session.Which, now time.Time, ev audit.Event) ([]session.Ended, error) {
	args := append(selector(which, now), string(which.Account), which.ExceptKey, string(outbox.BackchannelLogout), millis(now), millis(now))
	for i, a := range d.auditArgs(ctx, ev) {
		if i != auditObject { // it comes from the row
			args = append(args, a)
		}
	}
	return returned(ctx, d, endSessionsPostgres, args, scanEnded)
}

func (d *DB) endSQLite(ctx context.Context, which session.Which, now time.Time, ev audit.Event) (ended []session.Ended, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		var err error
		if ended, err = returned(ctx, d, endSessionsSQLite, selector(which, now), scanEnded); err != nil {
			return err
		}
		if which.Account != "" {
			if _, err := d.exec(ctx, revokeOffline, string(which.Account), which.ExceptKey); err != nil {
				return err
			}
		}
		for _, e := range ended {
			if _, err := d.exec(ctx, revokeOfSession, e.ID); err != nil {
				return err
			}
			if _, err := d.exec(ctx, queueLogouts, string(outbox.BackchannelLogout), string(e.Account), millis(now), millis(now), e.ID); err != nil {
				return err
			}
			one := ev
			one.Object = e.ID
			if one.Actor == "" {
				one.Actor = string(e.Account)
			}
			if err := d.Record(ctx, one); err != nil {
				return err
			}
		}
		return nil
	})
	return ended, err
}
