package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/keys"
	"kejitong/provider/signup"
)

var _ signup.Store = (*DB)(nil)

const openSignUp = `
INSERT INTO signup_flows (key, purpose, browser, data, tries, sent_at, proved_at, used_at, created_at, expires_at)
VALUES (?, ?, ?, ?, 0, ?, 0, 0, ?, ?)`

const selectSignUp = `
SELECT key, purpose, browser, data, tries, sent_at, proved_at, used_at, created_at, expires_at FROM signup_flows WHERE key = ?`

const signUpSent = `UPDATE signup_flows SET sent_at = ? WHERE key = ?`

const proveSignUp = `
UPDATE signup_flows SET proved_at = ?, expires_at = ? WHERE key = ? AND proved_at = 0 AND used_at = 0 AND expires_at > ?`

const proveSignUpDone = `WITH done AS (` + proveSignUp + ` RETURNING key)` + auditDone

const trySignUp = `
UPDATE signup_flows SET tries = tries + 1
WHERE key = ? AND proved_at > 0 AND used_at = 0 AND expires_at > ? AND tries < ?`

const spendSignUp = `
UPDATE signup_flows SET used_at = ?, expires_at = ?, data = ?
WHERE key = ? AND proved_at > 0 AND used_at = 0 AND expires_at > ?`

const accountByID = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.id = ?`

// unitNameHolder compares keys, or names as they are written where a unit of
// before has no key yet.
const unitNameHolder = `
SELECT account_id FROM units WHERE name_key = ? AND name_key <> '' AND account_id <> '' AND state <> 'closed'
UNION ALL
SELECT account_id FROM units WHERE name = ? AND name_key = '' AND account_id <> '' AND state <> 'closed'
LIMIT 1`

const claimUnit = `
UPDATE units SET account_id = ?, name = ?, name_key = ?, type = ?, region = ?
WHERE id = ? AND account_id = '' AND state = 'active' AND status <> 'deregistered'`

const claimUnitDone = `WITH done AS (` + claimUnit + ` RETURNING id)` + auditDone

const addAgreement = `
INSERT INTO agreements (account_id, version, age_declared, agreed_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`

func signUpPlace(key string) string { return "signup_flows.data|" + key }

func (d *DB) sealSignUp(key string, data signup.Data) (string, error) {
	plain, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("seal sign-up: %w", err)
	}
	return d.seal(keys.Personal, signUpPlace(key), plain)
}

// OpenSignUp implements signup.Store.
func (d *DB) OpenSignUp(ctx context.Context, f signup.Flow) error {
	data, err := d.sealSignUp(f.Key, f.Data)
	if err != nil {
		return err
	}
	_, err = d.exec(ctx, openSignUp, f.Key, string(f.Purpose), f.Browser, data, millis(f.SentAt), millis(f.CreatedAt), millis(f.ExpiresAt))
	if err != nil {
		return fmt.Errorf("open sign-up: %w", err)
	}
	return nil
}

// SignUp implements signup.Store.
func (d *DB) SignUp(ctx context.Context, key string) (signup.Flow, error) {
	var f signup.Flow
	var sealed string
	found, err := d.row(ctx, selectSignUp, []any{key}, &f.Key, &f.Purpose, &f.Browser, &sealed, &f.Tries, &instant{&f.SentAt},
		&instant{&f.ProvedAt}, &instant{&f.UsedAt}, &instant{&f.CreatedAt}, &instant{&f.ExpiresAt})
	if err != nil {
		return signup.Flow{}, fmt.Errorf("read sign-up: %w", err)
	}
	if !found {
		return signup.Flow{}, missing("sign-up")
	}
	plain, err := d.unseal(keys.Personal, signUpPlace(f.Key), sealed)
	if err != nil {
		return signup.Flow{}, fmt.Errorf("sign-up: %w", err)
	}
	if json.Unmarshal(plain, &f.Data) != nil {
		return signup.Flow{}, fmt.Errorf("sign-up: not the JSON of one") // the cause would quote it
	}
	return f, nil
}

// SignUpSent implements signup.Store.
func (d *DB) SignUpSent(ctx context.Context, key string, now time.Time) error {
	if _, err := d.exec(ctx, signUpSent, millis(now), key); err != nil {
		return fmt.Errorf("note a sign-up's code: %w", err)
	}
	return nil
}

// ProveSignUp implements signup.Store.
func (d *DB) ProveSignUp(ctx context.Context, key string, now, until time.Time, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, proveSignUpDone, proveSignUp, ev, millis(now), millis(until), key, millis(now))
	if err != nil {
		return false, fmt.Errorf("prove sign-up: %w", err)
	}
	return ok, nil
}

// TrySignUp implements signup.Store.
func (d *DB) TrySignUp(ctx context.Context, key string, most int, now time.Time) (bool, error) {
	n, err := d.exec(ctx, trySignUp, key, millis(now), most)
	if err != nil {
		return false, fmt.Errorf("try sign-up: %w", err)
	}
	return n == 1, nil
}

// SpendSignUp implements signup.Store.
func (d *DB) SpendSignUp(ctx context.Context, key string, data signup.Data, now, until time.Time) (bool, error) {
	sealed, err := d.sealSignUp(key, data)
	if err != nil {
		return false, err
	}
	n, err := d.exec(ctx, spendSignUp, millis(now), millis(until), sealed, key, millis(now))
	if err != nil {
		return false, fmt.Errorf("spend sign-up: %w", err)
	}
	return n == 1, nil
}

// AccountByID gives the account with the id; fault.NotFound if there is none.
func (d *DB) AccountByID(ctx context.Context, id account.ID) (account.Account, error) {
	var a account.Account
	var profile string
	found, err := d.row(ctx, accountByID, []any{string(id)}, accountDest(&a, &profile)...)
	if err == nil && found {
		err = d.openProfile(&a, profile)
	}
	if err != nil {
		return account.Account{}, fmt.Errorf("read account: %w", err)
	}
	if !found {
		return account.Account{}, missing("account")
	}
	return a, nil
}

// UnitNameHolder implements signup.Store.
func (d *DB) UnitNameHolder(ctx context.Context, name string) (account.ID, error) {
	var id account.ID
	found, err := d.row(ctx, unitNameHolder, []any{account.UnitNameKey(name), name}, &id)
	if err != nil {
		return "", fmt.Errorf("read the holder of a unit's name: %w", err)
	}
	if !found {
		return "", missing("unit")
	}
	return id, nil
}

// ClaimUnit implements signup.Store.
func (d *DB) ClaimUnit(ctx context.Context, u account.Unit, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, claimUnitDone, claimUnit, ev, string(u.AccountID), u.Name, account.UnitNameKey(u.Name), u.Type, u.Region, u.ID)
	if err != nil {
		return false, fmt.Errorf("claim unit: %w", err)
	}
	return ok, nil
}

// Agree implements signup.Store.
func (d *DB) Agree(ctx context.Context, a signup.Agreement) error {
	if _, err := d.exec(ctx, addAgreement, string(a.Account), a.Version, a.Adult, millis(a.At)); err != nil {
		return fmt.Errorf("keep an agreement: %w", err)
	}
	return nil
}
