package templates

import "time"

// DeskWebhooks is the addresses that are told of changes.
type DeskWebhooks struct {
	Desk
	Hooks   []DeskHook
	Next    string // path of the next page, "" if this is the last
	Changes bool   // who looks may change them
	Draft   string // id of the one that the form adds
	Fields  []DeskField
	Events  DeskTicks
	Wrongs  Wrongs
	Done    Text
}

// DeskHook is one address.
type DeskHook struct {
	URL     string // of its page
	ID      string
	Address string
	Client  string // whose it is, "" for the operator
	Events  []string
	State   string    // message desk.hook.state.<state>
	Why     string    // message desk.hook.why.<why>; "" unless it is disabled
	Since   time.Time // when it came to stand so; zero: from the beginning
	Failing time.Time // since when nothing arrives; zero: it does
	Skipped int64
	Last    *DeskDelivery // nil: there is none
}

// DeskDelivery is one event on its way to an address.
type DeskDelivery struct {
	ID        string
	Event     string // message desk.hook.event.<event>
	State     string // message desk.delivery.<state>
	Attempts  int
	Status    int    // of the last answer, 0 if there was none
	Problem   string // message desk.delivery.why.<problem>
	CreatedAt time.Time
	TriedAt   time.Time
	Again     bool // may be sent once more by who looks
}

// Name and Title make DeskWebhooks a Page.
func (DeskWebhooks) Name() string { return "admin/webhooks" }
func (DeskWebhooks) Title() Text  { return T("desk.nav.webhooks") }

// DeskWebhook is one address with its log.
type DeskWebhook struct {
	Desk
	Of          DeskHook
	Version     int64
	AddedAt     time.Time
	FormerUntil time.Time // the secret before signs as well until then; zero for none
	Held        int
	HeldMore    bool // there are more than were counted
	Changes     bool
	Events      DeskTicks
	Deliveries  []DeskDelivery
	Next        string
	Error       Text
	Why         Text // what is wrong with the confirmation
	Done        Text
}

// Name and Title make DeskWebhook a Page.
func (DeskWebhook) Name() string { return "admin/webhook" }
func (DeskWebhook) Title() Text  { return T("desk.nav.webhooks") }

// DeskWebhookSecret shows the secret of an address, once.
type DeskWebhookSecret struct {
	Desk
	URL         string
	Address     string
	Secret      string
	FormerUntil time.Time
}

// Name and Title make DeskWebhookSecret a Page.
func (DeskWebhookSecret) Name() string { return "admin/webhooksecret" }
func (DeskWebhookSecret) Title() Text  { return T("desk.hook.secret_title") }
