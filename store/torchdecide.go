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

// Decisions about a whole batch are set-based, and made beside the records, in a
// narrow temporary table that nobody else sees: a plan writes no record, and a
// commit each of them once.

const dropTorchRules = `DELETE FROM torch_rules`

const addTorchRule = `INSERT INTO torch_rules (kind, facts, outcome, makes, named, grants) VALUES (?, ?, ?, ?, ?, ?)`

const (
	forgetTorchDecided = `DROP TABLE IF EXISTS torch_decided`

	// What a record comes to. free says that nobody has its login name.
	torchDecided = `
CREATE TEMPORARY TABLE torch_decided (id TEXT, row_no BIGINT, kind TEXT, key_text TEXT, facts BIGINT, outcome TEXT, makes TEXT, made BOOLEAN,
    name_no BIGINT, free BOOLEAN, account_id TEXT, unit_id TEXT, unit_made BOOLEAN, rival TEXT, holder TEXT, worded BOOLEAN)`

	untilTheEnd = ` ON COMMIT DROP`

	analyzeTorchDecided = `ANALYZE torch_decided`
)

// roomy lets PostgreSQL join a batch in memory, and not compile what runs once.
const (
	roomy      = `SET LOCAL work_mem = '64MB'`
	uncompiled = `SET LOCAL jit = off`
)

// unitTorchFacts: T is 1 for whoever stands in the file. Only a verified legal
// account of a unit stands in the way of the unit's own. What an earlier batch
// brought over is left alone: no outcome belongs to its facts.
const unitTorchFacts = `
SELECT r.id, r.row_no, r.kind, r.key_text, r.unit_id, r.legacy <> '' AS worded, l.id AS login_id, u.id AS here, u.account_id AS owner, '' AS proved_id,
    CASE WHEN o.id IS NOT NULL THEN -1 ELSE 8
        + CASE WHEN l.kind = 'legal_entity' AND l.state <> 'closed' THEN 4 ELSE 0 END
        + CASE WHEN u.realname_status = 'verified' AND a.login_key <> lower(r.key_text) AND a.state <> 'closed' THEN 2 ELSE 0 END
        + CASE WHEN l.kind = 'natural_person' AND l.state <> 'closed' THEN 1 ELSE 0 END END AS facts
FROM torch_records r LEFT JOIN accounts l ON l.login_key = lower(r.key_text)
LEFT JOIN units u ON u.uscc = r.key_text LEFT JOIN accounts a ON a.id = u.account_id` + knownTorch + `
WHERE r.batch_id = ? AND r.kind = 'unit'`

// personTorchFacts: the account that holds the number is this person's if the
// verified documents are equal, or, where one has none, the proved number is.
const personTorchFacts = `
SELECT r.id, r.row_no, r.kind, r.key_text, '' AS unit_id, r.legacy <> '' AS worded, l.id AS login_id, NULL AS here, NULL AS owner, p.account_id AS proved_id,
    CASE WHEN o.id IS NOT NULL THEN -1 ELSE 8
        + CASE WHEN l.kind = 'natural_person' AND l.state <> 'closed' THEN 4 + CASE WHEN EXISTS (
            SELECT 1 FROM accounts n LEFT JOIN proved_documents q ON q.account_id = n.id WHERE n.id = l.id AND CASE
                WHEN q.blind IS NOT NULL AND r.doc_digest <> '' THEN q.blind = r.doc_digest
                ELSE r.phone_digest <> '' AND EXISTS (SELECT 1 FROM account_lookups k
                    WHERE k.kind = 'phone' AND k.blind = r.phone_digest AND k.account_id = n.id) END) THEN 2 ELSE 0 END ELSE 0 END
        + CASE WHEN a.login_key <> r.key_text THEN 1 ELSE 0 END END AS facts
FROM torch_records r LEFT JOIN accounts l ON l.login_key = r.key_text
LEFT JOIN proved_documents p ON p.blind = r.doc_digest AND r.doc_digest <> '' LEFT JOIN accounts a ON a.id = p.account_id` + knownTorch + `
WHERE r.batch_id = ? AND r.kind = 'person'`

const knownTorch = `
LEFT JOIN torch_records o ON o.kind = r.kind AND o.key_digest = r.key_digest AND o.decided_at > 0`

// The outcome; an account that is made has the record's id, and its unit is made if
// there is none. A rival is the unverified legal account that holds a unit whose own
// comes; a holder has the login name in place of the record's owner. Where no
// account is made, account_id is the one that goes on.
const decideTorch = `
INSERT INTO torch_decided (id, row_no, kind, key_text, facts, outcome, makes, made, name_no, free, account_id, unit_id, unit_made, rival, holder, worded)
SELECT f.id, f.row_no, f.kind, f.key_text, f.facts, COALESCE(t.outcome, ''), COALESCE(t.makes, ''), COALESCE(t.makes, '') <> '',
    CASE WHEN t.named THEN 1 ELSE 0 END, t.named = FALSE AND f.login_id IS NULL,
    COALESCE(CASE WHEN t.makes <> '' THEN f.id WHEN t.outcome IN ('E2', 'I2', 'I6') THEN f.login_id WHEN t.outcome IN ('I4', 'I5') THEN f.proved_id END, ''),
    CASE WHEN t.makes = 'legal_entity' AND f.here IS NULL THEN f.unit_id ELSE COALESCE(f.here, '') END,
    COALESCE(t.makes = 'legal_entity' AND f.here IS NULL, FALSE),
    CASE WHEN t.outcome IN ('E1', 'E3') THEN COALESCE(f.owner, '') ELSE '' END,
    CASE WHEN t.outcome IN ('E3', 'E5', 'I3', 'I5') THEN COALESCE(f.login_id, '') ELSE '' END, f.worded
FROM (`

