package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/operator"
)

// adminCommand is how the people at the review desk come to be. What the desk
// itself wants two of them for, the command line does alone: whoever has the root
// key and the database is trusted with it, and the trail says so.
func adminCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "admin", []command{
		{"add", "enter an operator and print the one-time secret: --login NAME --role ROLE", adminAdd},
		{"list", "list operators", adminList},
		{"disable", "let nobody in under the name: --login NAME", adminChange(operator.Disable)},
		{"enable", "let the operator in again: --login NAME", adminChange(operator.Enable)},
		{"reset", "take password and authenticator away and print a new one-time secret: --login NAME", adminChange(operator.Reset)},
		{"role", "give another role: --login NAME --role ROLE", adminChange(operator.SetRole)},
	}, args, out)
}

// operatorReport is what is printed of an operator.
type operatorReport struct {
	ID     string         `json:"id"`
	Login  string         `json:"login_name"`
	Role   operator.Role  `json:"role"`
	State  operator.State `json:"state"`
	Seen   string         `json:"last_sign_in,omitempty"`
	Secret string         `json:"secret,omitempty"` // one-time, for enrolment
	URL    string         `json:"enrol_url,omitempty"`
	Until  string         `json:"secret_until,omitempty"`
}

func reportOperator(o operator.Operator) operatorReport {
	return operatorReport{ID: o.ID, Login: o.LoginName, Role: o.Role, State: o.State, Seen: rfc3339(o.SeenAt)}
}

func (r operatorReport) text() string {
	s := fmt.Sprintf("operator %s: %s, %s, id %s", r.Login, r.Role, r.State, r.ID)
	if r.Secret != "" {
		s += fmt.Sprintf("\none-time secret (shown this once, good until %s): %s\nuse it at %s", r.Until, r.Secret, r.URL)
	}
	return s
}

func roleNames() string {
	var names []string
	for _, r := range operator.Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func adminAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("admin add", out)
	login := f.String("login", "", "name to sign in with at /admin")
	role := f.String("role", "", "one of "+roleNames())
	if err := f.read(args); err != nil {
		return err
	}
	if *login == "" {
		return missing("login", "the name to sign in with")
	}
	if !operator.Role(*role).Known() {
		return refuse("role", *role, "want one of "+roleNames())
	}
	return inVault(ctx, f.config, func(a *app) error {
		return a.applied(ctx, f, *login, operator.Change{Deed: operator.Add, Login: *login, Role: operator.Role(*role)})
	})
}

// applied does the deed and prints what came of it.
func (a *app) applied(ctx context.Context, f *sheet, login string, c operator.Change) error {
	o, secret, err := a.operators().Apply(ctx, c, "operator")
	switch {
	case fault.Is(err, fault.Conflict) && c.Deed == operator.Add:
		return refuse("login", login, "belongs to another operator already; choose another login name")
	case fault.Is(err, fault.Invalid) && c.Deed == operator.Add:
		return explain("login", login, err)
	case fault.Is(err, fault.Invalid):
		return refuse("login", login, "is that already, or has not enrolled yet; kejitong admin list shows the operators")
	case err != nil:
		return err
	}
	r := reportOperator(o)
	if secret != "" {
		r.Secret, r.URL, r.Until = secret, strings.TrimSuffix(a.cfg.Issuer, "/")+"/admin/enrol", rfc3339(o.InviteUntil)
	}
	return f.print(r, r.text())
}

// adminChange is one deed about an operator that exists.
func adminChange(deed operator.Deed) func(ctx context.Context, args []string, out io.Writer) error {
	return func(ctx context.Context, args []string, out io.Writer) error {
		f := newSheet("admin "+string(deed), out)
		login := f.String("login", "", "name that the operator signs in with")
		role := ""
		if deed == operator.SetRole {
			f.StringVar(&role, "role", "", "one of "+roleNames())
		}
		if err := f.read(args); err != nil {
			return err
		}
		if *login == "" {
			return missing("login", "the name that the operator signs in with")
		}
		if deed == operator.SetRole && !operator.Role(role).Known() {
			return refuse("role", role, "want one of "+roleNames())
		}
		return inVault(ctx, f.config, func(a *app) error {
			key, err := account.NormaliseLogin(*login)
			if err != nil {
				return explain("login", *login, err)
			}
			o, err := a.db.OperatorByLogin(ctx, key)
			if fault.Is(err, fault.NotFound) {
				return refuse("login", *login, "there is no such operator; kejitong admin list shows them")
			}
			if err != nil {
				return err
			}
			return a.applied(ctx, f, *login, operator.Change{Deed: deed, Operator: o.ID, Role: operator.Role(role)})
		})
	}
}

func adminList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("admin list", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		all, err := a.db.Operators(ctx)
		if err != nil {
			return err
		}
		list, text := make([]operatorReport, 0, len(all)), ""
		for _, o := range all {
			r := reportOperator(o)
			list = append(list, r)
			text += fmt.Sprintf("%-24s %-16s %-9s %s\n", r.Login, r.Role, r.State, r.Seen)
		}
		if len(all) == 0 {
			text = "there are no operators; kejitong admin add makes one\n"
		}
		return f.print(list, text)
	})
}
