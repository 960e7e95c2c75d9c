// Package storetest opens databases for tests, on SQLite and on PostgreSQL:
// each test has its own, empty or ready for use, and leaves nothing behind but, on
// PostgreSQL, the template that the next ones are copied from.
//
// PostgreSQL is the server whose DSN stands in KEJITONG_TEST_POSTGRES (of a
// role that may create databases), or else a private cluster that this test
// process starts from the installed programs. Where there is neither, tests
// fail: a suite that quietly leaves one database out proves nothing about it.
package storetest

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/keys"
	"kejitong/store"
)

// Root is the root key of the rings that Ready makes.
var Root = bytes.Repeat([]byte{0x5a}, 32)

// Open opens and migrates the database; t closes it.
func Open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	db, err := store.Open(ctx, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := db.Migrate(ctx); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return db
}

// Ready opens and migrates the database, opens a ring of keys in it and lets
// the store seal with it.
func Ready(t testing.TB, o store.Options) (*store.DB, *keys.Ring) {
	t.Helper()
	db := Open(t, o)
	ring := &keys.Ring{Store: db, Root: Root, Now: db.Now}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// RSA keys are slow to find. Rows are sealed under the root key alone, so
	// those of this process's first ring serve in all its databases.
	made.Lock()
	defer made.Unlock()
	if made.rows != nil {
		if err := db.AddKeys(ctx, made.rows, audit.Event{Kind: audit.KeyRotated, Object: "keys"}); err != nil {
			t.Fatalf("add keys: %v", err)
		}
	}
	if err := ring.Open(ctx); err != nil {
		t.Fatalf("open the ring: %v", err)
	}
	if made.rows == nil {
		rows, err := db.Keys(ctx)
		if err != nil {
			t.Fatalf("read the keys: %v", err)
		}
		made.rows = rows
	}
	db.Seal = func() store.Sealer { return ring.Snapshot() }
	return db, ring
}

var made struct {
	sync.Mutex
	rows, next []keys.Row
}

// Prepared is Ready with the next signing keys, too, so that a server started on
// the database does not begin by looking for primes.
func Prepared(t testing.TB, o store.Options) (*store.DB, *keys.Ring) {
	t.Helper()
	db, ring := Ready(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	made.Lock()
	defer made.Unlock()
	if made.next != nil {
		if err := db.AddKeys(ctx, made.next, audit.Event{Kind: audit.KeyRotated, Object: "keys"}); err != nil {
			t.Fatalf("add keys: %v", err)
		}
		if err := ring.Reload(ctx); err != nil {
			t.Fatalf("reload the ring: %v", err)
		}
		return db, ring
	}
	if err := ring.Prepare(ctx); err != nil {
		t.Fatalf("prepare keys: %v", err)
	}
	rows, err := db.Keys(ctx)
	if err != nil {
		t.Fatalf("read the keys: %v", err)
	}
	for _, row := range rows {
		if row.State == keys.Next {
			made.next = append(made.next, row)
		}
	}
	return db, ring
}

// Each runs fn on a ready database of both kinds.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		db, _ := Ready(t, SQLite(t))
		fn(t, db)
	})
	t.Run("postgres", func(t *testing.T) {
		db, _ := Ready(t, Postgres(t))
		fn(t, db)
	})
}

// EachOptions is Each for tests that also reach past the store.
func EachOptions(t *testing.T, fn func(t *testing.T, db *store.DB, o store.Options)) {
	t.Helper()
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": SQLite, "postgres": Postgres} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			db, _ := Ready(t, o)
			fn(t, db, o)
		})
	}
}
