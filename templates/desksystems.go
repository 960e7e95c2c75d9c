package templates

import "time"

// DeskSystems is the catalogue of business systems.
type DeskSystems struct {
	Desk
	Systems   []DeskSystemLine
	Proposals []DeskProposal
	Proposes  bool // who looks may propose
}

// DeskSystemLine is one entry.
type DeskSystemLine struct {
	URL            string
	Code           string
	NameZH, NameEN string
	Owner          string
	Closed         bool
	Kinds          []string // message account_type.<kind>; empty: both
	Level          string   // message level.<level>; "" is the platform's own
	Earned         bool
	Clients        int
	Grants         int64
	Waits          bool // a change is proposed
}

// Name and Title make DeskSystems a Page.
func (DeskSystems) Name() string { return "admin/systems" }
func (DeskSystems) Title() Text  { return T("desk.nav.systems") }

// DeskSystem is one entry with all that it says and what became of it.
type DeskSystem struct {
	Desk
	Of        DeskSystemLine
	EntryURL  string
	Types     []string // message unit_type.<type>; empty: all
	Actions   []string
	Clients   []string // ids
	Version   string
	Reason    string
	Proposes  bool
	Proposals []DeskProposal
	History   []DeskSystemStep
	Error     Text
	Why       Text // what is wrong with the reason
	Done      Text
}

// DeskSystemStep is one line of the history.
type DeskSystemStep struct {
	At       time.Time
	By       string
	Proposer string
	Reason   string
	New      bool
	Edits    []DeskEdit
}

// DeskEdit is one field before and after, message desk.sysfield.<field>.
type DeskEdit struct {
	Field         string
	Before, After []Text
}

// Name and Title make DeskSystem a Page.
func (DeskSystem) Name() string { return "admin/system" }
func (DeskSystem) Title() Text  { return T("desk.nav.systems") }

// DeskSystemForm is a change of an entry, or a new one, as it is drafted.
type DeskSystemForm struct {
	Desk
	New     bool
	Action  string
	Back    string
	Called  string
	Code    string // of an entry that is there
	Version string
	Fields  []DeskField // one-line fields
	Kinds   DeskTicks
	Types   DeskTicks
	Earned  bool
	More    []DeskField // level, actions, reason
	Wrongs  Wrongs
	Checked bool // the draft was looked at and is right
	Edits   []DeskEdit
	Effects []Text
	Grants  int64
	Clients int
}

// DeskTicks is a group of boxes, message desk.sysfield.<name>.
type DeskTicks struct {
	Name    string
	Options []DeskOption
	Chosen  []string
	Hint    Text
	Why     *Wrong
}

// Has tells whether the box with the value is ticked.
func (t DeskTicks) Has(value string) bool {
	for _, v := range t.Chosen {
		if v == value {
			return true
		}
	}
	return false
}

// Name and Title make DeskSystemForm a Page.
func (DeskSystemForm) Name() string { return "admin/systemform" }
func (DeskSystemForm) Title() Text  { return T("desk.nav.systems") }
