package main

import (
	"kejitong/provider"
	"kejitong/provider/keys"
	"kejitong/provider/session"
	"kejitong/provider/signup"
	"kejitong/provider/web"
	"kejitong/provider/web/enroll"
	"kejitong/provider/web/visitor"
)

// wireEnroll builds registration and the search for login names.
func (a *app) wireEnroll(kit *web.Kit, _ *session.Service, _ *visitor.Hall) (provider.Surface, error) {
	c := a.cfg.SignUp
	return &enroll.Handler{
		Web: kit, Flow: a.db, Clients: a.clients, Now: a.clock, TermsURL: c.TermsURL, PrivacyURL: c.PrivacyURL,
		SignUp: &signup.Service{
			Store: a.db, Captchas: a.captchas, Codes: a.codes, Notices: a.messages, Hasher: a.hasher, Policy: a.policy(),
			Limits: signup.Limits{PerAddress: c.PerAddress, Window: c.Window}, Terms: c.TermsVersion,
			MAC: func(parts ...string) []byte { return a.ring.Snapshot().MAC(keys.Throttle, parts...) }, Now: a.clock,
		},
	}, nil
}
