package store

import (
	"context"
	"fmt"

	"kejitong/provider/account"
)

// lastChosen goes by the partial index audit_chosen.
const lastChosen = `SELECT object FROM audit WHERE kind = 'unit.chosen' AND actor = ? AND client_id = ? ORDER BY id DESC LIMIT 1`

// LastChosen gives the unit that the account chose last at the client, as far back as
// the trail goes: "" if none.
func (d *DB) LastChosen(ctx context.Context, id account.ID, client string) (unit string, err error) {
	if _, err := d.row(ctx, lastChosen, []any{string(id), client}, &unit); err != nil {
		return "", fmt.Errorf("last choice: %w", err)
	}
	return unit, nil
}
