package main

import (
	"github.com/go-webauthn/webauthn/webauthn"

	"kejitong/provider/factor"
	"kejitong/provider/keys"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/portal"
	"kejitong/provider/web/visitor"
)

// platformName is what authenticators call the platform.
func (a *app) platformName() string {
	if name := a.cfg.Platform.NameZH; name != "" {
		return name
	}
	return "Kejitong"
}

// secondFactors builds what accounts and operators prove beside a password;
// a.factors serves every surface.
func (a *app) secondFactors(party *webauthn.WebAuthn) {
	a.factors = &factor.Service{
		Store: a.db, Issuer: a.platformName(), Passkeys: party, Key: a.ring.Snapshot().Current(keys.FactorMAC).Bytes, Herald: a.herald,
		Now: a.clock,
	}
}

// securityPart is 登录与安全 and 登录设备.
func (a *app) securityPart(kit *web.Kit, sessions *session.Service, hall *visitor.Hall) portal.Part {
	return &portal.Security{
		Web: kit, Visitors: hall, Factors: a.factors, Credentials: a.credentials(), Sessions: sessions, Audit: a.db, Herald: a.herald,
		Outbox: a.runner, Now: a.clock,
	}
}
