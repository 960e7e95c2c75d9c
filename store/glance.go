package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/operator"
)

var _ operator.GlanceStore = (*DB)(nil)

const (
	glanceKinds = `('sign_in.succeeded', 'sign_in.failed', 'sign_in.throttled', 'claims.released')`

	// Test accounts and the clients that they sign in at are nobody.
	glanceReal = ` AND actor NOT IN (SELECT id FROM accounts WHERE sandbox <> '') AND client_id NOT IN (SELECT id FROM clients WHERE sandbox <> '')`

	// What a row counts as: the reason of a failure, the client that got tokens.
	glanceReason = `CASE kind WHEN 'claims.released' THEN client_id WHEN 'sign_in.succeeded' THEN '' ELSE detail END`

	lastHour = `SELECT COALESCE(MAX(hour), 0) FROM glance_hours WHERE kind = '' AND reason = ''`

	// The index on the time of the trail bounds what is read.
	addHours = `
INSERT INTO glance_hours (hour, kind, reason, n)
SELECT at / 3600000, kind, ` + glanceReason + `, COUNT(*) FROM audit WHERE at >= ? AND at < ? AND kind IN ` + glanceKinds + glanceReal + `
GROUP BY at / 3600000, kind, ` + glanceReason + ` ON CONFLICT DO NOTHING`

	markHour = `INSERT INTO glance_hours (hour, kind, reason, n) VALUES (?, '', '', 0) ON CONFLICT DO NOTHING`

	dropHours = `DELETE FROM glance_hours WHERE hour < ?`

	addedUp = `SELECT kind, reason, SUM(n) FROM glance_hours WHERE hour >= ? AND kind <> '' GROUP BY kind, reason`

	notAddedUp = `
SELECT kind, ` + glanceReason + `, COUNT(*) FROM audit WHERE at >= ? AND kind IN ` + glanceKinds + glanceReal + ` GROUP BY kind, ` + glanceReason

	waitingCases = `
SELECT CASE WHEN sent_at > ? THEN '1' WHEN sent_at > ? THEN '3' WHEN sent_at > ? THEN '7' ELSE 'more' END, COUNT(*)
FROM realname_cases WHERE state = 'manual_review' GROUP BY 1`

	rightReal = ` AND account_id NOT IN (SELECT id FROM accounts WHERE sandbox <> '')`

	endingRights = `
SELECT CASE WHEN valid_until < ? THEN '7' WHEN valid_until < ? THEN '14' ELSE '30' END, COUNT(*) FROM (
    SELECT valid_until FROM entitlements WHERE valid_until > 0 AND state IN ('pending', 'active', 'suspended') AND valid_until >= ? AND valid_until < ?` + rightReal + `
    UNION ALL
    SELECT valid_until FROM mandates WHERE valid_until > 0 AND state IN ('pending', 'active', 'suspended') AND valid_until >= ? AND valid_until < ?` + rightReal + `
) AS ending GROUP BY 1`

	importsVersion = `SELECT COUNT(*), COALESCE(MAX(committed_at), 0), COALESCE(MAX(reverted_at), 0) FROM torch_batches`

	importOutcomes = `SELECT outcome, COUNT(*) FROM torch_records WHERE decided_at > 0 AND outcome <> '' GROUP BY outcome ORDER BY outcome`
)

const (
	hourMillis = int64(time.Hour / time.Millisecond)
	settled    = 2 * time.Minute // after which no row of an hour is still on its way
	hoursAtOne = 24
)

