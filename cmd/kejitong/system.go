package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// systemCommand is what an operator does to the catalogue of business systems.
func systemCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "system", []command{
		{"load", "load a catalogue (YAML), all of it or nothing: FILE [--dry-run]", systemLoad},
		{"list", "show the catalogue", systemList},
		{"show", "show one system: --code C", systemShow},
		{"set", "enter one system, or change it: --code C --name-zh N --action a,b", systemSet},
	}, args, out)
}

// systemReport is what the commands print of a system of the catalogue.
type systemReport struct {
	Code      entitlement.SystemID `json:"code"`
	NameZH    string               `json:"name_zh"`
	NameEN    string               `json:"name_en,omitempty"`
	Owner     string               `json:"owner,omitempty"`
	EntryURL  string               `json:"entry_url,omitempty"`
	Kinds     []account.Kind       `json:"account_kinds,omitempty"`
	UnitTypes []string             `json:"unit_types,omitempty"`
	Level     string               `json:"level,omitempty"`
	Actions   []string             `json:"actions"`
	Earned    bool                 `json:"earned"`
	State     string               `json:"state"`
}

func reportSystem(s entitlement.System) systemReport {
	r := systemReport{
		Code: s.ID, NameZH: s.NameZH, NameEN: s.NameEN, Owner: s.Owner, EntryURL: s.EntryURL, Kinds: s.AccountKinds, UnitTypes: s.UnitTypes,
		Level: s.Level, Actions: s.Actions, Earned: s.Earned, State: "open",
	}
	if s.Closed {
		r.State = "closed"
	}
	return r
}

// systemLoad loads a file of systems; those that it does not name stay.
func systemLoad(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("system load", out)
	dry := f.Bool("dry-run", false, "only say what would change")
	path, err := f.readWithFile(args)
	if err != nil {
		return err
	}
	systems, err := readCatalogue(path)
	if err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		d, err := a.entitlements().Load(ctx, systems, "operator", *dry)
		if err != nil {
			return err
		}
		said := fmt.Sprintf("%d entered, %d changed, %d as they were", len(d.Entered), len(d.Changed), len(d.Same))
		if *dry {
			said = "would be: " + said + "; nothing was changed"
		}
		return f.print(struct {
			DryRun  bool                   `json:"dry_run"`
			Entered []entitlement.SystemID `json:"entered"`
			Changed []entitlement.SystemID `json:"changed"`
			Same    []entitlement.SystemID `json:"same"`
		}{*dry, some(d.Entered), some(d.Changed), some(d.Same)}, said)
	})
}

// some makes an empty list where there is none, for JSON.
func some[T any](list []T) []T { return append([]T{}, list...) }

func systemList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("system list", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		all, err := a.db.Systems(ctx)
		if err != nil {
			return err
		}
		reports := []systemReport{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CODE\tNAME\tSTATE\tEARNED BY\tACTIONS")
		for _, s := range all {
			r := reportSystem(s)
			earned := "-"
			if s.Earned {
				earned = "all"
			}
			if s.Earned && len(s.UnitTypes) > 0 {
				earned = strings.Join(s.UnitTypes, ", ")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.NameZH, r.State, earned, strings.Join(s.Actions, ", "))
			reports = append(reports, r)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(reports, text.String())
	})
}

func systemShow(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("system show", out)
	code := f.String("code", "", "code of the system")
	if err := f.read(args); err != nil {
		return err
	}
	if err := checkCode("code", *code); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		s, there, err := findSystem(ctx, a, *code)
		if err != nil {
			return err
		}
		if !there {
			return refuse("code", *code, "is not in the catalogue; kejitong system list shows what is")
		}
		f.asJSON = true // one form for both: it is a record
		return f.print(reportSystem(s), "")
	})
}

