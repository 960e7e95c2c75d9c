package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/session"
)

var _ session.Store = (*DB)(nil)

// A session that is to begin only for the account as it was proved names it
// first. On PostgreSQL the account's row is held meanwhile: who resets a
// password or freezes changes that row before ending the sessions, and so either
// finds this session or is seen here.
const (
	proved        = `WITH owner AS (SELECT id FROM accounts WHERE id = ? AND version = ? AND state = 'active'`
	provedHere    = proved + `)`
	provedAndHeld = proved + ` FOR SHARE)`
)

const insertInto = `
INSERT INTO sessions (key, id, account_id, actor_id, unit_id, auth_time, amr, acr, factor_at, created_at, seen_at, expires_at,
    ended_at, shared, strange, ip, user_agent)`

const (
	insertSession      = insertInto + ` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`
	insertProved       = insertInto + ` SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ? FROM owner`
	insertSessionDone  = `WITH done AS (` + insertSession + ` RETURNING id)` + auditDone
	insertProvedDone   = provedAndHeld + `, done AS (` + insertProved + ` RETURNING id)` + auditDone
	insertProvedSQLite = provedHere + insertProved
)

// renewSession gives a living session of the same account a new key: the old
// cookie is worth nothing from now on, the id, the creation time and the unit
// stay.
const renewSession = `
UPDATE sessions SET key = ?, actor_id = ?, auth_time = ?, amr = ?, acr = ?, factor_at = ?, seen_at = ?, expires_at = ?, shared = ?, ip = ?,
    user_agent = ?
WHERE key = ? AND account_id = ? AND ended_at = 0 AND expires_at > ?`

const (
	renewed         = ` RETURNING id, unit_id, created_at`
	ofOwner         = ` AND account_id IN (SELECT id FROM owner)`
	renewDone       = `), audited AS (` + auditDone + `) SELECT id, unit_id, created_at FROM done`
	renewPlain      = renewSession + renewed
	renewPlainDone  = `WITH done AS (` + renewSession + renewed + renewDone
	renewProved     = provedHere + renewSession + ofOwner + renewed
	renewProvedDone = provedAndHeld + `, done AS (` + renewSession + ofOwner + renewed + renewDone
)

const touchSession = `UPDATE sessions SET seen_at = ? WHERE key = ? AND ended_at = 0 AND seen_at < ?`

const chooseUnit = `UPDATE sessions SET unit_id = ? WHERE key = ? AND ended_at = 0`

// StartSession implements session.Store.
func (d *DB) StartSession(ctx context.Context, s session.Session, replaced string, ev audit.Event) (session.Session, error) {
	if replaced == "" {
		return s, d.insertSession(ctx, s, ev)
	}
	renewed, err := d.renewSession(ctx, &s, replaced, ev)
	if err != nil || renewed {
		return s, err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		// The account comes before the sessions, as everywhere.
		if err := d.insertSession(ctx, s, ev); err != nil {
			return err
		}
		ended := ev
		ended.Kind, ended.Actor, ended.Detail = audit.SessionEnded, "", "replaced"
		over, err := d.EndSessions(ctx, session.Which{Key: replaced}, s.CreatedAt, ended)
		if s.Replaced = nil; len(over) > 0 {
			s.Replaced = &over[0]
		}
		return err
	})
	return s, err
}

func (d *DB) insertSession(ctx context.Context, s session.Session, ev audit.Event) error {
	onPostgres, onSQLite := insertSessionDone, insertSession
	var args []any
	if s.Proved != 0 {
		onPostgres, onSQLite = insertProvedDone, insertProvedSQLite
		args = append(args, string(s.Account), s.Proved)
	}
	args = append(args, s.Key, s.ID, string(s.Account), string(s.Actor), s.UnitID, millis(s.AuthTime),
		encoded(s.AMR), s.ACR, millis(s.FactorAt), millis(s.CreatedAt), millis(s.SeenAt), millis(s.ExpiresAt), s.Shared, s.Strange, clip(s.IP), clip(s.UserAgent))
	began, err := d.deed(ctx, onPostgres, onSQLite, ev, args...)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	if !began {
		return fault.New(fault.Unproven, "the account changed meanwhile")
	}
	return nil
}

