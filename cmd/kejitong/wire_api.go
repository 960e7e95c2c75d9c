package main

import (
	"context"
	"fmt"

	"kejitong/provider"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/outbox"
	"kejitong/provider/session"
	"kejitong/provider/web"
	adminapi "kejitong/provider/web/api"
	"kejitong/provider/web/visitor"
	"kejitong/provider/webhook"
)

// keeper changes clients for those who are not at the command line.
func (a *app) keeper() *client.Keeper {
	return &client.Keeper{Shelf: a.db, Keys: a.ring.Snapshot, Reach: a.reaches, Now: a.clock}
}

// webhooks tells others what changed.
func (a *app) webhooks() *webhook.Service {
	s := &webhook.Service{Store: a.db, Clients: a.db, Outside: a.outside(), Now: a.clock, Log: a.log}
	if a.protocol != nil {
		s.Subject = a.protocol.Subject
	}
	return s
}

// wireAPI builds the administration interface, and the outbox's side of webhooks.
func (a *app) wireAPI(kit *web.Kit, _ *session.Service, _ *visitor.Hall) (provider.Surface, error) {
	hooks := a.webhooks()
	a.runner.Handlers[outbox.WebhookEvent] = hooks.Spread
	a.runner.Handlers[outbox.Webhook] = hooks.Deliver
	return &adminapi.Handler{
		Web: kit, Issuer: a.cfg.Issuer, Gate: a.protocol, Deeds: a.db, Clients: a.keeper(), Rights: a.db, Altering: a.rights, Accounts: a.db, Principals: a.db, Trail: a.db,
		Hooks: hooks, Keys: a.ring.Snapshot, Outbox: a.runner, Now: a.clock,
	}, nil
}

// reaches holds the addresses that the provider will call to those it may call,
// and reads the document of a sector.
func (a *app) reaches(ctx context.Context, m client.Metadata) error {
	outside := a.outside()
	for field, uri := range m.Fetched() {
		if outside.CheckURL(uri) != nil {
			return &fault.Error{Kind: fault.Invalid, Field: field, Msg: fmt.Sprintf("%q is no public https address on port 443; if it is one of your own network, list its host:port in clients.outbound_allow", uri)}
		}
	}
	if m.SectorIdentifierURI == "" {
		return nil
	}
	document, err := outside.Get(ctx, m.SectorIdentifierURI)
	if err != nil {
		return &fault.Error{Kind: fault.Invalid, Field: "sector_identifier_uri", Msg: fmt.Sprintf("%q cannot be read", m.SectorIdentifierURI), Err: err}
	}
	return m.CheckSector(document)
}
