package templates

import "time"

// Services is 服务事项: every business system for each of those that the visitor may
// stand for. Its forms post enter=<system> and org=<unit>.
type Services struct {
	AccountType string // NaturalPerson or LegalEntity
	Verified    bool
	Groups      []ServiceGroup
	Hidden      map[string]string
}

// ServiceGroup is the systems for one unit, or (Unit nil) for oneself.
type ServiceGroup struct {
	ID       string // org of the form
	Unit     *Unit
	Services []Service
}

// Service is one system and whether it is open, message services.state.<state> and
// services.why.<state>.
type Service struct {
	ID       string
	System   System
	State    string
	Level    string // the real-name level that it wants
	Actions  []string
	Until    time.Time
	Migrated bool
	Enter    bool   // there is a way in
	AskURL   string // where one asks for it, if anywhere
}

// Rank puts what is open first, then what the visitor can do something about.
func (s Service) Rank() int {
	switch s.State {
	case "open":
		return 3
	case "name_missing", "grant_waits":
		return 2
	case "kind_refused", "type_refused":
		return 0
	}
	return 1
}

// Badge is the class of the badge.
func (s Service) Badge() string {
	switch s.Rank() {
	case 3:
		return "ok"
	case 2:
		return "warn"
	}
	return ""
}

// Own tells whether the visitor's own real name is what is missing.
func (s Service) Own() bool { return s.Rank() == 2 }

// Name, Title and Interaction make Services a Page.
func (Services) Name() string      { return "portal/services" }
func (Services) Title() Text       { return T("services.title") }
func (Services) Interaction() bool { return false }

// MyGrants is 我的授权: every right that the account has or had.
type MyGrants struct {
	AccountType string
	Grants      []MyGrant
	Asked       []Request // what the account asked its units for
	JustAsked   bool
	Hidden      map[string]string
}

// MyGrant is one of them, messages mygrants.state.<state> and mygrants.source.<source>.
type MyGrant struct {
	System      string
	Owner       string
	Unit        string // empty for oneself
	Idle        bool   // the account does not act for the unit now, so that it opens nothing
	Actions     []string
	Source      string
	State       string
	From, Until time.Time
}

// Rank puts what holds first.
func (g MyGrant) Rank() int {
	switch {
	case g.State == "active" && !g.Idle:
		return 2
	case g.State == "pending", g.State == "suspended":
		return 1
	}
	return 0
}

// Badge is the class of the badge.
func (g MyGrant) Badge() string {
	switch g.State {
	case "active":
		return "ok"
	case "pending", "suspended":
		return "warn"
	case "altered":
		return "bad"
	}
	return ""
}

// Name, Title and Interaction make MyGrants a Page.
func (MyGrants) Name() string      { return "portal/grants" }
func (MyGrants) Title() Text       { return T("mygrants.title") }
func (MyGrants) Interaction() bool { return false }

// Formless: there are links alone, unless something can be taken back.
func (p MyGrants) Formless() bool {
	for _, q := range p.Asked {
		if q.Open() {
			return false
		}
	}
	return true
}

// Tick is a value to tick.
type Tick struct {
	Value string
	On    bool
}

// Request is what somebody asked a unit for, message requests.state.<state>.
type Request struct {
	ID                 string
	Person, Login      string // masked; empty for one's own
	Unit, System       string
	Actions            []Tick
	State              string
	AskedAt, DecidedAt time.Time
}

// Open tells whether nobody decided yet.
func (q Request) Open() bool { return q.State == "open" }

// Ask is the request for a system: for which unit, for which actions. The form posts
// system, org and action; with again=yes another unit is looked at.
type Ask struct {
	System, Owner, Code string
	Units               []Unit // Last marks the chosen one
	Actions             []Tick // what the unit can hand on; none: it has nothing itself
	Error               Text
	Hidden              map[string]string
}

// Name, Title and Interaction make Ask a Page.
func (Ask) Name() string      { return "portal/ask" }
func (Ask) Title() Text       { return T("ask.title") }
func (Ask) Interaction() bool { return false }

// Requests is what others ask of the units that the visitor decides for. Its forms
// post grant=<id> with action and days, or decline=<id>.
type Requests struct {
	Open, Done []Request
	Terms      []int // days to choose from
	Error      Text
	Hidden     map[string]string
}

// Name, Title and Interaction make Requests a Page.
func (Requests) Name() string      { return "portal/requests" }
func (Requests) Title() Text       { return T("requests.title") }
func (Requests) Interaction() bool { return false }

// Formless tells whether there is nothing to decide.
func (p Requests) Formless() bool { return len(p.Open) == 0 }

// UnitChange shows what a unit's verified data are and what they would become, before
// they are verified anew. The form posts confirm=yes or edit=yes with all that was
// typed.
type UnitChange struct {
	Changes        []Change
	Representative bool // another legal representative
	Typed          map[string]string
	Next           string
}

// Change is a field that changes, message realname.field.<label>. With a Group the
// values are messages of it.
type Change struct{ Label, Group, Old, New string }

// Name, Title and Interaction make UnitChange a Page.
func (UnitChange) Name() string      { return "portal/unitchange" }
func (UnitChange) Title() Text       { return T("change.title") }
func (UnitChange) Interaction() bool { return false }
