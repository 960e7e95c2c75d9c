package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kejitong/provider/fault"
)

// classify turns what the drivers say into faults that callers can act on:
// fault.Conflict with the field of a unique violation, fault.Invalid for a
// reference to nothing, fault.Unavailable for everything that may be over in a
// moment. What is a fault already, or nothing of these, stays as it is.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	if field, ok := duplicate(err); ok {
		return &fault.Error{Kind: fault.Conflict, Field: field, Msg: "it exists already", Err: err}
	}
	if dangling(err) {
		return &fault.Error{Kind: fault.Invalid, Msg: "it refers to something that does not exist", Err: err}
	}
	if repeatable(err) || lost(err) || exhausted(err) {
		return &fault.Error{Kind: fault.Unavailable, Msg: "the database is not available", RetryAfter: time.Second, Err: err}
	}
	return err
}

// duplicate gives the column (of several, the last) that was to be unique.
func duplicate(err error) (field string, ok bool) {
	var p *pq.Error
	if errors.As(err, &p) && p.Code == "23505" {
		// Our indexes are named <table>_<column>_key, primary keys <table>_pkey.
		name := strings.TrimSuffix(strings.TrimSuffix(p.Constraint, "_pkey"), "_key")
		name = strings.TrimPrefix(strings.TrimPrefix(name, p.Table), "_")
		return fieldOf(p.Table, name), true
	}
	var s *sqlite.Error
	if errors.As(err, &s) && (s.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || s.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		// "... UNIQUE constraint failed: units.uscc, units.name (2067)"
		_, columns, _ := strings.Cut(s.Error(), "failed: ")
		columns, _, _ = strings.Cut(columns, " (")
		table, name, _ := strings.Cut(columns[strings.LastIndex(columns, " ")+1:], ".")
		return fieldOf(table, name), true
	}
	return "", false
}

// fieldOf names a column as forms and metadata do.
func fieldOf(table, column string) string {
	switch {
	case column == "" || column == "id":
		return "id"
	case table == "accounts" && (column == "login" || column == "login_key"):
		return "login_name"
	case table == "units" && column == "name_key":
		return "unit_name"
	}
	return column
}

func dangling(err error) bool {
	var p *pq.Error
	if errors.As(err, &p) {
		return p.Code == "23503"
	}
	var s *sqlite.Error
	return errors.As(err, &s) && s.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// repeatable tells whether the database gave the whole transaction (or single
// statement) up and asks for it again.
func repeatable(err error) bool {
	var p *pq.Error
	if errors.As(err, &p) {
		switch p.Code {
		case "40001", // serialization_failure
			"40P01": // deadlock_detected
			return true
		}
		return staleStatement(err)
	}
	var s *sqlite.Error
	if errors.As(err, &s) {
		primary := s.Code() & 0xff
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
	}
	return false
}

// staleStatement tells whether a prepared statement has to be prepared anew;
// nothing was executed.
func staleStatement(err error) bool {
	var p *pq.Error
	if !errors.As(err, &p) {
		return false
	}
	switch {
	case p.Code == "26000": // invalid_sql_statement_name: DISCARD ALL, or a pooler's other server
		return true
	case p.Code == "0A000" && strings.Contains(p.Message, "cached plan"): // a migration changed a table
		return true
	}
	return false
}

// lost tells whether the connection broke.
func lost(err error) bool {
	var n net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	if errors.As(err, &n) {
		return !n.Timeout() // who waited in vain need not wait again
	}
	var p *pq.Error
	return errors.As(err, &p) && p.Code.Class() == "08"
}

// exhausted tells whether time, connections or space ran out, or the server is
// going down.
func exhausted(err error) bool {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	var p *pq.Error
	if errors.As(err, &p) {
		switch p.Code.Class() {
		case "53", // insufficient_resources
			"57", // operator_intervention: statement_timeout, shutdown
			"58": // system_error
			return true
		}
		return p.Code == "25006" // read_only_sql_transaction: a standby answered
	}
	var s *sqlite.Error
	if errors.As(err, &s) {
		switch s.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_READONLY:
			return true
		}
	}
	return false
}

// ended tells whether a transaction is over already.
func ended(err error) bool { return errors.Is(err, sql.ErrTxDone) }

// missing is the fault for a row that is not there.
func missing(what string) error { return fault.New(fault.NotFound, "no such %s", what) }

// sqlState gives the SQLSTATE of an error of PostgreSQL, else "".
func sqlState(err error) string {
	var p *pq.Error
	if errors.As(err, &p) {
		return string(p.Code)
	}
	return ""
}
