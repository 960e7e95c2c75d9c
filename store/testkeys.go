package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/integrator"
	"kejitong/provider/session"
	"kejitong/provider/torch"
)

// The keys of sandboxes stand in a table of their own: what the former platform
// brought over, its counts and its batches never see them, and a look-up reads
// one table or the other by the range of its key.

const (
	addTestKey = `
INSERT INTO test_keys (key, project_id, name, outcome, main_id, beside_id, known, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

	testKeys = `SELECT key, project_id, name, outcome, main_id, beside_id, known, since FROM test_keys WHERE project_id = ? ORDER BY name`

	restartTestKeys = `UPDATE test_keys SET since = ? WHERE project_id = ?`

	// What happened before a key began anew is forgotten.
	findTestKey = `
SELECT k.outcome, COALESCE(a.login_name, ''), COALESCE(a.kind, ''), COALESCE(a.password_changed_at, 0), COALESCE(a.state, '') = 'active', k.known,
    COALESCE((SELECT MAX(s.created_at) FROM sessions s WHERE s.account_id = a.id AND s.created_at >= k.since), 0),
    COALESCE((SELECT l.at FROM last_sign_ins l WHERE l.account_id = a.id AND l.at >= k.since), 0), COALESCE(b.login_name, ''), COALESCE(b.kind, '')
FROM test_keys k LEFT JOIN accounts a ON a.id = k.main_id AND a.sandbox <> '' LEFT JOIN accounts b ON b.id = k.beside_id AND b.sandbox <> ''
WHERE k.key = ?`
)

// AddTestKey implements integrator.Store.
func (d *DB) AddTestKey(ctx context.Context, k integrator.TestKey) error {
	if _, err := d.exec(ctx, addTestKey, k.Key, k.Project, k.Name, k.Code, string(k.Main), string(k.Beside), k.Known, millis(k.Since)); err != nil {
		return fmt.Errorf("add a test key: %w", err)
	}
	return nil
}

// TestKeys implements integrator.Store.
func (d *DB) TestKeys(ctx context.Context, project string) ([]integrator.TestKey, error) {
	all, err := list(ctx, d, testKeys, []any{clip(project)}, func(r *sqlx.Rows, k *integrator.TestKey) error {
		return r.Scan(&k.Key, &k.Project, &k.Name, &k.Code, &k.Main, &k.Beside, &k.Known, &instant{&k.Since})
	})
	if err != nil {
		return nil, fmt.Errorf("list test keys: %w", err)
	}
	return all, nil
}

// RestartTestKeys implements integrator.Store.
func (d *DB) RestartTestKeys(ctx context.Context, project string, now time.Time) error {
	if _, err := d.exec(ctx, restartTestKeys, millis(now), project); err != nil {
		return fmt.Errorf("begin test keys anew: %w", err)
	}
	return nil
}

// EndAccount implements integrator.Store.
func (d *DB) EndAccount(ctx context.Context, id account.ID, now time.Time, ev audit.Event) error {
	_, err := d.EndSessions(ctx, session.Which{Account: id}, now, ev)
	return err
}

// FindTest implements torch.Finder.
func (d *DB) FindTest(ctx context.Context, key string) (torch.Found, error) {
	var f torch.Found
	var before time.Time // sessions are swept away
	var beside account.Kind
	if _, err := d.row(ctx, findTestKey, []any{clip(key)}, &f.Outcome, &f.LoginName, &f.Kind, &instant{&f.ChangedAt}, &f.Usable, &f.Known, &instant{&f.UsedAt},
		&instant{&before}, &f.StandIn, &beside); err != nil {
		return torch.Found{}, fmt.Errorf("look a test key up: %w", err)
	}
	if before.After(f.UsedAt) {
		f.UsedAt = before
	}
	if f.StandInKind = beside; f.Kind != "" { // the answer is about an account of its own
		f.StandIn, f.StandInKind = "", ""
	}
	return f, nil
}
