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

// accountTally is how long an account's guesses are remembered after the last
// one; a pair's are void after the lock.
const accountTally = 400 * 24 * time.Hour

// reservePostgres is credential.Count in one statement. seen locks the counters
// that exist and reads their latest values; ok is there if both have room.
// Counters that do not exist yet cannot be locked: the conditions stand again
// in both upserts, whose conflicts serialise the first guesses of all. The
// pair's row always comes before the account's, so that no two wait for each
// other.
const reservePostgres = `
WITH given AS (
    SELECT CAST(? AS TEXT) AS pair, CAST(? AS TEXT) AS acct, CAST(? AS BIGINT) AS now, CAST(? AS BIGINT) AS lock_for,
        CAST(? AS BIGINT) AS pair_limit, CAST(? AS BIGINT) AS acct_limit, CAST(? AS BIGINT) AS pair_until, CAST(? AS BIGINT) AS acct_until
), seen AS (
    SELECT key, n, last_at FROM throttle WHERE key IN (?, ?) ORDER BY CASE WHEN key = ? THEN 0 ELSE 1 END FOR UPDATE
), ok AS (
    SELECT pair, acct, now, lock_for, pair_limit, acct_limit, pair_until, acct_until FROM given
    WHERE NOT EXISTS (SELECT 1 FROM seen WHERE seen.key = given.pair AND seen.n >= given.pair_limit AND given.now < seen.last_at + given.lock_for)
    AND NOT EXISTS (SELECT 1 FROM seen WHERE seen.key = given.acct AND seen.n >= given.acct_limit)
), pair AS (
    INSERT INTO throttle AS t (key, n, last_at, expires_at) SELECT pair, 1, now, pair_until FROM ok
    ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at, expires_at = excluded.expires_at,
        n = CASE WHEN excluded.last_at >= t.last_at + ? THEN 1 ELSE t.n + 1 END
    WHERE t.n < ? OR excluded.last_at >= t.last_at + ?
    RETURNING n
), acct AS (
    INSERT INTO throttle AS t (key, n, last_at, expires_at) SELECT ok.acct, 1, ok.now, ok.acct_until FROM ok, pair
    ON CONFLICT (key) DO UPDATE SET n = t.n + 1, last_at = excluded.last_at, expires_at = excluded.expires_at
    WHERE t.n < ?
    RETURNING n
)
SELECT (SELECT n FROM pair), (SELECT n FROM acct),
    COALESCE((SELECT n FROM seen WHERE seen.key = given.pair), 0), COALESCE((SELECT last_at FROM seen WHERE seen.key = given.pair), 0),
    COALESCE((SELECT n FROM seen WHERE seen.key = given.acct), 0)
FROM given`

const selectTallies = `SELECT key, n, last_at FROM throttle WHERE key IN (?, ?)`

const putTally = `
INSERT INTO throttle (key, n, last_at, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET n = excluded.n, last_at = excluded.last_at, expires_at = excluded.expires_at`

const refundPostgres = `
WITH seen AS (
    SELECT key FROM throttle WHERE key IN (?, ?) ORDER BY CASE WHEN key = ? THEN 0 ELSE 1 END FOR UPDATE
)
DELETE FROM throttle USING seen WHERE throttle.key = seen.key`

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
	lock := l.LockFor.Milliseconds()
	args := []any{k.Pair, k.Account, millis(now), lock, l.PairLimit, l.AccountLimit, millis(now.Add(l.LockFor)), millis(now.Add(accountTally)),
		k.Pair, k.Account, k.Pair, lock, l.PairLimit, lock, l.AccountLimit}
	var pair, acct sql.NullInt64
	var seenPair, seenAcct credential.Tally
	if _, err := d.returning(ctx, reservePostgres, args, &pair, &acct, &seenPair.Failures, &instant{&seenPair.LastAt}, &seenAcct.Failures); err != nil {
		return credential.Standing{}, err
	}
	switch {
	case pair.Valid && acct.Valid:
		s := credential.Standing{PairFailures: int(pair.Int64), AccountFailures: int(acct.Int64)}
		if s.PairFailures == l.PairLimit {
			s.LockedUntil = now.Add(l.LockFor)
		}
		return s, nil
	case pair.Valid: // the account's first guesses raced and others took all
		return credential.Standing{PairFailures: int(pair.Int64), AccountFailures: l.AccountLimit + 1}, nil
	}
	_, _, s := credential.Count(seenPair, seenAcct, l, now)
	if s.Allowed(l) { // the pair's first guesses raced and others took all
		s = credential.Standing{PairFailures: l.PairLimit + 1, AccountFailures: seenAcct.Failures, LockedUntil: now.Add(l.LockFor)}
	}
	return s, nil
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
		_, err = d.exec(ctx, putTally, k.Account, acct.Failures, millis(now), millis(now.Add(accountTally)))
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
