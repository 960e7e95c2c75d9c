package realname

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strconv"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// window is that of Service.Limit: a register is not to be guessed at.
const window = 24 * time.Hour

// Enter opens a case with what somebody entered, or corrects the one there is. The
// entry has passed ReadPerson or ReadUnit. What no verifier settles waits for
// documents at once. fault.Conflict while the verifier works, fault.Throttled for
// too many entries, fault.Refused for another USCC.
func (s *Service) Enter(ctx context.Context, id account.ID, e Entry, ev audit.Event) (Case, error) {
	if n, end, err := s.Store.CountEntry(ctx, id, window, s.Now()); err != nil {
		return Case{}, err
	} else if n > s.Limit {
		return Case{}, &fault.Error{Kind: fault.Throttled, Msg: MsgTooOften, RetryAfter: end.Sub(s.Now())}
	}
	var c Case
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		h, err := s.Store.Holder(ctx, id)
		if err != nil {
			return err
		}
		if err := admits(h, e); err != nil {
			return err
		}
		if err := s.unheld(ctx, h, e); err != nil {
			return err
		}
		c, err = s.enter(ctx, h, e, ev)
		return err
	})
	if err != nil {
		return Case{}, err
	}
	if c.State == Pending {
		s.Wake()
	}
	return c, nil
}

// admits tells whether e may be h's at all.
func admits(h Holder, e Entry) error {
	switch {
	case !h.Account.Usable():
		return &fault.Error{Kind: fault.Refused, Msg: MsgAccountUnusable}
	case (e.Person != nil) != (h.Account.Kind == account.NaturalPerson), (e.Unit != nil) != (h.Account.Kind == account.LegalEntity):
		return wrong("", MsgWrongKind)
	case e.Unit != nil && h.Unit != nil && e.Unit.USCC != string(h.Unit.USCC):
		return &fault.Error{Kind: fault.Refused, Field: FieldUSCC, Msg: MsgUSCCChanged} // R21
	}
	return nil
}

// unheld refuses a unit that another account is verified as: USCC and name are
// public, so that this may be told (R15). An account that only wrote them down
// rules over nobody: it yields once this one is verified.
func (s *Service) unheld(ctx context.Context, h Holder, e Entry) error {
	if e.Unit == nil {
		return nil
	}
	if h.Unit == nil {
		u, err := s.Store.UnitByUSCC(ctx, account.USCC(e.Unit.USCC))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err == nil && u.AccountID != "" && u.AccountID != h.Account.ID {
			if rules, err := s.rules(ctx, u.AccountID); err != nil || rules {
				return firstOf(err, conflict(FieldUSCC, MsgUSCCTaken))
			}
		}
	}
	holder, err := s.Store.UnitNameHolder(ctx, e.Unit.Name)
	if fault.Is(err, fault.NotFound) || err == nil && holder == h.Account.ID {
		return nil
	}
	if err != nil {
		return err
	}
	if rules, err := s.rules(ctx, holder); err != nil || rules {
		return firstOf(err, conflict(FieldUnitName, MsgUnitNameHeld))
	}
	return nil
}

// rules tells whether an account is verified as what it holds.
func (s *Service) rules(ctx context.Context, id account.ID) (bool, error) {
	h, err := s.Store.Holder(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return h.Account.RealName.Verified(), err
}

// firstOf is the first of two errors that there is.
func firstOf(err, or error) error {
	if err != nil {
		return err
	}
	return or
}

// yields takes from unverified accounts what c is verified with, and tells their
// owners.
func (s *Service) yields(ctx context.Context, h Holder, c Case) error {
	if c.Entry.Unit == nil {
		return nil
	}
	code := account.USCC(c.Entry.Unit.USCC)
	ev := audit.From(ctx, audit.Event{Kind: audit.UnitYielded, Actor: string(h.Account.ID)})
	lost, err := s.Store.YieldUnitName(ctx, c.Entry.Unit.Name, code, ev)
	if err == nil && h.Unit == nil {
		var more []account.ID
		more, err = s.Store.YieldUnit(ctx, code, h.Account.ID, ev)
		lost = append(lost, more...)
	}
	if err != nil {
		return err
	}
	for _, id := range lost {
		loser, err := s.Store.Holder(ctx, id)
		if err != nil {
			return err
		}
		notice := c
		notice.ID += "." + string(id) // each loser is told once
		if err := s.tell(ctx, loser.Account, notice, "unit_yielded", c.Entry.Unit.Name, account.MaskIDPublic(loser.Account.LoginName)); err != nil {
			return err
		}
	}
	return nil
}

// enter writes the case and has it checked.
func (s *Service) enter(ctx context.Context, h Holder, e Entry, ev audit.Event) (Case, error) {
	now := s.Now()
	c, err := s.Store.CaseOf(ctx, h.Account.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Case{}, err
	}
	was := c.State
	to, ok := Next(was, Enter)
	if !ok {
		return Case{}, conflict("", MsgUnderWay)
	}
	if was == None || was == Verified {
		was = None
		id := string(account.NewID())
		c = Case{ID: id, Folder: id, Number: number(now), Account: h.Account.ID, Kind: h.Account.Kind, OpenedAt: now}
	}
	c.State, c.Entry, c.Reasons, c.Remark, c.Reviewer, c.Method, c.CheckID, c.Checker = to, e, nil, "", "", "", "", ""
	c.SentAt, c.PapersAt = now, time.Time{}
	if Manual(e, s.Verifier) {
		c.State, _ = Next(c.State, Defer)
		c.Reasons = []Reason{{Code: ManualOnly}}
	}
	ev.Kind, ev.Object, ev.Detail = audit.RealNameEntered, c.ID, string(c.State)
	if err := s.write(ctx, &c, was, ev); err != nil {
		return Case{}, err
	}
	if c.State == Pending {
		if err := s.Store.QueueCheck(ctx, c.ID, c.Version); err != nil {
			return Case{}, err
		}
	}
	return c, s.reflect(ctx, h, c, ev)
}

// write adds or replaces the case and gives it the version that it has now.
func (s *Service) write(ctx context.Context, c *Case, was State, ev audit.Event) error {
	if was == None {
		c.Version = 1
		return s.Store.AddCase(ctx, *c, ev)
	}
	if err := s.Store.PutCase(ctx, *c, was, ev); err != nil {
		return err
	}
	c.Version++
	return nil
}

// reflect shows the state of the case on an account that is not verified. A
// verified one stays as it is until there is a verdict for it (R21).
func (s *Service) reflect(ctx context.Context, h Holder, c Case, ev audit.Event) error {
	a := h.Account
	if a.RealName.Verified() || a.RealName.Status == string(c.State) {
		return nil
	}
	a.RealName.Status, a.UpdatedAt = string(c.State), s.Now()
	if a.RealName.Level == "" {
		a.RealName.Level = "L1"
	}
	ev.Kind, ev.Object, ev.Detail = audit.AccountChanged, string(a.ID), "realname "+string(c.State)
	return s.Store.PutAccount(ctx, a, "", ev)
}

// easily told over the telephone: no I, O, 0, 1
var spoken = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)

// number makes a case number: the day, and 40 random bits that make it no
// counter of anything.
func number(now time.Time) string {
	var b [5]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return "RN" + now.In(beijing).Format("20060102") + "-" + spoken.EncodeToString(b[:])
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
