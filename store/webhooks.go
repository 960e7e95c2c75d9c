package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/outbox"
	"kejitong/provider/webhook"
)

var _ webhook.Store = (*DB)(nil)

const (
	endpointColumns = `id, client_id, url, events, secret, former, former_until, created_at, updated_at, version,
    standing, why, since, failing_since, skipped`

	selectEndpoint = `SELECT ` + endpointColumns + ` FROM webhook_endpoints WHERE id = ?`

	selectEndpoints = `
SELECT ` + endpointColumns + ` FROM webhook_endpoints WHERE id > ? AND client_id = ? ORDER BY id LIMIT ?`

	selectAllEndpoints = `
SELECT ` + endpointColumns + ` FROM webhook_endpoints WHERE id > ? ORDER BY id LIMIT ?`

	disabledEndpoints = `SELECT ` + endpointColumns + ` FROM webhook_endpoints WHERE standing = 'disabled' ORDER BY since, id LIMIT ?`

	addEndpoint = `
INSERT INTO webhook_endpoints (` + endpointColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	putEndpoint = `
UPDATE webhook_endpoints SET url = ?, events = ?, secret = ?, former = ?, former_until = ?, updated_at = ?, version = ?, standing = ?, why = ?,
    since = ?, failing_since = ?, skipped = ? WHERE id = ?`

	dropDeliveries = `DELETE FROM webhook_deliveries WHERE endpoint_id = ?`

	dropEndpoint = `DELETE FROM webhook_endpoints WHERE id = ?`

	verifiedIn = `SELECT account_id FROM realname_cases WHERE id = ?`

	everTold = `
SELECT COUNT(*) FROM (SELECT 1 AS one FROM consents WHERE client_id = ? AND account_id = ?
UNION ALL SELECT 1 FROM audit WHERE kind = 'claims.released' AND actor = ? AND client_id = ?) AS told`

	// A deed that somebody wants to know of becomes a task in its own transaction;
	// where nobody listens nothing is written.
	promiseEvent = `
INSERT INTO outbox (id, kind, key, payload, attempts, created_at, due_at)
SELECT CAST(? AS TEXT), CAST(? AS TEXT), '', CAST(? AS TEXT), 0, CAST(? AS BIGINT), CAST(? AS BIGINT) WHERE EXISTS (SELECT 1 FROM webhook_endpoints)`
)

func hookPlace(id string) string       { return "webhook_endpoints|secret|" + id }
func formerHookPlace(id string) string { return "webhook_endpoints|former|" + id }

// hookColumns are the sealed ones.
func hookColumns() []sealedColumn {
	return []sealedColumn{
		{
			name: "webhook_endpoints.secret", purpose: keys.Hooks, place: hookPlace,
			rows: `SELECT id, secret FROM webhook_endpoints WHERE id > ? AND id <= ? AND substr(secret, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM webhook_endpoints WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE webhook_endpoints SET secret = ? WHERE id = ? AND secret = ?`,
			held: `SELECT substr(secret, 4, 16), COUNT(*) FROM webhook_endpoints GROUP BY 1`,
		},
		{
			name: "webhook_endpoints.former", purpose: keys.Hooks, place: formerHookPlace,
			rows: `SELECT id, former FROM webhook_endpoints WHERE id > ? AND id <= ? AND former <> '' AND substr(former, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM webhook_endpoints WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE webhook_endpoints SET former = ? WHERE id = ? AND former = ?`,
			held: `SELECT substr(former, 4, 16), COUNT(*) FROM webhook_endpoints WHERE former <> '' GROUP BY 1`,
		},
	}
}

func (d *DB) scanEndpoint(rows *sqlx.Rows, e *webhook.Endpoint) error {
	var secret, former string
	if err := rows.Scan(&e.ID, &e.Client, &e.URL, &document{&e.Events}, &secret, &former, &instant{&e.FormerUntil}, &instant{&e.CreatedAt},
		&instant{&e.UpdatedAt}, &e.Version, &e.Standing, &e.Why, &instant{&e.Since}, &instant{&e.FailingSince}, &e.Skipped); err != nil {
		return err
	}
	var err error
	if e.Secret, err = d.unseal(keys.Hooks, hookPlace(e.ID), secret); err != nil || former == "" {
		return err
	}
	e.Former, err = d.unseal(keys.Hooks, formerHookPlace(e.ID), former)
	return err
}

// Endpoint implements webhook.Store. Within a transaction it reads from that.
func (d *DB) Endpoint(ctx context.Context, id string) (webhook.Endpoint, error) {
	all, err := list(ctx, d, selectEndpoint, []any{clip(id)}, d.scanEndpoint)
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("read webhook: %w", err)
	}
	if len(all) == 0 {
		return webhook.Endpoint{}, missing("webhook")
	}
	return all[0], nil
}

