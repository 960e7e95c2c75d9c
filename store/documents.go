package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	evidence "kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

var _ evidence.Store = (*DB)(nil)

// touchCase takes the case's row, which a closing waits for and the other way
// round; it affects no row if the case is closed.
const touchCase = `
INSERT INTO document_cases (id, touched_at, closed_at, erase_at) VALUES (?, ?, 0, 0)
ON CONFLICT (id) DO UPDATE SET touched_at = excluded.touched_at WHERE document_cases.closed_at = 0`

// countDocument affects no row if there is no room.
const countDocument = `
INSERT INTO document_quotas (owner, n, bytes) SELECT CAST(? AS TEXT), 1, CAST(? AS BIGINT) WHERE CAST(? AS BIGINT) <= CAST(? AS BIGINT)
ON CONFLICT (owner) DO UPDATE SET n = document_quotas.n + 1, bytes = document_quotas.bytes + excluded.bytes
WHERE document_quotas.n < CAST(? AS BIGINT) AND document_quotas.bytes + excluded.bytes <= CAST(? AS BIGINT)`

const addDocument = `
INSERT INTO documents (id, owner, case_id, kind, state, pages, size, scan, dek, blob, created_at, erased_at)
VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, 0)`

const confirmDocument = `UPDATE documents SET state = 1 WHERE id = ? AND state = 0 RETURNING case_id`

const documentColumns = `d.id, d.owner, d.case_id, d.kind, d.pages, d.size, d.scan, d.created_at`

const documentsOfCase = `
SELECT ` + documentColumns + ` FROM documents d WHERE d.case_id = ? AND d.state = 1 ORDER BY d.created_at, d.id`

// documentByID wants a parent that fits: an empty one fits all.
const documentByID = `
SELECT ` + documentColumns + `, d.dek, d.blob FROM documents d JOIN document_cases c ON c.id = d.case_id
WHERE d.id = ? AND d.state = 1 AND c.closed_at = 0 AND (CAST(? AS TEXT) = '' OR d.case_id = ?) AND (CAST(? AS TEXT) = '' OR d.owner = ?)`

// waitingDocuments leaves out cases that are closed: what was decided is opened no
// more.
const waitingDocuments = `
SELECT ` + documentColumns + `, d.dek, d.blob FROM documents d JOIN document_cases c ON c.id = d.case_id
WHERE d.scan = 'waiting' AND d.state = 1 AND c.closed_at = 0 ORDER BY d.created_at, d.id LIMIT ?`

const countWaiting = `
SELECT COUNT(*), COALESCE(MIN(d.created_at), 0) FROM documents d JOIN document_cases c ON c.id = d.case_id
WHERE d.scan = 'waiting' AND d.state = 1 AND c.closed_at = 0`

const quarantineDocument = `UPDATE documents SET scan = 'quarantined' WHERE id = ? AND state = 1 AND scan = 'waiting'`

// destroyDocument overwrites the key.
const destroyDocument = `
UPDATE documents SET state = 2, dek = '', erased_at = ? WHERE id = ? AND state < 2 RETURNING owner, size`

const uncountDocument = `UPDATE document_quotas SET n = n - 1, bytes = bytes - ? WHERE owner = ?`

const dropEmptyQuota = `DELETE FROM document_quotas WHERE owner = ? AND n <= 0`

// closeCase affects no row if the case was closed before.
const closeCase = `
INSERT INTO document_cases (id, touched_at, closed_at, erase_at) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at, erase_at = excluded.erase_at WHERE document_cases.closed_at = 0`

const caseClosedAt = `SELECT closed_at FROM document_cases WHERE id = ?`

const expiredDocuments = `
SELECT d.id FROM documents d JOIN document_cases c ON c.id = d.case_id
WHERE d.state < 2 AND (c.closed_at > 0 AND c.erase_at <= ? OR d.state = 0 AND d.created_at < ? OR c.closed_at = 0 AND c.touched_at < ?)
ORDER BY d.created_at LIMIT ?`

const ownedDocuments = `SELECT id FROM documents WHERE owner = ? AND state < 2 ORDER BY id`

