package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

var _ client.Registrations = (*DB)(nil)

const initialColumns = `id, digest, note, policy, max_uses, uses, revoked, created_at, expires_at`

const selectInitial = `SELECT ` + initialColumns + ` FROM initial_tokens WHERE digest = ?`

const selectInitials = `SELECT ` + initialColumns + ` FROM initial_tokens ORDER BY created_at, id`

// putInitial leaves uses and created_at of one that exists.
const putInitial = `
INSERT INTO initial_tokens (` + initialColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, note = excluded.note, policy = excluded.policy, max_uses = excluded.max_uses,
    revoked = excluded.revoked, expires_at = excluded.expires_at`

const revokeInitial = `UPDATE initial_tokens SET revoked = TRUE WHERE id = ? AND revoked = FALSE`

const revokeInitialDone = `WITH done AS (` + revokeInitial + ` RETURNING id)` + auditDone

// useInitial counts one use, of a token that has one left.
const useInitial = `
UPDATE initial_tokens SET uses = uses + 1 WHERE digest = ? AND revoked = FALSE AND uses < max_uses AND expires_at > ?
RETURNING id`

const addRegistration = `INSERT INTO registrations (client_id, initial_id, digest, statement) VALUES (?, ?, ?, ?)`

const selectRegistered = `
SELECT i.policy, r.statement FROM registrations r JOIN initial_tokens i ON i.id = r.initial_id WHERE r.client_id = ? AND r.digest = ?`

// claimClient succeeds while the client is active and unchanged, and keeps its
// row until the transaction ends.
const claimClient = `UPDATE clients SET updated_at = updated_at WHERE id = ? AND state = 'active' AND version = ?`

const rotateRegistration = `UPDATE registrations SET digest = ?, statement = ? WHERE client_id = ? AND digest = ?`

const dropRegistered = `
DELETE FROM clients WHERE id = ? AND state = 'active'
    AND EXISTS (SELECT 1 FROM registrations r WHERE r.client_id = clients.id AND r.digest = ?)`

const dropConsents = `DELETE FROM consents WHERE client_id = ?`

const endAllOfClient = `UPDATE grants SET state = 2 WHERE client_id = ? AND state <> 2`

// errLost undoes a transaction whose compare-and-swap lost.
var errLost = errors.New("store: another was first")

// PutInitialToken inserts t, or replaces the one with its id; how often that was
// used stays.
func (d *DB) PutInitialToken(ctx context.Context, t client.InitialToken, ev audit.Event) error {
	policy, err := json.Marshal(t.Policy)
	if err != nil {
		return fmt.Errorf("put initial access token: policy: %w", err)
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, putInitial, t.ID, t.Digest, t.Note, string(policy), t.MaxUses, t.Uses, t.Revoked,
			millis(t.CreatedAt), millis(t.ExpiresAt)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put initial access token: %w", err)
	}
	return nil
}

// InitialTokens gives all initial access tokens in any state, the oldest first.
func (d *DB) InitialTokens(ctx context.Context) ([]client.InitialToken, error) {
	return list(ctx, d, selectInitials, nil, func(rows *sqlx.Rows, t *client.InitialToken) error {
		return rows.Scan(initialDest(t)...)
	})
}

// RevokeInitialToken lets the token register nobody any more; what it registered
// stays. fault.NotFound if there is none, or it was revoked before.
func (d *DB) RevokeInitialToken(ctx context.Context, id string, ev audit.Event) error {
	ok, err := d.deed(ctx, revokeInitialDone, revokeInitial, ev, id)
	if err != nil {
		return fmt.Errorf("revoke initial access token: %w", err)
	}
	if !ok {
		return missing("initial access token")
	}
	return nil
}

// InitialToken implements client.Registrations.
func (d *DB) InitialToken(ctx context.Context, digest string) (client.InitialToken, error) {
	var t client.InitialToken
	found, err := d.row(ctx, selectInitial, []any{digest}, initialDest(&t)...)
	if err != nil {
		return t, fmt.Errorf("read initial access token: %w", err)
	}
	if !found {
		return t, missing("initial access token")
	}
	return t, nil
}

func initialDest(t *client.InitialToken) []any {
	return []any{&t.ID, &t.Digest, &t.Note, &document{&t.Policy}, &t.MaxUses, &t.Uses, &t.Revoked, &instant{&t.CreatedAt}, &instant{&t.ExpiresAt}}
}

// Register implements client.Registrations.
func (d *DB) Register(ctx context.Context, c *client.Client, statement, initial, access string, now time.Time, ev audit.Event) (bool, error) {
	return d.swap(ctx, "register client", func(ctx context.Context) error {
		var id string
		switch used, err := d.returning(ctx, useInitial, []any{initial, millis(now)}, &id); {
		case err != nil:
			return err
		case !used:
			return errLost
		}
		ev := ev
		ev.Actor = id
		if err := d.PutClient(ctx, c, ev); err != nil {
			return err
		}
		_, err := d.exec(ctx, addRegistration, c.ID, id, access, statement)
		return err
	})
}

// Registered implements client.Registrations.
func (d *DB) Registered(ctx context.Context, id, access string) (client.Registered, error) {
	var r client.Registered
	found, err := d.row(ctx, selectRegistered, []any{clip(id), access}, &document{&r.Policy}, &r.Statement)
	if err != nil {
		return r, fmt.Errorf("read registration: %w", err)
	}
	if !found {
		return r, missing("registration")
	}
	if r.Client, err = d.Client(ctx, id); err != nil {
		return r, err
	}
	if r.Client.State != client.Active {
		return client.Registered{}, missing("registration")
	}
	return r, nil
}

// Amend implements client.Registrations. The counter of versions is locked
// first, as everywhere where clients change.
func (d *DB) Amend(ctx context.Context, c *client.Client, statement, access, next string, ev audit.Event) (bool, error) {
	return d.swap(ctx, "amend client", func(ctx context.Context) error {
		if _, err := d.exec(ctx, nextClientsVersion); err != nil {
			return err
		}
		if err := d.wins(ctx, claimClient, c.ID, c.Version); err != nil {
			return err
		}
		if err := d.wins(ctx, rotateRegistration, next, statement, c.ID, access); err != nil {
			return err
		}
		return d.PutClient(ctx, c, ev)
	})
}

// Unregister implements client.Registrations.
func (d *DB) Unregister(ctx context.Context, id, access string, ev audit.Event) (bool, error) {
	return d.swap(ctx, "unregister client", func(ctx context.Context) error {
		if _, err := d.exec(ctx, nextClientsVersion); err != nil {
			return err
		}
		if err := d.wins(ctx, dropRegistered, id, access); err != nil {
			return err
		}
		if _, err := d.exec(ctx, dropConsents, id); err != nil {
			return err
		}
		if _, err := d.exec(ctx, endAllOfClient, id); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
}

// wins runs a compare-and-swap within ctx's transaction and gives errLost if it
// changed nothing.
func (d *DB) wins(ctx context.Context, query string, args ...any) error {
	n, err := d.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return errLost
	}
	return err
}

// swap runs fn in a transaction; errLost undoes it and is no failure. A client id
// that is taken is one, of ours.
func (d *DB) swap(ctx context.Context, what string, fn func(context.Context) error) (bool, error) {
	err := d.InTx(ctx, fn)
	if errors.Is(err, errLost) {
		return false, nil
	}
	if fault.Is(err, fault.Conflict) {
		return false, fmt.Errorf("%s: %w", what, fault.Wrap(fault.Internal, err, ""))
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	return true, nil
}
