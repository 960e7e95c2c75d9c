package entitlement_test

import (
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// R36, R40: what 服务事项 says of a system is why the gate would be shut, or that it
// is open.
func TestOpenTo(t *testing.T) {
	now := time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)
	verified := account.RealName{Status: account.StatusVerified, Level: "L2"}
	person := func(r account.RealName) account.Account {
		return account.Account{Kind: account.NaturalPerson, RealName: r}
	}
	unit := &account.Unit{ID: "u", Type: account.UnitEnterprise}
	legal := []account.Kind{account.LegalEntity}
	grant := func(change func(*entitlement.Grant)) []entitlement.Grant {
		g := entitlement.Grant{UnitID: "u", System: "s", State: entitlement.Active, From: now.Add(-time.Hour)}
		change(&g)
		return []entitlement.Grant{g}
	}
	state := func(s entitlement.State) []entitlement.Grant {
		return grant(func(g *entitlement.Grant) { g.State = s })
	}
	live := grant(func(*entitlement.Grant) {})
	for _, row := range []struct {
		name   string
		kinds  []account.Kind
		types  []string
		level  string
		who    account.Account
		grants []entitlement.Grant
		want   entitlement.Opening
	}{
		{"nothing, no real name", nil, nil, "L2", person(account.RealName{Level: "L1"}), nil, entitlement.NameMissing},
		{"a grant, no real name", nil, nil, "L2", person(account.RealName{Level: "L1"}), live, entitlement.NameMissing},
		{"a grant, no real name, a system that names no level", nil, nil, "", person(account.RealName{Level: "L1"}), live, entitlement.NameMissing},
		{"a grant, a level too low", nil, nil, "L3", person(verified), live, entitlement.NameMissing},
		{"a waiting grant, no real name", nil, nil, "L2", person(account.RealName{Level: "L1"}), state(entitlement.Pending), entitlement.GrantWaits},
		{"the other kind", legal, nil, "L2", person(verified), nil, entitlement.KindRefused},
		{"the other kind before the real name", legal, nil, "L2", person(account.RealName{}), nil, entitlement.KindRefused},
		{"the other type of unit", nil, []string{account.UnitGovernment}, "L2", person(verified), nil, entitlement.TypeRefused},
		{"a grant outweighs the type", nil, []string{account.UnitGovernment}, "L2", person(verified), live, entitlement.Open},
		{"nothing", nil, nil, "L2", person(verified), nil, entitlement.GrantMissing},
		{"of another unit", nil, nil, "L2", person(verified), grant(func(g *entitlement.Grant) { g.UnitID = "v" }), entitlement.GrantMissing},
		{"for himself", nil, nil, "L2", person(verified), grant(func(g *entitlement.Grant) { g.UnitID = "" }), entitlement.GrantMissing},
		{"of another system", nil, nil, "L2", person(verified), grant(func(g *entitlement.Grant) { g.System = "t" }), entitlement.GrantMissing},
		{"suspended", nil, nil, "L2", person(verified), state(entitlement.Suspended), entitlement.GrantPaused},
		{"revoked", nil, nil, "L2", person(verified), state(entitlement.Revoked), entitlement.GrantEnded},
		{"just over", nil, nil, "L2", person(verified), grant(func(g *entitlement.Grant) { g.Until = now }), entitlement.GrantEnded},
		{"not yet", nil, nil, "L2", person(verified), grant(func(g *entitlement.Grant) { g.From = now.Add(time.Second) }), entitlement.GrantLater},
		{"live", nil, nil, "L2", person(verified), live, entitlement.Open},
		{"live, beside one that ended", nil, nil, "L2", person(verified), append(state(entitlement.Revoked), live...), entitlement.Open},
		{"a grant outweighs the kind", legal, nil, "L2", person(verified), live, entitlement.Open},
	} {
		y := entitlement.System{UnitTypes: row.types, ID: "s", Level: row.level, AccountKinds: row.kinds}
		if got := y.OpenTo(row.who, unit, row.grants, now); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}
