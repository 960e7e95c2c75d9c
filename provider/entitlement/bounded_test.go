package entitlement_test

import (
	"reflect"
	"testing"
	"time"

	"kejitong/provider/entitlement"
)

// What a unit loses, those lose whom it gave it to; nobody has more by its word than
// it has, nor longer (S62).
func TestWhatIsGivenFollowsTheUnitsOwn(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	const active, suspended, revoked = entitlement.Active, entitlement.Suspended, entitlement.Revoked
	soon, later := now.Add(time.Hour), now.Add(48*time.Hour)
	grant := func(who string, state entitlement.State, source entitlement.Source, until time.Time, actions ...string) entitlement.Grant {
		return entitlement.Grant{ID: who, UnitID: "u", System: "s", Actions: actions, State: state, Source: source, From: now.Add(-time.Hour), Until: until}
	}
	own := func(state entitlement.State, until time.Time, actions ...string) entitlement.Grant {
		return grant("own", state, entitlement.Verification, until, actions...)
	}
	given := func(state entitlement.State, until time.Time, actions ...string) entitlement.Grant {
		return grant("given", state, entitlement.Delegated, until, actions...)
	}
	for _, row := range []struct {
		name    string
		own     []entitlement.Grant
		given   entitlement.Grant
		stopped bool
		want    *entitlement.Grant // nil: nothing changes
	}{
		{"the unit has nothing any more", nil, given(active, later, "x"), false, ptr(given(revoked, now, "x"))},
		{"its own was revoked", []entitlement.Grant{own(revoked, now, "x")}, given(active, later, "x"), false, ptr(given(revoked, now, "x"))},
		{"its own ran out", []entitlement.Grant{own(active, now, "x")}, given(active, later, "x"), false, ptr(given(revoked, now, "x"))},
		{"a stopped one, and its own was revoked", []entitlement.Grant{own(revoked, now, "x")}, given(suspended, later, "x"), true, ptr(given(revoked, now, "x"))},
		{"an action less", []entitlement.Grant{own(active, time.Time{}, "x")}, given(active, later, "x", "y"), false, ptr(given(active, later, "x"))},
		{"another action alone", []entitlement.Grant{own(active, time.Time{}, "x")}, given(active, later, "y"), false, ptr(given(revoked, now, "y"))},
		{"not so long", []entitlement.Grant{own(active, soon, "x")}, given(active, later, "x"), false, ptr(given(active, soon, "x"))},
		{"not without end", []entitlement.Grant{own(active, soon, "x")}, given(active, time.Time{}, "x"), false, ptr(given(active, soon, "x"))},
		{"the longer of two counts", []entitlement.Grant{own(active, soon, "x"), own(active, later, "x")}, given(active, later, "x"), false, nil},
		{"stopped", []entitlement.Grant{own(suspended, time.Time{}, "x")}, given(active, later, "x"), false, ptr(given(suspended, later, "x"))},
		{"stopped already", []entitlement.Grant{own(suspended, time.Time{}, "x")}, given(suspended, later, "x"), true, nil},
		{"goes on with its own", []entitlement.Grant{own(active, time.Time{}, "x")}, given(suspended, later, "x"), true, ptr(given(active, later, "x"))},
		{"stopped for a reason of its own", []entitlement.Grant{own(active, time.Time{}, "x")}, given(suspended, later, "x"), false, nil},
		{"revoked stays so", []entitlement.Grant{own(active, time.Time{}, "x")}, given(revoked, now, "x"), true, nil},
		{"what the migration gave is not the unit's", nil, grant("given", active, entitlement.TorchMigration, later, "x"), false, nil},
		{"what an operator gave is not the unit's", nil, grant("given", active, entitlement.Direct, later, "x"), false, nil},
		{"nothing changed", []entitlement.Grant{own(active, time.Time{}, "x", "y")}, given(active, later, "x"), false, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := entitlement.PulledBack([]entitlement.Grant{row.given}, row.own, func(entitlement.Grant) (bool, error) { return row.stopped, nil }, now)
			if err != nil {
				t.Fatal(err)
			}
			if row.want == nil && len(got) > 0 || row.want != nil && (len(got) != 1 || !reflect.DeepEqual(got[0], *row.want)) {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

func ptr(g entitlement.Grant) *entitlement.Grant { return &g }
