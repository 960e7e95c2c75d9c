package store

import (
	"context"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

const (
	grantsOfSystemFor = `
SELECT ` + rightColumns + ` FROM entitlements WHERE unit_id = ? AND unit_id <> '' AND system = ? ORDER BY id`

	actForUnit = `
SELECT account_id FROM mandates WHERE unit_id = ? UNION SELECT account_id FROM units WHERE id = ? AND account_id <> '' ORDER BY 1`
)

// pullBack changes what a unit gave others by its own grant, now that this one is
// another (entitlement.PulledBack). It runs within the transaction that changed it,
// and holds the unit, so that whoever gives at the same time comes before or after.
func (d *DB) pullBack(ctx context.Context, own entitlement.Grant, why audit.Event) error {
	unit, err := d.HeldUnit(ctx, own.UnitID)
	if err != nil || unit.AccountID != own.Account {
		return err
	}
	all, err := returned(ctx, d, d.pick(grantsOfSystemFor+locked, grantsOfSystemFor), []any{own.UnitID, string(own.System)}, d.rightRow)
	if err != nil {
		return err
	}
	mine := func(g entitlement.Grant) bool { return g.Account == own.Account }
	given, held := slices.DeleteFunc(slices.Clone(all), mine), slices.DeleteFunc(all, func(g entitlement.Grant) bool { return !mine(g) })
	next, err := entitlement.PulledBack(given, held, func(g entitlement.Grant) (bool, error) {
		lines, err := d.RightHistory(ctx, g.ID, "", 1)
		return len(lines) == 1 && lines[0].Reason == entitlement.Follows, err
	}, d.Now())
	if err != nil {
		return err
	}
	for _, g := range next {
		old := given[slices.IndexFunc(given, func(o entitlement.Grant) bool { return o.ID == g.ID })]
		ev := why
		ev.Kind, ev.Object, ev.Detail = audit.EntitlementSet, g.ID, entitlement.Follows
		if g.State.Over() {
			ev.Kind = audit.EntitlementEnded
		}
		if err := d.writeGrant(ctx, old, g, ev); err != nil {
			return err
		}
		if err := d.Record(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}

// endForAll ends the tokens of all who act for a unit, its own account among them,
// and leaves their rights as they are. It runs within ctx's transaction.
func (d *DB) endForAll(ctx context.Context, unitID string, now time.Time) error {
	who, err := list(ctx, d, actForUnit, []any{unitID, unitID}, scanID)
	if err != nil {
		return err
	}
	for _, id := range who {
		if err := d.endForUnit(ctx, account.ID(id), unitID, "", now); err != nil {
			return err
		}
	}
	return nil
}
