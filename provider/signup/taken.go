package signup

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// free tells what is taken already, all of it at once, before anything is
// hashed. The database has the last word.
func (s *Service) free(ctx context.Context, d *draft) error {
	var wrong Problems
	_, err := s.Store.AccountByLogin(ctx, d.key)
	switch {
	case err == nil:
		wrong.say(fault.Conflict, "login_name", MsgLoginTaken)
	case !fault.Is(err, fault.NotFound):
		return err
	}
	if d.unit == nil {
		return wrong.or()
	}
	there, err := s.Store.UnitByUSCC(ctx, d.unit.USCC)
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return err
	case there.AccountID != "":
		wrong.say(fault.Conflict, "uscc", MsgUSCCTaken)
		return wrong
	case !there.Usable():
		wrong.say(fault.Conflict, "uscc", MsgUnitBarred)
		return wrong.or()
	default:
		d.claim, d.unit.ID = true, there.ID
		if there.RealName.Verified() { // what is verified is not written over by what is not
			if account.UnitNameKey(there.Name) != account.UnitNameKey(d.unit.Name) {
				wrong.say(fault.Conflict, "unit_name", MsgNameDiffers)
			}
			d.unit.Name, d.unit.Type, d.unit.Region = there.Name, there.Type, there.Region
		}
	}
	_, err = s.Store.UnitNameHolder(ctx, d.unit.Name)
	switch {
	case err == nil:
		wrong.say(fault.Conflict, "unit_name", MsgUnitTaken)
	case !fault.Is(err, fault.NotFound):
		return err
	}
	return wrong.or()
}

// lost names what a race was lost over as free would have.
func lost(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Conflict {
		return err
	}
	for field, msg := range map[string]string{"login_name": MsgLoginTaken, "uscc": MsgUSCCTaken, "unit_name": MsgUnitTaken} {
		if f.Field == field {
			return Problems{{Kind: fault.Conflict, Field: field, Msg: msg}}
		}
	}
	return err
}

// refused records what was refused because it is taken, and lets a unit's own
// contact know that somebody tried, once a day.
func (s *Service) refused(ctx context.Context, d draft, err error) error {
	var wrong Problems
	if !errors.As(err, &wrong) {
		return err
	}
	fields := make([]string, len(wrong))
	for i, w := range wrong {
		fields[i] = w.Field
	}
	failed := s.Store.InTx(ctx, func(ctx context.Context) error {
		holder, err := s.holder(ctx, d, wrong)
		if err != nil {
			return err
		}
		if holder != nil {
			if err := s.tellUnit(ctx, *holder); err != nil {
				return err
			}
		}
		ev := audit.Event{Kind: audit.SignUpRefused, Result: "refused", Detail: strings.Join(fields, " ")}
		if holder != nil {
			ev.Object = string(holder.ID)
		}
		return s.Store.Record(ctx, audit.From(ctx, ev))
	})
	if failed != nil {
		return failed
	}
	return wrong
}

// holder is the legal account whose unit was asked for, nil if there is none.
func (s *Service) holder(ctx context.Context, d draft, wrong Problems) (*account.Account, error) {
	var id account.ID
	for _, w := range wrong {
		switch w.Msg {
		case MsgUSCCTaken:
			u, err := s.Store.UnitByUSCC(ctx, d.unit.USCC)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
			id = u.AccountID
		case MsgUnitTaken:
			if id != "" {
				continue
			}
			var err error
			if id, err = s.Store.UnitNameHolder(ctx, d.unit.Name); err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
		}
	}
	if id == "" {
		return nil, nil
	}
	a, err := s.Store.AccountByID(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return &a, err
}

func (s *Service) tellUnit(ctx context.Context, a account.Account) error {
	to := contactMobile(a)
	if to == "" {
		return nil
	}
	day := s.Now().In(time.FixedZone("CST", 8*3600)).Format(time.DateOnly)
	return s.Notices.Queue(ctx, notify.Message{
		ID:      "signup-tried-" + base64.RawURLEncoding.EncodeToString(s.MAC("sign-up tried", string(a.ID), day)),
		Channel: notify.SMS, To: to, Purpose: "signup_tried", Locale: a.Locale,
	})
}

// contactMobile is the proved number of a legal account, empty if it has none.
func contactMobile(a account.Account) string {
	if c := a.Profile.Contact; c != nil && c.PhoneVerified {
		return c.Phone
	}
	if a.Profile.PhoneVerified {
		return a.Profile.Phone
	}
	return ""
}
