package templates

import "time"

// Contact is the change of a mobile number or an e-mail address by its holder, in
// the steps ask, code, held and done. In ask it posts value, gone=yes if the old
// number cannot be reached, and the captcha; in code it posts code, old_code and
// rename=yes; cancel=yes gives it up, remove=yes takes an address away.
type Contact struct {
	Kind        string // "mobile" or "email"
	Step        string // "ask", "code", "held", "done"
	Now         string // what there is, masked; empty if nothing
	To          string // the new one, masked
	Value       string // as typed
	Gone        bool   // ticked: the old number cannot be reached
	Doubted     bool   // the number may be somebody else's by now: prove it anew
	AskOld      bool   // a code went to the old number, too
	AskNew      bool   // the new one's code is still owed
	LoginName   string // the login name, if it is the old number
	Rename      bool
	CanRemove   bool
	DueAt       time.Time
	Error       Text
	ValueError  Text
	CodeError   Text
	OldError    Text
	RenameError Text
	Captcha     Captcha
	Hidden      map[string]string
}

// Mobile tells which of the two it is.
func (p Contact) Mobile() bool { return p.Kind == "mobile" }

// Name, Title and Interaction make Contact a Page.
func (Contact) Name() string { return "portal/contact" }

// Title says which.
func (p Contact) Title() Text {
	if p.Mobile() {
		return T("contact.title.mobile")
	}
	return T("contact.title.email")
}

// Interaction: it has the portal's frame.
func (Contact) Interaction() bool { return false }

// Formless: the last word has no form.
func (p Contact) Formless() bool { return p.Step == "done" }

// Closing is 注销: what it means, then the code and the word for it, then what
// happens. In ask it posts the captcha, in code it posts code and sure=yes.
type Closing struct {
	Step      string // "ask", "code", "done"
	Legal     bool
	Days      int
	Units     []string // that the person acts for
	Handlers  int      // who act for the unit, of a legal account
	Systems   []string // entries that go
	Clients   []string // systems with a consent or tokens
	To        string   // masked, where the code went; empty if the account has no number or address
	DueAt     time.Time
	Error     Text
	CodeError Text
	SureError Text
	Captcha   Captcha
	Hidden    map[string]string
}

// Name, Title and Interaction make Closing a Page.
func (Closing) Name() string      { return "portal/closing" }
func (Closing) Title() Text       { return T("closing.title") }
func (Closing) Interaction() bool { return false }

// Formless: the last word has no form.
func (p Closing) Formless() bool { return p.Step == "done" }

// Privacy is what is stored about the holder, what for and for how long, who was
// told, and what one can do about it. Its forms post export=yes, or withdraw=<id>.
type Privacy struct {
	Stored  []Stored
	Told    []Told
	Kept    []Kept
	Contact string // address of the privacy officer, if the deployment names one
	Done    Text
	Hidden  map[string]string
}

// Stored is one item, message stored.<name>, with its purpose stored.why.<name>.
type Stored struct {
	Name  string
	Value string // masked
	Fix   string // path where it is corrected, empty if nowhere
}

// Told is what one system was told.
type Told struct {
	ID      string
	System  System
	Scopes  []string // message claim.<name>
	Allowed bool     // a consent stands, or tokens may
	Last    time.Time
	Times   int
}

// Kept is how long something is kept, message kept.<name>.
type Kept struct {
	Name string
	Days int
}

// Name, Title and Interaction make Privacy a Page.
func (Privacy) Name() string      { return "portal/privacy" }
func (Privacy) Title() Text       { return T("privacy.title") }
func (Privacy) Interaction() bool { return false }

// Export says what the file with one's data holds, and gives it: the form posts
// nothing but itself.
type Export struct{ Hidden map[string]string }

// Name, Title and Interaction make Export a Page.
func (Export) Name() string      { return "portal/export" }
func (Export) Title() Text       { return T("privacy.export") }
func (Export) Interaction() bool { return false }
