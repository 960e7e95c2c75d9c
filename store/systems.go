package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

const (
	systemColumns = `id, name_zh, name_en, owner, entry_url, account_kinds, level, actions, unit_types, earned, state`

	addSystem = `INSERT INTO systems (` + systemColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

	putSystem = `
INSERT INTO systems (` + systemColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, owner = excluded.owner,
    entry_url = excluded.entry_url, account_kinds = excluded.account_kinds, level = excluded.level, actions = excluded.actions,
    unit_types = excluded.unit_types, earned = excluded.earned, state = excluded.state`

	selectSystems = `SELECT ` + systemColumns + ` FROM systems ORDER BY id`

	oldSystem = `SELECT ` + systemColumns + ` FROM systems WHERE id = ?`

	rememberSystem = `INSERT INTO system_changes (at, system, was, became, actor, proposer, reason) VALUES (?, ?, ?, ?, ?, ?, ?)`

	systemHistory = `SELECT at, was, became, actor, proposer, reason FROM system_changes WHERE system = ? ORDER BY id DESC LIMIT ?`

	liveGrants = `
SELECT system, COUNT(*) FROM entitlements WHERE state = 'active' AND valid_from <= ? AND (valid_until = 0 OR valid_until > ?) GROUP BY system`

	systemClientsPostgres = `
SELECT s.id, c.id FROM clients c, json_array_elements_text(CAST(c.metadata AS JSON) -> 'business_systems') AS s(id)
WHERE c.state = 'active' ORDER BY s.id, c.id`

	systemClientsSQLite = `
SELECT s.value, c.id FROM clients c, json_each(c.metadata, '$.business_systems') AS s WHERE c.state = 'active' ORDER BY s.value, c.id`
)

// The states of a system in its row.
const (
	systemOpen   = "open"
	systemClosed = "closed"
)

// PutSystem implements entitlement.Store.
func (d *DB) PutSystem(ctx context.Context, s entitlement.System, ev audit.Event) error {
	r := entitlement.Revision{Next: s, Reason: ev.Detail}
	if err := d.keepSystem(ctx, putSystem, r, func(*entitlement.System) error { return nil }, ev); err != nil {
		return fmt.Errorf("put system: %w", err)
	}
	return nil
}

// ReviseSystem implements entitlement.Store.
func (d *DB) ReviseSystem(ctx context.Context, r entitlement.Revision, look func(*entitlement.System) error, ev audit.Event) error {
	query := putSystem
	if r.Was == nil {
		query = addSystem
	}
	if err := d.keepSystem(ctx, query, r, look, ev); err != nil {
		return fmt.Errorf("revise system: %w", err)
	}
	return nil
}

func (d *DB) keepSystem(ctx context.Context, query string, r entitlement.Revision, look func(*entitlement.System) error, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		old, err := returned(ctx, d, d.pick(oldSystem+locked, oldSystem), []any{string(r.Next.ID)}, scanSystem)
		if err != nil {
			return err
		}
		was, present := "", (*entitlement.System)(nil)
		if len(old) > 0 {
			present = &old[0]
			if was, err = defined(old[0]); err != nil {
				return err
			}
		}
		if err := look(present); err != nil {
			return err
		}
		s, state := r.Next, systemOpen
		if s.Closed {
			state = systemClosed
		}
		n, err := d.exec(ctx, query, string(s.ID), s.NameZH, s.NameEN, s.Owner, s.EntryURL, encoded(s.AccountKinds), s.Level, encoded(s.Actions),
			encoded(s.UnitTypes), s.Earned, state)
		if err != nil {
			return err
		}
		if n == 0 {
			return &fault.Error{Kind: fault.Conflict, Field: "code", Msg: entitlement.MsgSystemThere}
		}
		became, err := defined(s)
		if err != nil {
			return err
		}
		if _, err := d.exec(ctx, rememberSystem, millis(d.Now()), string(s.ID), was, became, clip(ev.Actor), clip(r.Proposer), r.Reason); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
}

// defined is an entry as its history keeps it.
func defined(s entitlement.System) (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}

func scanSystem(rows *sqlx.Rows, s *entitlement.System) error {
	var state string
	err := rows.Scan(&s.ID, &s.NameZH, &s.NameEN, &s.Owner, &s.EntryURL, &document{&s.AccountKinds}, &s.Level, &document{&s.Actions},
		&document{&s.UnitTypes}, &s.Earned, &state)
	s.Closed = state == systemClosed
	if len(s.UnitTypes) == 0 {
		s.UnitTypes = nil
	}
	return err
}

// Systems gives the catalogue, ordered by id.
func (d *DB) Systems(ctx context.Context) ([]entitlement.System, error) {
	return list(ctx, d, selectSystems, nil, scanSystem)
}

// SystemHistory gives up to limit lines of what became of an entry of the
// catalogue, the newest first.
func (d *DB) SystemHistory(ctx context.Context, id entitlement.SystemID, limit int) ([]entitlement.SystemChange, error) {
	out, err := list(ctx, d, systemHistory, []any{clip(string(id)), limit}, func(rows *sqlx.Rows, c *entitlement.SystemChange) error {
		var was string
		if err := rows.Scan(&instant{&c.At}, &was, &document{&c.Now}, &c.Actor, &c.Proposer, &c.Reason); err != nil || was == "" {
			return err
		}
		c.Was = &entitlement.System{}
		return json.Unmarshal([]byte(was), c.Was)
	})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return out, nil
}

// SystemUse implements entitlement.UseStore.
func (d *DB) SystemUse(ctx context.Context, now time.Time) (map[entitlement.SystemID]entitlement.Use, error) {
	type line struct {
		id     entitlement.SystemID
		n      int64
		client string
	}
	grants, err := list(ctx, d, liveGrants, []any{millis(now), millis(now)}, func(rows *sqlx.Rows, l *line) error { return rows.Scan(&l.id, &l.n) })
	if err != nil {
		return nil, fmt.Errorf("count grants: %w", err)
	}
	clients, err := list(ctx, d, d.pick(systemClientsPostgres, systemClientsSQLite), nil, func(rows *sqlx.Rows, l *line) error {
		return rows.Scan(&l.id, &l.client)
	})
	if err != nil {
		return nil, fmt.Errorf("count clients: %w", err)
	}
	out := map[entitlement.SystemID]entitlement.Use{}
	for _, l := range grants {
		out[l.id] = entitlement.Use{Grants: l.n}
	}
	for _, l := range clients {
		u := out[l.id]
		u.Clients = append(u.Clients, l.client)
		out[l.id] = u
	}
	return out, nil
}
