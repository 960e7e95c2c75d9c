package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/torch"
)

// takeTorchBatch makes sure that one commit takes place.
const takeTorchBatch = `UPDATE torch_batches SET state = 'committed', committed_at = ?, looked_at = ? WHERE id = ? AND state = 'staged'`

// dethroneTorch: an unverified legal account does not rule over a unit whose own
// comes.
const dethroneTorch = `
UPDATE accounts SET unit_id = '', version = version + 1
WHERE id IN (SELECT r.rival FROM torch_records r WHERE r.batch_id = ? AND r.rival <> '')`

const addTorchUnits = `
INSERT INTO units (id, uscc, name, type, region, registration_authority, status, state, account_id, verified_at, realname_status, realname_level,
    realname_method, realname_verified_at, process_id, check_id, check_organization)
SELECT r.unit_id, r.key_text, r.unit_name, r.unit_type, r.unit_region, r.unit_office, 'active', 'active', r.id, 0, 'unverified', 'L0', '', 0, '', '', ''
FROM torch_records r WHERE r.batch_id = ? AND r.unit_made`

// markTorchUnits names the unit that was there already.
const markTorchUnits = `
UPDATE torch_records SET unit_id = COALESCE((SELECT u.id FROM units u WHERE u.uscc = torch_records.key_text), '')
WHERE batch_id = ? AND kind = 'unit' AND NOT unit_made`

const addTorchAccounts = `
INSERT INTO accounts (id, kind, state, login_name, login_key, unit_id, realname_status, realname_level, realname_method, realname_verified_at,
    process_id, check_id, check_organization, profile, locale, created_at, updated_at, password_changed_at, version)
SELECT r.id, t.makes, 'active', ` + torchName + `, lower(` + torchName + `), CASE WHEN t.makes = 'legal_entity' THEN r.unit_id ELSE '' END,
    'unverified', 'L0', '', 0, '', '', '', r.profile, '', r.created_at, ?, 0, 1
FROM torch_records r JOIN torch_rules t ON t.kind = r.kind AND t.facts = r.facts WHERE r.batch_id = ? AND r.made`

// linkTorchUnits gives a unit that was there its own account.
const linkTorchUnits = `
UPDATE units SET account_id = r.id FROM torch_records r
WHERE r.batch_id = ? AND r.unit_id = units.id AND r.outcome IN ('E1', 'E3') AND NOT r.unit_made`

const addTorchPasswords = `
INSERT INTO credentials (account_id, phc, legacy, changed_at, must_change)
SELECT r.id, '', r.legacy, ?, FALSE FROM torch_records r WHERE r.batch_id = ? AND r.made AND r.legacy <> ''`

// The grants of a person's account that stands for a unit wait for the person's
// real name.
const addTorchMandates = `
INSERT INTO mandates (id, account_id, unit_id, relation, state, source, valid_from, valid_until)
SELECT r.id || '.m', r.id, r.unit_id, 'handler', 'pending', 'torch_migration', ?, 0
FROM torch_records r WHERE r.batch_id = ? AND r.outcome IN ('E4', 'E5')`

const addTorchGrants = `
INSERT INTO entitlements (id, account_id, unit_id, system, actions, state, source, valid_from, valid_until)
SELECT r.id || '.' || s.id, r.id, r.unit_id, s.id, s.actions, 'pending', 'torch_migration', ?, 0
FROM torch_records r JOIN systems s ON s.earned = TRUE AND s.state = 'open' WHERE r.batch_id = ? AND r.outcome IN ('E4', 'E5')`

const addTorchAudit = `
INSERT INTO audit (at, kind, actor, object, client_id, result, detail, ip, user_agent, request_id)
SELECT CAST(? AS BIGINT), ?, ?, r.account_id, '', 'ok', r.outcome, '', '', '' FROM torch_records r
WHERE r.batch_id = ? AND r.outcome <> '' ORDER BY r.row_no`

// settleTorch: what was only needed to decide goes. A USCC is public.
const settleTorch = `
UPDATE torch_records SET decided_at = CASE WHEN outcome = '' THEN 0 ELSE CAST(? AS BIGINT) END, profile = '', legacy = '',
    key_text = CASE WHEN kind = 'unit' THEN key_text ELSE '' END
WHERE batch_id = ?`

