package templates

import "time"

// Entry asks whether a unit's data are right before a system is entered for it the
// first time (核对企业信息 → 确定). The form posts decision=allow, a second one
// cancel=yes.
type Entry struct {
	Asks       *System
	Person     string // display name of the signed-in account
	Unit       Unit
	Systems    []string // names of those that are entered
	Facts      []Fact   // messages entry.fact.<label>
	VerifiedAt time.Time
	FixURL     string // where wrong data are changed, for who may; else whom to ask is told
	Hidden     map[string]string
}

// Name, Title and Interaction make Entry a Page.
func (Entry) Name() string      { return "interact/entry" }
func (Entry) Title() Text       { return T("entry.title") }
func (Entry) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p Entry) Pictures() []string { return pictureOf(p.Asks) }
