package store_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/store"
	"kejitong/store/storetest"
)

func chainOf(db *store.DB, now func() time.Time) *audit.Chain {
	return &audit.Chain{Store: db, Key: bytes.Repeat([]byte{7}, 32), Now: now}
}

// sealedTrail writes events at the moment of the story and seals them in several
// blocks.
func sealedTrail(t *testing.T, o store.Options) (*store.DB, *audit.Chain) {
	t.Helper()
	db := storetest.Open(t, o)
	db.Now = func() time.Time { return clock }
	c := chainOf(db, func() time.Time { return clock })
	for range 5 {
		for i := range 4 {
			must(t, db.Record(t.Context(), audit.Event{Kind: audit.SignInSucceeded, Actor: "zhang", Object: string(rune('a' + i)), UserAgent: `odd "agent"`}))
		}
		if n, err := c.Extend(t.Context()); err != nil || n < 4 {
			t.Fatalf("sealed %d, %v", n, err)
		}
	}
	return db, c
}

func verified(t *testing.T, c *audit.Chain, points ...audit.Checkpoint) audit.Report {
	t.Helper()
	r, err := c.Verify(t.Context(), points)
	must(t, err)
	return r
}

// past lets statements through that the service's own role could never run.
func past(t *testing.T, o store.Options, statements ...string) {
	t.Helper()
	if o.Driver == "postgres" {
		storetest.Exec(t, o, "ALTER TABLE audit DISABLE TRIGGER ALL")
	} else {
		storetest.Exec(t, o, "DROP TRIGGER audit_no_update")
		storetest.Exec(t, o, "DROP TRIGGER audit_no_delete")
	}
	for _, s := range statements {
		storetest.Exec(t, o, s)
	}
}

func onBoth(t *testing.T, fn func(t *testing.T, o store.Options)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, storetest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, storetest.Postgres(t)) })
}

// Whatever somebody does to the trail who can write to the database, but does
// not have the key, is found.
func TestEveryTamperingIsFound(t *testing.T) {
	some := "(SELECT MAX(id) FROM audit WHERE object = 'b')"
	tamperings := []struct {
		name       string
		statements []string
		want       string
	}{
		{"a row deleted", []string{"DELETE FROM audit WHERE id = " + some}, "is not as it was sealed"},
		{"the last row deleted", []string{"DELETE FROM audit WHERE id = (SELECT MAX(id) FROM audit)"}, "rows are missing"},
		{"a result edited", []string{"UPDATE audit SET result = 'failed' WHERE id = " + some}, "is not as it was sealed"},
		{"a time edited", []string{"UPDATE audit SET at = at + 1 WHERE id = " + some}, "is not as it was sealed"},
		{"a character moved to the next field", []string{"UPDATE audit SET actor = 'zhan', object = 'gb' WHERE id = " + some}, "is not as it was sealed"},
		{"two rows exchanged", []string{"UPDATE audit SET object = CASE object WHEN 'a' THEN 'b' WHEN 'b' THEN 'a' ELSE object END"}, "is not as it was sealed"},
		{"all rows removed", []string{"DELETE FROM audit"}, "rows are missing"},
		{"a block removed", []string{"DELETE FROM audit_blocks WHERE seq = 3"}, "blocks 3 to 3 are missing"},
		{"a block and its rows removed", []string{"DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT 6)", "DELETE FROM audit_blocks WHERE seq = 1"}, "blocks 1 to 1 are missing"},
		{"a block's ids edited", []string{"UPDATE audit_blocks SET spans = '[]' WHERE seq = 2"}, "is not as it was sealed"},
		{"the last block removed, its rows left", []string{"DELETE FROM audit_blocks WHERE seq = 5"}, "the chain's head names block 5"},
		{"the head set back", []string{"UPDATE audit_head SET seq = 4"}, "the chain's head names block 4"},
	}
	for _, x := range tamperings {
		onBoth(t, func(t *testing.T, o store.Options) {
			_, c := sealedTrail(t, o)
			if r := verified(t, c); len(r.Problems) > 0 || r.Rows < 20 || r.Blocks != 5 {
				t.Fatalf("before: %+v", r)
			}
			past(t, o, x.statements...)
			r := verified(t, c)
			if !strings.Contains(strings.Join(r.Problems, "\n"), x.want) {
				t.Errorf("%s: %q, want %q", x.name, r.Problems, x.want)
			}
		})
	}
}

