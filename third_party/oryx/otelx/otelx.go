// Package otelx stands in for the package of the same import path that
// ory/fosite links; see package errorsx beside it.
package otelx

import (
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// End closes span and marks it as failed if *err is set. It is meant to be
// deferred with the address of a named result.
func End(span trace.Span, err *error) {
	if err != nil && *err != nil {
		span.RecordError(*err)
		span.SetStatus(codes.Error, (*err).Error())
	}
	span.End()
}
