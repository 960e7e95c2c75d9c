package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

// The keys of kept digests rotate, see keys.Digests. Two kinds of tables follow:
//
//	accounts and appeals, where a value may stand once: while there are two live keys
//	they hold digests under both, so that a value collides whichever is looked at
//	the register, imported records and invitations: a row stands under one live key
//	and is looked for under both; when the new one is active, rows move to it
//
// TestEveryBlindIndexIsKnown finds tables that were forgotten.

const (
	// halfIndexed names accounts that are found under keys before the number ? and not
	// under it, after an id.
	halfIndexed = `
SELECT account_id FROM (
    SELECT l.account_id FROM account_lookups l WHERE l.account_id > ? AND l.key_no < ? AND NOT EXISTS (
        SELECT 1 FROM account_lookups n WHERE n.account_id = l.account_id AND n.key_no = ?)
    UNION SELECT p.account_id FROM proved_documents p WHERE p.account_id > ? AND p.key_no < ? AND NOT EXISTS (
        SELECT 1 FROM proved_documents n WHERE n.account_id = p.account_id AND n.key_no = ?)) half
ORDER BY account_id LIMIT ?`

	skipLocked = ` FOR UPDATE OF a SKIP LOCKED`

	bareOdd = `SELECT id, claim FROM appeals WHERE id > ? AND mobile = '' AND mobile_even <> '' AND claim <> '' ORDER BY id LIMIT ?`

	bareEven = `SELECT id, claim FROM appeals WHERE id > ? AND mobile_even = '' AND mobile <> '' AND claim <> '' ORDER BY id LIMIT ?`

	fillOdd = `UPDATE appeals SET mobile = ? WHERE id = ? AND mobile = ''`

	fillEven = `UPDATE appeals SET mobile_even = ? WHERE id = ? AND mobile_even = ''`
)

// What is left of spent keys.
const (
	dropOldLookups = `
DELETE FROM account_lookups WHERE (kind, blind, account_id) IN (SELECT kind, blind, account_id FROM account_lookups WHERE key_no < ? LIMIT ?)`

	dropOldProved = `DELETE FROM proved_documents WHERE blind IN (SELECT blind FROM proved_documents WHERE key_no < ? LIMIT ?)`

	emptyOdd = `UPDATE appeals SET mobile = '' WHERE id IN (SELECT id FROM appeals WHERE mobile <> '' AND ? > 0 LIMIT ?)`

	emptyEven = `UPDATE appeals SET mobile_even = '' WHERE id IN (SELECT id FROM appeals WHERE mobile_even <> '' AND ? > 0 LIMIT ?)`
)

// Redigest implements keys.DigestStore.
func (d *DB) Redigest(ctx context.Context, purpose keys.Purpose, batch int, told func(n int)) (int, error) {
	if d.Seal == nil {
		return 0, errNoRing
	}
	j := &redigest{d: d, batch: batch, told: told, live: d.Seal().Live(purpose)}
	if len(j.live) == 0 {
		return 0, fmt.Errorf("store: no key for purpose %q", purpose)
	}
	j.last = j.live[len(j.live)-1]
	var steps []func(context.Context) error
	switch {
	case purpose == keys.Rights:
		if len(j.live) > 1 && j.last.State == keys.Active {
			steps = append(steps, j.mandates, j.grants, j.adopted)
		}
	case len(j.live) > 1:
		steps = append(steps, j.accounts, j.appeals)
		if j.last.State == keys.Active {
			steps = append(steps, j.register, j.torch, j.invites)
		}
	case d.Seal().Spent(purpose):
		steps = append(steps, j.leftovers)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return j.done, fmt.Errorf("make digests anew: %w", err)
		}
	}
	return j.done, nil
}

// redigest is one round over everything that a rotation wants made anew.
type redigest struct {
	d     *DB
	batch int
	told  func(n int)
	live  []keys.Secret
	last  keys.Secret // the newest live key
	done  int
}

func (j *redigest) made(n int) {
	if j.done += n; n > 0 && j.told != nil {
		j.told(j.done)
	}
}

// accounts gives those that stand under older keys alone their places under every
// live one. It holds an account's row while it reads it, so that what the holder
// changes at this moment comes before or after, and leaves alone whom somebody else
// holds: who writes an account writes its places.
func (j *redigest) accounts(ctx context.Context) error {
	d, no := j.d, j.last.Number
	for after := ""; ; {
		ids, err := list(ctx, d, halfIndexed, []any{after, no, no, after, no, no, j.batch}, scanID)
		if err != nil || len(ids) == 0 {
			return err
		}
		n := 0
		err = d.InTx(ctx, func(ctx context.Context) error {
			n = 0
			for _, id := range ids {
				var a account.Account
				var profile string
				found, err := d.returning(ctx, d.pick(accountByID+skipLocked, accountByID), []any{string(id)}, accountDest(&a, &profile)...)
				if err != nil {
					return err
				}
				if !found {
					continue
				}
				if err := d.openProfile(&a, profile); err != nil {
					return err
				}
				if err := d.index(ctx, a); err != nil {
					return fmt.Errorf("account %s: %w", id, err)
				}
				n++
			}
			return nil
		})
		if err != nil {
			return err
		}
		j.made(n)
		after = string(ids[len(ids)-1])
	}
}

// appeals fills the column of the newest key.
func (j *redigest) appeals(ctx context.Context) error {
	d, query, fill := j.d, bareEven, fillEven
	if j.last.Number%2 == 1 {
		query, fill = bareOdd, fillOdd
	}
	for after := ""; ; {
		rows, err := list(ctx, d, query, []any{after, j.batch}, func(rows *sqlx.Rows, v *sealedValue) error { return rows.Scan(&v.key, &v.text) })
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			a, err := d.Appeal(ctx, row.key)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			n, err := d.exec(ctx, fill, blindUnder(j.last, "appeal", a.Claim.Mobile).text, row.key)
			if err != nil {
				return err
			}
			j.made(int(n))
		}
		after = rows[len(rows)-1].key
	}
}

