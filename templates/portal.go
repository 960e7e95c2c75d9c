package templates

import "time"

// Me is 我的信息: the masked profile, how far it is verified, and what one can do.
type Me struct {
	AccountType string // NaturalPerson or LegalEntity
	LoginName   string
	Standing    Standing
	Facts       []Fact
	Links       []Link
}

// Fact is one line of the profile, message me.fact.<label>.
type Fact struct{ Label, Value string }

// Link leads to something that one can do.
type Link struct {
	URL  string // a path of ours
	Text Text
	Hint Text // one line beneath, if any
	Main bool // the one that is due now
}

// Standing is where real-name verification stands.
type Standing struct {
	State   string    // account status: unverified, pending, … (messages realname.state.*)
	Level   string    // L0–L4
	Since   time.Time // when it came to that; zero if not known
	Number  string    // 受理编号, empty if there is none
	Why     []Text    // reasons, if it is not verified
	Next    Text      // what comes next
	Renewal string    // state of a re-verification under way beside a verified state, "" if none
}

// Badge is the class of the badge.
func (s Standing) Badge() string {
	switch s.State {
	case "verified":
		return "ok"
	case "pending", "manual_review":
		return "due"
	case "failed", "rejected":
		return "bad"
	}
	return "warn"
}

// Name, Title and Interaction make Me a Page.
func (Me) Name() string      { return "portal/me" }
func (Me) Title() Text       { return T("me.title") }
func (Me) Interaction() bool { return false }

// Formless: there are links alone.
func (Me) Formless() bool { return true }
