package store_test

import (
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/recovery"
	"kejitong/store"
	"kejitong/store/storetest"
)

func appealOf(id string, k recovery.Kind, who account.ID, mobile string) recovery.Appeal {
	return recovery.Appeal{
		ID: id, Number: "SS-" + id, Kind: k, State: recovery.Filed, Account: who, Secret: "s", Claim: recovery.Claim{Mobile: mobile, Wanted: "w"},
		CreatedAt: clock, UpdatedAt: clock, DueAt: clock.Add(time.Hour), ExpiresAt: clock.Add(30 * 24 * time.Hour), Version: 1,
	}
}

// An appeal that lapses closes its documents; one about an account that is closed
// does, too, unless it is for the login name alone (S75, S77).
func TestEndedAppealsCloseTheirDocuments(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		for i, a := range []recovery.Appeal{
			appealOf("lapses", recovery.Person, "", "+8613900000001"), appealOf("password", recovery.Person, "zhang", "+8613900000002"),
			appealOf("name", recovery.PersonName, "zhang", "+8613900000003"),
		} {
			if i == 0 {
				a.ExpiresAt = clock.Add(time.Hour)
			}
			must(t, db.FileAppeal(ctx, a, did(audit.AppealFiled)))
		}
		closed := func(id string) bool {
			t.Helper()
			yes, err := db.DocumentsClosed(ctx, id)
			must(t, err)
			return yes
		}
		state := func(id string) recovery.State {
			t.Helper()
			a, err := db.Appeal(ctx, id)
			must(t, err)
			return a.State
		}
		db.Now = func() time.Time { return clock.Add(2 * time.Hour) }
		_, err := db.SweepExpired(ctx, clock.Add(2*time.Hour), 100)
		must(t, err)
		if !closed("lapses") || state("lapses") != recovery.Expired || closed("password") {
			t.Errorf("after the sweep: closed %v, %s; another's closed %v", closed("lapses"), state("lapses"), closed("password"))
		}
		must(t, db.EraseAccount(ctx, account.Account{ID: "zhang"}, clock, did(audit.AccountChanged)))
		if state("password") != recovery.Expired || state("name") != recovery.Filed || closed("name") {
			t.Errorf("after the closing: %s, %s, closed %v", state("password"), state("name"), closed("name"))
		}
		// What is closed is neither frozen nor thawed.
		if err := db.FreezeAccount(ctx, "zhang", clock, did(audit.AccountChanged)); !fault.Is(err, fault.NotFound) {
			t.Errorf("a closed account is frozen: %v", err)
		}
		if err := db.SetAccountState(ctx, "zhang", account.Active, did(audit.AccountChanged)); !fault.Is(err, fault.NotFound) {
			t.Errorf("a closed account comes back: %v", err)
		}
	})
}

// The queue's filters are the database's, so that pages are full.
func TestAppealsAreFilteredBeforePaging(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for i, k := range []recovery.Kind{recovery.Person, recovery.Unit, recovery.PersonName, recovery.UnitName, recovery.Person} {
			a := appealOf(string(rune('a'+i)), k, "", "+861390000001"+string(rune('0'+i)))
			a.CreatedAt = clock.Add(time.Duration(i) * time.Hour)
			if i%2 == 0 {
				a.Assignee = "op-1"
			}
			must(t, db.FileAppeal(ctx, a, did(audit.AppealFiled)))
		}
		for _, row := range []struct {
			name string
			f    recovery.Filter
			want string
		}{
			{"all", recovery.Filter{}, "abcde"},
			{"persons", recovery.Filter{Of: account.NaturalPerson}, "ace"},
			{"units", recovery.Filter{Of: account.LegalEntity}, "bd"},
			{"nobody's", recovery.Filter{Free: true}, "bd"},
			{"one's own", recovery.Filter{Assignee: "op-1"}, "ace"},
			{"old ones", recovery.Filter{Before: clock.Add(90 * time.Minute)}, "ab"},
			{"open ones", recovery.Filter{Open: true, Now: clock}, "abcde"},
			{"open a year later", recovery.Filter{Open: true, Now: clock.AddDate(1, 0, 0)}, ""},
		} {
			row.f.Limit = 50
			all, err := db.Appeals(ctx, row.f)
			must(t, err)
			got := ""
			for _, a := range all {
				got += a.ID
			}
			if got != row.want {
				t.Errorf("%s: %q, want %q", row.name, got, row.want)
			}
		}
	})
}

// What the desk leaves behind goes.
func TestDeskIsSwept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for id, until := range map[string]time.Time{"old": clock.Add(-100 * 24 * time.Hour), "new": clock} {
			must(t, db.Propose(ctx, operator.Proposal{ID: id, Matter: "m", By: "op-1", At: until, Until: until, State: "open"}, did(audit.AccountChanged)))
		}
		_, err := db.SweepExpired(ctx, clock, 100)
		must(t, err)
		if _, err := db.Proposal(ctx, "old"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an old proposal stays: %v", err)
		}
		if _, err := db.Proposal(ctx, "new"); err != nil {
			t.Error(err)
		}
	})
}
