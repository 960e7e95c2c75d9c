package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/integrator"
	"kejitong/provider/keys"
)

const (
	clientProposalColumns = `id, project_id, client_id, edits, state, reason, made_by, made_at, decider, decided_at`

	addClientProposal = `
INSERT INTO integrator_proposals (` + clientProposalColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectClientProposal = `SELECT ` + clientProposalColumns + ` FROM integrator_proposals WHERE id = ?`

	clientProposalsOf = `
SELECT ` + clientProposalColumns + ` FROM integrator_proposals WHERE project_id = ? ORDER BY made_at DESC, id LIMIT ?`

	openClientProposals = `
SELECT ` + clientProposalColumns + ` FROM integrator_proposals WHERE state = 'open' ORDER BY made_at, id LIMIT ?`

	settleClientProposal = `
UPDATE integrator_proposals SET state = ?, reason = ?, decider = ?, decided_at = ? WHERE id = ? AND state = 'open'`

	addClientChange = `
INSERT INTO integrator_changes (id, project_id, client_id, actor, what, edits, at) VALUES (?, ?, ?, ?, ?, ?, ?)`

	clientChanges = `
SELECT id, project_id, client_id, actor, what, edits, at FROM integrator_changes WHERE project_id = ? ORDER BY at DESC, id LIMIT ?`

	isAdmitted = `SELECT COUNT(*) FROM integrator_persons WHERE account_id = ?`

	admitPerson = `INSERT INTO integrator_persons (account_id, made_by, made_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

	dismissPerson = `DELETE FROM integrator_persons WHERE account_id = ?`

	allAdmitted = `SELECT account_id FROM integrator_persons ORDER BY made_at DESC, account_id LIMIT ?`

	testAccounts = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.sandbox = ? AND a.sandbox <> '' ORDER BY a.login_key`
)

func proposalPlace(id string) string { return "integrator_proposals.edits|" + id }
func changePlace(id string) string   { return "integrator_changes.edits|" + id }

func (d *DB) sealEdits(place string, edits []integrator.Edit) (string, error) {
	plain, err := json.Marshal(edits)
	if err != nil {
		return "", fmt.Errorf("seal edits: %w", err)
	}
	return d.seal(keys.Personal, place, plain)
}

func (d *DB) openEdits(place, sealed string) (edits []integrator.Edit, err error) {
	plain, err := d.unseal(keys.Personal, place, sealed)
	if err == nil {
		err = json.Unmarshal(plain, &edits)
	}
	return edits, err
}

// AddProposal implements integrator.Store.
func (d *DB) AddProposal(ctx context.Context, p integrator.Proposal) error {
	edits, err := d.sealEdits(proposalPlace(p.ID), p.Edits)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, addClientProposal, p.ID, p.Project, p.Client, edits, string(p.State), p.Reason, string(p.By), millis(p.At), p.Decider,
		millis(p.DecidedAt)); err != nil {
		return fmt.Errorf("add a proposal: %w", err)
	}
	return nil
}

// clientProposal is a proposal with its edits as they are stored.
type clientProposal struct {
	integrator.Proposal
	sealed string
}

func (p *clientProposal) dest() []any {
	return []any{&p.ID, &p.Project, &p.Client, &p.sealed, &p.State, &p.Reason, &p.By, &instant{&p.At}, &p.Decider, &instant{&p.DecidedAt}}
}

// ClientProposal gives integrator.Store's Proposal.
func (d *DB) ClientProposal(ctx context.Context, id string) (integrator.Proposal, error) {
	var p clientProposal
	found, err := d.row(ctx, selectClientProposal, []any{clip(id)}, p.dest()...)
	if err == nil && found {
		p.Edits, err = d.openEdits(proposalPlace(p.ID), p.sealed)
	}
	if err != nil {
		return integrator.Proposal{}, fmt.Errorf("read a proposal: %w", err)
	}
	if !found {
		return integrator.Proposal{}, missing("proposal")
	}
	return p.Proposal, nil
}

