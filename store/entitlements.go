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

const putEntitlement = `
INSERT INTO entitlements (id, account_id, unit_id, system, actions, state, source, valid_from, valid_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, unit_id = excluded.unit_id, system = excluded.system,
    actions = excluded.actions, state = excluded.state, source = excluded.source, valid_from = excluded.valid_from,
    valid_until = excluded.valid_until`

// What stands there now; PostgreSQL locks it, so that of two changes at once
// the second one sees the first.
const (
	oldMandate = `SELECT account_id, unit_id, relation, state, source, valid_from, valid_until FROM mandates WHERE id = ?`

	oldEntitlement = `
SELECT account_id, unit_id, system, actions, state, source, valid_from, valid_until FROM entitlements WHERE id = ?`

	locked = ` FOR UPDATE`
)

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
// ID counts. fault.Invalid if the account or the unit does not exist. What is
// taken from the one who held it takes his tokens with it, at every client that
// owns a business system.
func (d *DB) PutMandate(ctx context.Context, m entitlement.Mandate, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		var old entitlement.Mandate
		found, err := d.returning(ctx, d.pick(oldMandate+locked, oldMandate), []any{m.ID}, &old.Account, &old.Unit.ID, &old.Relation, &old.State,
			&old.Source, &instant{&old.From}, &instant{&old.Until})
		if err != nil {
			return err
		}
		if _, err := d.exec(ctx, putMandate, m.ID, string(m.Account), m.Unit.ID, string(m.Relation), string(m.State), string(m.Source),
			millis(m.From), millis(m.Until)); err != nil {
			return err
		}
		if now := d.Now(); found && old.Takes(m, now) {
			if err := d.endForUnit(ctx, old.Account, old.Unit.ID, "", now); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put mandate: %w", err)
	}
	return nil
}

// PutGrant inserts g or replaces the entitlement with its id. fault.Invalid if
// the account or the system does not exist. What is taken from the one who held
// it takes his tokens with it, at the clients that own the system.
func (d *DB) PutGrant(ctx context.Context, g entitlement.Grant, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		var old entitlement.Grant
		found, err := d.returning(ctx, d.pick(oldEntitlement+locked, oldEntitlement), []any{g.ID}, &old.Account, &old.UnitID, &old.System,
			&document{&old.Actions}, &old.State, &old.Source, &instant{&old.From}, &instant{&old.Until})
		if err != nil {
			return err
		}
		if _, err := d.exec(ctx, putEntitlement, g.ID, string(g.Account), g.UnitID, string(g.System), encoded(g.Actions), string(g.State),
			string(g.Source), millis(g.From), millis(g.Until)); err != nil {
			return err
		}
		if now := d.Now(); found && old.Takes(g, now) {
			if err := d.endForUnit(ctx, old.Account, old.UnitID, old.System, now); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put entitlement: %w", err)
	}
	return nil
}
