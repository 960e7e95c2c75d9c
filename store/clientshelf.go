package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/client"
)

var _ client.Shelf = (*DB)(nil)

const selectClientsAfter = `SELECT ` + clientColumns + ` FROM clients WHERE id > ? ORDER BY id LIMIT ?`

// ClientForChange implements client.Shelf. The counter's row, which every change
// of a client takes first, is what others wait for.
func (d *DB) ClientForChange(ctx context.Context, id string) (*client.Client, error) {
	var version int64
	if _, err := d.returning(ctx, nextClientsVersion, nil, &version); err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	c := &client.Client{}
	found, err := d.returning(ctx, selectClient, []any{clip(id)}, clientDest(c)...)
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	if !found {
		return nil, missing("client")
	}
	return c, nil
}

// ClientsAfter implements client.Shelf.
func (d *DB) ClientsAfter(ctx context.Context, after string, limit int) ([]client.Client, error) {
	return list(ctx, d, selectClientsAfter, []any{after, limit}, func(rows *sqlx.Rows, c *client.Client) error {
		return rows.Scan(clientDest(c)...)
	})
}
