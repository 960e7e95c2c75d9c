package main

import (
	"strings"
	"time"

	"kejitong/provider/holder"
	"kejitong/provider/web"
	"kejitong/provider/web/portal"
	"kejitong/templates"
)

// holderPart builds what holders do with their accounts, for the portal, and
// a.holders, which the housekeeping calls.
func (a *app) holderPart() *portal.Holder {
	r := a.cfg.Retention
	a.holders = &holder.Service{
		Store: a.db, Captchas: a.captchas, Codes: a.codes, Queue: a.messages, Now: a.clock,
		Browser: func(agent string) string {
			system, product := web.Device(agent)
			return strings.Trim(product+" "+system, " ")
		},
		Limits: holder.Limits{
			Cooling: r.ClosingCooling, Hold: r.MobileHold, Unused: r.UnusedAfter, Remind: r.UnusedNotice, Doubt: r.NumberDoubt,
			LoginFree: r.LoginNameBlocked,
		},
	}
	return &portal.Holder{
		Service: a.holders, Privacy: &holder.Privacy{Archive: a.db, Now: a.clock}, Captchas: a.captchas, Clients: a.clients, Systems: a.db,
		Kept: a.kept(), Contact: r.PrivacyContact,
	}
}

// kept is the table of what is kept for how long, as people read it.
func (a *app) kept() []templates.Kept {
	days := func(d time.Duration) int { return int(d / (24 * time.Hour)) }
	r := a.cfg.Retention
	return []templates.Kept{
		{Name: "profile"}, {Name: "cooling", Days: days(r.ClosingCooling)}, {Name: "login_name", Days: days(r.LoginNameBlocked)},
		{Name: "unused", Days: days(r.UnusedAfter)}, {Name: "messages", Days: 30}, {Name: "audit", Days: days(a.cfg.Audit.Retention)},
	}
}
