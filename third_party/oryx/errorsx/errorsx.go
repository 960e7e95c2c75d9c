// Package errorsx stands in for the package of the same import path that
// ory/fosite links. fosite needs nine symbols of ory/x; the real module drags
// in some two hundred packages (exporters, loggers, an ORM) that an identity
// provider has no use for. See docs/architecture.md, "Dependencies".
package errorsx

import "github.com/pkg/errors"

type stackTracer interface{ StackTrace() errors.StackTrace }

// WithStack attaches a stack trace to err unless it already carries one.
func WithStack(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(stackTracer); ok { //nolint:errorlint // only the outermost error matters here
		return err
	}
	return errors.WithStack(err)
}

// Cause returns the innermost error of a chain built by Wrap, WithStack or %w.
func Cause(err error) error { return errors.Cause(err) }

// StatusCodeCarrier is an error that knows its HTTP status code.
type StatusCodeCarrier interface{ StatusCode() int }

// StatusCarrier is an error that knows its HTTP status text.
type StatusCarrier interface{ Status() string }

// RequestIDCarrier is an error that knows the request it belongs to.
type RequestIDCarrier interface{ RequestID() string }

// ReasonCarrier is an error that can explain itself.
type ReasonCarrier interface{ Reason() string }

// DebugCarrier is an error with text for the operator only.
type DebugCarrier interface{ Debug() string }

// DetailsCarrier is an error with structured details.
type DetailsCarrier interface{ Details() map[string]interface{} }
