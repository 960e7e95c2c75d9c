package holder

import (
	"context"
	"errors"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/provider/session"
)

// The message keys of this package's faults.
const (
	MsgGone      = "holder.flow_gone"
	MsgUnchanged = "holder.unchanged"
	MsgLastWay   = "holder.last_way"
	MsgClosing   = "holder.closing_already"
	MsgSure      = "holder.sure"
	MsgOnHold    = "holder.on_hold"
)

// Messages lists the message keys of this package's faults.
func Messages() []string {
	return []string{MsgGone, MsgUnchanged, MsgLastWay, MsgClosing, MsgSure, MsgOnHold}
}

// Number is the mobile number by which the holder of a is reached, E.164; "" if
// there is none that is proved. Of a legal account it is the contact's.
func Number(a account.Account) string {
	p := a.Profile
	if c := p.Contact; a.Kind == account.LegalEntity && c != nil && c.Phone != "" && c.PhoneVerified {
		return c.Phone
	}
	if p.PhoneVerified {
		return p.Phone
	}
	return ""
}

// Address is the proved e-mail address of a, "" if there is none.
func Address(a account.Account) string {
	if a.Profile.EmailVerified {
		return a.Profile.Email
	}
	return ""
}

// setNumber makes number the proved one of a.
func setNumber(a *account.Account, number string) {
	p := &a.Profile
	if a.Kind == account.LegalEntity && p.Contact != nil {
		c := *p.Contact
		if p.Phone == c.Phone {
			p.Phone, p.PhoneVerified = number, true
		}
		c.Phone, c.PhoneVerified = number, true
		p.Contact = &c
		return
	}
	p.Phone, p.PhoneVerified = number, true
}

// LoginIsNumber tells whether a's login name is the number: whoever gets that
// number one day would know it.
func LoginIsNumber(a account.Account, number string) bool {
	m, err := account.ParseMobile(number)
	return err == nil && a.LoginKey == string(m)
}

// contact is what differs between the two.
func (k Kind) contact() (channel notify.Channel, purpose challenge.Purpose, parse func(string) (string, error), of func(account.Account) string) {
	if k == Email {
		return notify.Email, challenge.ChangeEmail, account.ParseEmail, Address
	}
	number := func(s string) (string, error) {
		m, err := account.ParseMobile(s)
		return m.E164(), err
	}
	return notify.SMS, challenge.ChangeMobile, number, Number
}

// Change asks for another mobile number or e-mail address (kind), as typed. The
// captcha is used up first; then a code goes to the new one and, unless the holder
// says that it cannot be reached, to the old one. The number that there is already
// may be given again: it is proved anew.
func (s *Service) Change(ctx context.Context, who Asker, kind Kind, typed string, oldGone bool) (Errand, error) {
	channel, purpose, parse, of := kind.contact()
	to, err := parse(typed)
	if err != nil {
		return Errand{}, err
	}
	if err := s.Captchas.Solve(ctx, who.Browser, purpose, who.Captcha, who.Answer); err != nil {
		return Errand{}, err
	}
	a, err := s.Store.HeldAccount(ctx, who.Account)
	if err != nil {
		return Errand{}, err
	}
	if err := s.free(ctx, a); err != nil {
		return Errand{}, err
	}
	old := of(a)
	if old == to && kind == Email {
		return Errand{}, &fault.Error{Kind: fault.Invalid, Field: string(kind), Msg: MsgUnchanged}
	}
	f := newErrand(who, kind, to, s.Now())
	f.OldGone, f.OldProved = oldGone || kind == Email, old == "" || old == to
	if err := s.Store.PutErrand(ctx, f); err != nil {
		return Errand{}, err
	}
	ask := challenge.Ask{Purpose: purpose, Flow: f.ID, Channel: channel, To: to, Address: who.Address, Locale: who.Locale}
	ev := s.event(ctx, audit.ChallengeSent, who.Account, string(purpose))
	if _, err := s.Codes.Send(ctx, ask, ev); err != nil {
		return Errand{}, err
	}
	if !f.OldGone && !f.OldProved {
		ask.To = old
		if _, err := s.Codes.Send(ctx, ask, ev); err != nil {
			return Errand{}, err
		}
	}
	return f, nil
}

