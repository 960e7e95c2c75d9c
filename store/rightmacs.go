package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

// Rows that no Put wrote get their MACs in batches: those of an import, and, once,
// those from before there were MACs.
const macBatch = 1000

const (
	setMandateMACsPostgres = `
UPDATE mandates SET mac = v.value FROM json_each_text(CAST(? AS JSON)) AS v WHERE mandates.id = v.key`
	setMandateMACsSQLite = `UPDATE mandates SET mac = v.value FROM json_each(?) AS v WHERE mandates.id = v.key`

	setGrantMACsPostgres = `
UPDATE entitlements SET mac = v.value FROM json_each_text(CAST(? AS JSON)) AS v WHERE entitlements.id = v.key`
	setGrantMACsSQLite = `UPDATE entitlements SET mac = v.value FROM json_each(?) AS v WHERE entitlements.id = v.key`

	bareMandates = `SELECT ` + mandateColumns + ` FROM mandates WHERE mac = '' AND id > ? ORDER BY id LIMIT ?`

	bareGrants = `SELECT ` + rightColumns + ` FROM entitlements WHERE mac = '' AND id > ? ORDER BY id LIMIT ?`

	everyMandate = `SELECT ` + mandateColumns + ` FROM mandates WHERE id > ? ORDER BY id LIMIT ?`

	everyGrant = `SELECT ` + rightColumns + ` FROM entitlements WHERE id > ? ORDER BY id LIMIT ?`

	rightsAdopted = `SELECT mac FROM row_macs WHERE name = 'rights'`

	adoptRights = `UPDATE row_macs SET mac = ? WHERE name = 'rights' AND mac = ''`
)

// AdoptRights gives the mandates and grants that were here before there were MACs
// theirs. It happens once in the life of a database and is audited; rows without a
// MAC that turn up later were not written by us and give nothing. That it took
// place is kept under a MAC, and the trail knows: taking the mark away does not
// bring it back. It gives how many rows there were.
func (d *DB) AdoptRights(ctx context.Context) (n int, err error) {
	if d.Seal == nil {
		return 0, errNoRing
	}
	mark := adoptedUnder(d.Seal().Current(keys.Rights))
	var is string
	if _, err := d.row(ctx, rightsAdopted, nil, &is); err != nil {
		return 0, wrapRight("adopt rights", err)
	}
	for _, k := range d.Seal().Live(keys.Rights) {
		if is == adoptedUnder(k) {
			return 0, nil
		}
	}
	err = d.InTx(ctx, func(ctx context.Context) error {
		n = 0
		first, err := d.won(ctx, "adopt rights", adoptRights, mark)
		if err != nil || !first {
			return err
		}
		var before int64
		if _, err := d.returning(ctx, reportedBefore, []any{"rights", string(audit.RightsAdopted)}, &before); err != nil {
			return err
		}
		if before > 0 {
			return fault.New(fault.Refused, "somebody took away the mark that mandates and grants have their MACs")
		}
		if n, err = d.adoptAll(ctx); err != nil {
			return err
		}
		return d.Record(ctx, audit.Event{Kind: audit.RightsAdopted, Actor: "system", Object: "rights", Detail: fmt.Sprint(n)})
	})
	return n, wrapRight("adopt rights", err)
}

// adoptedUnder is the mark under a key.
func adoptedUnder(k keys.Secret) string {
	return macPrefix(k.Number) + base64url(k.MAC("v1", "adopted"))
}

func (d *DB) adoptAll(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		some, err := returned(ctx, d, bareMandates, []any{after, macBatch}, scanMandate)
		if err != nil {
			return n, err
		}
		if len(some) == 0 {
			break
		}
		if err := d.macMandates(ctx, some); err != nil {
			return n, err
		}
		n, after = n+len(some), some[len(some)-1].ID
	}
	for after := ""; ; {
		some, err := returned(ctx, d, bareGrants, []any{after, macBatch}, scanGrant)
		if err != nil || len(some) == 0 {
			return n, err
		}
		if err := d.macGrants(ctx, some); err != nil {
			return n, err
		}
		n, after = n+len(some), some[len(some)-1].ID
	}
}

