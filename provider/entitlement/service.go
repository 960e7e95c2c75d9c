package entitlement

import (
	"context"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Store keeps mandates, grants and the catalogue.
type Store interface {
	// InTx runs fn in a transaction; what fn does with its ctx stands or falls
	// together.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// Systems gives the catalogue.
	Systems(ctx context.Context) ([]System, error)
	// PutSystem inserts s or replaces the system with its id, with a line of its
	// history and the audit row.
	PutSystem(ctx context.Context, s System, ev audit.Event) error
	// ReviseSystem hands the entry that r is about, locked against everybody else and
	// nil if there is none, to look, and then does what PutSystem does; an error of
	// look undoes all. Of two that enter the same one the second gets fault.Conflict.
	ReviseSystem(ctx context.Context, r Revision, look func(*System) error, ev audit.Event) error
	// PutGrant inserts g or replaces the grant with its id, with its MAC, a line of
	// its history and the audit row. What is taken by it ends the holder's tokens at
	// the clients that own the system, and owes those a back-channel logout.
	PutGrant(ctx context.Context, g Grant, ev audit.Event) error
	// ChangeMandate and ChangeGrant hand the one with the id, locked against
	// everybody else, to change and keep what that gives as PutGrant does, with ev of
	// that object; an error of change undoes all. fault.NotFound if there is none.
	ChangeMandate(ctx context.Context, id string, change func(Mandate) (Mandate, error), ev audit.Event) error
	ChangeGrant(ctx context.Context, id string, change func(Grant) (Grant, error), ev audit.Event) error
	// RightsOf gives all that an account holds or held; of units only their ids.
	RightsOf(ctx context.Context, id account.ID) ([]Mandate, []Grant, error)
	// RightsFor gives what anybody holds or held for a unit, up to limit of each,
	// ordered by account.
	RightsFor(ctx context.Context, unitID string, limit int) ([]Mandate, []Grant, error)
	// DueRights gives up to limit mandates and grants whose time is over and that do
	// not say so yet.
	DueRights(ctx context.Context, now time.Time, limit int) ([]Mandate, []Grant, error)
	// HeldUnit gives a unit, and holds it until the transaction ends: of two changes
	// of what others may do for it the later sees the earlier.
	HeldUnit(ctx context.Context, id string) (account.Unit, error)
	// HeldAccount gives an account, and holds it until the transaction ends.
	HeldAccount(ctx context.Context, id account.ID) (account.Account, error)
	// Ruler gives the active legal account of a unit with its verification; an empty
	// id if there is none.
	Ruler(ctx context.Context, unitID string) (account.ID, account.RealName, error)
	// UnitName gives the name of a unit, "" if there is none.
	UnitName(ctx context.Context, unitID string) (string, error)
}

// Herald tells the owner of an account something, on every proved channel, within
// ctx's transaction.
type Herald interface {
	Tell(ctx context.Context, id account.ID, purpose string, args ...string) error
}

// The purposes of the notices; "notify.<purpose>" is the text. The first place is
// the time, the second the unit's name.
const (
	NoticeAwakened  = "rights_awakened"  // to the unit: somebody was verified who may act for it since the migration
	NoticeConfirmed = "rights_confirmed" // to the holder
	NoticeRevoked   = "rights_revoked"   // to the holder
)

// Service is what happens to mandates and grants by rule, and what a unit decides
// about those of others. All fields must be set.
type Service struct {
	Store  Store
	Herald Herald
	Now    func() time.Time
}

// Earn gives an account that was just verified what the catalogue opens to it.
func (s *Service) Earn(ctx context.Context, a account.Account, u *account.Unit) error {
	catalogue, had, err := s.bearings(ctx, a.ID)
	if err != nil {
		return err
	}
	return s.give(ctx, Earned(a, u, catalogue, had, s.Now()), "verification")
}

// CatchUp gives an account what the catalogue opened to accounts like it after it
// was verified: a system that is new, or that admits more than before. It tells
// whether anything came. It is asked when something may be missing, with what was
// read for the page anyway (had are all grants that the account holds or held), so
// that no change of the catalogue has to touch every account at once. Whoever ever
// held a grant of the system for the unit, from whatever source, gets none by it:
// what was taken does not come back.
func (s *Service) CatchUp(ctx context.Context, a account.Account, u *account.Unit, catalogue []System, had []Grant) (came bool, err error) {
	if a.State != account.Active || a.Sandbox != "" || len(Unheld(a, u, catalogue, had, s.Now())) == 0 {
		return false, nil
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		a, err := s.Store.HeldAccount(ctx, a.ID) // of two at once the later finds what the earlier gave
		if err != nil || a.State != account.Active {
			return err
		}
		var u *account.Unit
		if a.Kind == account.LegalEntity && a.UnitID != "" {
			held, err := s.Store.HeldUnit(ctx, a.UnitID)
			if err != nil {
				return err
			}
			u = &held
		}
		catalogue, had, err := s.bearings(ctx, a.ID)
		if err != nil {
			return err
		}
		owed := Unheld(a, u, catalogue, had, s.Now())
		came = len(owed) > 0
		return s.give(ctx, owed, "catalogue")
	})
	return came && err == nil, err
}