// Waiting gives the errand that waits; fault.Gone if there is none or its time is
// over.
func (s *Service) Waiting(ctx context.Context, id account.ID, kind Kind) (Errand, error) {
	f, err := s.Store.Errand(ctx, id, kind)
	if fault.Is(err, fault.NotFound) || err == nil && f.State == Asked && !s.Now().Before(f.ExpiresAt) {
		return Errand{}, &fault.Error{Kind: fault.Gone, Msg: MsgGone}
	}
	return f, err
}

// free refuses sensitive acts of an account that is over or frozen, and while it
// is on hold after a reset.
func (s *Service) free(ctx context.Context, a account.Account) error {
	if !a.Usable() {
		return &fault.Error{Kind: fault.Gone, Msg: MsgGone}
	}
	until, err := s.Store.Hold(ctx, a.ID)
	if err == nil && s.Now().Before(until) {
		return &fault.Error{Kind: fault.Refused, Msg: MsgOnHold}
	}
	return err
}

// Confirm takes the codes as typed. A code that was right counts even if the other
// one was not, so that only the other is typed again. With all of them the change
// is made, or, if the old number could not be asked, held for a day: who holds the
// old number is told and can stop it (S57). The errand tells which.
func (s *Service) Confirm(ctx context.Context, who Asker, kind Kind, code, oldCode string, rename bool) (Errand, error) {
	_, purpose, _, of := kind.contact()
	f, err := s.Waiting(ctx, who.Account, kind)
	if err != nil || f.State == Held {
		return f, err
	}
	a, err := s.Store.HeldAccount(ctx, who.Account)
	if err != nil {
		return f, err
	}
	f.Rename = rename
	if !f.Proved {
		if err := s.prove(ctx, &f, purpose, f.To, code, "code", false); err != nil {
			return f, err
		}
	}
	if !f.OldProved && !f.OldGone {
		if err := s.prove(ctx, &f, purpose, of(a), oldCode, "old_code", true); err != nil {
			return f, err
		}
	}
	if kind == Mobile && !f.OldProved {
		return s.hold(ctx, f, a)
	}
	return f, s.carryOut(ctx, f, who.Session)
}

// prove checks one code and notes that it was right.
func (s *Service) prove(ctx context.Context, f *Errand, p challenge.Purpose, to, code, field string, old bool) error {
	if err := s.Codes.Check(ctx, challenge.Try{Purpose: p, Flow: f.ID, To: to, Code: code}); err != nil {
		return at(err, field)
	}
	won, err := s.Store.ProveErrand(ctx, *f, old)
	if err != nil {
		return err
	}
	if !won {
		return &fault.Error{Kind: fault.Gone, Msg: MsgGone}
	}
	if old {
		f.OldProved = true
	} else {
		f.Proved = true
	}
	return nil
}

// at names the field that a code was typed into.
func at(err error, field string) error {
	var e *fault.Error
	if errors.As(err, &e) && e.Kind == fault.Invalid {
		other := *e
		other.Field = field
		return &other
	}
	return err
}

func (s *Service) hold(ctx context.Context, f Errand, a account.Account) (Errand, error) {
	now := s.Now()
	f.State, f.DueAt = Held, now.Add(s.Limits.OrDefault().Hold)
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		won, err := s.Store.HoldErrand(ctx, f)
		if err != nil {
			return err
		}
		if !won {
			return &fault.Error{Kind: fault.Gone, Msg: MsgGone}
		}
		if err := s.Store.Record(ctx, s.event(ctx, audit.MobileHeld, f.Account, "")); err != nil {
			return err
		}
		return s.tell(ctx, a, Number(a), Address(a), "mobile_held", f.ID)
	})
	return f, err
}

