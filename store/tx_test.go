package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/store"
	"kejitong/store/storetest"
)

func TestTransactions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		there := func(login string) bool {
			_, err := db.AccountByLogin(ctx, login)
			if err != nil && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", login, err)
			}
			return err == nil
		}
		events := func() int {
			rows, err := db.RecentAudit(ctx, 1000)
			must(t, err)
			return len(rows)
		}
		put := func(ctx context.Context, login string) error {
			return db.PutAccount(ctx, person(login, login), "$phc", did(audit.AccountCreated))
		}
		broken := errors.New("broken")

		t.Run("an error undoes deed and record", func(t *testing.T) {
			before := events()
			err := db.InTx(ctx, func(ctx context.Context) error { return errors.Join(put(ctx, "undone"), broken) })
			if !errors.Is(err, broken) || there("undone") || events() != before {
				t.Errorf("error %v, there %v, %d events more", err, there("undone"), events()-before)
			}
		})
		t.Run("a panic undoes it, too", func(t *testing.T) {
			func() {
				defer func() { _ = recover() }()
				_ = db.InTx(ctx, func(ctx context.Context) error {
					must(t, put(ctx, "panicked"))
					panic("here")
				})
			}()
			if there("panicked") {
				t.Error("the account stands")
			}
		})
		t.Run("an inner transaction joins the outer one", func(t *testing.T) {
			err := db.InTx(ctx, func(ctx context.Context) error {
				if err := db.InTx(ctx, func(ctx context.Context) error { return put(ctx, "inner") }); err != nil {
					return err
				}
				return broken
			})
			if !errors.Is(err, broken) || there("inner") {
				t.Errorf("error %v, there %v", err, there("inner"))
			}
		})
		t.Run("a record that cannot be written undoes the deed", func(t *testing.T) {
			done, cancel := context.WithCancel(ctx)
			err := db.InTx(done, func(ctx context.Context) error {
				err := put(ctx, "unrecorded")
				cancel()
				return err
			})
			if err == nil || there("unrecorded") {
				t.Errorf("error %v, there %v", err, there("unrecorded"))
			}
		})
		t.Run("a guess is not reserved where a rollback would give it back", func(t *testing.T) {
			err := db.InTx(ctx, func(ctx context.Context) error {
				_, err := db.Reserve(ctx, credential.Keys{Pair: "p", Account: "a"}, credential.Limits{}, clock)
				return err
			})
			if err == nil {
				t.Error("it was")
			}
		})
		t.Run("committed together", func(t *testing.T) {
			before := events()
			must(t, db.InTx(ctx, func(ctx context.Context) error { return errors.Join(put(ctx, "one"), put(ctx, "two")) }))
			if !there("one") || !there("two") || events() != before+2 {
				t.Errorf("one %v, two %v, %d events more", there("one"), there("two"), events()-before)
			}
		})
	})
}

