package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/diagnosis"
)

var _ diagnosis.Store = (*DB)(nil)

const (
	// A client that was deleted meanwhile has no log.
	addDiagnosis = `
INSERT INTO diagnoses (id, client_id, at, kind, endpoint, error, expected, received, request_id, expires_at)
SELECT CAST(? AS TEXT), c.id, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT)
FROM clients c WHERE c.id = ?`

	trimDiagnoses = `
DELETE FROM diagnoses WHERE client_id = ? AND kind = ? AND id <= (
SELECT id FROM diagnoses WHERE client_id = ? AND kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`

	diagnosisColumns = `id, client_id, at, kind, endpoint, error, expected, received, request_id`

	latestDiagnoses = `SELECT ` + diagnosisColumns + ` FROM diagnoses WHERE client_id = ? ORDER BY id DESC LIMIT ?`

	latestOfKind = `SELECT ` + diagnosisColumns + ` FROM diagnoses WHERE client_id = ? AND kind = ? ORDER BY id DESC LIMIT ?`

	sweepDiagnoses = `
DELETE FROM diagnoses WHERE id IN (SELECT id FROM diagnoses WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`
)

// AddDiagnoses implements diagnosis.Store.
func (d *DB) AddDiagnoses(ctx context.Context, events []diagnosis.Event, keep int, expires time.Time) error {
	type place struct{ client, kind string }
	touched := map[place]bool{}
	err := d.InTx(ctx, func(ctx context.Context) error {
		for _, e := range events {
			_, err := d.exec(ctx, addDiagnosis, e.ID, millis(e.At), string(e.Kind), e.Endpoint, e.Error, e.Expected, e.Received, e.Request, millis(expires), e.Client)
			if err != nil {
				return err
			}
			touched[place{e.Client, string(e.Kind)}] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add diagnoses: %w", err)
	}
	for p := range touched { // by themselves: two processes may trim the same
		if _, err := d.exec(ctx, trimDiagnoses, p.client, p.kind, p.client, p.kind, keep); err != nil {
			return fmt.Errorf("trim diagnoses: %w", err)
		}
	}
	return nil
}

// Diagnoses implements diagnosis.Store.
func (d *DB) Diagnoses(ctx context.Context, client string, kind diagnosis.Kind, limit int) ([]diagnosis.Event, error) {
	query, args := latestDiagnoses, []any{client, limit}
	if kind != "" {
		query, args = latestOfKind, []any{client, string(kind), limit}
	}
	out, err := list(ctx, d, query, args, func(rows *sqlx.Rows, e *diagnosis.Event) error {
		return rows.Scan(&e.ID, &e.Client, &instant{&e.At}, &e.Kind, &e.Endpoint, &e.Error, &e.Expected, &e.Received, &e.Request)
	})
	if err != nil {
		return nil, fmt.Errorf("read diagnoses: %w", err)
	}
	return out, nil
}
