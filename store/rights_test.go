package store_test

import (
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/storetest"
)

// C14: whoever writes to the database past the provider gains nothing by it, not
// by changing a row, nor by making one, moving one, or taking its MAC away.
func TestAlteredRightsGiveNothing(t *testing.T) {
	attacks := []struct{ name, kind, id, query string }{
		{"an action more", "grant", "e1", `UPDATE entitlements SET actions = '["apply","read"]' WHERE id = 'e1'`},
		{"another system", "grant", "e1", `UPDATE entitlements SET system = 'projects' WHERE id = 'e1'`},
		{"another unit", "grant", "e1", `UPDATE entitlements SET unit_id = '' WHERE id = 'e1'`},
		{"another source", "grant", "e1", `UPDATE entitlements SET source = 'direct' WHERE id = 'e1'`},
		{"later end", "grant", "e1", `UPDATE entitlements SET valid_until = 0 WHERE id = 'e1'`},
		{"earlier begin", "grant", "e1", `UPDATE entitlements SET valid_from = valid_from - 1 WHERE id = 'e1'`},
		{"no MAC", "grant", "e1", `UPDATE entitlements SET mac = '' WHERE id = 'e1'`},
		{"another's MAC", "grant", "e1", `UPDATE entitlements SET mac = (SELECT x.mac FROM entitlements x WHERE x.id = 'e2') WHERE id = 'e1'`},
		{"resumed", "grant", "e2", `UPDATE entitlements SET state = 'active' WHERE id = 'e2'`},
		{"copied", "grant", "e3", `INSERT INTO entitlements (id, account_id, unit_id, system, actions, state, source, valid_from, valid_until, mac)
			SELECT 'e3', account_id, unit_id, system, actions, state, source, valid_from, valid_until, mac FROM entitlements WHERE id = 'e1'`},
		{"the relation raised", "mandate", "m1", `UPDATE mandates SET relation = 'legal_rep' WHERE id = 'm1'`},
		{"longer mandate", "mandate", "m1", `UPDATE mandates SET valid_until = 0 WHERE id = 'm1'`},
		{"mandate without MAC", "mandate", "m1", `UPDATE mandates SET mac = '' WHERE id = 'm1'`},
		{"mandate given to another", "mandate", "m1", `UPDATE mandates SET account_id = 'firm' WHERE id = 'm1'`},
		{"mandate made", "mandate", "m9", `INSERT INTO mandates (id, account_id, unit_id, relation, state, source, valid_from, valid_until, mac)
			SELECT 'm9', account_id, unit_id, relation, state, source, valid_from, valid_until, mac FROM mandates WHERE id = 'm1'`},
	}
	storetest.EachOptions(t, func(t *testing.T, db *store.DB, o store.Options) {
		db.Now = func() time.Time { return clock }
		ctx := t.Context()
		seed(t, db)
		told := map[string]string{}
		db.Altered = func(kind, id string) { told[id] = kind }
		reported := map[string]bool{}
		for _, row := range attacks {
			holder, err := db.ByAccount(ctx, "zhang")
			must(t, err)
			if len(told) > 0 || !holder.Mandates[0].Live(clock) || !holder.Grants[0].Live(clock) {
				t.Fatalf("%s: what was not touched does not hold: %v %+v", row.name, told, holder.Grants)
			}
			storetest.Exec(t, o, row.query)
			for _, who := range []account.ID{"zhang", "firm"} {
				p, err := db.ByAccount(ctx, who)
				must(t, err)
				for _, g := range p.Grants {
					if g.ID == row.id && (g.Live(clock) || g.State != entitlement.Altered) {
						t.Errorf("%s: holds: %+v", row.name, g)
					}
				}
				for _, m := range p.Mandates {
					if m.ID == row.id && (m.Live(clock) || m.State != entitlement.Altered) {
						t.Errorf("%s: holds: %+v", row.name, m)
					}
				}
			}
			if told[row.id] != row.kind {
				t.Errorf("%s: nobody was told: %v", row.name, told)
			}
			var found []entitlement.Change
			for after, more := "", true; more; {
				some, last, err := db.ExamineRights(ctx, after, 1)
				must(t, err)
				found, after, more = append(found, some...), last, last != ""
			}
			if len(found) != 1 || found[0].ID != row.id || found[0].Kind != row.kind {
				t.Fatalf("%s: found %+v", row.name, found)
			}
			if news, err := db.ReportAltered(ctx, found[0]); err != nil || news == reported[row.id] {
				t.Errorf("%s: reported %v %v", row.name, news, err)
			}
			reported[row.id] = true
			if n := storetest.Count(t, o, `SELECT COUNT(*) FROM audit WHERE kind = ? AND object = ?`, string(audit.RightAltered), row.id); n != 1 {
				t.Errorf("%s: %d rows of the trail", row.name, n)
			}
			storetest.Exec(t, o, `DELETE FROM entitlements WHERE id = 'e3'`)
			storetest.Exec(t, o, `DELETE FROM mandates WHERE id = 'm9'`)
			must(t, db.PutMandate(ctx, mandate(), did(audit.EntitlementMade)))
			for _, g := range entitlements() {
				must(t, db.PutGrant(ctx, g, did(audit.EntitlementMade)))
			}
			clear(told)
		}
	})
}

