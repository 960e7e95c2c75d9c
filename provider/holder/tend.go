package holder

import (
	"context"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// batch bounds what one round of Tend takes on of each kind.
const batch = 100

// Tend does what is due: closings taken back or carried out, held changes,
// numbers doubted, holders of unused accounts told, unused accounts disabled, login names
// set free. Any number of processes may do it at once.
func (s *Service) Tend(ctx context.Context) error {
	now, l := s.Now(), s.Limits.OrDefault()
	for _, step := range []func(context.Context) error{
		s.returned,
		func(ctx context.Context) error { return s.endings(ctx, now) },
		func(ctx context.Context) error { return s.held(ctx, now) },
		func(ctx context.Context) error { return s.Store.DoubtNumbers(ctx, now.Add(-lookBack), l.Doubt) },
		func(ctx context.Context) error { return s.strangers(ctx, now) },
		func(ctx context.Context) error { return s.remind(ctx, now, l) },
		func(ctx context.Context) error { return s.disable(ctx, now, l) },
		func(ctx context.Context) error {
			_, err := s.Store.ReleaseLogins(ctx, now.Add(-l.LoginFree))
			return err
		},
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lookBack is how far back sign-ins are looked for: a session's row outlives it by
// far, so that no round that was missed loses one.
const lookBack = 26 * time.Hour

func (s *Service) returned(ctx context.Context) error {
	list, err := s.Store.Returned(ctx, batch)
	if err != nil {
		return err
	}
	for _, e := range list {
		if _, err := s.TakeBack(ctx, e.Account); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) endings(ctx context.Context, now time.Time) error {
	list, err := s.Store.DueEndings(ctx, now, batch)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := s.finish(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// held carries out changes of mobile whose time has come. A login name that
// somebody else has taken meanwhile stays as it is; a change of an account that is
// over goes.
func (s *Service) held(ctx context.Context, now time.Time) error {
	list, err := s.Store.DueErrands(ctx, now, batch)
	if err != nil {
		return err
	}
	for _, f := range list {
		err := s.carryOut(ctx, f, "")
		if fault.Is(err, fault.Conflict) && f.Rename {
			f.Rename = false
			err = s.carryOut(ctx, f, "")
		}
		if fault.Is(err, fault.Gone) {
			_, err = s.Store.DropErrand(ctx, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// remind tells the holders of accounts that will be disabled.
func (s *Service) remind(ctx context.Context, now time.Time, l Limits) error {
	since := now.Add(-l.Unused + l.Remind)
	list, err := s.Store.Forgotten(ctx, since, batch)
	if err != nil {
		return err
	}
	for _, id := range list {
		err := s.Store.InTx(ctx, func(ctx context.Context) error {
			a, err := s.Store.HeldAccount(ctx, id)
			if err != nil {
				return err
			}
			won, err := s.Store.NoteReminder(ctx, id, since, now)
			if err != nil || !won {
				return err
			}
			return s.tell(ctx, a, Number(a), Address(a), "account_unused", string(id)+"|"+day(now), day(now.Add(l.Remind)))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// disable takes the passwords of accounts away that nobody has used for so long,
// a while after their holders were told (C5). A reset makes them usable again.
func (s *Service) disable(ctx context.Context, now time.Time, l Limits) error {
	since := now.Add(-l.Unused)
	list, err := s.Store.Unused(ctx, since, now.Add(-l.Remind), batch)
	if err != nil {
		return err
	}
	for _, id := range list {
		ev := s.event(ctx, audit.AccountUnused, id, "")
		ev.Actor = "system"
		err := s.Store.InTx(ctx, func(ctx context.Context) error {
			won, err := s.Store.DisableUnused(ctx, id, since, now, ev)
			if err != nil || !won {
				return err
			}
			return s.Store.EndGrants(ctx, id, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// beijing is the zone of every time that people are told.
var beijing = time.FixedZone("UTC+8", 8*60*60)

func day(t time.Time) string { return t.In(beijing).Format("2006-01-02") }
