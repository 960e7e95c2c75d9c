package main

import "context"

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