// ClientProposals gives those of a project, the newest first.
func (d *DB) ClientProposals(ctx context.Context, project string, limit int) ([]integrator.Proposal, error) {
	return d.clientProposals(ctx, clientProposalsOf, clip(project), limit)
}

// OpenProposals implements integrator.Store.
func (d *DB) OpenProposals(ctx context.Context, limit int) ([]integrator.Proposal, error) {
	return d.clientProposals(ctx, openClientProposals, limit)
}

func (d *DB) clientProposals(ctx context.Context, query string, args ...any) ([]integrator.Proposal, error) {
	all, err := list(ctx, d, query, args, func(rows *sqlx.Rows, p *clientProposal) error { return rows.Scan(p.dest()...) })
	out := make([]integrator.Proposal, 0, len(all))
	for _, p := range all {
		if err == nil {
			p.Edits, err = d.openEdits(proposalPlace(p.ID), p.sealed)
			out = append(out, p.Proposal)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list proposals: %w", err)
	}
	return out, nil
}

// SettleClientProposal moves an open proposal on; false if it is not open any more.
func (d *DB) SettleClientProposal(ctx context.Context, id string, to integrator.ProposalState, reason, decider string, now time.Time) (bool, error) {
	n, err := d.exec(ctx, settleClientProposal, string(to), reason, decider, millis(now), id)
	if err != nil {
		return false, fmt.Errorf("settle a proposal: %w", err)
	}
	return n > 0, nil
}

// AddClientChange implements integrator.Store.
func (d *DB) AddClientChange(ctx context.Context, c integrator.Change) error {
	edits, err := d.sealEdits(changePlace(c.ID), c.Edits)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, addClientChange, c.ID, c.Project, c.Client, c.Actor, c.What, edits, millis(c.At)); err != nil {
		return fmt.Errorf("add to the history: %w", err)
	}
	return nil
}

