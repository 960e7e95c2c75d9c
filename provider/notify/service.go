package notify

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
)

// Store keeps messages that are promised.
type Store interface {
	// PromiseMessage stores m, sealed, and an outbox task for it, both or none and within ctx's transaction if it carries one. A
	// message whose id is known already is no second one: false.
	PromiseMessage(ctx context.Context, m Message, now time.Time) (bool, error)
	// Message gives a message that is to be delivered; false if there is none or
	// it was settled before.
	Message(ctx context.Context, id string) (Message, bool, error)
	// SettleMessage blanks the message and notes what became of it; its id stays
	// known.
	SettleMessage(ctx context.Context, id string, how Outcome, now time.Time) error
}

// Outcome is what became of a message.
type Outcome string

// The outcomes.
const (
	Sent    Outcome = "sent"
	Late    Outcome = "late"     // it was of no use any more
	GivenUp Outcome = "given_up" // the gateway failed to the end
)

// Life is how long a message without an end of its own is tried.
const Life = 24 * time.Hour

// The most that a message may have: more is a mistake, or an attack.
const (
	maxArgs = 8
	maxArg  = 200
	maxTo   = 254
)

// Service promises messages and delivers them.
type Service struct {
	Store   Store
	Senders map[Channel]Sender
	Say     func(locale, key string, args []string) string // the message catalogues
	Fiction func(to string) bool                           // recipients that there are not; nil: all are
	Now     func() time.Time
	Log     *slog.Logger
}

var _ Queue = (*Service)(nil)

// Queue implements Queue.
func (s *Service) Queue(ctx context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	if m.Channel != Nobody && s.Fiction != nil && s.Fiction(m.To) {
		m = Message{ID: m.ID, Channel: Nobody, Purpose: m.Purpose, Until: m.Until}
	}
	now := s.Now()
	if m.ID == "" {
		m.ID = rand.Text()
	}
	if m.Until.IsZero() {
		m.Until = now.Add(Life)
	}
	if _, err := s.Store.PromiseMessage(ctx, m, now); err != nil {
		return fmt.Errorf("promise a message: %w", err)
	}
	return nil
}

// check refuses what could become a second header or a second recipient (S89).
func (m Message) check() error {
	bad := func(what string) error { return fmt.Errorf("notify: unfit %s of a message %s", what, m.Purpose) }
	if m.Channel != SMS && m.Channel != Email && m.Channel != Nobody || m.Purpose == "" {
		return bad("channel")
	}
	if m.Channel != Nobody && m.To == "" || len(m.To) > maxTo || strings.ContainsFunc(m.To, unfit) || strings.ContainsAny(m.To, " ,;") {
		return bad("to")
	}
	if len(m.Args) > maxArgs {
		return bad("args")
	}
	for _, a := range m.Args {
		if len([]rune(a)) > maxArg || strings.ContainsFunc(a, unfit) {
			return bad("args")
		}
	}
	return nil
}

// unfit are letters that break a line or hide in one.
func unfit(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar
}

// Deliver delivers the message id; last tells whether its task is given up if this
// try fails. An error means: try again later.
func (s *Service) Deliver(ctx context.Context, id string, last bool) error {
	m, found, err := s.Store.Message(ctx, id)
	if err != nil || !found { // not there: an earlier try was cut short after it had sent
		return err
	}
	if !s.Now().Before(m.Until) {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "message came too late", slog.String("message", m.ID), slog.String("purpose", m.Purpose))
		return s.Store.SettleMessage(ctx, m.ID, Late, s.Now())
	}
	if err := s.send(ctx, m); err != nil {
		if !last {
			return err
		}
		s.Log.LogAttrs(ctx, slog.LevelError, "message given up",
			slog.String("message", m.ID), slog.String("purpose", m.Purpose), slog.String("error", err.Error()))
		return s.Store.SettleMessage(ctx, m.ID, GivenUp, s.Now())
	}
	return s.Store.SettleMessage(context.WithoutCancel(ctx), m.ID, Sent, s.Now())
}

func (s *Service) send(ctx context.Context, m Message) error {
	if m.Channel == Nobody {
		return nil
	}
	sender, ok := s.Senders[m.Channel]
	if !ok {
		return fmt.Errorf("no driver for channel %q", m.Channel)
	}
	d := Delivered{Message: m, Text: s.Say(m.Locale, "notify."+m.Purpose, m.Args)}
	if m.Channel == Email {
		d.Subject = s.Say(m.Locale, "notify."+m.Purpose+".subject", m.Args)
	}
	return sender.Send(ctx, d)
}
