package store

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/holder"
)

const (
	setUnitStatus = `UPDATE units SET status = ? WHERE id = ?`

	noteUnitEnd = `
INSERT INTO unit_ends (unit_id, how, successor, ended_at) VALUES (?, ?, ?, ?)
ON CONFLICT (unit_id) DO UPDATE SET how = excluded.how, successor = excluded.successor, ended_at = excluded.ended_at`

	dropUnitEnd = `DELETE FROM unit_ends WHERE unit_id = ?`

	accountOfUnit = `SELECT account_id FROM units WHERE id = ?`

	freezeActive = `UPDATE accounts SET state = 'frozen', updated_at = ?, version = version + 1 WHERE id = ? AND state = 'active'`
)

const actingFor = `SELECT COUNT(DISTINCT account_id) FROM mandates WHERE unit_id = ? AND state = 'active'`

// ActingFor implements holder.Store.
func (d *DB) ActingFor(ctx context.Context, unitID string) (n int, err error) {
	if _, err := d.row(ctx, actingFor, []any{unitID}, &n); err != nil {
		return 0, fmt.Errorf("count those who act for a unit: %w", err)
	}
	return n, nil
}

const leadersOf = `
SELECT DISTINCT account_id FROM mandates WHERE unit_id = ? AND relation = 'legal_rep' AND state IN ('pending', 'active', 'suspended') ORDER BY 1`

// Leaders gives the accounts that act, or will again, for a unit as its legal
// representative.
func (d *DB) Leaders(ctx context.Context, unitID string) ([]account.ID, error) {
	return list(ctx, d, leadersOf, []any{unitID}, scanID)
}

// EndUnit implements holder.Store.
func (d *DB) EndUnit(ctx context.Context, e holder.UnitEnd, now time.Time, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		ended, err := d.won(ctx, "status", setUnitStatus, account.UnitDeregistered, e.Unit)
		if err != nil {
			return err
		}
		if !ended {
			return missing("unit")
		}
		if _, err := d.exec(ctx, noteUnitEnd, e.Unit, e.How, e.Successor, millis(now)); err != nil {
			return err
		}
		if err := d.endForEverybody(ctx, e.Unit, now); err != nil {
			return err
		}
		var own string
		if _, err := d.row(ctx, accountOfUnit, []any{e.Unit}, &own); err != nil {
			return err
		}
		if own != "" {
			if _, err := d.exec(ctx, freezeActive, millis(now), own); err != nil {
				return err
			}
			if err := d.endAll(ctx, account.ID(own), now, ev); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("end unit: %w", err)
	}
	return nil
}

// ReviveUnit implements holder.Store.
func (d *DB) ReviveUnit(ctx context.Context, unitID string, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		stands, err := d.won(ctx, "status", setUnitStatus, account.UnitRegistered, unitID)
		if err != nil {
			return err
		}
		if !stands {
			return missing("unit")
		}
		if _, err := d.exec(ctx, dropUnitEnd, unitID); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("revive unit: %w", err)
	}
	return nil
}
