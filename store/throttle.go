package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/credential"
)

// reservePostgres is credential.Count in one statement. seen locks the pair's
// counter if there is one and reads its latest value; ok is there if both
// counters have room. What is not locked yet may change meanwhile: the conditions
// stand again in both upserts, whose conflicts serialise all guesses. The pair's
// row always comes before the account's, also if it has to be made first, so that
// no two wait for each other; for that reason the account's is only read at the
// start. When the account's last guess is taken just then, the pair has counted
// one that is refused.
const reservePostgres = `
WITH given AS (
    SELECT CAST(? AS TEXT) AS pair, CAST(? AS TEXT) AS acct, CAST(? AS BIGINT) AS now, CAST(? AS BIGINT) AS lock_for,
        CAST(? AS BIGINT) AS pair_limit, CAST(? AS BIGINT) AS acct_limit, CAST(? AS BIGINT) AS first_until,
        CAST(? AS BIGINT) AS many, CAST(? AS BIGINT) AS keep_few, CAST(? AS BIGINT) AS keep_many
), seen AS (
    SELECT n, last_at FROM throttle WHERE key = ? FOR UPDATE
), seen_acct AS (
    SELECT n, last_at, expires_at FROM throttle WHERE key = ?
), held AS (
    SELECT COALESCE((SELECT n FROM seen WHERE given.now < seen.last_at + given.lock_for), 0) AS pair_n,
        CASE WHEN EXISTS (SELECT 1 FROM seen_acct AS a WHERE a.n >= given.acct_limit AND given.now < a.expires_at)
            THEN 1 ELSE given.pair_limit END AS allowance
    FROM given
), ok AS (
    SELECT given.*, held.allowance FROM given, held WHERE held.pair_n < held.allowance
), pair AS (
    INSERT INTO throttle AS t (key, n, last_at, expires_at) SELECT pair, 1, now, now + lock_for FROM ok
    ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at, expires_at = excluded.expires_at,
        n = CASE WHEN excluded.last_at >= t.last_at + (SELECT lock_for FROM ok) THEN 1 ELSE t.n + 1 END
    WHERE t.n < (SELECT allowance FROM ok) OR excluded.last_at >= t.last_at + (SELECT lock_for FROM ok)
    RETURNING n
), acct AS (
    INSERT INTO throttle AS t (key, n, last_at, expires_at) SELECT ok.acct, 1, ok.now, ok.first_until FROM ok, pair
    ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at,
        n = CASE WHEN excluded.last_at >= t.expires_at THEN 1 ELSE LEAST(t.n + 1, (SELECT acct_limit FROM ok)) END,
        expires_at = CASE WHEN excluded.last_at >= t.expires_at THEN excluded.expires_at
            WHEN t.n + 1 < (SELECT many FROM ok) THEN excluded.last_at + (SELECT keep_few FROM ok)
            ELSE excluded.last_at + (SELECT keep_many FROM ok) END
    WHERE t.n < (SELECT acct_limit FROM ok) OR excluded.last_at >= t.expires_at OR (SELECT n FROM pair) = 1
    RETURNING n
)
SELECT (SELECT n FROM pair), (SELECT n FROM acct),
    COALESCE((SELECT n FROM seen), 0), COALESCE((SELECT last_at FROM seen), 0),
    COALESCE((SELECT n FROM seen_acct), 0), COALESCE((SELECT last_at FROM seen_acct), 0)`

const selectTallies = `SELECT key, n, last_at FROM throttle WHERE key IN (?, ?)`

const putTally = `
INSERT INTO throttle (key, n, last_at, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET n = excluded.n, last_at = excluded.last_at, expires_at = excluded.expires_at`

const refundPostgres = `
WITH seen AS (
    SELECT key FROM throttle WHERE key IN (?, ?) ORDER BY CASE WHEN key = ? THEN 0 ELSE 1 END FOR UPDATE
)
DELETE FROM throttle USING seen WHERE throttle.key = seen.key`

const returnPostgres = `
WITH seen AS (
    SELECT key FROM throttle WHERE key IN (?, ?) ORDER BY CASE WHEN key = ? THEN 0 ELSE 1 END FOR UPDATE
)
UPDATE throttle SET n = throttle.n - 1 FROM seen WHERE throttle.key = seen.key AND throttle.n > 0`

const returnSQLite = `UPDATE throttle SET n = n - 1 WHERE key IN (?, ?) AND n > 0`

const refundSQLite = `DELETE FROM throttle WHERE key IN (?, ?)`

