package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/torch"
)

var _ torch.Store = (*DB)(nil)

const torchBatchColumns = `id, digest, file, by_whom, state, staged, bad, passwords, created_at, committed_at, reverted_at,
    used, looked_at, looking_since, looked_row`

const addTorchBatch = `
INSERT INTO torch_batches (id, digest, file, by_whom, state, staged, bad, created_at, committed_at, reverted_at)
VALUES (?, ?, ?, ?, 'staging', 0, 0, ?, 0, 0) ON CONFLICT (id) DO NOTHING`

const torchBatch = `SELECT ` + torchBatchColumns + ` FROM torch_batches WHERE id = ?`

const torchBatches = `SELECT ` + torchBatchColumns + ` FROM torch_batches ORDER BY created_at DESC, id LIMIT ?`

const lastTorchRow = `SELECT COALESCE(MAX(row_no), 0) FROM torch_records WHERE batch_id = ?`

const closeTorchStaging = `
UPDATE torch_batches SET state = 'staged', staged = (SELECT COUNT(*) FROM torch_records r WHERE r.batch_id = torch_batches.id),
    bad = ? - (SELECT COUNT(*) FROM torch_records r WHERE r.batch_id = torch_batches.id)
WHERE id = ? AND state = 'staging' RETURNING ` + torchBatchColumns

const reopenTorchStaging = `
UPDATE torch_batches SET state = 'staging', staged = 0, bad = 0, plan = '' WHERE id = ? AND state IN ('staging', 'staged') RETURNING ` + torchBatchColumns

const analyzeTorch = `ANALYZE torch_records`

const dropTorchRecords = `DELETE FROM torch_records WHERE batch_id = ?`

const dropTorchBadRows = `DELETE FROM torch_bad_rows WHERE batch_id = ?`

const addTorchBadRow = `INSERT INTO torch_bad_rows (batch_id, row_no, field, reason) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`

// torchStagedColumns are those of a record that is not decided yet.
const torchStagedColumns = `id, batch_id, row_no, kind, key_digest, key_text, doc_digest, phone_digest, record, profile, legacy, unit_id,
    unit_name, unit_type, unit_region, unit_office, created_at, key_no, facts, outcome, name_no, account_id, made, unit_made, rival, decided_at`

