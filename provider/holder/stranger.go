package holder

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Owners are told of a sign-in with a browser that was not known, once for each
// such browser: it is known from then on. So many a day at most, so that who has
// the password cannot flood them; the list of sessions shows all of them.
const (
	strangersADay = 5
	fresh         = 10 * time.Minute // who signs in so soon after registering knows of it
	tooLate       = 24 * time.Hour   // what nobody was told in a day is no news
)

// strangers tells owners of sign-ins with unknown browsers.
func (s *Service) strangers(ctx context.Context, now time.Time) error {
	list, err := s.Store.Strangers(ctx, batch)
	if err != nil {
		return err
	}
	for _, sn := range list {
		err := s.Store.InTx(ctx, func(ctx context.Context) error {
			won, err := s.Store.NoteStranger(ctx, sn.ID)
			if err != nil || !won || now.Sub(sn.CreatedAt) > tooLate {
				return err
			}
			a, err := s.Store.HeldAccount(ctx, sn.Account)
			if fault.Is(err, fault.NotFound) || err == nil && (a.State != account.Active || sn.CreatedAt.Sub(a.CreatedAt) < fresh) {
				return nil
			}
			if err != nil {
				return err
			}
			n, _, err := s.Store.CountTry(ctx, "stranger|"+string(a.ID), 24*time.Hour, now)
			if err != nil || n > strangersADay {
				return err
			}
			return s.tell(ctx, a, Number(a), Address(a), "signin_stranger", sn.ID, moment(sn.CreatedAt), s.seen(sn.UserAgent))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moment is how a notice writes a time.
func moment(t time.Time) string { return t.In(beijing).Format("2006-01-02 15:04") }

// seen names a browser in a notice.
func (s *Service) seen(agent string) string {
	if s.Browser == nil {
		return ""
	}
	return s.Browser(agent)
}
