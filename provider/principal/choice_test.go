package principal_test

import (
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

var now = time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)

func unit(id, uscc string) account.Unit {
	return account.Unit{ID: id, USCC: account.USCC(uscc), State: account.Active, Status: account.UnitRegistered}
}

func mandate(u account.Unit, state entitlement.State) entitlement.Mandate {
	return entitlement.Mandate{Unit: u, State: state, From: now.Add(-time.Hour)}
}

func grant(unitID string, source entitlement.Source) entitlement.Grant {
	return entitlement.Grant{UnitID: unitID, System: "s", State: entitlement.Active, Source: source, From: now.Add(-time.Hour)}
}

// One token speaks for one unit, and never for one that was not meant.
func TestStandFor(t *testing.T) {
	a, b, gone := unit("a", "91110108MA01ET88XL"), unit("b", "91350100M000100Y43"), unit("gone", "X")
	gone.Status = account.UnitDeregistered
	both := []entitlement.Mandate{mandate(a, entitlement.Active), mandate(b, entitlement.Active)}
	direct, moved := entitlement.Direct, entitlement.TorchMigration
	grants := func(g ...entitlement.Grant) []entitlement.Grant { return g }
	for _, row := range []struct {
		name         string
		open         bool // the client owns no system
		migrated     bool
		kind         account.Kind
		own          *account.Unit
		mandates     []entitlement.Mandate
		grants       []entitlement.Grant
		hint, chosen string
		want         principal.Stand
	}{
		{name: "hint of another's unit", mandates: both[:1], grants: grants(grant("a", direct)), hint: string(b.USCC), want: principal.Stand{Refused: true}},
		{name: "hint of a revoked mandate", mandates: []entitlement.Mandate{mandate(a, entitlement.Revoked)}, grants: grants(grant("a", direct)), hint: string(a.USCC), want: principal.Stand{Refused: true}},
		{name: "unit's account, hint of another unit", kind: account.LegalEntity, own: &a, hint: string(b.USCC), want: principal.Stand{Unit: "a", Refused: true}},
		{name: "choice of another's unit", mandates: both, grants: grants(grant("a", direct), grant("b", direct)), chosen: "c", want: principal.Stand{Needed: true}},
		{name: "choice of a unit without a grant", mandates: both, grants: grants(grant("a", direct)), chosen: "b", want: principal.Stand{Unit: "a"}},
		{name: "alone without an entry of one's own", mandates: both, grants: grants(grant("a", direct), grant("b", direct)), chosen: principal.Alone, want: principal.Stand{Needed: true}},
		{name: "deregistered unit", mandates: []entitlement.Mandate{mandate(gone, entitlement.Active)}, grants: grants(grant("gone", direct)), want: principal.Stand{}},
		{name: "migrated grant where none is accepted", mandates: both[:1], grants: grants(grant("a", moved)), want: principal.Stand{}},
		{name: "one unit and an entry of one's own", mandates: both[:1], grants: grants(grant("a", direct), grant("", direct)), want: principal.Stand{Needed: true}},
		{name: "client without systems, one unit", open: true, mandates: both[:1], want: principal.Stand{Needed: true}},

		{name: "unit's account", kind: account.LegalEntity, own: &a, want: principal.Stand{Unit: "a"}},
		{name: "unit's account, its own code as hint", kind: account.LegalEntity, own: &a, hint: " 91110108ma01et88xl", want: principal.Stand{Unit: "a"}},
		{name: "hint", mandates: both, grants: grants(grant("a", direct), grant("b", direct)), hint: "91350100m000100y43 ", chosen: "a", want: principal.Stand{Unit: "b"}},
		{name: "choice", mandates: both, grants: grants(grant("a", direct), grant("b", direct)), chosen: "b", want: principal.Stand{Unit: "b"}},
		{name: "alone", mandates: both, grants: grants(grant("a", direct), grant("", direct)), chosen: principal.Alone, want: principal.Stand{}},
		{name: "the only one that opens", mandates: both, grants: grants(grant("b", direct)), want: principal.Stand{Unit: "b"}},
		{name: "migrated grant where accepted", migrated: true, mandates: both[:1], grants: grants(grant("a", moved)), want: principal.Stand{Unit: "a"}},
		{name: "nobody else", open: true, want: principal.Stand{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := &client.Client{Metadata: client.Metadata{BusinessSystems: []entitlement.SystemID{"s"}, AcceptMigrated: row.migrated}}
			if row.open {
				c.Metadata.BusinessSystems = nil
			}
			if row.kind == "" {
				row.kind = account.NaturalPerson
			}
			who := principal.Principal{Account: account.Account{Kind: row.kind}, Unit: row.own, Mandates: row.mandates, Grants: row.grants}
			if got := principal.StandFor(c, who, row.hint, row.chosen, now); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}
