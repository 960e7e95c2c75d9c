package store

import (
	"context"
	"encoding/json"
	"fmt"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/keys"
	"kejitong/provider/realname"
)

var _ realname.Register = (*DB)(nil)

const registerEntry = `SELECT key, data FROM register_entries WHERE key IN (?, ?) ORDER BY key_no DESC LIMIT 1`

const putRegisterEntry = `
INSERT INTO register_entries (kind, key, data, loaded_at, key_no) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET data = excluded.data, loaded_at = excluded.loaded_at`

// PersonOnRecord implements realname.Register.
func (d *DB) PersonOnRecord(ctx context.Context, idType, number string) (realname.PersonRecord, error) {
	var p realname.PersonRecord
	err := d.onRecord(ctx, idType+"|"+number, &p)
	return p, err
}

// UnitOnRecord implements realname.Register.
func (d *DB) UnitOnRecord(ctx context.Context, uscc account.USCC) (realname.UnitRecord, error) {
	var u realname.UnitRecord
	err := d.onRecord(ctx, "uscc|"+string(uscc), &u)
	return u, err
}

func registerPlace(key string) string { return "register_entries.data|" + key }

func (d *DB) onRecord(ctx context.Context, value string, into any) error {
	blind, other, err := d.either("register", value)
	if err != nil {
		return err
	}
	var key, sealed string
	found, err := d.row(ctx, registerEntry, []any{blind.text, other.text}, &key, &sealed)
	if err != nil {
		return fmt.Errorf("read the register: %w", err)
	}
	if !found {
		return missing("entry")
	}
	plain, err := d.unseal(keys.Personal, registerPlace(key), sealed)
	if err != nil {
		return fmt.Errorf("entry of the register: %w", err)
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return fmt.Errorf("entry of the register: not the JSON of one") // the cause would quote it
	}
	return nil
}

// LoadRegister takes lines of an extract over, all or none, and tells what became
// of them: loading a line again changes nothing.
func (d *DB) LoadRegister(ctx context.Context, lines []realname.Line, ev audit.Event) (realname.Loaded, error) {
	var done realname.Loaded
	err := d.InTx(ctx, func(ctx context.Context) error {
		done = realname.Loaded{}
		for _, line := range lines {
			if err := d.loadLine(ctx, line, &done); err != nil {
				return err
			}
		}
		ev.Detail = fmt.Sprintf("added %d changed %d same %d", done.Added, done.Changed, done.Same)
		return d.Record(ctx, ev)
	})
	if err != nil {
		return realname.Loaded{}, fmt.Errorf("load register: %w", err)
	}
	return done, nil
}

func (d *DB) loadLine(ctx context.Context, line realname.Line, done *realname.Loaded) error {
	kind, place, record := realname.Persons, "", any(line.Person)
	if line.Unit != nil {
		kind, place, record = realname.Units, "uscc|"+string(line.Unit.USCC), line.Unit
	} else {
		place = line.Person.IDType + "|" + line.Person.IDNumber
	}
	blind, other, err := d.either("register", place)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(record)
	if err != nil {
		return err
	}
	var stands, old string
	found, err := d.row(ctx, registerEntry, []any{blind.text, other.text}, &stands, &old)
	if err != nil {
		return err
	}
	if found {
		if stands == other.text { // a rotation of the key moves it
			blind = other
		}
		before, err := d.unseal(keys.Personal, registerPlace(stands), old)
		if err == nil && string(before) == string(plain) {
			done.Same++
			return nil
		}
		done.Changed++
	} else {
		done.Added++
	}
	sealed, err := d.seal(keys.Personal, registerPlace(blind.text), plain)
	if err != nil {
		return err
	}
	_, err = d.exec(ctx, putRegisterEntry, kind, blind.text, sealed, millis(d.Now()), blind.number)
	return err
}
