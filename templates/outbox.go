package templates

import "time"

// Outbox is the demonstration's page of what a gateway would have sent. Only the
// demonstration mounts it.
type Outbox struct {
	JSONURL  string // the same for scripts
	Messages []OutMessage
}

// OutMessage is one message on it; nothing is masked.
type OutMessage struct {
	To      string
	Email   bool
	Subject string // e-mail only
	Text    string
	Code    string // the one-time code in it, if any
	At      time.Time
}

// Name, Title and Interaction make Outbox a Page.
func (Outbox) Name() string      { return "demo/outbox" }
func (Outbox) Title() Text       { return T("outbox.title") }
func (Outbox) Interaction() bool { return false }

// Formless says that there is no form.
func (Outbox) Formless() bool { return true }
