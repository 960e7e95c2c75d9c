package templates

import "time"

// LookupAnswer is the answer of 账号检索: one card with one button.
type LookupAnswer struct {
	Code      string // E0a … I6
	Person    bool   // a mobile number was looked up, not a USCC
	Key       string
	LoginName string
	Masked    bool
	Window    string // NaturalPerson or LegalEntity, empty where there is nothing to sign in to
	Kept      bool   // the former platform's password holds
	Changed   bool   // and was changed since
	Used      bool   // it is known when it was used last
	UsedAt    time.Time
	Suffixed  bool        // even HJ_ was taken
	Existing  bool        // I0: there is an account here already
	Test      bool        // a key of a sandbox
	StandIn   RecoverLink // to sign in as who has done what the answer says; no link if empty
	Do        RecoverLink
	Ways      []RecoverLink
}

// Name, Title and Interaction make LookupAnswer a Page.
func (LookupAnswer) Name() string      { return "lookup/answer" }
func (LookupAnswer) Title() Text       { return T("lookup.answer_title") }
func (LookupAnswer) Interaction() bool { return false }

// Formless: the page has links only.
func (LookupAnswer) Formless() bool { return true }

// Says is the outcome in words.
func (p LookupAnswer) Says() Text {
	key := "outcome." + p.Code
	switch {
	case p.Existing:
		key += "_existing"
	case p.Code == "E1" && p.Changed: // R6
		key += "_changed"
	}
	return Text{Key: key, Args: []any{p.LoginName}}
}

// Password says which password works.
func (p LookupAnswer) Password() Text {
	switch {
	case p.Window == "" || p.LoginName == "":
		return Text{}
	case p.Changed:
		return T("lookup.password_changed")
	case p.Kept:
		return T("lookup.password_kept")
	}
	return T("lookup.password_own")
}
