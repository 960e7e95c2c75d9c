package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

// grantCommand is what an operator does to entitlements.
func grantCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "grant", []command{
		{"system", "the former name of kejitong system set", systemSet},
		{"add", "let an account use a system: --login L [--uscc U] --system CODE --action a,b [--until DATE]", grantAdd},
		{"end", "end that, from the next use of any token on: --login L [--uscc U] --system CODE [--action a,b]", grantEnd},
		{"suspend", "let a grant rest, from the next use of any token on: --id ID --reason TEXT", func(ctx context.Context, args []string, out io.Writer) error {
			return grantMove(ctx, entitlement.Suspend, args, out)
		}},
		{"resume", "let a suspended grant hold again: --id ID --reason TEXT", func(ctx context.Context, args []string, out io.Writer) error {
			return grantMove(ctx, entitlement.Resume, args, out)
		}},
		{"list", "show an account's mandates and grants: --login L", grantList},
		{"history", "show what became of them, by whom and why: --login L | --id ID", grantHistory},
	}, args, out)
}

// grantReport is what the commands print of a grant.
type grantReport struct {
	ID      string               `json:"id"`
	System  entitlement.SystemID `json:"system"`
	Actions []string             `json:"actions"`
	USCC    account.USCC         `json:"uscc,omitempty"` // of the unit, empty for the account itself
	State   entitlement.State    `json:"state"`
	Source  entitlement.Source   `json:"source"`
	Until   string               `json:"until,omitempty"` // RFC 3339
	Holds   bool                 `json:"holds"`
}

func reportGrant(g entitlement.Grant, who principal.Principal) grantReport {
	r := grantReport{ID: g.ID, System: g.System, Actions: g.Actions, State: g.State, Source: g.Source, Until: rfc3339(g.Until), Holds: g.Live(now())}
	if who.Unit != nil && who.Unit.ID == g.UnitID {
		r.USCC = who.Unit.USCC
	}
	for _, m := range who.Mandates {
		if m.Unit.ID == g.UnitID {
			r.USCC = m.Unit.USCC
		}
	}
	return r
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// askedGrant is the flags that name a grant.
type askedGrant struct {
	*sheet
	login, uscc, system, source, until string
	actions                            many
}

func newAskedGrant(name string, out io.Writer) *askedGrant {
	g := &askedGrant{sheet: newSheet(name, out)}
	g.StringVar(&g.login, "login", "", "name that the account signs in with")
	g.StringVar(&g.uscc, "uscc", "", "unit that the grant is for (default: a legal entity's own, a person itself)")
	g.StringVar(&g.system, "system", "", "code of the business system")
	g.Var(&g.actions, "action", "actions, separated by commas or repeated")
	return g
}

// find gives the account, and the id of the unit that the grant is for.
func (g *askedGrant) find(ctx context.Context, a *app) (who principal.Principal, unitID string, err error) {
	if who, err = findPrincipal(ctx, a, g.login); err != nil {
		return who, "", err
	}
	if g.uscc == "" {
		return who, who.Account.UnitID, nil
	}
	unit, err := findUnit(ctx, a, g.uscc)
	if err != nil {
		return who, "", err
	}
	if who.Account.Kind == account.LegalEntity && who.Account.UnitID != unit.ID {
		return who, "", refuse("uscc", g.uscc, "is another unit; a legal entity acts for itself alone")
	}
	return who, unit.ID, nil
}

func grantAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newAskedGrant("grant add", out)
	f.StringVar(&f.source, "source", string(entitlement.Direct), "one of "+strings.Join(sources, ", "))
	f.StringVar(&f.until, "until", "", "last day, such as 2027-12-31 (default: without end)")
	if err := f.read(args); err != nil {
		return err
	}
	if err := checkCode("system", f.system); err != nil {
		return err
	}
	actions := split(strings.Join(f.actions, ","))
	if len(actions) == 0 {
		return missing("action", "what the account may do in the system, such as apply,report")
	}
	if err := oneOf("source", f.source, sources...); err != nil {
		return err
	}
	until, err := parseUntil("until", f.until, now())
	if err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		who, unitID, err := f.find(ctx, a)
		if err != nil {
			return err
		}
		if err := f.fits(ctx, a, who, unitID, actions); err != nil {
			return err
		}
		g := entitlement.Grant{
			ID: string(account.NewID()), Account: who.Account.ID, UnitID: unitID, System: entitlement.SystemID(f.system),
			State: entitlement.Active, Source: entitlement.Source(f.source), From: now(),
		}
		for _, old := range who.Grants { // one row for account, unit, system and source: actions are added to it
			if old.Live(now()) && old.UnitID == unitID && old.System == g.System && old.Source == g.Source {
				g = old
			}
		}
		for _, action := range actions {
			if !slices.Contains(g.Actions, action) {
				g.Actions = append(g.Actions, action)
			}
		}
		g.Until = until
		if err := a.db.PutGrant(ctx, g, deed(audit.EntitlementMade, g.ID, "grant")); err != nil {
			return err
		}
		return f.print(reportGrant(g, who), fmt.Sprintf("%s may %s in %s until %s", f.login, strings.Join(g.Actions, ", "), g.System, day(g.Until)))
	})
}

