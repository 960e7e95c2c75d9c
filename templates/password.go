package templates

// NewPassword asks for a new password, typed twice, between a sign-in with one
// that somebody else chose and the session. The form posts new_password and
// new_password_again with the Hidden fields; a second one cancel=yes.
type NewPassword struct {
	Asks    *System
	Login   string // whose password it is, as shown to its owner
	Minimum int    // characters
	Classes bool   // three kinds of characters are asked for
	Error   Text   // above the form
	Why     Text   // at the field: what is wrong with the new password
	Hidden  map[string]string
	Cancel  bool
}

// Name, Title and Interaction make NewPassword a Page.
func (NewPassword) Name() string      { return "interact/password" }
func (NewPassword) Title() Text       { return T("newpassword.title") }
func (NewPassword) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p NewPassword) Pictures() []string { return pictureOf(p.Asks) }
