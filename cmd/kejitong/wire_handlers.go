package main

import (
	"context"

	"kejitong/provider/fault"
	"kejitong/provider/mandate"
	"kejitong/provider/realname"
	"kejitong/provider/session"
	"kejitong/provider/web/portal"
)

// mandates builds who acts for units, by whose word.
func (a *app) mandates() *mandate.Service {
	return &mandate.Service{Store: a.db, Captchas: a.captchas, Codes: a.codes, Queue: a.messages, Now: a.clock}
}

func (a *app) handlersPart(sessions *session.Service) *portal.Handlers {
	return &portal.Handlers{Service: a.handlers, Sessions: sessions, Systems: a.db, Outbox: a.runner, Now: a.clock}
}

// appoint offers the one whom a unit named in its real-name form as its handler what
// the unit was just given.
func (a *app) appoint(ctx context.Context, c realname.Change) error {
	if c.After.Unit == nil {
		return nil
	}
	entered, err := a.db.CaseOf(ctx, c.After.Account.ID)
	if fault.Is(err, fault.NotFound) || err == nil && entered.Entry.Unit == nil {
		return nil
	}
	if err != nil {
		return err
	}
	h := entered.Entry.Unit.Handler
	return a.handlers.Appoint(ctx, c.After.Account.ID, h.Name, h.IDType, h.IDNumber, h.Until)
}
