package entitlement

import (
	"slices"
	"time"
)

// Follows is the reason, in the history, of what became of a grant because the
// unit's own changed.
const Follows = "follows the unit's own grant"

// Bounded is g as far as own, a unit's own grants, hold it at now: what the unit has
// not, and when it has it no more, nobody has by its word. false if nothing is left.
func (g Grant) Bounded(own []Grant, now time.Time) (Grant, bool) {
	var actions []string
	for _, a := range g.Actions {
		until, held := longest(own, g, a, now)
		if !held {
			continue
		}
		actions = append(actions, a)
		if !until.IsZero() && (g.Until.IsZero() || until.Before(g.Until)) {
			g.Until = until
		}
	}
	g.Actions = actions
	return g, len(actions) > 0
}

// longest is until when own holds the action of g's system; zero for without end.
func longest(own []Grant, g Grant, action string, now time.Time) (until time.Time, held bool) {
	for _, o := range own {
		if o.UnitID != g.UnitID || o.System != g.System || !o.Live(now) || !slices.Contains(o.Actions, action) {
			continue
		}
		if o.Until.IsZero() {
			return time.Time{}, true
		}
		if held = true; o.Until.After(until) {
			until = o.Until
		}
	}
	return until, held
}

// PulledBack gives what becomes of the grants that a unit gave others, now that its
// own are own: those that change, as they are from now on. What the unit lost they
// lose for good; what it may not use for a while, they may not either, and what was
// stopped for that reason alone (by stopped) goes on with it.
func PulledBack(given, own []Grant, stopped func(Grant) (bool, error), now time.Time) ([]Grant, error) {
	var out []Grant
	for _, g := range given {
		if g.Source != Delegated || !g.State.Open() {
			continue
		}
		next, left := g.Bounded(own, now)
		switch {
		case !left && slices.ContainsFunc(own, func(o Grant) bool { return o.UnitID == g.UnitID && o.System == g.System && o.State == Suspended }):
			if g.State != Active {
				continue
			}
			next, next.State = g, Suspended
		case !left:
			next = g
			next.State, next.Until = Revoked, now
		case g.State == Suspended:
			was, err := stopped(g)
			if err != nil {
				return nil, err
			}
			if was {
				next.State = Active
			}
		}
		if next.State != g.State || !next.Until.Equal(g.Until) || len(next.Actions) != len(g.Actions) {
			out = append(out, next)
		}
	}
	return out, nil
}