// leftovers takes away what stands under spent keys.
func (j *redigest) leftovers(ctx context.Context) error {
	former := emptyOdd
	if j.last.Number%2 == 1 {
		former = emptyEven
	}
	for _, drop := range []string{dropOldLookups, dropOldProved, former} {
		for n := int64(1); n > 0; {
			var err error
			if n, err = j.d.exec(ctx, drop, j.last.Number, j.batch); err != nil {
				return err
			}
			j.made(int(n))
		}
	}
	return nil
}

const (
	spendKey = `UPDATE keys SET state = 'spent', retired_at = ? WHERE purpose = ? AND kid = ? AND state = 'retired'`

	dropSpent = `DELETE FROM keys WHERE purpose = ? AND kid = ? AND state = 'spent'`

	numberOf = `SELECT number FROM keys WHERE kid = ?`
)

// SpendKey implements keys.DigestStore.
func (d *DB) SpendKey(ctx context.Context, purpose keys.Purpose, kid string, now time.Time, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		if err := d.wanting(ctx, purpose, true); err != nil {
			return err
		}
		if n, err := d.exec(ctx, spendKey, millis(now), string(purpose), kid); err != nil || n == 0 {
			return gone(err)
		}
		return d.Record(ctx, ev)
	})
}

// DropSpent implements keys.DigestStore.
func (d *DB) DropSpent(ctx context.Context, purpose keys.Purpose, kid string, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		var number int
		if _, err := d.returning(ctx, numberOf, []any{kid}, &number); err != nil {
			return err
		}
		n, err := d.DigestsUnder(ctx, purpose, number)
		if err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, "%d digests are left under the key", n)
		}
		if n, err := d.exec(ctx, dropSpent, string(purpose), kid); err != nil || n == 0 {
			return gone(err)
		}
		return d.Record(ctx, ev)
	})
}

// gone is the error of a deed that found its key in another state.
func gone(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "the key is in another state by now")
}

// wanting refuses if there is something under an older key that is not, or, where
// moved, not only, under the newest.
func (d *DB) wanting(ctx context.Context, purpose keys.Purpose, moved bool) error {
	if !slices.Contains(keys.Digests(), purpose) {
		return nil
	}
	var number int
	if _, err := d.returning(ctx, newestKey, []any{string(purpose)}, &number); err != nil {
		return err
	}
	if purpose == keys.Rights {
		if !moved {
			return nil
		}
		return d.wantingRights(ctx, number)
	}
	queries := []string{halfIndexedLeft, appealsLeft}
	if moved {
		queries = append(queries, registerLeft, torchLeft, invitesLeft)
	}
	for _, query := range queries {
		var n int64
		if _, err := d.returning(ctx, query, []any{number}, &n); err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, "%d digests are not made anew yet", n)
		}
	}
	return nil
}

const newestKey = `SELECT COALESCE(MAX(number), 0) FROM keys WHERE purpose = ? AND state IN ('next', 'active')`

// What the newest key, of the number ?, still wants.
const (
	halfIndexedLeft = `
WITH newest AS (SELECT CAST(? AS BIGINT) AS no)
SELECT (SELECT COUNT(*) FROM account_lookups l, newest WHERE l.key_no < newest.no AND NOT EXISTS (
        SELECT 1 FROM account_lookups n WHERE n.account_id = l.account_id AND n.key_no = newest.no))
    + (SELECT COUNT(*) FROM proved_documents p, newest WHERE p.key_no < newest.no AND NOT EXISTS (
        SELECT 1 FROM proved_documents n WHERE n.account_id = p.account_id AND n.key_no = newest.no))`

	appealsLeft = `
SELECT COUNT(*) FROM appeals WHERE claim <> '' AND CASE CAST(? AS BIGINT) % 2
    WHEN 1 THEN mobile = '' AND mobile_even <> '' ELSE mobile_even = '' AND mobile <> '' END`

	registerLeft = `SELECT COUNT(*) FROM register_entries WHERE key_no < ?`

	torchLeft = `SELECT COUNT(*) FROM torch_records WHERE key_no < ?`

	invitesLeft = `SELECT COUNT(*) FROM integrator_invites WHERE key_no < ?`
)

// blindUnderNumber counts everything that stands under one key.
const blindUnderNumber = `
WITH the AS (SELECT CAST(? AS BIGINT) AS no)
SELECT (SELECT COUNT(*) FROM account_lookups, the WHERE key_no = the.no) + (SELECT COUNT(*) FROM proved_documents, the WHERE key_no = the.no)
    + (SELECT COUNT(*) FROM register_entries, the WHERE key_no = the.no) + (SELECT COUNT(*) FROM torch_records, the WHERE key_no = the.no)
    + (SELECT COUNT(*) FROM integrator_invites, the WHERE key_no = the.no)
    + (SELECT COUNT(*) FROM appeals, the WHERE CASE the.no % 2 WHEN 1 THEN mobile ELSE mobile_even END <> '')`

// DigestsUnder counts the digests under the key of purpose with the number.
func (d *DB) DigestsUnder(ctx context.Context, purpose keys.Purpose, number int) (n int64, err error) {
	switch purpose {
	case keys.Blind:
		_, err = d.returning(ctx, blindUnderNumber, []any{number}, &n)
	case keys.Rights:
		n, err = d.rightsUnder(ctx, number)
	}
	if err != nil {
		return 0, fmt.Errorf("count digests: %w", err)
	}
	return n, nil
}
