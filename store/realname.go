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
	"kejitong/provider/outbox"
	"kejitong/provider/realname"
)

var _ realname.Store = (*DB)(nil)

const caseColumns = `id, number, account_id, kind, state, entry, reasons, remark, method, check_id, checker, reviewer, folder,
    opened_at, sent_at, papers_at, decided_at, version`

const addCase = `
INSERT INTO realname_cases (` + caseColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`

// putCase affects no row if the case moved on.
const putCase = `
UPDATE realname_cases SET state = ?, entry = ?, reasons = ?, remark = ?, method = ?, check_id = ?, checker = ?, reviewer = ?, folder = ?,
    sent_at = ?, papers_at = ?, decided_at = ?, version = version + 1
WHERE id = ? AND version = ? AND state = ?`

const caseByID = `SELECT ` + caseColumns + ` FROM realname_cases WHERE id = ?`

// An unfinished case is the newest one: no other is opened beside it.
const caseOf = `
SELECT ` + caseColumns + ` FROM realname_cases WHERE account_id = ?
ORDER BY CASE WHEN state = 'verified' THEN 1 ELSE 0 END, opened_at DESC, id DESC LIMIT 1`

// The queue, along (sent_at, id) from the cursor on. Its parameters are: state;
// kind twice; reviewer three times; whether to show those without documents; the
// newest sent_at; cursor's sent_at twice and id; limit.
const realnameQueue = `
SELECT id, number, account_id, kind, state, reviewer, sent_at, papers_at, version FROM realname_cases
WHERE state = ? AND (? = '' OR kind = ?) AND (? = '' OR reviewer = CASE WHEN ? = '-' THEN '' ELSE ? END)
    AND (CAST(? AS BOOLEAN) OR papers_at > 0 OR state <> 'manual_review') AND sent_at <= ?
    AND (sent_at > ? OR sent_at = ? AND id > ?)
