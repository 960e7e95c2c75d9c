package main

import (
	"context"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	adminapi "kejitong/provider/web/api"
)

// demoAdmin is the demonstration's client of the administration interface.
type demoAdmin struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

const (
	demoAdminID  = "demo-admin"
	demoInitial  = "initial access token"
	demoMaxUses  = 1000
	demoInitFor  = 365 * 24 * time.Hour
	demoInitNote = "demonstration"
)

// adminSecrets makes what the folder lacks of both, and tells whether there was
// any.
func (s *performance) adminSecrets() (made bool) {
	for _, name := range []string{demoAdminID, demoInitial} {
		if s.Secrets[name] == "" {
			s.Secrets[name], made = randomText(32), true
		}
	}
	return made
}

// seedAdmin enters the client that administers, as an operator would, and a token
// by which systems may register themselves; a kept folder is left as it is.
func (s *performance) seedAdmin(ctx context.Context, a *app) error {
	if _, err := a.db.Client(ctx, demoAdminID); err == nil || !fault.Is(err, fault.NotFound) {
		return err
	}
	m, err := client.Metadata{
		Name: "示例管理程序", GrantTypes: []string{client.GrantClient}, TokenEndpointAuthMethod: client.AuthBasic, Audience: []string{s.config.Issuer + adminapi.Base},
		Scope: client.AdminClients + " " + client.AdminSystems + " " + client.AdminGrants + " " + client.AdminAccounts + " " + client.AdminAuditRead + " " + client.AdminWebhooks,
	}.NormaliseByOperator()
	if err != nil {
		return err
	}
	t := a.clock()
	c := &client.Client{ID: demoAdminID, Metadata: m, State: client.Active, Reviewed: true, CreatedAt: t, UpdatedAt: t}
	if err := c.SetSecret(a.ring.Snapshot(), s.Secrets[demoAdminID]); err != nil {
		return err
	}
	if err := a.db.PutClient(ctx, c, audit.Event{Kind: audit.ClientCreated, Actor: "demo", Object: c.ID}); err != nil {
		return err
	}
	token := client.InitialToken{
		ID: "demo", Digest: client.TokenDigest(s.Secrets[demoInitial]), Note: demoInitNote, MaxUses: demoMaxUses, CreatedAt: t, ExpiresAt: t.Add(demoInitFor),
		Policy: client.Policy{Reviewed: true, PublicClients: true, LoopbackRedirects: true, PrivateHosts: true, PKCEOptional: true},
	}
	return a.db.PutInitialToken(ctx, token, audit.Event{Kind: audit.InitialMade, Actor: "demo", Object: token.ID})
}
