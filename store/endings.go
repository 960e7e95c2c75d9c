package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/holder"
	"kejitong/provider/session"
)

const (
	beginEnding = `INSERT INTO endings (account_id, asked_at, due_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

	selectEnding = `SELECT account_id, asked_at, due_at FROM endings WHERE account_id = ?`

	dropEnding = `DELETE FROM endings WHERE account_id = ? AND asked_at = ?`

	dueEndings = `SELECT account_id, asked_at, due_at FROM endings WHERE due_at <= ? ORDER BY due_at, account_id LIMIT ?`

	returnedEndings = `
SELECT e.account_id, e.asked_at, e.due_at FROM endings e JOIN accounts a ON a.id = e.account_id
WHERE a.state = 'active' AND EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = e.account_id AND s.created_at > e.asked_at)
ORDER BY e.account_id LIMIT ?`

	signedInSince = `SELECT COUNT(*) FROM sessions WHERE account_id = ? AND created_at > ?`

	// The login name stays as the key alone, so that nobody is given it.
	closeAccount = `
UPDATE accounts SET state = 'closed', login_name = '', unit_id = '', realname_status = 'unverified', realname_level = 'L0', realname_method = '',
    realname_verified_at = 0, process_id = '', check_id = '', check_organization = '', profile = ?, locale = '', updated_at = ?,
    version = version + 1
WHERE id = ? AND state <> 'closed'`

	releaseLogins = `
