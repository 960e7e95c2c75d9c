package store

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

var _ entitlement.Store = (*DB)(nil)

// The kinds of right: they part the MACs of the two tables.
const (
	mandateKind = "mandate"
	grantKind   = "grant"
)

// mac is the keyed digest of a row of the kind (C14), under the active key.
func (d *DB) mac(kind string, bound []string) (string, error) {
	if d.Seal == nil {
		return "", errNoRing
	}
	return macUnder(d.Seal().Current(keys.Rights), kind, bound)
}

// macUnder is a row's MAC under a key: the key's number, a dot and the digest. The
// first key has no number, since its MACs are from before there was a second.
func macUnder(k keys.Secret, kind string, bound []string) (string, error) {
	text, err := json.Marshal(bound) // no value can pass for two
	if err != nil {
		return "", fmt.Errorf("mac of a %s: %w", kind, err)
	}
	return macPrefix(k.Number) + base64url(k.MAC("v1", kind, string(text))), nil
}

func macPrefix(number int) string {
	if number == 1 {
		return ""
	}
	return strconv.Itoa(number) + "."
}

// fits tells whether mac is that of a row under one of the live keys.
func (d *DB) fits(kind string, bound []string, mac string) (bool, error) {
	if d.Seal == nil {
		return false, errNoRing
	}
	for _, k := range d.Seal().Live(keys.Rights) {
		want, err := macUnder(k, kind, bound)
		if err != nil {
			return false, err
		}
		if hmac.Equal([]byte(want), []byte(mac)) {
			return true, nil
		}
	}
	return false, nil
}

// genuine tells whether a row carries the MAC that we gave it; of one that does
// not somebody is told.
func (d *DB) genuine(kind, id string, bound []string, mac string) (bool, error) {
	ok, err := d.fits(kind, bound, mac)
	if err == nil && !ok && d.Altered != nil {
		d.Altered(kind, id)
	}
	return ok, err
}

// genuineMandate and genuineGrant make a row that was changed past us worthless.
func (d *DB) genuineMandate(m *entitlement.Mandate, mac string) error {
	ok, err := d.genuine(mandateKind, m.ID, m.Bound(), mac)
	if err == nil && !ok {
		m.State = entitlement.Altered
	}
	return err
}

func (d *DB) genuineGrant(g *entitlement.Grant, mac string) error {
	ok, err := d.genuine(grantKind, g.ID, g.Bound(), mac)
	if err == nil && !ok {
		g.State = entitlement.Altered
	}
	return err
}

const rememberRight = `
INSERT INTO right_changes (at, kind, right_id, account_id, unit_id, what, actions, state_from, state_to, source, valid_until, actor, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const rightHistory = `
SELECT at, kind, right_id, account_id, unit_id, what, actions, state_from, state_to, source, valid_until, actor, reason FROM right_changes
WHERE right_id = ? OR (account_id = ? AND account_id <> '') ORDER BY id DESC LIMIT ?`

// remember writes a line of the history, within ctx's transaction.
func (d *DB) remember(ctx context.Context, c entitlement.Change) error {
	_, err := d.exec(ctx, rememberRight, millis(d.Now()), c.Kind, c.ID, string(c.Account), c.UnitID, c.What, encoded(c.Actions), string(c.From),
		string(c.To), string(c.Source), millis(c.Until), clip(c.Actor), clip(c.Reason))
	return err
}

// RightHistory gives up to limit lines of what became of the mandate or grant id,
// or of all that an account holds or held; the newest first.
func (d *DB) RightHistory(ctx context.Context, id string, who account.ID, limit int) ([]entitlement.Change, error) {
	out, err := list(ctx, d, rightHistory, []any{clip(id), string(who), limit}, func(rows *sqlx.Rows, c *entitlement.Change) error {
		return rows.Scan(&instant{&c.At}, &c.Kind, &c.ID, &c.Account, &c.UnitID, &c.What, &document{&c.Actions}, &c.From, &c.To, &c.Source,
			&instant{&c.Until}, &c.Actor, &c.Reason)
	})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return out, nil
}

// ChangeMandate implements entitlement.Store.
func (d *DB) ChangeMandate(ctx context.Context, id string, change func(entitlement.Mandate) (entitlement.Mandate, error), ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		old, found, err := d.lockMandate(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return missing("mandate")
		}
		next, err := change(old)
		if err != nil {
			return err
		}
		ev := ev
		ev.Object = id
		if err := d.keepMandate(ctx, old, next, ev); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	return wrapRight("change mandate", err)
}

// ChangeGrant implements entitlement.Store.
func (d *DB) ChangeGrant(ctx context.Context, id string, change func(entitlement.Grant) (entitlement.Grant, error), ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		old, found, err := d.lockGrant(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return missing("grant")
		}
		next, err := change(old)
		if err != nil {
			return err
		}
		ev := ev
		ev.Object = id
		if err := d.keepGrant(ctx, old, next, ev); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	return wrapRight("change grant", err)
}

func wrapRight(what string, err error) error {
	if err == nil || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// The rights of others, of whom one asks.
const (
	mandatesOfAccount = `SELECT ` + mandateColumns + ` FROM mandates WHERE account_id = ? ORDER BY id`

	grantsOfAccount = `SELECT ` + rightColumns + ` FROM entitlements WHERE account_id = ? ORDER BY id`

	mandatesForUnit = `SELECT ` + mandateColumns + ` FROM mandates WHERE unit_id = ? ORDER BY account_id, id LIMIT ?`

	grantsForUnit = `SELECT ` + rightColumns + ` FROM entitlements WHERE unit_id = ? AND unit_id <> '' ORDER BY account_id, id LIMIT ?`

	dueMandates = `
