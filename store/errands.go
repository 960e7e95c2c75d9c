package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/holder"
	"kejitong/provider/keys"
)

var _ holder.Store = (*DB)(nil)

const (
	heldAccount = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.id = ?`

	dropErrandOf = `DELETE FROM errands WHERE account_id = ? AND kind = ?`

	putErrand = `
INSERT INTO errands (id, account_id, kind, state, target, old_gone, proved, old_proved, rename, asked_at, expires_at, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	errandColumns = `id, account_id, kind, state, target, old_gone, proved, old_proved, rename, asked_at, expires_at, due_at`

	selectErrand = `SELECT ` + errandColumns + ` FROM errands WHERE account_id = ? AND kind = ?`

	dueErrands = `SELECT ` + errandColumns + ` FROM errands WHERE state = 'held' AND due_at <= ? ORDER BY due_at, id LIMIT ?`

	proveErrand = `UPDATE errands SET proved = TRUE WHERE id = ? AND state = 'asked'`

	proveErrandOld = `UPDATE errands SET old_proved = TRUE WHERE id = ? AND state = 'asked'`

	holdErrand = `UPDATE errands SET state = 'held', rename = ?, due_at = ?, expires_at = ? WHERE id = ? AND state = 'asked' AND proved`

	dropErrand = `DELETE FROM errands WHERE id = ?`

	endEveryGrant = `UPDATE grants SET state = 2 WHERE account_id = ? AND account_id <> '' AND state <> 2 RETURNING client_id, session_id`
)

// errandKept is how long a held errand may wait past its time before the sweep
// takes it for forgotten.
const errandKept = 30 * 24 * time.Hour

func errandPlace(id string) string { return "errands.target|" + id }

// HeldAccount implements holder.Store.
func (d *DB) HeldAccount(ctx context.Context, id account.ID) (account.Account, error) {
	var a account.Account
	var profile string
	query := heldAccount
	if d.postgres && d.unit(ctx) != nil {
		query = heldAccount + locked
	}
	found, err := d.row(ctx, query, []any{string(id)}, accountDest(&a, &profile)...)
	if err == nil && found {
		err = d.openProfile(&a, profile)
	}
	if err != nil {
		return account.Account{}, fmt.Errorf("read account: %w", err)
	}
	if !found {
		return account.Account{}, missing("account")
	}
	return a, nil
}

// EndGrants implements holder.Store.
func (d *DB) EndGrants(ctx context.Context, id account.ID, now time.Time) error {
	_, err := d.endTokens(ctx, id, endEveryGrant, []any{string(id)}, now)
	if err != nil {
		return fmt.Errorf("end grants: %w", err)
	}
	return nil
}

// PutErrand implements holder.Store.
func (d *DB) PutErrand(ctx context.Context, f holder.Errand) error {
	sealed, err := d.seal(keys.Personal, errandPlace(f.ID), []byte(f.To))
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, dropErrandOf, string(f.Account), string(f.Kind)); err != nil {
			return err
		}
		_, err := d.exec(ctx, putErrand, f.ID, string(f.Account), string(f.Kind), string(f.State), sealed, f.OldGone, f.Proved, f.OldProved, f.Rename,
			millis(f.AskedAt), millis(f.ExpiresAt), millis(f.DueAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("put errand: %w", err)
	}
	return nil
}

func errandDest(f *holder.Errand) []any {
	return []any{&f.ID, &f.Account, &f.Kind, &f.State, &f.To, &f.OldGone, &f.Proved, &f.OldProved, &f.Rename,
		&instant{&f.AskedAt}, &instant{&f.ExpiresAt}, &instant{&f.DueAt}}
}

func (d *DB) openErrand(f *holder.Errand) error {
	plain, err := d.unseal(keys.Personal, errandPlace(f.ID), f.To)
	f.To = string(plain)
	return err
}

// Errand implements holder.Store.
func (d *DB) Errand(ctx context.Context, id account.ID, kind holder.Kind) (holder.Errand, error) {
	var f holder.Errand
	found, err := d.row(ctx, selectErrand, []any{string(id), string(kind)}, errandDest(&f)...)
	if err == nil && found {
		err = d.openErrand(&f)
	}
	if err != nil {
		return holder.Errand{}, fmt.Errorf("read errand: %w", err)
	}
	if !found {
		return holder.Errand{}, missing("errand")
	}
	return f, nil
}

// DueErrands implements holder.Store.
func (d *DB) DueErrands(ctx context.Context, now time.Time, limit int) ([]holder.Errand, error) {
	out, err := list(ctx, d, dueErrands, []any{millis(now), limit}, func(rows *sqlx.Rows, f *holder.Errand) error { return rows.Scan(errandDest(f)...) })
	for i := range out {
		if err == nil {
			err = d.openErrand(&out[i])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("due errands: %w", err)
	}
	return out, nil
}

// ProveErrand implements holder.Store.
func (d *DB) ProveErrand(ctx context.Context, f holder.Errand, old bool) (bool, error) {
	query := proveErrand
	if old {
		query = proveErrandOld
	}
	return d.won(ctx, "prove errand", query, f.ID)
}

// HoldErrand implements holder.Store.
func (d *DB) HoldErrand(ctx context.Context, f holder.Errand) (bool, error) {
	return d.won(ctx, "hold errand", holdErrand, f.Rename, millis(f.DueAt), millis(f.DueAt.Add(errandKept)), f.ID)
}

// DropErrand implements holder.Store.
func (d *DB) DropErrand(ctx context.Context, f holder.Errand) (bool, error) {
	return d.won(ctx, "drop errand", dropErrand, f.ID)
}

// won runs a compare-and-swap and tells whether it took place.
func (d *DB) won(ctx context.Context, what, query string, args ...any) (bool, error) {
	n, err := d.exec(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	return n > 0, nil
}
