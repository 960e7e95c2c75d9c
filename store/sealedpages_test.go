package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"

	"kejitong/provider/audit"
	"kejitong/provider/keys"
	"kejitong/store"
	"kejitong/store/storetest"
)

// planOf gives SQLite's plan of a query, its steps by semicolons.
func planOf(t *testing.T, o store.Options, query string, args ...any) string {
	t.Helper()
	db, err := sqlx.Open("sqlite", o.Path)
	must(t, err)
	defer func() { _ = db.Close() }()
	rows, err := db.Queryx("EXPLAIN QUERY PLAN "+query, args...)
	must(t, err)
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		steps = append(steps, detail)
	}
	must(t, rows.Err())
	return strings.Join(steps, "; ")
}

// What looks for values to seal anew goes along a column's key between two bounds,
// and sorts nothing: no statement comes by what others before it came by.
func TestResealGoesAlongKeys(t *testing.T) {
	o := storetest.SQLite(t)
	must(t, storetest.Open(t, o).Ping(t.Context()))
	for name, texts := range store.ResealQueries() {
		if plan := planOf(t, o, texts[0], "", 1); strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, ">?)") {
			t.Errorf("%s, pages: %s", name, plan)
		}
		if plan := planOf(t, o, texts[1], "", "z", "kid", 1); strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, ">? AND ") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s, values: %s", name, plan)
		}
	}
}

// Sealing anew reads each row a few times, however small the batches are: twice as
// many rows, twice as many reads. (With a start from the first key at each batch,
// these would be rows times rows.)
func TestResealReadsEachRowOnce(t *testing.T) {
	const people, batch, most = 300, 5, 15
	o := storetest.Postgres(t)
	o.DSN += "&options=" + "-c%20enable_seqscan%3Doff" // so small a table would be read whole
	db, ring, ahead := aged(t, o)
	ctx := t.Context()
	must(t, db.InTx(ctx, func(ctx context.Context) error {
		for i := range people {
			id := fmt.Sprintf("p%04d", i)
			if err := db.PutAccount(ctx, person(id, id), "", did(audit.AccountCreated)); err != nil {
				return err
			}
		}
		return nil
	}))
	_, err := ring.Announce(ctx, "test")
	must(t, err)
	*ahead += keys.KnownFor
	_, err = ring.Relieve(ctx, "test")
	must(t, err)
	const reads = `SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'accounts'`
	must(t, db.Close())
	unconnected(t, o)
	before := storetest.Count(t, o, reads)
	db, _, _ = aged(t, o)
	if n, err := db.Reseal(ctx, batch); err != nil || n != people {
		t.Fatalf("sealed %d anew, %v", n, err)
	}
	must(t, db.Close())
	unconnected(t, o)
	if n := storetest.Count(t, o, reads) - before; n < people || n > most*people {
		t.Errorf("%d rows read for %d", n, people)
	}
}

// unconnected waits until nobody else is connected to a PostgreSQL database: a
// server process tells what it read when it ends, some time after its client left.
func unconnected(t *testing.T, o store.Options) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := storetest.Count(t, o, `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections stay open", n)
		}
	}
}
