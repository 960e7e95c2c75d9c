package factor

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/notify"
)

// The purposes of the notices; "notify.<purpose>" is the text.
const (
	NoticeAdded    = "factor_added"
	NoticeRemoved  = "factor_removed"
	NoticeRecovery = "recovery_code_used"
	NoticePassword = "password_changed"
)

// Herald tells the owner of an account, on every proved channel, what was done
// around its sign-in. What it queues stands or falls with ctx's transaction.
type Herald struct {
	Queue notify.Queue
	Owner func(ctx context.Context, id account.ID) (account.Account, error)
	Now   func() time.Time
}

// beijing is the time that notices speak of.
var beijing = time.FixedZone("UTC+8", 8*3600)

// Tell promises a notice; its first place is the time.
func (h *Herald) Tell(ctx context.Context, id account.ID, purpose string, args ...string) error {
	a, err := h.Owner(ctx, id)
	if err != nil {
		return err
	}
	args = append([]string{h.Now().In(beijing).Format("2006-01-02 15:04")}, args...)
	for _, l := range a.Lookups() {
		m := notify.Message{To: l.Value, Purpose: purpose, Args: args, Locale: a.Locale}
		switch l.By {
		case account.ByPhone:
			m.Channel = notify.SMS
		case account.ByEmail:
			m.Channel = notify.Email
		default:
			continue
		}
		if err := h.Queue.Queue(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// tell is Tell for accounts; operators have no channel of their own.
func (s *Service) tell(ctx context.Context, who Subject, purpose string) error {
	if s.Herald == nil || who.Realm != Accounts {
		return nil
	}
	return s.Herald.Tell(ctx, account.ID(who.ID), purpose)
}
