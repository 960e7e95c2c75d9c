package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Personal data is sealed, so what accounts are searched by stands beside them as
// blind indexes: keyed digests that answer equality and nothing else.

const dropLookups = `DELETE FROM account_lookups WHERE account_id = ?`

const addLookup = `INSERT INTO account_lookups (kind, blind, account_id, key_no) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`

const accountsBy = `
SELECT l.account_id FROM account_lookups l JOIN accounts a ON a.id = l.account_id
WHERE l.kind = ? AND l.blind = ? ORDER BY a.created_at, a.id`

const dropProvedDocument = `DELETE FROM proved_documents WHERE account_id = ?`

// addProvedDocument affects no row if another account holds the document.
const addProvedDocument = `
INSERT INTO proved_documents (blind, account_id, key_no) VALUES (?, ?, ?)
ON CONFLICT (blind) DO UPDATE SET account_id = excluded.account_id WHERE proved_documents.account_id = excluded.account_id`

// provedBy names the account that a document is proved on.
const provedBy = `SELECT account_id FROM proved_documents WHERE blind = ?`

// AccountsBy gives the ids of the accounts, closed ones excepted, that have a
// value in their profile: kind is one of the account.By constants, value its
// canonical form (E.164, address in lower case, document number). Oldest first.
func (d *DB) AccountsBy(ctx context.Context, kind account.By, value string) ([]account.ID, error) {
	b, err := d.blind(string(kind), value)
	if err != nil {
		return nil, err
	}
	ids, err := list(ctx, d, accountsBy, []any{string(kind), b}, func(r *sqlx.Rows, id *account.ID) error { return r.Scan(id) })
	if err != nil {
		return nil, fmt.Errorf("accounts by %s: %w", kind, err)
	}
	return ids, nil
}

// ProvedBy gives the account on which a document is proved, fault.NotFound if
// there is none.
func (d *DB) ProvedBy(ctx context.Context, idType, number string) (account.ID, error) {
	b, err := d.blind("proved", idType+"|"+number)
	if err != nil {
		return "", err
	}
	var id account.ID
	found, err := d.row(ctx, provedBy, []any{b}, &id)
	if err != nil {
		return "", fmt.Errorf("account of a document: %w", err)
	}
	if !found {
		return "", missing("account")
	}
	return id, nil
}

// index makes a found by what is in its profile, and claims its document if that
// is verified: one document is proved on one account (R9).
func (d *DB) index(ctx context.Context, a account.Account) error {
	for _, drop := range []string{dropLookups, dropProvedDocument} {
		if _, err := d.exec(ctx, drop, string(a.ID)); err != nil {
			return err
		}
	}
	if a.State == account.Closed {
		return nil
	}
	for _, l := range a.Lookups() {
		all, err := d.blinds(string(l.By), l.Value)
		if err != nil {
			return err
		}
		for _, b := range all {
			if _, err := d.exec(ctx, addLookup, string(l.By), b.text, string(a.ID), b.number); err != nil {
				return err
			}
		}
	}
	p := a.Profile
	if a.Kind != account.NaturalPerson || !a.RealName.Verified() || p.IDNumber == "" {
		return nil
	}
	all, err := d.blinds("proved", p.IDType+"|"+p.IDNumber)
	if err != nil {
		return err
	}
	for _, b := range all {
		n, err := d.exec(ctx, addProvedDocument, b.text, string(a.ID), b.number)
		if err != nil {
			return err
		}
		if n == 0 {
			return &fault.Error{Kind: fault.Conflict, Field: "id_number", Msg: account.MsgDocumentProved}
		}
	}
	return nil
}