// Stop gives a change up, held or not.
func (s *Service) Stop(ctx context.Context, id account.ID, kind Kind) error {
	f, err := s.Store.Errand(ctx, id, kind)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		won, err := s.Store.DropErrand(ctx, f)
		if err != nil || !won || f.State != Held {
			return err
		}
		return s.Store.Record(ctx, s.event(ctx, audit.MobileStopped, id, ""))
	})
}

// carryOut makes the change, tells the old number or address, and ends every other
// session with its tokens (S57).
func (s *Service) carryOut(ctx context.Context, f Errand, keep string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		a, err := s.Store.HeldAccount(ctx, f.Account)
		if err != nil {
			return err
		}
		won, err := s.Store.DropErrand(ctx, f)
		if err != nil {
			return err
		}
		if !won || !a.Usable() {
			return &fault.Error{Kind: fault.Gone, Msg: MsgGone}
		}
		now := s.Now()
		number, address := Number(a), Address(a)
		a.UpdatedAt = now
		if f.Kind == Email {
			a.Profile.Email, a.Profile.EmailVerified = f.To, true
			if err := s.Store.PutAccount(ctx, a, "", s.event(ctx, audit.EmailChanged, f.Account, "")); err != nil {
				return err
			}
			return s.tell(ctx, a, number, address, "email_changed", f.ID)
		}
		setNumber(&a, f.To)
		if f.Rename && LoginIsNumber(a, number) {
			a.LoginName = strings.TrimPrefix(f.To, "+86")
			a.LoginKey = a.LoginName
		}
		if err := s.Store.PutAccount(ctx, a, "", s.event(ctx, audit.MobileChanged, f.Account, proved(f))); err != nil {
			return err
		}
		if err := s.Store.TrustNumber(ctx, f.Account, now); err != nil {
			return err
		}
		if number == f.To { // proved anew: nothing changed
			return nil
		}
		if _, err := s.Store.EndSessions(ctx, session.Which{Account: f.Account, ExceptKey: keep}, now, s.event(ctx, audit.SessionEnded, "", "mobile_changed")); err != nil {
			return err
		}
		return s.tell(ctx, a, number, address, "mobile_changed", f.ID)
	})
}

func proved(f Errand) string {
	if f.OldProved {
		return "old_proved"
	}
	return "held"
}

// RemoveEmail takes the e-mail address away; its owner is told.
func (s *Service) RemoveEmail(ctx context.Context, id account.ID) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		a, err := s.Store.HeldAccount(ctx, id)
		if err != nil {
			return err
		}
		address := Address(a)
		if a.Profile.Email == "" {
			return nil
		}
		if Number(a) == "" {
			return &fault.Error{Kind: fault.Invalid, Field: "email", Msg: MsgLastWay}
		}
		a.Profile.Email, a.Profile.EmailVerified, a.UpdatedAt = "", false, s.Now()
		if err := s.Store.PutAccount(ctx, a, "", s.event(ctx, audit.EmailChanged, id, "removed")); err != nil {
			return err
		}
		return s.tell(ctx, a, "", address, "email_changed", "removed|"+string(id)+"|"+s.Now().UTC().Format(time.RFC3339))
	})
}

// tell sends the notice to the given number and address, as far as there are any,
// once for an occasion.
func (s *Service) tell(ctx context.Context, a account.Account, number, address, what, occasion string, args ...string) error {
	for _, m := range []notify.Message{{Channel: notify.SMS, To: number}, {Channel: notify.Email, To: address}} {
		if m.To == "" {
			continue
		}
		m.ID, m.Purpose, m.Args, m.Locale = what+"|"+occasion+"|"+string(m.Channel), what, args, a.Locale
		if err := s.Queue.Queue(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