// Reserve implements credential.Store. It refuses to run within a transaction:
// a second connection could be one too many for the pool, and on SQLite there
// is none.
func (d *DB) Reserve(ctx context.Context, k credential.Keys, limits credential.Limits, now time.Time) (credential.Standing, error) {
	if d.unit(ctx) != nil {
		return credential.Standing{}, errors.New("store: a guess is reserved outside any transaction, so that no rollback gives it back")
	}
	limits = limits.OrDefault()
	reserve := d.reserveSQLite
	if d.postgres {
		reserve = d.reservePostgres
	}
	s, err := reserve(ctx, k, limits, now)
	if err != nil {
		return credential.Standing{}, fmt.Errorf("reserve: %w", err)
	}
	return s, nil
}

func (d *DB) reservePostgres(ctx context.Context, k credential.Keys, l credential.Limits, now time.Time) (credential.Standing, error) {
	args := []any{k.Pair, k.Account, millis(now), l.LockFor.Milliseconds(), l.PairLimit, l.AccountLimit, millis(now.Add(l.Kept(1))),
		l.Many(), credential.RememberFew.Milliseconds(), credential.Remember.Milliseconds(), k.Pair, k.Account}
	var pair, acct sql.NullInt64
	var seenPair, seenAcct credential.Tally
	dest := []any{&pair, &acct, &seenPair.Failures, &instant{&seenPair.LastAt}, &seenAcct.Failures, &instant{&seenAcct.LastAt}}
	if _, err := d.returning(ctx, reservePostgres, args, dest...); err != nil {
		return credential.Standing{}, err
	}
	locked := now.Add(l.LockFor)
	switch {
	case pair.Valid && acct.Valid:
		s := credential.Standing{PairFailures: int(pair.Int64), AccountFailures: int(acct.Int64)}
		if s.PairFailures >= l.Allowance(s.AccountFailures) {
			s.LockedUntil = locked
		}
		return s, nil
	case pair.Valid: // the account's first guesses raced and others took all
		return credential.Standing{PairFailures: int(pair.Int64), AccountFailures: l.AccountLimit + 1, LockedUntil: locked}, nil
	}
	_, left, s := credential.Count(seenPair, seenAcct, l, now)
	switch {
	case !s.Allowed(l):
		return s, nil
	case seenAcct.Failures >= l.AccountLimit && left.Failures >= l.AccountLimit: // the pair's first guess raced and another took it
		return credential.Standing{PairFailures: 1, AccountFailures: l.AccountLimit + 1, LockedUntil: locked}, nil
	}
	// The pair's first guesses raced and others took all.
	return credential.Standing{PairFailures: l.PairLimit + 1, AccountFailures: left.Failures - 1, LockedUntil: locked}, nil
}

func (d *DB) reserveSQLite(ctx context.Context, k credential.Keys, l credential.Limits, now time.Time) (s credential.Standing, err error) {
	type tally struct {
		key string
		credential.Tally
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		seen, err := returned(ctx, d, selectTallies, []any{k.Pair, k.Account}, func(rows *sqlx.Rows, t *tally) error {
			return rows.Scan(&t.key, &t.Failures, &instant{&t.LastAt})
		})
		if err != nil {
			return err
		}
		var pair, acct credential.Tally
		for _, t := range seen {
			if t.key == k.Pair {
				pair = t.Tally
			} else {
				acct = t.Tally
			}
		}
		pair, acct, s = credential.Count(pair, acct, l, now)
		if !s.Allowed(l) {
			return nil
		}
		if _, err := d.exec(ctx, putTally, k.Pair, pair.Failures, millis(now), millis(now.Add(l.LockFor))); err != nil {
			return err
		}
		_, err = d.exec(ctx, putTally, k.Account, acct.Failures, millis(now), millis(now.Add(l.Kept(acct.Failures))))
		return err
	})
	return s, err
}

// Refund implements credential.Store.
func (d *DB) Refund(ctx context.Context, k credential.Keys, _ time.Time) error {
	var err error
	if d.postgres {
		_, err = d.exec(ctx, refundPostgres, k.Pair, k.Account, k.Pair)
	} else {
		_, err = d.exec(ctx, refundSQLite, k.Pair, k.Account)
	}
	if err != nil {
		return fmt.Errorf("refund: %w", err)
	}
	return nil
}

// Return implements credential.Store. The counters are locked in the order of
// Reserve.
func (d *DB) Return(ctx context.Context, k credential.Keys, _ time.Time) error {
	if d.unit(ctx) != nil {
		return errWithin
	}
	var err error
	if d.postgres {
		_, err = d.exec(ctx, returnPostgres, k.Pair, k.Account, k.Pair)
	} else {
		_, err = d.exec(ctx, returnSQLite, k.Pair, k.Account)
	}
	if err != nil {
		return fmt.Errorf("return a guess: %w", err)
	}
	return nil
}