// systemSet enters a system; of one that is there, what is not given stays.
func systemSet(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("system set", out)
	code := f.String("code", "", "code of the system, such as hightech_enterprise")
	nameZH := f.String("name-zh", "", "name on Chinese pages")
	nameEN := f.String("name-en", "", "name on English pages")
	owner := f.String("owner", "", "who runs it")
	entry := f.String("entry-url", "", "where users enter it")
	level := f.String("level", "", "lowest real-name level, L0 to L4")
	earned := f.Bool("earned", false, "verification alone brings a grant to those who qualify")
	closed := f.Bool("closed", false, "admits nobody new")
	var actions, kinds, units many
	f.Var(&actions, "action", "actions that grants may name, separated by commas or repeated")
	f.Var(&kinds, "account-kind", "who may enter at all: natural_person or legal_entity (repeat for both; default both)")
	f.Var(&units, "unit-type", "which units qualify, some of "+strings.Join(account.UnitTypes(), ", ")+" (default all)")
	if err := f.read(args); err != nil {
		return err
	}
	if err := checkCode("code", *code); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		s, there, err := findSystem(ctx, a, *code)
		if err != nil {
			return err
		}
		r := entitlement.Revision{}
		if there {
			was := s
			r.Was = &was
		}
		s.ID = entitlement.SystemID(*code)
		for _, set := range []struct {
			flag string
			to   *string
			from string
		}{{"name-zh", &s.NameZH, *nameZH}, {"name-en", &s.NameEN, *nameEN}, {"owner", &s.Owner, *owner}, {"entry-url", &s.EntryURL, *entry}, {"level", &s.Level, *level}} {
			if f.given(set.flag) {
				*set.to = strings.TrimSpace(set.from)
			}
			if err := plain(set.flag, *set.to, 200); err != nil {
				return err
			}
		}
		if len(actions) > 0 {
			s.Actions = split(strings.Join(actions, ","))
		}
		if len(kinds) > 0 {
			s.AccountKinds = nil
			for _, k := range split(strings.Join(kinds, ",")) {
				s.AccountKinds = append(s.AccountKinds, account.Kind(k))
			}
		}
		if len(units) > 0 {
			s.UnitTypes = split(strings.Join(units, ","))
		}
		if f.given("earned") {
			s.Earned = *earned
		}
		if f.given("closed") {
			s.Closed = *closed
		}
		if err := checkSystem(s); err != nil {
			return err
		}
		did := "entered"
		if there {
			did = "changed"
		}
		r.Next, r.Reason = s, "kejitong system set"
		if err := a.entitlements().Revise(ctx, r, "operator"); err != nil {
			return err
		}
		return f.print(reportSystem(s), fmt.Sprintf("system %s %s %s: %s", s.ID, s.NameZH, did, strings.Join(s.Actions, ", ")))
	})
}

func checkCode(flag, code string) error {
	if code == "" {
		return missing(flag, "the code of the business system, such as hightech_enterprise")
	}
	if len(code) > 64 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return refuse(flag, code, "want up to 64 small letters, digits and _")
	}
	return nil
}

// systemFlags are the flags of the fields that a catalogue's file has.
var systemFlags = map[string]string{
	"name_zh": "name-zh", "name_en": "name-en", "entry_url": "entry-url", "actions": "action", "account_types": "account-kind", "unit_types": "unit-type",
}

// checkSystem says the first thing that is wrong, at its flag.
func checkSystem(s entitlement.System) error {
	if s.NameZH == "" {
		return missing("name-zh", "the name that users read")
	}
	if len(s.Actions) == 0 {
		return missing("action", "what may be done in the system, such as apply,report")
	}
	for _, err := range s.Check() {
		var f *fault.Error
		if !errors.As(err, &f) {
			continue
		}
		flag := f.Field
		if name, there := systemFlags[flag]; there {
			flag = name
		}
		return refuse(flag, string(s.ID), f.Msg)
	}
	return nil
}

func findSystem(ctx context.Context, a *app, code string) (s entitlement.System, there bool, err error) {
	all, err := a.db.Systems(ctx)
	i := slices.IndexFunc(all, func(s entitlement.System) bool { return string(s.ID) == code })
	if err != nil || i < 0 {
		return entitlement.System{}, false, err
	}
	return all[i], true, nil
}
