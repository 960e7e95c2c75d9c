package recovery

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// The reasons of a hold.
const (
	HeldByReset  = "reset"
	HeldByAppeal = "appeal"
	HeldByFactor = "factor"
)

// Held tells until when sensitive acts of the account must wait (change of
// mobile or e-mail, of handlers and of factors, export, closing); zero if they
// need not. A hold follows a reset of a legal account and every appeal.
func (s *Service) Held(ctx context.Context, id account.ID) (time.Time, error) {
	until, err := s.Store.Hold(ctx, id)
	if err != nil || !s.Now().Before(until) {
		return time.Time{}, err
	}
	return until, nil
}

// MayAct is Held for those who only want to know: fault.Refused with RetryAfter
// while the account is held.
func (s *Service) MayAct(ctx context.Context, id account.ID) error {
	until, err := s.Held(ctx, id)
	if err != nil || until.IsZero() {
		return err
	}
	return &fault.Error{Kind: fault.Refused, Msg: MsgHeld, RetryAfter: until.Sub(s.Now())}
}
