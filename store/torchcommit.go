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
UPDATE accounts SET unit_id = '', version = version + 1 WHERE id IN (SELECT r.rival FROM torch_decided r WHERE r.rival <> '')`

const addTorchUnits = `
INSERT INTO units (id, uscc, name, type, region, registration_authority, status, state, account_id, verified_at, realname_status, realname_level,
    realname_method, realname_verified_at, process_id, check_id, check_organization)
SELECT r.unit_id, r.key_text, s.unit_name, s.unit_type, s.unit_region, s.unit_office, 'active', 'active', r.id, 0, 'unverified', 'L0', '', 0, '', '', ''
FROM torch_decided r JOIN torch_records s ON s.id = r.id WHERE s.batch_id = ? AND r.unit_made`

const addTorchAccounts = `
INSERT INTO accounts (id, kind, state, login_name, login_key, unit_id, realname_status, realname_level, realname_method, realname_verified_at,
    process_id, check_id, check_organization, profile, locale, created_at, updated_at, password_changed_at, version)
SELECT r.id, r.makes, 'active', ` + torchName + `, lower(` + torchName + `), CASE WHEN r.makes = 'legal_entity' THEN r.unit_id ELSE '' END,
    'unverified', 'L0', '', 0, '', '', '', s.profile, '', s.created_at, ?, 0, 1
FROM torch_decided r JOIN torch_records s ON s.id = r.id WHERE s.batch_id = ? AND r.made`

// linkTorchUnits gives a unit that was there its own account.
const linkTorchUnits = `
UPDATE units SET account_id = r.id FROM torch_decided r WHERE r.unit_id = units.id AND r.outcome IN ('E1', 'E3') AND NOT r.unit_made`

const addTorchPasswords = `
INSERT INTO credentials (account_id, phc, legacy, changed_at, must_change)
SELECT r.id, '', s.legacy, ?, FALSE FROM torch_decided r JOIN torch_records s ON s.id = r.id WHERE s.batch_id = ? AND r.made AND r.worded`

// The grants of a person's account that stands for a unit wait for the person's
// real name.
const addTorchMandates = `
INSERT INTO mandates (id, account_id, unit_id, relation, state, source, valid_from, valid_until)
SELECT r.id || '.m', r.id, r.unit_id, 'handler', 'pending', 'torch_migration', ?, 0
FROM torch_decided r WHERE r.outcome IN ('E4', 'E5')`

const addTorchGrants = `
INSERT INTO entitlements (id, account_id, unit_id, system, actions, state, source, valid_from, valid_until)
SELECT r.id || '.' || s.id, r.id, r.unit_id, s.id, s.actions, 'pending', 'torch_migration', ?, 0
FROM torch_decided r JOIN systems s ON s.earned = TRUE AND s.state = 'open' WHERE r.outcome IN ('E4', 'E5')`

const addTorchAudit = `
INSERT INTO audit (at, kind, actor, object, client_id, result, detail, ip, user_agent, request_id)
SELECT CAST(? AS BIGINT), ?, ?, r.account_id, '', 'ok', r.outcome, '', '', '' FROM torch_decided r
WHERE r.outcome <> '' ORDER BY r.row_no`

// settleTorch writes what was decided, and takes away what was only needed for it. A
// USCC is public.
const settleTorch = `
UPDATE torch_records SET facts = r.facts, outcome = r.outcome, made = r.made, name_no = r.name_no, account_id = r.account_id, unit_id = r.unit_id,
    unit_made = r.unit_made, rival = r.rival, holder = r.holder, decided_at = CASE WHEN r.outcome = '' THEN 0 ELSE CAST(? AS BIGINT) END,
    profile = '', legacy = '', key_text = CASE WHEN r.kind = 'unit' THEN r.key_text ELSE '' END
FROM torch_decided r WHERE torch_records.batch_id = ? AND torch_records.id = r.id`

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
		if plan, err = p.torchPlan(ctx); err != nil {
			return err
		}
		for _, step := range []struct {
			text string
			args []any
		}{
			{dethroneTorch, nil}, {addTorchUnits, []any{batch}}, {addTorchAccounts, []any{at, batch}}, {linkTorchUnits, nil},
			{addTorchPasswords, []any{at, batch}}, {addTorchMandates, []any{at}}, {addTorchGrants, []any{at}}, {addTorchAudit, []any{at, string(audit.AccountMigrated), ev.Actor}},
			{settleTorch, []any{at, batch}}, {rememberTorchMandates, []any{at, ev.Actor, batch, batch}}, {rememberTorchGrants, []any{at, ev.Actor, batch, batch}},
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
