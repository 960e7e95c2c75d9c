package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

const putMandate = `
INSERT INTO mandates (id, account_id, unit_id, relation, state, source, valid_from, valid_until, mac)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, unit_id = excluded.unit_id, relation = excluded.relation,
    state = excluded.state, source = excluded.source, valid_from = excluded.valid_from, valid_until = excluded.valid_until, mac = excluded.mac`

const putEntitlement = `
INSERT INTO entitlements (id, account_id, unit_id, system, actions, state, source, valid_from, valid_until, mac)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, unit_id = excluded.unit_id, system = excluded.system,
    actions = excluded.actions, state = excluded.state, source = excluded.source, valid_from = excluded.valid_from,
    valid_until = excluded.valid_until, mac = excluded.mac`

// What stands there now; PostgreSQL locks it, so that of two changes at once
// the second one sees the first.
const (
	mandateColumns = `id, account_id, unit_id, relation, state, source, valid_from, valid_until, mac`

	oldMandate = `SELECT ` + mandateColumns + ` FROM mandates WHERE id = ?`

	rightColumns = `id, account_id, unit_id, system, actions, state, source, valid_from, valid_until, mac`

	oldEntitlement = `SELECT ` + rightColumns + ` FROM entitlements WHERE id = ?`

	locked = ` FOR UPDATE`
)

// mandateDest and rightDest are where the columns go.
func mandateDest(m *entitlement.Mandate, mac *string) []any {
	return []any{&m.ID, &m.Account, &m.Unit.ID, &m.Relation, &m.State, &m.Source, &instant{&m.From}, &instant{&m.Until}, mac}
}

func rightDest(g *entitlement.Grant, mac *string) []any {
	return []any{&g.ID, &g.Account, &g.UnitID, &g.System, &document{&g.Actions}, &g.State, &g.Source, &instant{&g.From}, &instant{&g.Until}, mac}
}

// mandateRow and rightRow read a row, which gives nothing unless it is as we wrote
// it.
func (d *DB) mandateRow(rows *sqlx.Rows, m *entitlement.Mandate) error {
	var mac string
	if err := rows.Scan(mandateDest(m, &mac)...); err != nil {
		return err
	}
	return d.genuineMandate(m, mac)
}

func (d *DB) rightRow(rows *sqlx.Rows, g *entitlement.Grant) error {
	var mac string
	if err := rows.Scan(rightDest(g, &mac)...); err != nil {
		return err
	}
	return d.genuineGrant(g, mac)
}

// PutMandate inserts m or replaces the mandate with its id; of m.Unit only the
// ID counts. fault.Invalid if the account or the unit does not exist. What is
// taken from the one who held it takes his tokens with it, at every client that
// owns a business system.
func (d *DB) PutMandate(ctx context.Context, m entitlement.Mandate, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		old, _, err := d.lockMandate(ctx, m.ID)
		if err != nil {
			return err
		}
		if err := d.keepMandate(ctx, old, m, ev); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put mandate: %w", err)
	}
	return nil
}

// lockMandate reads a mandate as it stands, for the rest of ctx's transaction; the
// empty one if there is none.
func (d *DB) lockMandate(ctx context.Context, id string) (entitlement.Mandate, bool, error) {
	all, err := returned(ctx, d, d.pick(oldMandate+locked, oldMandate), []any{clip(id)}, d.mandateRow)
	if err != nil || len(all) == 0 {
		return entitlement.Mandate{}, false, err
	}
	return all[0], true, nil
}

// keepMandate writes m, which is old up to now, with its MAC and its history, and
// ends the tokens of who loses by it.
func (d *DB) keepMandate(ctx context.Context, old, m entitlement.Mandate, ev audit.Event) error {
	mac, err := d.mac(mandateKind, m.Bound())
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, putMandate, m.ID, string(m.Account), m.Unit.ID, string(m.Relation), string(m.State), string(m.Source),
		millis(m.From), millis(m.Until), mac); err != nil {
		return err
	}
	now := d.Now()
	if old.ID != "" && (old.Takes(m, now) || old.State == entitlement.Altered) {
		if err := d.endForUnit(ctx, old.Account, old.Unit.ID, "", now); err != nil {
			return err
		}
		if m.State != entitlement.Active || !m.Until.IsZero() && !now.Before(m.Until) || old.Account != m.Account {
			if err := d.endWithMandate(ctx, old, now, ev); err != nil {
				return err
			}
		}
	}
	return d.remember(ctx, entitlement.Change{
		Kind: mandateKind, ID: m.ID, Account: m.Account, UnitID: m.Unit.ID, What: string(m.Relation), From: old.State, To: m.State, Source: m.Source,
		Until: m.Until, Actor: ev.Actor, Reason: ev.Detail,
	})
}

// PutGrant inserts g or replaces the entitlement with its id. fault.Invalid if
// the account or the system does not exist. What is taken from the one who held
// it takes his tokens with it, at the clients that own the system.
func (d *DB) PutGrant(ctx context.Context, g entitlement.Grant, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		old, _, err := d.lockGrant(ctx, g.ID)
		if err != nil {
			return err
		}
		if err := d.keepGrant(ctx, old, g, ev); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put entitlement: %w", err)
	}
	return nil
}

// lockGrant is lockMandate for a grant.
func (d *DB) lockGrant(ctx context.Context, id string) (entitlement.Grant, bool, error) {
	all, err := returned(ctx, d, d.pick(oldEntitlement+locked, oldEntitlement), []any{clip(id)}, d.rightRow)
	if err != nil || len(all) == 0 {
		return entitlement.Grant{}, false, err
	}
	return all[0], true, nil
}

// keepGrant is keepMandate for a grant. What a unit gave of its own follows.
func (d *DB) keepGrant(ctx context.Context, old, g entitlement.Grant, ev audit.Event) error {
	if err := d.writeGrant(ctx, old, g, ev); err != nil {
		return err
	}
	if old.ID == "" || old.UnitID == "" || old.Source == entitlement.Delegated { // new, a person's own, or itself given by a unit
		return nil
	}
	return d.pullBack(ctx, old, ev)
}

// writeGrant writes the row alone, and ends the tokens of who loses by it.
func (d *DB) writeGrant(ctx context.Context, old, g entitlement.Grant, ev audit.Event) error {
	mac, err := d.mac(grantKind, g.Bound())
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, putEntitlement, g.ID, string(g.Account), g.UnitID, string(g.System), encoded(g.Actions), string(g.State),
		string(g.Source), millis(g.From), millis(g.Until), mac); err != nil {
		return err
	}
	now := d.Now()
	if old.ID != "" && (old.Takes(g, now) || old.State == entitlement.Altered) {
		if err := d.endForUnit(ctx, old.Account, old.UnitID, old.System, now); err != nil {
			return err
		}
	}
	return d.remember(ctx, entitlement.Change{
		Kind: grantKind, ID: g.ID, Account: g.Account, UnitID: g.UnitID, What: string(g.System), Actions: g.Actions, From: old.State, To: g.State,
		Source: g.Source, Until: g.Until, Actor: ev.Actor, Reason: ev.Detail,
	})
}
