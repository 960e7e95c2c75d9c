package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
	"kejitong/store"
	"kejitong/store/storetest"
)

// broughtOver imports the cast, and gives the account of the unit uE1 and that of
// uE4, which has rights that wait.
func broughtOver(t *testing.T, db *store.DB) (unit, person account.Account) {
	t.Helper()
	newTown(t, db)
	records, _ := cast()
	stageAll(t, db, "b", records)
	_, err := db.Commit(t.Context(), "b", torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted})
	must(t, err)
	unit, err = db.AccountByLogin(t.Context(), strings.ToLower(uE1))
	must(t, err)
	person, err = db.AccountByLogin(t.Context(), strings.ToLower(uE4))
	must(t, err)
	return unit, person
}

// Whatever somebody did with an account of a batch, the batch stays: the look in
// the background finds it, and taking back refuses.
func TestABatchInUseStays(t *testing.T) {
	deeds := map[string]func(t *testing.T, db *store.DB, unit, person account.Account){
		"signed in": func(t *testing.T, db *store.DB, unit, _ account.Account) {
			_, err := db.StartSession(t.Context(), visit("k", "s", unit.ID), "", did(audit.SignInSucceeded))
			must(t, err)
		},
		"signed in long ago": func(t *testing.T, db *store.DB, unit, _ account.Account) {
			s := visit("k", "s", unit.ID)
			_, err := db.StartSession(t.Context(), s, "", did(audit.SignInSucceeded))
			must(t, err)
			_, err = db.SweepExpired(t.Context(), s.ExpiresAt.Add(time.Hour), 100)
			must(t, err)
		},
		"frozen": func(t *testing.T, db *store.DB, unit, _ account.Account) {
			must(t, db.SetAccountState(t.Context(), unit.ID, account.Frozen, did(audit.AccountChanged)))
		},
		"given a right": func(t *testing.T, db *store.DB, unit, person account.Account) {
			must(t, db.PutMandate(t.Context(), entitlement.Mandate{ID: "m", Account: person.ID, Unit: account.Unit{ID: unit.UnitID}, Relation: "handler", State: entitlement.Active, Source: entitlement.Delegated, From: clock}, did(audit.EntitlementMade)))
		},
	}
	for name, deed := range deeds {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx := t.Context()
				unit, person := broughtOver(t, db)
				now := clock
				watch := torch.Watch{Uses: db, Now: func() time.Time { return now }}
				look := func() torch.Batch {
					t.Helper()
					now = now.Add(time.Hour)
					must(t, watch.Tend(ctx))
					b, err := db.Batch(ctx, "b")
					must(t, err)
					return b
				}
				if b := look(); !b.Reversible() || !b.LookedAt.Equal(now) || !b.LookingSince.IsZero() {
					t.Errorf("nobody came: %+v", b)
				}
				deed(t, db, unit, person)
				if b := look(); b.Reversible() || !b.Used {
					t.Errorf("not seen: %+v", b)
				}
				if err := db.Revert(ctx, "b", now, audit.Event{Kind: audit.ImportReverted}); !fault.Is(err, fault.Conflict) {
					t.Errorf("taken back under somebody's feet: %v", err)
				}
				if _, err := db.AccountByLogin(ctx, unit.LoginKey); err != nil {
					t.Errorf("a refused revert took something: %v", err)
				}
			})
		})
	}
}

// sliced is a batch of four records, one to a look.
type sliced struct {
	torch.Uses
	used  int // the record that was used; 0: none
	asked int
	b     torch.Batch
}

func (s *sliced) Batches(context.Context, int) ([]torch.Batch, error) {
	return []torch.Batch{s.b}, nil
}

func (s *sliced) LookAtBatch(_ context.Context, _ string, after, _ int) (int, bool, error) {
	s.asked++
	if after == 4 {
		return 0, false, nil
	}
	return after + 1, after+1 == s.used, nil
}

func (s *sliced) NoteLook(_ context.Context, _ string, was, is torch.Look) (bool, error) {
	if was != s.b.Look {
		return false, nil
	}
	s.b.Look = is
	return true, nil
}

