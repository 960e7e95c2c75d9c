package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/recovery"
)

// appealColumns is an appeal in the order of appealDest.
const appealColumns = `id, number, kind, state, account_id, secret, claim, assignee, reviewer, seconder, objected, created_at, updated_at,
    due_at, expires_at, effective_at, version`

const fileAppeal = `
INSERT INTO appeals (id, number, kind, state, open, account_id, secret, mobile, mobile_even, claim, assignee, reviewer, seconder, objected, created_at,
    updated_at, due_at, expires_at, effective_at, keep_until, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`

const fileAppealDone = `WITH done AS (` + fileAppeal + ` RETURNING id)` + auditDone

const saveAppeal = `
UPDATE appeals SET state = ?, open = ?, account_id = ?, claim = ?, assignee = ?, reviewer = ?, seconder = ?, objected = ?, updated_at = ?,
    expires_at = ?, effective_at = ?, keep_until = ?, version = version + 1
WHERE id = ? AND version = ?`

const saveAppealDone = `WITH done AS (` + saveAppeal + ` RETURNING id)` + auditDone

const (
	appealByID     = `SELECT ` + appealColumns + ` FROM appeals WHERE id = ?`
	appealByNumber = `SELECT ` + appealColumns + ` FROM appeals WHERE number = ?`
	selectAppeals  = `
SELECT ` + appealColumns + ` FROM appeals
WHERE (CAST(? AS TEXT) = '' OR state = ?) AND (CAST(? AS TEXT) = '' OR kind IN (?, ?, ?)) AND (CAST(? AS TEXT) = '' OR account_id = ?)
    AND (CAST(? AS TEXT) = '' OR assignee = ?) AND (assignee = '' OR NOT CAST(? AS BOOLEAN)) AND (open AND expires_at > ? OR NOT CAST(? AS BOOLEAN))
    AND (CAST(? AS BIGINT) = 0 OR created_at <= ?) AND (created_at > ? OR created_at = ? AND id > ?)
ORDER BY created_at, id LIMIT ?`
)

// lapseAppeals ends what nobody decided or used in time, so that the number may
// appeal again; the domain sees the end without it. Its documents are closed with
// it and erased after as long as those of a decided case.
const lapseAppeals = `
UPDATE appeals SET state = 'expired', open = FALSE, version = version + 1
WHERE id IN (SELECT id FROM appeals WHERE open AND expires_at < ? ORDER BY expires_at LIMIT ?) RETURNING id`