const undeletedBlobs = `SELECT id, blob FROM documents WHERE state = 2 AND blob <> '' ORDER BY created_at LIMIT ?`

const blobDeleted = `UPDATE documents SET blob = '' WHERE id = ? AND state = 2`

func dekPlace(id string) string { return "documents.dek|" + id }

// ReserveDocument implements document.Store.
func (d *DB) ReserveDocument(ctx context.Context, r evidence.Record, l evidence.Limits) error {
	dek, err := d.seal(keys.Documents, dekPlace(r.ID), r.Key)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if err := d.touchCase(ctx, r.Case); err != nil {
			return err
		}
		n, err := d.exec(ctx, countDocument, r.Owner, r.Size, r.Size, l.Bytes, l.Documents, l.Bytes)
		if err != nil {
			return err
		}
		if n == 0 {
			return &fault.Error{Kind: fault.Throttled, Field: "file", Msg: evidence.MsgQuota}
		}
		_, err = d.exec(ctx, addDocument, r.ID, r.Owner, r.Case, string(r.Kind), r.Pages, r.Size, string(r.Scan), dek, r.Blob, millis(r.CreatedAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("reserve document: %w", err)
	}
	return nil
}

func (d *DB) touchCase(ctx context.Context, caseID string) error {
	n, err := d.exec(ctx, touchCase, caseID, millis(d.Now()))
	if err == nil && n == 0 {
		return &fault.Error{Kind: fault.Conflict, Field: "file", Msg: evidence.MsgDecided}
	}
	return err
}

// ConfirmDocument implements document.Store. The case's row comes after the
// document's here and before it in ReserveDocument; that one inserts a document
// which nobody else can know of, so they never wait for each other.
func (d *DB) ConfirmDocument(ctx context.Context, id string) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		var caseID string
		found, err := d.returning(ctx, confirmDocument, []any{id}, &caseID)
		if err != nil {
			return err
		}
		if !found {
			return missing("document")
		}
		return d.touchCase(ctx, caseID)
	})
	if err != nil {
		return fmt.Errorf("confirm document: %w", err)
	}
	return nil
}

// Documents implements document.Store.
func (d *DB) Documents(ctx context.Context, caseID string) ([]evidence.Document, error) {
	out, err := list(ctx, d, documentsOfCase, []any{caseID}, func(r *sqlx.Rows, x *evidence.Document) error { return r.Scan(documentDest(x)...) })
	if err != nil {
		return nil, fmt.Errorf("documents of a case: %w", err)
	}
	return out, nil
}

// Document implements document.Store.
func (d *DB) Document(ctx context.Context, id, caseID, owner string) (evidence.Record, error) {
	if caseID == "" && owner == "" {
		return evidence.Record{}, missing("document")
	}
	var r evidence.Record
	var dek string
	found, err := d.row(ctx, documentByID, []any{id, caseID, caseID, owner, owner}, append(documentDest(&r.Document), &dek, &r.Blob)...)
	if err == nil && !found {
		return evidence.Record{}, missing("document")
	}
	if err == nil {
		r.Key, err = d.unseal(keys.Documents, dekPlace(r.ID), dek)
	}
	if err != nil {
		return evidence.Record{}, fmt.Errorf("read document: %w", err)
	}
	return r, nil
}

// WaitingDocuments implements document.Store.
func (d *DB) WaitingDocuments(ctx context.Context, limit int) ([]evidence.Record, error) {
	type row struct {
		evidence.Record
		dek string
	}
	rows, err := list(ctx, d, waitingDocuments, []any{limit}, func(r *sqlx.Rows, x *row) error {
		return r.Scan(append(documentDest(&x.Document), &x.dek, &x.Blob)...)
	})
	if err != nil {
		return nil, fmt.Errorf("documents that wait: %w", err)
	}
	out := make([]evidence.Record, 0, len(rows))
	for _, x := range rows {
		if x.Key, err = d.unseal(keys.Documents, dekPlace(x.ID), x.dek); err != nil {
			return nil, fmt.Errorf("documents that wait: %w", err)
		}
		out = append(out, x.Record)
	}
	return out, nil
}

