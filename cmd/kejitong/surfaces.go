package main

import (
	"kejitong/provider"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
)

// surfaces builds what is mounted beside the protocol and the sign-in, each in a
// file wire_<name>.go of its own.
func (a *app) surfaces(kit *web.Kit, sessions *session.Service, hall *visitor.Hall) ([]provider.Surface, error) {
	var out []provider.Surface
	for _, wire := range []func(*web.Kit, *session.Service, *visitor.Hall) (provider.Surface, error){
		a.wirePortal,
		a.wireRecover,
		a.wireAdmin,
		a.wireHelp,
		a.wireEnroll,
		a.wireLookup,
		a.wireAPI,
		a.wireDiagnosis,
		a.wireConsole,
	} {
		s, err := wire(kit, sessions, hall)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
