package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"
)

// bounded gives ctx an end if it has none, so that nobody waits for ever for a
// connection or an answer.
func (d *DB) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d.timeout)
}

// bind turns ? into the driver's placeholders, once per text.
func (d *DB) bind(query string) string {
	if !d.postgres {
		return query
	}
	if b, ok := d.bound.Load(query); ok {
		return b.(string)
	}
	b := sqlx.Rebind(sqlx.DOLLAR, query)
	d.bound.Store(query, b)
	return b
}

// try runs one statement: within ctx's transaction, or by itself and then
// again after a serialization failure or deadlock, which left nothing behind.
// Beneath, database/sql sends a statement again when the connection broke; if
// the first one did commit, its compare-and-swap makes the second one lose, so
// the answer errs towards "used already", never towards two winners.
func (d *DB) try(ctx context.Context, pool *sqlx.DB, run func(context.Context, sqlx.ExtContext) error) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	if u := d.unit(ctx); u != nil {
		return classify(run(ctx, u.tx))
	}
	for attempt := 0; ; attempt++ {
		err := run(ctx, pool)
		if err == nil || !repeatable(err) || !pause(ctx, attempt) {
			return classify(err)
		}
	}
}

// exec runs a writing statement and gives the number of rows it affected.
func (d *DB) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = d.try(ctx, d.write, func(ctx context.Context, x sqlx.ExtContext) error {
		res, err := x.ExecContext(ctx, d.bind(query), args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// row reads one row into dest; false if there is none.
func (d *DB) row(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	return d.scanOne(ctx, d.read, query, args, dest)
}

// returning runs a writing statement that gives at most one row.
func (d *DB) returning(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	return d.scanOne(ctx, d.write, query, args, dest)
}

func (d *DB) scanOne(ctx context.Context, pool *sqlx.DB, query string, args, dest []any) (found bool, err error) {
	err = d.try(ctx, pool, func(ctx context.Context, x sqlx.ExtContext) error {
		err := x.QueryRowxContext(ctx, d.bind(query), args...).Scan(dest...)
		if errors.Is(err, sql.ErrNoRows) {
			found = false
			return nil
		}
		found = err == nil
		return err
	})
	return found, err
}

// list reads all rows; scan fills one element from the current row.
func list[T any](ctx context.Context, d *DB, query string, args []any, scan func(*sqlx.Rows, *T) error) ([]T, error) {
	return collect(ctx, d, d.read, query, args, scan)
}

// returned is list for a writing statement.
func returned[T any](ctx context.Context, d *DB, query string, args []any, scan func(*sqlx.Rows, *T) error) ([]T, error) {
	return collect(ctx, d, d.write, query, args, scan)
}

func collect[T any](ctx context.Context, d *DB, pool *sqlx.DB, query string, args []any, scan func(*sqlx.Rows, *T) error) (out []T, err error) {
	err = d.try(ctx, pool, func(ctx context.Context, x sqlx.ExtContext) error {
		out = nil // the attempt before this one may have got some rows
		rows, err := x.QueryxContext(ctx, d.bind(query), args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var v T
			if err := scan(rows, &v); err != nil {
				return errors.Join(err, rows.Close())
			}
			out = append(out, v)
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	return out, err
}
