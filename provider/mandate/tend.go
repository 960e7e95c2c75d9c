package mandate

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// batch bounds what one round takes on of each kind.
const batch = 100

// reminders are how long before the end both sides are told, once each.
var reminders = []time.Duration{30 * 24 * time.Hour, 7 * 24 * time.Hour}

// Tend lets offers lapse that nobody answered, ends what ran out, and reminds both
// sides of what will. Any number of processes may do it at once.
func (s *Service) Tend(ctx context.Context) error {
	now := s.Now()
	if err := s.close(ctx, now, s.Store.Unanswered, Lapse); err != nil {
		return err
	}
	if err := s.close(ctx, now, s.Store.RunOut, Expire); err != nil {
		return err
	}
	return s.remind(ctx, now)
}

// close lets the event happen to all for whom it is time.
func (s *Service) close(ctx context.Context, now time.Time, due func(context.Context, time.Time, int) ([]Invitation, error), e Event) error {
	list, err := due(ctx, now, batch)
	if err != nil {
		return err
	}
	for _, i := range list {
		err := s.move(ctx, i, e, BySystem, BySystem, audit.HandlerEnded)
		if err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}

func (s *Service) remind(ctx context.Context, now time.Time) error {
	for stage, before := range reminders {
		list, err := s.Store.EndingSoon(ctx, now, now.Add(before), stage+1, batch)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := s.remindOf(ctx, m, stage+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) remindOf(ctx context.Context, m entitlement.Mandate, stage int) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		won, err := s.Store.NoteEndTold(ctx, m, stage)
		if err != nil || !won {
			return err
		}
		who, err := s.Store.Standing(ctx, m.Account)
		if err != nil {
			return err
		}
		var unit account.Unit
		for _, own := range who.Mandates {
			if own.ID == m.ID {
				unit = own.Unit
			}
		}
		day := m.Until.Add(-time.Second).In(beijing).Format(time.DateOnly)
		key := m.ID + "|" + day + "|" + string(rune('0'+stage))
		if err := s.tell(ctx, who.Account, key, "mandate_ending", unit.Name, day); err != nil {
			return err
		}
		return s.tellUnit(ctx, unit, key, "mandate_ending_unit", account.MaskName(who.Account.Profile.Name), day)
	})
}
