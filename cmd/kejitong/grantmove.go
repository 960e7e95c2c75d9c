package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// grantMove suspends or resumes one grant.
func grantMove(ctx context.Context, d entitlement.Deed, args []string, out io.Writer) error {
	f := newSheet("grant "+string(d), out)
	id := f.String("id", "", "id of the grant, as grant list --json shows it")
	reason := f.String("reason", "", "why, for the history")
	if err := f.read(args); err != nil {
		return err
	}
	if *id == "" {
		return missing("id", "the grant; kejitong grant list --json shows the ids")
	}
	if strings.TrimSpace(*reason) == "" {
		return missing("reason", "why, for whoever reads the history")
	}
	if err := plain("reason", *reason, 200); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		var after entitlement.Grant
		err := a.entitlements().AlterGrant(ctx, *id, func(g entitlement.Grant) (entitlement.Grant, error) {
			next, err := g.After(d, a.clock())
			after = next
			return next, err
		}, deed(audit.EntitlementSet, *id, string(d)+": "+*reason))
		switch {
		case fault.Is(err, fault.NotFound):
			return refuse("id", *id, "there is no such grant")
		case fault.Is(err, fault.Conflict):
			return refuse("id", *id, fmt.Sprintf("the grant is %s until %s: one cannot %s it", after.State, day(after.Until), d))
		case err != nil:
			return err
		}
		who, err := a.db.ByAccount(ctx, after.Account)
		if err != nil {
			return err
		}
		return f.print(reportGrant(after, who), fmt.Sprintf("%s is %s now", *id, after.State))
	})
}

// changeReport is what is printed of a line of the history.
type changeReport struct {
	At     string             `json:"at"`
	Kind   string             `json:"kind"`
	ID     string             `json:"id"`
	What   string             `json:"what"`
	From   entitlement.State  `json:"from,omitempty"`
	To     entitlement.State  `json:"to"`
	Source entitlement.Source `json:"source"`
	Until  string             `json:"until,omitempty"`
	Actor  string             `json:"actor"`
	Reason string             `json:"reason,omitempty"`
}

// historyAtMost is how many lines are shown.
const historyAtMost = 200

func grantHistory(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("grant history", out)
	login := f.String("login", "", "name that the account signs in with")
	id := f.String("id", "", "id of one mandate or grant")
	if err := f.read(args); err != nil {
		return err
	}
	if (*login == "") == (*id == "") {
		return missing("login", "the account, or --id for one mandate or grant")
	}
	return inVault(ctx, f.config, func(a *app) error {
		var who account.ID
		if *login != "" {
			found, err := findAccount(ctx, a, *login)
			if err != nil {
				return err
			}
			who = found.ID
		}
		lines, err := a.db.RightHistory(ctx, *id, who, historyAtMost)
		if err != nil {
			return err
		}
		reports := []changeReport{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "AT\tWHAT\tFROM\tTO\tSOURCE\tBY\tWHY")
		for _, c := range lines {
			r := changeReport{
				At: rfc3339(c.At), Kind: c.Kind, ID: c.ID, What: c.What, From: c.From, To: c.To, Source: c.Source, Until: rfc3339(c.Until), Actor: c.Actor, Reason: c.Reason,
			}
			reports = append(reports, r)
			fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", r.At, c.Kind, c.What, c.From, c.To, c.Source, c.Actor, c.Reason)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(reports, text.String())
	})
}
