package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
)

// openSQLite opens the file with one writer connection, whose transactions
// take the write lock at BEGIN, and a pool of read-only ones, which WAL lets
// read beside it. One process owns the file: a lock file tells the second one
// so.
//
// synchronous is FULL: each commit is on disk before it is acknowledged, so
// that a spent code, a revocation or an audit row survives a power cut. (NORMAL
// would lose the last commits then, though never the file.)
func (d *DB) openSQLite(o *Options) error {
	if o.Path == "" {
		return errors.New("the path of the database file is missing")
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 4
	}
	if o.MaxIdle == 0 {
		o.MaxIdle = o.MaxOpen
	}
	release, err := lockFile(o.Path + ".lock")
	if err != nil {
		return err
	}
	d.release = release
	// SQLite would make the file readable by all that the umask lets.
	f, err := os.OpenFile(o.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("make the database file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make the database file: %w", err)
	}
	busy := "busy_timeout(" + strconv.FormatInt(o.StatementTimeout.Milliseconds(), 10) + ")"
	writer := url.Values{"_txlock": {"immediate"}, "_pragma": {busy, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
	reader := url.Values{"mode": {"ro"}, "_pragma": {busy, "foreign_keys(1)", "query_only(1)"}}
	if d.write, err = sqlitePool(o, writer, 1, 1); err != nil {
		return err
	}
	d.read, err = sqlitePool(o, reader, o.MaxOpen, o.MaxIdle)
	return err
}

func sqlitePool(o *Options, query url.Values, open, idle int) (*sqlx.DB, error) {
	dsn := "file:" + (&url.URL{Path: o.Path}).EscapedPath() + "?" + query.Encode()
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the path: %w", err)
	}
	pool := sql.OpenDB(preparing{Connector: connector, keep: true})
	pool.SetMaxOpenConns(open)
	pool.SetMaxIdleConns(idle)
	return sqlx.NewDb(pool, "sqlite"), nil
}
