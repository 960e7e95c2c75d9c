package storetest

import (
	"net/url"
	"testing"

	"github.com/jmoiron/sqlx"

	"kejitong/store"
)

// Exec runs one statement past the store, as somebody with the database's
// password could.
func Exec(t testing.TB, o store.Options, statement string, args ...any) {
	t.Helper()
	if err := TryExec(t, o, statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TryExec is Exec for statements that ought to fail.
func TryExec(t testing.TB, o store.Options, statement string, args ...any) error {
	t.Helper()
	db := beside(t, o)
	_, err := db.ExecContext(t.Context(), db.Rebind(statement), args...)
	return err
}

// beside opens a plain pool on the database of o.
func beside(t testing.TB, o store.Options) *sqlx.DB {
	t.Helper()
	name, dsn := "postgres", o.DSN
	if o.Driver == "sqlite" {
		name, dsn = "sqlite", "file:"+(&url.URL{Path: o.Path}).EscapedPath()+"?_txlock=immediate&_pragma=busy_timeout(20000)"
	}
	db, err := sqlx.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(connections)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Count runs a query that gives one number past the store.
func Count(t testing.TB, o store.Options, query string, args ...any) (n int64) {
	t.Helper()
	db := beside(t, o)
	defer func() { _ = db.Close() }() // callers that wait ask often
	if err := db.QueryRowxContext(t.Context(), db.Rebind(query), args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
