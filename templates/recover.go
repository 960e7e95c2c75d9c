package templates

import "time"

// Forgot is /forgot: which way back somebody takes.
type Forgot struct{}

// Name, Title and Interaction make Forgot a Page.
func (Forgot) Name() string      { return "recover/forgot" }
func (Forgot) Title() Text       { return T("recover.forgot.title") }
func (Forgot) Interaction() bool { return false }

// Formless: the page has links only.
func (Forgot) Formless() bool { return true }

// The kinds of a Blank. The zero kind is a line of text.
const (
	BlankSecret = "password"
	BlankArea   = "area"
	BlankChoice = "choice"
	BlankTick   = "tick"
)

// Blank is one field of a RecoverForm.
type Blank struct {
	Field    string // its name and id
	Kind     string
	Label    Text
	Hint     Text
	Error    Text
	Value    string // never of a secret
	Options  []Option
	Optional bool
	Max      int    // characters
	Auto     string // autocomplete
	Mode     string // inputmode
}

// Option is one value of a choice.
type Option struct {
	Value string
	Label Text
}

// RecoverLink is a way out of a page.
type RecoverLink struct {
	URL     string
	Label   Text
	Current bool // of tabs: the open one
}

// RecoverFact is a value that is shown and not asked for.
type RecoverFact struct {
	Label Text
	Value string
	Code  bool
}

// RecoverForm is one step of a recovery: what is asked for, and the ways out. The
// form posts the blanks' fields, captcha and code if they are asked for, and the
// Hidden fields.
type RecoverForm struct {
	Heading Text
	Lead    Text
	Step    int // of Steps; no progress is shown if 0
	Steps   int
	Tabs    []RecoverLink
	Notice  Text
	Error   Text
	Facts   []RecoverFact
	Blanks  []Blank
	Captcha Captcha
	Code    *Code
	After   []Blank // after the code
	Submit  Text
	Quiet   Text // of a second button that posts quiet=yes; none if empty
	Hidden  map[string]string
	Ways    []RecoverLink
}

// Name, Title and Interaction make RecoverForm a Page.
func (RecoverForm) Name() string      { return "recover/form" }
func (p RecoverForm) Title() Text     { return p.Heading }
func (RecoverForm) Interaction() bool { return false }

// Progress is the steps, true up to the present one.
func (p RecoverForm) Progress() []bool {
	out := make([]bool, p.Steps)
	for i := range out {
		out[i] = i < p.Step
	}
	return out
}

// Wrong lists the blanks with errors, for the summary.
func (p RecoverForm) Wrong() []Blank {
	var out []Blank
	add := func(blanks ...Blank) {
		for _, b := range blanks {
			if b.Error.Says() {
				out = append(out, b)
			}
		}
	}
	add(p.Blanks...)
	add(Blank{Field: "captcha", Error: p.Captcha.Error})
	if p.Code != nil {
		add(Blank{Field: "code", Error: p.Code.Error})
	}
	add(p.After...)
	return out
}

// RecoverDone ends a recovery well.
type RecoverDone struct {
	Heading Text
	Lead    Text
	Facts   []RecoverFact
	Points  []Text
	Link    RecoverLink // the one button
	Ways    []RecoverLink
}

// Name, Title and Interaction make RecoverDone a Page.
func (RecoverDone) Name() string      { return "recover/done" }
func (p RecoverDone) Title() Text     { return p.Heading }
func (RecoverDone) Interaction() bool { return false }

// Formless: the page has links only.
func (RecoverDone) Formless() bool { return true }

// RecoverContact shows the masked contact of a unit. Its form posts nothing but
// the Hidden fields: tell the contact.
type RecoverContact struct {
	UnitName, Contact, Mobile string
	Told                      bool
	Hidden                    map[string]string
}

// Name, Title and Interaction make RecoverContact a Page.
func (RecoverContact) Name() string      { return "recover/contact" }
func (RecoverContact) Title() Text       { return T("recover.contact.title") }
func (RecoverContact) Interaction() bool { return false }

