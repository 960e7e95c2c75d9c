package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

var _ factor.Store = (*DB)(nil)

const selectFactors = `
SELECT id, kind, name, secret, handle, counter, created_at, used_at FROM factors WHERE subject = ? AND realm = ? ORDER BY created_at, id`

const countRecoveryCodes = `SELECT COUNT(*) FROM recovery_codes WHERE subject = ? AND realm = ? AND used_at = 0`

const insertFactor = `
INSERT INTO factors (id, realm, subject, kind, name, secret, handle, counter, created_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`

// ageAccount makes a proof of the account as it was before worth nothing.
const ageAccount = `UPDATE accounts SET version = version + 1 WHERE id = ?`

const renameFactor = `UPDATE factors SET name = ? WHERE id = ? AND subject = ? AND realm = ?`

const renameFactorDone = `WITH done AS (` + renameFactor + ` RETURNING id)` + auditDone

const deleteFactor = `DELETE FROM factors WHERE id = ? AND subject = ? AND realm = ?`

const dropLonelyCodes = `
DELETE FROM recovery_codes WHERE subject = ? AND realm = ? AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.subject = ? AND f.realm = ?)`

const advanceFactor = `
UPDATE factors SET counter = ?, used_at = ?, secret = CASE WHEN CAST(? AS TEXT) = '' THEN secret ELSE ? END
WHERE id = ? AND subject = ? AND realm = ? AND (counter < ? OR kind = 'passkey' AND counter = 0 AND CAST(? AS BIGINT) = 0)`

const dropRecoveryCodes = `DELETE FROM recovery_codes WHERE subject = ? AND realm = ?`

const insertRecoveryCode = `INSERT INTO recovery_codes (digest, realm, subject, used_at) VALUES (?, ?, ?, 0)`

const useRecoveryCode = `UPDATE recovery_codes SET used_at = ? WHERE digest = ? AND subject = ? AND realm = ? AND used_at = 0`

const useRecoveryCodeDone = `WITH done AS (` + useRecoveryCode + ` RETURNING digest)` + auditDone

const insertCeremony = `
INSERT INTO ceremonies (key, realm, subject, purpose, binding, state, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`

const selectCeremony = `SELECT key, realm, subject, purpose, binding, state, expires_at FROM ceremonies WHERE key = ?`

const takeCeremony = `DELETE FROM ceremonies WHERE key = ?`

const forgetTries = `DELETE FROM throttle WHERE key = ?`

// factorColumns are the sealed ones.
func factorColumns() []sealedColumn {
	return []sealedColumn{
		{
			name: "factors.secret", purpose: keys.Factor, place: factorPlace,
			rows: `SELECT id, secret FROM factors WHERE id > ? AND id <= ? AND substr(secret, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM factors WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE factors SET secret = ? WHERE id = ? AND secret = ?`,
			held: `SELECT substr(secret, 4, 16), COUNT(*) FROM factors GROUP BY 1`,
		},
		{
			name: "ceremonies.state", purpose: keys.Factor, place: ceremonyPlace,
			rows: `SELECT key, state FROM ceremonies WHERE key > ? AND key <= ? AND substr(state, 4, 16) <> ? ORDER BY key LIMIT ?`,
			page: `SELECT COALESCE(MAX(key), '') FROM (SELECT key FROM ceremonies WHERE key > ? ORDER BY key LIMIT ?) p`,
			swap: `UPDATE ceremonies SET state = ? WHERE key = ? AND state = ?`,
			held: `SELECT substr(state, 4, 16), COUNT(*) FROM ceremonies GROUP BY 1`,
		},
	}
}

func factorPlace(id string) string    { return "factors|secret|" + id }
func ceremonyPlace(key string) string { return "ceremonies|state|" + key }

// Factors implements factor.Store.
func (d *DB) Factors(ctx context.Context, s factor.Subject) ([]factor.Record, int, error) {
	records, err := list(ctx, d, selectFactors, []any{s.ID, string(s.Realm)}, func(rows *sqlx.Rows, r *factor.Record) error {
		var sealed string
		r.Subject = s
		err := rows.Scan(&r.ID, &r.Kind, &r.Name, &sealed, &r.Handle, &r.Counter, &instant{&r.CreatedAt}, &instant{&r.UsedAt})
		if err == nil {
			r.Secret, err = d.unseal(keys.Factor, factorPlace(r.ID), sealed)
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read factors: %w", err)
	}
	var codes int
	if _, err := d.row(ctx, countRecoveryCodes, []any{s.ID, string(s.Realm)}, &codes); err != nil {
		return nil, 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return records, codes, nil
}

// AddFactor implements factor.Store.
func (d *DB) AddFactor(ctx context.Context, r factor.Record, ev audit.Event) error {
	sealed, err := d.seal(keys.Factor, factorPlace(r.ID), r.Secret)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if r.Subject.Realm == factor.Accounts { // the account's row comes first, as everywhere
			n, err := d.exec(ctx, ageAccount, r.Subject.ID)
			if err != nil {
				return err
			}
			if n == 0 {
				return missing("account")
			}
		}
		_, err := d.exec(ctx, insertFactor, r.ID, string(r.Subject.Realm), r.Subject.ID, string(r.Kind), r.Name, sealed, r.Handle, r.Counter, millis(r.CreatedAt))
		if err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Msg: factor.MsgTaken, Err: err}
	}
	if err != nil {
		return fmt.Errorf("add factor: %w", err)
	}
	return nil
}

// RenameFactor implements factor.Store.
func (d *DB) RenameFactor(ctx context.Context, s factor.Subject, id, name string, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, renameFactorDone, renameFactor, ev, name, clip(id), s.ID, string(s.Realm))
	if err != nil {
		return false, fmt.Errorf("rename factor: %w", err)
	}
	return ok, nil
}