const byTorchRules = `) f LEFT JOIN torch_rules t ON t.kind = f.kind AND t.facts = f.facts`

// torchName is the login name of the account that a record makes.
const torchName = `CASE r.name_no WHEN 0 THEN r.key_text WHEN 1 THEN 'HJ_' || r.key_text ELSE 'HJ' || r.name_no || '_' || r.key_text END`

// renameTorch goes on to the next name where one is taken.
const renameTorch = `
UPDATE torch_decided SET name_no = name_no + 1
WHERE id IN (SELECT r.id FROM torch_decided r JOIN accounts a ON a.login_key = lower(` + torchName + `) WHERE r.made AND NOT r.free)`

// maxNames bounds how many prefixes are tried.
const maxNames = 20

// decideAll decides about a batch, within a transaction.
func (d *DB) decideAll(ctx context.Context, batch string, rules []torch.Rule) error {
	prepare := []string{forgetTorchDecided, torchDecided, dropTorchRules}
	if d.postgres {
		prepare = []string{roomy, uncompiled, torchDecided + untilTheEnd, dropTorchRules}
	}
	for _, step := range prepare {
		if _, err := d.exec(ctx, step); err != nil {
			return err
		}
	}
	for _, r := range rules {
		if _, err := d.exec(ctx, addTorchRule, string(r.Kind), r.Facts, string(r.Outcome), r.Made.Kind, r.Prefixed, r.Grants); err != nil {
			return err
		}
	}
	for _, step := range []string{decideTorch + unitTorchFacts + byTorchRules, decideTorch + personTorchFacts + byTorchRules} {
		if _, err := d.exec(ctx, step, batch); err != nil {
			return err
		}
	}
	if d.postgres {
		if _, err := d.exec(ctx, analyzeTorchDecided); err != nil {
			return err
		}
	}
	for n, taken := 0, int64(1); taken > 0; n++ {
		var err error
		if taken, err = d.exec(ctx, renameTorch); err != nil {
			return err
		}
		if n > maxNames {
			return errors.New("no login name is free under any prefix")
		}
	}
	return nil
}

const countTorch = `SELECT outcome, COUNT(*) FROM torch_decided GROUP BY outcome`

const sumTorch = `
SELECT COALESCE(SUM(CASE WHEN made THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN outcome IN ('E4', 'E5') THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN made AND name_no > CASE WHEN outcome IN ('E3', 'E5', 'I3') THEN 1 ELSE 0 END THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN rival <> '' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN made AND worded THEN 1 ELSE 0 END), 0)
FROM torch_decided`

const sampleTorch = `
SELECT row_no, outcome, kind, key_text, name, suffixed, rival FROM (
    SELECT r.row_no, r.outcome, r.kind, r.key_text, ` + torchName + ` AS name, r.rival <> '' AS rival,
        r.made AND r.name_no > CASE WHEN r.outcome IN ('E3', 'E5', 'I3') THEN 1 ELSE 0 END AS suffixed,
        ROW_NUMBER() OVER (PARTITION BY r.outcome, r.rival <> '' ORDER BY r.row_no) AS place
    FROM torch_decided r WHERE r.outcome <> '') s
WHERE place <= 3 ORDER BY outcome, row_no`

// torchPlan reads what was decided.
func (d *DB) torchPlan(ctx context.Context) (torch.Plan, error) {
	p := torch.Plan{Outcomes: map[torch.Code]int64{}}
	type count struct {
		code torch.Code
		n    int64
	}
	counts, err := returned(ctx, d, countTorch, nil, func(r *sqlx.Rows, c *count) error { return r.Scan(&c.code, &c.n) })
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
	if _, err := d.returning(ctx, sumTorch, nil, &p.Made, &p.Grants, &p.Suffixed, &p.Rivals, &p.Legacy); err != nil {
		return p, err
	}
	p.Samples, err = returned(ctx, d, sampleTorch, nil, func(r *sqlx.Rows, s *torch.Sample) error {
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
		if plan, err = p.torchPlan(ctx); err != nil {
			return err
		}
		return errPreview
	})
	if err != nil && !errors.Is(err, errPreview) {
		return torch.Plan{}, fmt.Errorf("preview batch: %w", err)
	}
	return plan, d.keepPlan(ctx, batch, plan)
}
