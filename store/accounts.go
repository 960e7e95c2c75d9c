package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/session"
)

// accountColumns is the account a, in the order of accountDest.
const accountColumns = `a.id, a.kind, a.state, a.login_name, a.login_key, a.unit_id, a.realname_status, a.realname_level,
    a.realname_method, a.realname_verified_at, a.process_id, a.check_id, a.check_organization, a.profile, a.locale,
    a.created_at, a.updated_at, a.password_changed_at, a.version, a.sandbox`

const accountByLogin = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.login_key = ?`

// putAccount refuses (affects no row) if the caller has read another version.
const putAccount = `
INSERT INTO accounts (id, kind, state, login_name, login_key, unit_id, realname_status, realname_level, realname_method,
    realname_verified_at, process_id, check_id, check_organization, profile, locale, created_at, updated_at,
    password_changed_at, sandbox, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, state = excluded.state, login_name = excluded.login_name,
    login_key = excluded.login_key, unit_id = excluded.unit_id, realname_status = excluded.realname_status,
    realname_level = excluded.realname_level, realname_method = excluded.realname_method,
    realname_verified_at = excluded.realname_verified_at, process_id = excluded.process_id, check_id = excluded.check_id,
    check_organization = excluded.check_organization, profile = excluded.profile, locale = excluded.locale,
    updated_at = excluded.updated_at, password_changed_at = excluded.password_changed_at, version = accounts.version + 1
WHERE CAST(? AS BIGINT) = 0 OR accounts.version = ?`

const setAccountStateDone = `WITH done AS (` + setAccountState + ` RETURNING id)` + auditDone

// What is closed stays closed.
const setAccountState = `UPDATE accounts SET state = ?, updated_at = ?, version = version + 1 WHERE id = ? AND state <> 'closed'`

// AccountByLogin gives the account with the canonical login name; fault.NotFound
// if there is none.
func (d *DB) AccountByLogin(ctx context.Context, loginKey string) (account.Account, error) {
	var a account.Account
	var profile string
	found, err := d.row(ctx, accountByLogin, []any{loginKey}, accountDest(&a, &profile)...)
	if err == nil && found {
		err = d.openProfile(&a, profile)
	}
	if err != nil {
		return account.Account{}, fmt.Errorf("read account by login: %w", err)
	}
	if !found {
		return account.Account{}, missing("account")
	}
	return a, nil
}

// PutAccount inserts a or replaces the account with its id; CreatedAt and Sandbox
// stay.
// With a.Version set, the account must still have that version, else
// fault.Conflict; so is a login name that somebody else has, with the field, and a
// verified document that is proved on another account.
// phc is the hash of the password; empty leaves the one there is.
func (d *DB) PutAccount(ctx context.Context, a account.Account, phc string, ev audit.Event) error {
	profile, err := d.sealProfile(a)
	if err != nil {
		return err
	}
	sealed, err := d.sealPassword(a.ID, phc)
	if err != nil {
		return err
	}
	r := a.RealName
	err = d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, putAccount, string(a.ID), string(a.Kind), string(a.State), a.LoginName, a.LoginKey, a.UnitID,
			r.Status, r.Level, r.Method, millis(r.VerifiedAt), r.ProcessID, r.CheckID, r.CheckOrganization, profile, a.Locale,
			millis(a.CreatedAt), millis(a.UpdatedAt), millis(a.PasswordChangedAt), a.Sandbox, a.Version, a.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the account changed meanwhile")
		}
		if sealed != "" {
			if _, err := d.exec(ctx, putPassword, string(a.ID), sealed, millis(d.Now()), false); err != nil {
				return err
			}
		}
		if err := d.index(ctx, a); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put account: %w", err)
	}
	return nil
}

// SetAccountState changes the state alone; fault.NotFound if there is no such
// account, or if it is closed.
func (d *DB) SetAccountState(ctx context.Context, id account.ID, state account.State, ev audit.Event) error {
	ok, err := d.deed(ctx, setAccountStateDone, setAccountState, ev, string(state), millis(d.Now()), string(id))
	if err != nil {
		return fmt.Errorf("set account state: %w", err)
	}
	if !ok {
		return missing("account")
	}
	return nil
}

// FreezeAccount freezes the account and ends its sessions, with the grants that
// live and die with them and the sign-outs owed to clients.
func (d *DB) FreezeAccount(ctx context.Context, id account.ID, now time.Time, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		if err := d.SetAccountState(ctx, id, account.Frozen, ev); err != nil {
			return err
		}
		ended := ev
		ended.Kind = audit.SessionEnded
		_, err := d.EndSessions(ctx, session.Which{Account: id}, now, ended)
		return err
	})
}

func accountDest(a *account.Account, profile *string) []any {
	r := &a.RealName
	return []any{&a.ID, &a.Kind, &a.State, &a.LoginName, &a.LoginKey, &a.UnitID, &r.Status, &r.Level, &r.Method,
		&instant{&r.VerifiedAt}, &r.ProcessID, &r.CheckID, &r.CheckOrganization, profile, &a.Locale,
		&instant{&a.CreatedAt}, &instant{&a.UpdatedAt}, &instant{&a.PasswordChangedAt}, &a.Version, &a.Sandbox}
}

// A sealed field is bound to its place, so that a ciphertext copied to another
// row does not open there.
func profilePlace(id account.ID) string  { return "accounts.profile|" + string(id) }
func passwordPlace(id account.ID) string { return "credentials.phc|" + string(id) }
func legacyPlace(id account.ID) string   { return "credentials.legacy|" + string(id) }

func (d *DB) sealProfile(a account.Account) (string, error) {
	plain, err := json.Marshal(a.Profile)
	if err != nil {
		return "", fmt.Errorf("seal profile: %w", err)
	}
	return d.seal(keys.Personal, profilePlace(a.ID), plain)
}

func (d *DB) openProfile(a *account.Account, sealed string) error {
	plain, err := d.unseal(keys.Personal, profilePlace(a.ID), sealed)
	if err != nil {
		return fmt.Errorf("profile of account %s: %w", a.ID, err)
	}
	if err := json.Unmarshal(plain, &a.Profile); err != nil {
		return fmt.Errorf("profile of account %s: not the JSON of a profile", a.ID) // the cause would quote it
	}
	return nil
}

func (d *DB) sealPassword(id account.ID, phc string) (string, error) {
	if phc == "" {
		return "", nil
	}
	return d.seal(keys.Pepper, passwordPlace(id), []byte(phc))
}

var errNoRing = errors.New("store: no key ring: DB.Seal is not set")

func (d *DB) seal(purpose keys.Purpose, place string, plain []byte) (string, error) {
	if d.Seal == nil {
		return "", errNoRing
	}
	return d.Seal().Seal(purpose, place, plain)
}

func (d *DB) unseal(purpose keys.Purpose, place, sealed string) ([]byte, error) {
	if d.Seal == nil {
		return nil, errNoRing
	}
	return d.Seal().Open(purpose, place, sealed)
}
