package templates

import "time"

// ConsoleField is one field of a form of the console, label console.field.<name>.
type ConsoleField struct {
	Name    string
	Type    string // text if empty; textarea, select, check
	Value   string
	Options []string // of a select; "" stands for what holds without it
	Why     Text     // what is wrong with it
	Hint    bool     // console.hint.<name> says more
	Max     int
}

// Kind is Type or text.
func (f ConsoleField) Kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// Limit is Max, or what no field needs more than.
func (f ConsoleField) Limit() int {
	if f.Max > 0 {
		return f.Max
	}
	return 4096
}

// Lines is how high a textarea is.
func (f ConsoleField) Lines() int {
	if f.Name == "jwks" {
		return 8
	}
	return 3
}

// ConsoleGroup is a part of a form, console.group.<name>. It is open at once if
// it is the first or something in it is wrong.
type ConsoleGroup struct {
	Name   string
	Open   bool
	Fields []ConsoleField
}

// ConsoleProject is a system in a list.
type ConsoleProject struct {
	ID    string
	Name  string
	Legal string
	State string // console.state.<state>
	Role  string // console.role.<role>; empty at the desk
	At    time.Time
}

// ConsoleInvite is an invitation.
type ConsoleInvite struct {
	ID    string
	Name  string // the system, or at the team's page the login name
	Role  string
	Until time.Time
}

// ConsoleHome is /console.
type ConsoleHome struct {
	Projects []ConsoleProject
	Invites  []ConsoleInvite
	May      bool // connect systems
	Done     Text
}

// Name, Title and Interaction make ConsoleHome a Page.
func (ConsoleHome) Name() string      { return "console/home" }
func (ConsoleHome) Title() Text       { return T("console.title") }
func (ConsoleHome) Interaction() bool { return false }

// ConsoleForm describes a system: a new one where ID is empty.
type ConsoleForm struct {
	ID      string
	Version int64
	Bodies  []DeskOption // whose system, where there is a choice to make
	Body    string
	Fields  []ConsoleField
	Scopes  []ConsoleField // a reason each; without one the scope is not wanted
	Systems []ConsoleField // checks
	Error   Text
}

// Name, Title and Interaction make ConsoleForm a Page.
func (ConsoleForm) Name() string      { return "console/form" }
func (ConsoleForm) Title() Text       { return T("console.form.title") }
func (ConsoleForm) Interaction() bool { return false }

// ConsoleMember is somebody of a team.
type ConsoleMember struct {
	ID, Name, Role string
	Self           bool
}

// ConsoleEdit is a member of metadata before and after.
type ConsoleEdit struct{ Member, Before, After string }

// ConsoleChange is a line of history.
type ConsoleChange struct {
	What, Client, Actor string
	At                  time.Time
	Edits               []ConsoleEdit
}

// ConsoleTest is a test account.
type ConsoleTest struct{ Login, Part string }

// ConsoleTrial is an outcome of 账号检索 as a sandbox shows it.
type ConsoleTrial struct {
	Name, Code, Key string
	SMS             string // the code that would be sent; empty for units
	Login, Window   string // the account that the answer is about, if any
	Second          string // another one that belongs to it
	URL             string // the look-up, filled in
}

// ConsoleTrials lists them.
type ConsoleTrials struct {
	ID, System, Sandbox string
	Trials              []ConsoleTrial
	Edits               bool
	Done                Text
}

// Name, Title and Interaction make ConsoleTrials a Page.
func (ConsoleTrials) Name() string      { return "console/trials" }
func (ConsoleTrials) Title() Text       { return T("console.trials.title") }
func (ConsoleTrials) Interaction() bool { return false }

// ConsoleOverview is a system with everything of it.
type ConsoleOverview struct {
	ConsoleProject
	Version    int64
	Purpose    string
	Reason     string // what the operator said
	Sandbox    string
	Production string
	Step       int // 1 to 4 of the stepper
	Tests      []ConsoleTest
	Trials     int // look-up outcomes
	Team       []ConsoleMember
	Invites    []ConsoleInvite
	History    []ConsoleChange
	Edits      bool // may change things
	Owns       bool // may change the team and submit
	Open       bool // may be described and submitted now
	Error      Text
	Done       Text
}

// Name, Title and Interaction make ConsoleOverview a Page.
func (ConsoleOverview) Name() string      { return "console/project" }
func (ConsoleOverview) Title() Text       { return T("console.title") }
func (ConsoleOverview) Interaction() bool { return false }

// ConsoleProposal is a change that waits, or what became of it.
type ConsoleProposal struct {
	ID, Client, State, Reason, System string
	At                                time.Time
	Edits                             []ConsoleEdit
	Doubts                            []string // desk only: why to look twice
}

// ConsoleClient is a client's metadata, secrets and open change.
type ConsoleClient struct {
	ClientPage
	Project   string
	System    string
	Issuer    string
	Sandbox   bool
	Version   int64
	HasSecret bool // its method needs one
	Secret    bool // it has one
	Former    time.Time
	Groups    []ConsoleGroup
	Proposals []ConsoleProposal
	Edits     bool
	Error     Text
	Done      Text
}

// Name, Title and Interaction make ConsoleClient a Page.
func (ConsoleClient) Name() string      { return "console/client" }
func (ConsoleClient) Title() Text       { return T("console.client.title") }
func (ConsoleClient) Interaction() bool { return false }

// ConsoleSecret shows something once.
type ConsoleSecret struct {
	Kind   string // "client" or "tests"
	Value  string
	ID     string // client id
	Issuer string
	Until  time.Time // until when the one before is good
	Back   string
}

// Name, Title and Interaction make ConsoleSecret a Page.
func (ConsoleSecret) Name() string      { return "console/secret" }
func (ConsoleSecret) Title() Text       { return T("console.secret.title") }
func (ConsoleSecret) Interaction() bool { return false }

// DeskIntegrators is /admin/integrators: what waits for a decision.
type DeskIntegrators struct {
	Desk
	Projects  []ConsoleProject
	Proposals []ConsoleProposal
	Persons   []ConsoleMember
	Error     Text
	Done      Text
}

// Name and Title make DeskIntegrators a Page.
func (DeskIntegrators) Name() string { return "admin/integrators" }
func (DeskIntegrators) Title() Text  { return T("desk.nav.integrators") }

// DeskIntegrator is a system that waits.
type DeskIntegrator struct {
	Desk
	Of       ConsoleProject
	Version  int64
	Purpose  string
	Scopes   []ConsoleEdit // scope and reason
	URIs     []string
	Systems  []string
	Contacts []string
	Doubts   []string // console.doubt.<doubt>
	Waits    bool
	Reason   string
	Error    Text
}

// Name and Title make DeskIntegrator a Page.
func (DeskIntegrator) Name() string { return "admin/integrator" }
func (DeskIntegrator) Title() Text  { return T("desk.nav.integrators") }