// renewSession moves the session replaced under s.Key if it lives and belongs
// to the same account; s then holds its id, creation time and unit.
func (d *DB) renewSession(ctx context.Context, s *session.Session, replaced string, ev audit.Event) (bool, error) {
	onPostgres, onSQLite := renewPlainDone, renewPlain
	var args []any
	if s.Proved != 0 {
		onPostgres, onSQLite = renewProvedDone, renewProved
		args = append(args, string(s.Account), s.Proved)
	}
	args = append(args, s.Key, string(s.Actor), millis(s.AuthTime), encoded(s.AMR), s.ACR, millis(s.FactorAt), millis(s.SeenAt), millis(s.ExpiresAt), s.Shared,
		clip(s.IP), clip(s.UserAgent), replaced, string(s.Account), millis(s.CreatedAt))
	dest := []any{&s.ID, &s.UnitID, &instant{&s.CreatedAt}}
	if d.postgres {
		found, err := d.returning(ctx, onPostgres, append(args, d.auditArgs(ctx, ev)...), dest...)
		if err != nil {
			return false, fmt.Errorf("renew session: %w", err)
		}
		return found, nil
	}
	var found bool
	err := d.InTx(ctx, func(ctx context.Context) (err error) {
		if found, err = d.returning(ctx, onSQLite, args, dest...); err != nil || !found {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return false, fmt.Errorf("renew session: %w", err)
	}
	return found, nil
}

// RaiseSession implements session.Store.
func (d *DB) RaiseSession(ctx context.Context, s session.Session, replaced string, ev audit.Event) (session.Session, error) {
	s.CreatedAt = s.SeenAt // the moment at which it must live
	renewed, err := d.renewSession(ctx, &s, replaced, ev)
	if err == nil && !renewed {
		err = fault.New(fault.Gone, "the session is over")
	}
	return s, err
}

const sessionsOf = `SELECT ` + sessionColumns + ` FROM sessions s WHERE s.account_id = ? AND s.ended_at = 0 AND s.expires_at > ? ORDER BY s.seen_at DESC, s.id`

// SessionsOf implements session.Store.
func (d *DB) SessionsOf(ctx context.Context, id account.ID, now time.Time) ([]session.Session, error) {
	found, err := list(ctx, d, sessionsOf, []any{string(id), millis(now)}, func(rows *sqlx.Rows, s *session.Session) error {
		return rows.Scan(sessionDest(s)...)
	})
	if err != nil {
		return nil, fmt.Errorf("sessions of an account: %w", err)
	}
	return found, nil
}

// sessionDest is where sessionColumns are read to.
func sessionDest(s *session.Session) []any {
	return []any{&s.Key, &s.ID, &s.Account, &s.Actor, &s.UnitID, &instant{&s.AuthTime}, &document{&s.AMR}, &s.ACR, &instant{&s.FactorAt},
		&instant{&s.CreatedAt}, &instant{&s.SeenAt}, &instant{&s.ExpiresAt}, &instant{&s.EndedAt}, &s.Shared, &s.IP, &s.UserAgent}
}

// TouchSession implements session.Store.
func (d *DB) TouchSession(ctx context.Context, key string, now time.Time) error {
	if _, err := d.exec(ctx, touchSession, millis(now), key, millis(now)); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// ChooseUnit implements session.Store; fault.Gone if the session is over.
func (d *DB) ChooseUnit(ctx context.Context, key, unitID string) error {
	n, err := d.exec(ctx, chooseUnit, unitID, key)
	if err != nil {
		return fmt.Errorf("choose unit: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Gone, "the session is over")
	}
	return nil
}
