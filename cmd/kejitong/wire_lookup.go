package main

import (
	"kejitong/provider"
	"kejitong/provider/session"
	"kejitong/provider/torch"
	"kejitong/provider/web"
	"kejitong/provider/web/lookup"
	"kejitong/provider/web/visitor"
)

// wireLookup builds 账号检索.
func (a *app) wireLookup(kit *web.Kit, _ *session.Service, _ *visitor.Hall) (provider.Surface, error) {
	return &lookup.Handler{
		Web: kit, Lookup: &torch.Lookup{Store: a.db, Captchas: a.captchas, Codes: a.codes, Now: a.clock}, Captchas: a.captchas,
		Keys: a.ring.Snapshot, Counter: a.db, Now: a.clock,
	}, nil
}
