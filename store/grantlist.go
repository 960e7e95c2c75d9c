package store

import (
	"context"
	"fmt"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

const (
	// One of account and unit is always given; the index of that one is used.
	selectGrantsOf = `
SELECT ` + rightColumns + ` FROM entitlements
WHERE account_id = ? AND (CAST(? AS TEXT) = '' OR unit_id = ?) AND id > ? ORDER BY id LIMIT ?`

	selectGrantsFor = `SELECT ` + rightColumns + ` FROM entitlements WHERE unit_id = ? AND unit_id <> '' AND id > ? ORDER BY id LIMIT ?`
)

// Grant gives one grant in any state; fault.NotFound if there is none.
func (d *DB) Grant(ctx context.Context, id string) (entitlement.Grant, error) {
	all, err := list(ctx, d, oldEntitlement, []any{clip(id)}, d.rightRow)
	if err != nil {
		return entitlement.Grant{}, fmt.Errorf("read grant: %w", err)
	}
	if len(all) == 0 {
		return entitlement.Grant{}, missing("grant")
	}
	return all[0], nil
}

// GrantsAfter gives up to limit grants with ids above after, ordered by id, of the
// account, or for the unit, or both.
func (d *DB) GrantsAfter(ctx context.Context, who account.ID, unit, after string, limit int) ([]entitlement.Grant, error) {
	query, args := selectGrantsFor, []any{clip(unit), after, limit}
	if who != "" {
		query, args = selectGrantsOf, []any{string(who), clip(unit), clip(unit), after, limit}
	}
	all, err := list(ctx, d, query, args, d.rightRow)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	return all, nil
}
