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