UPDATE accounts SET login_key = 'closed|' || id, version = version + 1
WHERE state = 'closed' AND updated_at < ? AND login_key NOT LIKE 'closed|%'`

	freeUnit = `UPDATE units SET account_id = '' WHERE account_id = ?`

	unitOf = `SELECT id FROM units WHERE account_id = ?`

	openMandatesOf = `SELECT ` + mandateColumns + ` FROM mandates WHERE account_id = ? AND state IN ('active', 'pending', 'suspended') ORDER BY id`

	openGrantsOf = `SELECT ` + rightColumns + ` FROM entitlements WHERE account_id = ? AND state IN ('active', 'pending', 'suspended') ORDER BY id`

	endActing = `UPDATE grants SET state = 2 WHERE actor_id = ? AND actor_id <> '' AND state <> 2 RETURNING client_id, session_id`

	actingSessions = `SELECT id FROM sessions WHERE actor_id = ? AND actor_id <> '' AND ended_at = 0`
)

// erasures are the tables that hold something of an account and what becomes of
// it when the account is closed for good. TestEverythingOfAClosedAccountGoes holds
// them against the schema.
func erasures() []string {
	return []string{
		`DELETE FROM credentials WHERE account_id = ?`,
		`DELETE FROM integrator_members WHERE account_id = ?`,
		`DELETE FROM integrator_persons WHERE account_id = ?`,
		`UPDATE integrator_projects SET form = CASE WHEN unit_id = '' THEN '' ELSE form END, person_id = '' WHERE person_id = ?`,
		`DELETE FROM consents WHERE account_id = ?`,
		`DELETE FROM entry_confirmations WHERE account_id = ?`,
		`DELETE FROM entry_requests WHERE account_id = ?`,
		`DELETE FROM account_lookups WHERE account_id = ?`,
		`DELETE FROM proved_documents WHERE account_id = ?`,
		`DELETE FROM errands WHERE account_id = ?`,
		`DELETE FROM endings WHERE account_id = ?`,
		`DELETE FROM account_uses WHERE account_id = ?`,
		`DELETE FROM last_sign_ins WHERE account_id = ?`,
		`DELETE FROM holds WHERE account_id = ?`,
		`DELETE FROM recovery_flows WHERE account_id = ?`,
		`DELETE FROM appeals WHERE account_id = ? AND NOT open`,
		// Nobody gets this account back any more; its login name somebody may.
		`UPDATE document_cases SET closed_at = 1, erase_at = 1 WHERE closed_at = 0 AND id IN (
		    SELECT p.id FROM appeals p WHERE p.account_id = ? AND p.kind IN ('person', 'unit', 'person_factor', 'unit_factor'))`,
		`UPDATE appeals SET state = 'expired', open = FALSE, version = version + 1
		    WHERE account_id = ? AND open AND kind IN ('person', 'unit', 'person_factor', 'unit_factor')`,
		`DELETE FROM agreements WHERE account_id = ?`,
		`DELETE FROM webhook_deliveries WHERE account_id = ?`,
		// The keys of documents are destroyed by the round that erases closed cases.
		`UPDATE document_cases SET closed_at = 1, erase_at = 1 WHERE id IN (SELECT d.case_id FROM documents d WHERE d.owner = ?)`,
		`UPDATE torch_records SET record = '', profile = '', legacy = '' WHERE account_id = ? AND decided_at > 0`,
		`DELETE FROM realname_cases WHERE account_id = ?`,
		`DELETE FROM mandate_invitations WHERE person_id = ?`,
		`DELETE FROM factors WHERE subject = ? AND realm = 'account'`,
		`DELETE FROM recovery_codes WHERE subject = ? AND realm = 'account'`,
		`DELETE FROM ceremonies WHERE subject = ? AND realm = 'account'`,
	}
}

// BeginEnding implements holder.Store.
func (d *DB) BeginEnding(ctx context.Context, e holder.Ending) (bool, error) {
	return d.won(ctx, "begin a closing", beginEnding, string(e.Account), millis(e.AskedAt), millis(e.DueAt))
}

func scanEnding(rows *sqlx.Rows, e *holder.Ending) error {
	return rows.Scan(&e.Account, &instant{&e.AskedAt}, &instant{&e.DueAt})
}

// Ending implements holder.Store.
func (d *DB) Ending(ctx context.Context, id account.ID) (holder.Ending, error) {
	var e holder.Ending
	found, err := d.row(ctx, selectEnding, []any{string(id)}, &e.Account, &instant{&e.AskedAt}, &instant{&e.DueAt})
	if err != nil {
		return holder.Ending{}, fmt.Errorf("read closing: %w", err)
	}
	if !found {
		return holder.Ending{}, missing("closing")
	}
	return e, nil
}

// DropEnding implements holder.Store.
func (d *DB) DropEnding(ctx context.Context, e holder.Ending) (bool, error) {
	return d.won(ctx, "end a closing", dropEnding, string(e.Account), millis(e.AskedAt))
}

// DueEndings implements holder.Store.
func (d *DB) DueEndings(ctx context.Context, now time.Time, limit int) ([]holder.Ending, error) {
	return list(ctx, d, dueEndings, []any{millis(now), limit}, scanEnding)
}

// Returned implements holder.Store.
func (d *DB) Returned(ctx context.Context, limit int) ([]holder.Ending, error) {
	return list(ctx, d, returnedEndings, []any{limit}, scanEnding)
}

// SignedInSince implements holder.Store.
func (d *DB) SignedInSince(ctx context.Context, id account.ID, t time.Time) (bool, error) {
	var n int64
	if _, err := d.row(ctx, signedInSince, []any{string(id), millis(t)}, &n); err != nil {
		return false, fmt.Errorf("look for sign-ins: %w", err)
	}
	return n > 0, nil
}

// EraseAccount implements holder.Store.
func (d *DB) EraseAccount(ctx context.Context, a account.Account, now time.Time, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		nothing, err := d.sealProfile(account.Account{ID: a.ID})
		if err != nil {
			return err
		}
		closed, err := d.won(ctx, "close", closeAccount, nothing, millis(now), string(a.ID))
		if err != nil {
			return err
		}
		if !closed {
			return missing("account")
		}
		if err := d.endAll(ctx, a.ID, now, ev); err != nil {
			return err
		}
		if err := d.leaveUnit(ctx, a.ID, now); err != nil {
			return err
		}
		if err := d.revokeThese(ctx, openMandatesOf, openGrantsOf, string(a.ID), now, audit.Event{Actor: ev.Actor, Detail: "account closed"}); err != nil {
			return err
		}
		for _, query := range erasures() {
			if _, err := d.exec(ctx, query, string(a.ID)); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("erase account: %w", err)
	}
	return nil
}

// endAll ends every session and every token of an account, those too in which it
// acts for a unit's account.
func (d *DB) endAll(ctx context.Context, id account.ID, now time.Time, ev audit.Event) error {
	ended := ev
	ended.Kind, ended.Object = audit.SessionEnded, ""
	if _, err := d.EndSessions(ctx, session.Which{Account: id}, now, ended); err != nil {
		return err
	}
	if err := d.endThose(ctx, actingSessions, []any{string(id)}, now, ev); err != nil {
		return err
	}
	if _, err := d.endTokens(ctx, id, endActing, []any{string(id)}, now); err != nil {
		return err
	}
	return d.EndGrants(ctx, id, now)
}

// endThose ends the sessions that a query gives the ids of.
func (d *DB) endThose(ctx context.Context, query string, args []any, now time.Time, why audit.Event) error {
	why.Kind, why.Object = audit.SessionEnded, ""
	acting, err := list(ctx, d, query, args, func(rows *sqlx.Rows, s *string) error { return rows.Scan(s) })
	if err != nil {
		return err
	}
	for _, s := range acting {
		if _, err := d.EndSessions(ctx, session.Which{ID: s}, now, why); err != nil {
			return err
		}
	}
	return nil
}

// leaveUnit frees the unit of a legal account. Without one nobody rules over those
// who act for the unit, so they do so no more.
func (d *DB) leaveUnit(ctx context.Context, id account.ID, now time.Time) error {
	var unitID string
	found, err := d.row(ctx, unitOf, []any{string(id)}, &unitID)
	if err != nil || !found {
		return err
	}
	if err := d.endForEverybody(ctx, unitID, now); err != nil {
		return err
	}
	_, err = d.exec(ctx, freeUnit, string(id))
	return err
}

const (
	openMandatesFor = `SELECT ` + mandateColumns + ` FROM mandates WHERE unit_id = ? AND state IN ('active', 'pending', 'suspended') ORDER BY id`

	openGrantsFor = `
