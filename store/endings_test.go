package store_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/holder"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

// What a closed account leaves behind, and why. Every other table that names an
// account must be erased with it.
var kept = map[string]string{
	"accounts":      "the id, so that no other account gets its subject, and for a year the login name",
	"grants":        "revoked: the proof that its tokens are",
	"sessions":      "ended, swept with their end",
	"mandates":      "revoked",
	"entitlements":  "revoked",
	"right_changes": "the history of mandates and grants, identifiers only",
	"units":         "freed, a public register's facts",
	"audit":         "identifiers only, kept by law",
	"spoken_for":    "names a revoked grant",
	"proposals":     "of operators, about things of their own kind",
}

// A table that a new feature fills about people is erased when they close their
// account, or somebody says here why not (C25).
func TestEverythingOfAClosedAccountGoes(t *testing.T) {
	o := storetest.SQLite(t)
	storetest.Ready(t, o)
	db, err := sqlx.Open("sqlite", "file:"+o.Path)
	must(t, err)
	defer func() { _ = db.Close() }()
	var tables []struct {
		Name string `db:"name"`
		SQL  string `db:"sql"`
	}
	must(t, db.Select(&tables, `SELECT name, sql FROM sqlite_master WHERE type = 'table'`))
	names := regexp.MustCompile(`(?m)^\s+(account_id|actor_id|subject|holder_id|person_id|owner_id)\s`)
	erased := strings.Join(store.Erasures(), "\n")
	seen := 0
	for _, table := range tables {
		if !names.MatchString(table.SQL) {
			continue
		}
		seen++
		if kept[table.Name] == "" && !strings.Contains(erased, " "+table.Name+" ") {
			t.Errorf("table %s holds something of an account and is not erased with it (store/endings.go, erasures)", table.Name)
		}
	}
	if seen < 10 {
		t.Errorf("only %d tables looked at", seen)
	}
}

func TestErasedAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		ctx := context.WithoutCancel(t.Context())
		seed(t, db)
		must(t, db.PutClient(ctx, relyingParty("rp"), did(audit.ClientCreated)))
		_, err := db.StartSession(ctx, visit("k0", "s0", "zhang"), "", did(audit.SignInSucceeded))
		must(t, err)
		g := newGrant(t, "rp", "s0", "zhang")
		must(t, won(db.OpenGrant(ctx, g, token.Consume{}, did(audit.CodeIssued))))
		must(t, db.GiveConsent(ctx, consent.Consent{Account: "zhang", Client: "rp", Scopes: []string{"openid"}, GivenAt: clock}, did(audit.ConsentGiven)))
		a, err := db.HeldAccount(ctx, "zhang")
		must(t, err)
		must(t, db.EraseAccount(ctx, a, clock, did(audit.AccountClosed)))

		p, err := db.ByAccount(ctx, "zhang")
		must(t, err)
		if p.Account.State != account.Closed || p.Account.Profile.Name != "" || p.Account.Profile.IDNumber != "" || p.Account.LoginName != "" || p.Account.RealName.Verified() {
			t.Errorf("left: %+v", p.Account)
		}
		for _, m := range p.Mandates {
			if m.State != entitlement.Revoked {
				t.Errorf("mandate %s is %s", m.ID, m.State)
			}
		}
		for _, e := range p.Grants {
			if e.State != entitlement.Revoked {
				t.Errorf("entitlement %s is %s", e.ID, e.State)
			}
		}
		if ids, err := db.AccountsBy(ctx, account.ByPhone, "+8613800138000"); err != nil || slices.Contains(ids, "zhang") {
			t.Errorf("still found: %v %v", ids, err)
		}
		if revoked, err := db.Revoked(ctx, g.ID); err != nil || !revoked {
			t.Errorf("its token lives: %v", err)
		}
		if l, err := db.FindLogin(ctx, "zhang"); err != nil || l.Password != "" || l.State != account.Closed {
			t.Errorf("login: %+v %v", l, err)
		}
		// The document is free for another account, the login name is not.
		again := person("zhang", "other")
		again.ID = "zhang2"
		must(t, db.PutAccount(ctx, again, "", did(audit.AccountCreated)))
		taken := person("li", "zhang")
		if err := db.PutAccount(ctx, taken, "", did(audit.AccountCreated)); !fault.Is(err, fault.Conflict) {
			t.Errorf("the login name is given out again: %v", err)
		}
		if n, err := db.ReleaseLogins(ctx, clock); err != nil || n != 0 {
			t.Errorf("released at once: %d %v", n, err)
		}
		if n, err := db.ReleaseLogins(ctx, clock.Add(time.Millisecond)); err != nil || n != 1 {
			t.Errorf("released %d %v", n, err)
		}
		must(t, db.PutAccount(ctx, taken, "", did(audit.AccountCreated)))
		if err := db.EraseAccount(ctx, a, clock, did(audit.AccountClosed)); !fault.Is(err, fault.NotFound) {
			t.Errorf("closed twice: %v", err)
		}
	})
}

