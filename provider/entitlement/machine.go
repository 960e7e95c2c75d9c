package entitlement

import (
	"time"

	"kejitong/provider/fault"
)

// Deed is what may be done to a mandate or a grant once it is there.
type Deed string

// The deeds. Confirm is the unit's own word for what the migration gave: from
// then on it is delegated (G1).
const (
	Activate Deed = "activate"
	Suspend  Deed = "suspend"
	Resume   Deed = "resume"
	Confirm  Deed = "confirm"
	Revoke   Deed = "revoke"
	Expire   Deed = "expire"
)

// Deeds lists them.
func Deeds() []Deed { return []Deed{Activate, Suspend, Resume, Confirm, Revoke, Expire} }

// Altered is no state that is ever stored: it is what a row gives that somebody
// changed past the provider. All that can be done about it is to revoke it.
const Altered State = "altered"

// MigratedFor is how long what the migration gave holds at most, unless the unit
// confirms it.
func MigratedFor(from time.Time) time.Time { return from.AddDate(1, 0, 0) }

// term is what mandates and grants have in common.
type term struct {
	state  State
	source Source
	until  time.Time
}

// over tells whether the time that was given has run out.
func (t term) over(now time.Time) bool { return !t.until.IsZero() && !now.Before(t.until) }

// after is the one machine of both: what t becomes when d is done at now, or
// fault.Conflict where that is no step.
//
//	pending ──activate──▶ active ◀──resume── suspended
//	                      active ──suspend─▶
//	pending, active, suspended ──revoke──▶ revoked    (for good)
//	pending, active, suspended ──expire──▶ expired    (for good, when the time is over)
func (t term) after(d Deed, now time.Time) (term, error) {
	open, ok := t.state.Open(), false
	switch d {
	case Activate:
		if ok = t.state == Pending && !t.over(now); ok {
			t.state = Active
			if most := MigratedFor(now); t.source == TorchMigration && (t.until.IsZero() || t.until.After(most)) {
				t.until = most
			}
		}
	case Suspend:
		ok, t.state = t.state == Active && !t.over(now), Suspended
	case Resume:
		ok, t.state = t.state == Suspended && !t.over(now), Active
	case Confirm:
		ok, t.source = t.state == Active && t.source == TorchMigration && !t.over(now), Delegated
	case Revoke:
		ok, t.state, t.until = open || t.state == Altered, Revoked, now
	case Expire:
		ok, t.state = open && t.over(now), Expired
	}
	if !ok {
		return term{}, fault.New(fault.Conflict, "its state does not let one %s it", string(d))
	}
	return t, nil
}

// After gives the grant after d; fault.Conflict where d cannot be done to it.
func (g Grant) After(d Deed, now time.Time) (Grant, error) {
	t, err := term{g.State, g.Source, g.Until}.after(d, now)
	if err != nil {
		return g, err
	}
	g.State, g.Source, g.Until = t.state, t.source, t.until
	return g, nil
}

// After is Grant.After for a mandate.
func (m Mandate) After(d Deed, now time.Time) (Mandate, error) {
	t, err := term{m.State, m.Source, m.Until}.after(d, now)
	if err != nil {
		return m, err
	}
	m.State, m.Source, m.Until = t.state, t.source, t.until
	return m, nil
}
