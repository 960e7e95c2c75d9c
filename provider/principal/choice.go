package principal

import (
	"slices"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
)

// Alone stands for "no unit" where a unit is chosen.
const Alone = "self"

// Choices are the units for which a person may enter the client: those with a
// live grant in one of its systems, or, for a client without systems, every
// unit the person holds a live mandate for.
func Choices(c *client.Client, who Principal, now time.Time) []entitlement.Mandate {
	var out []entitlement.Mandate
	for _, m := range who.Mandates {
		if m.Live(now) && opens(c, who, m.Unit.ID, now) {
			out = append(out, m)
		}
	}
	return out
}

// EntersAlone tells whether a person may enter the client for nobody else.
func EntersAlone(c *client.Client, who Principal, now time.Time) bool {
	return opens(c, who, "", now)
}

func opens(c *client.Client, who Principal, unitID string, now time.Time) bool {
	m := c.Metadata
	return len(m.BusinessSystems) == 0 || len(entitlement.For(who.Grants, unitID, m.BusinessSystems, m.AcceptMigrated, now)) > 0
}

// Unconfirmed gives the client's systems that who enters for the unit now without
// having confirmed the unit's data as they are. Nothing is to be confirmed where
// nobody is stood for, nor at a client whose gate is open to everybody.
func Unconfirmed(c *client.Client, who Principal, entered []entitlement.Entry, unitID string, now time.Time) []entitlement.SystemID {
	m := c.Metadata
	if unitID == "" || len(m.BusinessSystems) == 0 || m.AllowUnverified {
		return nil
	}
	acts, ok := who.ActsFor(unitID, now)
	if !ok {
		return nil
	}
	return entitlement.Unconfirmed(entitlement.For(who.Grants, unitID, m.BusinessSystems, m.AcceptMigrated, now), acts.Unit, entered)
}

// Stand is for whom somebody enters a client.
type Stand struct {
	Unit    string // the unit's id; empty for nobody else
	Needed  bool   // several are possible and none was named: one token is for one unit
	Refused bool   // the unit that the request names is not one of theirs
}

// StandFor says for which unit a token would speak: a legal account's own; the
// one that hint (a USCC, in any letter case) or the choice made (a unit's id, or Alone)
// names; the only one that opens the client's systems.
func StandFor(c *client.Client, who Principal, hint, chosen string, now time.Time) Stand {
	hint = strings.ToUpper(strings.TrimSpace(hint))
	if who.Account.Kind == account.LegalEntity {
		if who.Unit == nil {
			return Stand{}
		}
		return Stand{Unit: who.Unit.ID, Refused: hint != "" && string(who.Unit.USCC) != hint}
	}
	if hint != "" {
		for _, m := range who.Mandates {
			if string(m.Unit.USCC) == hint && m.Live(now) {
				return Stand{Unit: m.Unit.ID}
			}
		}
		return Stand{Refused: true}
	}
	choices, alone := Choices(c, who, now), EntersAlone(c, who, now)
	if chosen == Alone && alone {
		return Stand{}
	}
	if slices.ContainsFunc(choices, func(m entitlement.Mandate) bool { return m.Unit.ID == chosen }) {
		return Stand{Unit: chosen}
	}
	switch {
	case len(choices) == 0:
		return Stand{}
	case len(choices) == 1 && !alone:
		return Stand{Unit: choices[0].Unit.ID}
	}
	return Stand{Needed: true}
}
