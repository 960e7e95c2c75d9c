package templates

import "time"

// Desk is what every page of the review desk shows of who works there; pages
// embed it.
type Desk struct {
	Login string     // the operator's login name, "" if nobody is signed in
	Role  string     // message desk.role.<role>
	Nav   []DeskLink // the places that the role may enter
}

// DeskLink leads to a place of the desk, message desk.nav.<key>.
type DeskLink struct {
	Key  string
	URL  string
	Here bool
}

// Interaction: the desk is no step of a sign-in.
func (Desk) Interaction() bool { return false }

// DeskField is one field of a form of the desk: label desk.field.<name>.
type DeskField struct {
	Name    string
	Type    string // text if empty; password, textarea, select, datetime-local
	Value   string
	Options []DeskOption // of a select
	Hint    Text
	Why     Text // what is wrong with it
	Auto    string
	Free    bool // may stay empty
	Max     int
	Suffix  string // makes the id unique where a page has several forms
}

// DeskOption is one choice of a select.
type DeskOption struct {
	Value string
	Text  Text
}

// Kind is Type or text.
func (f DeskField) Kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// ID is the element's id.
func (f DeskField) ID() string { return "f-" + f.Name + f.Suffix }

// Limit is Max, or what no field needs more than.
func (f DeskField) Limit() int {
	if f.Max > 0 {
		return f.Max
	}
	return 256
}

// Chosen tells whether o is the value of the select.
func (f DeskField) Chosen(o DeskOption) bool { return f.Value == o.Value }

// DeskSignIn is /admin/login: name, password and second factor in one form.
type DeskSignIn struct {
	Desk
	Fields []DeskField
	Error  Text
	Notice Text
	Next   string
}

// Name and Title make DeskSignIn a Page.
func (DeskSignIn) Name() string { return "admin/signin" }
func (DeskSignIn) Title() Text  { return T("desk.signin.title") }

// DeskEnrol is the two steps of an invitation: the one-time secret, then password
// and second factor. Factor is empty in the first.
type DeskEnrol struct {
	Desk
	Who      string
	Factor   string // secret of the authenticator, in groups
	Picture  string // data: URL of its QR code, "" for none
	Fields   []DeskField
	Error    Text
	Minimum  int
	Finished bool
}

// Name and Title make DeskEnrol a Page.
func (DeskEnrol) Name() string { return "admin/enrol" }
func (DeskEnrol) Title() Text  { return T("desk.enrol.title") }

// DeskSelf is the operator's own page: another password, own accounts.
type DeskSelf struct {
	Desk
	Due    bool
	Fields []DeskField
	Error  Text
	Done   Text
	Owned  int
	Own    []DeskField
	Last   time.Time // last change of the password
}

// Name and Title make DeskSelf a Page.
func (DeskSelf) Name() string { return "admin/self" }
func (DeskSelf) Title() Text  { return T("desk.self.title") }

// DeskHome is the desk's front: what waits.
type DeskHome struct {
	Desk
	Tiles []DeskTile
	Plots []Plot
}

// DeskTile is one heap of work, message desk.tile.<key>.
type DeskTile struct {
	Key   string
	URL   string
	Count int
	More  bool      // there are more than were counted
	Since time.Time // the oldest waits since; zero if nothing waits
	Age   string    // badge of the age: "", due, warn, bad
}

// Name and Title make DeskHome a Page.
func (DeskHome) Name() string { return "admin/home" }
func (DeskHome) Title() Text  { return T("desk.home.title") }

// DeskOperators is the roster.
type DeskOperators struct {
	Desk
	Operators []DeskOperator
	Proposals []DeskProposal
	Fields    []DeskField // of the form that proposes somebody new
	Roles     []DeskOption
	Error     Text
	Done      Text
}

// DeskOperator is one line of the roster.
type DeskOperator struct {
	ID     string
	Login  string
	Role   string
	State  string // message desk.state.<state>
	SeenAt time.Time
	Self   bool
	Waits  bool // something is proposed already
	Deeds  []string
	Others []DeskOption // roles that he might have instead
}

// DeskProposal is one proposal of four eyes.
type DeskProposal struct {
	ID      string
	Matter  string // message desk.matter.<matter>
	What    Text
	By      string
	At      time.Time
	Until   time.Time
	State   string // message desk.proposal.<state>
	Decider string
	Mine    bool // may be decided by who looks
	Fetch   bool // may be fetched by who looks
	Lines   []Fact
	URL     string // of what it is about, "" for nothing
	Reason  string
	Edits   []DeskEdit
	Effects []Text
	Stale   bool // what it is about changed meanwhile: it cannot be done any more
}

// Name and Title make DeskOperators a Page.
func (DeskOperators) Name() string { return "admin/operators" }
func (DeskOperators) Title() Text  { return T("desk.nav.operators") }

// DeskApprovals is what waits for a second person.
type DeskApprovals struct {
	Desk
	Proposals []DeskProposal
	Error     Text
	Done      Text
}

// Name and Title make DeskApprovals a Page.
func (DeskApprovals) Name() string { return "admin/approvals" }
func (DeskApprovals) Title() Text  { return T("desk.nav.approvals") }

// DeskIssued shows a one-time secret, once.
type DeskIssued struct {
	Desk
	Who    string
	Secret string
	URL    string
	Until  time.Time
}

// Name, Title and Formless make DeskIssued a Page.
func (DeskIssued) Name() string { return "admin/issued" }
func (DeskIssued) Title() Text  { return T("desk.issued.title") }

// DeskNotices is the banners.
type DeskNotices struct {
	Desk
	Notices []DeskNotice
	Fields  []DeskField
	Error   Text
	Done    Text
}

// DeskNotice is one banner, message desk.severity.<severity>.
type DeskNotice struct {
	ID             string
	TextZH, TextEN string
	Severity       string
	From, Until    time.Time
	By             string
	State          string // shown, waits, over (message desk.notice.<state>)
	Open           bool   // can be taken back
}

// Name and Title make DeskNotices a Page.
func (DeskNotices) Name() string { return "admin/notices" }
func (DeskNotices) Title() Text  { return T("desk.nav.notices") }
