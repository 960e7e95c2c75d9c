package templates

import "html/template"

// SignOut asks whether to sign out. The form posts logout=yes; a second one
// cancel=yes unless CancelURL gives a link.
type SignOut struct {
	Asks      *System // who asked for it, nil if the person did
	Person    string  // display name of who would be signed out
	Hidden    map[string]string
	CancelURL string
}

// Name, Title and Interaction make SignOut a Page.
func (SignOut) Name() string      { return "interact/signout" }
func (SignOut) Title() Text       { return T("signout.title") }
func (SignOut) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p SignOut) Pictures() []string { return pictureOf(p.Asks) }

// SignedOut says that it is done.
type SignedOut struct {
	// ContinueURL is where to go next: a registered post-logout address, also
	// of a private scheme, or a same-origin path. No link if empty.
	ContinueURL  string
	ContinueName string // the system's name; the platform's if empty
	// Refresh goes there by itself after RefreshSeconds (0 or 1).
	Refresh        bool
	RefreshSeconds int
	SignInURL      string // "sign in again", /login if empty
}

// Name, Title and Interaction make SignedOut a Page.
func (SignedOut) Name() string      { return "interact/signedout" }
func (SignedOut) Title() Text       { return T("signedout.title") }
func (SignedOut) Interaction() bool { return true }

// Formless: the page has links only.
func (SignedOut) Formless() bool { return true }

// Check refuses a continue address that would run instead of lead somewhere.
func (p SignedOut) Check() error {
	if p.ContinueURL == "" || isPath(p.ContinueURL) {
		return nil
	}
	return destination(p.ContinueURL)
}

// Continue is ContinueURL for an attribute. The type lets private schemes
// through; Check has refused those that run.
func (p SignedOut) Continue() template.URL { return template.URL(p.ContinueURL) }

// isPath tells whether raw is a path on this origin.
func isPath(raw string) bool {
	return len(raw) > 0 && raw[0] == '/' && (len(raw) == 1 || (raw[1] != '/' && raw[1] != '\\'))
}
