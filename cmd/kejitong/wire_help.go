package main

import (
	"context"

	"kejitong/provider"
	"kejitong/provider/operator"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/help"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// wireHelp builds the platform's own manual.
func (a *app) wireHelp(kit *web.Kit, _ *session.Service, _ *visitor.Hall) (provider.Surface, error) {
	kit.Notices = a.posted
	return &help.Handler{Web: kit, Now: a.clock, Kept: a.kept(), Contact: a.cfg.Retention.PrivacyContact}, nil
}

// posted gives the operators' notices from memory: no page waits for them.
func (a *app) posted() []templates.Notice {
	list := a.notices.Load()
	if list == nil {
		return nil
	}
	now := a.clock()
	var out []templates.Notice
	for _, n := range *list {
		if n.Shown(now) {
			out = append(out, templates.Notice{Chinese: n.TextZH, English: n.TextEN, Severity: string(n.Severity)})
		}
	}
	return out
}

// readNotices looks at the board; what cannot be read leaves what there was.
func (a *app) readNotices(ctx context.Context) {
	all, err := a.db.RecentNotices(ctx, shownNotices)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("read notices", "error", err)
		}
		return
	}
	var standing []operator.Notice
	for _, n := range all {
		if n.EndedAt.IsZero() && a.clock().Before(n.Until) {
			standing = append(standing, n)
		}
	}
	a.notices.Store(&standing)
}

// shownNotices bounds how many notices are looked at.
const shownNotices = 20
