package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// cluster is a PostgreSQL server with a database of this run's own in it.
type cluster struct {
	admin      *sql.DB // not in that database, so that its statements are not counted
	name       string
	dsn        string
	postmaster int  // process id; 0 if the server is on another machine
	statements bool // pg_stat_statements counts
	about      string
}

// postgresVariable names the server; .ci/testenv sets it.
const postgresVariable = "KEJITONG_TEST_POSTGRES"

func newCluster(ctx context.Context, server string) (c *cluster, err error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("%s must be a postgres:// URL of a role that may create databases (.ci/testenv sets one)", postgresVariable)
	}
	b := make([]byte, 6)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	c = &cluster{name: "kejitong_bench_" + hex.EncodeToString(b)}
	if c.admin, err = sql.Open("postgres", u.String()); err != nil {
		return nil, err
	}
	c.admin.SetMaxOpenConns(1)
	u.Path = "/" + c.name
	c.dsn = u.String()
	if _, err := c.admin.ExecContext(ctx, "CREATE DATABASE "+c.name); err != nil { //nolint:gosec // made of hex digits
		return nil, errors.Join(fmt.Errorf("create a database: %w", err), c.admin.Close())
	}
	return c, c.describe(ctx)
}

func (c *cluster) drop(ctx context.Context) error {
	_, err := c.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+c.name+" WITH (FORCE)") //nolint:gosec // made of hex digits
	return errors.Join(err, c.admin.Close())
}

// describe finds the server's process, its version and what makes it durable.
func (c *cluster) describe(ctx context.Context) error {
	var version, fsync, commit, pages, buffers, preloaded string
	var backend int
	err := c.admin.QueryRowContext(ctx, `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('full_page_writes'), current_setting('shared_buffers'), current_setting('shared_preload_libraries'), pg_backend_pid()`).
		Scan(&version, &fsync, &commit, &pages, &buffers, &preloaded, &backend)
	if err != nil {
		return fmt.Errorf("ask PostgreSQL about itself: %w", err)
	}
	c.about = fmt.Sprintf("PostgreSQL %s, fsync %s, synchronous_commit %s, full_page_writes %s, shared_buffers %s", version, fsync, commit, pages, buffers)
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", backend)); err == nil && strings.HasPrefix(string(name), "postgres") {
		if _, c.postmaster, err = processTime(backend, false); err != nil {
			return err
		}
	}
	if strings.Contains(preloaded, "pg_stat_statements") {
		if _, err := c.admin.ExecContext(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"); err != nil {
			return fmt.Errorf("pg_stat_statements: %w", err)
		}
		c.statements = true
	}
	return nil
}

// settle does at once what autovacuum and the checkpointer would do in the
// middle of the measurement.
func (c *cluster) settle(ctx context.Context) error {
	db, err := sql.Open("postgres", c.dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, "VACUUM (ANALYZE)"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	if _, err := db.ExecContext(ctx, "CHECKPOINT"); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// counters are statements (BEGIN and COMMIT included) run in the database, and
// bytes of WAL written by the cluster.
type counters struct {
	statements float64
	wal        float64
}

// count reads the counters. Without pg_stat_statements transactions stand for
// statements: what is not in a transaction of its own is undercounted.
func (c *cluster) count(ctx context.Context) (n counters, err error) {
	const (
		byStatement   = `SELECT COALESCE(SUM(s.calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = $1`
		byTransaction = `SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1`
	)
	query := byStatement
	if !c.statements {
		query = byTransaction
		time.Sleep(1500 * time.Millisecond) // backends report once a second
	}
	if err := c.admin.QueryRowContext(ctx, query, c.name).Scan(&n.statements); err != nil {
		return n, fmt.Errorf("count statements: %w", err)
	}
	n.wal, err = c.walBytes(ctx)
	return n, err
}

func (c *cluster) walBytes(ctx context.Context) (n float64, err error) {
	err = c.admin.QueryRowContext(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')`).Scan(&n)
	return n, err
}
