package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/realname"
	"kejitong/provider/torch"
)

// Rows that stand under one key each move to the newest.

const (
	oldEntries = `SELECT key, data FROM register_entries WHERE key > ? AND key_no < ? ORDER BY key LIMIT ?`

	// moveEntry makes the row anew under its new key; a later load that made it already
	// is the newer one.
	moveEntry = `
INSERT INTO register_entries (kind, key, data, loaded_at, key_no)
SELECT kind, CAST(? AS TEXT), CAST(? AS TEXT), loaded_at, CAST(? AS BIGINT) FROM register_entries WHERE key = ? AND data = ?
ON CONFLICT (key) DO UPDATE SET data = excluded.data, loaded_at = excluded.loaded_at WHERE register_entries.loaded_at < excluded.loaded_at`

	dropEntry = `DELETE FROM register_entries WHERE key = ? AND data = ?`

	oldTorch = `SELECT id, record FROM torch_records WHERE id > ? AND key_no < ? ORDER BY id LIMIT ?`

	moveTorch = `UPDATE torch_records SET key_digest = ?, doc_digest = ?, phone_digest = ?, key_no = ? WHERE id = ? AND record = ?`

	oldInvites = `SELECT id, login FROM integrator_invites WHERE id > ? AND key_no < ? ORDER BY id LIMIT ?`

	moveInvite = `
UPDATE integrator_invites SET blind = ?, key_no = ? WHERE id = ? AND NOT EXISTS (
    SELECT 1 FROM integrator_invites n WHERE n.project_id = integrator_invites.project_id AND n.blind = ?)`

	// dropOldInvite is for one that a newer invitation took the place of.
	dropOldInvite = `DELETE FROM integrator_invites WHERE id = ? AND key_no < ?`
)

// each runs move, in a transaction a page, over the rows that query gives.
func (j *redigest) each(ctx context.Context, query string, move func(ctx context.Context, v sealedValue) error) error {
	for after := ""; ; {
		page, err := list(ctx, j.d, query, []any{after, j.last.Number, j.batch}, func(rows *sqlx.Rows, v *sealedValue) error { return rows.Scan(&v.key, &v.text) })
		if err != nil || len(page) == 0 {
			return err
		}
		err = j.d.InTx(ctx, func(ctx context.Context) error {
			for _, v := range page {
				if err := move(ctx, v); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		j.made(len(page))
		after = page[len(page)-1].key
	}
}

// register moves the lines of extracts. A row's place is its key, so it is sealed
// anew.
func (j *redigest) register(ctx context.Context) error {
	return j.each(ctx, oldEntries, func(ctx context.Context, v sealedValue) error {
		plain, err := j.d.unseal(keys.Personal, registerPlace(v.key), v.text)
		if err != nil {
			return fmt.Errorf("entry of the register: %w", err)
		}
		value, err := registered(plain)
		if err != nil {
			return err
		}
		key := blindUnder(j.last, "register", value).text
		anew, err := j.d.seal(keys.Personal, registerPlace(key), plain)
		if err != nil {
			return err
		}
		if _, err := j.d.exec(ctx, moveEntry, key, anew, j.last.Number, v.key, v.text); err != nil {
			return err
		}
		_, err = j.d.exec(ctx, dropEntry, v.key, v.text)
		return err
	})
}

// registered is what a line of an extract is found by.
func registered(plain []byte) (string, error) {
	var u realname.UnitRecord
	if err := json.Unmarshal(plain, &u); err == nil && u.USCC != "" {
		return "uscc|" + string(u.USCC), nil
	}
	var p realname.PersonRecord
	if err := json.Unmarshal(plain, &p); err != nil || p.IDNumber == "" {
		return "", errors.New("entry of the register: not the JSON of one") // the cause would quote it
	}
	return p.IDType + "|" + p.IDNumber, nil
}

// torch moves imported records. Of an erased person nothing is known that a digest
// could be made of; such a record is found no more.
func (j *redigest) torch(ctx context.Context) error {
	return j.each(ctx, oldTorch, func(ctx context.Context, v sealedValue) error {
		var made torchMarks
		if v.text == "" {
			made = torchMarks{number: j.last.Number, key: "erased." + v.key}
		} else {
			plain, err := j.d.unseal(keys.Personal, torchPlace(v.key), v.text)
			if err != nil {
				return fmt.Errorf("record %s: %w", v.key, err)
			}
			var r torch.Record
			if err := json.Unmarshal(plain, &r); err != nil {
				return fmt.Errorf("record %s: not the JSON of one", v.key) // the cause would quote it
			}
			made = torchDigests(j.last, r)
		}
		_, err := j.d.exec(ctx, moveTorch, made.key, made.doc, made.phone, made.number, v.key, v.text)
		return err
	})
}

// invites moves invitations to teams.
func (j *redigest) invites(ctx context.Context) error {
	return j.each(ctx, oldInvites, func(ctx context.Context, v sealedValue) error {
		plain, err := j.d.unseal(keys.Personal, invitePlace(v.key), v.text)
		if err != nil {
			return fmt.Errorf("invitation %s: %w", v.key, err)
		}
		b := blindUnder(j.last, "login", string(plain))
		n, err := j.d.exec(ctx, moveInvite, b.text, b.number, v.key, b.text)
		if err == nil && n == 0 {
			_, err = j.d.exec(ctx, dropOldInvite, v.key, b.number)
		}
		return err
	})
}

const blindKeys = `SELECT state, number, activated_at FROM keys WHERE purpose = 'blind' AND state <> 'spent' ORDER BY number`

// heldKeys keeps keys as they are until the transaction ends.
const heldKeys = blindKeys + ` FOR SHARE`

const torchElsewhere = `SELECT COUNT(*) FROM (SELECT 1 FROM torch_records WHERE key_no <> ? LIMIT 1) r`

// sameDigests makes sure, until the transaction ends, that imported records and
// accounts have digests under one key: an import compares them with one another.
func (d *DB) sameDigests(ctx context.Context) error {
	rows, err := returned(ctx, d, d.pick(heldKeys, blindKeys), nil, func(r *sqlx.Rows, k *keys.Row) error {
		return r.Scan(&k.State, &k.Number, &instant{&k.ActivatedAt})
	})
	if err != nil || len(rows) < 2 {
		return err
	}
	wait := fault.New(fault.Conflict, "the key of the blind indexes is being changed; try again in some minutes (kejitong keys list tells how far it is)")
	newest := rows[len(rows)-1]
	if newest.State != keys.Active || d.Now().Sub(newest.ActivatedAt) < keys.KnownFor+time.Second || d.Seal().Current(keys.Blind).Number != newest.Number {
		return wait
	}
	var left int
	if _, err := d.returning(ctx, torchElsewhere, []any{newest.Number}, &left); err != nil {
		return err
	}
	if left > 0 {
		return wait
	}
	return nil
}
