package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"kejitong/store"
)

// A test's database is a copy of one that is migrated already: the migrations take
// far longer than most tests do. On PostgreSQL the original stays on the server for
// the next run, under a name that the migrations' digest is part of.

// migratedFile gives the bytes of a migrated SQLite file, made once a process.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "kejitong-template")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "kejitong.db")
	if err := migrate(store.Options{Driver: "sqlite", Path: path}); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(o store.Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	db, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		_ = db.Close()
		return err
	}
	return db.Close()
}

// templateDatabase gives the name of a migrated database on the server, made once
// a server and schema.
var templateDatabase = sync.OnceValues(func() (string, error) {
	dsn, err := server()
	if err != nil {
		return "", err
	}
	name := "kejitong_template_" + store.SchemaDigest("postgres")[:16]
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	// One connection holds the lock: the packages' tests come at once.
	c, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext('kejitong test template'))`); err != nil {
		return "", err
	}
	var there bool
	if err := c.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&there); err != nil || there {
		return name, err
	}
	// It has its name when it is complete.
	rough := pq.QuoteIdentifier(name + "_rough")
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + rough + " WITH (FORCE)", "CREATE DATABASE " + rough} {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return "", err
		}
	}
	own, err := withDatabase(dsn, name+"_rough")
	if err != nil {
		return "", err
	}
	if err := migrate(store.Options{Driver: "postgres", DSN: own}); err != nil {
		return "", err
	}
	// The server takes a moment to see that a connection is closed.
	for range 50 {
		if _, err = c.ExecContext(ctx, "ALTER DATABASE "+rough+" RENAME TO "+pq.QuoteIdentifier(name)); err == nil {
			return name, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "", fmt.Errorf("name the template: %w", err)
})

// EmptySQLite gives the options of a database file of t's own that is not there yet.
func EmptySQLite(t testing.TB) store.Options {
	t.Helper()
	return store.Options{Driver: "sqlite", Path: filepath.Join(t.TempDir(), "kejitong.db")}
}

// SQLite gives the options of a migrated database file of t's own.
func SQLite(t testing.TB) store.Options {
	t.Helper()
	content, err := migratedFile()
	if err != nil {
		t.Fatalf("make a migrated file: %v", err)
	}
	o := EmptySQLite(t)
	if err := os.WriteFile(o.Path, content, 0o600); err != nil {
		t.Fatalf("copy the migrated file: %v", err)
	}
	return o
}

// EmptyPostgres gives the options of an empty database of t's own on PostgreSQL.
func EmptyPostgres(t testing.TB) store.Options {
	t.Helper()
	return store.Options{Driver: "postgres", DSN: newDatabase(t, "template1")}
}

// Postgres gives the options of a migrated database of t's own on PostgreSQL.
func Postgres(t testing.TB) store.Options {
	t.Helper()
	template, err := templateDatabase()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v (set KEJITONG_TEST_POSTGRES to a server's DSN or install one)", err)
	}
	return store.Options{Driver: "postgres", DSN: newDatabase(t, template)}
}
