package realname

import (
	"context"
	"time"

	"kejitong/provider/fault"
)

// Service runs verifications. All fields must be set.
type Service struct {
	Now func() time.Time
}

var _ Desk = (*Service)(nil)

var errUnborn = fault.New(fault.Unavailable, "real-name verification is not in service")

// Queue implements Desk.
func (*Service) Queue(context.Context, Filter) ([]Item, error) { return nil, errUnborn }

// Case implements Desk.
func (*Service) Case(context.Context, string) (Case, error) { return Case{}, errUnborn }

// Assign implements Desk.
func (*Service) Assign(context.Context, Decision) (Case, error) { return Case{}, errUnborn }

// Approve implements Desk.
func (*Service) Approve(context.Context, Decision) (Case, error) { return Case{}, errUnborn }

// Reject implements Desk.
func (*Service) Reject(context.Context, Decision) (Case, error) { return Case{}, errUnborn }
