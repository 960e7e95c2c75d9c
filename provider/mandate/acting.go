package mandate

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// Turn is a legal account's session in which somebody says that he acts.
type Turn struct {
	Account account.ID // the legal one
	Unit    string
	Session string // id of the session: what a code is bound to
	Address string
	Locale  string

	Browser, Captcha, Answer string // what was asked and answered before a code goes out
}

// Actors gives those who may say that they act in the unit's own sessions: whoever
// has a live mandate, is usable and can be sent a code.
func (s *Service) Actors(ctx context.Context, unit string) ([]Acts, error) {
	list, err := s.acting(ctx, unit)
	if err != nil {
		return nil, err
	}
	var out []Acts
	for _, a := range list {
		if s.canSay(a) {
			out = append(out, a)
		}
	}
	return out, nil
}

// canSay tells whether somebody may say that he acts, and can be asked to prove it.
func (s *Service) canSay(a Acts) bool {
	p := a.Account.Profile
	return a.Mandate.Live(s.Now()) && a.Account.Usable() && p.Phone != "" && p.PhoneVerified
}

func (s *Service) actor(ctx context.Context, unit string, person account.ID) (Acts, error) {
	who, err := s.Store.Standing(ctx, person)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Acts{}, err
	}
	for _, m := range who.Mandates {
		if a := (Acts{Mandate: m, Account: who.Account}); m.Unit.ID == unit && s.canSay(a) {
			return a, nil
		}
	}
	return Acts{}, &fault.Error{Kind: fault.Invalid, Field: "actor", Msg: MsgActor}
}

// AskActor sends the person a code to his own mobile. Whoever has the unit's password
// alone, or a session of it, could trouble all its handlers by script: so a captcha
// comes first (C30).
func (s *Service) AskActor(ctx context.Context, t Turn, person account.ID) (challenge.Sent, error) {
	if err := s.Captchas.Solve(ctx, t.Browser, challenge.Act, t.Captcha, t.Answer); err != nil {
		return challenge.Sent{}, err
	}
	a, err := s.actor(ctx, t.Unit, person)
	if err != nil {
		return challenge.Sent{}, err
	}
	ev := audit.Event{Kind: audit.ChallengeSent, Actor: string(t.Account), Object: string(person), Detail: string(challenge.Act)}
	return s.Codes.Send(ctx, challenge.Ask{
		Purpose: challenge.Act, Flow: t.Session + "|" + string(person), Channel: notify.SMS, To: a.Account.Profile.Phone, Address: t.Address, Locale: t.Locale,
	}, ev)
}

// ProveActor tells whether the code is the one that the person was sent for this
// session. What it gives holds no longer than the mandate that it gives.
func (s *Service) ProveActor(ctx context.Context, t Turn, person account.ID, code string) (entitlement.Mandate, error) {
	a, err := s.actor(ctx, t.Unit, person)
	if err != nil {
		return entitlement.Mandate{}, err
	}
	err = s.Codes.Check(ctx, challenge.Try{Purpose: challenge.Act, Flow: t.Session + "|" + string(person), To: a.Account.Profile.Phone, Code: code})
	return a.Mandate, err
}

// AskForActors is the unit's setting: whether nobody enters a system with its
// account without saying who acts. The unit's own account alone sets it.
func (s *Service) AskForActors(ctx context.Context, id account.ID, unit string, asks bool) error {
	rule, err := s.Rules(ctx, id, unit)
	if err != nil {
		return err
	}
	if rule.Relation != entitlement.Self && rule.Relation != entitlement.LegalRep {
		return &fault.Error{Kind: fault.Refused, Msg: MsgMay}
	}
	detail := "acting handler optional"
	if asks {
		detail = "acting handler required"
	}
	return s.Store.PutAsksActor(ctx, unit, asks, audit.From(ctx, audit.Event{Kind: audit.UnitChanged, Actor: string(id), Object: unit, Detail: detail}))
}
