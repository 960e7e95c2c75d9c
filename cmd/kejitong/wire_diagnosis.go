package main

import (
	"context"
	"net/http"

	"kejitong/provider"
	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/keys"
	"kejitong/provider/oidc"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/console"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// wireDiagnosis builds the pages that tell a client's team why something does not
// work.
func (a *app) wireDiagnosis(kit *web.Kit, _ *session.Service, hall *visitor.Hall) (provider.Surface, error) {
	return &console.Diagnosis{Web: kit, Visitors: hall, Team: a.team, Clients: a.db, Log: a.reasons, Previews: previews{a.protocol}, People: a.people(), Issuer: a.cfg.Issuer,
		Oracle: func(parts ...string) []byte { return a.ring.Snapshot().MAC(keys.Nonce, parts...) }, Provider: func() http.Handler { return a.handler }, Now: a.clock}, nil
}

// clientLog is for the desk what the client's own team sees in its console.
func (a *app) clientLog(r *http.Request, page templates.ClientPage) (templates.ClientLog, error) {
	return console.LogPage(r, a.reasons, page)
}

// people are whom claims may be previewed of.
func (a *app) people() console.People { return previewed{a} }

type previewed struct{ *app }

// ByAccount implements console.People.
func (p previewed) ByAccount(ctx context.Context, id account.ID) (principal.Principal, error) {
	return p.db.ByAccount(ctx, id)
}

// TestAccounts implements console.People.
func (p previewed) TestAccounts(ctx context.Context, c *client.Client) ([]account.Account, error) {
	if p.testers != nil {
		return p.testers(ctx, c)
	}
	if c.Sandbox == "" {
		return nil, nil
	}
	return p.db.TestAccounts(ctx, c.Sandbox)
}

// previews is the protocol's own code, asked by the console.
type previews struct{ op *oidc.Provider }

// PreviewClaims implements console.Previews.
func (p previews) PreviewClaims(ctx context.Context, q console.PreviewAsk) (console.Previewed, error) {
	got, err := p.op.Preview(ctx, oidc.PreviewRequest(q))
	return console.Previewed(got), err
}