// Endpoints implements webhook.Store.
func (d *DB) Endpoints(ctx context.Context, clientID string, all bool, after string, limit int) (out []webhook.Endpoint, err error) {
	if all {
		out, err = list(ctx, d, selectAllEndpoints, []any{after, limit}, d.scanEndpoint)
	} else {
		out, err = list(ctx, d, selectEndpoints, []any{after, clip(clientID), limit}, d.scanEndpoint)
	}
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return out, nil
}

// DisabledEndpoints implements webhook.Store.
func (d *DB) DisabledEndpoints(ctx context.Context, limit int) ([]webhook.Endpoint, error) {
	all, err := list(ctx, d, disabledEndpoints, []any{limit}, d.scanEndpoint)
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return all, nil
}

// EndpointForChange implements webhook.Store.
func (d *DB) EndpointForChange(ctx context.Context, id string) (webhook.Endpoint, error) {
	all, err := returned(ctx, d, d.pick(selectEndpoint+locked, selectEndpoint), []any{clip(id)}, d.scanEndpoint)
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("lock webhook: %w", err)
	}
	if len(all) == 0 {
		return webhook.Endpoint{}, missing("webhook")
	}
	return all[0], nil
}

func (d *DB) sealHooks(e webhook.Endpoint) (secret, former string, err error) {
	secret, err = d.seal(keys.Hooks, hookPlace(e.ID), e.Secret)
	if err == nil && len(e.Former) > 0 {
		former, err = d.seal(keys.Hooks, formerHookPlace(e.ID), e.Former)
	}
	return secret, former, err
}

// AddEndpoint implements webhook.Store.
func (d *DB) AddEndpoint(ctx context.Context, e webhook.Endpoint, ev audit.Event) error {
	secret, former, err := d.sealHooks(e)
	if err == nil {
		err = d.InTx(ctx, func(ctx context.Context) error {
			n, err := d.exec(ctx, addEndpoint, e.ID, e.Client, e.URL, encoded(e.Events), secret, former, millis(e.FormerUntil), millis(e.CreatedAt),
				millis(e.UpdatedAt), e.Version, string(e.Standing), e.Why, millis(e.Since), millis(e.FailingSince), e.Skipped)
			if err == nil && n == 0 {
				err = &fault.Error{Kind: fault.Conflict, Msg: webhook.MsgThere}
			}
			if err != nil {
				return err
			}
			return d.Record(ctx, ev)
		})
	}
	if err != nil {
		return fmt.Errorf("add webhook: %w", err)
	}
	return nil
}

// PutEndpoint implements webhook.Store.
func (d *DB) PutEndpoint(ctx context.Context, e webhook.Endpoint, evs ...audit.Event) error {
	secret, former, err := d.sealHooks(e)
	if err == nil {
		err = d.InTx(ctx, func(ctx context.Context) error {
			if _, err := d.exec(ctx, putEndpoint, e.URL, encoded(e.Events), secret, former, millis(e.FormerUntil), millis(e.UpdatedAt), e.Version,
				string(e.Standing), e.Why, millis(e.Since), millis(e.FailingSince), e.Skipped, e.ID); err != nil {
				return err
			}
			for _, ev := range evs {
				if err := d.Record(ctx, ev); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("put webhook: %w", err)
	}
	return nil
}

// DropEndpoint implements webhook.Store.
func (d *DB) DropEndpoint(ctx context.Context, id string, ev audit.Event) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, dropDeliveries, clip(id)); err != nil {
			return fmt.Errorf("drop webhook: %w", err)
		}
		n, err := d.exec(ctx, dropEndpoint, clip(id))
		if err != nil {
			return fmt.Errorf("drop webhook: %w", err)
		}
		if n == 0 {
			return missing("webhook")
		}
		return d.Record(ctx, ev)
	})
}

// VerifiedIn implements webhook.Store.
func (d *DB) VerifiedIn(ctx context.Context, caseID string) (account.ID, error) {
	var id string
	found, err := d.row(ctx, verifiedIn, []any{clip(caseID)}, &id)
	if err != nil {
		return "", fmt.Errorf("read case: %w", err)
	}
	if !found {
		return "", missing("case")
	}
	return account.ID(id), nil
}

// Told implements webhook.Store.
func (d *DB) Told(ctx context.Context, clientID string, who account.ID) (bool, error) {
	var n int
	if _, err := d.row(ctx, everTold, []any{clientID, string(who), string(who), clientID}, &n); err != nil {
		return false, fmt.Errorf("look for releases: %w", err)
	}
	return n > 0, nil
}

// promiseWebhooks owes those who listen the news of a deed, within ctx's
// transaction.
func (d *DB) promiseWebhooks(ctx context.Context, ev audit.Event) error {
	now := d.Now()
	id := strings.ToLower(rand.Text())
	payload, err := json.Marshal(webhook.Happened{ID: id, Kind: ev.Kind, Object: clip(ev.Object), Detail: clip(ev.Detail), At: now.UnixMilli()})
	if err != nil {
		return err
	}
	n, err := d.exec(ctx, promiseEvent, id, string(outbox.WebhookEvent), string(payload), millis(now), millis(now))
	if err == nil && n > 0 {
		d.unit(ctx).promised = true
	}
	return err
}
