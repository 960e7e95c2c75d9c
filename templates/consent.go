package templates

// Consent tells who asks for what, for which purpose, and asks whether to give
// it (PIPL articles 17, 23 and 29). The form posts decision=allow or
// decision=deny and one sensitive=<scope> for each sensitive item ticked.
type Consent struct {
	Asks       System
	LegalName  string // of the body that receives the data
	Contact    string // how to reach it
	Purpose    string // what it wants the data for
	Retention  string // how long it keeps them, if it said so
	Unreviewed bool   // nobody has checked this application yet

	// Device is the code of the device that asks, empty if none does: the user
	// compares it with what the device shows (RFC 8628 §3.3.1, §5.4).
	Device string

	Person    string // display name of the signed-in person
	Unit      *Unit  // the unit stood for, nil if none
	Items     []Item
	Sensitive []Item // shown apart and never ticked beforehand
	Offline   bool   // access goes on after sign-out (offline_access)

	WithdrawURL string // where consent is taken back, no link if empty
	Error       Text
	Hidden      map[string]string
}

// Item is one thing that would be released.
type Item struct {
	Claim string // message claim.<Claim>; shown as it is if there is none
	Value string // masked by the caller; empty if unknown yet
	Scope string // the scope that brings it, value of the tick box
}

// Name, Title and Interaction make Consent a Page.
func (Consent) Name() string      { return "interact/consent" }
func (Consent) Title() Text       { return T("consent.title") }
func (Consent) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p Consent) Pictures() []string { return pictureOf(&p.Asks) }
