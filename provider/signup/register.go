package signup

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// Register makes the account that the flow was begun for and gives its flow.
// Problems for what is wrong or taken; fault.Throttled, fault.Unavailable when
// too many wait, fault.Gone when the flow is over.
func (s *Service) Register(ctx context.Context, id string, v Visitor, a Application) (Flow, error) {
	f, err := s.Current(ctx, id, v, Person, Unit)
	if err != nil {
		return Flow{}, err
	}
	if !f.Proved() {
		return Flow{}, errGone()
	}
	d, err := s.examine(f, a)
	if err != nil {
		return Flow{}, err
	}
	if err := s.throttle(ctx, v); err != nil {
		return Flow{}, err
	}
	ok, err := s.Store.TrySignUp(ctx, f.Key, MaxTries, s.Now())
	if err != nil {
		return Flow{}, err
	}
	if !ok {
		return Flow{}, errGone()
	}
	if err := s.free(ctx, &d); err != nil {
		return Flow{}, s.refused(ctx, d, err)
	}
	ticket, err := s.Hasher.AdmitFrom(v.Address)
	if err != nil {
		return Flow{}, err
	}
	defer ticket.Release()
	if d.phc, err = ticket.Hash(ctx, a.Password); err != nil {
		return Flow{}, err
	}
	if f, err = s.make(ctx, d); err != nil {
		return Flow{}, s.refused(ctx, d, lost(err))
	}
	return f, nil
}

// make does the deed: flow, account, unit, agreement, notice and audit rows stand
// or fall together.
func (s *Service) make(ctx context.Context, d draft) (Flow, error) {
	now, f := s.Now(), d.flow
	a := account.Account{
		ID: account.NewID(), Kind: account.NaturalPerson, State: account.Active, LoginName: d.login, LoginKey: d.key, RealName: unverified(),
		Locale: f.Data.Locale, CreatedAt: now, UpdatedAt: now, PasswordChangedAt: now,
	}
	if d.unit == nil {
		a.Profile = account.Profile{Phone: f.Data.Mobile.E164(), PhoneVerified: true}
	} else {
		d.unit.AccountID = a.ID
		a.Kind, a.UnitID = account.LegalEntity, d.unit.ID
		a.Profile.Contact = &account.Person{Name: d.name, Phone: f.Data.Mobile.E164(), PhoneVerified: true}
		f.Data.Doubt = d.unit.USCC.Doubtful()
	}
	f.Data.Account, f.Data.Login, f.UsedAt, f.ExpiresAt = a.ID, d.login, now, now.Add(ShownFor)
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		spent, err := s.Store.SpendSignUp(ctx, f.Key, f.Data, now, f.ExpiresAt)
		if err != nil {
			return err
		}
		if !spent {
			return errGone()
		}
		if err := s.tellOwner(ctx, f); err != nil {
			return err
		}
		ev := audit.From(ctx, audit.Event{Kind: audit.AccountCreated, Actor: string(a.ID), Object: string(a.ID), Detail: "registered"})
		if err := s.Store.PutAccount(ctx, a, d.phc, ev); err != nil {
			return err
		}
		if err := s.enter(ctx, d); err != nil {
			return err
		}
		return s.Store.Agree(ctx, Agreement{Account: a.ID, Version: f.Data.Terms, Adult: f.Data.Adult, At: now})
	})
	return f, err
}

// enter inserts the unit, or claims the one that is there.
func (s *Service) enter(ctx context.Context, d draft) error {
	if d.unit == nil {
		return nil
	}
	ev := audit.From(ctx, audit.Event{Kind: audit.UnitChanged, Actor: string(d.unit.AccountID), Object: d.unit.ID, Detail: "registered"})
	if !d.claim {
		return s.Store.PutUnit(ctx, *d.unit, ev)
	}
	ok, err := s.Store.ClaimUnit(ctx, *d.unit, ev)
	if err == nil && !ok {
		err = &fault.Error{Kind: fault.Conflict, Field: "uscc", Msg: MsgUSCCTaken}
	}
	return err
}

// tellOwner lets whoever had accounts with this mobile before know of the new
// one (S49). They get to know it by message; the page says nothing.
func (s *Service) tellOwner(ctx context.Context, f Flow) error {
	had, err := s.Store.AccountsBy(ctx, account.ByPhone, f.Data.Mobile.E164())
	if err != nil || len(had) == 0 {
		return err
	}
	return s.Notices.Queue(ctx, notify.Message{
		ID: "signup-" + f.Key, Channel: notify.SMS, To: f.Data.Mobile.E164(), Purpose: "signup_known", Locale: f.Data.Locale,
	})
}