// Two transactions that take two rows in opposite order: PostgreSQL kills one,
// which runs again and succeeds.
func TestDeadlockIsRunAgain(t *testing.T) {
	db, _ := storetest.Ready(t, storetest.Postgres(t))
	seed(t, db)
	var both sync.WaitGroup
	both.Add(2)
	var wg sync.WaitGroup
	runs := make([]int, 2)
	for i, order := range [][]account.ID{{"zhang", "firm"}, {"firm", "zhang"}} {
		wg.Go(func() {
			err := db.InTx(t.Context(), func(ctx context.Context) error {
				runs[i]++
				if err := db.SetAccountState(ctx, order[0], account.Active, did(audit.AccountChanged)); err != nil {
					return err
				}
				if runs[i] == 1 {
					both.Done()
					both.Wait()
				}
				return db.SetAccountState(ctx, order[1], account.Active, did(audit.AccountChanged))
			})
			if err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if runs[0]+runs[1] < 3 {
		t.Errorf("runs %v: there was no deadlock to run again", runs)
	}
	for _, id := range []account.ID{"zhang", "firm"} {
		if p, err := db.ByAccount(t.Context(), id); err != nil || p.Account.Version != 3 {
			t.Errorf("%s: version %d, %v: want each change once", id, p.Account.Version, err)
		}
	}
}

// Everything that a transaction calls must do with the connection it has.
func TestOneConnectionIsEnough(t *testing.T) {
	o := storetest.Postgres(t)
	o.MaxOpen = 1
	db, _ := storetest.Ready(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	seed(t, db)
	err := db.InTx(ctx, func(ctx context.Context) error {
		_, err := db.StartSession(ctx, visit("k1", "s1", "zhang"), "none", did(audit.SignInSucceeded))
		if err != nil {
			return err
		}
		if _, err := db.ByCookie(ctx, "k1", "rp"); err != nil {
			return err
		}
		if err := db.PutClient(ctx, relyingParty("rp"), did(audit.ClientCreated)); err != nil {
			return err
		}
		_, err = db.SweepExpired(ctx, clock, 10)
		return err
	})
	must(t, err)
}

func TestFaults(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
		defer cancel()
		gone, hangUp := context.WithCancel(ctx)
		hangUp()
		taken := person("other", "zhang")
		old := person("zhang", "zhang")
		old.Version = 7
		twin := firm()
		twin.ID = "u-twin"
		lost := mandate()
		lost.ID, lost.Unit.ID = "m2", "no such unit"
		cases := []struct {
			name  string
			kind  fault.Kind
			field string
			do    func() error
		}{
			{"a login name that somebody has", fault.Conflict, "login_name", func() error {
				return db.PutAccount(ctx, taken, "", did(audit.AccountCreated))
			}},
			{"an account that changed meanwhile", fault.Conflict, "", func() error {
				return db.PutAccount(ctx, old, "", did(audit.AccountChanged))
			}},
			{"a USCC that another unit has", fault.Conflict, "", func() error { return db.PutUnit(ctx, twin, did(audit.UnitChanged)) }},
			{"a mandate for no unit", fault.Invalid, "", func() error { return db.PutMandate(ctx, lost, did(audit.EntitlementMade)) }},
			{"a deadline that has passed", fault.Unavailable, "", func() error { return db.TouchSession(late, "k", clock) }},
			{"a transaction past the deadline", fault.Unavailable, "", func() error {
				return db.InTx(late, func(context.Context) error { return nil })
			}},
			{"an asker who hung up", fault.Unavailable, "", func() error { _, err := db.Client(gone, "rp"); return err }},
			{"a unit chosen in a session that is over", fault.Gone, "", func() error { return db.ChooseUnit(ctx, "no session", "u") }},
			{"an interaction that is over", fault.Gone, "", func() error { return db.Advance(ctx, parked("none", "")) }},
			{"the state of no account", fault.NotFound, "", func() error {
				return db.SetAccountState(ctx, "nobody", account.Frozen, did(audit.AccountChanged))
			}},
		}
		for _, c := range cases {
			err := c.do()
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != c.kind || (c.field != "" && f.Field != c.field) {
				t.Errorf("%s: %+v, want kind %d field %q", c.name, err, c.kind, c.field)
			}
		}
		err := db.PutUnit(ctx, func() account.Unit { u := twin; u.AccountID = ""; return u }(), did(audit.UnitChanged))
		var f *fault.Error
		if !errors.As(err, &f) || f.Field != "uscc" {
			t.Errorf("USCC taken: %+v, want field uscc", err)
		}
	})
}

func TestConnectionsThatBreakAreReplaced(t *testing.T) {
	o := storetest.Postgres(t)
	db, _ := storetest.Ready(t, o)
	seed(t, db)
	ask := func(when string) {
		t.Helper()
		if _, err := db.ByAccount(t.Context(), "zhang"); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	ask("before")
	storetest.Exec(t, o, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	ask("after the server cut all connections")
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		if err := db.SetAccountState(ctx, "zhang", account.Active, did(audit.AccountChanged)); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		t.Errorf("a transaction after the cut: %v", err)
	}
	// What a pooler or another session's DISCARD ALL does to kept statements is
	// done here by a migration: the plan of a kept SELECT no longer fits.
	storetest.Exec(t, o, `ALTER TABLE accounts ALTER COLUMN locale TYPE VARCHAR(64)`)
	ask("after a column changed its type")
}

func TestEmbeddedDatabaseServesOneProcess(t *testing.T) {
	o := storetest.SQLite(t)
	o.Path = strings.Replace(o.Path, "kejitong.db", "科技通 100%?#.db", 1)
	first := storetest.Open(t, o)
	_, err := store.Open(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("second opener: %v", err)
	}
	must(t, first.Close())
	second, err := store.Open(t.Context(), o)
	must(t, err)
	must(t, second.Close())
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, o := range []store.Options{{}, {Driver: "mysql"}, {Driver: "sqlite"}, {Driver: "postgres", DSN: "postgres://%zz"}} {
		db, err := store.Open(t.Context(), o)
		if err == nil {
			_ = db.Close()
			t.Errorf("%+v opened", o)
		}
	}
}

func TestAuditTrailIsAppendOnly(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			db := storetest.Open(t, o)
			ctx := audit.WithSource(t.Context(), audit.Source{IP: "192.0.2.1", UserAgent: strings.Repeat("U", 10000), RequestID: "r\x00\xff1"})
			must(t, db.Record(ctx, audit.Event{Kind: audit.SignInFailed, Actor: "a", Object: "o", Client: "c", Result: "refused", Detail: "d"}))
			for _, statement := range []string{"UPDATE audit SET detail = 'x'", "DELETE FROM audit"} {
				if err := storetest.TryExec(t, o, statement); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: %v", statement, err)
				}
			}
			rows, err := db.RecentAudit(ctx, 10)
			must(t, err)
			want := audit.Event{Kind: audit.SignInFailed, Actor: "a", Object: "o", Client: "c", Result: "refused", Detail: "d",
				IP: "192.0.2.1", UserAgent: strings.Repeat("U", 256), RequestID: "r1"}
			if len(rows) != 1 || rows[0].Event != want || rows[0].At.IsZero() {
				t.Errorf("trail: %s", fmt.Sprintf("%+v", rows))
			}
		})
	}
}
