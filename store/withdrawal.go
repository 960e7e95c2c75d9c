package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/outbox"
)

// endForUnitPostgres and its twin end what an account holds for one unit at the
// clients that own the system; an empty one stands for any system. That the
// account is not empty is said for the partial index.
const endForUnitPostgres = `
UPDATE grants SET state = 2
WHERE account_id = ? AND account_id <> '' AND unit_id = ? AND state <> 2 AND client_id IN (
    SELECT c.id FROM clients c, json_array_elements_text(CAST(c.metadata AS JSON) -> 'business_systems') AS s(id)
    WHERE s.id = CAST(? AS TEXT) OR CAST(? AS TEXT) = ''
)
RETURNING client_id, session_id`

const endForUnitSQLite = `
UPDATE grants SET state = 2
WHERE account_id = ? AND account_id <> '' AND unit_id = ? AND state <> 2 AND client_id IN (
    SELECT c.id FROM clients c, json_each(c.metadata, '$.business_systems') AS s
    WHERE s.value = ? OR ? = ''
)
RETURNING client_id, session_id`

const endForClient = `
UPDATE grants SET state = 2 WHERE account_id = ? AND account_id <> '' AND client_id = ? AND state <> 2
RETURNING client_id, session_id`

// endForUnit is what follows when an account loses something of what it may do
// for a unit: what was issued before never lives again, and the clients end
// their own sessions. It runs within ctx's transaction.
func (d *DB) endForUnit(ctx context.Context, who account.ID, unitID string, system entitlement.SystemID, now time.Time) error {
	query := d.pick(endForUnitPostgres, endForUnitSQLite)
	_, err := d.endTokens(ctx, who, query, []any{string(who), unitID, string(system), string(system)}, now)
	return err
}

// endTokens runs query and owes each client a logout for each session that it
// had something of. It gives how many token grants ended.
func (d *DB) endTokens(ctx context.Context, who account.ID, query string, args []any, now time.Time) (int, error) {
	ended, err := returned(ctx, d, query, args, func(rows *sqlx.Rows, l *outbox.Logout) error { return rows.Scan(&l.Client, &l.Session) })
	if err != nil {
		return 0, err
	}
	told := map[outbox.Logout]bool{}
	for _, l := range ended {
		if l.Account = string(who); l.Session == "" || told[l] {
			continue
		}
		told[l] = true
		if err := d.queueLogout(ctx, l, now); err != nil {
			return 0, err
		}
	}
	return len(ended), nil
}
