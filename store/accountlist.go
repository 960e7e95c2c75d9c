package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
)

const selectAccounts = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.login_key > ? ORDER BY a.login_key LIMIT ?`

// Accounts gives up to limit accounts in the order of their canonical login
// names, those after the given one ("" from the first on).
func (d *DB) Accounts(ctx context.Context, after string, limit int) ([]account.Account, error) {
	type sealed struct {
		account.Account
		profile string
	}
	rows, err := list(ctx, d, selectAccounts, []any{after, limit}, func(rows *sqlx.Rows, s *sealed) error {
		return rows.Scan(accountDest(&s.Account, &s.profile)...)
	})
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	out := make([]account.Account, len(rows))
	for i := range rows {
		if err := d.openProfile(&rows[i].Account, rows[i].profile); err != nil {
			return nil, err
		}
		out[i] = rows[i].Account
	}
	return out, nil
}