// bearings are the catalogue, and all that an account holds or held.
func (s *Service) bearings(ctx context.Context, id account.ID) (catalogue []System, had []Grant, err error) {
	if catalogue, err = s.Store.Systems(ctx); err == nil {
		_, had, err = s.Store.RightsOf(ctx, id)
	}
	return catalogue, had, err
}

func (s *Service) give(ctx context.Context, grants []Grant, actor string) error {
	for _, g := range grants {
		ev := audit.Event{Kind: audit.EntitlementMade, Actor: actor, Object: g.ID, Detail: string(g.System)}
		if err := s.Store.PutGrant(ctx, g, audit.From(ctx, ev)); err != nil {
			return err
		}
	}
	return nil
}

// Awaken makes what the migration left for a person until they were verified
// valid, and tells the verified legal account of each unit concerned: it may
// confirm or revoke it (G1).
func (s *Service) Awaken(ctx context.Context, id account.ID) error {
	mandates, grants, err := s.Store.RightsOf(ctx, id)
	if err != nil {
		return err
	}
	now := s.Now()
	mandates, grants = Awakened(mandates, grants, now)
	ev := audit.From(ctx, audit.Event{Kind: audit.EntitlementMade, Actor: "verification", Detail: "migrated"})
	var units []string
	for _, m := range mandates {
		if err := s.Store.ChangeMandate(ctx, m.ID, func(m Mandate) (Mandate, error) { return m.After(Activate, now) }, ev); err != nil {
			return err
		}
		units = append(units, m.Unit.ID)
	}
	for _, g := range grants {
		if err := s.Store.ChangeGrant(ctx, g.ID, func(g Grant) (Grant, error) { return g.After(Activate, now) }, ev); err != nil {
			return err
		}
		units = append(units, g.UnitID)
	}
	slices.Sort(units)
	for _, unit := range slices.Compact(units) {
		ruler, name, err := s.Store.Ruler(ctx, unit)
		if err != nil {
			return err
		}
		if ruler == "" || ruler == id || !name.Verified() {
			continue
		}
		if err := s.tell(ctx, ruler, unit, NoticeAwakened); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) tell(ctx context.Context, to account.ID, unitID, purpose string) error {
	name, err := s.Store.UnitName(ctx, unitID)
	if err != nil {
		return err
	}
	return s.Herald.Tell(ctx, to, purpose, name)
}

// dueAtOnce is how many of each kind one round of Expire takes.
const dueAtOnce = 200

// Expire says of what ran out that it did, and ends the tokens that it stood in.
// Nothing waits for it: what ran out gives nothing from that moment on.
func (s *Service) Expire(ctx context.Context) (n int, err error) {
	now := s.Now()
	mandates, grants, err := s.Store.DueRights(ctx, now, dueAtOnce)
	if err != nil {
		return 0, err
	}
	ev := audit.Event{Kind: audit.EntitlementEnded, Actor: "system", Detail: "expired"}
	count := func(err error) error {
		switch {
		case err == nil:
			n++
		case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound): // somebody was faster, or it was altered
		default:
			return err
		}
		return nil
	}
	for _, m := range mandates {
		if err := count(s.Store.ChangeMandate(ctx, m.ID, func(m Mandate) (Mandate, error) { return m.After(Expire, now) }, ev)); err != nil {
			return n, err
		}
	}
	for _, g := range grants {
		if err := count(s.Store.ChangeGrant(ctx, g.ID, func(g Grant) (Grant, error) { return g.After(Expire, now) }, ev)); err != nil {
			return n, err
		}
	}
	return n, nil
}
