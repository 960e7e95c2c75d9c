package main

import (
	"context"
	"errors"

	"kejitong/provider"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/recovery"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/recover"
	"kejitong/provider/web/visitor"
)

// recoveries builds what gives passwords back and decides appeals. It keeps
// nothing in memory: whoever needs it may build one. Call it after documents.
func (a *app) recoveries() (*recovery.Service, error) {
	s := &recovery.Service{
		Store: a.db, Captchas: a.captchas, Codes: a.codes, Notices: a.messages, Sessions: a.db, Credentials: a.credentials(),
		Documents: a.papers, Factors: resetFactors{a.factors}, Key: a.ring.Snapshot().Current(keys.Recovery).Bytes,
		Floor: a.cfg.Passwords.FailureFloor, Now: a.clock,
	}
	return s, s.Check()
}

// wireRecover builds the pages of recovery.
func (a *app) wireRecover(kit *web.Kit, _ *session.Service, hall *visitor.Hall) (provider.Surface, error) {
	s, err := a.recoveries()
	if err != nil {
		return nil, err
	}
	return &recover.Handler{
		Web: kit, Visitors: hall, Recovery: s, Documents: a.papers, Captchas: a.captchas, Policy: a.policy(), Now: a.clock,
	}, nil
}

// resetFactors are an account's second factors at a reset and in appeals.
type resetFactors struct{ of *factor.Service }

// Enrolled implements recovery.Factors.
func (f resetFactors) Enrolled(ctx context.Context, id account.ID) (bool, error) {
	e, err := f.of.Enrolled(ctx, factor.Subject{Realm: factor.Accounts, ID: string(id)})
	return e.Any(), err
}

// RemoveAll implements recovery.Factors.
func (f resetFactors) RemoveAll(ctx context.Context, id account.ID, ev audit.Event) error {
	return f.of.RemoveAll(ctx, factor.Subject{Realm: factor.Accounts, ID: string(id)}, ev)
}

// Verify implements recovery.Factors: six digits are the authenticator's, anything
// else is a recovery code.
func (f resetFactors) Verify(ctx context.Context, id account.ID, code string) error {
	who := factor.Subject{Realm: factor.Accounts, ID: string(id)}
	var err error
	if d := challenge.Digits(code); len(d) == 6 {
		_, err = f.of.CheckTOTP(ctx, who, d)
	} else {
		_, err = f.of.CheckRecovery(ctx, who, code, audit.From(ctx, audit.Event{Actor: string(id)}))
	}
	var why *fault.Error
	if errors.As(err, &why) && why.Kind == fault.Invalid {
		return &fault.Error{Kind: fault.Invalid, Field: "factor", Msg: recovery.MsgFactor}
	}
	return err
}
