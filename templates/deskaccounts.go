package templates

import "time"

// DeskAccounts is the search for accounts and what it found, masked.
type DeskAccounts struct {
	Desk
	Fields   []DeskField
	Searched bool
	Found    []DeskAccountLine
}

// DeskAccountLine is one account, masked.
type DeskAccountLine struct {
	URL      string
	Login    string
	Type     string // NaturalPerson or LegalEntity
	Name     string
	State    string // message desk.account.<state>
	RealName string // message realname.state.<state>
	Since    time.Time
}

// Name and Title make DeskAccounts a Page.
func (DeskAccounts) Name() string { return "admin/accounts" }
func (DeskAccounts) Title() Text  { return T("desk.nav.accounts") }

// DeskAccount is one account, masked but for what was revealed.
type DeskAccount struct {
	Desk
	ID        string
	LoginName string
	Type      string
	Called    string
	State     string
	RealName  string
	Level     string
	Facts     []DeskFact
	Unit      []DeskFact // of a legal account
	UnitState string
	Units     []DeskFact  // units that a person acts for
	Reveal    []DeskField // empty if the role may not
	Freeze    []DeskField // likewise
	Deeds     []string    // what can be done: freeze, unfreeze, freeze_unit, unfreeze_unit, end_sessions
	Revealed  *DeskFact   // just now
	Error     Text
	Done      Text
	CreatedAt time.Time
	Mine      bool // the operator's own account
}

// DeskFact is one line, message desk.fact.<label>.
type DeskFact struct {
	Label string
	Value string
	Note  Text
}

// Name and Title make DeskAccount a Page.
func (DeskAccount) Name() string { return "admin/account" }
func (DeskAccount) Title() Text  { return T("desk.account.title") }
