package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// databaseLimits are operations per second of the database alone.
type databaseLimits struct {
	commits float64 // one-row INSERT, committed by itself
	reads   float64 // SELECT by primary key
}

const probeRows = 10_000

// measureDatabase uses a table of its own, prepared statements, and as many
// connections as the load has workers. SQLite is opened as the store opens it:
// WAL, synchronous FULL, one writer.
func measureDatabase(ctx context.Context, p *place, o options) (l databaseLimits, err error) {
	driver, dsn, writers := "postgres", "", o.workers
	insert, read := `INSERT INTO bench_probe (id, v) VALUES ($1, $2)`, `SELECT v FROM bench_probe WHERE id = $1`
	if p.postgres != nil {
		dsn = p.postgres.dsn
	} else {
		driver, writers = "sqlite", 1
		dsn = "file:" + (&url.URL{Path: p.path("probe.db")}).EscapedPath() + "?" +
			url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}}.Encode()
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := fillProbe(ctx, db); err != nil {
		return l, fmt.Errorf("probe: %w", err)
	}
	var id atomic.Int64
	id.Store(probeRows)
	if l.commits, err = hammer(ctx, db, writers, o, insert, func(ctx context.Context, s *sql.Stmt) error {
		_, err := s.ExecContext(ctx, id.Add(1), "value")
		return err
	}); err != nil {
		return l, err
	}
	if l.reads, err = hammer(ctx, db, o.workers, o, read, func(ctx context.Context, s *sql.Stmt) error {
		var v string
		return s.QueryRowContext(ctx, id.Add(1)%probeRows+1).Scan(&v)
	}); err != nil {
		return l, err
	}
	_, err = db.ExecContext(ctx, `DROP TABLE bench_probe`)
	return l, err
}

func fillProbe(ctx context.Context, db *sql.DB) (err error) {
	if _, err := db.ExecContext(ctx, `CREATE TABLE bench_probe (id BIGINT PRIMARY KEY, v TEXT NOT NULL)`); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	s, err := tx.PrepareContext(ctx, `INSERT INTO bench_probe (id, v) VALUES ($1, $2)`)
	if err != nil {
		return err
	}
	for i := range probeRows {
		if _, err := s.ExecContext(ctx, i+1, "value"); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// hammer runs one prepared statement on n connections and gives its rate.
func hammer(ctx context.Context, db *sql.DB, n int, o options, query string, do func(context.Context, *sql.Stmt) error) (float64, error) {
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var work sync.WaitGroup
	ready, start := make(chan struct{}, n), make(chan time.Time)
	for range n {
		work.Go(func() {
			err := func() error {
				c, err := db.Conn(ctx)
				if err != nil {
					return err
				}
				defer func() { _ = c.Close() }()
				s, err := c.PrepareContext(ctx, query)
				if err != nil {
					return err
				}
				defer func() { _ = s.Close() }()
				ready <- struct{}{}
				select {
				case <-ctx.Done():
					return nil
				case end := <-start:
					for once := true; ctx.Err() == nil && (once || time.Now().Before(end)); once = false {
						if err := do(ctx, s); err != nil {
							return err
						}
						done.Add(1)
					}
				}
				return nil
			}()
			if err != nil {
				cancel(fmt.Errorf("%s: %w", query, err))
			}
		})
	}
	for range n {
		select {
		case <-ready:
		case <-ctx.Done():
		}
	}
	began := time.Now()
	for range n {
		select {
		case start <- began.Add(o.moment()):
		case <-ctx.Done():
		}
	}
	work.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), context.Cause(ctx)
}
