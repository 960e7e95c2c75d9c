package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/torch"
)

// Decisions about a whole batch are set-based: the facts of every record by
// look-ups in indexes, the outcome by a join with the decision tables, both in one
// statement, so that a wide row is written once. Each text takes the batch's id.

const dropTorchRules = `DELETE FROM torch_rules`

const addTorchRule = `INSERT INTO torch_rules (kind, facts, outcome, makes, named, grants) VALUES (?, ?, ?, ?, ?, ?)`

// unitTorchFacts: T is 1 for whoever stands in the file. Only a verified legal
// account of a unit stands in the way of the unit's own.
const unitTorchFacts = `
SELECT r.id, r.kind, 8
    + CASE WHEN EXISTS (SELECT 1 FROM accounts a WHERE a.login_key = lower(r.key_text) AND a.kind = 'legal_entity' AND a.state <> 'closed')
        THEN 4 ELSE 0 END
    + CASE WHEN EXISTS (SELECT 1 FROM units u JOIN accounts a ON a.id = u.account_id WHERE u.uscc = r.key_text
        AND u.realname_status = 'verified' AND a.login_key <> lower(r.key_text) AND a.state <> 'closed') THEN 2 ELSE 0 END
    + CASE WHEN EXISTS (SELECT 1 FROM accounts a WHERE a.login_key = lower(r.key_text) AND a.kind = 'natural_person' AND a.state <> 'closed')
        THEN 1 ELSE 0 END AS facts
FROM torch_records r WHERE r.batch_id = ? AND r.kind = 'unit'`

// personTorchFacts: the account that holds the number is this person's if the
// verified documents are equal, or, where one has none, the proved number is.
const personTorchFacts = `
SELECT r.id, r.kind, 8
    + CASE WHEN EXISTS (SELECT 1 FROM accounts a WHERE a.login_key = r.key_text AND a.kind = 'natural_person' AND a.state <> 'closed')
        THEN 4 ELSE 0 END
    + CASE WHEN EXISTS (SELECT 1 FROM accounts a LEFT JOIN proved_documents p ON p.account_id = a.id
        WHERE a.login_key = r.key_text AND a.kind = 'natural_person' AND a.state <> 'closed' AND CASE
            WHEN p.blind IS NOT NULL AND r.doc_digest <> '' THEN p.blind = r.doc_digest
            ELSE r.phone_digest <> '' AND EXISTS (SELECT 1 FROM account_lookups l
                WHERE l.kind = 'phone' AND l.blind = r.phone_digest AND l.account_id = a.id) END) THEN 2 ELSE 0 END
    + CASE WHEN r.doc_digest <> '' AND EXISTS (SELECT 1 FROM proved_documents p JOIN accounts a ON a.id = p.account_id
        WHERE p.blind = r.doc_digest AND a.login_key <> r.key_text) THEN 1 ELSE 0 END AS facts
FROM torch_records r WHERE r.batch_id = ? AND r.kind = 'person'`

// The outcome; an account that is made has the record's id, and its unit is made
// if there is none.
const decideTorch = `
UPDATE torch_records SET facts = t.facts, outcome = t.outcome, made = t.makes <> '', name_no = CASE WHEN t.named THEN 1 ELSE 0 END,
    account_id = CASE WHEN t.makes <> '' THEN torch_records.id ELSE '' END, rival = '', holder = '',
    unit_made = t.makes = 'legal_entity' AND NOT EXISTS (SELECT 1 FROM units u WHERE u.uscc = torch_records.key_text)
FROM (`

const byTorchRules = `) f JOIN torch_rules t ON t.kind = f.kind AND t.facts = f.facts WHERE torch_records.id = f.id`

// knownTorch leaves out what an earlier batch brought over.
const knownTorch = `
UPDATE torch_records SET facts = -1, outcome = '', made = FALSE, name_no = 0, account_id = '', unit_made = FALSE
WHERE batch_id = ? AND EXISTS (SELECT 1 FROM torch_records o
    WHERE o.kind = torch_records.kind AND o.key_digest = torch_records.key_digest AND o.decided_at > 0 AND o.id <> torch_records.id)`

// torchName is the login name of the account that a record makes.
const torchName = `CASE r.name_no WHEN 0 THEN r.key_text WHEN 1 THEN 'HJ_' || r.key_text ELSE 'HJ' || r.name_no || '_' || r.key_text END`

// renameTorch goes on to the next name where one is taken.
const renameTorch = `
UPDATE torch_records SET name_no = name_no + 1
WHERE id IN (SELECT r.id FROM torch_records r JOIN accounts a ON a.login_key = lower(` + torchName + `) WHERE r.batch_id = ? AND r.made)`

// rivalTorch finds the unverified legal accounts that hold a unit whose own comes.
const rivalTorch = `
UPDATE torch_records SET rival = COALESCE((SELECT u.account_id FROM units u WHERE u.uscc = torch_records.key_text), '')
WHERE batch_id = ? AND kind = 'unit' AND outcome IN ('E1', 'E3') AND NOT unit_made`