SELECT ` + rightColumns + ` FROM entitlements
WHERE unit_id = ? AND unit_id <> '' AND state IN ('active', 'pending', 'suspended') ORDER BY id`
)

// endForEverybody takes a unit from all who act for it, with their tokens.
func (d *DB) endForEverybody(ctx context.Context, unitID string, now time.Time) error {
	if _, err := d.exec(ctx, closeInvitations, millis(now), unitID); err != nil {
		return err
	}
	return d.revokeThese(ctx, openMandatesFor, openGrantsFor, unitID, now, audit.Event{Actor: "system", Detail: "unit ended"})
}

// revokeMandates is revokeThese for mandates alone.
func (d *DB) revokeMandates(ctx context.Context, mandates, key string, now time.Time, why audit.Event) error {
	held, err := returned(ctx, d, d.pick(mandates+locked, mandates), []any{key}, d.mandateRow)
	if err != nil {
		return err
	}
	for _, old := range held {
		next := old
		next.State, next.Until = entitlement.Revoked, now
		if err := d.keepMandate(ctx, old, next, why); err != nil {
			return err
		}
	}
	return nil
}

// revokeThese revokes the mandates and grants that two queries give for key, and
// ends the tokens that say anything of them.
func (d *DB) revokeThese(ctx context.Context, mandates, grants, key string, now time.Time, why audit.Event) error {
	if err := d.revokeMandates(ctx, mandates, key, now, why); err != nil {
		return err
	}
	rights, err := returned(ctx, d, d.pick(grants+locked, grants), []any{key}, d.rightRow)
	if err != nil {
		return err
	}
	for _, old := range rights {
		next := old
		next.State, next.Until = entitlement.Revoked, now
		if err := d.writeGrant(ctx, old, next, why); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseLogins implements holder.Store.
func (d *DB) ReleaseLogins(ctx context.Context, t time.Time) (int, error) {
	n, err := d.exec(ctx, releaseLogins, millis(t))
	if err != nil {
		return 0, fmt.Errorf("release login names: %w", err)
	}
	return int(n), nil
}

// Erasures gives the statements that take away what a closed account leaves.
func Erasures() []string { return erasures() }
