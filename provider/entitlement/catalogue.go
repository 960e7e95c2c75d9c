package entitlement

import (
	"context"
	"reflect"
	"slices"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Difference is what loading a catalogue comes to; systems that it does not name
// stay as they are.
type Difference struct {
	Entered, Changed, Same []SystemID
}

// Compare gives what loading next over present comes to.
func Compare(present, next []System) Difference {
	var d Difference
	for _, y := range next {
		i := slices.IndexFunc(present, func(p System) bool { return p.ID == y.ID })
		switch {
		case i < 0:
			d.Entered = append(d.Entered, y.ID)
		case same(present[i], y):
			d.Same = append(d.Same, y.ID)
		default:
			d.Changed = append(d.Changed, y.ID)
		}
	}
	return d
}

// same tells whether two entries say the same; an empty list is none.
func same(a, b System) bool { return reflect.DeepEqual(bare(a), bare(b)) }

// bare makes empty lists none.
func bare(s System) System {
	if len(s.AccountKinds) == 0 {
		s.AccountKinds = nil
	}
	if len(s.UnitTypes) == 0 {
		s.UnitTypes = nil
	}
	if len(s.Actions) == 0 {
		s.Actions = nil
	}
	return s
}

// Load enters the systems into the catalogue or changes them, all or none, with an
// audit row for each that became another; dry only looks.
func (s *Service) Load(ctx context.Context, next []System, by string, dry bool) (Difference, error) {
	var d Difference
	for i, y := range next {
		if wrong := y.Check(); len(wrong) > 0 {
			return d, wrong[0]
		}
		if slices.ContainsFunc(next[:i], func(o System) bool { return o.ID == y.ID }) {
			return d, &fault.Error{Kind: fault.Invalid, Field: "code", Msg: string(y.ID) + " stands there twice"}
		}
	}
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		present, err := s.Store.Systems(ctx)
		if err != nil {
			return err
		}
		if d = Compare(present, next); dry {
			return nil
		}
		for _, y := range next {
			detail := "changed"
			switch {
			case slices.Contains(d.Same, y.ID):
				continue
			case slices.Contains(d.Entered, y.ID):
				detail = "entered"
			}
			ev := audit.Event{Kind: audit.SystemChanged, Actor: by, Object: string(y.ID), Detail: detail}
			if err := s.Store.PutSystem(ctx, y, audit.From(ctx, ev)); err != nil {
				return err
			}
		}
		return nil
	})
	return d, err
}
