// Package store keeps everything the provider knows, in PostgreSQL (lib/pq) or
// in an embedded SQLite file (modernc.org/sqlite, pure Go). It implements the
// Store interfaces of the domains and knows no rules of its own.
//
//	domain ── Store method ──▶ one constant of SQL ──▶ run.go ──▶ prepared.go ──▶ driver
//	                                  ▲
//	             InTx puts the transaction into ctx; what runs outside stands alone
//
// Conventions: texts use ? and are rebound once; a dialect twin exists only
// where the databases differ (JSON aggregates, writing inside WITH). Columns
// are TEXT, BIGINT and BOOLEAN. Times are BIGINT Unix milliseconds in UTC, 0
// for the zero time: they sort, index and compare alike on both databases and
// know no zones. Nothing is NULL.
//
// A deed and its audit row stand or fall together: one statement on
// PostgreSQL, one short transaction on SQLite. Whatever may happen only once
// is a compare-and-swap on the row's old state.
//
// Personal data and password hashes are sealed before they reach SQL and
// opened after; domains never see ciphertext.
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"kejitong/provider/keys"
)

// Options say where the database is. Zero fields take the defaults.
type Options struct {
	Driver           string        // "postgres" or "sqlite"
	DSN              string        // postgres: URL or key=value pairs
	Path             string        // sqlite: the database file
	MaxOpen          int           // connections; default 20 (postgres), 4 readers beside the one writer (sqlite)
	MaxIdle          int           // default MaxOpen: opening a connection costs more than keeping it
	ConnMaxLifetime  time.Duration // default 30 minutes
	StatementTimeout time.Duration // bound of one statement; default 3 seconds
}

// Sealer encrypts and decrypts fields; *keys.Snapshot is one.
type Sealer interface {
	Seal(purpose keys.Purpose, place string, plain []byte) (string, error)
	Open(purpose keys.Purpose, place, sealed string) ([]byte, error)
	MAC(purpose keys.Purpose, parts ...string) []byte
	Current(purpose keys.Purpose) keys.Secret
	Live(purpose keys.Purpose) []keys.Secret
	Spent(purpose keys.Purpose) bool
}

// DB is an open database. Seal, Now, Promised and Altered may be set until the first use.
type DB struct {
	Seal func() Sealer    // the ring in force; accounts cannot be read or written without it
	Now  func() time.Time // default time.Now in UTC

	// Promised is called after each commit that promised a message or a logout, so that the
	// outbox is looked through at once; nil: nobody is told.
	Promised func()

	// Altered is called where a mandate or grant is read that was changed past us,
	// with its kind and id; nil: nobody is told. It gives nothing either way.
	Altered func(kind, id string)

	postgres bool
	write    *sqlx.DB // PostgreSQL: the pool; SQLite: the one writer
	read     *sqlx.DB // PostgreSQL: the same pool; SQLite: read-only connections
	bound    sync.Map // SQL with ? -> SQL of the driver
	timeout  time.Duration
	options  Options
	release  func() error // gives the lock file back
}

// Open connects and fails if the database does not answer. It changes nothing:
// call Migrate before use.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.ConnMaxLifetime == 0 {
		o.ConnMaxLifetime = 30 * time.Minute
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 3 * time.Second
	}
	d := &DB{
		Now:     func() time.Time { return time.Now().UTC() },
		timeout: o.StatementTimeout,
		release: func() error { return nil },
	}
	var err error
	switch o.Driver {
	case "postgres":
		d.postgres = true
		err = d.openPostgres(&o)
	case "sqlite":
		err = d.openSQLite(&o)
	default:
		return nil, fmt.Errorf("store: unknown driver %q: want postgres or sqlite", o.Driver)
	}
	d.options = o
	if err == nil {
		err = d.Ping(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", o.Driver, err), d.Close())
	}
	return d, nil
}

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	if err := d.write.PingContext(ctx); err != nil { // SQLite: the writer makes the file that readers open
		return classify(err)
	}
	return classify(d.read.PingContext(ctx))
}

// Close gives all connections back. A second call does nothing.
func (d *DB) Close() error {
	var errs []error
	if d.read != nil && d.read != d.write {
		errs = append(errs, d.read.Close())
	}
	if d.write != nil {
		errs = append(errs, d.write.Close())
	}
	errs = append(errs, d.release())
	d.release = func() error { return nil }
	return errors.Join(errs...)
}

// Postgres tells whether the database is PostgreSQL.
func (d *DB) Postgres() bool { return d.postgres }

// pick gives the dialect's text.
func (d *DB) pick(postgres, sqlite string) string {
	if d.postgres {
		return postgres
	}
	return sqlite
}
