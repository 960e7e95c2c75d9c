package main

import (
	"context"
	"fmt"
	"io"

	"kejitong/provider/audit"
	"kejitong/provider/holder"
)

// unitEnd ends a unit: mandates, entitlements, sessions and tokens for it go at
// once, on every replica.
func unitEnd(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("unit end", out)
	uscc := f.String("uscc", "", "the unit's 统一社会信用代码")
	how := f.String("how", holder.Deregistered, "deregistered or merged")
	into := f.String("into", "", "the 统一社会信用代码 of the unit that it was merged into")
	if err := f.read(args); err != nil {
		return err
	}
	if err := oneOf("how", *how, holder.Deregistered, holder.Merged); err != nil {
		return err
	}
	if (*how == holder.Merged) != (*into != "") {
		return refuse("into", *into, "names the successor of a merged unit, and of no other")
	}
	return inVault(ctx, f.config, func(a *app) error {
		u, err := findUnit(ctx, a, *uscc)
		if err != nil {
			return err
		}
		e := holder.UnitEnd{Unit: u.ID, How: *how, By: "operator"}
		if *into != "" {
			successor, err := findUnit(ctx, a, *into)
			if err != nil {
				return err
			}
			if successor.ID == u.ID {
				return refuse("into", *into, "is the unit itself")
			}
			e.Successor = successor.ID
		}
		service := holder.Service{Store: a.db, Now: a.clock}
		if err := service.EndUnit(ctx, e); err != nil {
			return err
		}
		return f.print(map[string]any{"id": u.ID, "uscc": u.USCC, "unit": u.Name, "how": e.How},
			fmt.Sprintf("unit %s %s: %s; nobody acts for it any more", u.USCC, u.Name, e.How))
	})
}

// unitRevive takes a mistake back as far as that can be.
func unitRevive(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("unit revive", out)
	uscc := f.String("uscc", "", "the unit's 统一社会信用代码")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		u, err := findUnit(ctx, a, *uscc)
		if err != nil {
			return err
		}
		if err := a.db.ReviveUnit(ctx, u.ID, deed(audit.UnitChanged, u.ID, "revived")); err != nil {
			return err
		}
		return f.print(map[string]any{"id": u.ID, "uscc": u.USCC, "unit": u.Name},
			fmt.Sprintf("unit %s %s stands again; mandates and grants are given anew, its account with kejitong account", u.USCC, u.Name))
	})
}
