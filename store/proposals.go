package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/operator"
)

const proposalColumns = `id, matter, subject, what, made_by, made_at, until_at, state, decider, decided_at`

const addProposal = `INSERT INTO proposals (` + proposalColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 0)`

const addProposalDone = `WITH done AS (` + addProposal + ` RETURNING id)` + auditDone

const proposalByID = `SELECT ` + proposalColumns + ` FROM proposals WHERE id = ?`

const recentProposals = `SELECT ` + proposalColumns + ` FROM proposals ORDER BY made_at DESC, id LIMIT ?`

const settleProposal = `UPDATE proposals SET state = ?, decider = ?, decided_at = ? WHERE id = ? AND state = ?`

const settleProposalDone = `WITH done AS (` + settleProposal + ` RETURNING id)` + auditDone

// Propose implements operator.Store.
func (d *DB) Propose(ctx context.Context, p operator.Proposal, ev audit.Event) error {
	_, err := d.deed(ctx, addProposalDone, addProposal, ev, p.ID, string(p.Matter), p.Subject, p.What, p.By, millis(p.At), millis(p.Until), string(p.State))
	if err != nil {
		return fmt.Errorf("propose: %w", err)
	}
	return nil
}

// Proposal implements operator.Store.
func (d *DB) Proposal(ctx context.Context, id string) (operator.Proposal, error) {
	var p operator.Proposal
	found, err := d.row(ctx, proposalByID, []any{clip(id)}, proposalDest(&p)...)
	if err != nil {
		return operator.Proposal{}, fmt.Errorf("read a proposal: %w", err)
	}
	if !found {
		return operator.Proposal{}, missing("proposal")
	}
	return p, nil
}

// Proposals implements operator.Store.
func (d *DB) Proposals(ctx context.Context, limit int) ([]operator.Proposal, error) {
	all, err := list(ctx, d, recentProposals, []any{limit}, func(rows *sqlx.Rows, p *operator.Proposal) error {
		return rows.Scan(proposalDest(p)...)
	})
	if err != nil {
		return nil, fmt.Errorf("list proposals: %w", err)
	}
	return all, nil
}

// SettleProposal implements operator.Store.
func (d *DB) SettleProposal(ctx context.Context, id string, from, to operator.ProposalState, by string, now time.Time, ev audit.Event) (bool, error) {
	ok, err := d.deed(ctx, settleProposalDone, settleProposal, ev, string(to), by, millis(now), id, string(from))
	if err != nil {
		return false, fmt.Errorf("settle a proposal: %w", err)
	}
	return ok, nil
}

func proposalDest(p *operator.Proposal) []any {
	return []any{&p.ID, &p.Matter, &p.Subject, &p.What, &p.By, &instant{&p.At}, &instant{&p.Until}, &p.State, &p.Decider, &instant{&p.Decided}}
}