SELECT ` + mandateColumns + ` FROM mandates
WHERE valid_until > 0 AND valid_until <= ? AND state IN ('pending', 'active', 'suspended') ORDER BY valid_until LIMIT ?`

	dueGrants = `
SELECT ` + rightColumns + ` FROM entitlements
WHERE valid_until > 0 AND valid_until <= ? AND state IN ('pending', 'active', 'suspended') ORDER BY valid_until LIMIT ?`

	rulerOf = `
SELECT a.id, a.realname_status, a.realname_level, a.realname_method, a.realname_verified_at
FROM units u JOIN accounts a ON a.id = u.account_id WHERE u.id = ? AND a.state = 'active'`

	unitName = `SELECT name FROM units WHERE id = ?`
)

func (d *DB) rights(ctx context.Context, mandates, grants string, args ...any) ([]entitlement.Mandate, []entitlement.Grant, error) {
	m, err := list(ctx, d, mandates, args, d.mandateRow)
	if err != nil {
		return nil, nil, fmt.Errorf("read mandates: %w", err)
	}
	g, err := list(ctx, d, grants, args, d.rightRow)
	if err != nil {
		return nil, nil, fmt.Errorf("read grants: %w", err)
	}
	return m, g, nil
}

// RightsOf implements entitlement.Store.
func (d *DB) RightsOf(ctx context.Context, id account.ID) ([]entitlement.Mandate, []entitlement.Grant, error) {
	return d.rights(ctx, mandatesOfAccount, grantsOfAccount, string(id))
}

// RightsFor implements entitlement.Store.
func (d *DB) RightsFor(ctx context.Context, unitID string, limit int) ([]entitlement.Mandate, []entitlement.Grant, error) {
	return d.rights(ctx, mandatesForUnit, grantsForUnit, unitID, limit)
}

// DueRights implements entitlement.Store.
func (d *DB) DueRights(ctx context.Context, now time.Time, limit int) ([]entitlement.Mandate, []entitlement.Grant, error) {
	return d.rights(ctx, dueMandates, dueGrants, millis(now), limit)
}

// Ruler implements entitlement.Store.
func (d *DB) Ruler(ctx context.Context, unitID string) (id account.ID, n account.RealName, err error) {
	if _, err := d.row(ctx, rulerOf, []any{unitID}, &id, &n.Status, &n.Level, &n.Method, &instant{&n.VerifiedAt}); err != nil {
		return "", account.RealName{}, fmt.Errorf("read who rules over a unit: %w", err)
	}
	return id, n, nil
}

// UnitName implements entitlement.Store.
func (d *DB) UnitName(ctx context.Context, unitID string) (name string, err error) {
	if _, err := d.row(ctx, unitName, []any{unitID}, &name); err != nil {
		return "", fmt.Errorf("read a unit's name: %w", err)
	}
	return name, nil
}
