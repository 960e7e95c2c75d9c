package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/torch"
)

// Both look-ups are one statement, with the same work for every key.

const findTorchUnit = `
SELECT COALESCE(r.outcome, ''), COALESCE(a.login_name, ''), COALESCE(a.kind, ''), COALESCE(a.password_changed_at, 0), COALESCE(a.state, '') = 'active',
    COALESCE((SELECT MAX(s.created_at) FROM sessions s WHERE s.account_id = a.id), 0), COALESCE((SELECT l.at FROM last_sign_ins l WHERE l.account_id = a.id), 0),
    EXISTS (SELECT 1 FROM accounts l WHERE l.login_key = ? AND l.kind = 'legal_entity' AND l.state <> 'closed'),
    COALESCE((SELECT m.login_name FROM units u JOIN accounts m ON m.id = u.account_id WHERE u.uscc = ? AND m.login_key <> ? AND m.state <> 'closed'), ''),
    EXISTS (SELECT 1 FROM accounts n WHERE n.login_key = ? AND n.kind = 'natural_person' AND n.state <> 'closed'), FALSE
FROM (SELECT 1 AS one) o
LEFT JOIN torch_records r ON r.kind = 'unit' AND r.key_digest IN (?, ?) AND r.decided_at > 0
LEFT JOIN accounts a ON a.id = r.account_id`

const findTorchPerson = `
SELECT COALESCE(r.outcome, ''), COALESCE(a.login_name, ''), COALESCE(a.kind, ''), COALESCE(a.password_changed_at, 0), COALESCE(a.state, '') = 'active',
    COALESCE((SELECT MAX(s.created_at) FROM sessions s WHERE s.account_id = a.id), 0), COALESCE((SELECT l.at FROM last_sign_ins l WHERE l.account_id = a.id), 0), FALSE, '',
    EXISTS (SELECT 1 FROM accounts n WHERE n.login_key = ? AND n.kind = 'natural_person' AND n.state <> 'closed'),
    EXISTS (SELECT 1 FROM account_lookups p WHERE p.kind = 'phone' AND p.blind = ?)
FROM (SELECT 1 AS one) o
LEFT JOIN torch_records r ON r.kind = 'person' AND r.key_digest IN (?, ?) AND r.decided_at > 0
LEFT JOIN accounts a ON a.id = r.account_id`

var _ torch.Finder = (*DB)(nil)

// FindUnit implements torch.Finder.
func (d *DB) FindUnit(ctx context.Context, uscc account.USCC) (torch.Found, error) {
	digest, other, err := d.either("torch.unit", string(uscc))
	if err != nil {
		return torch.Found{}, err
	}
	key := strings.ToLower(string(uscc))
	return d.findTorch(ctx, findTorchUnit, key, string(uscc), key, key, digest.text, other.text)
}

// FindPerson implements torch.Finder.
func (d *DB) FindPerson(ctx context.Context, mobile account.Mobile) (torch.Found, error) {
	digest, other, err := d.either("torch.person", string(mobile))
	if err != nil {
		return torch.Found{}, err
	}
	phone, err := d.blind(string(account.ByPhone), mobile.E164())
	if err != nil {
		return torch.Found{}, err
	}
	return d.findTorch(ctx, findTorchPerson, string(mobile), phone, digest.text, other.text)
}

func (d *DB) findTorch(ctx context.Context, query string, args ...any) (f torch.Found, err error) {
	var before time.Time // sessions are swept away
	if _, err := d.row(ctx, query, args, &f.Outcome, &f.LoginName, &f.Kind, &instant{&f.ChangedAt}, &f.Usable, &instant{&f.UsedAt}, &instant{&before}, &f.LoginHere, &f.OtherLogin, &f.PersonHolds, &f.Known); err != nil {
		return torch.Found{}, fmt.Errorf("look a key up: %w", err)
	}
	if before.After(f.UsedAt) {
		f.UsedAt = before
	}
	return f, nil
}
