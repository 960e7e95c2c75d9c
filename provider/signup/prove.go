package signup

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// Beginning is the first form of a registration.
type Beginning struct {
	Purpose  Purpose // Person or Unit
	Mobile   string
	Terms    bool // ticked
	Adult    bool // ticked
	Onward   string
	Solution Solution
}

// Begin takes the first form: it opens a flow and sends a code to the mobile,
// whoever has accounts with it. Problems, fault.Throttled, or the id for the
// browser's cookie.
func (s *Service) Begin(ctx context.Context, v Visitor, b Beginning) (id string, err error) {
	var wrong Problems
	mobile, err := account.ParseMobile(b.Mobile)
	if err := wrong.note("mobile", err); err != nil {
		return "", err
	}
	if !b.Terms {
		wrong.say(fault.Invalid, "terms", MsgTerms)
	}
	if !b.Adult {
		wrong.say(fault.Invalid, "adult", MsgAdult)
	}
	if len(wrong) > 0 {
		return "", wrong
	}
	return s.open(ctx, v, b.Purpose, b.Solution, Data{Mobile: mobile, Terms: s.Terms, Adult: true, Onward: b.Onward, Locale: v.Locale}, false)
}

// open has the captcha solved, then keeps the flow and promises the code.
func (s *Service) open(ctx context.Context, v Visitor, p Purpose, sol Solution, data Data, silent bool) (string, error) {
	var wrong Problems
	if err := wrong.note("captcha", s.Captchas.Solve(ctx, v.Browser, p.challenge(), sol.ID, sol.Answer)); err != nil {
		return "", err
	}
	if len(wrong) > 0 {
		return "", wrong
	}
	id, now := newID(), s.Now()
	f := Flow{
		Key: digest("flow", id), Purpose: p, Browser: digest("browser", v.Browser), Data: data,
		SentAt: now, CreatedAt: now, ExpiresAt: now.Add(ProveWithin),
	}
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.OpenSignUp(ctx, f); err != nil {
			return err
		}
		return s.send(ctx, v, f, silent)
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (s *Service) send(ctx context.Context, v Visitor, f Flow, silent bool) error {
	_, err := s.Codes.Send(ctx, challenge.Ask{
		Purpose: f.Purpose.challenge(), Flow: f.Key, Channel: notify.SMS, To: f.Data.Mobile.E164(), Address: v.Address, Locale: v.Locale, Silent: silent,
	}, audit.Event{Object: string(f.Data.Account)})
	return err
}

// Again sends another code for the flow; a captcha comes before each.
func (s *Service) Again(ctx context.Context, id string, v Visitor, sol Solution) error {
	f, err := s.Current(ctx, id, v, Person, Unit, FindPerson, FindUnit)
	if err != nil {
		return err
	}
	if !f.ProvedAt.IsZero() {
		return nil // there is nothing left to prove
	}
	var wrong Problems
	if err := wrong.note("captcha", s.Captchas.Solve(ctx, v.Browser, f.Purpose.challenge(), sol.ID, sol.Answer)); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return wrong
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.SignUpSent(ctx, f.Key, s.Now()); err != nil {
			return err
		}
		return s.send(ctx, v, f, f.unfound())
	})
}

// unfound tells that a search began with data that fit no account: everything
// goes on as if they did, and no code is ever right.
func (f Flow) unfound() bool { return f.Purpose == FindUnit && f.Data.Account == "" }

// Prove takes the code that went to the mobile.
func (s *Service) Prove(ctx context.Context, id string, v Visitor, code string) error {
	f, err := s.Current(ctx, id, v, Person, Unit, FindPerson, FindUnit)
	if err != nil {
		return err
	}
	if !f.ProvedAt.IsZero() {
		return nil
	}
	var wrong Problems
	try := challenge.Try{Purpose: f.Purpose.challenge(), Flow: f.Key, To: f.Data.Mobile.E164(), Code: code}
	if err := wrong.note("code", s.Codes.Check(ctx, try)); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return wrong
	}
	ev, until := audit.Event{Kind: audit.SignUpProved, Detail: string(f.Purpose)}, FillWithin
	if f.Purpose == FindPerson || f.Purpose == FindUnit {
		ev.Kind, ev.Object, until = audit.LoginNameTold, string(f.Data.Account), ShownFor
	}
	now := s.Now()
	first, err := s.Store.ProveSignUp(ctx, f.Key, now, now.Add(until), audit.From(ctx, ev))
	if err != nil {
		return err
	}
	if !first {
		return errGone()
	}
	return nil
}
