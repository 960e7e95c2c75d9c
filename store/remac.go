package store

import (
	"context"
	"strings"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

// Mandates and grants get MACs under the newest key. Only a row whose MAC is right
// under an older one does: what was changed past us stays altered, with a word in
// front of its MAC that no key gives.

// alteredMark opens the MAC of a row that was found altered when its key was changed.
const alteredMark = "altered."

const (
	oldMandates = `
SELECT ` + mandateColumns + ` FROM mandates
WHERE id > ? AND mac <> '' AND mac NOT LIKE ? AND mac NOT LIKE 'altered.%' ORDER BY id LIMIT ?`

	oldGrants = `
SELECT ` + rightColumns + ` FROM entitlements
WHERE id > ? AND mac <> '' AND mac NOT LIKE ? AND mac NOT LIKE 'altered.%' ORDER BY id LIMIT ?`

	remacMandate = `UPDATE mandates SET mac = ? WHERE id = ? AND mac = ?`

	remacGrant = `UPDATE entitlements SET mac = ? WHERE id = ? AND mac = ?`

	remacAdopted = `UPDATE row_macs SET mac = ? WHERE name = 'rights' AND mac = ?`
)

// marked is a row of either kind with its MAC.
type marked struct {
	id, kind, mac string
	bound         []string
}

func (j *redigest) mandates(ctx context.Context) error {
	return j.remac(ctx, oldMandates, remacMandate, func(rows *sqlx.Rows, m *marked) error {
		var one entitlement.Mandate
		if err := rows.Scan(mandateDest(&one, &m.mac)...); err != nil {
			return err
		}
		m.id, m.kind, m.bound = one.ID, mandateKind, one.Bound()
		return nil
	})
}

func (j *redigest) grants(ctx context.Context) error {
	return j.remac(ctx, oldGrants, remacGrant, func(rows *sqlx.Rows, m *marked) error {
		var one entitlement.Grant
		if err := rows.Scan(rightDest(&one, &m.mac)...); err != nil {
			return err
		}
		m.id, m.kind, m.bound = one.ID, grantKind, one.Bound()
		return nil
	})
}

// remac swaps a MAC for the new one where it is still the one that was looked at.
func (j *redigest) remac(ctx context.Context, query, swap string, scan func(*sqlx.Rows, *marked) error) error {
	d := j.d
	for after := ""; ; {
		page, err := list(ctx, d, query, []any{after, macPrefix(j.last.Number) + "%", j.batch}, scan)
		if err != nil || len(page) == 0 {
			return err
		}
		n := int64(0)
		err = d.InTx(ctx, func(ctx context.Context) error {
			n = 0
			for _, m := range page {
				anew := alteredMark + m.mac
				ok, err := d.fits(m.kind, m.bound, m.mac)
				if err != nil {
					return err
				}
				if ok {
					if anew, err = macUnder(j.last, m.kind, m.bound); err != nil {
						return err
					}
				}
				swapped, err := d.exec(ctx, swap, anew, m.id, m.mac)
				if err != nil {
					return err
				}
				n += swapped
			}
			return nil
		})
		if err != nil {
			return err
		}
		j.made(int(n))
		after = page[len(page)-1].id
	}
}

// adopted makes the mark anew that there was an adoption.
func (j *redigest) adopted(ctx context.Context) error {
	for _, k := range j.live {
		if k.Number == j.last.Number {
			continue
		}
		n, err := j.d.exec(ctx, remacAdopted, adoptedUnder(j.last), adoptedUnder(k))
		if err != nil {
			return err
		}
		j.made(int(n))
	}
	return nil
}

const (
	rightsLeft = `
SELECT (SELECT COUNT(*) FROM mandates WHERE mac <> '' AND mac NOT LIKE ? AND mac NOT LIKE 'altered.%')
    + (SELECT COUNT(*) FROM entitlements WHERE mac <> '' AND mac NOT LIKE ? AND mac NOT LIKE 'altered.%')`

	rightsUnderFirst = `
SELECT (SELECT COUNT(*) FROM mandates WHERE mac <> '' AND mac NOT LIKE '%.%') + (SELECT COUNT(*) FROM entitlements WHERE mac <> '' AND mac NOT LIKE '%.%')`

	rightsUnderLater = `
SELECT (SELECT COUNT(*) FROM mandates WHERE mac LIKE ?) + (SELECT COUNT(*) FROM entitlements WHERE mac LIKE ?)`
)

// wantingRights refuses if a row or the mark of the adoption is not under the key of
// the number.
func (d *DB) wantingRights(ctx context.Context, number int) error {
	var n int64
	pattern := macPrefix(number) + "%"
	if _, err := d.returning(ctx, rightsLeft, []any{pattern, pattern}, &n); err != nil {
		return err
	}
	var mark string
	if _, err := d.returning(ctx, rightsAdopted, nil, &mark); err != nil {
		return err
	}
	if mark != "" && !strings.HasPrefix(mark, macPrefix(number)) {
		n++
	}
	if n > 0 {
		return fault.New(fault.Conflict, "%d MACs are not made anew yet", n)
	}
	return nil
}

// rightsUnder counts the MACs under the key of the number.
func (d *DB) rightsUnder(ctx context.Context, number int) (n int64, err error) {
	if number == 1 {
		_, err = d.returning(ctx, rightsUnderFirst, nil, &n)
	} else {
		pattern := macPrefix(number) + "%"
		_, err = d.returning(ctx, rightsUnderLater, []any{pattern, pattern}, &n)
	}
	return n, err
}

var _ keys.DigestStore = (*DB)(nil)
