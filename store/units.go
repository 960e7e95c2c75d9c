package store

import (
	"context"
	"fmt"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

const unitByUSCC = `
SELECT id, uscc, name, type, region, registration_authority, status, state, account_id, verified_at, realname_status,
    realname_level, realname_method, realname_verified_at, process_id, check_id, check_organization
FROM units WHERE uscc = ?`

const putUnit = `
INSERT INTO units (id, uscc, name, type, region, registration_authority, status, state, account_id, verified_at,
    realname_status, realname_level, realname_method, realname_verified_at, process_id, check_id, check_organization, name_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET uscc = excluded.uscc, name = excluded.name, type = excluded.type, region = excluded.region,
    registration_authority = excluded.registration_authority, status = excluded.status, state = excluded.state,
    account_id = excluded.account_id, verified_at = excluded.verified_at, realname_status = excluded.realname_status,
    realname_level = excluded.realname_level, realname_method = excluded.realname_method,
    realname_verified_at = excluded.realname_verified_at, process_id = excluded.process_id, check_id = excluded.check_id,
    check_organization = excluded.check_organization, name_key = excluded.name_key`

const putUnitDone = `WITH done AS (` + putUnit + ` RETURNING id)` + auditDone

// PutUnit inserts u or replaces the unit with its id; fault.Conflict with field
// uscc, account_id or unit_name if another unit has that one; names are held
// against those of other units with a legal account, in any spelling.
func (d *DB) PutUnit(ctx context.Context, u account.Unit, ev audit.Event) error {
	r := u.RealName
	_, err := d.deed(ctx, putUnitDone, putUnit, ev, u.ID, string(u.USCC), u.Name, u.Type, u.Region, u.RegistrationAuthority, u.Status,
		string(u.State), string(u.AccountID), millis(u.VerifiedAt), r.Status, r.Level, r.Method, millis(r.VerifiedAt), r.ProcessID,
		r.CheckID, r.CheckOrganization, account.UnitNameKey(u.Name))
	if err != nil {
		return fmt.Errorf("put unit: %w", err)
	}
	return nil
}

// UnitByUSCC gives the unit with the canonical USCC; fault.NotFound if there is
// none.
func (d *DB) UnitByUSCC(ctx context.Context, uscc account.USCC) (account.Unit, error) {
	var u account.Unit
	found, err := d.row(ctx, unitByUSCC, []any{string(uscc)}, unitDest(&u)...)
	if err != nil {
		return account.Unit{}, fmt.Errorf("read unit by USCC: %w", err)
	}
	if !found {
		return account.Unit{}, missing("unit")
	}
	return u, nil
}

func unitDest(u *account.Unit) []any {
	r := &u.RealName
	return []any{&u.ID, &u.USCC, &u.Name, &u.Type, &u.Region, &u.RegistrationAuthority, &u.Status, &u.State, &u.AccountID,
		&instant{&u.VerifiedAt}, &r.Status, &r.Level, &r.Method, &instant{&r.VerifiedAt}, &r.ProcessID, &r.CheckID, &r.CheckOrganization}
}
