package store

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/token"
)

var _ token.Store = (*DB)(nil)

// grantColumns is the grant g, in the order of grantDest.
const grantColumns = `g.id, g.client_id, g.account_id, g.unit_id, g.session_id, g.offline, g.state, g.code_spent, g.created_at, g.code_exp,
    g.expires_at, g.rt_gen, g.rt_rotated_at, g.secret, g.data`

// insertGrant takes grantArgs.
const insertGrant = `
INSERT INTO grants (id, client_id, account_id, actor_id, unit_id, session_id, offline, state, code_spent, created_at, code_exp,
    expires_at, rt_gen, rt_rotated_at, secret, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertGrantDone = `WITH done AS (` + insertGrant + ` RETURNING id)` + auditDone

// openGrantPostgres consumes first and inserts only if what was named could be
// consumed. The first four parameters are: grant id, interaction, now, pushed
// request. An interaction whose pushed request was used by another is over,
// too: it can never be issued for.
const openGrantPostgres = `
WITH interaction AS (
    UPDATE interactions SET grant_id = ? WHERE key = ? AND grant_id = '' RETURNING key
), pushed AS (
    UPDATE pushed_requests SET used_at = ? WHERE key = ? AND used_at = 0 RETURNING key
), done AS (
    INSERT INTO grants (id, client_id, account_id, actor_id, unit_id, session_id, offline, state, code_spent, created_at, code_exp,
        expires_at, rt_gen, rt_rotated_at, secret, data)
    SELECT ?, ?, ?, ?, ?, ?, CAST(? AS BOOLEAN), CAST(? AS BIGINT), CAST(? AS BOOLEAN), CAST(? AS BIGINT), CAST(? AS BIGINT),
        CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), ?, ?
    WHERE (CAST(? AS TEXT) = '' OR EXISTS (SELECT 1 FROM interaction)) AND (CAST(? AS TEXT) = '' OR EXISTS (SELECT 1 FROM pushed))
    RETURNING id
)` + auditDone

const consumeInteraction = `UPDATE interactions SET grant_id = ? WHERE key = ? AND grant_id = ''`

const consumePushed = `UPDATE pushed_requests SET used_at = ? WHERE key = ? AND used_at = 0`

// spendCode also serves a hybrid grant, which is active before its code is
// spent; a revoked one stays revoked.
const spendCode = `
UPDATE grants SET state = 1, code_spent = TRUE, rt_gen = ?, rt_rotated_at = ?
WHERE id = ? AND code_spent = FALSE AND state <> 2`

const spendCodeDone = `WITH done AS (` + spendCode + ` RETURNING id)` + auditDone

const rotateRefresh = `
UPDATE grants SET rt_gen = rt_gen + 1, rt_rotated_at = ? WHERE id = ? AND rt_gen = ? AND state = 1`

// revokeGrant takes grantArgs with state 2.
const revokeGrant = insertGrant + `
ON CONFLICT (id) DO UPDATE SET state = 2 WHERE grants.state <> 2`

const revokeGrantDone = `WITH done AS (` + revokeGrant + ` RETURNING id)` + auditDone

const grantRevoked = `SELECT COUNT(*) FROM grants WHERE id = ? AND state = 2`

// OpenGrant implements token.Store.
func (d *DB) OpenGrant(ctx context.Context, g *token.Grant, use token.Consume, ev audit.Event) (bool, error) {
	args, err := grantArgs(g, g.State)
	if err != nil {
		return false, err
	}
	var ok bool
	switch {
	case use == token.Consume{} && ev.Kind == "":
		_, err = d.exec(ctx, insertGrant, args...)
		ok = err == nil
	case use == token.Consume{}:
		ok, err = d.deed(ctx, insertGrantDone, insertGrant, ev, args...)
	case d.postgres:
		all := append([]any{g.ID, use.Interaction, millis(d.Now()), use.Pushed}, args...)
		all = append(all, use.Interaction, use.Pushed)
		ok, err = d.deed(ctx, openGrantPostgres, "", ev, all...)
	default:
		ok, err = d.openSQLiteGrant(ctx, g.ID, args, use, ev)
	}
	if err != nil {
		return false, fmt.Errorf("open grant: %w", err)
	}
	return ok, nil
}

func (d *DB) openSQLiteGrant(ctx context.Context, id string, args []any, use token.Consume, ev audit.Event) (ok bool, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		ok = true
		if use.Interaction != "" {
			n, err := d.exec(ctx, consumeInteraction, id, use.Interaction)
			if err != nil {
				return err
			}
			ok = n == 1
		}
		if use.Pushed != "" {
			n, err := d.exec(ctx, consumePushed, millis(d.Now()), use.Pushed)
			if err != nil {
				return err
			}
			ok = ok && n == 1
		}
		if !ok {
			return nil
		}
		if _, err := d.exec(ctx, insertGrant, args...); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	return ok && err == nil, err
}

// SpendCode implements token.Store.
func (d *DB) SpendCode(ctx context.Context, id string, gen int64, now time.Time, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, spendCodeDone, spendCode, ev, gen, millis(now), id)
	if err != nil {
		return false, fmt.Errorf("spend code: %w", err)
	}
	return ok, nil
}

// RotateRefresh implements token.Store.
func (d *DB) RotateRefresh(ctx context.Context, id string, gen int64, now time.Time) (bool, error) {
	n, err := d.exec(ctx, rotateRefresh, millis(now), id, gen)
	if err != nil {
		return false, fmt.Errorf("rotate refresh token: %w", err)
	}
	return n == 1, nil
}

// RevokeGrant implements token.Store.
func (d *DB) RevokeGrant(ctx context.Context, g *token.Grant, ev audit.Event) error {
	args, err := grantArgs(g, token.Revoked)
	if err != nil {
		return err
	}
	if _, err := d.deed(ctx, revokeGrantDone, revokeGrant, ev, args...); err != nil {
		return fmt.Errorf("revoke grant: %w", err)
	}
	return nil
}

// Revoked implements token.Store.
func (d *DB) Revoked(ctx context.Context, id string) (bool, error) {
	var n int64
	if _, err := d.row(ctx, grantRevoked, []any{id}, &n); err != nil {
		return false, fmt.Errorf("ask whether a grant is revoked: %w", err)
	}
	return n > 0, nil
}

// grantArgs gives the columns of insertGrant. The handler stands both in the
// data and in a column of its own, by which his account is joined.
func grantArgs(g *token.Grant, state token.State) ([]any, error) {
	data, err := g.Data.Encode()
	if err != nil {
		return nil, err
	}
	return []any{g.ID, g.Client, string(g.Account), string(g.Data.Actor), g.UnitID, g.SessionID, g.Offline, int64(state), g.CodeSpent,
		millis(g.CreatedAt), millis(g.CodeExp), millis(g.ExpiresAt), g.Generation, millis(g.RotatedAt), base64url(g.Secret), data}, nil
}

func grantDest(g *token.Grant) []any {
	return []any{&g.ID, &g.Client, &g.Account, &g.UnitID, &g.SessionID, &g.Offline, &g.State, &g.CodeSpent, &instant{&g.CreatedAt},
		&instant{&g.CodeExp}, &instant{&g.ExpiresAt}, &g.Generation, &instant{&g.RotatedAt}, &binary{&g.Secret}, &document{&g.Data}}
}