// Paper is one document of an appeal.
type Paper struct {
	ID       string
	Role     string // evidence.<role>
	Attached bool
	Needed   bool
	Scan     string // waiting or quarantined; empty if it may be seen
}

// RecoverEvidence asks for documents and the reason of an appeal. One form a role
// uploads (multipart, fields role and file) to Upload; one posts remove=<id>; the
// last one posts reason.
type RecoverEvidence struct {
	Upload      string // address that takes uploads
	Papers      []Paper
	Roles       []string // that may be added
	Reason      string
	Error       Text
	FileError   Text
	ReasonError Text
	Hidden      map[string]string
	Unit        bool
	Aim         string // what the appeal is for: empty for a password, name or factor
}

// Name, Title and Interaction make RecoverEvidence a Page.
func (RecoverEvidence) Name() string      { return "recover/evidence" }
func (RecoverEvidence) Title() Text       { return T("recover.evidence.title") }
func (RecoverEvidence) Interaction() bool { return false }

// ReasonHint says what the reason is to be about.
func (p RecoverEvidence) ReasonHint() Text {
	if p.Aim != "" {
		return Text{Key: "recover.evidence.reason_hint_" + p.Aim}
	}
	return T("recover.evidence.reason_hint")
}

// AppealTurn is one line of an appeal's history.
type AppealTurn struct {
	At     time.Time
	What   string // appeal.turn.<what>
	Reason string
}

// AppealProgress is how an appeal stands. Its forms post withdraw=yes.
type AppealProgress struct {
	Number    string
	Kind      string // appeal.kind.<kind>
	State     string // appeal.state.<state>, with .next
	Turns     []AppealTurn
	DueAt     time.Time
	Effective time.Time // zero unless approved
	ExpiresAt time.Time
	Open      bool // it may be withdrawn
	Overdue   bool
	RedeemURL string // where what it is for is taken; empty unless it may be now
	Aim       string // what it is for: empty for a password, name or factor
	Hidden    map[string]string
}

// Name, Title and Interaction make AppealProgress a Page.
func (AppealProgress) Name() string      { return "recover/progress" }
func (AppealProgress) Title() Text       { return T("appeal.progress.title") }
func (AppealProgress) Interaction() bool { return false }

// Next says what comes next.
func (p AppealProgress) Next() Text {
	if p.Aim != "" && (p.State == "approved" || p.State == "contested" || p.State == "redeemed" || p.State == "withdrawn") {
		return Text{Key: "appeal." + p.Aim + ".next." + p.State}
	}
	return Text{Key: "appeal.next." + p.State}
}

// Redeem names the button that ends the appeal well, and Turn a line of its
// history.
func (p AppealProgress) Redeem() Text {
	if p.Aim != "" {
		return Text{Key: "appeal." + p.Aim + ".claim"}
	}
	return T("appeal.redeem")
}

// Turn is the text of a line of the history.
func (p AppealProgress) Turn(what string) Text {
	if p.Aim != "" && what == "redeem" {
		return Text{Key: "appeal." + p.Aim + ".turn_redeem"}
	}
	return Text{Key: "appeal.turn." + what}
}

// Good, Bad and Waits colour the badge.
func (p AppealProgress) Good() bool { return p.State == "approved" || p.State == "redeemed" }
func (p AppealProgress) Bad() bool {
	return p.State == "rejected" || p.State == "expired" || p.State == "withdrawn"
}

// ObjectList shows a signed-in holder the appeals about the account. Each form
// posts appeal and reason.
type ObjectList struct {
	Appeals []AppealProgress
	Reason  string
	Which   string // the appeal whose reason was wrong
	Error   Text
	Done    bool
}

// Name, Title and Interaction make ObjectList a Page.
func (ObjectList) Name() string      { return "recover/object" }
func (ObjectList) Title() Text       { return T("object.title") }
func (ObjectList) Interaction() bool { return false }
