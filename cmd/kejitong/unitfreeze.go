package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// unitFreeze stops what is done for a unit, whoever does it: their tokens for it end
// on every replica, and none is issued until it is released.
func unitFreeze(ctx context.Context, args []string, out io.Writer) error {
	return unitMove(ctx, "freeze", account.Active, account.Frozen, args, out)
}

// unitRelease lets a frozen unit be acted for again: mandates and grants are as they
// were.
func unitRelease(ctx context.Context, args []string, out io.Writer) error {
	return unitMove(ctx, "release", account.Frozen, account.Active, args, out)
}

func unitMove(ctx context.Context, name string, from, to account.State, args []string, out io.Writer) error {
	f := newSheet("unit "+name, out)
	uscc := f.String("uscc", "", "the unit's 统一社会信用代码")
	reason := f.String("reason", "", "why, for whoever reads the trail")
	if err := f.read(args); err != nil {
		return err
	}
	if strings.TrimSpace(*reason) == "" {
		return missing("reason", "why, for whoever reads the trail")
	}
	if err := plain("reason", *reason, 200); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		u, err := findUnit(ctx, a, *uscc)
		if err != nil {
			return err
		}
		err = a.db.SetUnitState(ctx, u.ID, from, to, deed(audit.UnitChanged, u.ID, name+": "+*reason))
		if fault.Is(err, fault.Conflict) {
			return refuse("uscc", *uscc, "is "+string(u.State)+" already")
		}
		if err != nil {
			return err
		}
		return f.print(map[string]any{"id": u.ID, "uscc": u.USCC, "unit": u.Name, "state": to}, fmt.Sprintf("unit %s %s is %s", u.USCC, u.Name, to))
	})
}
