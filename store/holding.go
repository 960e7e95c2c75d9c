package store

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/session"
)

// moveAccount and moveUnit change a state from one that they name: what was closed
// is never frozen, and so never comes back.
const moveAccount = `UPDATE accounts SET state = ?, updated_at = ?, version = version + 1 WHERE id = ? AND state = ?`

const moveAccountDone = `WITH done AS (` + moveAccount + ` RETURNING id)` + auditDone

const moveUnit = `UPDATE units SET state = ? WHERE id = ? AND state = ?`

const moveUnitDone = `WITH done AS (` + moveUnit + ` RETURNING id)` + auditDone

// HoldAccount freezes an active account and ends its sessions, with the grants
// that live and die with them; fault.Conflict if it is not active.
func (d *DB) HoldAccount(ctx context.Context, id account.ID, now time.Time, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		if err := d.moveAccount(ctx, id, account.Active, account.Frozen, ev); err != nil {
			return err
		}
		ended := ev
		ended.Kind = audit.SessionEnded
		_, err := d.EndSessions(ctx, session.Which{Account: id}, now, ended)
		return err
	})
	if err != nil {
		return fmt.Errorf("freeze account: %w", err)
	}
	return nil
}

// ReleaseAccount lets a frozen account in again; fault.Conflict if it is not
// frozen.
func (d *DB) ReleaseAccount(ctx context.Context, id account.ID, ev audit.Event) error {
	if err := d.moveAccount(ctx, id, account.Frozen, account.Active, ev); err != nil {
		return fmt.Errorf("unfreeze account: %w", err)
	}
	return nil
}

func (d *DB) moveAccount(ctx context.Context, id account.ID, from, to account.State, ev audit.Event) error {
	ok, err := d.deed(ctx, moveAccountDone, moveAccount, ev, string(to), millis(d.Now()), string(id), string(from))
	if err == nil && !ok {
		err = fault.New(fault.Conflict, "the account is not %s", from)
	}
	return err
}

// SetUnitState moves a unit from one state to another; fault.Conflict if it is not
// in the first. Who acts for a unit that may not be acted for gets nothing more, as
// every read of a grant asks; what was issued for it ends for good, and the systems
// end their own sessions.
func (d *DB) SetUnitState(ctx context.Context, id string, from, to account.State, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		ok, err := d.deed(ctx, moveUnitDone, moveUnit, ev, string(to), id, string(from))
		if err == nil && !ok {
			err = fault.New(fault.Conflict, "the unit is not %s", from)
		}
		if err != nil || to == account.Active {
			return err
		}
		return d.endForAll(ctx, id, d.Now())
	})
	if err != nil {
		return fmt.Errorf("set unit state: %w", err)
	}
	return nil
}
