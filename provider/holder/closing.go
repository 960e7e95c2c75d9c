package holder

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/provider/session"
)

// AskClosing begins to close the account: with the captcha solved, a code goes to
// the number, else to the address, that the account has; an account with neither
// needs none.
func (s *Service) AskClosing(ctx context.Context, who Asker) (Errand, error) {
	if err := s.Captchas.Solve(ctx, who.Browser, challenge.StepUp, who.Captcha, who.Answer); err != nil {
		return Errand{}, err
	}
	a, err := s.Store.HeldAccount(ctx, who.Account)
	if err != nil {
		return Errand{}, err
	}
	if err := s.free(ctx, a); err != nil {
		return Errand{}, err
	}
	if err := s.notClosing(ctx, who.Account); err != nil {
		return Errand{}, err
	}
	channel, to := notify.SMS, Number(a)
	if to == "" {
		channel, to = notify.Email, Address(a)
	}
	f := newErrand(who, Closing, to, s.Now())
	f.Proved = to == ""
	if err := s.Store.PutErrand(ctx, f); err != nil || f.Proved {
		return f, err
	}
	_, err = s.Codes.Send(ctx, challenge.Ask{Purpose: challenge.StepUp, Flow: f.ID, Channel: channel, To: to, Address: who.Address, Locale: who.Locale},
		s.event(ctx, audit.ChallengeSent, who.Account, "closing"))
	return f, err
}

// notClosing refuses a second closing. One that the holder took back by signing in
// just now is no hindrance, though nobody has noted that yet.
func (s *Service) notClosing(ctx context.Context, id account.ID) error {
	e, err := s.Store.Ending(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	back, err := s.Store.SignedInSince(ctx, id, e.AskedAt)
	if err != nil {
		return err
	}
	if !back {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgClosing}
	}
	_, err = s.TakeBack(ctx, id)
	return err
}

// Close takes the code and the holder's word (sure) and begins the time in which a
// sign-in takes the closing back. Every session and token of the account ends now,
// the visitor's own included.
func (s *Service) Close(ctx context.Context, who Asker, code string, sure bool) (Ending, error) {
	f, err := s.Waiting(ctx, who.Account, Closing)
	if err != nil {
		return Ending{}, err
	}
	if !sure {
		return Ending{}, &fault.Error{Kind: fault.Invalid, Field: "sure", Msg: MsgSure}
	}
	if !f.Proved {
		if err := s.prove(ctx, &f, challenge.StepUp, f.To, code, "code", false); err != nil {
			return Ending{}, err
		}
	}
	now := s.Now()
	e := Ending{Account: who.Account, AskedAt: now, DueAt: now.Add(s.Limits.OrDefault().Cooling)}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		a, err := s.Store.HeldAccount(ctx, who.Account)
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
		if won, err = s.Store.BeginEnding(ctx, e); err != nil {
			return err
		}
		if !won {
			return &fault.Error{Kind: fault.Conflict, Msg: MsgClosing}
		}
		if err := s.Store.Record(ctx, s.event(ctx, audit.AccountClosing, who.Account, "")); err != nil {
			return err
		}
		if _, err := s.Store.EndSessions(ctx, session.Which{Account: who.Account}, now, s.event(ctx, audit.SessionEnded, "", "closing")); err != nil {
			return err
		}
		if err := s.Store.EndGrants(ctx, who.Account, now); err != nil {
			return err
		}
		return s.tell(ctx, a, Number(a), Address(a), "account_closing", f.ID, day(e.DueAt))
	})
	return e, err
}

// finish closes the account of e for good, or takes the closing back if its holder
// has signed in since. The account's row decides between the two: a sign-in that
// came first is seen, one that comes later finds no account.
func (s *Service) finish(ctx context.Context, e Ending) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		a, err := s.Store.HeldAccount(ctx, e.Account)
		if err != nil {
			return err
		}
		won, err := s.Store.DropEnding(ctx, e)
		if err != nil || !won {
			return err
		}
		back, err := s.Store.SignedInSince(ctx, e.Account, e.AskedAt)
		if err != nil {
			return err
		}
		if back {
			return s.goesOn(ctx, a, e)
		}
		number, address, now := Number(a), Address(a), s.Now()
		ev := s.event(ctx, audit.AccountClosed, e.Account, "")
		ev.Actor = "system"
		if err := s.Store.EraseAccount(ctx, a, now, ev); err != nil {
			return err
		}
		return s.tell(ctx, a, number, address, "account_closed", occasion(e))
	})
}

// goesOn says that the closing was taken back. A frozen account is not told so.
func (s *Service) goesOn(ctx context.Context, a account.Account, e Ending) error {
	if err := s.Store.Record(ctx, s.event(ctx, audit.AccountReturned, e.Account, "")); err != nil {
		return err
	}
	return s.tell(ctx, a, Number(a), Address(a), "account_returned", occasion(e))
}

// TakeBack ends the closing of an account whose holder has come back, and tells
// whether there was one.
func (s *Service) TakeBack(ctx context.Context, id account.ID) (bool, error) {
	back := false
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		back = false
		e, err := s.Store.Ending(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := s.Store.HeldAccount(ctx, id)
		if err != nil || !a.Usable() {
			return err
		}
		if back, err = s.Store.DropEnding(ctx, e); err != nil || !back {
			return err
		}
		return s.goesOn(ctx, a, e)
	})
	return back, err
}

func occasion(e Ending) string {
	return string(e.Account) + "|" + e.AskedAt.UTC().Format("20060102150405")
}
