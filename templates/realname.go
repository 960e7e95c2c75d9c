package templates

import "time"

// RealNameForm is the form of real-name verification, of a person or of a unit in
// its three blocks. Its form posts the fields by their names.
type RealNameForm struct {
	AccountType string // NaturalPerson or LegalEntity
	Renewal     bool   // the account is verified already, and this would change it
	Blocks      []FormBlock
	Error       Text   // of the form as a whole
	AgainURL    string // where one signs in again first, if that is what the error asks
	CancelURL   string // back to 我的信息
	Next        string // where the person came from, a path of ours
}

// FormBlock is a group of fields, message realname.block.<key>.
type FormBlock struct {
	Key    string
	Fields []FormField
}

// FormField is one field. Its label is message realname.field.<label>.
type FormField struct {
	Name     string
	Label    string
	Kind     string // text, select, date, tick or fixed
	Value    string // as typed
	Kept     string // masked: what stays if the field is left empty
	Options  []FormOption
	Hint     Text
	Error    Text
	Optional bool
	Unless   bool   // asked of somebody else than the tick of its block says: hidden once that is set
	Max      int    // characters
	Auto     string // autocomplete
	Numeric  bool   // a keyboard of digits is enough
	List     bool   // offers the countries
}

// FormOption is a value to choose, message <group>.<value>.
type FormOption struct{ Group, Value string }

// Needed tells whether a browser may insist on the field.
func (f FormField) Needed() bool { return !f.Optional && !f.Unless && f.Kept == "" }

// Faults are the fields that are wrong, for the summary.
func (p RealNameForm) Faults() []FormField {
	var out []FormField
	for _, b := range p.Blocks {
		for _, f := range b.Fields {
			if f.Error.Says() {
				out = append(out, f)
			}
		}
	}
	return out
}

// Countries are offered where a nationality is asked for, messages realname.country.<code>
// (ISO 3166-1 alpha-3). Others are taken as well.
func (RealNameForm) Countries() []string {
	return []string{"USA", "JPN", "KOR", "GBR", "DEU", "FRA", "CAN", "AUS", "SGP", "MYS", "RUS", "ITA", "ESP", "NLD", "CHE", "SWE", "IND", "THA", "VNM", "BRA"}
}

// Name, Title and Interaction make RealNameForm a Page.
func (RealNameForm) Name() string      { return "portal/realname" }
func (RealNameForm) Title() Text       { return T("realname.title") }
func (RealNameForm) Interaction() bool { return false }

// RealNameStatus is how far a verification is: 填写 → 自动核验 → 结果.
type RealNameStatus struct {
	AccountType string
	State       string // account status, message realname.state.*
	Manual      bool   // documents decide from the start
	Waits       bool   // and there are none yet
	Renewal     bool   // the account stays verified meanwhile
	Number      string
	Since       time.Time
	Why         []Finding
	Remark      string // the reviewer's own words
	Refresh     int    // seconds until the page asks again; 0 never
	EditURL     string
	PapersURL   string // where documents are handed in, empty where they cannot be
	ResumeURL   string // back to where the person came from, a path of ours
}

// Finding is why something did not pass: a field and what is wrong with it.
type Finding struct {
	Label string // message realname.field.*; empty for the whole
	Why   Text
}

// Step is the one of the three that is under way.
func (p RealNameStatus) Step() int {
	if p.State == "pending" || p.State == "manual_review" {
		return 2
	}
	return 3
}

// Badge is the class of the badge.
func (p RealNameStatus) Badge() string { return Standing{State: p.State}.Badge() }

// Name, Title and Interaction make RealNameStatus a Page.
func (RealNameStatus) Name() string      { return "portal/realnamestatus" }
func (RealNameStatus) Title() Text       { return T("realname.status_title") }
func (RealNameStatus) Interaction() bool { return false }

// Formless: there are links alone.
func (RealNameStatus) Formless() bool { return true }
