package main

import (
	"context"

	"kejitong/provider"
	"kejitong/provider/account"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/console"
	"kejitong/provider/web/visitor"
)

// wireDiagnosis builds the pages that tell a client's team why something does not
// work.
func (a *app) wireDiagnosis(kit *web.Kit, _ *session.Service, hall *visitor.Hall) (provider.Surface, error) {
	team := a.team
	if team == nil {
		team = noTeam{}
	}
	return &console.Diagnosis{Web: kit, Visitors: hall, Team: team, Clients: a.db, Log: a.reasons, Now: a.clock}, nil
}

// noTeam is the team of clients that only operators know.
type noTeam struct{}

// MayRead lets nobody in.
func (noTeam) MayRead(context.Context, account.ID, string) (bool, error) { return false, nil }
