// Package notify is what the platform tells people by SMS and e-mail, and how.
//
// A message is promised inside the transaction of the deed that it tells of and
// delivered by the outbox after that: exactly one for each request id, however
// often the deed is tried. The drivers (gateways, SMTP, the demonstration's
// console) are the Senders of this package. Texts come from the message
// catalogues; who may be told what, and how often, is the caller's matter.
package notify

import (
	"context"
	"time"
)

// Channel is how a message travels.
type Channel string

// The channels.
const (
	SMS   Channel = "sms"
	Email Channel = "email"

	// Nobody is where a message goes that is only promised so that nobody can tell
	// from the work done whether one went out.
	Nobody Channel = "nobody"
)

// Message is one text to one recipient. It holds personal data: it is sealed at
// rest and never logged.
type Message struct {
	ID      string   // request id: a gateway that knows it sends no second one; empty lets Queue make one
	Channel Channel  //
	To      string   // E.164 for SMS, one address for e-mail
	Purpose string   // message group: "notify.<purpose>" is the text, "notify.<purpose>.subject" an e-mail's subject
	Args    []string // values of the text's places {0}, {1}, …; text only, line breaks are refused (S89)
	Code    string   // the one-time code in Args, if any, for the demonstration's outbox page and for gateways that want it apart
	Locale  string   // BCP 47; empty is zh-CN

	Until time.Time // after that it is of no use and is not sent; zero: a day
}

// Queue promises messages.
type Queue interface {
	// Queue stores m inside the transaction that ctx carries, for delivery after
	// it. The same m.ID queued again is no second message.
	Queue(ctx context.Context, m Message) error
}

// Delivered is a message as it goes out.
type Delivered struct {
	Message
	Subject string // e-mail only
	Text    string
}

// Sender delivers one message. Delivering the same ID again must be harmless as
// far as the gateway lets it be. An error means: try again later.
type Sender interface {
	Send(ctx context.Context, d Delivered) error
}
