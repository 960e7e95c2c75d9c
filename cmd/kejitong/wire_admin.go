package main

import (
	"context"
	"encoding/base64"

	"kejitong/provider"
	"kejitong/provider/account"
	"kejitong/provider/credential"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/operator"
	"kejitong/provider/recovery"
	"kejitong/provider/session"
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
		Digest: func(secret string) string {
			return base64.RawURLEncoding.EncodeToString(ring.Snapshot().MAC(keys.Enrolment, "invitation", secret))
		},
	}
}

func (a *app) deskCodes() factor.Codes { return factor.Codes{Issuer: a.cfg.Platform.NameEN} }

// wireAdmin builds the review desk.
func (a *app) wireAdmin(kit *web.Kit, sessions *session.Service, _ *visitor.Hall) (provider.Surface, error) {
	c := a.cfg.Admin
	return &admin.Handler{
		Web: kit, Desk: a.operators(), Board: &operator.Board{Store: a.db, Now: a.clock}, Accounts: a.db, Principals: a.db, Sessions: sessions,
		Trail: a.db, Chain: a.chain, Cases: a.names, Appeals: noAppeals{}, Papers: a.papers, Picture: a.deskCodes().Picture, Keys: a.ring.Snapshot,
		Networks: c.Networks, Limits: admin.Limits{Reveals: c.RevealsPerHour, Searches: c.SearchesPerHour}, Outbox: a.runner, Now: a.clock, Log: a.log,
	}, nil
}

// noAppeals stands where nobody can appeal.
type noAppeals struct{}

var errNoAppeals = fault.New(fault.NotFound, "no such appeal")

func (noAppeals) Appeals(context.Context, recovery.Filter) ([]recovery.Appeal, error) {
	return nil, nil
}
func (noAppeals) Appeal(context.Context, string) (recovery.Case, error) {
	return recovery.Case{}, errNoAppeals
}
func (noAppeals) Assign(context.Context, string, int64, recovery.Reviewer, string) error {
	return errNoAppeals
}
func (noAppeals) Concern(context.Context, string, int64, recovery.Reviewer, account.ID) error {
	return errNoAppeals
}
func (noAppeals) Approve(context.Context, string, int64, recovery.Reviewer, string) error {
	return errNoAppeals
}
func (noAppeals) Reject(context.Context, string, int64, recovery.Reviewer, string) error {
	return errNoAppeals
}
