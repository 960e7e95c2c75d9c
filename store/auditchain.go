package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
)

var _ audit.ChainStore = (*DB)(nil)

const chainHead = `SELECT seq, hash, top, holes FROM audit_head WHERE one = 1`

// Whoever holds the head extends the chain; the others come again later.
const holdChainHead = chainHead + ` FOR UPDATE SKIP LOCKED`

const unsealedPostgres = `
SELECT ` + auditColumns + ` FROM (
    SELECT ` + auditColumns + ` FROM audit WHERE id IN (SELECT CAST(json_array_elements_text(CAST(? AS JSON)) AS BIGINT))
    UNION ALL
    (SELECT ` + auditColumns + ` FROM audit WHERE id > ? ORDER BY id LIMIT ?)
) r ORDER BY id LIMIT ?`

const unsealedSQLite = `
SELECT ` + auditColumns + ` FROM (
    SELECT ` + auditColumns + ` FROM audit WHERE id IN (SELECT value FROM json_each(?))
    UNION ALL
    SELECT * FROM (SELECT ` + auditColumns + ` FROM audit WHERE id > ? ORDER BY id LIMIT ?)
) r ORDER BY id LIMIT ?`

const addBlock = `INSERT INTO audit_blocks (seq, at, spans, hash) VALUES (?, ?, ?, ?)`

const moveChainHead = `UPDATE audit_head SET seq = ?, hash = ?, top = ?, holes = ? WHERE one = 1 AND seq = ?`

const chainBlocks = `SELECT seq, at, spans, hash FROM audit_blocks WHERE seq > ? ORDER BY seq LIMIT ?`

const auditBetween = `SELECT ` + auditColumns + ` FROM audit WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`

const chainAnchor = `SELECT seq, hash, top, at, mac FROM audit_anchor WHERE one = 1`

const putChainAnchor = `
INSERT INTO audit_anchor (one, seq, hash, top, at, mac) VALUES (1, ?, ?, ?, ?, ?)
ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, top = excluded.top, at = excluded.at, mac = excluded.mac`

const dropBlocks = `DELETE FROM audit_blocks WHERE seq <= ?`

const dropAudit = `DELETE FROM audit WHERE id >= ? AND id <= ?`

// ExtendChain implements audit.ChainStore.
func (d *DB) ExtendChain(ctx context.Context, limit int, seal func(audit.Head, []audit.Row) (audit.Block, audit.Head)) (n int, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		n = 0
		h, found, err := d.chainHead(ctx, d.pick(holdChainHead, chainHead))
		if err != nil || !found {
			return err
		}
		ids := make([]int64, 0, len(h.Holes))
		for _, hole := range h.Holes {
			ids = append(ids, hole.ID)
		}
		holes, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		rows, err := list(ctx, d, d.pick(unsealedPostgres, unsealedSQLite), []any{string(holes), h.Top, limit, limit}, scanAudit)
		if err != nil || len(rows) == 0 {
			return err
		}
		b, next := seal(h, rows)
		n = len(rows)
		return d.putBlock(ctx, h.Seq, b, next)
	})
	if err != nil {
		return 0, fmt.Errorf("extend the audit chain: %w", err)
	}
	return n, nil
}

func (d *DB) putBlock(ctx context.Context, before int64, b audit.Block, next audit.Head) error {
	spans, err := json.Marshal(b.Spans)
	if err != nil {
		return err
	}
	if next.Holes == nil {
		next.Holes = []audit.Hole{}
	}
	holes, err := json.Marshal(next.Holes)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, addBlock, b.Seq, millis(b.At), string(spans), b.Hash); err != nil {
		return err
	}
	moved, err := d.exec(ctx, moveChainHead, next.Seq, next.Hash, next.Top, string(holes), before)
	if err == nil && moved != 1 {
		err = fmt.Errorf("the head moved away from block %d", before)
	}
	return err
}

func (d *DB) chainHead(ctx context.Context, query string) (h audit.Head, found bool, err error) {
	found, err = d.row(ctx, query, nil, &h.Seq, &h.Hash, &h.Top, &document{&h.Holes})
	return h, found, err
}

// ChainHead implements audit.ChainStore.
func (d *DB) ChainHead(ctx context.Context) (audit.Head, error) {
	h, _, err := d.chainHead(ctx, chainHead)
	if err != nil {
		return h, fmt.Errorf("read the audit chain's head: %w", err)
	}
	return h, nil
}

// Blocks implements audit.ChainStore.
func (d *DB) Blocks(ctx context.Context, after int64, limit int) ([]audit.Block, error) {
	blocks, err := list(ctx, d, chainBlocks, []any{after, limit}, func(rows *sqlx.Rows, b *audit.Block) error {
		return rows.Scan(&b.Seq, &instant{&b.At}, &document{&b.Spans}, &b.Hash)
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit chain: %w", err)
	}
	return blocks, nil
}

// AuditRows implements audit.ChainStore.
func (d *DB) AuditRows(ctx context.Context, after, to int64, limit int) ([]audit.Row, error) {
	rows, err := list(ctx, d, auditBetween, []any{after, to, limit}, scanAudit)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	return rows, nil
}

// Anchor implements audit.ChainStore.
func (d *DB) Anchor(ctx context.Context) (audit.Anchor, error) {
	var a audit.Anchor
	if _, err := d.row(ctx, chainAnchor, nil, &a.Seq, &a.Hash, &a.Top, &a.At, &a.MAC); err != nil {
		return audit.Anchor{}, fmt.Errorf("read the audit chain's anchor: %w", err)
	}
	return a, nil
}

// PruneChain implements audit.ChainStore.
func (d *DB) PruneChain(ctx context.Context, blocks []audit.Block, a audit.Anchor) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		for _, b := range blocks {
			for _, s := range b.Spans {
				if _, err := d.exec(ctx, dropAudit, s.From, s.To); err != nil {
					return err
				}
			}
		}
		if _, err := d.exec(ctx, dropBlocks, a.Seq); err != nil {
			return err
		}
		_, err := d.exec(ctx, putChainAnchor, a.Seq, a.Hash, a.Top, a.At, a.MAC)
		return err
	})
	if err != nil {
		return fmt.Errorf("prune the audit chain: %w", err)
	}
	return nil
}
