package store

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

var _ entitlement.Entries = (*DB)(nil)

const confirmEntry = `
INSERT INTO entry_confirmations (account_id, unit_id, system, version, confirmed_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (account_id, unit_id, system) DO UPDATE SET version = excluded.version, confirmed_at = excluded.confirmed_at`

// ConfirmEntries implements entitlement.Entries.
func (d *DB) ConfirmEntries(ctx context.Context, who account.ID, entries []entitlement.Entry, now time.Time, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		for _, e := range entries {
			if _, err := d.exec(ctx, confirmEntry, string(who), e.UnitID, string(e.System), e.Version, millis(now)); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("confirm entries: %w", err)
	}
	return nil
}
