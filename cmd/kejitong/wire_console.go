package main

import (
	"time"

	"kejitong/provider"
	"kejitong/provider/client"
	"kejitong/provider/integrator"
	"kejitong/provider/oidc"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/console"
	"kejitong/provider/web/visitor"
)

// wireConsole builds the pages of those who connect systems.
func (a *app) wireConsole(kit *web.Kit, _ *session.Service, hall *visitor.Hall) (provider.Surface, error) {
	return &console.Handler{Web: kit, Visitors: hall, Service: a.console, Principals: a.db, Issuer: a.cfg.Issuer, Now: a.clock}, nil
}

// integrators builds what connects systems.
func (a *app) integrators(op *oidc.Provider) *integrator.Service {
	return &integrator.Service{
		Store: a.db, Queue: a.messages, Now: a.clock, Vet: op.Vet, Hash: a.hasher.Hash, Changed: a.clients.Expire, Platform: a.platformNames(), TestCode: a.codes.TestCode,
		Rotate: func(c *client.Client, secret string, until time.Time) error {
			if until.IsZero() {
				return c.SetSecret(a.ring.Snapshot(), secret)
			}
			return c.Rotate(a.ring.Snapshot(), secret, until)
		},
	}
}