// commitAttempts bounds how often a batch is decided anew.
const commitAttempts = 60

// Commit implements torch.Store.
func (d *DB) Commit(ctx context.Context, batch string, rules []torch.Rule, now time.Time, ev audit.Event) (torch.Plan, error) {
	p, done, err := d.patient()
	if err != nil {
		return torch.Plan{}, err
	}
	defer func() { _ = done() }()
	var plan torch.Plan
	at := millis(now)
	commit := func(ctx context.Context) error {
		if err := p.sameDigests(ctx); err != nil {
			return err
		}
		n, err := p.exec(ctx, takeTorchBatch, at, at, batch)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the batch is not staged")
		}
		if err := p.decideAll(ctx, batch, rules); err != nil {
			return err
		}
		if plan, err = p.torchPlan(ctx, batch); err != nil {
			return err
		}
		for _, step := range []struct {
			text string
			args []any
		}{
			{dethroneTorch, []any{batch}}, {addTorchUnits, []any{batch}}, {markTorchUnits, []any{batch}}, {addTorchAccounts, []any{at, batch}},
			{linkTorchUnits, []any{batch}}, {addTorchPasswords, []any{at, batch}}, {addTorchMandates, []any{at, batch}}, {addTorchGrants, []any{at, batch}},
			{rememberTorchMandates, []any{at, ev.Actor, batch, batch}}, {rememberTorchGrants, []any{at, ev.Actor, batch, batch}},
			{addTorchAudit, []any{at, string(audit.AccountMigrated), ev.Actor, batch}}, {settleTorch, []any{at, batch}},
		} {
			if _, err := p.exec(ctx, step.text, step.args...); err != nil {
				return err
			}
		}
		if err := p.macTorch(ctx, batch); err != nil {
			return err
		}
		if err := p.keepPlan(ctx, batch, plan); err != nil {
			return err
		}
		return p.Record(ctx, ev)
	}
	// Somebody may register a login name after the rows were decided: then all is
	// decided anew, with that account in sight.
	for attempt := 0; ; attempt++ {
		err = p.InTx(ctx, commit)
		if err == nil || sqlState(err) != "23505" || !pause(ctx, min(attempt, attempts-2)) || attempt == commitAttempts {
			break
		}
	}
	if err != nil {
		return torch.Plan{}, fmt.Errorf("commit batch: %w", err)
	}
	return plan, nil
}

const unwrappedLegacy = `SELECT account_id, legacy FROM credentials WHERE legacy <> '' AND account_id > ? ORDER BY account_id LIMIT ?`

const countLegacy = `SELECT COUNT(*) FROM credentials WHERE legacy <> ''`

const wrapLegacy = `UPDATE credentials SET phc = ?, legacy = '' WHERE account_id = ? AND legacy = ?`

// CountUnwrapped implements torch.Store.
func (d *DB) CountUnwrapped(ctx context.Context) (n int64, err error) {
	if _, err := d.row(ctx, countLegacy, nil, &n); err != nil {
		return 0, fmt.Errorf("count passwords to wrap: %w", err)
	}
	return n, nil
}

// Unwrapped implements torch.Store.
func (d *DB) Unwrapped(ctx context.Context, after string, limit int) ([]torch.Unwrapped, error) {
	out, err := list(ctx, d, unwrappedLegacy, []any{after, limit}, func(r *sqlx.Rows, u *torch.Unwrapped) error { return r.Scan(&u.Account, &u.Sealed) })
	if err != nil {
		return nil, fmt.Errorf("passwords to wrap: %w", err)
	}
	for i, u := range out {
		plain, err := d.unseal(keys.Legacy, legacyPlace(account.ID(u.Account)), u.Sealed)
		if err != nil {
			return nil, fmt.Errorf("password of account %s: %w", u.Account, err)
		}
		out[i].Stored = string(plain)
	}
	return out, nil
}

// Wrap implements torch.Store.
func (d *DB) Wrap(ctx context.Context, u torch.Unwrapped, wrapped string) error {
	sealed, err := d.sealPassword(account.ID(u.Account), wrapped)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, wrapLegacy, sealed, u.Account, u.Sealed); err != nil {
		return fmt.Errorf("wrap a password: %w", err)
	}
	return nil
}