// A unit that ends takes everything from everybody who acts for it.
func TestEndedUnit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		ctx := context.WithoutCancel(t.Context())
		seed(t, db)
		if _, err := db.StartSession(ctx, visit("k1", "s1", "firm"), "", did(audit.SignInSucceeded)); err != nil {
			t.Fatal(err)
		}
		must(t, db.EndUnit(ctx, holder.UnitEnd{Unit: "u-firm", How: holder.Merged, Successor: "u-other"}, clock, did(audit.UnitEnded)))
		p, err := db.ByAccount(ctx, "zhang")
		must(t, err)
		if _, acts := p.ActsFor("u-firm", clock); acts {
			t.Error("still acts for it")
		}
		for _, g := range p.Grants {
			if g.UnitID == "u-firm" && g.State != entitlement.Revoked {
				t.Errorf("entitlement %s is %s", g.ID, g.State)
			}
			if g.UnitID == "" && g.State == entitlement.Revoked {
				t.Error("took what is the person's own")
			}
		}
		own, err := db.ByAccount(ctx, "firm")
		must(t, err)
		if own.Account.Usable() || own.Unit == nil || own.Unit.Usable() {
			t.Errorf("its account: %s, unit %+v", own.Account.State, own.Unit)
		}
		if v, err := db.ByCookie(ctx, "k1", ""); err != nil || v.Session.EndedAt.IsZero() {
			t.Errorf("its session goes on: %v", err)
		}
		if err := db.EndUnit(ctx, holder.UnitEnd{Unit: "none"}, clock, did(audit.UnitEnded)); !fault.Is(err, fault.NotFound) {
			t.Errorf("no unit: %v", err)
		}
	})
}

// Accounts that nobody uses: who is told, who is disabled, and whom a sign-in saves.
func TestUnusedAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const day = 24 * time.Hour
		ctx := context.WithoutCancel(t.Context())
		for _, id := range []string{"old", "used", "young"} {
			a := person(id, id)
			if id == "young" {
				a.CreatedAt = clock.Add(300 * day)
			}
			must(t, db.PutAccount(ctx, a, "$argon2id$x", did(audit.AccountCreated)))
		}
		at := clock.Add(400 * day)
		v := visit("k", "s", "used")
		v.AuthTime, v.CreatedAt, v.ExpiresAt = at.Add(-100*day), at.Add(-100*day), at.Add(-99*day)
		_, err := db.StartSession(ctx, v, "", did(audit.SignInSucceeded))
		must(t, err)
		_, err = db.SweepExpired(ctx, at, 100) // the session goes, the sign-in is remembered
		must(t, err)
		since := at.Add(-335 * day)
		list, err := db.Forgotten(ctx, since, 10)
		if must(t, err); len(list) != 1 || list[0] != "old" {
			t.Fatalf("forgotten %v", list)
		}
		must(t, won(db.NoteReminder(ctx, "old", since, at)))
		must(t, refused(db.NoteReminder(ctx, "old", since, at)))
		if list, err = db.Forgotten(ctx, since, 10); err != nil || len(list) != 0 {
			t.Errorf("told again: %v %v", list, err)
		}
		if list, err = db.Unused(ctx, at.Add(-365*day), at.Add(-30*day), 10); err != nil || len(list) != 0 {
			t.Errorf("disabled before he was told for long enough: %v %v", list, err)
		}
		later := at.Add(31 * day)
		if list, err = db.Unused(ctx, later.Add(-365*day), later.Add(-30*day), 10); err != nil || len(list) != 1 {
			t.Fatalf("unused %v %v", list, err)
		}
		must(t, won(db.DisableUnused(ctx, "old", later.Add(-365*day), later, did(audit.AccountUnused))))
		must(t, refused(db.DisableUnused(ctx, "old", later.Add(-365*day), later, did(audit.AccountUnused))))
		must(t, refused(db.DisableUnused(ctx, "used", later.Add(-365*day), later, did(audit.AccountUnused))))
		if l, err := db.FindLogin(ctx, "old"); err != nil || l.Password != "" {
			t.Errorf("the password still opens: %v", err)
		}
		if l, err := db.FindLogin(ctx, "used"); err != nil || l.Password == "" {
			t.Errorf("the wrong one was disabled: %v", err)
		}

		// A number is doubted after a long absence, until it is proved.
		back := visit("k2", "s2", "used")
		back.AuthTime, back.CreatedAt, back.ExpiresAt = later, later, later.Add(day)
		_, err = db.StartSession(ctx, back, "", did(audit.SignInSucceeded))
		must(t, err)
		must(t, db.DoubtNumbers(ctx, later.Add(-day), 90*day))
		if doubted, err := db.NumberDoubted(ctx, "used"); err != nil || !doubted {
			t.Errorf("not doubted: %v", err)
		}
		must(t, db.TrustNumber(ctx, "used", later.Add(time.Minute)))
		must(t, db.DoubtNumbers(ctx, later.Add(-day), 90*day))
		if doubted, err := db.NumberDoubted(ctx, "used"); err != nil || doubted {
			t.Errorf("doubted again: %v", err)
		}
	})
}
