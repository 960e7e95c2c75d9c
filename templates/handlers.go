package templates

import "time"

// Handlers is 经办人 as those see it who rule over it: who acts for the unit and
// what was offered. Its forms post end=<account>, withdraw=<invitation>, or
// asks=yes|no.
type Handlers struct {
	Unit     string // name
	UnitID   string
	Others   []Link // further units of the one who looks
	People   []ActsFor
	Offers   []HandlerOffer
	MayName  bool // the unit holds something to name
	MaySet   bool
	AskActor bool
	Notice   Text
	Error    Text
	Hidden   map[string]string
}

// ActsFor is somebody who acts for a unit, or a unit that one acts for.
type ActsFor struct {
	ID       string // of the account, or of the unit
	Name     string
	Code     string // USCC, of a unit
	Relation string
	State    string // "active", "pending", "suspended"
	Source   string
	Until    time.Time
	Entries  []HandlerEntry
	May      bool // it can be ended here
	Soon     bool // it ends within a month
}

// HandlerEntry is a system and what may be done there.
type HandlerEntry struct {
	System  string
	Actions []string // message action.<name>, or the name itself
}

// HandlerOffer is an invitation.
type HandlerOffer struct {
	ID       string
	Unit     string
	Code     string // USCC
	Name     string // masked
	Who      string // masked, how the unit called the person
	Relation string
	State    string
	Note     string
	Entries  []HandlerEntry
	AskedAt  time.Time
	AnswerBy time.Time
	Until    time.Time
	May      bool // it can be taken back here
}

// Name, Title and Interaction make Handlers a Page.
func (Handlers) Name() string      { return "handlers/list" }
func (Handlers) Title() Text       { return T("handlers.title") }
func (Handlers) Interaction() bool { return false }

// InviteHandler names somebody. It posts who, name, relation, scope (several, as
// <system>:<action>), months and note.
type InviteHandler struct {
	Unit    string
	UnitID  string
	Who     string
	Person  string // name as typed
	Role    string
	Roles   []string
	Systems []InviteSystem
	Months  int
	Terms   []int
	Note    string
	Error   Text
	Wrongs  Wrongs
	Hidden  map[string]string
}

// InviteSystem is a system that can be named.
type InviteSystem struct {
	Name    string
	Actions []InviteAction
}

// InviteAction is an action that can be named.
type InviteAction struct {
	Value   string // <system>:<action>
	Name    string
	Checked bool
}

// Name, Title and Interaction make InviteHandler a Page.
func (InviteHandler) Name() string      { return "handlers/invite" }
func (InviteHandler) Title() Text       { return T("handlers.invite") }
func (InviteHandler) Interaction() bool { return false }

// Mandates is what a person was offered and whom they act for. Its forms post
// confirm=<id>, decline=<id> or leave=<unit>.
type Mandates struct {
	Offers   []HandlerOffer
	Acts     []ActsFor
	Verified bool
	Notice   Text
	Error    Text
	Hidden   map[string]string
}

// Name, Title and Interaction make Mandates a Page.
func (Mandates) Name() string      { return "handlers/mandates" }
func (Mandates) Title() Text       { return T("mandates.title") }
func (Mandates) Interaction() bool { return false }

// ActingHandler says who acts in a unit's own session: choose, then the code that
// went to the chosen one. It posts actor with the captcha's answer, and then code.
type ActingHandler struct {
	Unit     string
	Now      string // who acts, masked; empty if nobody
	People   []ActingPerson
	Chosen   string // id, empty before a code went out
	To       string // masked number that it went to
	Required bool
	Captcha  Captcha // before a code goes out
	Error    Text
	CodeWhy  Text
	Hidden   map[string]string
}

// ActingPerson can be chosen.
type ActingPerson struct{ ID, Name, Relation, Mobile string }

// Name, Title and Interaction make ActingHandler a Page.
func (ActingHandler) Name() string      { return "handlers/acting" }
func (ActingHandler) Title() Text       { return T("acting.title") }
func (ActingHandler) Interaction() bool { return false }
