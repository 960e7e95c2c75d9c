package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/operator"
)

var _ operator.Store = (*DB)(nil)

// operatorColumns is the operator o, in the order of operatorDest.
const operatorColumns = `o.id, o.login_name, o.login_key, o.role, o.state, o.secrets, o.factor_step, o.invite, o.invite_until, o.accounts,
    o.password_at, o.created_at, o.updated_at, o.seen_at, o.version`

const (
	operatorByID     = `SELECT ` + operatorColumns + ` FROM operators o WHERE o.id = ?`
	operatorByLogin  = `SELECT ` + operatorColumns + ` FROM operators o WHERE o.login_key = ?`
	operatorByInvite = `SELECT ` + operatorColumns + ` FROM operators o WHERE o.invite = ? AND o.invite <> ''`
	selectOperators  = `SELECT ` + operatorColumns + ` FROM operators o ORDER BY o.login_key`
)

const addOperator = `
INSERT INTO operators (id, login_name, login_key, role, state, secrets, factor_step, invite, invite_until, accounts, password_at,
    created_at, updated_at, seen_at, version)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, 0, 1)`

const changeOperator = `
UPDATE operators SET role = ?, state = ?, secrets = ?, invite = ?, invite_until = ?, accounts = ?, password_at = ?, updated_at = ?,
    version = version + 1
WHERE id = ? AND version = ?`

const spendStep = `UPDATE operators SET factor_step = ? WHERE id = ? AND factor_step < ?`

// operatorSecrets is what is sealed of an operator, under short names.
type operatorSecrets struct {
	Password string   `json:"p,omitempty"`
	Former   []string `json:"f,omitempty"`
	Factor   string   `json:"t,omitempty"`
	Offered  string   `json:"o,omitempty"`
}

func operatorPlace(id string) string { return "operators.secrets|" + id }

// deskColumn is for the rotation of sealing keys.
func deskColumn() sealedColumn {
	return sealedColumn{
		name: "operators.secrets", purpose: keys.Desk, place: operatorPlace,
		rows: `SELECT id, secrets FROM operators WHERE id > ? AND id <= ? AND secrets <> '' AND substr(secrets, 4, 16) <> ? ORDER BY id LIMIT ?`,
		page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM operators WHERE id > ? ORDER BY id LIMIT ?) p`,
		swap: `UPDATE operators SET secrets = ? WHERE id = ? AND secrets = ?`,
		held: `SELECT substr(secrets, 4, 16), COUNT(*) FROM operators WHERE secrets <> '' GROUP BY 1`,
	}
}

func (d *DB) sealOperator(o operator.Operator) (string, error) {
	plain, err := json.Marshal(operatorSecrets{o.Password, o.Former, o.Factor, o.Offered})
	if err != nil {
		return "", fmt.Errorf("seal operator: %w", err)
	}
	return d.seal(keys.Desk, operatorPlace(o.ID), plain)
}

func (d *DB) openOperator(o *operator.Operator, sealed string) error {
	plain, err := d.unseal(keys.Desk, operatorPlace(o.ID), sealed)
	if err != nil {
		return fmt.Errorf("secrets of operator %s: %w", o.ID, err)
	}
	var s operatorSecrets
	if err := json.Unmarshal(plain, &s); err != nil {
		return fmt.Errorf("secrets of operator %s: not the JSON that they were", o.ID) // the cause would quote it
	}
	o.Password, o.Former, o.Factor, o.Offered = s.Password, s.Former, s.Factor, s.Offered
	return nil
}

func operatorDest(o *operator.Operator, sealed *string) []any {
	return []any{&o.ID, &o.LoginName, &o.LoginKey, &o.Role, &o.State, sealed, &o.Step, &o.Invite, &instant{&o.InviteUntil},
		&document{&o.Accounts}, &instant{&o.PasswordAt}, &instant{&o.CreatedAt}, &instant{&o.UpdatedAt}, &instant{&o.SeenAt}, &o.Version}
}

// AddOperator implements operator.Store.
func (d *DB) AddOperator(ctx context.Context, o operator.Operator, ev audit.Event) error {
	sealed, err := d.sealOperator(o)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, addOperator, o.ID, o.LoginName, o.LoginKey, string(o.Role), string(o.State), sealed, o.Invite,
			millis(o.InviteUntil), encoded(o.Accounts), millis(o.PasswordAt), millis(o.CreatedAt), millis(o.UpdatedAt)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("add operator: %w", err)
	}
	return nil
}

// ChangeOperator implements operator.Store.
func (d *DB) ChangeOperator(ctx context.Context, o operator.Operator, ev audit.Event) error {
	sealed, err := d.sealOperator(o)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, changeOperator, string(o.Role), string(o.State), sealed, o.Invite, millis(o.InviteUntil), encoded(o.Accounts),
			millis(o.PasswordAt), millis(o.UpdatedAt), o.ID, o.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the operator changed meanwhile")
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("change operator: %w", err)
	}
	return nil
}

// SpendStep implements operator.Store.
func (d *DB) SpendStep(ctx context.Context, id string, step int64) (bool, error) {
	n, err := d.exec(ctx, spendStep, step, id, step)
	if err != nil {
		return false, fmt.Errorf("spend a code: %w", err)
	}
	return n == 1, nil
}

// Operator implements operator.Store.
func (d *DB) Operator(ctx context.Context, id string) (operator.Operator, error) {
	return d.operator(ctx, operatorByID, clip(id))
}

// OperatorByLogin implements operator.Store.
func (d *DB) OperatorByLogin(ctx context.Context, loginKey string) (operator.Operator, error) {
	return d.operator(ctx, operatorByLogin, clip(loginKey))
}

// OperatorByInvite implements operator.Store.
func (d *DB) OperatorByInvite(ctx context.Context, digest string) (operator.Operator, error) {
	return d.operator(ctx, operatorByInvite, digest)
}

func (d *DB) operator(ctx context.Context, query, value string) (operator.Operator, error) {
	var o operator.Operator
	var sealed string
	found, err := d.row(ctx, query, []any{value}, operatorDest(&o, &sealed)...)
	if err == nil && found {
		err = d.openOperator(&o, sealed)
	}
	if err != nil {
		return operator.Operator{}, fmt.Errorf("read operator: %w", err)
	}
	if !found {
		return operator.Operator{}, missing("operator")
	}
	return o, nil
}

// Operators implements operator.Store.
func (d *DB) Operators(ctx context.Context) ([]operator.Operator, error) {
	type sealed struct {
		operator.Operator
		secrets string
	}
	rows, err := list(ctx, d, selectOperators, nil, func(rows *sqlx.Rows, s *sealed) error {
		return rows.Scan(operatorDest(&s.Operator, &s.secrets)...)
	})
	if err != nil {
		return nil, fmt.Errorf("list operators: %w", err)
	}
	out := make([]operator.Operator, len(rows))
	for i := range rows {
		if err := d.openOperator(&rows[i].Operator, rows[i].secrets); err != nil {
			return nil, err
		}
		out[i] = rows[i].Operator
	}
	return out, nil
}