ORDER BY sent_at, id LIMIT ?`

// AddCase implements realname.Store.
func (d *DB) AddCase(ctx context.Context, c realname.Case, ev audit.Event) error {
	entry, remark, err := d.sealCase(c)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.exec(ctx, addCase, c.ID, c.Number, string(c.Account), string(c.Kind), string(c.State), entry, encoded(c.Reasons), remark,
			c.Method, c.CheckID, c.Checker, c.Reviewer, c.Folder, millis(c.OpenedAt), millis(c.SentAt), millis(c.PapersAt), millis(c.DecidedAt)); err != nil {
			return err
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("add real-name case: %w", err)
	}
	return nil
}

// PutCase implements realname.Store.
func (d *DB) PutCase(ctx context.Context, c realname.Case, was realname.State, ev audit.Event) error {
	entry, remark, err := d.sealCase(c)
	if err != nil {
		return err
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		n, err := d.exec(ctx, putCase, string(c.State), entry, encoded(c.Reasons), remark, c.Method, c.CheckID, c.Checker, c.Reviewer, c.Folder,
			millis(c.SentAt), millis(c.PapersAt), millis(c.DecidedAt), c.ID, c.Version, string(was))
		if err != nil {
			return err
		}
		if n == 0 {
			return &fault.Error{Kind: fault.Conflict, Msg: realname.MsgMoved}
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("put real-name case: %w", err)
	}
	return nil
}

// CaseByID implements realname.Store.
func (d *DB) CaseByID(ctx context.Context, id string) (realname.Case, error) {
	return d.oneCase(ctx, caseByID, id)
}

// CaseOf implements realname.Store.
func (d *DB) CaseOf(ctx context.Context, id account.ID) (realname.Case, error) {
	return d.oneCase(ctx, caseOf, string(id))
}

func (d *DB) oneCase(ctx context.Context, query, arg string) (realname.Case, error) {
	var c realname.Case
	var entry, remark string
	found, err := d.row(ctx, query, []any{arg}, &c.ID, &c.Number, &c.Account, &c.Kind, &c.State, &entry, &document{&c.Reasons}, &remark, &c.Method,
		&c.CheckID, &c.Checker, &c.Reviewer, &c.Folder, &instant{&c.OpenedAt}, &instant{&c.SentAt}, &instant{&c.PapersAt}, &instant{&c.DecidedAt}, &c.Version)
	if err == nil && found {
		err = d.openCase(&c, entry, remark)
	}
	if err != nil {
		return realname.Case{}, fmt.Errorf("read real-name case: %w", err)
	}
	if !found {
		return realname.Case{}, missing("case")
	}
	return c, nil
}

// Cases implements realname.Store.
func (d *DB) Cases(ctx context.Context, f realname.Filter, now time.Time) ([]realname.Item, error) {
	state := f.State
	if state == realname.None {
		state = realname.ManualReview
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	var after int64
	var id string
	if f.After != "" {
		if n, err := fmt.Sscanf(f.After, "%d.%s", &after, &id); err != nil || n != 2 {
			return nil, &fault.Error{Kind: fault.Invalid, Field: "after", Msg: "no cursor"}
		}
	}
	who := f.Reviewer
	args := []any{string(state), string(f.Kind), string(f.Kind), who, who, who, f.Waiting, millis(now.Add(-f.Older)), after, after, id, min(limit, 200)}
	items, err := list(ctx, d, realnameQueue, args, func(r *sqlx.Rows, i *realname.Item) error {
		err := r.Scan(&i.ID, &i.Number, &i.Account, &i.Kind, &i.State, &i.Reviewer, &instant{&i.SentAt}, &instant{&i.PapersAt}, &i.Version)
		i.Cursor = fmt.Sprintf("%d.%s", millis(i.SentAt), i.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("real-name queue: %w", err)
	}
	return items, nil
}

// QueueCheck implements realname.Store.
func (d *DB) QueueCheck(ctx context.Context, id string, version int64) error {
	payload, err := json.Marshal(realname.Task{Case: id, Version: version})
	if err != nil {
		return fmt.Errorf("check task: %w", err)
	}
	now := millis(d.Now())
	if _, err = d.exec(ctx, queueTask, fmt.Sprintf("realname.%s.%d", id, version), string(outbox.RealNameCheck), id, string(payload), now, now); err != nil {
		return fmt.Errorf("queue check: %w", err)
	}
	return nil
}

// CountEntry implements realname.Store.
func (d *DB) CountEntry(ctx context.Context, id account.ID, window time.Duration, now time.Time) (int, time.Time, error) {
	return d.CountTry(ctx, "realname|"+string(id), window, now)
}

// Holder implements realname.Store.
func (d *DB) Holder(ctx context.Context, id account.ID) (realname.Holder, error) {
	p, err := d.ByAccount(ctx, id)
	return realname.Holder{Account: p.Account, Unit: p.Unit}, err
}

func entryPlace(id string) string  { return "realname_cases.entry|" + id }
func remarkPlace(id string) string { return "realname_cases.remark|" + id }

func (d *DB) sealCase(c realname.Case) (entry, remark string, err error) {
	plain, err := json.Marshal(c.Entry)
	if err != nil {
		return "", "", fmt.Errorf("seal entry: %w", err)
	}
	if entry, err = d.seal(keys.Personal, entryPlace(c.ID), plain); err != nil || c.Remark == "" {
		return entry, "", err
	}
	remark, err = d.seal(keys.Personal, remarkPlace(c.ID), []byte(c.Remark))
	return entry, remark, err
}

func (d *DB) openCase(c *realname.Case, entry, remark string) error {
	plain, err := d.unseal(keys.Personal, entryPlace(c.ID), entry)
	if err != nil {
		return fmt.Errorf("entry of case %s: %w", c.ID, err)
	}
	if err := json.Unmarshal(plain, &c.Entry); err != nil {
		return fmt.Errorf("entry of case %s: not the JSON of an entry", c.ID) // the cause would quote it
	}
	if remark == "" {
		return nil
	}
	plain, err = d.unseal(keys.Personal, remarkPlace(c.ID), remark)
	c.Remark = string(plain)
	return err
}
