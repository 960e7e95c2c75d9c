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
	"kejitong/provider/recovery"
)

var _ recovery.Store = (*DB)(nil)

const putFlow = `
INSERT INTO recovery_flows (key, browser, way, step, account_id, seen, appeal_id, data, sends, tries, created_at, expires_at, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`

const selectFlow = `
SELECT key, browser, way, step, account_id, seen, appeal_id, data, sends, tries, created_at, expires_at, version
FROM recovery_flows WHERE key = ?`

// saveFlow leaves alone what a flow is from its start: way, browser, times.
const saveFlow = `
UPDATE recovery_flows SET step = ?, account_id = ?, seen = ?, appeal_id = ?, data = ?, sends = ?, tries = ?, version = version + 1
WHERE key = ? AND version = ?`

const (
	subjectByID    = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.id = ?`
	subjectByUSCC  = `SELECT ` + accountColumns + ` FROM units u JOIN accounts a ON a.id = u.account_id WHERE u.uscc = ? AND u.account_id <> ''`
	administrators = `
SELECT DISTINCT ` + accountColumns + ` FROM mandates m JOIN accounts a ON a.id = m.account_id
WHERE m.unit_id = ? AND m.relation = 'admin' AND m.state = 'active' AND m.valid_from <= ? AND (m.valid_until = 0 OR m.valid_until > ?)
    AND a.state = 'active'
ORDER BY a.id`
)

const unitByID = `
SELECT id, uscc, name, type, region, registration_authority, status, state, account_id, verified_at, realname_status,
    realname_level, realname_method, realname_verified_at, process_id, check_id, check_organization
FROM units WHERE id = ?`

// lastSignIn reads the sessions that there are, and what was kept of those that
// were swept.
const lastSignIn = `
SELECT COALESCE(MAX(at), 0) FROM (
    SELECT auth_time AS at FROM sessions WHERE account_id = ?
    UNION ALL SELECT at FROM last_sign_ins WHERE account_id = ?
) AS known`

const putHold = `
INSERT INTO holds AS h (account_id, reason, until_at) VALUES (?, ?, ?)
ON CONFLICT (account_id) DO UPDATE SET reason = excluded.reason, until_at = excluded.until_at WHERE h.until_at < excluded.until_at`

const selectHold = `SELECT until_at FROM holds WHERE account_id = ?`

func flowPlace(key string) string { return "recovery_flows.data|" + key }

func (d *DB) sealFlow(f recovery.Flow) (string, error) {
	plain, err := json.Marshal(f.Data)
	if err != nil {
		return "", fmt.Errorf("seal flow: %w", err)
	}
	return d.seal(keys.Personal, flowPlace(f.Key), plain)
}

// PutFlow implements recovery.Store.
func (d *DB) PutFlow(ctx context.Context, f recovery.Flow) error {
	sealed, err := d.sealFlow(f)
	if err != nil {
		return err
	}
	_, err = d.exec(ctx, putFlow, f.Key, f.Browser, string(f.Way), string(f.Step), string(f.Account), f.Seen, f.Appeal, sealed, f.Sends, f.Tries,
		millis(f.CreatedAt), millis(f.ExpiresAt))
	if err != nil {
		return fmt.Errorf("put flow: %w", err)
	}
	return nil
}

// Flow implements recovery.Store.
func (d *DB) Flow(ctx context.Context, key string) (recovery.Flow, error) {
	var f recovery.Flow
	var sealed string
	found, err := d.row(ctx, selectFlow, []any{key}, &f.Key, &f.Browser, &f.Way, &f.Step, &f.Account, &f.Seen, &f.Appeal, &sealed, &f.Sends,
		&f.Tries, &instant{&f.CreatedAt}, &instant{&f.ExpiresAt}, &f.Version)
	if err != nil {
		return recovery.Flow{}, fmt.Errorf("read flow: %w", err)
	}
	if !found {
		return recovery.Flow{}, missing("flow")
	}
	plain, err := d.unseal(keys.Personal, flowPlace(f.Key), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &f.Data)
	}
	if err != nil {
		return recovery.Flow{}, fmt.Errorf("read flow: its data cannot be opened")
	}
	return f, nil
}

// SaveFlow implements recovery.Store.
func (d *DB) SaveFlow(ctx context.Context, f recovery.Flow) error {
	sealed, err := d.sealFlow(f)
	if err != nil {
		return err
	}
	n, err := d.exec(ctx, saveFlow, string(f.Step), string(f.Account), f.Seen, f.Appeal, sealed, f.Sends, f.Tries, f.Key, f.Version)
	if err != nil {
		return fmt.Errorf("save flow: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "the flow went on meanwhile")
	}
	return nil
}

// SubjectByLogin implements recovery.Store.
func (d *DB) SubjectByLogin(ctx context.Context, loginKey string) (recovery.Subject, error) {
	return d.subject(ctx, accountByLogin, clip(loginKey))
}

// Subject implements recovery.Store.
func (d *DB) Subject(ctx context.Context, id account.ID) (recovery.Subject, error) {
	return d.subject(ctx, subjectByID, string(id))
}

// SubjectByUSCC implements recovery.Store.
func (d *DB) SubjectByUSCC(ctx context.Context, uscc account.USCC) (recovery.Subject, error) {
	return d.subject(ctx, subjectByUSCC, string(uscc))
}

func (d *DB) subject(ctx context.Context, query, value string) (recovery.Subject, error) {
	var s recovery.Subject
	var profile string
	found, err := d.row(ctx, query, []any{value}, accountDest(&s.Account, &profile)...)
	if err == nil && !found {
		return recovery.Subject{}, missing("account")
	}
	if err == nil {
		err = d.openProfile(&s.Account, profile)
	}
	if err == nil && s.Account.UnitID != "" {
		var u account.Unit
		if found, err = d.row(ctx, unitByID, []any{s.Account.UnitID}, unitDest(&u)...); found {
			s.Unit = &u
		}
	}
	if err == nil {
		s.LastSignIn, err = d.LastSignIn(ctx, s.Account.ID)
	}
	if err != nil {
		return recovery.Subject{}, fmt.Errorf("read account: %w", err)
	}
	return s, nil
}

// LastSignIn gives when somebody last signed in to the account, zero if it is not
// known that anybody ever did.
func (d *DB) LastSignIn(ctx context.Context, id account.ID) (at time.Time, err error) {
	if _, err := d.row(ctx, lastSignIn, []any{string(id), string(id)}, &instant{&at}); err != nil {
		return time.Time{}, fmt.Errorf("last sign-in: %w", err)
	}
	return at, nil
}

// Administrators implements recovery.Store.
func (d *DB) Administrators(ctx context.Context, unitID string, now time.Time) ([]account.Account, error) {
	type sealed struct {
		account.Account
		profile string
	}
	rows, err := list(ctx, d, administrators, []any{unitID, millis(now), millis(now)}, func(rows *sqlx.Rows, s *sealed) error {
		return rows.Scan(accountDest(&s.Account, &s.profile)...)
	})
	if err != nil {
		return nil, fmt.Errorf("administrators: %w", err)
	}
	out := make([]account.Account, len(rows))
	for i := range rows {
		if err := d.openProfile(&rows[i].Account, rows[i].profile); err != nil {
			return nil, err
		}
		out[i] = rows[i].Account
	}
	return out, nil
}

// PutHold implements recovery.Store.
func (d *DB) PutHold(ctx context.Context, id account.ID, reason string, until time.Time) error {
	if _, err := d.exec(ctx, putHold, string(id), reason, millis(until)); err != nil {
		return fmt.Errorf("put hold: %w", err)
	}
	return nil
}

// Hold implements recovery.Store.
func (d *DB) Hold(ctx context.Context, id account.ID) (until time.Time, err error) {
	if _, err := d.row(ctx, selectHold, []any{string(id)}, &instant{&until}); err != nil {
		return time.Time{}, fmt.Errorf("read hold: %w", err)
	}
	return until, nil
}
