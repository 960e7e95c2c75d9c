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
