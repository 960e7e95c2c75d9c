package store

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
)

// Counter counts what is sent to the database under a context: statements,
// BEGIN, COMMIT and ROLLBACK. Preparing is not counted; it happens once per
// connection and text.
type Counter struct{ N atomic.Int64 }

type counterKey struct{}

// WithCounter returns a context whose statements c counts.
func WithCounter(ctx context.Context, c *Counter) context.Context {
	return context.WithValue(ctx, counterKey{}, c)
}

func count(ctx context.Context) {
	if c, ok := ctx.Value(counterKey{}).(*Counter); ok {
		c.N.Add(1)
	}
}

// preparing is a connector whose connections keep the statements they have
// prepared. The cache lives and dies with the connection, so a lost connection
// leaves nothing stale behind, and preparing inside a transaction never asks
// the pool for a second connection.
type preparing struct {
	driver.Connector
	keep bool
}

func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	own := &conn{keep: p.keep, stmts: map[string]driver.Stmt{}}
	own.patience.of(ctx)
	c, err := p.Connector.Connect(context.WithValue(ctx, patienceKey{}, &own.patience))
	if err != nil {
		return nil, err
	}
	own.Conn = c
	return own, nil
}

// conn is used by one goroutine at a time; database/sql sees to it.
type conn struct {
	driver.Conn
	keep  bool
	stmts map[string]driver.Stmt
	inTx  bool

	patience patience // of the wire below
}

// kept gives the prepared statement. All texts are constants of this package,
// so the cache stays small.
func (c *conn) kept(ctx context.Context, query string) (driver.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err == nil {
		c.stmts[query] = s
	}
	return s, err
}

// again drops a statement that the server no longer knows or can no longer
// run (DISCARD ALL by a pooler, a migration beside us) and tells whether to
// prepare it anew: nothing was executed. A transaction is lost by then; InTx
// runs it anew.
func (c *conn) again(query string, err error) bool {
	if err == nil || !staleStatement(err) {
		return false
	}
	if s, ok := c.stmts[query]; ok {
		delete(c.stmts, query)
		_ = s.Close()
	}
	return !c.inTx
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	count(ctx)
	c.patience.of(ctx)
	if !c.keep || len(args) == 0 {
		if e, ok := c.Conn.(driver.ExecerContext); ok {
			return e.ExecContext(ctx, query, args)
		}
		return nil, driver.ErrSkip
	}
	res, err := c.execKept(ctx, query, args)
	if c.again(query, err) {
		return c.execKept(ctx, query, args)
	}
	return res, err
}

func (c *conn) execKept(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.kept(ctx, query)
	if err != nil {
		return nil, err
	}
	if e, ok := s.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	return nil, driver.ErrSkip
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	count(ctx)
	c.patience.of(ctx)
	if !c.keep || len(args) == 0 {
		if q, ok := c.Conn.(driver.QueryerContext); ok {
			return q.QueryContext(ctx, query, args)
		}
		return nil, driver.ErrSkip
	}
	rows, err := c.queryKept(ctx, query, args)
	if c.again(query, err) {
		return c.queryKept(ctx, query, args)
	}
	return rows, err
}

func (c *conn) queryKept(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.kept(ctx, query)
	if err != nil {
		return nil, err
	}
	if q, ok := s.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	return nil, driver.ErrSkip
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	return c.Prepare(query)
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	count(ctx)
	c.patience.of(ctx)
	b, ok := c.Conn.(driver.ConnBeginTx)
	if !ok {
		return nil, driver.ErrSkip
	}
	tx, err := b.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.inTx = true
	return &counted{tx: tx, conn: c, ctx: ctx}, nil
}

// counted is a transaction; its context is kept for the counter alone.
type counted struct {
	tx   driver.Tx
	conn *conn
	ctx  context.Context
}

func (t *counted) Commit() error {
	count(t.ctx)
	t.conn.inTx = false
	t.conn.patience.of(t.ctx)
	return t.tx.Commit()
}

func (t *counted) Rollback() error {
	count(t.ctx)
	t.conn.inTx = false
	t.conn.patience.of(context.Background()) // the context may have ended, the connection is good all the same
	return t.tx.Rollback()
}

func (c *conn) Ping(ctx context.Context) error {
	c.patience.of(ctx)
	if p, ok := c.Conn.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

func (c *conn) ResetSession(ctx context.Context) error {
	c.patience.of(ctx)
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	if v, ok := c.Conn.(driver.Validator); ok {
		return v.IsValid()
	}
	return true
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