// heldTorch names the account that goes on where none is made, and who has the
// login name in place of the record's owner.
const heldTorch = `
UPDATE torch_records SET holder = CASE
    WHEN outcome IN ('E3', 'E5', 'I3', 'I5') THEN COALESCE((SELECT a.id FROM accounts a WHERE a.login_key = lower(torch_records.key_text)), '')
    ELSE '' END, account_id = CASE
    WHEN made THEN id
    WHEN outcome IN ('E2', 'I2', 'I6') THEN COALESCE((SELECT a.id FROM accounts a WHERE a.login_key = lower(torch_records.key_text)), '')
    WHEN outcome IN ('I4', 'I5') THEN COALESCE((SELECT p.account_id FROM proved_documents p WHERE p.blind = torch_records.doc_digest), '')
    ELSE '' END
WHERE batch_id = ? AND outcome NOT IN ('', 'E1', 'E4', 'I1')`

// maxNames bounds how many prefixes are tried.
const maxNames = 20

// decideAll decides about a batch, within a transaction.
func (d *DB) decideAll(ctx context.Context, batch string, rules []torch.Rule) error {
	if _, err := d.exec(ctx, dropTorchRules); err != nil {
		return err
	}
	for _, r := range rules {
		if _, err := d.exec(ctx, addTorchRule, string(r.Kind), r.Facts, string(r.Outcome), r.Made.Kind, r.Prefixed, r.Grants); err != nil {
			return err
		}
	}
	for _, step := range []string{decideTorch + unitTorchFacts + byTorchRules, decideTorch + personTorchFacts + byTorchRules, knownTorch} {
		if _, err := d.exec(ctx, step, batch); err != nil {
			return err
		}
	}
	for n, taken := 0, int64(1); taken > 0; n++ {
		var err error
		if taken, err = d.exec(ctx, renameTorch, batch); err != nil {
			return err
		}
		if n > maxNames {
			return errors.New("no login name is free under any prefix")
		}
	}
	for _, step := range []string{rivalTorch, heldTorch} {
		if _, err := d.exec(ctx, step, batch); err != nil {
			return err
		}
	}
	return nil
}

const countTorch = `SELECT outcome, COUNT(*) FROM torch_records WHERE batch_id = ? GROUP BY outcome`

const sumTorch = `
SELECT COALESCE(SUM(CASE WHEN made THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN outcome IN ('E4', 'E5') THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN made AND name_no > CASE WHEN outcome IN ('E3', 'E5', 'I3') THEN 1 ELSE 0 END THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN rival <> '' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN made AND legacy <> '' THEN 1 ELSE 0 END), 0)
FROM torch_records WHERE batch_id = ?`

const sampleTorch = `
SELECT row_no, outcome, kind, key_text, name, suffixed, rival FROM (
    SELECT r.row_no, r.outcome, r.kind, r.key_text, ` + torchName + ` AS name, r.rival <> '' AS rival,
        r.made AND r.name_no > CASE WHEN r.outcome IN ('E3', 'E5', 'I3') THEN 1 ELSE 0 END AS suffixed,
        ROW_NUMBER() OVER (PARTITION BY r.outcome, r.rival <> '' ORDER BY r.row_no) AS place
    FROM torch_records r WHERE r.batch_id = ? AND r.outcome <> '') s
WHERE place <= 3 ORDER BY outcome, row_no`

// torchPlan reads what was decided.
func (d *DB) torchPlan(ctx context.Context, batch string) (torch.Plan, error) {
	p := torch.Plan{Outcomes: map[torch.Code]int64{}}
	type count struct {
		code torch.Code
		n    int64
	}
	counts, err := returned(ctx, d, countTorch, []any{batch}, func(r *sqlx.Rows, c *count) error { return r.Scan(&c.code, &c.n) })
	if err != nil {
		return p, err
	}
	for _, c := range counts {
		if c.code == "" {
			p.Known = c.n
			continue
		}
		p.Outcomes[c.code] = c.n
	}
	if _, err := d.returning(ctx, sumTorch, []any{batch}, &p.Made, &p.Grants, &p.Suffixed, &p.Rivals, &p.Legacy); err != nil {
		return p, err
	}
	p.Samples, err = returned(ctx, d, sampleTorch, []any{batch}, func(r *sqlx.Rows, s *torch.Sample) error {
		var kind torch.RecordKind
		if err := r.Scan(&s.Row, &s.Outcome, &kind, &s.Key, &s.LoginName, &s.Suffixed, &s.Rival); err != nil {
			return err
		}
		if kind == torch.PersonRecord {
			s.Key, s.LoginName = maskNumber(s.Key, s.Key), maskNumber(s.LoginName, s.Key)
		}
		return nil
	})
	return p, err
}

// maskNumber masks a mobile number within a login name.
func maskNumber(name, number string) string {
	if n := len(name) - len(number); n >= 0 && name[n:] == number {
		return name[:n] + account.MaskMobile(number)
	}
	return name
}

// errPreview takes back what a preview decided.
var errPreview = errors.New("a preview changes nothing")

// Preview implements torch.Store.
func (d *DB) Preview(ctx context.Context, batch string, rules []torch.Rule, _ time.Time) (torch.Plan, error) {
	p, done, err := d.patient()
	if err != nil {
		return torch.Plan{}, err
	}
	defer func() { _ = done() }()
	var plan torch.Plan
	err = p.InTx(ctx, func(ctx context.Context) error {
		if err := p.sameDigests(ctx); err != nil {
			return err
		}
		if err := p.decideAll(ctx, batch, rules); err != nil {
			return err
		}
		if plan, err = p.torchPlan(ctx, batch); err != nil {
			return err
		}
		return errPreview
	})
	if err != nil && !errors.Is(err, errPreview) {
		return torch.Plan{}, fmt.Errorf("preview batch: %w", err)
	}
	return plan, d.keepPlan(ctx, batch, plan)
}
