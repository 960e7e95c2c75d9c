package main

import (
	"context"

	"kejitong/provider/entitlement"
	"kejitong/provider/realname"
)

// entitlements builds what happens to mandates and grants by rule, and what units
// decide about them.
func (a *app) entitlements() *entitlement.Service {
	return &entitlement.Service{Store: a.db, Herald: a.herald, Now: a.clock}
}

// earn gives a freshly verified account what the catalogue opens to it.
func (a *app) earn(ctx context.Context, c realname.Change) error {
	return a.rights.Earn(ctx, c.After.Account, c.After.Unit)
}

// awaken makes what the migration left for a person until they were verified
// valid.
func (a *app) awaken(ctx context.Context, c realname.Change) error {
	if c.Before.Account.RealName.Verified() {
		return nil
	}
	return a.rights.Awaken(ctx, c.After.Account.ID)
}

// adoptRights gives mandates and grants from before there were MACs theirs: at the
// first start, or the first command, after the schema was brought up to date.
func (a *app) adoptRights(ctx context.Context) error {
	n, err := a.db.AdoptRights(ctx)
	if err == nil && n > 0 {
		a.log.Info("mandates and grants from before have their MACs now", "rows", n)
	}
	return err
}

// altered says in the log that somebody changed a mandate or grant past us.
func (a *app) altered(kind, id string) {
	if _, known := a.doubted.LoadOrStore(kind+id, true); !known {
		a.log.Error("A MANDATE OR GRANT WAS CHANGED IN THE DATABASE PAST THE PROVIDER: it gives nothing", "kind", kind, "id", id)
	}
}

// examined is how many mandates, and how many grants, the background looks at in a
// minute.
const examined = 2000

// examineRights looks at some more of the mandates and grants, and at the first
// ones again after the last. What was changed past us is recorded, once each.
func (a *app) examineRights(ctx context.Context, after string) (string, error) {
	found, last, err := a.db.ExamineRights(ctx, after, examined)
	if err != nil {
		return after, err
	}
	for _, c := range found {
		if _, err := a.db.ReportAltered(ctx, c); err != nil {
			return after, err
		}
	}
	return last, nil
}

// expireRights says of mandates and grants that ran out that they did.
func (a *app) expireRights(ctx context.Context) error {
	n, err := a.rights.Expire(ctx)
	if n > 0 {
		a.runner.Wake()
	}
	return err
}
