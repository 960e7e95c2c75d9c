package templates

// RightWindow follows the right password in the wrong window: one button goes
// on in the right one. The form posts account=current (go on) or account=other
// (back to the sign-in page), with the Hidden fields; a second one cancel=yes.
type RightWindow struct {
	Asks     *System
	Username string // as it was typed
	Window   string // NaturalPerson or LegalEntity: the one that is right
	Hidden   map[string]string
	Cancel   bool
}

// Name, Title and Interaction make RightWindow a Page.
func (RightWindow) Name() string      { return "interact/window" }
func (RightWindow) Title() Text       { return T("signin.title") }
func (RightWindow) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p RightWindow) Pictures() []string { return pictureOf(p.Asks) }

// Label is the right window's name.
func (p RightWindow) Label() Text {
	if p.Window == LegalEntity {
		return T("signin.legal")
	}
	return T("signin.natural")
}

// Why says which window the account belongs to.
func (p RightWindow) Why() Text { return T("signin.error.wrong_window", p.Label()) }