const addTorchRecord = `
INSERT INTO torch_records (` + torchStagedColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', 0, '', FALSE, FALSE, '', 0)
ON CONFLICT (batch_id, kind, key_digest) DO NOTHING`

// The temporary table that COPY fills, and the statement that takes it over.
const torchIncoming = `
CREATE TEMPORARY TABLE torch_incoming (id TEXT, batch_id TEXT, row_no BIGINT, kind TEXT, key_digest TEXT, key_text TEXT, doc_digest TEXT,
    phone_digest TEXT, record TEXT, profile TEXT, legacy TEXT, unit_id TEXT, unit_name TEXT, unit_type TEXT, unit_region TEXT,
    unit_office TEXT, created_at BIGINT, key_no BIGINT) ON COMMIT DROP`

const copyTorchIncoming = `
COPY torch_incoming (id, batch_id, row_no, kind, key_digest, key_text, doc_digest, phone_digest, record, profile, legacy, unit_id, unit_name,
    unit_type, unit_region, unit_office, created_at, key_no) FROM STDIN`

const takeTorchIncoming = `
INSERT INTO torch_records (` + torchStagedColumns + `)
SELECT i.*, 0, '', 0, '', FALSE, FALSE, '', 0 FROM torch_incoming i ORDER BY row_no
ON CONFLICT (batch_id, kind, key_digest) DO NOTHING`

const torchTwice = `
SELECT i.row_no FROM torch_incoming i WHERE NOT EXISTS (SELECT 1 FROM torch_records r WHERE r.id = i.id) ORDER BY 1`

// patient is the database for work in bulk: without the bounds on statements that
// those have whom somebody waits for.
func (d *DB) patient() (*DB, func() error, error) {
	p := &DB{Seal: d.Seal, Now: d.Now, postgres: d.postgres, write: d.write, read: d.read, timeout: 24 * time.Hour, options: d.options, release: d.release}
	if !d.postgres {
		return p, func() error { return nil }, nil
	}
	pool, err := d.migrationPool()
	if err != nil {
		return nil, nil, err
	}
	p.write = sqlx.NewDb(pool, "postgres")
	p.read = p.write
	return p, pool.Close, nil
}

// OpenBatch implements torch.Store.
func (d *DB) OpenBatch(ctx context.Context, b torch.Batch) (torch.Batch, error) {
	if _, err := d.exec(ctx, addTorchBatch, b.ID, b.Digest, b.File, b.By, millis(b.CreatedAt)); err != nil {
		return torch.Batch{}, fmt.Errorf("open batch: %w", err)
	}
	is, err := d.Batch(ctx, b.ID)
	if err == nil && is.Digest != b.Digest {
		return torch.Batch{}, fault.New(fault.Conflict, "the batch is of another file")
	}
	return is, err
}

// Batch implements torch.Store.
func (d *DB) Batch(ctx context.Context, id string) (b torch.Batch, err error) {
	found, err := d.row(ctx, torchBatch, []any{id}, torchBatchDest(&b)...)
	if err != nil {
		return torch.Batch{}, fmt.Errorf("read batch: %w", err)
	}
	if !found {
		return torch.Batch{}, missing("batch")
	}
	return b, nil
}

func torchBatchDest(b *torch.Batch) []any {
	return []any{&b.ID, &b.Digest, &b.File, &b.By, &b.State, &b.Staged, &b.Bad, &b.Passwords, &instant{&b.CreatedAt}, &instant{&b.CommittedAt}, &instant{&b.RevertedAt},
		&b.Used, &instant{&b.LookedAt}, &instant{&b.LookingSince}, &b.LookedRow}
}

// Batches implements torch.Store.
func (d *DB) Batches(ctx context.Context, limit int) ([]torch.Batch, error) {
	return list(ctx, d, torchBatches, []any{limit}, func(r *sqlx.Rows, b *torch.Batch) error { return r.Scan(torchBatchDest(b)...) })
}

// LastStaged implements torch.Store.
func (d *DB) LastStaged(ctx context.Context, batch string) (n int, err error) {
	if _, err := d.row(ctx, lastTorchRow, []any{batch}, &n); err != nil {
		return 0, fmt.Errorf("last staged row: %w", err)
	}
	return n, nil
}

// CloseStaging implements torch.Store.
func (d *DB) CloseStaging(ctx context.Context, batch string, rows int64) (torch.Batch, error) {
	p, done, err := d.patient()
	if err != nil {
		return torch.Batch{}, err
	}
	defer func() { _ = done() }()
	var b torch.Batch
	found, err := p.returning(ctx, closeTorchStaging, []any{rows, batch}, torchBatchDest(&b)...)
	if err == nil && !found {
		err = fault.New(fault.Conflict, "the batch is not being staged")
	}
	if err == nil && p.postgres { // else what follows is planned for a table of nothing
		_, err = p.exec(ctx, analyzeTorch)
	}
	return b, err
}

// Unstage implements torch.Store.
func (d *DB) Unstage(ctx context.Context, batch string) (torch.Batch, error) {
	p, done, err := d.patient()
	if err != nil {
		return torch.Batch{}, err
	}
	defer func() { _ = done() }()
	var b torch.Batch
	err = p.InTx(ctx, func(ctx context.Context) error {
		found, err := p.returning(ctx, reopenTorchStaging, []any{batch}, torchBatchDest(&b)...)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.Conflict, "the batch is committed")
		}
		if _, err = p.exec(ctx, dropTorchBadRows, batch); err != nil {
			return err
		}
		_, err = p.exec(ctx, dropTorchRecords, batch)
		return err
	})
	return b, err
}

// Stage implements torch.Store.
func (d *DB) Stage(ctx context.Context, batch string, records []torch.Record, bad []torch.RowError, now time.Time) (twice []int, err error) {
	rows := make([][]any, len(records))
	for i, r := range records {
		if rows[i], err = d.torchRow(batch, r, now); err != nil {
			return nil, fmt.Errorf("row %d: %w", r.Row, err)
		}
	}
	p, done, err := d.patient()
	if err != nil {
		return nil, err
	}
	defer func() { _ = done() }()
	err = p.InTx(ctx, func(ctx context.Context) error {
		if err := p.sameDigests(ctx); err != nil {
			return err
		}
		if twice, err = p.stageTorch(ctx, rows); err != nil {
			return err
		}
		for _, n := range twice {
			bad = append(bad, torch.RowError{Row: n, Field: torch.ColumnKey, Msg: torch.MsgTwice})
		}
		for _, e := range bad {
			if _, err := p.exec(ctx, addTorchBadRow, batch, e.Row, e.Field, e.Msg); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	return twice, nil
}

// stageTorch puts rows in, and gives the numbers of those whose key is there.
func (d *DB) stageTorch(ctx context.Context, rows [][]any) (twice []int, err error) {
	if d.postgres {
		return d.copyTorch(ctx, rows)
	}
	for _, row := range rows {
		n, err := d.exec(ctx, addTorchRecord, row...)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			twice = append(twice, row[torchRowNo].(int))
		}
	}
	return twice, nil
}

// torchRowNo is where the number stands among the values of a row.
const torchRowNo = 2

func (d *DB) copyTorch(ctx context.Context, rows [][]any) ([]int, error) {
	if _, err := d.exec(ctx, torchIncoming); err != nil {
		return nil, err
	}
	in, err := d.unit(ctx).tx.PrepareContext(ctx, copyTorchIncoming)
	if err != nil {
		return nil, classify(err)
	}
	for _, row := range rows {
		if _, err := in.ExecContext(ctx, row...); err != nil {
			return nil, classify(err)
		}
	}
	if _, err := in.ExecContext(ctx); err != nil {
		return nil, classify(err)
	}
	if err := in.Close(); err != nil {
		return nil, classify(err)
	}
	if _, err := d.exec(ctx, takeTorchIncoming); err != nil {
		return nil, err
	}
	return returned(ctx, d, torchTwice, nil, func(r *sqlx.Rows, n *int) error { return r.Scan(n) })
}

// torchRow seals a record, and beforehand what its account would hold.
func (d *DB) torchRow(batch string, r torch.Record, now time.Time) ([]any, error) {
	id := account.NewID()
	if d.Seal == nil {
		return nil, errNoRing
	}
	made := torchDigests(d.Seal().Current(keys.Blind), r)
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	record, err := d.seal(keys.Personal, torchPlace(string(id)), plain)
	if err != nil {
		return nil, err
	}
	// What the file says of a person is no verified identity: the account begins
	// with its contacts alone. They are not proved here.
	a := account.Account{ID: id, Profile: account.Profile{Phone: r.Mobile, Email: r.Email}}
	unit := []any{"", "", "", "", ""}
	if r.Kind == torch.UnitRecord {
		uscc := account.USCC(r.Key)
		unit = []any{string(account.NewID()), r.UnitName, uscc.UnitType(), uscc.Region(), r.Key[:1]}
		if r.Contact != "" || r.Mobile != "" {
			a.Profile.Contact = &account.Person{Name: r.Contact, Phone: r.Mobile}
		}
	}
	profile, err := d.sealProfile(a)
	if err != nil {
		return nil, err
	}
	legacy := ""
	if r.Password.Scheme != "" {
		if legacy, err = d.seal(keys.Legacy, legacyPlace(id), []byte(r.Password.String())); err != nil {
			return nil, err
		}
	}
	created := r.Created
	if created.IsZero() {
		created = now
	}
	return append(append([]any{string(id), batch, r.Row, string(r.Kind), made.key, r.Key, made.doc, made.phone, record, profile, legacy}, unit...), millis(created), made.number), nil
}

// torchMarks are the digests of a record: of its key, and of what accounts are found
// by.
type torchMarks struct {
	number          int
	key, doc, phone string
}

func torchDigests(k keys.Secret, r torch.Record) torchMarks {
	out := torchMarks{number: k.Number, key: blindUnder(k, "torch."+string(r.Kind), r.Key).text}
	if r.IDNumber != "" {
		out.doc = blindUnder(k, "proved", account.DocResident+"|"+r.IDNumber).text
	}
	if r.Mobile != "" {
		out.phone = blindUnder(k, string(account.ByPhone), r.Mobile).text
	}
	return out
}

func torchPlace(id string) string { return "torch_records.record|" + id }
