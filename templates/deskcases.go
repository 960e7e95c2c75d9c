package templates

import "time"

// DeskCases is a queue of cases, of real names or of appeals.
type DeskCases struct {
	Desk
	Heap   string // cases or appeals (message desk.nav.<heap>)
	Fields []DeskField
	Cases  []DeskCaseLine
	Next   string
}

// DeskCaseLine is a line of the queue.
type DeskCaseLine struct {
	URL    string
	Number string
	Type   string // NaturalPerson or LegalEntity
	About  Text   // what else it is about
	Stated Text
	Since  time.Time
	Age    Text
	Badge  string // "", due, warn, bad: how long it waits
	Charge string // login name of who is in charge, "" for nobody
	Mine   bool
}

// Name and Title make DeskCases a Page.
func (DeskCases) Name() string  { return "admin/cases" }
func (p DeskCases) Title() Text { return Text{Key: "desk.nav." + p.Heap} }

// DeskCase is one case: what is claimed, what the register found, documents.
type DeskCase struct {
	Desk
	Heap      string
	About     Text // what it is about, beside its type
	Number    string
	Type      string
	State     string
	Stated    string // message group of State: realname.state or appeal.state
	Since     time.Time
	Badge     string
	Version   int64
	Charge    string // login name of who is in charge
	Mine      bool   // who looks is in charge: the data is not masked
	Own       bool   // the case is the operator's own
	Open      bool   // it can be decided
	Second    bool   // a second person has to agree
	Lines     []DeskClaim
	Papers    []DeskPaper
	Doubles   []DeskDouble
	History   []DeskStep
	Approve   []DeskField
	Reject    []DeskField
	Concern   []DeskField // appeals: says which account it is about
	Receives  bool        // Concern says who gets a login name
	Error     Text
	Done      Text
	Account   string // path of the account's page, "" if the role may not
	Deadline  time.Time
	Applicant string
}

// DeskClaim is one line: what is claimed, beside what stands on the account and
// what the register found.
type DeskClaim struct {
	Label   string // message desk.claim.<label>
	Claimed string
	Stands  string // as verified before, "" if nothing
	Finding Text   // what the register says, zero if nothing
	Differs bool
	Agrees  bool
}

// DeskPaper is a document.
type DeskPaper struct {
	Kind string // message document.kind.<kind>
	URL  string
	Type string // MIME type; images are shown in place
	At   time.Time
	Scan string // waiting or quarantined: it is not shown; empty if it may be seen
}

// Picture tells whether it can be shown in place.
func (p DeskPaper) Picture() bool { return p.Type == "image/jpeg" || p.Type == "image/png" }

// DeskDouble is another account with the same number.
type DeskDouble struct {
	By       string // message desk.double.<by>
	Login    string
	State    string
	RealName string
	URL      string
	Proved   bool
}

// DeskStep is a step of the case's history.
type DeskStep struct {
	At   time.Time
	What Text
	By   string
}

// Name and Title make DeskCase a Page.
func (DeskCase) Name() string { return "admin/case" }
func (DeskCase) Title() Text  { return T("desk.case.title") }

// DeskMoved tells that a case changed while somebody looked at it, and what is
// different now.
type DeskMoved struct {
	Desk
	Number  string
	Changes []DeskChange
	URL     string
}

// DeskChange is one difference, message desk.moved.<label>.
type DeskChange struct {
	Label       string
	Before, Now Text
}

// Name and Title make DeskMoved a Page.
func (DeskMoved) Name() string { return "admin/moved" }
func (DeskMoved) Title() Text  { return T("desk.moved.title") }
