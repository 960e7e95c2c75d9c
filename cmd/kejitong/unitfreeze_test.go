package main

import (
	"testing"

	"kejitong/provider/account"
)

// A unit is frozen and released with a reason, once each.
func TestUnitFrozenAtTheDesk(t *testing.T) {
	d := newDesk(t, "")
	d.does("unit", "add", "--uscc", demoUSCC, "--name", "示例科技有限公司")
	move := func(how string, more ...string) []string {
		return append([]string{"unit", how, "--uscc", demoUSCC}, more...)
	}
	d.refuses("reason", nil, nil, move("freeze")...)
	d.refuses("uscc", []string{"no such unit"}, nil, "unit", "freeze", "--uscc", otherUnit, "--reason", "test")
	d.refuses("uscc", []string{"is active already"}, nil, move("release", "--reason", "test")...)
	d.does(move("freeze", "--reason", "test")...)
	d.refuses("uscc", []string{"is frozen already"}, nil, move("freeze", "--reason", "test")...)
	d.does(move("release", "--reason", "test")...)
	d.inside(func(a *app) {
		u, err := a.db.UnitByUSCC(t.Context(), demoUSCC)
		if err != nil || u.State != account.Active {
			t.Errorf("left %s, %v", u.State, err)
		}
		rows, err := a.db.RecentAudit(t.Context(), 2)
		if err != nil || len(rows) != 2 || rows[0].Detail != "release: test" || rows[1].Detail != "freeze: test" {
			t.Errorf("the trail ends with %+v, %v", rows, err)
		}
	})
}
