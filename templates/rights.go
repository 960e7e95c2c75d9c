package templates

import "time"

// UnitGrants is /me/unit/grants: what others hold for the unit. Its forms post do
// (confirm or revoke), right and, for everything of one holder, all=yes.
type UnitGrants struct {
	Unit    string
	Holders []UnitHolder
	Notice  Text
	Error   Text
}

// UnitHolder is one who holds something for the unit.
type UnitHolder struct {
	Person   string // masked
	Right    string // a mandate or grant, which names the holder in the form
	Relation string // of the mandate, "" if there is none; State, Source and Until are its own
	State    string
	Source   string
	Until    time.Time
	Migrated bool // something waits for the unit's word
	Grants   []HeldGrant
}

// HeldGrant is one grant of a holder.
type HeldGrant struct {
	ID, System string
	Actions    []string
	State      string
	Source     string
	Until      time.Time
	Migrated   bool
}

// Name, Title and Interaction make UnitGrants a Page.
func (UnitGrants) Name() string      { return "portal/unitgrants" }
func (UnitGrants) Title() Text       { return T("unitgrants.title") }
func (UnitGrants) Interaction() bool { return false }
