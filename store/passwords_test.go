package store_test

import (
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/storetest"
)

// The owner's choice of a password counts for the account as it was proved, and
// once.
func TestChangingAPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		seed(t, db)
		ctx := t.Context()
		must(t, db.SetPassword(ctx, "zhang", "$operators", false, did(audit.PasswordChanged)))
		now := version(t, db, "zhang")
		refused := func(name string, id account.ID, version int64, phc string, kind fault.Kind) {
			t.Helper()
			before, err := db.RecentAudit(ctx, 1)
			must(t, err)
			if err := db.ChangePassword(ctx, id, version, phc, did(audit.PasswordChanged)); !fault.Is(err, kind) {
				t.Errorf("%s: %v", name, err)
			}
			after, err := db.RecentAudit(ctx, 1)
			must(t, err)
			if l, err := db.FindLogin(ctx, "zhang"); err != nil || l.Password != "$operators" || !l.MustChange || after[0].ID != before[0].ID {
				t.Errorf("%s left a trace: %+v, %v", name, l, err)
			}
		}
		refused("before the reset", "zhang", now-1, "$old", fault.Unproven)
		refused("a version to come", "zhang", now+1, "$old", fault.Unproven)
		refused("nobody", "nobody", 1, "$old", fault.Unproven)
		refused("no password", "zhang", now, "", fault.Invalid)
		must(t, db.SetAccountState(ctx, "zhang", account.Frozen, did(audit.AccountChanged)))
		refused("frozen", "zhang", now+1, "$old", fault.Unproven)
		must(t, db.SetAccountState(ctx, "zhang", account.Active, did(audit.AccountChanged)))

		now = version(t, db, "zhang")
		var wg sync.WaitGroup
		answers := make([]error, 8)
		for i := range answers {
			wg.Go(func() { answers[i] = db.ChangePassword(ctx, "zhang", now, "$own", did(audit.PasswordChanged)) })
		}
		wg.Wait()
		won := 0
		for _, err := range answers {
			switch {
			case err == nil:
				won++
			case !fault.Is(err, fault.Unproven):
				t.Errorf("lost with %v", err)
			}
		}
		l, err := db.FindLogin(ctx, "zhang")
		must(t, err)
		if won != 1 || l.Password != "$own" || l.MustChange || l.Version != now+1 {
			t.Errorf("%d won, login %+v", won, l)
		}
		p, err := db.ByAccount(ctx, "zhang")
		must(t, err)
		if !p.Account.PasswordChangedAt.Equal(clock) {
			t.Errorf("changed at %v", p.Account.PasswordChangedAt)
		}
	})
}
