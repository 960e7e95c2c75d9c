package templates

// SignIn is /login: two windows, a name and a password.
//
// The form posts to the address of the page with username, password, window,
// shared_computer=yes if ticked, form_token and the Hidden fields. A second
// form after it posts cancel=yes.
type SignIn struct {
	Asks   *System // who asks; nil when the platform itself does
	Window string  // NaturalPerson or LegalEntity
	// The same page in either window; without them no tabs are shown.
	NaturalPersonURL, LegalEntityURL string

	Username       string // kept after a failure; the password never is
	Error          Text   // above the form: signin.error.*
	UsernameError  Text   // at the field
	PasswordError  Text   // at the field
	Notice         Text   // why the page is shown again: signin.notice.*
	SharedComputer bool   // the tick of "this is a shared computer"
	Hidden         map[string]string
	Captcha        Captcha // asked for where it is owed

	Cancel    bool   // show the cancel button
	CancelURL string // a link instead of the button

	// Ways out, each shown if set.
	SMSURL, ForgotURL, ForgotNameURL, RegisterURL, LookupURL string
}

// Name, Title and Interaction make SignIn a Page.
func (SignIn) Name() string      { return "interact/signin" }
func (SignIn) Title() Text       { return T("signin.title") }
func (SignIn) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p SignIn) Pictures() []string { return pictureOf(p.Asks) }

// Legal tells whether the legal-entity window is open.
func (p SignIn) Legal() bool { return p.Window == LegalEntity }

// SignInSMS is /login/sms: a login name or mobile and a captcha first, then the
// code that was sent. The form posts username, captcha and captcha_id, or, once
// something was sent, username and code; form_token and the Hidden fields always.
// A second form posts cancel=yes.
type SignInSMS struct {
	Asks           *System
	Username       string
	Sent           bool    // a code went out, or quietly none: it is asked for
	Captcha        Captcha // before that
	Error          Text    // above the form
	UsernameError  Text    // at the field
	CodeError      Text    // at the field
	SharedComputer bool
	Hidden         map[string]string
	PasswordURL    string // back to the password
	AgainURL       string // to ask for another code
	Cancel         bool
}

// Name, Title and Interaction make SignInSMS a Page.
func (SignInSMS) Name() string      { return "interact/signinsms" }
func (SignInSMS) Title() Text       { return T("signin.title") }
func (SignInSMS) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p SignInSMS) Pictures() []string { return pictureOf(p.Asks) }

// SelectAccount asks a signed-in person whether to go on as the same account.
// The form posts account=current or account=other; a second one cancel=yes.
type SelectAccount struct {
	Asks        *System
	Person      string // display name of the current account
	AccountType string // NaturalPerson or LegalEntity
	Unit        string // the unit chosen last, if any
	Hidden      map[string]string
	Cancel      bool
}

// Name, Title and Interaction make SelectAccount a Page.
func (SelectAccount) Name() string      { return "interact/account" }
func (SelectAccount) Title() Text       { return T("account.title") }
func (SelectAccount) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p SelectAccount) Pictures() []string { return pictureOf(p.Asks) }