// A row put among the sealed ones is found; one above them looks like any other
// that waits, until it has waited too long.
func TestRowsPutThereAreFound(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		db, c := sealedTrail(t, o)
		put := "INSERT INTO audit (id, at, kind, actor, object, client_id, result, detail, ip, user_agent, request_id) "
		if o.Driver == "postgres" {
			put += "OVERRIDING SYSTEM VALUE "
		}
		put += "SELECT %, at, kind, 'mallory', object, client_id, result, detail, ip, user_agent, request_id FROM audit ORDER BY id LIMIT 1"
		mallory := func(id string) { storetest.Exec(t, o, strings.Replace(put, "%", id, 1)) }
		told := func(c *audit.Chain) string { return strings.Join(verified(t, c).Problems, "\n") }

		must(t, db.Record(t.Context(), audit.Event{Kind: audit.SignInSucceeded, Actor: "zhang"}))
		if r := verified(t, c); len(r.Problems) > 0 || r.Unsealed != 1 {
			t.Errorf("a row that waits: %+v", r)
		}
		if got := told(chainOf(db, func() time.Time { return clock.Add(2 * time.Minute) })); !strings.Contains(got, "does a server run?") {
			t.Errorf("a row that has waited for two minutes: %q", got)
		}
		// A leap of the ids leaves holes; they are waited for, but not for ever.
		mallory("(SELECT MAX(id) + 100 FROM audit)")
		if _, err := c.Extend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := told(c); got != "" {
			t.Errorf("after a leap: %q", got)
		}
		hour := chainOf(db, func() time.Time { return clock.Add(time.Hour) })
		db.Now = hour.Now
		mallory("(SELECT MAX(id) + 1 FROM audit)")
		if _, err := hour.Extend(t.Context()); err != nil {
			t.Fatal(err)
		}
		mallory("(SELECT MAX(id) - 50 FROM audit)")
		mallory("-5")
		if n, err := hour.Extend(t.Context()); err != nil || n != 0 {
			t.Errorf("%d rows in old holes were sealed, %v", n, err)
		}
		if got := told(hour); strings.Count(got, "stands in no block") != 2 {
			t.Errorf("rows in an old hole and below all ids: %q", got)
		}
	})
}

// Rows whose transactions end late are sealed all the same.
func TestLateRowsAreSealed(t *testing.T) {
	o := storetest.Postgres(t)
	db, _ := storetest.Ready(t, o)
	c := chainOf(db, db.Now)
	ev := audit.Event{Kind: audit.SignInSucceeded}
	began, finish, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.InTx(context.WithoutCancel(t.Context()), func(ctx context.Context) error {
			err := db.Record(ctx, ev)
			close(began)
			<-finish
			return err
		})
	}()
	<-began
	undone := errors.New("undone")
	if err := db.InTx(t.Context(), func(ctx context.Context) error { return errors.Join(db.Record(ctx, ev), undone) }); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	must(t, db.Record(t.Context(), ev))
	if _, err := c.Extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, err := db.ChainHead(t.Context()); err != nil || len(h.Holes) != 2 {
		t.Errorf("%+v, %v; want two holes: a row under way and one that was undone", h, err)
	}
	close(finish)
	must(t, <-done)
	if n, err := c.Extend(t.Context()); err != nil || n != 1 {
		t.Errorf("sealed %d late rows, %v", n, err)
	}
	if r := verified(t, c); len(r.Problems) > 0 || r.Unsealed > 0 {
		t.Errorf("%+v", r)
	}
}

