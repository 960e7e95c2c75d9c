package templates

// SecondFactor asks for a second factor, after the password or in a session. The
// form posts way, and code (an authenticator's, an SMS's or a recovery code) or
// answer (a passkey's, put there by script), with the Hidden fields; send=code asks
// for an SMS; a second form posts cancel=yes.
type SecondFactor struct {
	Asks    *System
	Login   string // whose factor it is, as shown to its owner
	Ways    []Way  // all that are open; one is shown, the others are links
	Way     string // the one that is shown: totp, passkey, sms, recovery
	Raises  bool   // somebody is signed in already
	Options string // passkey: JSON for navigator.credentials.get
	Left    int    // recovery codes that are left
	Code    Code   // sms: the field
	Error   Text   // above the form
	Why     Text   // at the field
	Hidden  map[string]string
	Cancel  bool
}

// Way is a way of showing a second factor.
type Way struct{ Name, URL string }

// Name, Title and Interaction make SecondFactor a Page.
func (SecondFactor) Name() string      { return "interact/factor" }
func (SecondFactor) Title() Text       { return T("secondfactor.title") }
func (SecondFactor) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p SecondFactor) Pictures() []string { return pictureOf(p.Asks) }