// AddHours implements operator.GlanceStore.
func (d *DB) AddHours(ctx context.Context, from, now time.Time) (more bool, err error) {
	over := now.Add(-settled).UnixMilli() / hourMillis // the first hour that is not over
	err = d.InTx(ctx, func(ctx context.Context) error {
		var last int64
		if _, err := d.returning(ctx, lastHour, nil, &last); err != nil {
			return err
		}
		begin := max(last+1, from.UnixMilli()/hourMillis)
		end := min(begin+hoursAtOne, over)
		if more = end < over; begin >= end {
			return nil
		}
		if _, err := d.exec(ctx, addHours, begin*hourMillis, end*hourMillis); err != nil {
			return err
		}
		if _, err := d.exec(ctx, markHour, end-1); err != nil {
			return err
		}
		_, err := d.exec(ctx, dropHours, from.UnixMilli()/hourMillis)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("add up the trail: %w", err)
	}
	return more, nil
}

// SignInsSince implements operator.GlanceStore.
func (d *DB) SignInsSince(ctx context.Context, since time.Time) (signIns, clients []operator.Count, err error) {
	var last int64
	if _, err := d.row(ctx, lastHour, nil, &last); err != nil {
		return nil, nil, fmt.Errorf("count sign-ins: %w", err)
	}
	type row struct {
		kind, reason string
		n            int64
	}
	scan := func(rows *sqlx.Rows, r *row) error { return rows.Scan(&r.kind, &r.reason, &r.n) }
	rows, err := list(ctx, d, addedUp, []any{since.UnixMilli() / hourMillis}, scan)
	if err != nil {
		return nil, nil, fmt.Errorf("count sign-ins: %w", err)
	}
	fresh, err := list(ctx, d, notAddedUp, []any{max((last+1)*hourMillis, since.UnixMilli())}, scan)
	if err != nil {
		return nil, nil, fmt.Errorf("count sign-ins: %w", err)
	}
	ins, by := map[string]int64{}, map[string]int64{}
	for _, r := range append(rows, fresh...) {
		if r.kind == "claims.released" {
			by[r.reason] += r.n
			continue
		}
		ins[strings.TrimSuffix(strings.TrimPrefix(r.kind, "sign_in.")+" "+r.reason, " ")] += r.n
	}
	return sorted(ins), sorted(by), nil
}

// sorted gives the greatest first.
func sorted(m map[string]int64) []operator.Count {
	out := []operator.Count{}
	for k, n := range m {
		out = append(out, operator.Count{Key: k, N: n})
	}
	slices.SortFunc(out, func(a, b operator.Count) int {
		if a.N != b.N {
			return int(b.N - a.N)
		}
		return strings.Compare(a.Key, b.Key)
	})
	return out
}

func (d *DB) counted(ctx context.Context, what, query string, args ...any) ([]operator.Count, error) {
	out, err := list(ctx, d, query, args, func(rows *sqlx.Rows, c *operator.Count) error { return rows.Scan(&c.Key, &c.N) })
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", what, err)
	}
	return out, nil
}

// WaitingCases implements operator.GlanceStore.
func (d *DB) WaitingCases(ctx context.Context, now time.Time) ([]operator.Count, error) {
	ago := func(days int) int64 { return millis(now.AddDate(0, 0, -days)) }
	return d.counted(ctx, "cases", waitingCases, ago(1), ago(3), ago(7))
}

// EndingRights implements operator.GlanceStore.
func (d *DB) EndingRights(ctx context.Context, now time.Time) ([]operator.Count, error) {
	in := func(days int) int64 { return millis(now.AddDate(0, 0, days)) }
	return d.counted(ctx, "what ends", endingRights, in(7), in(14), in(0), in(30), in(0), in(30))
}

// ImportsVersion implements operator.GlanceStore.
func (d *DB) ImportsVersion(ctx context.Context) (string, error) {
	var n, committed, reverted int64
	if _, err := d.row(ctx, importsVersion, nil, &n, &committed, &reverted); err != nil {
		return "", fmt.Errorf("read batches: %w", err)
	}
	return strconv.FormatInt(n, 10) + " " + strconv.FormatInt(committed, 10) + " " + strconv.FormatInt(reverted, 10), nil
}

// ImportOutcomes implements operator.GlanceStore.
func (d *DB) ImportOutcomes(ctx context.Context) ([]operator.Count, error) {
	return d.counted(ctx, "outcomes", importOutcomes)
}
