package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
)

// unitCommand is what an operator does to units and to those who act for them.
func unitCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "unit", []command{
		{"add", "enter a unit, or correct it: --uscc U --name NAME", unitAdd},
		{"end", "a unit was deregistered or merged: nobody acts for it any more, at once: --uscc U --how deregistered|merged [--into U]", unitEnd},
		{"freeze", "stop all that is done for a unit, at once, until it is released: --uscc U --reason WHY", unitFreeze},
		{"release", "let a frozen unit be acted for again; its people sign in anew: --uscc U --reason WHY", unitRelease},
		{"revive", "a unit that was ended by mistake stands again, without what it had: --uscc U", unitRevive},
		{"mandate", "add | list | end what lets a person act for a unit: --login PERSON --uscc U", unitMandate},
	}, args, out)
}

func unitMandate(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "unit mandate", []command{
		{"add", "let a person act for a unit: --login PERSON --uscc U --relation handler|admin|legal_rep [--until DATE]", mandateAdd},
		{"list", "who acts for a unit, in what and until when: --uscc U", mandateList},
		{"end", "end it with all that was handed over, from the next use of any token on: --login PERSON --uscc U", mandateEnd},
	}, args, out)
}

// unitFlags describe a unit.
type unitFlags struct {
	uscc, name, unitType, region string
	nameFlag, typeFlag           string
}

func (u *unitFlags) flags(f *flag.FlagSet, nameFlag, typeFlag string) {
	u.nameFlag, u.typeFlag = nameFlag, typeFlag
	f.StringVar(&u.uscc, "uscc", "", "the unit's 统一社会信用代码")
	f.StringVar(&u.name, nameFlag, "", "the unit's registered name")
	f.StringVar(&u.unitType, typeFlag, "", "one of "+strings.Join(unitTypes, ", ")+" (default: what the USCC says)")
	f.StringVar(&u.region, "region", "", "six digits of GB/T 2260 (default: what the USCC says)")
}

var (
	unitTypes = []string{
		account.UnitEnterprise, account.UnitIndividualBusiness, account.UnitCooperative, account.UnitGovernment,
		account.UnitPublicInstitution, account.UnitMassOrganization, account.UnitSocialOrganization, account.UnitOther,
	}
	regionForm = regexp.MustCompile(`^[0-9]{6}$`)
)

// draft checks the flags and gives a unit without id.
func (u *unitFlags) draft(n account.RealName) (*account.Unit, error) {
	uscc, err := account.ParseRealUSCC(u.uscc)
	if err != nil {
		return nil, explain("uscc", u.uscc, err)
	}
	unit := &account.Unit{
		USCC: uscc, Name: strings.TrimSpace(u.name), Type: u.unitType, Region: u.region, RegistrationAuthority: string(uscc[:1]),
		Status: account.UnitRegistered, State: account.Active, RealName: n, VerifiedAt: n.VerifiedAt,
	}
	if unit.Name == "" {
		return nil, missing(u.nameFlag, "the name that stands on the unit's licence")
	}
	if err := plain(u.nameFlag, unit.Name, 100); err != nil {
		return nil, err
	}
	if unit.Type == "" {
		unit.Type = uscc.UnitType()
	}
	if err := oneOf(u.typeFlag, unit.Type, unitTypes...); err != nil {
		return nil, err
	}
	if unit.Region == "" {
		unit.Region = uscc.Region()
	}
	if !regionForm.MatchString(unit.Region) {
		return nil, refuse("region", unit.Region, "is not six digits such as 110108")
	}
	return unit, nil
}

// doubt warns of a USCC whose inner check digit is wrong, which some genuine
// ones are.
func doubt(u *account.Unit) string {
	if u == nil || !u.USCC.Doubtful() {
		return ""
	}
	return "\nwarning: the organisation code inside the USCC (places 9 to 17) fails its own check digit; compare it with the licence"
}

// keepUnit inserts the unit, or corrects the one with its USCC, and links it
// with its legal account ("" leaves the link as it is). What a verified unit is
// verified as stays when less comes in.
func (a *app) keepUnit(ctx context.Context, u account.Unit, owner account.ID) (account.Unit, error) {
	detail := "corrected"
	old, err := a.db.UnitByUSCC(ctx, u.USCC)
	switch {
	case fault.Is(err, fault.NotFound):
		u.ID, detail = string(account.NewID()), "entered"
	case err != nil:
		return u, err
	default:
		u.ID, u.AccountID, u.State, u.Status = old.ID, old.AccountID, old.State, old.Status
		if old.RealName.Verified() && !u.RealName.Verified() {
			u.RealName, u.VerifiedAt = old.RealName, old.VerifiedAt
		}
	}
	if owner != "" {
		if u.AccountID != "" && u.AccountID != owner {
			return u, refuse("uscc", string(u.USCC), "this unit has an account already; a unit has one")
		}
		u.AccountID = owner
	}
	return u, a.db.PutUnit(ctx, u, deed(audit.UnitChanged, u.ID, detail))
}

// unitReport is what the commands print of a unit, which is public knowledge.
type unitReport struct {
	ID       string       `json:"id"`
	USCC     account.USCC `json:"uscc"`
	Name     string       `json:"name"`
	Type     string       `json:"type"`
	Region   string       `json:"region"`
	RealName string       `json:"realname_status"`
	Doubtful bool         `json:"doubtful_uscc,omitempty"`
}

func unitAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("unit add", out)
	var n realNameFlags
	var u unitFlags
	n.flags(f.FlagSet)
	u.flags(f.FlagSet, "name", "type")
	if err := f.read(args); err != nil {
		return err
	}
	verdict, err := n.verdict(now())
	if err != nil {
		return err
	}
	draft, err := u.draft(verdict)
	if err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		kept, err := a.keepUnit(ctx, *draft, "")
		if err != nil {
			return err
		}
		r := unitReport{kept.ID, kept.USCC, kept.Name, kept.Type, kept.Region, kept.RealName.Status, kept.USCC.Doubtful()}
		return f.print(r, fmt.Sprintf("unit %s %s: %s, %s, id %s", r.USCC, r.Name, r.Type, r.RealName, r.ID)+doubt(&kept))
	})
}

// findUnit gives the unit with the USCC in any spelling.
func findUnit(ctx context.Context, a *app, text string) (account.Unit, error) {
	uscc, err := account.ParseUSCC(text)
	if err != nil {
		return account.Unit{}, explain("uscc", text, err)
	}
	u, err := a.db.UnitByUSCC(ctx, uscc)
	if fault.Is(err, fault.NotFound) {
		return account.Unit{}, refuse("uscc", text, "there is no such unit; kejitong unit add enters it")
	}
	return u, err
}

// findPrincipal gives the account with all that belongs to it.
func findPrincipal(ctx context.Context, a *app, login string) (principal.Principal, error) {
	found, err := findAccount(ctx, a, login)
	if err != nil {
		return principal.Principal{}, err
	}
	return a.db.ByAccount(ctx, found.ID)
}

// mandateReport is what the commands print of a mandate.
type mandateReport struct {
	ID       string               `json:"id"`
	USCC     account.USCC         `json:"uscc"`
	Unit     string               `json:"unit"`
	Relation entitlement.Relation `json:"relation"`
	State    entitlement.State    `json:"state"`
	Source   entitlement.Source   `json:"source"`
	Until    string               `json:"until,omitempty"` // RFC 3339
	Holds    bool                 `json:"holds"`
}

func reportMandate(m entitlement.Mandate) mandateReport {
	return mandateReport{m.ID, m.Unit.USCC, m.Unit.Name, m.Relation, m.State, m.Source, rfc3339(m.Until), m.Live(now())}
}

var sources = []string{string(entitlement.Direct), string(entitlement.Delegated), string(entitlement.Verification), string(entitlement.TorchMigration)}

func mandateAdd(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("unit mandate add", out)
	login := f.String("login", "", "name that the person signs in with")
	uscc := f.String("uscc", "", "the unit's 统一社会信用代码")
	relation := f.String("relation", string(entitlement.Handler), "handler, admin or legal_rep")
	untilText := f.String("until", "", "last day, such as 2027-12-31 (default: without end)")
	source := f.String("source", string(entitlement.Delegated), "one of "+strings.Join(sources, ", "))
	if err := f.read(args); err != nil {
		return err
	}
	if err := oneOf("relation", *relation, string(entitlement.Handler), string(entitlement.Admin), string(entitlement.LegalRep)); err != nil {
		return err
	}
	if err := oneOf("source", *source, sources...); err != nil {
		return err
	}
	until, err := parseUntil("until", *untilText, now())
	if err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		who, err := findPrincipal(ctx, a, *login)
		if err != nil {
			return err
		}
		if who.Account.Kind != account.NaturalPerson {
			return refuse("login", *login, "is a legal entity, which acts for itself; a mandate is a person's")
		}
		unit, err := findUnit(ctx, a, *uscc)
		if err != nil {
			return err
		}
		m := entitlement.Mandate{ID: string(account.NewID()), Account: who.Account.ID}
		for _, old := range who.Mandates { // one relation to a unit at a time
			if old.Unit.ID == unit.ID {
				m.ID = old.ID
			}
		}
		m.Unit, m.Relation, m.State, m.Source, m.From, m.Until = unit, entitlement.Relation(*relation), entitlement.Active, entitlement.Source(*source), now(), until
		if err := a.db.PutMandate(ctx, m, deed(audit.EntitlementMade, m.ID, "mandate")); err != nil {
			return err
		}
		return f.print(reportMandate(m), fmt.Sprintf("%s may act for %s %s as %s until %s", *login, unit.USCC, unit.Name, m.Relation, day(m.Until)))
	})
}

func mandateEnd(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("unit mandate end", out)
	login := f.String("login", "", "name that the person signs in with")
	uscc := f.String("uscc", "", "the unit's 统一社会信用代码")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		who, err := findPrincipal(ctx, a, *login)
		if err != nil {
			return err
		}
		unit, err := findUnit(ctx, a, *uscc)
		if err != nil {
			return err
		}
		ended := []mandateReport{}
		for _, m := range who.Mandates {
			if m.Unit.ID == unit.ID && m.State == entitlement.Active {
				m.State, m.Until = entitlement.Revoked, now()
				ended = append(ended, reportMandate(m))
			}
		}
		if len(ended) == 0 {
			return refuse("uscc", *uscc, "the person holds no mandate of this unit; kejitong grant list --login "+*login+" shows what there is")
		}
		err = a.db.InTx(ctx, func(ctx context.Context) error {
			if err := a.mandates().EndBy(ctx, "operator", unit.ID, who.Account.ID); err != nil {
				return err
			}
			return a.entitlements().Decided(ctx, who.Account.ID, unit.ID)
		})
		if err != nil {
			return err
		}
		return f.print(ended, fmt.Sprintf("%s no longer acts for %s %s", *login, unit.USCC, unit.Name))
	})
}
