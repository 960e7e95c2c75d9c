// Package entitlement is who may enter which business system, for which unit:
// the catalogue of systems, the mandates by which a person acts for a unit,
// and the grants that open a system's actions. It knows nothing of clients; a
// client names the systems it owns.
package entitlement

import (
	"slices"
	"sort"
	"time"

	"kejitong/provider/account"
)

// Relation says how an account stands to a unit.
type Relation string

// The relations. Self is a legal account and its own unit.
const (
	Self     Relation = "self"
	LegalRep Relation = "legal_rep"
	Admin    Relation = "admin"
	Handler  Relation = "handler"
)

// State is where a mandate or grant stands in its life.
type State string

// The states of mandates and grants.
const (
	Pending   State = "pending"
	Active    State = "active"
	Suspended State = "suspended"
	Revoked   State = "revoked"
	Expired   State = "expired"
)

// Open tells whether anything can still become of what stands so; pending and
// suspended ones give nothing meanwhile.
func (s State) Open() bool { return s == Pending || s == Active || s == Suspended }

// Over tells whether it ended for good.
func (s State) Over() bool { return s == Revoked || s == Expired }

// Source says where a grant or mandate came from.
type Source string

// The sources. TorchMigration marks what the move of the Torch accounts gave;
// a client may refuse those (accept_migrated_grants).
const (
	Direct         Source = "direct"
	Delegated      Source = "delegated"
	Verification   Source = "verification"
	TorchMigration Source = "torch_migration"
)

// Mandate lets a natural person act for a unit.
type Mandate struct {
	ID       string
	Account  account.ID
	Unit     account.Unit
	Relation Relation
	State    State
	Source   Source
	From     time.Time
	Until    time.Time // zero: open-ended
}

// Grant lets an account use actions of a system, for a unit or (UnitID empty)
// for itself.
type Grant struct {
	ID      string
	Account account.ID
	UnitID  string
	System  SystemID
	Actions []string
	State   State
	Source  Source
	From    time.Time
	Until   time.Time // zero: open-ended
}

func live(s State, from, until, now time.Time) bool {
	return s == Active && !now.Before(from) && (until.IsZero() || now.Before(until))
}

// Live tells whether the mandate holds at now and its unit exists.
func (m Mandate) Live(now time.Time) bool {
	return live(m.State, m.From, m.Until, now) && m.Unit.Usable()
}

// Live tells whether the grant holds at now.
func (g Grant) Live(now time.Time) bool { return live(g.State, g.From, g.Until, now) }

// Takes tells whether putting next in m's place takes from its holder, at now,
// anything that tokens may say of m. A time that will run out later is no end.
func (m Mandate) Takes(next Mandate, now time.Time) bool {
	return m.State == Active && (next.State != Active ||
		live(m.State, m.From, m.Until, now) && !live(next.State, next.From, next.Until, now) ||
		next.Account != m.Account || next.Unit.ID != m.Unit.ID || next.Relation != m.Relation || migrates(m.Source, next.Source))
}

// Takes is Mandate.Takes for a grant and its actions.
func (g Grant) Takes(next Grant, now time.Time) bool {
	return g.State == Active && (next.State != Active || g.Live(now) && !next.Live(now) ||
		next.Account != g.Account || next.UnitID != g.UnitID || next.System != g.System || migrates(g.Source, next.Source) ||
		slices.ContainsFunc(g.Actions, func(action string) bool { return !slices.Contains(next.Actions, action) }))
}

// migrates tells whether the source becomes the one that clients may refuse.
func migrates(from, to Source) bool { return from != TorchMigration && to == TorchMigration }

// For narrows grants to those that hold at now for unitID ("" means the account
// itself) in one of systems. With migrated false, grants of the Torch
// migration do not count.
func For(grants []Grant, unitID string, systems []SystemID, migrated bool, now time.Time) []Grant {
	var out []Grant
	for _, g := range grants {
		if g.UnitID != unitID || !g.Live(now) || (!migrated && g.Source == TorchMigration) {
			continue
		}
		for _, s := range systems {
			if g.System == s {
				out = append(out, g)
				break
			}
		}
	}
	return out
}

// Scope is actions of one system.
type Scope struct {
	System  SystemID `json:"s"`
	Actions []string `json:"a"`
}

// Together gives what grants open: each system once, in the order of the grants,
// with every action that any of them names.
func Together(grants []Grant) []Scope {
	var out []Scope
	for _, g := range grants {
		at := slices.IndexFunc(out, func(s Scope) bool { return s.System == g.System })
		if at < 0 {
			out, at = append(out, Scope{System: g.System}), len(out)
		}
		for _, a := range g.Actions {
			if !slices.Contains(out[at].Actions, a) {
				out[at].Actions = append(out[at].Actions, a)
			}
		}
	}
	return out
}

// Names gives the entitlements of grants as "<system>:<action>", sorted,
// without repeats, never nil (an empty array says "none").
func Names(grants []Grant) []string {
	out := []string{}
	seen := map[string]bool{}
	for _, g := range grants {
		for _, a := range g.Actions {
			n := string(g.System) + ":" + a
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	sort.Strings(out)
	return out
}
