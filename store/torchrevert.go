package store

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
)

// touchedTorch tells whether somebody used or changed the account a that a batch
// made: it is another version, somebody signed in to it, or it has rights other than
// those it came with.
const touchedTorch = `(a.version > 1 OR EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id)
    OR EXISTS (SELECT 1 FROM last_sign_ins l WHERE l.account_id = a.id)
    OR EXISTS (SELECT 1 FROM mandates m WHERE m.account_id = a.id AND (m.source <> 'torch_migration' OR m.state <> 'pending'))
    OR EXISTS (SELECT 1 FROM entitlements e WHERE e.account_id = a.id AND (e.source <> 'torch_migration' OR e.state <> 'pending')))`

// usedTorch counts such accounts of a batch.
const usedTorch = `SELECT COUNT(*) FROM torch_records r JOIN accounts a ON a.id = r.id WHERE r.batch_id = ? AND r.made AND ` + touchedTorch

// holdTorch holds the accounts of a batch: who is signing in to one of them has done
// so, and is seen by what follows, or waits and then finds no account.
const holdTorch = `
SELECT COUNT(*) FROM (SELECT a.id FROM torch_records r JOIN accounts a ON a.id = r.id WHERE r.batch_id = ? AND r.made FOR UPDATE OF a) held`

// lookTorch looks at the next ? accounts of a batch after a row; it gives the last
// of the rows, 0 at the end, and whether one of the accounts was used or changed.
const lookTorch = `
SELECT COALESCE(MAX(r.row_no), 0), COALESCE(MAX(CASE WHEN a.id IS NOT NULL AND ` + touchedTorch + ` THEN 1 ELSE 0 END), 0)
FROM (SELECT id, row_no, made FROM torch_records WHERE batch_id = ? AND row_no > ? ORDER BY row_no LIMIT ?) r
LEFT JOIN accounts a ON a.id = r.id AND r.made`

const noteTorchLook = `
UPDATE torch_batches SET used = ?, looked_at = ?, looking_since = ?, looked_row = ?
WHERE id = ? AND state = 'committed' AND NOT used AND looking_since = ? AND looked_row = ?`

const untakeTorchBatch = `UPDATE torch_batches SET state = 'reverted', reverted_at = ? WHERE id = ? AND state = 'committed'`

const restoreTorchRivals = `
UPDATE accounts SET unit_id = r.unit_id FROM torch_records r
WHERE r.batch_id = ? AND r.rival <> '' AND r.rival = accounts.id AND accounts.unit_id = ''`

const unlinkTorchUnits = `
UPDATE units SET account_id = COALESCE((SELECT r.rival FROM torch_records r WHERE r.batch_id = ? AND r.id = units.account_id), '')
WHERE account_id IN (SELECT r.id FROM torch_records r WHERE r.batch_id = ? AND r.made)`

const dropTorchAccounts = `DELETE FROM accounts WHERE id IN (SELECT r.id FROM torch_records r WHERE r.batch_id = ? AND r.made)`

const dropTorchUnits = `
DELETE FROM units WHERE account_id = '' AND id IN (SELECT r.unit_id FROM torch_records r WHERE r.batch_id = ? AND r.unit_made)
    AND NOT EXISTS (SELECT 1 FROM mandates m WHERE m.unit_id = units.id)`

const undecideTorch = `UPDATE torch_records SET decided_at = 0 WHERE batch_id = ?`

// Revert implements torch.Store.
func (d *DB) Revert(ctx context.Context, batch string, now time.Time, ev audit.Event) error {
	p, done, err := d.patient()
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	err = p.InTx(ctx, func(ctx context.Context) error {
		n, err := p.exec(ctx, untakeTorchBatch, millis(now), batch)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the batch is not committed")
		}
		// A look before anybody is kept waiting, and one that nobody can belie.
		if err := p.unusedTorch(ctx, batch); err != nil {
			return err
		}
		if p.postgres {
			var held int64
			if _, err := p.returning(ctx, holdTorch, []any{batch}, &held); err != nil {
				return err
			}
			if err := p.unusedTorch(ctx, batch); err != nil {
				return err
			}
		}
		for _, step := range []struct {
			text string
			args []any
		}{
			{unlinkTorchUnits, []any{batch, batch}}, {restoreTorchRivals, []any{batch}}, {dropTorchAccounts, []any{batch}},
			{dropTorchUnits, []any{batch}}, {undecideTorch, []any{batch}},
		} {
			if _, err := p.exec(ctx, step.text, step.args...); err != nil {
				return err
			}
		}
		return p.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("revert batch: %w", err)
	}
	return nil
}

// unusedTorch refuses if somebody used or changed an account of the batch.
func (d *DB) unusedTorch(ctx context.Context, batch string) error {
	var used int64
	if _, err := d.returning(ctx, usedTorch, []any{batch}, &used); err != nil {
		return err
	}
	if used > 0 {
		return fault.New(fault.Conflict, "%d accounts of the batch were used or changed since", used)
	}
	return nil
}

var _ torch.Uses = (*DB)(nil)

// LookAtBatch implements torch.Uses.
func (d *DB) LookAtBatch(ctx context.Context, batch string, after, limit int) (last int, used bool, err error) {
	if _, err := d.row(ctx, lookTorch, []any{batch, after, limit}, &last, &used); err != nil {
		return 0, false, fmt.Errorf("look at a batch: %w", err)
	}
	return last, used, nil
}

// NoteLook implements torch.Uses.
func (d *DB) NoteLook(ctx context.Context, batch string, was, is torch.Look) (bool, error) {
	return d.won(ctx, "note a look", noteTorchLook, is.Used, millis(is.LookedAt), millis(is.LookingSince), is.LookedRow, batch, millis(was.LookingSince), was.LookedRow)
}
