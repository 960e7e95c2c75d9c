package entitlement

import (
	"slices"
	"time"

	"kejitong/provider/account"
)

// Opening is how a system of the catalogue stands open to an account, for a unit or
// for itself.
type Opening string

// The openings. Only Open is a way in; the others say what is missing.
const (
	Open         Opening = "open"
	NameMissing  Opening = "name_missing"  // no real name yet, or the level is too low
	KindRefused  Opening = "kind_refused"  // the system is for the other kind of account
	TypeRefused  Opening = "type_refused"  // not for units of this type
	GrantWaits   Opening = "grant_waits"   // a grant waits for the account's real name
	GrantLater   Opening = "grant_later"   // a grant holds from later on
	GrantPaused  Opening = "grant_paused"  // suspended
	GrantEnded   Opening = "grant_ended"   // there was one, and it ran out or was taken away
	GrantMissing Opening = "grant_missing" // nobody granted it yet
)

// OpenTo says how y stands open to a: for the unit u, or for itself if u is nil.
func (s System) OpenTo(a account.Account, u *account.Unit, grants []Grant, now time.Time) Opening {
	unitID := ""
	if u != nil {
		unitID = u.ID
	}
	var mine []Grant
	for _, g := range grants {
		if g.System == s.ID && g.UnitID == unitID {
			mine = append(mine, g)
		}
	}
	has := func(f func(Grant) bool) bool { return slices.ContainsFunc(mine, f) }
	named := a.RealName.Verified() && a.RealName.AtLeast(s.least())
	switch {
	case has(func(g Grant) bool { return g.Live(now) }) && named:
		return Open
	case has(func(g Grant) bool { return g.Live(now) || g.State == Pending }) && !named:
		if has(func(g Grant) bool { return g.State == Pending }) {
			return GrantWaits
		}
		return NameMissing
	case !s.Admits(a.Kind, ""):
		return KindRefused
	case u != nil && !s.Admits(a.Kind, u.Type):
		return TypeRefused
	case !named:
		return NameMissing
	case has(func(g Grant) bool { return g.State == Pending }):
		return GrantWaits
	case has(func(g Grant) bool { return g.State == Suspended }):
		return GrantPaused
	case has(func(g Grant) bool { return g.State == Active && now.Before(g.From) }):
		return GrantLater
	case len(mine) > 0:
		return GrantEnded
	}
	return GrantMissing
}

// least is the lowest level at which a system is entered.
func (s System) least() string {
	if s.Level == "" {
		return "L2"
	}
	return s.Level
}

// Standing is the state of the grant as its holder sees it at now: what a time has
// ended is over, whatever the row says.
func (g Grant) Standing(now time.Time) State {
	if g.State.Open() && !g.Until.IsZero() && !now.Before(g.Until) {
		return Expired
	}
	return g.State
}
