package store

import (
	"context"
	"fmt"
	"time"
)

// The rows that SweepExpired deletes. A grant without an end is never swept: it
// may be the only proof that a token was revoked. A session stays until its
// absolute end, also when it was ended before.
const (
	sweepGrants = `
DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at > 0 AND expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepInteractions = `
DELETE FROM interactions WHERE key IN (SELECT key FROM interactions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepPushed = `
DELETE FROM pushed_requests WHERE key IN (SELECT key FROM pushed_requests WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepAssertions = `
DELETE FROM assertions WHERE (client_id, jti) IN (SELECT client_id, jti FROM assertions WHERE exp < ? ORDER BY exp LIMIT ?)`

	sweepSessions = `
DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	// Of the sessions that go it is kept when their accounts last signed in.
	lastOf = `
INSERT INTO last_sign_ins AS l (account_id, at)
SELECT account_id, MAX(auth_time) FROM `
	lastOfEach = ` AS over WHERE TRUE GROUP BY account_id ORDER BY account_id
ON CONFLICT (account_id) DO UPDATE SET at = excluded.at WHERE l.at < excluded.at`
	rememberSQLite        = lastOf + `(SELECT account_id, auth_time FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)` + lastOfEach
	sweepSessionsPostgres = `
WITH gone AS (` + sweepSessions + ` RETURNING account_id, auth_time), kept AS (` + lastOf + `gone` + lastOfEach + `)
SELECT COUNT(*) FROM gone`

	sweepThrottle = `
DELETE FROM throttle WHERE key IN (SELECT key FROM throttle WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepDevices = `
DELETE FROM device_requests WHERE key IN (SELECT key FROM device_requests WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepFlows = `
DELETE FROM recovery_flows WHERE key IN (SELECT key FROM recovery_flows WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepAppeals = `
DELETE FROM appeals WHERE id IN (SELECT id FROM appeals WHERE NOT open AND keep_until < ? ORDER BY keep_until LIMIT ?)`

	sweepHolds = `
DELETE FROM holds WHERE account_id IN (SELECT account_id FROM holds WHERE until_at < ? ORDER BY until_at LIMIT ?)`
	sweepCeremonies = `
DELETE FROM ceremonies WHERE key IN (SELECT key FROM ceremonies WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepSignUps = `
DELETE FROM signup_flows WHERE key IN (SELECT key FROM signup_flows WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepDeskSessions = `
DELETE FROM operator_sessions WHERE key IN (SELECT key FROM operator_sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	// The trail says what was proposed and decided.
	sweepProposals = `
DELETE FROM proposals WHERE id IN (SELECT id FROM proposals WHERE until_at < ? ORDER BY until_at LIMIT ?)`

	sweepErrands = `
DELETE FROM errands WHERE id IN (SELECT id FROM errands WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepSpokenFor = `
DELETE FROM spoken_for WHERE (client_id, subject) IN (SELECT client_id, subject FROM spoken_for WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepSignIns = `
DELETE FROM sign_in_counts WHERE (minute, network) IN (SELECT minute, network FROM sign_in_counts WHERE minute < ? ORDER BY minute LIMIT ?)`

	sweepMessages = `
DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepCaptchas = `
DELETE FROM spent_captchas WHERE key IN (SELECT key FROM spent_captchas WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepCodes = `
DELETE FROM one_time_codes WHERE slot IN (SELECT slot FROM one_time_codes WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

	sweepTallies = `
DELETE FROM send_tallies WHERE key IN (SELECT key FROM send_tallies WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`
)

// A grant whose code was never spent is over with the code, however long its
// tokens would have lived. The sweep goes along code_exp, limit grants at a
// time, and remembers how far it came.
const (
	unspentSweptPostgres = `SELECT n FROM counters WHERE name = 'unspent_grants' FOR UPDATE SKIP LOCKED`

	unspentSweptSQLite = `SELECT n FROM counters WHERE name = 'unspent_grants'`

	unspentReach = `
SELECT code_exp FROM grants WHERE code_exp > ? AND code_exp < ? ORDER BY code_exp LIMIT 1 OFFSET ?`

	sweepUnspent = `DELETE FROM grants WHERE code_exp > ? AND code_exp <= ? AND state = 0`

	keepUnspentSwept = `UPDATE counters SET n = ? WHERE name = 'unspent_grants'`
)

// overdue is how long what waits for a browser stays when its time is over:
// nothing of it can be replayed.
const overdue = time.Minute

// keptProposals is how long what was decided stays on the page of approvals.
const keptProposals = 90 * 24 * time.Hour

// SweepExpired implements token.Store. Each kind is a statement of its own, so
// that a sweep holds few locks for a short time; call it again while it gives
// limit or more. Parked and pushed requests go a minute after their end also
// when before is longer ago.
func (d *DB) SweepExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	soon := d.Now().Add(-overdue)
	if soon.Before(before) {
		soon = before
	}
	total, err := d.sweepSessions(ctx, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	for _, kind := range []struct {
		query  string
		before time.Time
	}{
		{sweepGrants, before}, {sweepInteractions, soon}, {sweepPushed, soon}, {sweepAssertions, before},
		{sweepThrottle, before}, {sweepDevices, soon}, {sweepSpokenFor, before},
		{sweepFlows, soon}, {sweepAppeals, before}, {sweepHolds, before},
		{sweepMessages, before}, {sweepCaptchas, soon}, {sweepCodes, soon}, {sweepTallies, before}, {sweepSignIns, before},
		{sweepCeremonies, soon},
		{sweepSignUps, soon},
		{sweepErrands, before}, {sweepDeskSessions, before}, {sweepProposals, before.Add(-keptProposals)},
		{sweepDiagnoses, before},
		{sweepDeeds, before}, {sweepDeliveries, before},
	} {
		n, err := d.exec(ctx, kind.query, millis(kind.before), limit)
		if err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
		total += int(n)
	}
	n, err := d.lapseAppeals(ctx, before, limit)
	if err != nil {
		return total, fmt.Errorf("sweep: %w", err)
	}
	total += n
	for more, looked := true, 0; more && looked < unspentSteps; looked++ {
		n, again, err := d.sweepUnspent(ctx, before, limit)
		if err != nil {
			return total, fmt.Errorf("sweep unspent grants: %w", err)
		}
		total += int(n)
		more = again && n < int64(limit)
	}
	return total, nil
}

// sweepSessions deletes sessions and keeps their accounts' last sign-ins.
func (d *DB) sweepSessions(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if d.postgres {
		_, err = d.returning(ctx, sweepSessionsPostgres, []any{millis(before), limit}, &n)
		return n, err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, rememberSQLite, millis(before), limit); err != nil {
			return err
		}
		gone, err := d.exec(ctx, sweepSessions, millis(before), limit)
		n = int(gone)
		return err
	})
	return n, err
}

// unspentSteps bounds how many times limit grants one sweep looks at; spent
// ones are passed over.
const unspentSteps = 100

// sweepUnspent looks at the next limit grants and deletes the unspent ones; it
// tells whether there are more to look at.
func (d *DB) sweepUnspent(ctx context.Context, before time.Time, limit int) (n int64, more bool, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		n, more = 0, false
		var swept int64
		mine, err := d.returning(ctx, d.pick(unspentSweptPostgres, unspentSweptSQLite), nil, &swept)
		if err != nil || !mine { // another process is at it
			return err
		}
		reach := millis(before) - 1
		if more, err = d.returning(ctx, unspentReach, []any{swept, millis(before), limit - 1}, &reach); err != nil || reach <= swept {
			return err
		}
		if n, err = d.exec(ctx, sweepUnspent, swept, reach); err != nil {
			return err
		}
		_, err = d.exec(ctx, keepUnspentSwept, reach)
		return err
	})
	return n, more, err
}