// ClientChanges implements integrator.Store.
func (d *DB) ClientChanges(ctx context.Context, project string, limit int) ([]integrator.Change, error) {
	type line struct {
		integrator.Change
		sealed string
	}
	all, err := list(ctx, d, clientChanges, []any{clip(project), limit}, func(rows *sqlx.Rows, c *line) error {
		return rows.Scan(&c.ID, &c.Project, &c.Client, &c.Actor, &c.What, &c.sealed, &instant{&c.At})
	})
	out := make([]integrator.Change, 0, len(all))
	for _, c := range all {
		if err == nil {
			c.Edits, err = d.openEdits(changePlace(c.ID), c.sealed)
			out = append(out, c.Change)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return out, nil
}

// Admitted implements integrator.Store.
func (d *DB) Admitted(ctx context.Context, id account.ID) (bool, error) {
	var n int
	if _, err := d.row(ctx, isAdmitted, []any{string(id)}, &n); err != nil {
		return false, fmt.Errorf("look for an approved person: %w", err)
	}
	return n > 0, nil
}

// Admit implements integrator.Store.
func (d *DB) Admit(ctx context.Context, id account.ID, by string, now time.Time) (bool, error) {
	n, err := d.exec(ctx, admitPerson, string(id), by, millis(now))
	if err != nil {
		return false, fmt.Errorf("approve a person: %w", err)
	}
	return n > 0, nil
}

// Dismiss implements integrator.Store.
func (d *DB) Dismiss(ctx context.Context, id account.ID) (bool, error) {
	n, err := d.exec(ctx, dismissPerson, string(id))
	if err != nil {
		return false, fmt.Errorf("dismiss a person: %w", err)
	}
	return n > 0, nil
}

// AllAdmitted implements integrator.Store.
func (d *DB) AllAdmitted(ctx context.Context, limit int) ([]account.ID, error) {
	return list(ctx, d, allAdmitted, []any{limit}, func(rows *sqlx.Rows, id *account.ID) error { return rows.Scan(id) })
}

// AmendClient implements integrator.Store. The counter of versions is locked first,
// as everywhere where clients change.
func (d *DB) AmendClient(ctx context.Context, c *client.Client, ev audit.Event) (bool, error) {
	return d.swap(ctx, "amend client", func(ctx context.Context) error {
		if _, err := d.exec(ctx, nextClientsVersion); err != nil {
			return err
		}
		if err := d.wins(ctx, claimClient, c.ID, c.Version); err != nil {
			return err
		}
		return d.PutClient(ctx, c, ev)
	})
}

// TestAccounts implements integrator.Store.
func (d *DB) TestAccounts(ctx context.Context, project string) ([]account.Account, error) {
	type one struct {
		account.Account
		profile string
	}
	all, err := list(ctx, d, testAccounts, []any{clip(project)}, func(rows *sqlx.Rows, a *one) error {
		return rows.Scan(accountDest(&a.Account, &a.profile)...)
	})
	out := make([]account.Account, 0, len(all))
	for _, a := range all {
		if err == nil {
			err = d.openProfile(&a.Account, a.profile)
			out = append(out, a.Account)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list test accounts: %w", err)
	}
	return out, nil
}

// integratorColumns are the sealed columns of projects.
func integratorColumns() []sealedColumn {
	return []sealedColumn{
		{
			name: "integrator_projects.form", purpose: keys.Personal, place: formPlace,
			rows: `SELECT id, form FROM integrator_projects WHERE id > ? AND id <= ? AND form <> '' AND substr(form, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM integrator_projects WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE integrator_projects SET form = ? WHERE id = ? AND form = ?`,
			held: `SELECT substr(form, 4, 16), COUNT(*) FROM integrator_projects WHERE form <> '' GROUP BY 1`,
		},
		{
			name: "integrator_invites.login", purpose: keys.Personal, place: invitePlace,
			rows: `SELECT id, login FROM integrator_invites WHERE id > ? AND id <= ? AND login <> '' AND substr(login, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM integrator_invites WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE integrator_invites SET login = ? WHERE id = ? AND login = ?`,
			held: `SELECT substr(login, 4, 16), COUNT(*) FROM integrator_invites WHERE login <> '' GROUP BY 1`,
		},
		{
			name: "integrator_proposals.edits", purpose: keys.Personal, place: proposalPlace,
			rows: `SELECT id, edits FROM integrator_proposals WHERE id > ? AND id <= ? AND edits <> '' AND substr(edits, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM integrator_proposals WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE integrator_proposals SET edits = ? WHERE id = ? AND edits = ?`,
			held: `SELECT substr(edits, 4, 16), COUNT(*) FROM integrator_proposals WHERE edits <> '' GROUP BY 1`,
		},
		{
			name: "integrator_changes.edits", purpose: keys.Personal, place: changePlace,
			rows: `SELECT id, edits FROM integrator_changes WHERE id > ? AND id <= ? AND edits <> '' AND substr(edits, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM integrator_changes WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE integrator_changes SET edits = ? WHERE id = ? AND edits = ?`,
			held: `SELECT substr(edits, 4, 16), COUNT(*) FROM integrator_changes WHERE edits <> '' GROUP BY 1`,
		},
		{ // moved there from clients.secret_sealed, whose place it has
			name: "clients.former_sealed", waits: true, purpose: keys.SharedSecret, place: client.SecretPlace,
			rows: `SELECT id, former_sealed FROM clients WHERE id > ? AND id <= ? AND former_sealed <> '' AND substr(former_sealed, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM clients WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE clients SET former_sealed = ? WHERE id = ? AND former_sealed = ?`,
			held: `SELECT substr(former_sealed, 4, 16), COUNT(*) FROM clients WHERE former_sealed <> '' GROUP BY 1`,
		},
	}
}
