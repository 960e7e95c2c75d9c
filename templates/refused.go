package templates

import "time"

// Refused tells why the gate in front of a system stays shut, who can open it
// and how to ask. The form posts account=other; a second one cancel=yes, which
// goes back to the system.
type Refused struct {
	Asks *System
	Kind string // one of the Refused kinds

	Person      string // display name of the signed-in account
	AccountType string // NaturalPerson or LegalEntity
	Unit        string // the unit stood for, if any
	Ended       string // the unit for which the account could enter until EndedAt, for NotEntitled
	EndedAt     time.Time

	Level       string // L0–L4, the account's, for LevelTooLow
	NeedLevel   string // L0–L4, the system's, for LevelTooLow
	NeedType    string // NaturalPerson or LegalEntity, for WrongAccountType
	StepURL     string // where the person can do something about it, if anywhere
	StartURL    string // where the system starts a sign-in anew, https; no link if empty
	Test        bool   // a test account that is verified with one click (verify=test)
	CanSwitch   bool   // show "use another account"
	CanGoBack   bool   // show "back to the system"
	CanPickUnit bool   // show "choose another unit" (org=again)
	Hidden      map[string]string
}

// Kinds of refusal, each with its messages refused.<kind>.*.
const (
	NotVerified      = "not_verified"       // no real-name authentication yet
	LevelTooLow      = "level_too_low"      // real-name level below the system's
	WrongAccountType = "wrong_account_type" // a person where a unit is asked for, or the reverse
	NotEntitled      = "not_entitled"       // no grant for this system and unit
	ACRUnmet         = "acr_unmet"          // a way of signing in that is out of reach
	SandboxOnly      = "sandbox_only"       // a sandbox, where test accounts alone sign in
	TestAccount      = "test_account"       // a test account at a system that is in earnest
)

// Name, Title and Interaction make Refused a Page.
func (Refused) Name() string      { return "interact/refused" }
func (Refused) Title() Text       { return T("refused.title") }
func (Refused) Interaction() bool { return true }

// Start is StartURL if it is a web address, else empty.
func (p Refused) Start() string { return webAddress(p.StartURL) }

// Pictures is the asking system's logo.
func (p Refused) Pictures() []string { return pictureOf(p.Asks) }