// Rows from before get their MACs once; whoever clears MACs or the mark later does
// not bring that back.
func TestRightsAreAdoptedOnce(t *testing.T) {
	storetest.EachOptions(t, func(t *testing.T, db *store.DB, o store.Options) {
		db.Now = func() time.Time { return clock }
		ctx := t.Context()
		seed(t, db)
		old := []string{`UPDATE entitlements SET mac = ''`, `UPDATE mandates SET mac = ''`}
		for _, q := range old {
			storetest.Exec(t, o, q)
		}
		n, err := db.AdoptRights(ctx)
		must(t, err)
		p, err := db.ByAccount(ctx, "zhang")
		must(t, err)
		if n != 3 || !p.Mandates[0].Live(clock) || !p.Grants[0].Live(clock) {
			t.Fatalf("adopted %d: %+v", n, p)
		}
		for _, q := range old {
			storetest.Exec(t, o, q)
		}
		if n, err := db.AdoptRights(ctx); n != 0 || err != nil {
			t.Errorf("adopted again: %d %v", n, err)
		}
		storetest.Exec(t, o, `UPDATE row_macs SET mac = ''`)
		if _, err := db.AdoptRights(ctx); !fault.Is(err, fault.Refused) {
			t.Errorf("adopted without the mark: %v", err)
		}
		p, err = db.ByAccount(ctx, "zhang")
		must(t, err)
		if p.Mandates[0].Live(clock) || p.Grants[0].Live(clock) {
			t.Error("rows without MACs hold")
		}
	})
}

// The history says who did what when, in the transaction of the deed.
func TestHistoryOfRights(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := clock
		db.Now = func() time.Time { return at }
		ctx := t.Context()
		seed(t, db)
		do := func(d entitlement.Deed, reason string) error {
			at = at.Add(time.Second)
			return db.ChangeGrant(ctx, "e1", func(g entitlement.Grant) (entitlement.Grant, error) { return g.After(d, at) },
				audit.Event{Kind: audit.EntitlementSet, Actor: "zhao", Detail: reason})
		}
		must(t, do(entitlement.Suspend, "inquiry"))
		must(t, do(entitlement.Resume, ""))
		must(t, do(entitlement.Revoke, "over"))
		if err := do(entitlement.Resume, ""); !fault.Is(err, fault.Conflict) {
			t.Errorf("resumed after the end: %v", err)
		}
		if err := db.ChangeGrant(ctx, "nothing", nil, audit.Event{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("no grant: %v", err)
		}
		lines, err := db.RightHistory(ctx, "e1", "", 10)
		must(t, err)
		want := []entitlement.State{entitlement.Revoked, entitlement.Active, entitlement.Suspended, entitlement.Active}
		if len(lines) != len(want) {
			t.Fatalf("%+v", lines)
		}
		for i, l := range lines {
			if l.To != want[i] || i+1 < len(want) && (l.From != want[i+1] || l.Actor != "zhao") {
				t.Errorf("line %d: %+v", i, l)
			}
		}
		if lines[2].Reason != "inquiry" || !lines[2].At.Equal(clock.Add(time.Second)) || lines[3].From != "" {
			t.Errorf("%+v", lines)
		}
		all, err := db.RightHistory(ctx, "", "zhang", 10)
		must(t, err)
		if len(all) != 6 {
			t.Errorf("%d lines of the account", len(all))
		}
	})
}
