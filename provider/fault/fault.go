// Package fault is the one error type that callers can act on. A domain
// returns a *fault.Error where the outcome is part of its contract (not found,
// refused, try later); anything else is an internal failure. Only the edge
// (package web, package oidc, the command line) turns faults into pages, JSON
// or exit codes.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a caller can do about a failure.
type Kind int

// The kinds of fault. The zero Kind is Internal, so that a forgotten kind is
// never shown to a user as anything milder.
const (
	Internal    Kind = iota // a bug or a broken dependency: log it, show a request number
	Invalid                 // the input is wrong; Msg says how
	NotFound                // no such thing, or none that the asker may know of
	Conflict                // it exists already, or it changed meanwhile
	Refused                 // the asker may not do this
	Unproven                // wrong credentials; never says which part
	Throttled               // too many attempts; RetryAfter says when
	Unavailable             // overloaded or a dependency is down; RetryAfter may say when
	Gone                    // expired or already used
)

// Error is a failure with a kind. Msg is safe to show to the person who caused
// it and carries no secret and no personal data; Err is for the log.
type Error struct {
	Kind       Kind
	Field      string // the offending field, if one is to blame
	Msg        string
	RetryAfter time.Duration
	Err        error
}

// Error joins the message and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Msg
	}
	if e.Msg == "" {
		return e.Err.Error()
	}
	return e.Msg + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a fault of kind with a formatted message.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// Wrap makes a fault of kind with cause err and a formatted message.
func Wrap(kind Kind, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...), Err: err}
}

// KindOf gives the kind of the first fault in err's chain, Internal if none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is tells whether err carries a fault of kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}
