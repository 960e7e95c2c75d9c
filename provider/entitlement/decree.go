package entitlement

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// The notices of what the platform's operators decided; see Herald. The holder is
// told, and the verified legal account of the unit.
const (
	NoticeDecreed    = "rights_decreed"     // of a right for a unit
	NoticeDecreedOwn = "rights_decreed_own" // of a right for the account itself
)

// Order is what an operator does to a mandate or a grant below an account: one that
// the account holds, or that somebody holds for its unit.
type Order struct {
	Mandate bool   // of a mandate, else of a grant
	ID      string // of the mandate or grant
	Account account.ID
	UnitID  string // of the account, "" for none
	Deed    Deed   // Suspend, Resume or Revoke
	Reason  string
}

// Decree does it, with the tokens that say anything of what is taken, a line of the
// history and an audit row, and tells holder and unit. What is not below the account
// is fault.NotFound; what its state does not allow fault.Conflict.
func (s *Service) Decree(ctx context.Context, o Order, by string) error {
	reason, err := Reason(o.Reason)
	if err != nil {
		return err
	}
	kind := audit.EntitlementSet
	switch o.Deed {
	case Suspend, Resume:
	case Revoke:
		kind = audit.EntitlementEnded
	default:
		return &fault.Error{Kind: fault.Invalid, Field: "deed", Msg: "desk.error.deed"}
	}
	ev := audit.From(ctx, audit.Event{Kind: kind, Actor: by, Detail: string(o.Deed) + ": " + reason})
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		holder, unit := account.ID(""), ""
		below := func(who account.ID, unitID string) error {
			if holder, unit = who, unitID; who != o.Account && (o.UnitID == "" || unitID != o.UnitID) {
				return fault.New(fault.NotFound, "the account has no such right")
			}
			return nil
		}
		var err error
		if o.Mandate {
			err = s.Store.ChangeMandate(ctx, o.ID, func(m Mandate) (Mandate, error) {
				if err := below(m.Account, m.Unit.ID); err != nil {
					return m, err
				}
				return m.After(o.Deed, s.Now())
			}, ev)
		} else {
			err = s.Store.ChangeGrant(ctx, o.ID, func(g Grant) (Grant, error) {
				if err := below(g.Account, g.UnitID); err != nil {
					return g, err
				}
				return g.After(o.Deed, s.Now())
			}, ev)
		}
		if err != nil {
			return err
		}
		return s.Decided(ctx, holder, unit)
	})
}

// AlterGrant is Store.ChangeGrant for the platform's own programs and commands: it
// tells holder and unit as Decree does.
func (s *Service) AlterGrant(ctx context.Context, id string, change func(Grant) (Grant, error), ev audit.Event) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		var was Grant
		err := s.Store.ChangeGrant(ctx, id, func(g Grant) (Grant, error) {
			was = g
			return change(g)
		}, ev)
		if err != nil {
			return err
		}
		return s.Decided(ctx, was.Account, was.UnitID)
	})
}

// Decided tells holder and unit, within ctx's transaction, that the platform changed
// a right; of one for the account itself unitID is "".
func (s *Service) Decided(ctx context.Context, holder account.ID, unitID string) error {
	if unitID == "" {
		return s.Herald.Tell(ctx, holder, NoticeDecreedOwn)
	}
	if err := s.tell(ctx, holder, unitID, NoticeDecreed); err != nil {
		return err
	}
	ruler, name, err := s.Store.Ruler(ctx, unitID)
	if err != nil || ruler == "" || ruler == holder || !name.Verified() {
		return err
	}
	return s.tell(ctx, ruler, unitID, NoticeDecreed)
}
