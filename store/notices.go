package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/operator"
)

var _ operator.Notices = (*DB)(nil)

const noticeColumns = `id, text_zh, text_en, severity, from_at, until_at, made_by, made_at, ended_at`

const putNotice = `INSERT INTO notices (` + noticeColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`

const putNoticeDone = `WITH done AS (` + putNotice + ` RETURNING id)` + auditDone

const endNotice = `UPDATE notices SET ended_at = ? WHERE id = ? AND ended_at = 0 AND until_at > ?`

const endNoticeDone = `WITH done AS (` + endNotice + ` RETURNING id)` + auditDone

const recentNotices = `SELECT ` + noticeColumns + ` FROM notices ORDER BY made_at DESC, id LIMIT ?`

// PutNotice implements operator.Notices.
func (d *DB) PutNotice(ctx context.Context, n operator.Notice, ev audit.Event) error {
	_, err := d.deed(ctx, putNoticeDone, putNotice, ev, n.ID, n.TextZH, n.TextEN, string(n.Severity), millis(n.From), millis(n.Until), n.By, millis(n.At))
	if err != nil {
		return fmt.Errorf("post a notice: %w", err)
	}
	return nil
}

// EndNotice implements operator.Notices.
func (d *DB) EndNotice(ctx context.Context, id string, now time.Time, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, endNoticeDone, endNotice, ev, millis(now), clip(id), millis(now))
	if err != nil {
		return false, fmt.Errorf("end a notice: %w", err)
	}
	return ok, nil
}

// RecentNotices implements operator.Notices.
func (d *DB) RecentNotices(ctx context.Context, limit int) ([]operator.Notice, error) {
	all, err := list(ctx, d, recentNotices, []any{limit}, func(rows *sqlx.Rows, n *operator.Notice) error {
		return rows.Scan(&n.ID, &n.TextZH, &n.TextEN, &n.Severity, &instant{&n.From}, &instant{&n.Until}, &n.By, &instant{&n.At}, &instant{&n.EndedAt})
	})
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return all, nil
}
