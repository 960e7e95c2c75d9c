package entitlement

import (
	"slices"
	"time"

	"kejitong/provider/account"
)

// earned says which types of unit a system is open to once they are verified: 高企
// and 科小 are for enterprises (居民企业), an individual business (个体工商户) is
// none.
var earned = map[SystemID][]string{
	"hightech_enterprise": {account.UnitEnterprise},
	"tech_sme":            {account.UnitEnterprise},
}

// Earned gives the grants that the verification of a unit's account brings: one
// for each system of the catalogue that is open to its type and that the account
// has no grant of this source for yet, whatever became of it. A natural person
// earns none.
func Earned(a account.Account, u *account.Unit, catalogue []System, had []Grant, now time.Time) []Grant {
	if a.Kind != account.LegalEntity || u == nil || !a.RealName.Verified() {
		return nil
	}
	var out []Grant
	for _, y := range catalogue {
		if !slices.Contains(earned[y.ID], u.Type) || len(y.AccountKinds) > 0 && !slices.Contains(y.AccountKinds, a.Kind) || !a.RealName.AtLeast(y.Level) {
			continue
		}
		if slices.ContainsFunc(had, func(g Grant) bool {
			return g.System == y.ID && g.UnitID == u.ID && (g.Source == Verification || g.Live(now))
		}) {
			continue
		}
		out = append(out, Grant{
			ID: string(account.NewID()), Account: a.ID, UnitID: u.ID, System: y.ID, Actions: slices.Clone(y.Actions), State: Active, Source: Verification, From: now,
		})
	}
	return out
}

// Awakened gives what the move of the Torch accounts left pending until its person
// was verified, as it stands from now on: for twelve months, unless it ends sooner.
func Awakened(mandates []Mandate, grants []Grant, now time.Time) ([]Mandate, []Grant) {
	var m []Mandate
	var g []Grant
	end := func(until time.Time) time.Time {
		if most := now.AddDate(1, 0, 0); until.IsZero() || until.After(most) {
			return most
		}
		return until
	}
	for _, one := range mandates {
		if one.State == Pending && one.Source == TorchMigration && (one.Until.IsZero() || now.Before(one.Until)) {
			one.State, one.Until = Active, end(one.Until)
			m = append(m, one)
		}
	}
	for _, one := range grants {
		if one.State == Pending && one.Source == TorchMigration && (one.Until.IsZero() || now.Before(one.Until)) {
			one.State, one.Until = Active, end(one.Until)
			g = append(g, one)
		}
	}
	return m, g
}
