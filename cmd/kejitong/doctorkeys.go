package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kejitong/config"
	"kejitong/provider/keys"
	"kejitong/store"
)

const (
	// yearly is how old a key may be that somebody has to rotate by hand.
	yearly = 400 * 24 * time.Hour
	// overdue is how long a rotation may take that servers finish by themselves.
	overdue = 3 * keys.KeptFor
)

// keys opens every key with the root key, without making any.
func (e *examination) keys(ctx context.Context, c config.Config, db *store.DB) {
	const check = "keys"
	rows, err := db.Keys(ctx)
	if err != nil {
		e.fail(check, err.Error(), "look at the rights of the database's role")
		return
	}
	if len(rows) == 0 {
		e.warn(check, "there are none yet", "the first start makes them")
		return
	}
	ring := &keys.Ring{Store: db, Root: c.Keys.RootKey.Bytes(), Now: now}
	if err := ring.Reload(ctx); err != nil {
		e.fail(check, err.Error(), "put the root key back that this database was made with; a new one opens nothing")
		return
	}
	e.signing(c, rows)
	e.root(ctx, keys.RootID(ring.Root), db)
	e.ages(rows)
}

// signing looks whether every algorithm has a key that is not too old.
func (e *examination) signing(c config.Config, rows []keys.Row) {
	const check = "keys"
	active, next, old := map[keys.Algorithm]bool{}, 0, false
	for _, k := range rows {
		switch {
		case k.Purpose != keys.Sign:
		case k.State == keys.Next:
			next++
		case k.State == keys.Active:
			active[k.Algorithm] = true
			old = old || now().Sub(k.ActivatedAt) > c.Keys.RotateAfter
		}
	}
	for _, a := range keys.Algorithms() {
		if !active[a] {
			e.warn(check, "no key signs "+string(a), "the next start makes one")
			return
		}
	}
	switch {
	case old:
		e.warn(check, fmt.Sprintf("signing keys are older than keys.rotate_after (%v)", c.Keys.RotateAfter), "kejitong keys rotate signing")
	case next < len(keys.Algorithms()):
		e.ok(check, "%d open with the root key; each algorithm signs; the next keys are made by the server", len(rows))
	default:
		e.ok(check, "%d open with the root key; each algorithm signs and has its next key published", len(rows))
	}
}

// root tells which root key is in force, and of a change that waits.
func (e *examination) root(ctx context.Context, mine string, db *store.DB) {
	const check = "root key"
	roots, err := db.Roots(ctx)
	switch {
	case err != nil:
		e.fail(check, err.Error(), "look at the rights of the database's role")
	case len(roots) == 0:
		e.ok(check, "%s opens the database; the next start enters it", mine)
	case len(roots) > 1 && roots[0].ID != mine:
		e.warn(check, fmt.Sprintf("is being changed since %s: %s, which is configured here, is accepted beside %s until the change is confirmed", day(roots[0].Since), mine, roots[0].ID),
			"put the new root key into keys.root_key_file and restart (docs/operate.md, Changing the root key)")
	case len(roots) > 1:
		e.warn(check, fmt.Sprintf("is being changed since %s: %s is accepted as well, and no new key is made", day(roots[0].Since), roots[1].ID),
			"when every server has this one: kejitong keys rotate root --confirm")
	case now().Sub(roots[0].Since) > yearly:
		e.warn(check, fmt.Sprintf("%s is in force since %s", mine, day(roots[0].Since)), "change it once a year (docs/operate.md, Changing the root key)")
	default:
		e.ok(check, "%s is in force since %s", mine, day(roots[0].Since))
	}
}

// ages looks for keys that somebody should rotate, and for rotations that are not at
// their end.
func (e *examination) ages(rows []keys.Row) {
	for _, group := range []struct {
		check, command string
		purposes       []keys.Purpose
	}{{"sealing keys", "kejitong keys rotate sealing", keys.Sealing()}, {"digest keys", "kejitong keys rotate digests", keys.Digests()}} {
		var oldest, waits time.Time
		var under []string
		for _, k := range rows {
			switch {
			case !slices.Contains(group.purposes, k.Purpose):
			case k.State == keys.Active:
				if oldest.IsZero() || k.ActivatedAt.Before(oldest) {
					oldest = k.ActivatedAt
				}
			default:
				since := k.CreatedAt
				if k.State != keys.Next {
					since = k.RetiredAt
				}
				if waits.IsZero() || since.Before(waits) {
					waits = since
				}
				under = append(under, fmt.Sprintf("%s %s", k.Purpose, k.State))
			}
		}
		slices.Sort(under)
		switch list := strings.Join(slices.Compact(under), ", "); {
		case len(under) > 0 && now().Sub(waits) > overdue:
			e.warn(group.check, fmt.Sprintf("a rotation is not at its end since %s: %s", day(waits), list), "let a server run and look at its log, or run "+group.command+" again")
		case len(under) > 0:
			e.ok(group.check, "a rotation is under way since %s (%s); servers finish it", day(waits), list)
		case !oldest.IsZero() && now().Sub(oldest) > yearly:
			e.warn(group.check, "the oldest is in use since "+day(oldest), "once a year: "+group.command)
		default:
			e.ok(group.check, "the oldest is in use since %s", day(oldest))
		}
	}
}
