package portal

import (
	"net/http"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/principal"
	"kejitong/provider/realname"
	"kejitong/templates"
)

// sheet is a form on its way to somebody: what stands in it, what is on file, and
// what is wrong.
type sheet struct {
	typed  realname.Typed
	before realname.Entry
	faults realname.Faults
	stale  bool // the sign-in lies too far back for a change of what is verified
}

// known is what is on file: the entry of an unfinished or verified case, else the
// verified profile.
func known(who principal.Principal, c realname.Case) realname.Entry {
	if c.State != realname.None {
		return c.Entry
	}
	a, p := who.Account, who.Account.Profile
	if a.Kind == account.NaturalPerson {
		return realname.Entry{Person: &realname.Person{Name: p.Name, IDType: p.IDType, IDNumber: p.IDNumber, Nationality: p.Nationality}}
	}
	u := &realname.Unit{}
	if who.Unit != nil {
		u.Name, u.USCC, u.Type, u.Region = who.Unit.Name, string(who.Unit.USCC), who.Unit.Type, who.Unit.Area()
	}
	if l := p.LegalRep; l != nil {
		u.LegalRep = realname.Person{Name: l.Name, IDType: l.IDType, IDNumber: l.IDNumber}
	}
	if k := p.Contact; k != nil {
		u.Handler = realname.Handler{Name: k.Name, Mobile: k.Phone}
	}
	return realname.Entry{Unit: u}
}

// typedOf fills a fresh form with what is on file. Numbers do not stand in it:
// left empty, they stay (C29).
func typedOf(e realname.Entry) realname.Typed {
	t := realname.Typed{}
	person := func(prefix string, p realname.Person) {
		t[prefix+realname.FieldName], t[prefix+realname.FieldIDType], t[prefix+realname.FieldNationality] = p.Name, p.IDType, p.Nationality
		if p.IDType == "" {
			t[prefix+realname.FieldIDType] = account.DocResident
		}
		if !realname.NeedsNationality(p.IDType) {
			t[prefix+realname.FieldNationality] = ""
		}
	}
	if p := e.Person; p != nil {
		person("", *p)
		return t
	}
	u := e.Unit
	t[realname.FieldUnitName], t[realname.FieldUSCC], t[realname.FieldUnitType] = u.Name, u.USCC, u.Type
	t[realname.FieldRegion], t[realname.FieldAddress] = u.Region, u.Address
	if u.Region == "" {
		t[realname.FieldRegion] = account.Mainland
	}
	h := u.Handler
	person(realname.HandlerPrefix, realname.Person{Name: h.Name, IDType: h.IDType})
	if !h.Until.IsZero() {
		t[realname.FieldUntil] = h.Until.Add(-time.Second).In(beijing).Format(time.DateOnly)
	}
	person(realname.LegalRepPrefix, u.LegalRep)
	return t
}

// beijing needs no zone database: China has kept one zone without summer time
// since 1991.
var beijing = time.FixedZone("CST", 8*3600)

// read understands what was typed.
func (n *RealName) read(who principal.Principal, s sheet) (realname.Entry, realname.Faults) {
	if who.Account.Kind == account.NaturalPerson {
		p, faults := realname.ReadPerson(s.typed, s.before.Person, n.Now())
		return realname.Entry{Person: &p}, faults
	}
	var uscc account.USCC
	if who.Unit != nil {
		uscc = who.Unit.USCC
	}
	u, faults := realname.ReadUnit(s.typed, s.before.Unit, uscc, n.Now())
	return realname.Entry{Unit: &u}, faults
}

// form draws the form.
func (n *RealName) form(w http.ResponseWriter, r *http.Request, v *principal.Visit, status int, s sheet) {
	a := v.Principal.Account
	next := nextOf(r)
	p := templates.RealNameForm{AccountType: string(a.Kind), Renewal: a.RealName.Verified(), CancelURL: "/me", Next: next}
	if a.Kind == account.NaturalPerson {
		p.Blocks = []templates.FormBlock{{Key: "person", Fields: s.person("", "", s.before.Person)}}
	} else {
		p.Blocks = s.unit(v.Principal.Unit != nil, n.Now())
	}
	for _, f := range s.faults {
		if f.Field == "" || !mark(p.Blocks, f.Field, templates.Text{Key: f.Msg}) {
			p.Error = templates.Text{Key: f.Msg}
		}
	}
	if s.stale {
		p.Error, p.AgainURL = templates.T("realname.error.not_fresh"), "/login?again=1&next=%2Fme"
	}
	n.pages.Web.Show(w, r, status, p, as(v))
}

