package store_test

import (
	"context"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/session"
	"kejitong/store"
	"kejitong/store/storetest"
)

// version gives the account's version as it is now.
func version(t *testing.T, db *store.DB, id account.ID) int64 {
	t.Helper()
	p, err := db.ByAccount(t.Context(), id)
	must(t, err)
	return p.Account.Version
}

// A password that was verified before a reset or a freeze opens nothing after
// it, whatever session the browser brings along, and leaves no trace.
func TestProofOfAnAccountThatChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Now = func() time.Time { return clock }
		seed(t, db)
		ctx := t.Context()
		start(t, db, visit("k-own", "s-own", "zhang"), "")
		start(t, db, visit("k-firm", "s-firm", "firm"), "")
		for _, c := range []struct {
			name   string
			who    account.ID
			change func() error
		}{
			{"another version", "zhang", func() error { return nil }},
			{"nobody", "nobody", func() error { return nil }},
			{"reset by an operator", "zhang", func() error {
				return db.SetPassword(ctx, "zhang", "$argon2id$new", false, did(audit.PasswordChanged))
			}},
			{"frozen", "zhang", func() error { return db.SetAccountState(ctx, "zhang", account.Frozen, did(audit.AccountChanged)) }},
		} {
			proved := version(t, db, "zhang")
			must(t, c.change())
			if c.name == "another version" {
				proved++
			}
			if c.name == "frozen" {
				proved++ // even the version of the frozen account opens nothing
			}
			for _, replaced := range []string{"", "k-own", "k-firm", "k-none"} {
				before, err := db.RecentAudit(ctx, 1)
				must(t, err)
				s := visit("k-late", "s-late", c.who)
				s.Proved = proved
				if _, err := db.StartSession(ctx, s, replaced, did(audit.SignInSucceeded)); !fault.Is(err, fault.Unproven) {
					t.Errorf("%s, over %q: %v", c.name, replaced, err)
				}
				after, err := db.RecentAudit(ctx, 1)
				must(t, err)
				if after[0].ID != before[0].ID {
					t.Errorf("%s, over %q: recorded %+v", c.name, replaced, after[0].Event)
				}
				if _, err := db.ByCookie(ctx, "k-late", ""); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s, over %q: there is a session: %v", c.name, replaced, err)
				}
				for _, key := range []string{"k-own", "k-firm"} {
					if v, err := db.ByCookie(ctx, key, ""); err != nil || !v.Session.EndedAt.IsZero() {
						t.Errorf("%s, over %q: %s ended, %v", c.name, replaced, key, err)
					}
				}
			}
		}

		must(t, db.SetAccountState(ctx, "zhang", account.Active, did(audit.AccountChanged)))
		for _, c := range []struct{ key, id, replaced, want string }{
			{"k1", "s1", "", "s1"}, {"k2", "s2", "k1", "s1"}, {"k3", "s3", "k-firm", "s3"}, {"k4", "s4", "k-none", "s4"},
		} {
			s := visit(c.key, c.id, "zhang")
			s.Proved = version(t, db, "zhang")
			got := start(t, db, s, c.replaced)
			if v, err := db.ByCookie(ctx, c.key, ""); err != nil || got.ID != c.want || v.Session.ID != c.want {
				t.Errorf("over %q: %s, %v", c.replaced, got.ID, err)
			}
		}
	})
}

// The reset and the sign-in meet: the reset holds the account and has ended the
// sessions there were when the sign-in, whose password was the old one, comes.
func TestSigningInDuringAReset(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		for _, replaced := range []string{"", "k-own"} {
			t.Run(name+" over "+replaced, func(t *testing.T) {
				o := options(t)
				db, _ := storetest.Ready(t, o)
				seed(t, db)
				start(t, db, visit("k-own", "s-own", "zhang"), "")
				late := visit("k-late", "s-late", "zhang")
				late.Proved = version(t, db, "zhang")
				answer := make(chan error, 1)
				err := db.InTx(t.Context(), func(ctx context.Context) error {
					must(t, db.SetPassword(ctx, "zhang", "$argon2id$new", false, did(audit.PasswordChanged)))
					_, err := db.EndSessions(ctx, session.Which{Account: "zhang"}, clock, did(audit.SessionEnded))
					must(t, err)
					go func() {
						_, err := db.StartSession(context.WithoutCancel(t.Context()), late, replaced, did(audit.SignInSucceeded))
						answer <- err
					}()
					for waits := int64(0); db.Postgres() && waits == 0; {
						select {
						case err := <-answer:
							answer <- err // it did not wait for the reset
							return nil
						case <-time.After(5 * time.Millisecond):
						}
						waits = storetest.Count(t, o, `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
					}
					return nil
				})
				must(t, err)
				if err := <-answer; !fault.Is(err, fault.Unproven) {
					t.Errorf("the old password opened a session: %v", err)
				}
				if _, err := db.ByCookie(t.Context(), "k-late", ""); !fault.Is(err, fault.NotFound) {
					t.Errorf("there is a session: %v", err)
				}
			})
		}
	}
}
