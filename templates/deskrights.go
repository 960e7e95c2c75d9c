package templates

import "time"

// DeskRights is what an account holds, and what others hold for its unit.
type DeskRights struct {
	Desk
	URL     string // of the account
	Called  string
	HeldBy  string // login name of the account; Login is the operator's
	Own     []DeskRight
	Others  []DeskRight
	History []DeskRightStep
	Reason  string
	Error   Text
	Done    Text
}

// DeskRight is one mandate or grant, message desk.rights.state.<state>.
type DeskRight struct {
	ID                string
	Kind              string // mandate or grant
	Relation          string // of a mandate, message relation.<relation>
	System            string // of a grant
	Actions           []string
	Unit              string
	Holder, HolderURL string
	State             string
	Source            string
	From, Until       time.Time
	Deeds             []string // suspend, resume, revoke: what can be done by who looks
}

// DeskRightStep is one line of the history.
type DeskRightStep struct {
	At         time.Time
	Kind, What string
	From, To   string
	By, Reason string
}

// Name and Title make DeskRights a Page.
func (DeskRights) Name() string { return "admin/rights" }
func (DeskRights) Title() Text  { return T("desk.rights.title") }
