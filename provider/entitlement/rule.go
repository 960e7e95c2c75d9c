package entitlement

import (
	"context"
	"slices"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Holding is what one account holds for a unit.
type Holding struct {
	Account  account.ID
	Mandates []Mandate
	Grants   []Grant
}

// Migrated tells whether any of it that holds came with the migration and waits
// for the unit's word.
func (h Holding) Migrated() bool {
	return slices.ContainsFunc(h.Mandates, func(m Mandate) bool { return m.State == Active && m.Source == TorchMigration }) ||
		slices.ContainsFunc(h.Grants, func(g Grant) bool { return g.State == Active && g.Source == TorchMigration })
}

// heldAtMost is how many mandates, and how many grants, a unit sees of those that
// others hold for it.
const heldAtMost = 500

// rules tells whether by is the verified legal account of the unit. An unverified
// one rules over nobody: whoever registers a USCC has not shown to be that unit.
func (s *Service) rules(ctx context.Context, by account.ID, unitID string) error {
	ruler, name, err := s.Store.Ruler(ctx, unitID)
	if err != nil {
		return err
	}
	if by == "" || unitID == "" || ruler != by || !name.Verified() {
		return fault.New(fault.Refused, "the verified account of the unit alone decides who acts for it")
	}
	return nil
}

// Held gives what others hold for the unit, or held up to now; pending, active and
// suspended ones, for by, its verified legal account. Anybody else is refused.
func (s *Service) Held(ctx context.Context, by account.ID, unitID string) ([]Holding, error) {
	if err := s.rules(ctx, by, unitID); err != nil {
		return nil, err
	}
	mandates, grants, err := s.Store.RightsFor(ctx, unitID, heldAtMost)
	if err != nil {
		return nil, err
	}
	of := map[account.ID]*Holding{}
	var order []account.ID
	holding := func(id account.ID) *Holding {
		if of[id] == nil {
			of[id] = &Holding{Account: id}
			order = append(order, id)
		}
		return of[id]
	}
	for _, m := range mandates {
		if m.Account != by && m.State.Open() {
			h := holding(m.Account)
			h.Mandates = append(h.Mandates, m)
		}
	}
	for _, g := range grants {
		if g.Account != by && g.State.Open() {
			h := holding(g.Account)
			h.Grants = append(h.Grants, g)
		}
	}
	slices.Sort(order)
	out := make([]Holding, 0, len(order))
	for _, id := range order {
		out = append(out, *of[id])
	}
	return out, nil
}

// Which names what a unit decides about: one grant, or (Grant empty) all that the
// holder holds for it.
type Which struct {
	Holder account.ID
	Grant  string
}

// Confirm takes over what the migration gave: from now on the unit itself
// delegated it, for as long as it was good for. With one grant goes the mandate
// that it needs.
func (s *Service) Confirm(ctx context.Context, by account.ID, unitID string, which Which) error {
	return s.decide(ctx, by, unitID, which, NoticeConfirmed, func(ctx context.Context, h Holding) (int, error) {
		now, n := s.Now(), 0
		ev := audit.From(ctx, audit.Event{Kind: audit.EntitlementSet, Actor: string(by), Detail: "confirmed"})
		for _, g := range h.Grants {
			if _, err := g.After(Confirm, now); err != nil || which.Grant != "" && g.ID != which.Grant {
				continue
			}
			if err := s.Store.ChangeGrant(ctx, g.ID, func(g Grant) (Grant, error) { return g.After(Confirm, now) }, ev); err != nil {
				return n, err
			}
			n++
		}
		if n == 0 && which.Grant != "" {
			return 0, nil
		}
		for _, m := range h.Mandates {
			if _, err := m.After(Confirm, now); err != nil {
				continue
			}
			if err := s.Store.ChangeMandate(ctx, m.ID, func(m Mandate) (Mandate, error) { return m.After(Confirm, now) }, ev); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
}

// Revoke takes one grant from its holder, whatever it came from, with the tokens
// that say anything of it. With the last one goes a mandate that the migration gave.
// To take everything is to end that he acts for the unit (mandate.Service.EndFor).
func (s *Service) Revoke(ctx context.Context, by account.ID, unitID string, which Which) error {
	return s.decide(ctx, by, unitID, which, NoticeRevoked, func(ctx context.Context, h Holding) (int, error) {
		now, n, left := s.Now(), 0, 0
		ev := audit.From(ctx, audit.Event{Kind: audit.EntitlementEnded, Actor: string(by), Detail: "revoked by the unit"})
		for _, g := range h.Grants {
			if g.ID != which.Grant {
				left++
				continue
			}
			if err := s.Store.ChangeGrant(ctx, g.ID, func(g Grant) (Grant, error) { return g.After(Revoke, now) }, ev); err != nil {
				return n, err
			}
			n++
		}
		for _, m := range h.Mandates {
			if left > 0 || m.Source != TorchMigration {
				continue
			}
			if err := s.Store.ChangeMandate(ctx, m.ID, func(m Mandate) (Mandate, error) { return m.After(Revoke, now) }, ev); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
}

// decide does it in one transaction and tells the holder. Nothing to do is
// fault.Conflict: somebody was faster, or it is not the unit's.
func (s *Service) decide(ctx context.Context, by account.ID, unitID string, which Which, notice string, do func(context.Context, Holding) (int, error)) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		held, err := s.Held(ctx, by, unitID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(held, func(h Holding) bool {
			return h.Account == which.Holder && (which.Grant == "" || slices.ContainsFunc(h.Grants, func(g Grant) bool { return g.ID == which.Grant }))
		})
		n := 0
		if i >= 0 {
			if n, err = do(ctx, held[i]); err != nil {
				return err
			}
		}
		if n == 0 {
			return fault.New(fault.Conflict, "there is nothing to decide any more")
		}
		return s.tell(ctx, which.Holder, unitID, notice)
	})
}
