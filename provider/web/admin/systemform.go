package admin

import (
	"net/http"
	"slices"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/templates"
)

// most is how much of a field is looked at; Check refuses far less.
const most = 1000

// typedSystem is s as the form says it, with nothing judged yet.
func typedSystem(r *http.Request, s entitlement.System) entitlement.System {
	f := r.PostForm
	if s.ID == "" {
		s.ID = entitlement.SystemID(cut(f.Get("system"), most))
	}
	s.NameZH, s.NameEN, s.Owner, s.EntryURL = cut(f.Get("name_zh"), most), cut(f.Get("name_en"), most), cut(f.Get("owner"), most), cut(f.Get("entry_url"), most)
	s.Level, s.Earned = cut(f.Get("level"), most), f.Get("earned") == "1"
	s.AccountKinds, s.UnitTypes = nil, nil
	for _, k := range f["account_types"] {
		s.AccountKinds = append(s.AccountKinds, account.Kind(cut(k, most)))
	}
	for _, t := range f["unit_types"] {
		s.UnitTypes = append(s.UnitTypes, cut(t, most))
	}
	s.Actions = strings.FieldsFunc(cut(f.Get("actions"), most), func(r rune) bool { return r == ',' || r == '，' || r == '、' || r <= ' ' })
	return s
}

// systemForm is the form of an entry, filled with s.
func (h *Handler) systemForm(v visit, s entitlement.System, fresh bool, version, reason string) templates.DeskSystemForm {
	p := templates.DeskSystemForm{
		Desk: h.frame(v, "systems"), New: fresh, Action: "/admin/systems", Back: "/admin/systems", Called: s.NameZH, Version: version,
		Earned: s.Earned,
	}
	if fresh {
		p.Fields = append(p.Fields, templates.DeskField{Name: "system", Value: string(s.ID), Max: 64, Hint: templates.T("desk.hint.system")})
	} else {
		p.Code, p.Action, p.Back = string(s.ID), "/admin/systems/"+string(s.ID), "/admin/systems/"+string(s.ID)
	}
	p.Fields = append(p.Fields,
		templates.DeskField{Name: "name_zh", Value: s.NameZH, Max: 200}, templates.DeskField{Name: "name_en", Value: s.NameEN, Max: 200, Free: true},
		templates.DeskField{Name: "owner", Value: s.Owner, Max: 200, Free: true},
		templates.DeskField{Name: "entry_url", Value: s.EntryURL, Max: 200, Free: true, Hint: templates.T("desk.hint.entry_url")})
	p.Kinds = templates.DeskTicks{Name: "account_types", Hint: templates.T("desk.hint.kinds")}
	for _, k := range []account.Kind{account.NaturalPerson, account.LegalEntity} {
		p.Kinds.Options = append(p.Kinds.Options, templates.DeskOption{Value: string(k), Text: templates.Text{Key: "account_type." + string(k)}})
	}
	for _, k := range s.AccountKinds {
		p.Kinds.Chosen = append(p.Kinds.Chosen, string(k))
	}
	p.Types = templates.DeskTicks{Name: "unit_types", Hint: templates.T("desk.hint.types"), Chosen: s.UnitTypes}
	for _, t := range account.UnitTypes() {
		p.Types.Options = append(p.Types.Options, templates.DeskOption{Value: t, Text: templates.Text{Key: "unit_type." + t}})
	}
	levels := []templates.DeskOption{{Text: templates.T("desk.systems.level_default")}}
	for _, l := range []string{"L0", "L1", "L2", "L3", "L4"} {
		levels = append(levels, templates.DeskOption{Value: l, Text: templates.Text{Key: "level." + l}})
	}
	p.More = []templates.DeskField{
		{Name: "level", Type: "select", Value: s.Level, Options: levels},
		{Name: "actions", Type: "textarea", Value: strings.Join(s.Actions, "\n"), Max: most, Hint: templates.T("desk.hint.actions")},
		{Name: "reason", Value: reason, Max: entitlement.MaxReason, Hint: templates.T("desk.hint.reason_kept")},
	}
	return p
}

// atSystemField puts a fault of a draft to its field and into the list of what is
// wrong, each field once.
func atSystemField(p *templates.DeskSystemForm, err error) bool {
	field, text, ok := told(err)
	if !ok {
		if f := fieldOf(err); f != "" { // what Check says is for the command line; here each field has one text
			field, text, ok = f, templates.Text{Key: "desk.error.sys_" + f}, true
		}
	}
	if !ok {
		return false
	}
	if field == "code" {
		field = "system"
	}
	id := "f-" + field
	if slices.ContainsFunc(p.Wrongs, func(w templates.Wrong) bool { return w.Field == id }) {
		return true
	}
	w := templates.Wrong{Field: id, Text: text}
	if field == "" {
		w.Field = "main"
	}
	p.Wrongs = append(p.Wrongs, w)
	for _, fields := range [][]templates.DeskField{p.Fields, p.More} {
		for i := range fields {
			if fields[i].Name == field {
				fields[i].Why = text
			}
		}
	}
	for _, t := range []*templates.DeskTicks{&p.Kinds, &p.Types} {
		if t.Name == field {
			t.Why = &w
		}
	}
	return true
}

// fieldOf is the field of a fault.Invalid, "" for everything else.
func fieldOf(err error) string {
	if f := asFault(err); f != nil && f.Kind == fault.Invalid {
		return f.Field
	}
	return ""
}
