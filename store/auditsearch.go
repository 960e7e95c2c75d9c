package store

import (
	"context"
	"fmt"

	"kejitong/provider/audit"
)

const topAudit = `SELECT COALESCE(MAX(id), 0) FROM audit`

// searchAudit looks at the ids from one to another alone, however few of them it
// finds, so that no search runs long. An empty text selects all; so does 0.
const searchAudit = `
SELECT ` + auditColumns + ` FROM audit
WHERE id >= ? AND id < ? AND (CAST(? AS BIGINT) = 0 OR at >= ?) AND (CAST(? AS BIGINT) = 0 OR at < ?)
    AND (CAST(? AS TEXT) = '' OR kind = ? OR kind >= ? AND kind < ?) AND (CAST(? AS TEXT) = '' OR actor = ?)
    AND (CAST(? AS TEXT) = '' OR object = ?) AND (CAST(? AS TEXT) = '' OR client_id = ?)
    AND (CAST(? AS TEXT) = '' OR request_id = ?) AND (CAST(? AS TEXT) = '' OR result = ?)
ORDER BY id DESC LIMIT ?`

// SearchAudit gives up to limit rows that f selects with ids below before (0: from
// the newest on), the newest first. It looks through no more than span ids and
// tells how far it came: what is below reached was not looked at; 0 when nothing is
// left.
func (d *DB) SearchAudit(ctx context.Context, f audit.Filter, before, span int64, limit int) (rows []audit.Row, reached int64, err error) {
	if before <= 0 {
		if _, err := d.row(ctx, topAudit, nil, &before); err != nil {
			return nil, 0, fmt.Errorf("search the trail: %w", err)
		}
		before++
	}
	reached = max(before-span, 0)
	kind, from, to := f.Kind, "", ""
	if n := len(kind); n > 0 && kind[n-1] == '.' {
		from, to = kind, kind[:n-1]+"/" // the character after the dot
	}
	since, until := millis(f.Since), millis(f.Until)
	rows, err = list(ctx, d, searchAudit, []any{reached, before, since, since, until, until, kind, kind, from, to, f.Actor, f.Actor,
		f.Object, f.Object, f.Client, f.Client, f.RequestID, f.RequestID, f.Result, f.Result, limit}, scanAudit)
	if err != nil {
		return nil, 0, fmt.Errorf("search the trail: %w", err)
	}
	if len(rows) == limit && limit > 0 {
		reached = rows[limit-1].ID
	}
	if reached <= 1 {
		reached = 0
	}
	return rows, reached, nil
}
