package main

import (
	"context"

	"kejitong/provider"
	"kejitong/provider/entitlement"
	"kejitong/provider/integrator"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/portal"
	"kejitong/provider/web/visitor"
)

// wirePortal builds 我的信息 with its parts, in the order of their links.
func (a *app) wirePortal(kit *web.Kit, sessions *session.Service, hall *visitor.Hall) (provider.Surface, error) {
	return &portal.Handler{
		Develops: func(ctx context.Context, v *principal.Visit) (bool, error) {
			return a.console.Uses(ctx, integrator.Asker{Account: v.Principal.Account, Units: v.Principal.Units(a.clock())})
		},
		Web: kit, Visitors: hall, Names: &portal.RealName{Service: a.names, Papers: true, Now: a.clock},
		Parts: []portal.Part{
			&portal.Services{
				Issuer: a.cfg.Issuer, Clients: a.clients, Systems: a.db, Units: a.db, Principals: a.db, Clock: a.clock,
				Rights: a.rights,
				Asking: &entitlement.Asking{Store: a.db, Rights: a.db, Herald: a.herald, Now: a.clock},
			},
			&portal.Evidence{Cases: a.names, Documents: a.papers},
			a.handlersPart(sessions),
			a.holderPart(),
			a.securityPart(kit, sessions, hall),
			&portal.UnitGrants{Rights: a.rights, Handlers: a.handlers, Principals: a.db, Systems: a.db, Outbox: a.runner},
		},
	}, nil
}