// An end that was cut off with everything that knew of it is seen by whoever
// wrote down where it was.
func TestACutOffEndNeedsACheckpoint(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		_, c := sealedTrail(t, o)
		p, ok, err := c.Checkpoint(t.Context())
		if err != nil || !ok || p.Seq != 5 {
			t.Fatalf("%+v %v %v", p, ok, err)
		}
		if r := verified(t, c, p); len(r.Problems) > 0 {
			t.Fatalf("%+v", r)
		}
		forged := p
		forged.Hash = "x"
		if r := verified(t, c, forged); !strings.Contains(strings.Join(r.Problems, "\n"), "checkpoint of block 5 is not genuine") {
			t.Errorf("a forged checkpoint: %+v", r)
		}
		past(t, o, "DELETE FROM audit WHERE id > (SELECT MAX(id) - 4 FROM audit)", "DELETE FROM audit_blocks WHERE seq = 5",
			"UPDATE audit_head SET seq = 4, top = (SELECT MAX(id) FROM audit), hash = (SELECT hash FROM audit_blocks WHERE seq = 4)")
		if r := verified(t, c); len(r.Problems) > 0 {
			t.Errorf("without a checkpoint nobody can know: %+v", r)
		}
		if r := verified(t, c, p); !strings.Contains(strings.Join(r.Problems, "\n"), "the end is missing") {
			t.Errorf("with a checkpoint: %+v", r)
		}
	})
}

// Three servers seal what many write: every row stands in one block, in the
// order of one chain.
func TestManyWritersAndSealers(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		db, _ := storetest.Ready(t, o)
		dbs := []*store.DB{db, db, db}
		if o.Driver == "postgres" {
			dbs = []*store.DB{db, storetest.Open(t, o), storetest.Open(t, o)}
		}
		const writers, each = 64, 10
		var work, seal sync.WaitGroup
		stop := make(chan struct{})
		for _, d := range dbs {
			c := chainOf(d, d.Now)
			seal.Go(func() {
				for {
					if _, err := c.Extend(t.Context()); err != nil {
						t.Errorf("extend: %v", err)
						return
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for i := range writers {
			d := dbs[i%len(dbs)]
			work.Go(func() {
				for n := range each {
					err := d.InTx(t.Context(), func(ctx context.Context) error {
						if err := d.Record(ctx, audit.Event{Kind: audit.SignInFailed}); err != nil || n%5 > 0 {
							return err
						}
						return errUndone
					})
					if err != nil && !errors.Is(err, errUndone) {
						t.Errorf("write: %v", err)
					}
				}
			})
		}
		work.Wait()
		close(stop)
		seal.Wait()
		c := chainOf(db, db.Now)
		if _, err := c.Extend(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := storetest.Count(t, o, "SELECT COUNT(*) FROM audit")
		if r := verified(t, c); len(r.Problems) > 0 || r.Rows != want || r.Unsealed != 0 || want < writers*each*8/10 {
			t.Errorf("%+v of %d rows", r, want)
		}
	})
}

var errUndone = errors.New("undone")

// What is older than its time goes block by block; the rest still verifies, and
// nothing younger than six months can go at all.
func TestPruning(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		db := storetest.Open(t, o)
		real := time.Now().UTC()
		at := real.AddDate(-2, 0, 0)
		db.Now = func() time.Time { return at }
		c := chainOf(db, db.Now)
		for range 6 {
			must(t, db.Record(t.Context(), audit.Event{Kind: audit.SignInFailed}))
			if _, err := c.Extend(t.Context()); err != nil {
				t.Fatal(err)
			}
			at = at.AddDate(0, 4, 0)
		}
		at = real
		rows := storetest.Count(t, o, "SELECT COUNT(*) FROM audit")
		if _, err := c.Prune(t.Context(), real); err == nil {
			t.Error("rows of the last six months were removed")
		}
		if left := storetest.Count(t, o, "SELECT COUNT(*) FROM audit"); left != rows {
			t.Errorf("%d of %d rows left by a refused pruning", left, rows)
		}
		n, err := c.Prune(t.Context(), real.AddDate(-1, 0, -1))
		if err != nil || n < 3 {
			t.Fatalf("removed %d, %v", n, err)
		}
		if r := verified(t, c); len(r.Problems) > 0 || r.Removed != 3 || r.Blocks != 3 {
			t.Errorf("%+v", r)
		}
		if again, err := c.Prune(t.Context(), real.AddDate(-1, 0, -1)); err != nil || again != 0 {
			t.Errorf("again: %d, %v", again, err)
		}
		storetest.Exec(t, o, "UPDATE audit_anchor SET top = top + 1")
		if r := verified(t, c); !strings.Contains(strings.Join(r.Problems, "\n"), "anchor") {
			t.Errorf("an edited anchor: %+v", r)
		}
		if _, err := c.Prune(t.Context(), real.AddDate(-1, 0, -1)); err == nil {
			t.Error("pruned behind an edited anchor")
		}
	})
}
