package templates

import "time"

// ClientPage is what the pages about one client share. The addresses of its
// other pages are beneath Base.
type ClientPage struct {
	ClientID   string
	ClientName string
	Base       string // /console/clients/{id}
}

// ClientLog is why requests of a client failed lately, for its team. The filter is
// a form by GET with kind and live.
type ClientLog struct {
	ClientPage
	Kinds  []string // message diagnose.kind.<kind>
	Kind   string   // the chosen one, "" for all
	Live   bool     // the page asks again by itself
	Events []LoggedFailure
}

// LoggedFailure is one of them. Message diagnose.kind.<Kind> names it,
// diagnose.do.<Kind> says what to do.
type LoggedFailure struct {
	Kind, Endpoint, Error, Expected, Received, Request string
	At                                                 time.Time
	Warns                                              bool // nothing failed
}

// Name, Title and Interaction make ClientLog a Page.
func (ClientLog) Name() string      { return "console/log" }
func (ClientLog) Title() Text       { return T("diagnose.log.title") }
func (ClientLog) Interaction() bool { return false }

// DeskClientLog is the same for operators.
type DeskClientLog struct {
	Desk
	Log ClientLog
}

// Name and Title make DeskClientLog a Page.
func (DeskClientLog) Name() string { return "admin/clientlog" }
func (DeskClientLog) Title() Text  { return T("diagnose.log.title") }

// PreviewSelf stands for the one who looks.
const PreviewSelf = "self"

// ClientPreview shows what a client would learn about somebody. The form, by GET,
// has user, scope, claims, org_hint and acr.
type ClientPreview struct {
	ClientPage
	Users []PreviewUser // test accounts; the visitor is offered beside them

	User, Scope, Claims, Unit, ACR string

	Done               bool
	Step, Reason       string // where the request leads, message diagnose.step.<step>
	Error, Description string // the error that the client gets
	IDToken            string // JSON
	Userinfo           string
	Access             string
	Opaque             bool // Access is what introspection says
}

// PreviewUser is a test account.
type PreviewUser struct{ ID, Name string }

// ACRs are the ways to have signed in.
func (ClientPreview) ACRs() []string {
	return []string{"urn:fuwu:aal:1", "urn:fuwu:aal:2", "urn:fuwu:aal:3"}
}

// Name, Title and Interaction make ClientPreview a Page.
func (ClientPreview) Name() string      { return "console/preview" }
func (ClientPreview) Title() Text       { return T("diagnose.preview.title") }
func (ClientPreview) Interaction() bool { return false }

// ClientTry is where a team tries its client: settings to copy, examples, and the
// beginning of a trial, a form that posts scope.
type ClientTry struct {
	ClientPage
	Callback string // has to be registered
	Ready    bool   // it is
	Scope    string
	Settings []TrySetting
	Examples []TryExample
}

// TrySetting is a value to copy.
type TrySetting struct{ Name, Value string }

// TryExample is a minimal client.
type TryExample struct{ Name, Text string }

// Name, Title and Interaction make ClientTry a Page.
func (ClientTry) Name() string      { return "console/try" }
func (ClientTry) Title() Text       { return T("diagnose.try.title") }
func (ClientTry) Interaction() bool { return false }

// ClientTried is a trial under way: what was sent, what came back, what a relying
// party has to check. While there is a code the form posts state, code and
// client_secret.
type ClientTried struct {
	ClientPage
	Steps       []TryStep
	Code, State string
	Test        bool // a test account is signed in, which sees no other page of the console
	NeedsSecret bool // the form asks for the secret
	Public      bool
}

// TryStep is a request with its answer: message diagnose.try.step.<name>.
type TryStep struct {
	Name, Request, Response string
	Status                  int // 0: none
	Checks                  []TryCheck
}

// TryCheck is one check: message diagnose.try.check.<name>.
type TryCheck struct {
	Name string
	OK   bool
}

// Open tells whether the code can be redeemed from the page.
func (p ClientTried) Open() bool { return p.Code != "" && (p.NeedsSecret || p.Public) }

// Name, Title and Interaction make ClientTried a Page.
func (ClientTried) Name() string      { return "console/tried" }
func (ClientTried) Title() Text       { return T("diagnose.try.title") }
func (ClientTried) Interaction() bool { return false }
