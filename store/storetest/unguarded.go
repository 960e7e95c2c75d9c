package storetest

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/device"
	"kejitong/provider/token"
	"kejitong/store"
)

// hasty is the store as one would write it without thinking of racers: it
// reads, decides and writes. Its racers meet between reading and writing, so
// that what can go wrong does.
type hasty struct {
	db   *sqlx.DB
	meet *sync.WaitGroup
}

var _ racing = hasty{}

// unguarded opens a hasty store beside the real one.
func unguarded(t *testing.T, o store.Options) hasty {
	t.Helper()
	h := hasty{db: beside(t, o), meet: &sync.WaitGroup{}}
	h.meet.Add(racers)
	return h
}

// decide reads one number, waits until all racers have read theirs, and gives
// it; no row is 0.
func (h hasty) decide(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = h.db.QueryRowxContext(ctx, h.db.Rebind(query), args...).Scan(&n)
	if err == sql.ErrNoRows {
		err = nil
	}
	h.meet.Done()
	h.meet.Wait()
	return n, err
}

func (h hasty) write(ctx context.Context, query string, args ...any) error {
	_, err := h.db.ExecContext(ctx, h.db.Rebind(query), args...)
	return err
}

func (h hasty) SpendCode(ctx context.Context, id string, gen int64, _ time.Time, _ audit.Event) (bool, error) {
	spent, err := h.decide(ctx, `SELECT COUNT(*) FROM grants WHERE id = ? AND code_spent = TRUE`, id)
	if err != nil || spent > 0 {
		return false, err
	}
	return true, h.write(ctx, `UPDATE grants SET state = 1, code_spent = TRUE, rt_gen = ? WHERE id = ?`, gen, id)
}

func (h hasty) RotateRefresh(ctx context.Context, id string, gen int64, _ time.Time) (bool, error) {
	have, err := h.decide(ctx, `SELECT rt_gen FROM grants WHERE id = ?`, id)
	if err != nil || have != gen {
		return false, err
	}
	return true, h.write(ctx, `UPDATE grants SET rt_gen = ? WHERE id = ?`, gen+1, id)
}

func (h hasty) OpenGrant(ctx context.Context, g *token.Grant, use token.Consume, _ audit.Event) (bool, error) {
	over, err := h.decide(ctx, `SELECT COUNT(*) FROM interactions WHERE key = ? AND grant_id <> ''`, use.Interaction)
	if err != nil || over > 0 {
		return false, err
	}
	return true, h.write(ctx, `UPDATE interactions SET grant_id = ? WHERE key = ?`, g.ID, use.Interaction)
}

func (h hasty) Finish(ctx context.Context, key, why string) (bool, error) {
	over, err := h.decide(ctx, `SELECT COUNT(*) FROM interactions WHERE key = ? AND declined <> ''`, key)
	if err != nil || over > 0 {
		return false, err
	}
	return true, h.write(ctx, `UPDATE interactions SET declined = ? WHERE key = ?`, why, key)
}

func (h hasty) UseAssertion(ctx context.Context, client, jti string, exp, _ time.Time) (bool, error) {
	used, err := h.decide(ctx, `SELECT COUNT(*) FROM assertions WHERE client_id = ? AND jti = ?`, client, jti)
	if err != nil || used > 0 {
		return false, err
	}
	return true, h.write(ctx, `INSERT INTO assertions (client_id, jti, exp) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, client, jti, exp.UnixMilli())
}

func (h hasty) Reserve(ctx context.Context, k credential.Keys, l credential.Limits, now time.Time) (credential.Standing, error) {
	none, err := h.decide(ctx, `SELECT COUNT(*) FROM throttle WHERE key = ? AND n >= ? AND EXISTS (SELECT 1 FROM throttle WHERE key = ? AND n > 0)`,
		k.Account, l.AccountLimit, k.Pair)
	if err != nil || none > 0 {
		return credential.Standing{AccountFailures: l.AccountLimit + 1}, err
	}
	return credential.Standing{PairFailures: 1}, h.write(ctx, `
INSERT INTO throttle (key, n, last_at, expires_at) VALUES (?, 1, ?, 0), (?, 1, ?, 0) ON CONFLICT (key) DO UPDATE SET n = throttle.n + 1`,
		k.Account, now.UnixMilli(), k.Pair, now.UnixMilli())
}

func (h hasty) PollDevice(ctx context.Context, key, _ string, now time.Time) (device.Request, error) {
	polled, err := h.decide(ctx, `SELECT polled_at FROM device_requests WHERE key = ?`, key)
	if err != nil {
		return device.Request{}, err
	}
	return device.Request{Hasty: polled > 0}, h.write(ctx, `UPDATE device_requests SET polled_at = ? WHERE key = ?`, now.UnixMilli(), key)
}

func (h hasty) AllowDevice(ctx context.Context, key, _ string, g *token.Grant, _ time.Time, _ audit.Event) (bool, error) {
	state, err := h.decide(ctx, `SELECT state FROM device_requests WHERE key = ?`, key)
	if err != nil || state != 0 {
		return false, err
	}
	return true, h.write(ctx, `UPDATE device_requests SET state = 1, grant_id = ? WHERE key = ?`, g.ID, key)
}

func (h hasty) CountTry(ctx context.Context, key string, _ time.Duration, now time.Time) (int, time.Time, error) {
	n, err := h.decide(ctx, `SELECT n FROM throttle WHERE key = ?`, key)
	if err != nil {
		return 0, time.Time{}, err
	}
	return int(n) + 1, now, h.write(ctx, `
INSERT INTO throttle (key, n, last_at, expires_at) VALUES (?, 1, 0, 0) ON CONFLICT (key) DO UPDATE SET n = throttle.n + 1`, key)
}

func (h hasty) PutClient(ctx context.Context, c *client.Client, _ audit.Event) error {
	n, err := h.decide(ctx, `SELECT n FROM counters WHERE name = 'clients'`)
	if err != nil {
		return err
	}
	c.Version = n + 1
	return h.write(ctx, `UPDATE counters SET n = ? WHERE name = 'clients' AND n < ?`, c.Version, c.Version)
}

func (h hasty) Register(ctx context.Context, _ *client.Client, _, initial, _ string, _ time.Time, _ audit.Event) (bool, error) {
	left, err := h.decide(ctx, `SELECT max_uses - uses FROM initial_tokens WHERE digest = ?`, initial)
	if err != nil || left <= 0 {
		return false, err
	}
	return true, h.write(ctx, `UPDATE initial_tokens SET uses = uses + 1 WHERE digest = ?`, initial)
}

func (h hasty) Amend(ctx context.Context, c *client.Client, _, access, next string, _ audit.Event) (bool, error) {
	mine, err := h.decide(ctx, `SELECT COUNT(*) FROM registrations WHERE client_id = ? AND digest = ?`, c.ID, access)
	if err != nil || mine == 0 {
		return false, err
	}
	return true, h.write(ctx, `UPDATE registrations SET digest = ? WHERE client_id = ?`, next, c.ID)
}
