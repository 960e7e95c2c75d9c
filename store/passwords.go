package store

import (
	"context"
	"fmt"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

var _ credential.Store = (*DB)(nil)

const findLogin = `
SELECT a.id, a.kind, a.state, a.version, COALESCE(c.phc, ''), COALESCE(c.legacy, ''), COALESCE(c.must_change, FALSE),
    EXISTS (SELECT 1 FROM factors f WHERE f.subject = a.id AND f.realm = 'account')
FROM accounts a LEFT JOIN credentials c ON c.account_id = a.id
WHERE a.login_key = ?`

const putPassword = `
INSERT INTO credentials (account_id, phc, changed_at, must_change)
VALUES (?, ?, ?, ?)
ON CONFLICT (account_id) DO UPDATE SET phc = excluded.phc, legacy = '', changed_at = excluded.changed_at, must_change = excluded.must_change`

// Whoever changes a password takes the account's row first. So does the rehash
// on PostgreSQL: waiting for it makes the version be looked at again, which a
// subquery of the UPDATE alone would not.
const rehashPostgres = `
WITH owner AS (SELECT id FROM accounts WHERE id = ? AND version = ? FOR UPDATE)
UPDATE credentials SET phc = ?, legacy = '' FROM owner WHERE credentials.account_id = owner.id`

const rehashSQLite = `
UPDATE credentials SET phc = ?3, legacy = ''
WHERE account_id = ?1 AND EXISTS (SELECT 1 FROM accounts WHERE id = ?1 AND version = ?2)`

const passwordChanged = `
UPDATE accounts SET password_changed_at = ?, updated_at = ?, version = version + 1 WHERE id = ?`

const passwordChosen = `
UPDATE accounts SET password_changed_at = ?, updated_at = ?, version = version + 1 WHERE id = ? AND version = ? AND state = 'active'`

// FindLogin implements credential.Store.
func (d *DB) FindLogin(ctx context.Context, loginKey string) (credential.Login, error) {
	var l credential.Login
	var sealed, legacy string
	found, err := d.row(ctx, findLogin, []any{clip(loginKey)}, &l.AccountID, &l.Kind, &l.State, &l.Version, &sealed, &legacy, &l.MustChange, &l.Factor)
	if err != nil {
		return credential.Login{}, fmt.Errorf("find login: %w", err)
	}
	if !found {
		return credential.Login{}, missing("login")
	}
	purpose, place := keys.Pepper, passwordPlace(l.AccountID)
	if sealed == "" { // none, or one of the former platform that is not wrapped yet
		purpose, place, sealed = keys.Legacy, legacyPlace(l.AccountID), legacy
	}
	if sealed == "" {
		return l, nil
	}
	phc, err := d.unseal(purpose, place, sealed)
	if err != nil {
		return credential.Login{}, fmt.Errorf("password of account %s: %w", l.AccountID, err)
	}
	l.Password = string(phc)
	return l, nil
}

// Rehash implements credential.Store.
func (d *DB) Rehash(ctx context.Context, id account.ID, version int64, phc string) error {
	sealed, err := d.sealPassword(id, phc)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, d.pick(rehashPostgres, rehashSQLite), string(id), version, sealed); err != nil {
		return fmt.Errorf("rehash: %w", err)
	}
	return nil
}

// SetPassword replaces the account's password. byOwner tells whether the owner
// chose it; if not, it must be changed at the next sign-in. fault.NotFound if
// there is no such account.
func (d *DB) SetPassword(ctx context.Context, id account.ID, phc string, byOwner bool, ev audit.Event) error {
	now := millis(d.Now())
	changed := int64(0)
	if byOwner {
		changed = now
	}
	err := d.putPassword(ctx, id, phc, now, !byOwner, ev, missing("account"), passwordChanged, changed, now, string(id))
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

// ChangePassword implements credential.Store.
func (d *DB) ChangePassword(ctx context.Context, id account.ID, version int64, phc string, ev audit.Event) error {
	now := millis(d.Now())
	stale := fault.New(fault.Unproven, "the account changed meanwhile")
	err := d.putPassword(ctx, id, phc, now, false, ev, stale, passwordChosen, now, now, string(id), version)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return nil
}

// putPassword changes the account's row by update, else gives the error none,
// and then stores the password and records ev.
func (d *DB) putPassword(ctx context.Context, id account.ID, phc string, now int64, mustChange bool, ev audit.Event, none error, update string, args ...any) error {
	if phc == "" {
		return fault.New(fault.Invalid, "a password hash is missing")
	}
	sealed, err := d.sealPassword(id, phc)
	if err != nil {
		return err
	}
	return d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, update, args...)
		if err != nil {
			return err
		}
		if n == 0 {
			return none
		}
		if _, err := d.exec(ctx, putPassword, string(id), sealed, now, mustChange); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
}
