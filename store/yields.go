package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// What somebody only wrote down yields to what somebody is verified with: an
// unverified legal account loses a unit's code and name to the one that showed to
// be that unit. Its unit bears the code as its name until it enters another one.

const unverifiedHolder = `
    AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = units.account_id AND a.realname_status <> 'verified')`

const yieldName = `
UPDATE units SET name = uscc, name_key = '' WHERE (name_key = ? AND name_key <> '' OR name = ? AND name_key = '') AND uscc <> ? AND account_id <> ''` +
	unverifiedHolder + ` RETURNING account_id`

const yieldUSCC = `
UPDATE units SET account_id = '' WHERE uscc = ? AND account_id NOT IN ('', ?)` + unverifiedHolder + ` RETURNING id`

const leaveYielded = `
UPDATE accounts SET unit_id = '', version = version + 1 WHERE unit_id = ? AND id <> ? AND realname_status <> 'verified' RETURNING id`

// What the former platform brought waits for other people and stays.
const yieldedMandates = `
SELECT ` + mandateColumns + ` FROM mandates
WHERE unit_id = ? AND state IN ('active', 'pending', 'suspended') AND source <> 'torch_migration' ORDER BY id`

// YieldUnitName implements recovery.Store and realname.Store.
func (d *DB) YieldUnitName(ctx context.Context, name string, but account.USCC, ev audit.Event) (lost []account.ID, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		lost, err = returned(ctx, d, yieldName, []any{account.UnitNameKey(name), name, string(but)}, scanID)
		if err != nil {
			return err
		}
		return d.yielded(ctx, lost, "name", ev)
	})
	if err != nil {
		return nil, fmt.Errorf("yield a unit's name: %w", err)
	}
	return lost, nil
}

// YieldUnit implements realname.Store.
func (d *DB) YieldUnit(ctx context.Context, uscc account.USCC, to account.ID, ev audit.Event) (lost []account.ID, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		lost = nil
		units, err := returned(ctx, d, yieldUSCC, []any{string(uscc), string(to)}, func(r *sqlx.Rows, id *string) error { return r.Scan(id) })
		if err != nil {
			return err
		}
		for _, unit := range units {
			if err := d.revokeMandates(ctx, yieldedMandates, unit, d.Now(), audit.Event{Actor: ev.Actor, Detail: "unit yielded"}); err != nil {
				return err
			}
			left, err := returned(ctx, d, leaveYielded, []any{unit, string(to)}, scanID)
			if err != nil {
				return err
			}
			lost = append(lost, left...)
		}
		return d.yielded(ctx, lost, "uscc", ev)
	})
	if err != nil {
		return nil, fmt.Errorf("yield a unit's code: %w", err)
	}
	return lost, nil
}

func (d *DB) yielded(ctx context.Context, lost []account.ID, what string, ev audit.Event) error {
	for _, id := range lost {
		ev := ev
		ev.Object, ev.Detail = string(id), what
		if err := d.Record(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}
