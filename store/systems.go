package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

const putSystem = `
INSERT INTO systems (id, name_zh, name_en, owner, entry_url, account_kinds, level, actions, unit_types, earned, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, owner = excluded.owner,
    entry_url = excluded.entry_url, account_kinds = excluded.account_kinds, level = excluded.level, actions = excluded.actions,
    unit_types = excluded.unit_types, earned = excluded.earned, state = excluded.state`

const putSystemDone = `WITH done AS (` + putSystem + ` RETURNING id)` + auditDone

const selectSystems = `
SELECT id, name_zh, name_en, owner, entry_url, account_kinds, level, actions, unit_types, earned, state FROM systems ORDER BY id`

// The states of a system in its row.
const (
	systemOpen   = "open"
	systemClosed = "closed"
)

// PutSystem inserts s or replaces the system with its id.
func (d *DB) PutSystem(ctx context.Context, s entitlement.System, ev audit.Event) error {
	state := systemOpen
	if s.Closed {
		state = systemClosed
	}
	_, err := d.deed(ctx, putSystemDone, putSystem, ev, string(s.ID), s.NameZH, s.NameEN, s.Owner, s.EntryURL, encoded(s.AccountKinds),
		s.Level, encoded(s.Actions), encoded(s.UnitTypes), s.Earned, state)
	if err != nil {
		return fmt.Errorf("put system: %w", err)
	}
	return nil
}

// Systems gives the catalogue, ordered by id.
func (d *DB) Systems(ctx context.Context) ([]entitlement.System, error) {
	return list(ctx, d, selectSystems, nil, func(rows *sqlx.Rows, s *entitlement.System) error {
		var state string
		err := rows.Scan(&s.ID, &s.NameZH, &s.NameEN, &s.Owner, &s.EntryURL, &document{&s.AccountKinds}, &s.Level, &document{&s.Actions},
			&document{&s.UnitTypes}, &s.Earned, &state)
		s.Closed = state == systemClosed
		if len(s.UnitTypes) == 0 {
			s.UnitTypes = nil
		}
		return err
	})
}