// A look goes on where another left off, rests when it is through, ends at the first
// use, and leaves a batch to whoever is at it.
func TestLooksForUse(t *testing.T) {
	now := clock
	s := &sliced{b: torch.Batch{ID: "b", State: torch.Committed, Look: torch.Look{LookedAt: now}}}
	w := torch.Watch{Uses: s, Now: func() time.Time { return now }}
	must(t, w.Tend(t.Context()))
	if s.asked != 0 {
		t.Error("looked again at once")
	}
	now = now.Add(time.Hour)
	s.b.LookingSince, s.b.LookedRow = now.Add(-time.Minute), 2
	must(t, w.Tend(t.Context()))
	if want := (torch.Look{LookedAt: now.Add(-time.Minute)}); s.asked != 3 || s.b.Look != want {
		t.Errorf("%d looks, %+v", s.asked, s.b.Look)
	}
	now, s.used, s.asked = now.Add(time.Hour), 3, 0
	must(t, w.Tend(t.Context()))
	if s.asked != 3 || !s.b.Used || s.b.Reversible() {
		t.Errorf("%d looks, %+v", s.asked, s.b.Look)
	}
	for _, state := range []torch.BatchState{torch.Committed, torch.Staging, torch.Prepared, torch.Reverted} {
		s.b.State, s.b.Used, s.asked = state, state == torch.Committed, 0
		must(t, w.Tend(t.Context()))
		if s.asked != 0 {
			t.Errorf("looked at a batch that is %s, used %t", state, s.b.Used)
		}
	}
	other := &overtaken{sliced: sliced{b: torch.Batch{ID: "b", State: torch.Committed}}}
	must(t, (&torch.Watch{Uses: other, Now: w.Now}).Tend(t.Context()))
	if other.asked != 1 {
		t.Errorf("%d looks beside another process", other.asked)
	}
}

type overtaken struct{ sliced }

func (*overtaken) NoteLook(context.Context, string, torch.Look, torch.Look) (bool, error) {
	return false, nil
}

// Somebody signs in while the batch is being taken back: the sign-in stands and the
// batch stays, or the batch goes and nobody is signed in. A revert that only counted
// before it deleted would let the account go under a living session.
func TestRevertAgainstASignIn(t *testing.T) {
	o := storetest.Postgres(t)
	db, _ := storetest.Ready(t, o)
	ctx := t.Context()
	unit, _ := broughtOver(t, db)
	pool, err := sqlx.Open("postgres", o.DSN)
	must(t, err)
	defer func() { _ = pool.Close() }()
	waits := func() {
		t.Helper()
		for storetest.Count(t, o, `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
			if ctx.Err() != nil {
				t.Fatal("nobody waits")
			}
		}
	}
	// signIn begins a session and leaves its transaction open.
	signIn := func(n int) (commit func()) {
		t.Helper()
		var wg sync.WaitGroup
		begun, end := make(chan struct{}), make(chan struct{})
		wg.Go(func() {
			s := visit(fmt.Sprintf("k%d", n), fmt.Sprintf("s%d", n), unit.ID)
			s.Proved = unit.Version
			once := sync.OnceFunc(func() { close(begun) })
			err := db.InTx(ctx, func(ctx context.Context) error {
				_, err := db.StartSession(ctx, s, "", did(audit.SignInSucceeded))
				once()
				<-end
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-begun
		return func() { close(end); wg.Wait() }
	}
	broken := func() int64 {
		return storetest.Count(t, o, `SELECT COUNT(*) FROM sessions s WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = s.account_id)`)
	}
	attempt := func(n int, revert func() error) error {
		t.Helper()
		commit := signIn(n)
		done := make(chan error, 1)
		go func() { done <- revert() }()
		waits()
		commit()
		return <-done
	}
	err = attempt(1, func() error {
		return db.Revert(context.WithoutCancel(ctx), "b", clock, audit.Event{Kind: audit.ImportReverted})
	})
	if !fault.Is(err, fault.Conflict) || broken() != 0 {
		t.Fatalf("taken back under a sign-in: %v", err)
	}
	// The control: look, then delete.
	storetest.Exec(t, o, `DELETE FROM sessions`)
	err = attempt(2, func() error {
		tx, err := pool.Begin()
		if err != nil {
			return err
		}
		var used int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM sessions`).Scan(&used); err != nil || used > 0 {
			return fmt.Errorf("%d, %w", used, err)
		}
		if _, err := tx.Exec(`DELETE FROM accounts WHERE id IN (SELECT r.id FROM torch_records r WHERE r.made)`); err != nil {
			return err
		}
		return tx.Commit()
	})
	if err != nil || broken() != 1 {
		t.Errorf("the careless revert does no harm (%v): the test shows nothing", err)
	}
}
