package templates

import "time"

// Home is the platform's front door: what it is for a stranger, what one has
// for a visitor who is signed in. Its form posts logout=yes to SignOutURL.
type Home struct {
	SignInURL  string   // /login if empty
	SignOutURL string   // /logout if empty
	Visitor    *Visitor // nil if nobody is signed in
}

// Visitor is the signed-in account as its owner sees it.
type Visitor struct {
	Name        string // display name, masked by the caller as it sees fit
	AccountType string // NaturalPerson or LegalEntity
	LoginName   string
	Verified    bool   // real-name authentication passed
	Level       string // L0–L4
	SignedInAt  time.Time
	Factors     string // how: pwd, sms, … (message factor.*), empty if not told
	Units       []Unit
	Access      []Access
}

// Access is one business system and what the account may do there.
type Access struct {
	System   System
	Unit     string   // the unit it is for, empty for the person
	Actions  []string // message action.<name>; shown as they are if there is none
	EntryURL string   // where one enters, http(s); no link if empty
	Until    time.Time
	Migrated bool // taken over from the former platform, not confirmed yet
}

// Entry is EntryURL if it is a web address, else empty.
func (a Access) Entry() string { return webAddress(a.EntryURL) }

// Name, Title and Interaction make Home a Page.
func (Home) Name() string      { return "portal/home" }
func (Home) Title() Text       { return T("home.title") }
func (Home) Interaction() bool { return false }

// Formless tells whether nobody is signed in, so that there is no sign-out form.
func (p Home) Formless() bool { return p.Visitor == nil }
