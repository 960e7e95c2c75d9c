package entitlement_test

import (
	"slices"
	"testing"
	"time"

	"kejitong/provider/entitlement"
)

// claims profile, rule 5: only active grants, of the asking client's systems,
// for the selected unit.
func TestFor(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	good := entitlement.Grant{UnitID: "u", System: "s", Actions: []string{"b", "a"}, State: entitlement.Active, From: now, Until: now.Add(time.Hour)}
	change := func(f func(*entitlement.Grant)) entitlement.Grant {
		g := good
		f(&g)
		return g
	}
	for name, g := range map[string]entitlement.Grant{
		"another unit":   change(func(g *entitlement.Grant) { g.UnitID = "v" }),
		"for nobody":     change(func(g *entitlement.Grant) { g.UnitID = "" }),
		"another system": change(func(g *entitlement.Grant) { g.System = "t" }),
		"pending":        change(func(g *entitlement.Grant) { g.State = entitlement.Pending }),
		"revoked":        change(func(g *entitlement.Grant) { g.State = entitlement.Revoked }),
		"not yet":        change(func(g *entitlement.Grant) { g.From = now.Add(time.Second) }),
		"just over":      change(func(g *entitlement.Grant) { g.Until = now }),
		"migrated":       change(func(g *entitlement.Grant) { g.Source = entitlement.TorchMigration }),
	} {
		if got := entitlement.For([]entitlement.Grant{g}, "u", []entitlement.SystemID{"s"}, false, now); len(got) != 0 {
			t.Errorf("%s counts: %v", name, got)
		}
	}
	if names := entitlement.Names(nil); names == nil || len(names) != 0 {
		t.Errorf("no grants are named %v, want an empty list that is not null", names)
	}
	migrated := change(func(g *entitlement.Grant) { g.Source, g.Until = entitlement.TorchMigration, time.Time{} })
	got := entitlement.For([]entitlement.Grant{good, migrated}, "u", []entitlement.SystemID{"x", "s"}, true, now)
	if names := entitlement.Names(got); len(got) != 2 || !slices.Equal(names, []string{"s:a", "s:b"}) {
		t.Errorf("%d grants named %v", len(got), names)
	}
}