func (d *DB) lapseAppeals(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	err := d.InTx(ctx, func(ctx context.Context) error {
		lapsed, err := returned(ctx, d, lapseAppeals, []any{millis(before), limit}, func(r *sqlx.Rows, id *string) error { return r.Scan(id) })
		if err != nil {
			return err
		}
		n = len(lapsed)
		now := d.Now()
		for _, id := range lapsed {
			if _, err := d.exec(ctx, closeCase, id, millis(now), millis(now), millis(now.Add(keptEvidence))); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func claimPlace(id string) string { return "appeals.claim|" + id }

// said is what is sealed of an appeal.
type said struct {
	Claim   recovery.Claim  `json:"c"`
	History []recovery.Turn `json:"h"`
}

func (d *DB) sealClaim(a recovery.Appeal) (string, error) {
	plain, err := json.Marshal(said{a.Claim, a.History})
	if err != nil {
		return "", fmt.Errorf("seal appeal: %w", err)
	}
	return d.seal(keys.Personal, claimPlace(a.ID), plain)
}

// keptAppeals is how long closed appeals stay.
const keptAppeals = 180 * 24 * time.Hour

// keptEvidence is how long the documents of a lapsed appeal stay.
const keptEvidence = 30 * 24 * time.Hour

// FileAppeal implements recovery.Store.
func (d *DB) FileAppeal(ctx context.Context, a recovery.Appeal, ev audit.Event) error {
	sealed, err := d.sealClaim(a)
	if err != nil {
		return err
	}
	odd, even, err := d.oddAndEven("appeal", a.Claim.Mobile)
	if err != nil {
		return err
	}
	_, err = d.deed(ctx, fileAppealDone, fileAppeal, ev, a.ID, a.Number, string(a.Kind), string(a.State), a.State.Open(), string(a.Account),
		a.Secret, odd, even, sealed, a.Assignee, a.First, a.Second, a.Objected, millis(a.CreatedAt), millis(a.UpdatedAt), millis(a.DueAt),
		millis(a.ExpiresAt), millis(a.EffectiveAt), millis(a.ExpiresAt.Add(keptAppeals)))
	if err != nil {
		return fmt.Errorf("file appeal: %w", err)
	}
	return nil
}

// SaveAppeal implements recovery.Store.
func (d *DB) SaveAppeal(ctx context.Context, a recovery.Appeal, ev audit.Event) error {
	sealed, err := d.sealClaim(a)
	if err != nil {
		return err
	}
	ok, err := d.deed(ctx, saveAppealDone, saveAppeal, ev, string(a.State), a.State.Open(), string(a.Account), sealed, a.Assignee, a.First, a.Second,
		a.Objected, millis(a.UpdatedAt), millis(a.ExpiresAt), millis(a.EffectiveAt), millis(a.UpdatedAt.Add(keptAppeals)), a.ID, a.Version)
	if err != nil {
		return fmt.Errorf("save appeal: %w", err)
	}
	if !ok {
		return fault.New(fault.Conflict, recovery.MsgChanged)
	}
	return nil
}

// Appeal implements recovery.Store.
func (d *DB) Appeal(ctx context.Context, id string) (recovery.Appeal, error) {
	return d.appeal(ctx, appealByID, id)
}

// AppealByNumber implements recovery.Store.
func (d *DB) AppealByNumber(ctx context.Context, number string) (recovery.Appeal, error) {
	return d.appeal(ctx, appealByNumber, clip(number))
}

func (d *DB) appeal(ctx context.Context, query, value string) (recovery.Appeal, error) {
	var a recovery.Appeal
	var sealed string
	found, err := d.row(ctx, query, []any{value}, appealDest(&a, &sealed)...)
	if err == nil && found {
		err = d.openClaim(&a, sealed)
	}
	if err != nil {
		return recovery.Appeal{}, fmt.Errorf("read appeal: %w", err)
	}
	if !found {
		return recovery.Appeal{}, missing("appeal")
	}
	return a, nil
}

// Appeals implements recovery.Store.
func (d *DB) Appeals(ctx context.Context, f recovery.Filter) ([]recovery.Appeal, error) {
	type row struct {
		recovery.Appeal
		sealed string
	}
	after, before := millis(f.After.CreatedAt), millis(f.Before)
	var kinds [3]recovery.Kind
	switch f.Of {
	case account.NaturalPerson:
		kinds = [3]recovery.Kind{recovery.Person, recovery.PersonName, recovery.PersonFactor}
	case account.LegalEntity:
		kinds = [3]recovery.Kind{recovery.Unit, recovery.UnitName, recovery.UnitFactor}
	}
	args := []any{string(f.State), string(f.State), string(f.Of), string(kinds[0]), string(kinds[1]), string(kinds[2]), string(f.Account), string(f.Account),
		f.Assignee, f.Assignee, f.Free, millis(f.Now), f.Open, before, before, after, after, f.After.ID, f.Limit}
	rows, err := list(ctx, d, selectAppeals, args, func(rows *sqlx.Rows, r *row) error { return rows.Scan(appealDest(&r.Appeal, &r.sealed)...) })
	if err != nil {
		return nil, fmt.Errorf("list appeals: %w", err)
	}
	out := make([]recovery.Appeal, len(rows))
	for i := range rows {
		if err := d.openClaim(&rows[i].Appeal, rows[i].sealed); err != nil {
			return nil, err
		}
		out[i] = rows[i].Appeal
	}
	return out, nil
}

func appealDest(a *recovery.Appeal, sealed *string) []any {
	return []any{&a.ID, &a.Number, &a.Kind, &a.State, &a.Account, &a.Secret, sealed, &a.Assignee, &a.First, &a.Second, &a.Objected,
		&instant{&a.CreatedAt}, &instant{&a.UpdatedAt}, &instant{&a.DueAt}, &instant{&a.ExpiresAt}, &instant{&a.EffectiveAt}, &a.Version}
}

func (d *DB) openClaim(a *recovery.Appeal, sealed string) error {
	plain, err := d.unseal(keys.Personal, claimPlace(a.ID), sealed)
	if err != nil {
		return fmt.Errorf("appeal %s: %w", a.ID, err)
	}
	var s said
	if err := json.Unmarshal(plain, &s); err != nil {
		return fmt.Errorf("appeal %s: not the JSON of a claim", a.ID) // the cause would quote it
	}
	a.Claim, a.History = s.Claim, s.History
	return nil
}

// recoveryColumns are what recovery seals.
func recoveryColumns() []sealedColumn {
	return []sealedColumn{
		{
			name: "recovery_flows.data", purpose: keys.Personal, place: flowPlace,
			rows: `SELECT key, data FROM recovery_flows WHERE key > ? AND key <= ? AND data <> '' AND substr(data, 4, 16) <> ? ORDER BY key LIMIT ?`,
			page: `SELECT COALESCE(MAX(key), '') FROM (SELECT key FROM recovery_flows WHERE key > ? ORDER BY key LIMIT ?) p`,
			swap: `UPDATE recovery_flows SET data = ? WHERE key = ? AND data = ?`,
			held: `SELECT substr(data, 4, 16), COUNT(*) FROM recovery_flows WHERE data <> '' GROUP BY 1`,
		},
		{
			name: "appeals.claim", purpose: keys.Personal, place: claimPlace,
			rows: `SELECT id, claim FROM appeals WHERE id > ? AND id <= ? AND claim <> '' AND substr(claim, 4, 16) <> ? ORDER BY id LIMIT ?`,
			page: `SELECT COALESCE(MAX(id), '') FROM (SELECT id FROM appeals WHERE id > ? ORDER BY id LIMIT ?) p`,
			swap: `UPDATE appeals SET claim = ? WHERE id = ? AND claim = ?`,
			held: `SELECT substr(claim, 4, 16), COUNT(*) FROM appeals WHERE claim <> '' GROUP BY 1`,
		},
	}
}
