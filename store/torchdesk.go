package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/keys"
	"kejitong/provider/torch"
)

var _ torch.Books = (*DB)(nil)

const keepTorchPlan = `UPDATE torch_batches SET plan = ?, passwords = ? WHERE id = ?`

const selectTorchPlan = `SELECT plan FROM torch_batches WHERE id = ?`

const selectBadRows = `SELECT row_no, field, reason FROM torch_bad_rows WHERE batch_id = ? ORDER BY row_no, field LIMIT ?`

const countBadRows = `SELECT field, reason, COUNT(*) FROM torch_bad_rows WHERE batch_id = ? GROUP BY field, reason ORDER BY 3 DESC, field, reason`

// A record beside the three accounts that may have to do with it.
const torchEntry = `
SELECT r.id, r.batch_id, r.row_no, r.kind, r.key_text, r.record, r.outcome,
    r.made AND r.name_no > CASE WHEN r.outcome IN ('E3', 'E5', 'I3') THEN 1 ELSE 0 END, r.decided_at,
    COALESCE(a.id, ''), COALESCE(a.login_name, ''), COALESCE(a.login_key, ''), COALESCE(a.kind, ''), COALESCE(a.state, ''), COALESCE(a.realname_status, ''), COALESCE(a.unit_id, ''),
    COALESCE(h.id, ''), COALESCE(h.login_name, ''), COALESCE(h.login_key, ''), COALESCE(h.kind, ''), COALESCE(h.state, ''), COALESCE(h.realname_status, ''), COALESCE(h.unit_id, ''),
    COALESCE(v.id, ''), COALESCE(v.login_name, ''), COALESCE(v.login_key, ''), COALESCE(v.kind, ''), COALESCE(v.state, ''), COALESCE(v.realname_status, ''), COALESCE(v.unit_id, ''),
    EXISTS (SELECT 1 FROM mandates m WHERE m.account_id = r.account_id AND m.source = 'torch_migration' AND m.state = 'pending'),
    COALESCE(a.password_changed_at, 0) > r.decided_at OR EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id AND s.created_at > r.decided_at)
FROM torch_records r LEFT JOIN accounts a ON a.id = r.account_id LEFT JOIN accounts h ON h.id = r.holder LEFT JOIN accounts v ON v.id = r.rival`

// The list of outcomes is that of the partial index.
const torchHeap = torchEntry + `
WHERE r.decided_at > 0 AND r.outcome IN ('E3', 'E4', 'E5', 'I3', 'I4', 'I5', 'I6') AND r.outcome = ? AND (r.batch_id, r.row_no) > (?, ?)
ORDER BY r.batch_id, r.row_no LIMIT ?`

const torchRivals = torchEntry + `
WHERE r.decided_at > 0 AND r.rival <> '' AND (r.batch_id, r.row_no) > (?, ?) ORDER BY r.batch_id, r.row_no LIMIT ?`

// By batch, because the index of keys that are not decided yet begins with it.
const torchOfKey = torchEntry + `
JOIN torch_batches b ON b.id = r.batch_id WHERE r.kind = ? AND r.key_digest IN (?, ?) ORDER BY b.created_at DESC, r.id LIMIT 50`

const torchByID = torchEntry + ` WHERE r.id = ?`

func planPlace(batch string) string { return "torch_batches.plan|" + batch }

// keepPlan keeps what was planned or done of a batch.
func (d *DB) keepPlan(ctx context.Context, batch string, p torch.Plan) error {
	plain, err := json.Marshal(p)
	if err != nil {
		return err
	}
	sealed, err := d.seal(keys.Personal, planPlace(batch), plain)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, keepTorchPlan, sealed, p.Legacy, batch); err != nil {
		return fmt.Errorf("keep the plan: %w", err)
	}
	return nil
}

// BatchPlan implements torch.Books.
func (d *DB) BatchPlan(ctx context.Context, id string) (p torch.Plan, ok bool, err error) {
	var sealed string
	if ok, err = d.row(ctx, selectTorchPlan, []any{id}, &sealed); err != nil || !ok || sealed == "" {
		return p, false, err
	}
	plain, err := d.unseal(keys.Personal, planPlace(id), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	return p, err == nil, err
}

// BadRows implements torch.Books.
func (d *DB) BadRows(ctx context.Context, batch string, limit int) ([]torch.RowError, error) {
	return list(ctx, d, selectBadRows, []any{batch, limit}, func(r *sqlx.Rows, e *torch.RowError) error { return r.Scan(&e.Row, &e.Field, &e.Msg) })
}

// BadCounts implements torch.Books.
func (d *DB) BadCounts(ctx context.Context, batch string) ([]torch.BadCount, error) {
	return list(ctx, d, countBadRows, []any{batch}, func(r *sqlx.Rows, c *torch.BadCount) error { return r.Scan(&c.Field, &c.Msg, &c.N) })
}

// Entries implements torch.Books.
func (d *DB) Entries(ctx context.Context, h torch.Heap, after torch.Place, limit int) ([]torch.Entry, error) {
	query, args := torchHeap, []any{string(h), after.Batch, after.Row, limit}
	if h == torch.Rivals {
		query, args = torchRivals, args[1:]
	}
	return d.entries(ctx, query, args)
}

// EntriesOf implements torch.Books.
func (d *DB) EntriesOf(ctx context.Context, kind torch.RecordKind, key string) ([]torch.Entry, error) {
	digest, other, err := d.either("torch."+string(kind), key)
	if err != nil {
		return nil, err
	}
	return d.entries(ctx, torchOfKey, []any{string(kind), digest.text, other.text})
}

// Entry implements torch.Books.
func (d *DB) Entry(ctx context.Context, id string) (torch.Entry, error) {
	all, err := d.entries(ctx, torchByID, []any{id})
	if err != nil {
		return torch.Entry{}, err
	}
	if len(all) == 0 {
		return torch.Entry{}, missing("record")
	}
	return all[0], nil
}

func (d *DB) entries(ctx context.Context, query string, args []any) ([]torch.Entry, error) {
	type row struct {
		torch.Entry
		kind        torch.RecordKind
		key, sealed string
	}
	rows, err := list(ctx, d, query, args, func(r *sqlx.Rows, e *row) error {
		dest := []any{&e.ID, &e.Place.Batch, &e.Place.Row, &e.kind, &e.key, &e.sealed, &e.Outcome, &e.Suffixed, &instant{&e.DecidedAt}}
		for _, p := range []*torch.Party{&e.Account, &e.Holder, &e.Rival} {
			dest = append(dest, &p.ID, &p.LoginName, &p.LoginKey, &p.Kind, &p.State, &p.RealName, &p.UnitID)
		}
		return r.Scan(append(dest, &e.Waits, &e.Seen)...)
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	out := make([]torch.Entry, len(rows))
	for i, r := range rows {
		if r.sealed != "" { // else its account was closed for good
			plain, err := d.unseal(keys.Personal, torchPlace(r.ID), r.sealed)
			if err == nil {
				err = json.Unmarshal(plain, &r.Record)
			}
			if err != nil {
				return nil, fmt.Errorf("record %s: %w", r.ID, err)
			}
		} else {
			r.Record = torch.Record{Row: r.Place.Row, Kind: r.kind, Key: r.key}
		}
		out[i] = r.Entry
	}
	return out, nil
}
