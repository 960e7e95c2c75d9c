package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/client"
)

var _ client.Store = (*DB)(nil)

// clientColumns are in the order of clientDest.
const clientColumns = `id, metadata, secret_digest, secret_sealed, former_digest, former_sealed, former_until, sandbox, state, reviewed, version,
    created_at, updated_at`

const selectClient = `SELECT ` + clientColumns + ` FROM clients WHERE id = ?`

const selectClients = `SELECT ` + clientColumns + ` FROM clients ORDER BY id`

// selectStarters reads few of many: the portal links to clients that own a
// system. The metadata are JSON as this program writes it.
const selectStarters = `
SELECT ` + clientColumns + ` FROM clients
WHERE state = 'active' AND reviewed AND metadata LIKE '%"initiate_login_uri":"%' AND metadata LIKE '%"business_systems":["%'
ORDER BY id LIMIT 1000`

const clientsVersion = `SELECT n FROM counters WHERE name = 'clients'`

// nextClientsVersion keeps the counter's row locked until the transaction ends,
// so that versions become visible in the order of their numbers: who has seen n
// will see no smaller one appear.
const nextClientsVersion = `UPDATE counters SET n = n + 1 WHERE name = 'clients' RETURNING n`

const putClient = `
INSERT INTO clients (` + clientColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET metadata = excluded.metadata, secret_digest = excluded.secret_digest, secret_sealed = excluded.secret_sealed,
    former_digest = excluded.former_digest, former_sealed = excluded.former_sealed, former_until = excluded.former_until,
    state = excluded.state, reviewed = excluded.reviewed, version = excluded.version, updated_at = excluded.updated_at`

const dropOrigins = `DELETE FROM client_origins WHERE client_id = ?`

const addOrigin = `INSERT INTO client_origins (origin, client_id) VALUES (?, ?)`

const hasOrigin = `
SELECT COUNT(*) FROM client_origins o JOIN clients c ON c.id = o.client_id WHERE o.origin = ? AND c.state = 'active'`

// Client implements client.Store.
func (d *DB) Client(ctx context.Context, id string) (*client.Client, error) {
	c := &client.Client{}
	found, err := d.row(ctx, selectClient, []any{id}, clientDest(c)...)
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	if !found {
		return nil, missing("client")
	}
	return c, nil
}

// Clients gives all clients in any state, ordered by id.
func (d *DB) Clients(ctx context.Context) ([]client.Client, error) {
	return list(ctx, d, selectClients, nil, func(rows *sqlx.Rows, c *client.Client) error {
		return rows.Scan(clientDest(c)...)
	})
}

// Starters implements client.Store.
func (d *DB) Starters(ctx context.Context) ([]client.Client, error) {
	return list(ctx, d, selectStarters, nil, func(rows *sqlx.Rows, c *client.Client) error {
		return rows.Scan(clientDest(c)...)
	})
}

// ClientsVersion implements client.Store.
func (d *DB) ClientsVersion(ctx context.Context) (int64, error) {
	var n int64
	if _, err := d.row(ctx, clientsVersion, nil, &n); err != nil {
		return 0, fmt.Errorf("read the version of the clients: %w", err)
	}
	return n, nil
}

// HasOrigin implements client.Store.
func (d *DB) HasOrigin(ctx context.Context, origin string) (bool, error) {
	var n int64
	if _, err := d.row(ctx, hasOrigin, []any{clip(origin)}, &n); err != nil {
		return false, fmt.Errorf("look for an origin: %w", err)
	}
	return n > 0, nil
}

// PutClient implements client.Store. It sets c.Version; CreatedAt and Sandbox of a
// client that exists stay.
func (d *DB) PutClient(ctx context.Context, c *client.Client, ev audit.Event) error {
	metadata, err := json.Marshal(c.Metadata)
	if err != nil {
		return fmt.Errorf("put client: metadata: %w", err)
	}
	var version int64
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.returning(ctx, nextClientsVersion, nil, &version); err != nil {
			return err
		}
		if _, err := d.exec(ctx, putClient, c.ID, string(metadata), c.SecretDigest, c.SecretSealed, c.FormerDigest, c.FormerSealed, millis(c.FormerUntil),
			c.Sandbox, string(c.State), c.Reviewed, version, millis(c.CreatedAt), millis(c.UpdatedAt)); err != nil {
			return err
		}
		if _, err := d.exec(ctx, dropOrigins, c.ID); err != nil {
			return err
		}
		for _, origin := range c.Metadata.Origins() {
			if _, err := d.exec(ctx, addOrigin, origin, c.ID); err != nil {
				return err
			}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put client: %w", err)
	}
	c.Version = version
	return nil
}

func clientDest(c *client.Client) []any {
	return []any{&c.ID, &document{&c.Metadata}, &c.SecretDigest, &c.SecretSealed, &c.FormerDigest, &c.FormerSealed, &instant{&c.FormerUntil},
		&c.Sandbox, &c.State, &c.Reviewed, &c.Version, &instant{&c.CreatedAt}, &instant{&c.UpdatedAt}}
}