// mark puts what is wrong beside its field; false if there is no such field.
func mark(blocks []templates.FormBlock, name string, why templates.Text) bool {
	for i := range blocks {
		for j := range blocks[i].Fields {
			if f := &blocks[i].Fields[j]; f.Name == name {
				f.Error = why
				return true
			}
		}
	}
	return false
}

// text is a field as it was typed.
func (s sheet) text(name, label string, most int) templates.FormField {
	return templates.FormField{Name: name, Label: label, Kind: "text", Value: s.typed[name], Max: most}
}

func (s sheet) choice(name, label, group string, values []string) templates.FormField {
	f := templates.FormField{Name: name, Label: label, Kind: "select", Value: s.typed[name]}
	for _, v := range values {
		f.Options = append(f.Options, templates.FormOption{Group: group, Value: v})
	}
	return f
}

// person is the fields of one person. label is the prefix of the labels, which
// differs from that of the names for the 经营者.
func (s sheet) person(prefix, label string, before *realname.Person) []templates.FormField {
	name := s.text(prefix+realname.FieldName, label+realname.FieldName, 50)
	doc := s.choice(prefix+realname.FieldIDType, label+realname.FieldIDType, "realname.doc", realname.Documents())
	doc.Hint = templates.T("realname.hint.document")
	number := s.text(prefix+realname.FieldIDNumber, label+realname.FieldIDNumber, 40)
	if before != nil && before.IDNumber != "" && before.IDType == s.typed[prefix+realname.FieldIDType] {
		number.Kept = account.MaskID(before.IDNumber)
	}
	nation := s.text(prefix+realname.FieldNationality, label+realname.FieldNationality, 3)
	nation.Optional, nation.List, nation.Hint = true, true, templates.T("realname.hint.nationality")
	if prefix == "" {
		name.Auto = "name"
	}
	return []templates.FormField{name, doc, number, nation}
}

// unit is the three blocks of a unit (R19).
func (s sheet) unit(fixed bool, now time.Time) []templates.FormBlock {
	before := s.before.Unit
	if before == nil {
		before = &realname.Unit{}
	}
	uscc := s.text(realname.FieldUSCC, realname.FieldUSCC, 24)
	if fixed {
		uscc.Kind, uscc.Value, uscc.Hint = "fixed", before.USCC, templates.T("realname.hint.uscc")
	}
	kind := s.choice(realname.FieldUnitType, realname.FieldUnitType, "realname.type", realname.UnitTypes())
	kind.Hint = templates.T("realname.hint.unit_type")
	region := s.choice(realname.FieldRegion, realname.FieldRegion, "realname.area", []string{account.Mainland, account.HMT, account.Overseas})
	region.Hint = templates.T("realname.hint.region")
	address := s.text(realname.FieldAddress, realname.FieldAddress, 200)
	address.Optional, address.Hint = true, templates.T("realname.hint.address")

	lead, label := "legal_rep", realname.LegalRepPrefix
	if s.typed[realname.FieldUnitType] == account.UnitIndividualBusiness {
		lead, label = "operator", "operator_"
	}
	return []templates.FormBlock{
		{Key: "unit", Fields: []templates.FormField{s.text(realname.FieldUnitName, realname.FieldUnitName, 100), uscc, kind, region, address}},
		{Key: lead, Fields: s.person(realname.LegalRepPrefix, label, &before.LegalRep)},
		{Key: "handler", Fields: s.handler(before, now)},
	}
}

func (s sheet) handler(before *realname.Unit, now time.Time) []templates.FormField {
	h := before.Handler
	same := templates.FormField{Name: realname.FieldSame, Label: realname.FieldSame, Kind: "tick", Value: s.typed[realname.FieldSame], Hint: templates.T("realname.hint.same")}
	fields := []templates.FormField{same}
	for _, f := range s.person(realname.HandlerPrefix, realname.HandlerPrefix, &realname.Person{IDType: h.IDType, IDNumber: h.IDNumber}) {
		f.Unless = true
		fields = append(fields, f)
	}
	mobile := s.text(realname.FieldMobile, realname.FieldMobile, 20)
	mobile.Numeric = true
	if h.Mobile != "" {
		mobile.Kept = account.MaskMobile(h.Mobile)
	}
	until := s.text(realname.FieldUntil, realname.FieldUntil, 0)
	until.Kind, until.Hint = "date", templates.T("realname.hint.until")
	if strings.TrimSpace(until.Value) == "" && len(s.faults) == 0 {
		until.Value = now.In(beijing).AddDate(1, 0, 0).Format(time.DateOnly)
	}
	return append(fields, mobile, until)
}
