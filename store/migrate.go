package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// migrationLock is the advisory lock under which replicas migrate one after
// another.
const migrationLock = 0x6b656a69746f6e67 // "kejitong"

const currentMigration = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`

// SchemaDigest gives the SHA-256 of the driver's migrations in hex: what names a
// database that they made, for tests that copy one.
func SchemaDigest(driver string) string {
	h := sha256.New()
	dir := "migrations/" + driver
	files, err := migrations.ReadDir(dir)
	for _, f := range files {
		var text []byte
		if text, err = migrations.ReadFile(dir + "/" + f.Name()); err != nil {
			break
		}
		fmt.Fprintf(h, "%s %d\n%s", f.Name(), len(text), text)
	}
	if err != nil {
		panic(err) // the files are part of the program
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Migrate brings the schema to the version of this program. Any number of
// processes may call it at once; running it again changes nothing.
func (d *DB) Migrate(ctx context.Context) error {
	pool := d.write.DB
	if d.postgres {
		// A connection of its own: a migration may take longer than a statement
		// is allowed to, and its texts need not be kept.
		var err error
		if pool, err = d.migrationPool(); err != nil {
			return err
		}
		defer func() { _ = pool.Close() }()
	}
	p, err := d.provider(pool)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", classify(err))
	}
	return nil
}

// MigrationState gives the schema's version (0: none yet) and the one that
// this program needs. It changes nothing.
func (d *DB) MigrationState(ctx context.Context) (current, wanted int64, err error) {
	p, err := d.provider(d.write.DB)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range p.ListSources() {
		wanted = max(wanted, s.Version)
	}
	_, err = d.row(ctx, currentMigration, nil, &current)
	if err != nil && noSuchTable(err) {
		return 0, wanted, nil
	}
	return current, wanted, err
}

func (d *DB) provider(pool *sql.DB) (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	var options []goose.ProviderOption
	if d.postgres {
		dialect, dir = goose.DialectPostgres, "migrations/postgres"
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, fmt.Errorf("store: migrations: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, pool, files, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return p, nil
}

func (d *DB) migrationPool() (*sql.DB, error) {
	cfg, err := pq.NewConfig(d.options.DSN)
	if err != nil {
		return nil, fmt.Errorf("store: read the DSN: %w", err)
	}
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("store: read the DSN: %w", err)
	}
	return sql.OpenDB(connector), nil
}

func noSuchTable(err error) bool {
	return strings.Contains(err.Error(), "no such table") || sqlState(err) == "42P01"
}
