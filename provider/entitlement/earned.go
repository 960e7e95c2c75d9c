package entitlement

import (
	"slices"
	"time"

	"kejitong/provider/account"
)

// Earned gives the grants that the verification of an account brings: one for each
// system whose entry in the catalogue says so, that admits the account, and that
// it has no grant of this source for yet, whatever became of it. What a unit
// earns goes by its type: 高企 and 科小 are for enterprises (居民企业), an individual
// business (个体工商户) is none. A person earns only where the entry names persons.
func Earned(a account.Account, u *account.Unit, catalogue []System, had []Grant, now time.Time) []Grant {
	if !a.RealName.Verified() || a.Kind == account.LegalEntity && u == nil {
		return nil
	}
	unitID, unitType := "", ""
	if a.Kind == account.LegalEntity {
		unitID, unitType = u.ID, u.Type
	}
	var out []Grant
	for _, y := range catalogue {
		if !y.Earns(a.Kind, unitType) || y.Level != "" && !a.RealName.AtLeast(y.Level) {
			continue
		}
		if slices.ContainsFunc(had, func(g Grant) bool {
			return g.System == y.ID && g.UnitID == unitID && (g.Source == Verification || g.Live(now))
		}) {
			continue
		}
		out = append(out, Grant{
			ID: string(account.NewID()), Account: a.ID, UnitID: unitID, System: y.ID, Actions: slices.Clone(y.Actions), State: Active, Source: Verification, From: now,
		})
	}
	return out
}

// Unheld is what an account earns and never held, from whatever source and whatever
// became of it.
func Unheld(a account.Account, u *account.Unit, catalogue []System, had []Grant, now time.Time) []Grant {
	return slices.DeleteFunc(Earned(a, u, catalogue, had, now), func(g Grant) bool {
		return slices.ContainsFunc(had, func(h Grant) bool { return h.System == g.System && h.UnitID == g.UnitID })
	})
}

// Awakened gives what the move of the Torch accounts left pending until its person
// was verified, as it stands from now on: for twelve months, unless it ends sooner
// or the unit confirms it (G1).
func Awakened(mandates []Mandate, grants []Grant, now time.Time) ([]Mandate, []Grant) {
	var m []Mandate
	var g []Grant
	for _, one := range mandates {
		if next, err := one.After(Activate, now); err == nil && one.Source == TorchMigration {
			m = append(m, next)
		}
	}
	for _, one := range grants {
		if next, err := one.After(Activate, now); err == nil && one.Source == TorchMigration {
			g = append(g, next)
		}
	}
	return m, g
}
