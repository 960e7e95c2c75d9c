package mandate

import (
	"context"
	"strconv"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/notify"
)

// told is how long a notice is worth being sent.
const told = 24 * time.Hour

// tell promises a message to whoever looks after the account, if it can be
// reached. key makes it one message, however often the deed is tried.
func (s *Service) tell(ctx context.Context, a account.Account, key, purpose string, args ...string) error {
	m := notify.Message{ID: purpose + "." + key, Purpose: purpose, Args: args, Locale: a.Locale, Until: s.Now().Add(told)}
	switch p, number := a.Profile, a.Profile.ProvedMobile(); {
	case number != "":
		m.Channel, m.To = notify.SMS, number
	case p.Email != "" && p.EmailVerified:
		m.Channel, m.To = notify.Email, p.Email
	default:
		return s.tellNobody(ctx, key, purpose)
	}
	return s.Queue.Queue(ctx, m)
}

// tellNobody does the work of a message that goes nowhere.
func (s *Service) tellNobody(ctx context.Context, key, purpose string) error {
	return s.Queue.Queue(ctx, notify.Message{ID: purpose + "." + key, Channel: notify.Nobody, Purpose: purpose, Until: s.Now().Add(told)})
}

// tellUnit tells the unit's own account, if it has one.
func (s *Service) tellUnit(ctx context.Context, u account.Unit, key, purpose string, args ...string) error {
	if u.AccountID == "" {
		return nil
	}
	own, err := s.Store.Standing(ctx, u.AccountID)
	if err != nil {
		return err
	}
	return s.tell(ctx, own.Account, key+".unit", purpose, args...)
}

// stamp tells one end from the next in the ids of messages.
func stamp(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 36) }