// scanMandate and scanGrant read rows whose MACs are still to be made.
func scanMandate(rows *sqlx.Rows, m *entitlement.Mandate) error {
	var mac string
	return rows.Scan(mandateDest(m, &mac)...)
}

func scanGrant(rows *sqlx.Rows, g *entitlement.Grant) error {
	var mac string
	return rows.Scan(rightDest(g, &mac)...)
}

func (d *DB) macMandates(ctx context.Context, some []entitlement.Mandate) error {
	macs := map[string]string{}
	for _, m := range some {
		var err error
		if macs[m.ID], err = d.mac(mandateKind, m.Bound()); err != nil {
			return err
		}
	}
	return d.setMACs(ctx, d.pick(setMandateMACsPostgres, setMandateMACsSQLite), macs)
}

func (d *DB) macGrants(ctx context.Context, some []entitlement.Grant) error {
	macs := map[string]string{}
	for _, g := range some {
		var err error
		if macs[g.ID], err = d.mac(grantKind, g.Bound()); err != nil {
			return err
		}
	}
	return d.setMACs(ctx, d.pick(setGrantMACsPostgres, setGrantMACsSQLite), macs)
}

// setMACs runs a query that takes ids and MACs as one JSON object.
func (d *DB) setMACs(ctx context.Context, query string, macs map[string]string) error {
	if len(macs) == 0 {
		return nil
	}
	text, err := json.Marshal(macs)
	if err != nil {
		return err
	}
	_, err = d.exec(ctx, query, string(text))
	return err
}

// ExamineRights looks at up to limit mandates and as many grants whose ids follow
// after, and gives those that were changed past us; last is where to go on, "" at
// the end.
func (d *DB) ExamineRights(ctx context.Context, after string, limit int) (altered []entitlement.Change, last string, err error) {
	mandates, grants, err := d.rights(ctx, everyMandate, everyGrant, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("examine rights: %w", err)
	}
	// Both lists go on behind the smaller of the ids that they were cut off at.
	cut := ""
	if len(mandates) == limit {
		cut = mandates[limit-1].ID
	}
	if len(grants) == limit && (cut == "" || grants[limit-1].ID < cut) {
		cut = grants[limit-1].ID
	}
	for _, m := range mandates {
		if m.State == entitlement.Altered && (cut == "" || m.ID <= cut) {
			altered = append(altered, entitlement.Change{Kind: mandateKind, ID: m.ID, Account: m.Account, UnitID: m.Unit.ID, What: string(m.Relation)})
		}
	}
	for _, g := range grants {
		if g.State == entitlement.Altered && (cut == "" || g.ID <= cut) {
			altered = append(altered, entitlement.Change{Kind: grantKind, ID: g.ID, Account: g.Account, UnitID: g.UnitID, What: string(g.System)})
		}
	}
	return altered, cut, nil
}

const reportedBefore = `SELECT COUNT(*) FROM audit WHERE object = ? AND kind = ?`

// ReportAltered records, once for each row, that a right was changed past us. It
// tells whether it was news.
func (d *DB) ReportAltered(ctx context.Context, c entitlement.Change) (news bool, err error) {
	err = d.InTx(ctx, func(ctx context.Context) error {
		var before int64
		if _, err := d.returning(ctx, reportedBefore, []any{c.ID, string(audit.RightAltered)}, &before); err != nil {
			return err
		}
		if news = before == 0; !news {
			return nil
		}
		return d.Record(ctx, audit.Event{Kind: audit.RightAltered, Actor: "system", Object: c.ID, Result: "failed", Detail: c.Kind + " of " + string(c.Account)})
	})
	return news, wrapRight("report altered right", err)
}
