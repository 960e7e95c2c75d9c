package store

import (
	"context"
	"fmt"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

var _ principal.Reader = (*DB)(nil)

func (d *DB) openPrincipal(p *principal.Principal, profile string, unit, mandates, grants []byte) error {
	if err := d.openProfile(&p.Account, profile); err != nil {
		return err
	}
	if len(unit) > 0 {
		p.Unit = &account.Unit{}
		if err := read(unit, unitDest(p.Unit)); err != nil {
			return fmt.Errorf("unit: %w", err)
		}
	}
	var macs []string
	err := readAll(mandates, func() tuple {
		p.Mandates, macs = append(p.Mandates, entitlement.Mandate{Account: p.Account.ID}), append(macs, "")
		m := &p.Mandates[len(p.Mandates)-1]
		return append(tuple{&m.ID, &m.Relation, &m.State, &m.Source, &instant{&m.From}, &instant{&m.Until}, &macs[len(macs)-1]}, unitDest(&m.Unit)...)
	})
	for i := 0; err == nil && i < len(p.Mandates); i++ {
		err = d.genuineMandate(&p.Mandates[i], macs[i])
	}
	if err != nil {
		return fmt.Errorf("mandates: %w", err)
	}
	macs = macs[:0]
	err = readAll(grants, func() tuple {
		p.Grants, macs = append(p.Grants, entitlement.Grant{Account: p.Account.ID}), append(macs, "")
		g := &p.Grants[len(p.Grants)-1]
		return tuple{&g.ID, &g.UnitID, &g.System, &document{&g.Actions}, &g.State, &g.Source, &instant{&g.From}, &instant{&g.Until}, &macs[len(macs)-1]}
	})
	for i := 0; err == nil && i < len(p.Grants); i++ {
		err = d.genuineGrant(&p.Grants[i], macs[i])
	}
	if err != nil {
		return fmt.Errorf("entitlements: %w", err)
	}
	return nil
}

// openActor reads an account that came as one JSON array; nil if there is none.
func (d *DB) openActor(b []byte) (*account.Account, error) {
	if len(b) == 0 {
		return nil, nil
	}
	a, profile := &account.Account{}, ""
	if err := read(b, accountDest(a, &profile)); err != nil {
		return nil, fmt.Errorf("handler: %w", err)
	}
	return a, d.openProfile(a, profile)
}

// ByCookie implements principal.Reader.
func (d *DB) ByCookie(ctx context.Context, key, clientID string) (principal.Visit, error) {
	var v principal.Visit
	var profile string
	var unit, mandates, grants, actor, entered []byte
	s, c := &v.Session, &v.Consent
	dest := append(sessionDest(s), &document{&c.Scopes}, &instant{&c.GivenAt}, &v.Factors.TOTP, &v.Factors.Passkey, &v.AsksActor, &actor)
	dest = append(dest, accountDest(&v.Principal.Account, &profile)...)
	dest = append(dest, &unit, &mandates, &grants, &entered)
	found, err := d.row(ctx, d.pick(byCookiePostgres, byCookieSQLite), []any{clientID, key}, dest...)
	if err == nil && found {
		err = d.openPrincipal(&v.Principal, profile, unit, mandates, grants)
	}
	if err == nil && found {
		v.Actor, err = d.openActor(actor)
	}
	if err == nil && found {
		err = readAll(entered, func() tuple {
			v.Entered = append(v.Entered, entitlement.Entry{})
			e := &v.Entered[len(v.Entered)-1]
			return tuple{&e.UnitID, &e.System, &e.Version}
		})
	}
	if err != nil {
		return principal.Visit{}, fmt.Errorf("read visit: %w", err)
	}
	if !found {
		return principal.Visit{}, missing("session")
	}
	if !c.GivenAt.IsZero() {
		c.Account, c.Client = s.Account, clientID
	}
	return v, nil
}

// ByGrant implements principal.Reader. A grant without an account has no
// holder and is not found. SessionOver knows the absolute end of the session,
// not its idle time: that is the browser's, and refreshing is no visit.
func (d *DB) ByGrant(ctx context.Context, grantID string) (principal.Held, error) {
	var h principal.Held
	var profile string
	var sessionEnds int64
	var unit, mandates, grants, actor []byte
	dest := append(grantDest(&h.Grant), &sessionEnds, &actor)
	dest = append(dest, accountDest(&h.Principal.Account, &profile)...)
	dest = append(dest, &unit, &mandates, &grants)
	found, err := d.row(ctx, d.pick(byGrantPostgres, byGrantSQLite), []any{grantID}, dest...)
	if err == nil && found {
		err = d.openPrincipal(&h.Principal, profile, unit, mandates, grants)
	}
	if err == nil && found {
		h.Actor, err = d.openActor(actor)
	}
	if err != nil {
		return principal.Held{}, fmt.Errorf("read grant: %w", err)
	}
	if !found {
		return principal.Held{}, missing("grant")
	}
	h.SessionOver = h.Grant.SessionID != "" && sessionEnds <= millis(d.Now())
	return h, nil
}

// ByAccount implements principal.Reader.
func (d *DB) ByAccount(ctx context.Context, id account.ID) (principal.Principal, error) {
	var p principal.Principal
	var profile string
	var unit, mandates, grants []byte
	dest := append(accountDest(&p.Account, &profile), &unit, &mandates, &grants)
	found, err := d.row(ctx, d.pick(byAccountPostgres, byAccountSQLite), []any{string(id)}, dest...)
	if err == nil && found {
		err = d.openPrincipal(&p, profile, unit, mandates, grants)
	}
	if err != nil {
		return principal.Principal{}, fmt.Errorf("read account: %w", err)
	}
	if !found {
		return principal.Principal{}, missing("account")
	}
	return p, nil
}