// WaitingScans tells how many documents wait for the scanner, and for how long the
// oldest has.
func (d *DB) WaitingScans(ctx context.Context, now time.Time) (n int, longest time.Duration, err error) {
	var oldest int64
	if _, err := d.row(ctx, countWaiting, nil, &n, &oldest); err != nil {
		return 0, 0, fmt.Errorf("documents that wait: %w", err)
	}
	if n > 0 {
		longest = now.Sub(time.UnixMilli(oldest))
	}
	return n, longest, nil
}

// QuarantineDocument implements document.Store.
func (d *DB) QuarantineDocument(ctx context.Context, id string) (bool, error) {
	n, err := d.exec(ctx, quarantineDocument, id)
	if err != nil {
		return false, fmt.Errorf("quarantine document: %w", err)
	}
	return n == 1, nil
}

// DestroyDocument implements document.Store.
func (d *DB) DestroyDocument(ctx context.Context, id string, now time.Time) (done bool, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		var owner string
		var size int64
		var err error
		if done, err = d.returning(ctx, destroyDocument, []any{millis(now), id}, &owner, &size); err != nil || !done {
			return err
		}
		if _, err := d.exec(ctx, uncountDocument, size, owner); err != nil {
			return err
		}
		_, err = d.exec(ctx, dropEmptyQuota, owner)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("destroy document: %w", err)
	}
	return done, nil
}

// CloseDocuments implements document.Store.
func (d *DB) CloseDocuments(ctx context.Context, caseID string, now, eraseAt time.Time) (bool, error) {
	n, err := d.exec(ctx, closeCase, caseID, millis(now), millis(now), millis(eraseAt))
	if err != nil {
		return false, fmt.Errorf("close documents of a case: %w", err)
	}
	return n == 1, nil
}

// DocumentsClosed implements document.Store.
func (d *DB) DocumentsClosed(ctx context.Context, caseID string) (bool, error) {
	var at int64
	found, err := d.row(ctx, caseClosedAt, []any{caseID}, &at)
	if err != nil {
		return false, fmt.Errorf("state of a case's documents: %w", err)
	}
	return found && at > 0, nil
}

// ExpiredDocuments implements document.Store.
func (d *DB) ExpiredDocuments(ctx context.Context, now, unfinished, idle time.Time, limit int) ([]string, error) {
	return d.documentIDs(ctx, expiredDocuments, millis(now), millis(unfinished), millis(idle), limit)
}

// OwnedDocuments implements document.Store.
func (d *DB) OwnedDocuments(ctx context.Context, owner string) ([]string, error) {
	return d.documentIDs(ctx, ownedDocuments, owner)
}

func (d *DB) documentIDs(ctx context.Context, query string, args ...any) ([]string, error) {
	ids, err := list(ctx, d, query, args, func(r *sqlx.Rows, id *string) error { return r.Scan(id) })
	if err != nil {
		return nil, fmt.Errorf("documents to erase: %w", err)
	}
	return ids, nil
}

// UndeletedBlobs implements document.Store.
func (d *DB) UndeletedBlobs(ctx context.Context, limit int) ([]evidence.Stale, error) {
	out, err := list(ctx, d, undeletedBlobs, []any{limit}, func(r *sqlx.Rows, s *evidence.Stale) error { return r.Scan(&s.ID, &s.Blob) })
	if err != nil {
		return nil, fmt.Errorf("undeleted blobs: %w", err)
	}
	return out, nil
}

// BlobDeleted implements document.Store.
func (d *DB) BlobDeleted(ctx context.Context, id string) error {
	if _, err := d.exec(ctx, blobDeleted, id); err != nil {
		return fmt.Errorf("blob deleted: %w", err)
	}
	return nil
}

func documentDest(x *evidence.Document) []any {
	return []any{&x.ID, &x.Owner, &x.Case, &x.Kind, &x.Pages, &x.Size, &x.Scan, &instant{&x.CreatedAt}}
}
