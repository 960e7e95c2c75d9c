package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

const putSystem = `
INSERT INTO systems (id, name_zh, name_en, owner, entry_url, account_kinds, level, actions)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, owner = excluded.owner,
    entry_url = excluded.entry_url, account_kinds = excluded.account_kinds, level = excluded.level, actions = excluded.actions`

const putSystemDone = `WITH done AS (` + putSystem + ` RETURNING id)` + auditDone

const selectSystems = `
SELECT id, name_zh, name_en, owner, entry_url, account_kinds, level, actions FROM systems ORDER BY id`

const putMandate = `
INSERT INTO mandates (id, account_id, unit_id, relation, state, source, valid_from, valid_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, unit_id = excluded.unit_id, relation = excluded.relation,
    state = excluded.state, source = excluded.source, valid_from = excluded.valid_from, valid_until = excluded.valid_until`

const putMandateDone = `WITH done AS (` + putMandate + ` RETURNING id)` + auditDone

const putEntitlement = `
INSERT INTO entitlements (id, account_id, unit_id, system, actions, state, source, valid_from, valid_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, unit_id = excluded.unit_id, system = excluded.system,
    actions = excluded.actions, state = excluded.state, source = excluded.source, valid_from = excluded.valid_from,
    valid_until = excluded.valid_until`

const putEntitlementDone = `WITH done AS (` + putEntitlement + ` RETURNING id)` + auditDone

// PutSystem inserts s or replaces the system with its id.
func (d *DB) PutSystem(ctx context.Context, s entitlement.System, ev audit.Event) error {
	_, err := d.deed(ctx, putSystemDone, putSystem, ev, string(s.ID), s.NameZH, s.NameEN, s.Owner, s.EntryURL, encoded(s.AccountKinds),
		s.Level, encoded(s.Actions))
	if err != nil {
		return fmt.Errorf("put system: %w", err)
	}
	return nil
}

// Systems gives the catalogue, ordered by id.
func (d *DB) Systems(ctx context.Context) ([]entitlement.System, error) {
	return list(ctx, d, selectSystems, nil, func(rows *sqlx.Rows, s *entitlement.System) error {
		return rows.Scan(&s.ID, &s.NameZH, &s.NameEN, &s.Owner, &s.EntryURL, &document{&s.AccountKinds}, &s.Level, &document{&s.Actions})
	})
}

// PutMandate inserts m or replaces the mandate with its id; of m.Unit only the
// ID counts. fault.Invalid if the account or the unit does not exist.
func (d *DB) PutMandate(ctx context.Context, m entitlement.Mandate, ev audit.Event) error {
	_, err := d.deed(ctx, putMandateDone, putMandate, ev, m.ID, string(m.Account), m.Unit.ID, string(m.Relation), string(m.State),
		string(m.Source), millis(m.From), millis(m.Until))
	if err != nil {
		return fmt.Errorf("put mandate: %w", err)
	}
	return nil
}

// PutGrant inserts g or replaces the entitlement with its id. fault.Invalid if
// the account or the system does not exist.
func (d *DB) PutGrant(ctx context.Context, g entitlement.Grant, ev audit.Event) error {
	_, err := d.deed(ctx, putEntitlementDone, putEntitlement, ev, g.ID, string(g.Account), g.UnitID, string(g.System), encoded(g.Actions),
		string(g.State), string(g.Source), millis(g.From), millis(g.Until))
	if err != nil {
		return fmt.Errorf("put entitlement: %w", err)
	}
	return nil
}
