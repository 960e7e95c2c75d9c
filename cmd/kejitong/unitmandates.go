package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// actsReport is one line of kejitong unit mandate list. The login name is how an
// operator calls the person; names and numbers are not printed.
type actsReport struct {
	Login string `json:"login"`
	mandateReport
	Entitlements []string `json:"entitlements"`
}

func mandateList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("unit mandate list", out)
	uscc := f.String("uscc", "", "the unit's 统一社会信用代码")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		unit, err := findUnit(ctx, a, *uscc)
		if err != nil {
			return err
		}
		list, err := a.db.MandatesOf(ctx, unit.ID)
		if err != nil {
			return err
		}
		reports, lines := []actsReport{}, []string{}
		for _, m := range list {
			who, err := a.db.ByAccount(ctx, m.Account)
			if err != nil {
				return err
			}
			m.Unit = unit
			r := actsReport{Login: loginShown(who.Account), mandateReport: reportMandate(m)}
			var held []entitlement.Grant
			for _, g := range who.Grants {
				if g.UnitID == unit.ID && g.Live(now()) {
					held = append(held, g)
				}
			}
			r.Entitlements = entitlement.Names(held)
			reports = append(reports, r)
			lines = append(lines, fmt.Sprintf("%s as %s (%s, %s) until %s: %s", r.Login, m.Relation, m.State, m.Source, day(m.Until), strings.Join(r.Entitlements, " ")))
		}
		if len(lines) == 0 {
			lines = append(lines, "nobody acts for "+string(unit.USCC))
		}
		return f.print(reports, strings.Join(lines, "\n"))
	})
}

// loginShown is a login name, masked where it is a mobile number.
func loginShown(a account.Account) string {
	if _, err := account.ParseMobile(a.LoginName); err == nil {
		return account.MaskMobile(a.LoginName)
	}
	return a.LoginName
}