// RemoveFactor implements factor.Store.
func (d *DB) RemoveFactor(ctx context.Context, s factor.Subject, id string, ev audit.Event) (removed bool, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, deleteFactor, clip(id), s.ID, string(s.Realm))
		if removed = n == 1; err != nil || !removed {
			return err
		}
		if _, err := d.exec(ctx, dropLonelyCodes, s.ID, string(s.Realm), s.ID, string(s.Realm)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return false, fmt.Errorf("remove factor: %w", err)
	}
	return removed, nil
}

// AdvanceFactor implements factor.Store.
func (d *DB) AdvanceFactor(ctx context.Context, r factor.Record, counter int64, secret []byte, now time.Time) (bool, error) {
	sealed := ""
	if secret != nil {
		var err error
		if sealed, err = d.seal(keys.Factor, factorPlace(r.ID), secret); err != nil {
			return false, err
		}
	}
	n, err := d.exec(ctx, advanceFactor, counter, millis(now), sealed, sealed, r.ID, r.Subject.ID, string(r.Subject.Realm), counter, counter)
	if err != nil {
		return false, fmt.Errorf("advance factor: %w", err)
	}
	return n == 1, nil
}

// PutRecoveryCodes implements factor.Store.
func (d *DB) PutRecoveryCodes(ctx context.Context, s factor.Subject, digests []string, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, dropRecoveryCodes, s.ID, string(s.Realm)); err != nil {
			return err
		}
		for _, digest := range digests {
			if _, err := d.exec(ctx, insertRecoveryCode, digest, string(s.Realm), s.ID); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put recovery codes: %w", err)
	}
	return nil
}

// UseRecoveryCode implements factor.Store.
func (d *DB) UseRecoveryCode(ctx context.Context, s factor.Subject, digest string, now time.Time, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, useRecoveryCodeDone, useRecoveryCode, ev, millis(now), digest, s.ID, string(s.Realm))
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	return ok, nil
}

// OpenCeremony implements factor.Store.
func (d *DB) OpenCeremony(ctx context.Context, c factor.Ceremony) error {
	sealed, err := d.seal(keys.Factor, ceremonyPlace(c.Key), c.State)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, insertCeremony, c.Key, string(c.Subject.Realm), c.Subject.ID, c.Purpose, c.Binding, sealed, millis(c.ExpiresAt)); err != nil {
		return fmt.Errorf("open ceremony: %w", err)
	}
	return nil
}

// Ceremony implements factor.Store.
func (d *DB) Ceremony(ctx context.Context, key string) (factor.Ceremony, error) {
	var c factor.Ceremony
	var sealed string
	found, err := d.row(ctx, selectCeremony, []any{key}, &c.Key, &c.Subject.Realm, &c.Subject.ID, &c.Purpose, &c.Binding, &sealed, &instant{&c.ExpiresAt})
	if err == nil && !found {
		return factor.Ceremony{}, missing("ceremony")
	}
	if err == nil {
		c.State, err = d.unseal(keys.Factor, ceremonyPlace(key), sealed)
	}
	if err != nil {
		return factor.Ceremony{}, fmt.Errorf("read ceremony: %w", err)
	}
	return c, nil
}

// TakeCeremony implements factor.Store.
func (d *DB) TakeCeremony(ctx context.Context, key string) (bool, error) {
	n, err := d.exec(ctx, takeCeremony, key)
	if err != nil {
		return false, fmt.Errorf("take ceremony: %w", err)
	}
	return n == 1, nil
}

// CountGuess implements factor.Store. It refuses to run within a transaction.
func (d *DB) CountGuess(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error) {
	if d.unit(ctx) != nil {
		return 0, time.Time{}, errors.New("store: a guess is counted outside any transaction, so that no rollback gives it back")
	}
	return d.CountTry(ctx, key, window, now)
}

// ForgetGuesses implements factor.Store.
func (d *DB) ForgetGuesses(ctx context.Context, key string) error {
	if _, err := d.exec(ctx, forgetTries, key); err != nil {
		return fmt.Errorf("forget guesses: %w", err)
	}
	return nil
}
