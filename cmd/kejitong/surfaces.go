package main

import (
	"kejitong/provider"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
)

// surfaces builds what is mounted beside the protocol and the sign-in, each in a
// file wire_<name>.go of its own.
func (a *app) surfaces(_ *web.Kit, _ *session.Service, _ *visitor.Hall) ([]provider.Surface, error) {
	return nil, nil
}
