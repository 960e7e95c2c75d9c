package main

import (
	"context"
	"encoding/base64"

	"kejitong/provider"
	"kejitong/provider/credential"
	"kejitong/provider/entitlement"
	"kejitong/provider/factor"
	"kejitong/provider/keys"
	"kejitong/provider/operator"
	"kejitong/provider/session"
	"kejitong/provider/torch"
	"kejitong/provider/web"
	"kejitong/provider/web/admin"
	"kejitong/provider/web/visitor"
)

// operators builds what signs operators in and changes them. Their guesses are
// counted under a key of their own, so that nobody locks an operator out at the
// window of accounts.
func (a *app) operators() *operator.Service {
	p, ring := a.cfg.Passwords, a.ring
	return &operator.Service{
		Store: a.db, Guesses: a.db, Hasher: a.hasher, Policy: a.policy(), Codes: a.deskCodes(), Now: a.clock,
		Limits: credential.Limits{PairLimit: p.PerPairLimit, LockFor: p.LockFor, AccountLimit: p.AccountLimit, FailureFloor: p.FailureFloor},
		Key:    ring.Snapshot().MAC(keys.Throttle, "operators"),
		Deeds:  map[operator.Matter]func(context.Context, operator.Proposal, string) error{operator.Catalogue: a.reviseSystem},
		Digest: func(secret string) string {
			return base64.RawURLEncoding.EncodeToString(ring.Snapshot().MAC(keys.Enrolment, "invitation", secret))
		},
	}
}

// reviseSystem makes a change of the catalogue that was proposed and agreed to.
func (a *app) reviseSystem(ctx context.Context, p operator.Proposal, by string) error {
	r, err := entitlement.ReadRevision(p.What)
	if err != nil {
		return err
	}
	r.Proposer = p.By
	return a.entitlements().Revise(ctx, r, by)
}

func (a *app) deskCodes() factor.Codes { return factor.Codes{Issuer: a.cfg.Platform.NameEN} }

// wireAdmin builds the review desk.
func (a *app) wireAdmin(kit *web.Kit, sessions *session.Service, _ *visitor.Hall) (provider.Surface, error) {
	c := a.cfg.Admin
	appeals, err := a.recoveries()
	if err != nil {
		return nil, err
	}
	return &admin.Handler{
		Web: kit, Desk: a.operators(), Board: &operator.Board{Store: a.db, Now: a.clock}, Accounts: a.db, Principals: a.db, Sessions: sessions,
		Trail: a.db, Chain: a.chain, Cases: a.names, Appeals: appeals, Papers: a.papers, Integrators: a.console, Clients: a.db,
		Catalogue: a.entitlements(), Census: &entitlement.Census{Store: a.db, Now: a.clock}, Systems: a.db, Rights: a.db, ClientLog: a.clientLog, Hooks: a.webhooks(), Imports: &torch.Ledger{Books: a.db, Now: a.clock}, Picture: a.deskCodes().Picture, Keys: a.ring.Snapshot,
		Networks: c.Networks, Limits: admin.Limits{Reveals: c.RevealsPerHour, Searches: c.SearchesPerHour}, Glance: &operator.Watch{Store: a.db, Now: a.clock}, Outbox: a.runner, Now: a.clock, Log: a.log,
	}, nil
}
