package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/holder"
)

var _ holder.Archive = (*DB)(nil)

const (
	released = `
SELECT client_id, detail, COUNT(*), MAX(at) FROM audit WHERE kind = 'claims.released' AND actor = ? GROUP BY client_id, detail ORDER BY client_id, detail`

	allowedScopes = `SELECT client_id, scopes, given_at FROM consents WHERE account_id = ? ORDER BY client_id`

	signIns = `SELECT auth_time, ip, user_agent FROM sessions WHERE account_id = ? ORDER BY auth_time DESC LIMIT ?`
)

// Disclosures implements holder.Archive.
func (d *DB) Disclosures(ctx context.Context, id account.ID) ([]holder.Disclosure, error) {
	var out []holder.Disclosure
	of := func(client string) *holder.Disclosure {
		for i := range out {
			if out[i].Client == client {
				return &out[i]
			}
		}
		out = append(out, holder.Disclosure{Client: client})
		return &out[len(out)-1]
	}
	type row struct {
		client, detail string
		scopes         []string
		n              int
		at             time.Time
	}
	given, err := list(ctx, d, allowedScopes, []any{string(id)}, func(rows *sqlx.Rows, r *row) error {
		return rows.Scan(&r.client, &document{&r.scopes}, &instant{&r.at})
	})
	if err != nil {
		return nil, fmt.Errorf("consents: %w", err)
	}
	told, err := list(ctx, d, released, []any{string(id)}, func(rows *sqlx.Rows, r *row) error {
		return rows.Scan(&r.client, &r.detail, &r.n, &instant{&r.at})
	})
	if err != nil {
		return nil, fmt.Errorf("releases: %w", err)
	}
	for _, r := range given {
		c := of(r.client)
		c.Allowed, c.GivenAt = r.scopes, r.at
	}
	for _, r := range told {
		c := of(r.client)
		c.Times += r.n
		if r.at.After(c.Last) {
			c.Last = r.at
		}
		for _, s := range strings.Fields(r.detail) {
			if !slices.Contains(c.Told, s) {
				c.Told = append(c.Told, s)
			}
		}
	}
	return out, nil
}

// SignIns implements holder.Archive.
func (d *DB) SignIns(ctx context.Context, id account.ID, limit int) ([]holder.SignIn, error) {
	return list(ctx, d, signIns, []any{string(id), limit}, func(rows *sqlx.Rows, s *holder.SignIn) error {
		return rows.Scan(&instant{&s.At}, &s.IP, &s.UserAgent)
	})
}