// fits holds a grant to the catalogue and to what the account may act for: a
// grant that could never take effect is a mistake.
func (g *askedGrant) fits(ctx context.Context, a *app, who principal.Principal, unitID string, actions []string) error {
	s, there, err := findSystem(ctx, a, g.system)
	if err != nil {
		return err
	}
	if !there {
		return refuse("system", g.system, "is not in the catalogue; kejitong system load or system set --code "+g.system+" enters it")
	}
	if s.Closed {
		return refuse("system", g.system, "is closed: it admits nobody new")
	}
	for _, action := range actions {
		if !slices.Contains(s.Actions, action) {
			return refuse("action", action, "is no action of "+g.system+", which has "+strings.Join(s.Actions, ", "))
		}
	}
	if len(s.AccountKinds) > 0 && !slices.Contains(s.AccountKinds, who.Account.Kind) {
		return refuse("login", g.login, fmt.Sprintf("is a %s, which %s does not admit", who.Account.Kind, g.system))
	}
	if unitID == "" {
		return nil
	}
	if _, ok := who.ActsFor(unitID, now()); !ok {
		return refuse("uscc", g.uscc, "the account does not act for this unit; kejitong unit mandate add --login "+g.login+" --uscc "+g.uscc+" lets it")
	}
	return nil
}

func grantEnd(ctx context.Context, args []string, out io.Writer) error {
	f := newAskedGrant("grant end", out)
	if err := f.read(args); err != nil {
		return err
	}
	if err := checkCode("system", f.system); err != nil {
		return err
	}
	actions := split(strings.Join(f.actions, ","))
	return inVault(ctx, f.config, func(a *app) error {
		who, unitID, err := f.find(ctx, a)
		if err != nil {
			return err
		}
		ended := []grantReport{}
		for _, g := range who.Grants {
			if g.State != entitlement.Active || g.UnitID != unitID || string(g.System) != f.system {
				continue
			}
			gone := func(action string) bool { return len(actions) == 0 || slices.Contains(actions, action) }
			if !slices.ContainsFunc(g.Actions, gone) {
				continue
			}
			err := a.entitlements().AlterGrant(ctx, g.ID, func(held entitlement.Grant) (entitlement.Grant, error) {
				var err error
				if left := slices.DeleteFunc(slices.Clone(held.Actions), gone); len(left) > 0 {
					held.Actions = left
				} else {
					held, err = held.After(entitlement.Revoke, a.clock())
				}
				g = held
				return held, err
			}, deed(audit.EntitlementEnded, g.ID, "grant"))
			if err != nil {
				return err
			}
			ended = append(ended, reportGrant(g, who))
		}
		if len(ended) == 0 {
			return refuse("system", f.system, "the account holds no such grant; kejitong grant list --login "+f.login+" shows what there is")
		}
		return f.print(ended, fmt.Sprintf("ended: %d grant(s) of %s in %s", len(ended), f.login, f.system))
	})
}

func grantList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("grant list", out)
	login := f.String("login", "", "name that the account signs in with")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		who, err := findPrincipal(ctx, a, *login)
		if err != nil {
			return err
		}
		list := struct {
			Mandates []mandateReport `json:"mandates"`
			Grants   []grantReport   `json:"grants"`
		}{[]mandateReport{}, []grantReport{}}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "FOR\tWHAT\tSTATE\tSOURCE\tUNTIL\tHOLDS")
		for _, m := range who.Mandates {
			r := reportMandate(m)
			list.Mandates = append(list.Mandates, r)
			fmt.Fprintf(w, "%s\t%s of %s\t%s\t%s\t%s\t%v\n", r.USCC, r.Relation, r.Unit, r.State, r.Source, day(m.Until), r.Holds)
		}
		for _, g := range who.Grants {
			r := reportGrant(g, who)
			list.Grants = append(list.Grants, r)
			whom := string(r.USCC)
			if whom == "" {
				whom = "-"
			}
			fmt.Fprintf(w, "%s\t%s: %s\t%s\t%s\t%s\t%v\n", whom, r.System, strings.Join(r.Actions, ", "), r.State, r.Source, day(g.Until), r.Holds)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}
