package holder

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/notify"
	"kejitong/provider/session"
)

// Kind is what a flow is for.
type Kind string

// The kinds of flow; an account has at most one of each.
const (
	Mobile  Kind = "mobile"
	Email   Kind = "email"
	Closing Kind = "closing"
)

// State is where a flow stands.
type State string

// The states. Held is a change of mobile that waits because the old number could
// not be asked.
const (
	Asked State = "asked"
	Held  State = "held"
)

// Flow is something that was asked for and is not done yet.
type Flow struct {
	ID        string // 128 random bits; what the codes are bound to
	Account   account.ID
	Kind      Kind
	State     State
	To        string // the new number or address in canonical form; for a closing where its code went, if anywhere
	OldGone   bool   // the old number or address cannot be reached any more, the holder says
	Proved    bool   // the code to To was right
	OldProved bool   // the code to the old one was right
	Rename    bool   // a login name that is the old number becomes the new one
	AskedAt   time.Time
	ExpiresAt time.Time
	DueAt     time.Time // when a held one happens
}

// Ending is a closing under way: until DueAt a sign-in takes it back.
type Ending struct {
	Account account.ID
	AskedAt time.Time
	DueAt   time.Time
}

// Use is when an account was last used.
type Use struct {
	Account  account.ID
	UsedAt   time.Time // last sign-in that is known, else when the account was made
	Doubted  bool      // its number may be somebody else's by now
	Reminded time.Time // when the holder was told that it will be disabled
	Disabled time.Time // when it was disabled for want of use
}

// Store keeps all that. Methods that tell whether they won are compare-and-swaps.
type Store interface {
	InTx(ctx context.Context, fn func(context.Context) error) error
	// Record writes an event into the trail.
	Record(ctx context.Context, ev audit.Event) error
	// HeldAccount gives an account, and on PostgreSQL locks its row until the
	// transaction ends; fault.NotFound if there is none.
	HeldAccount(ctx context.Context, id account.ID) (account.Account, error)
	// PutAccount replaces the account if it still has its version.
	PutAccount(ctx context.Context, a account.Account, phc string, ev audit.Event) error
	// EndSessions: see session.Store.
	EndSessions(ctx context.Context, which session.Which, now time.Time, ev audit.Event) ([]session.Ended, error)
	// EndGrants ends every token of the account, those of refresh tokens that
	// outlive sessions too, and owes the clients a logout.
	EndGrants(ctx context.Context, id account.ID, now time.Time) error

	// PutFlow stores f in place of any other of its kind and account.
	PutFlow(ctx context.Context, f Flow) error
	// Flow gives the flow; fault.NotFound if there is none.
	Flow(ctx context.Context, id account.ID, kind Kind) (Flow, error)
	// ProveFlow notes that a code was right; false if the flow is another by now.
	ProveFlow(ctx context.Context, f Flow, old bool) (bool, error)
	// HoldFlow turns an asked flow into a held one.
	HoldFlow(ctx context.Context, f Flow) (bool, error)
	// DropFlow deletes the flow: of several who carry one out, one wins.
	DropFlow(ctx context.Context, f Flow) (bool, error)
	// DueFlows gives held flows that are due.
	DueFlows(ctx context.Context, now time.Time, limit int) ([]Flow, error)

	// BeginEnding stores e; false if the account is closing already.
	BeginEnding(ctx context.Context, e Ending) (bool, error)
	// Ending gives the closing under way; fault.NotFound if there is none.
	Ending(ctx context.Context, id account.ID) (Ending, error)
	// DropEnding deletes e; false if somebody else has.
	DropEnding(ctx context.Context, e Ending) (bool, error)
	// DueEndings gives closings that are due, and Returned those whose holder has
	// signed in since.
	DueEndings(ctx context.Context, now time.Time, limit int) ([]Ending, error)
	Returned(ctx context.Context, limit int) ([]Ending, error)
	// SignedInSince tells whether a session of the account began after t.
	SignedInSince(ctx context.Context, id account.ID, t time.Time) (bool, error)
	// EraseAccount closes the account for good: it can be found by nothing, says
	// nothing, opens nothing, and holds nothing for anybody. A unit that it stood
	// for is free again and nobody acts for it any more. Its id and its login name
	// stay, so that neither is given out again.
	EraseAccount(ctx context.Context, a account.Account, now time.Time, ev audit.Event) error
	// ReleaseLogins makes the login names of accounts closed before t free.
	ReleaseLogins(ctx context.Context, t time.Time) (int, error)

	// NoteUses takes note of the sign-ins since t; where the use before lies longer
	// ago than doubtAfter, the account's number is doubted.
	NoteUses(ctx context.Context, t time.Time, doubtAfter time.Duration) error
	// LastUse gives the use of an account as it was noted last.
	LastUse(ctx context.Context, id account.ID) (Use, error)
	// TrustNumber ends the doubt in the account's number.
	TrustNumber(ctx context.Context, id account.ID) error
	// Unused gives active accounts that nobody used after t and that are neither
	// disabled nor, with reminded false, reminded since.
	Unused(ctx context.Context, t time.Time, reminded bool, limit int) ([]Use, error)
	// NoteReminder notes that the holder was told; false if somebody else did.
	NoteReminder(ctx context.Context, u Use, now time.Time) (bool, error)
	// DisableUnused takes the account's password away, so that it is used again
	// only after a reset; false if it was used after all.
	DisableUnused(ctx context.Context, u Use, now time.Time, ev audit.Event) (bool, error)

	// EndUnit: see Service.EndUnit.
	EndUnit(ctx context.Context, e UnitEnd, now time.Time, ev audit.Event) error
	// ReviveUnit lets a unit that ended stand again, without anything it had.
	ReviveUnit(ctx context.Context, unitID string, ev audit.Event) error
}

// Limits are the times that an operator sets.
type Limits struct {
	Cooling   time.Duration // from a wish to close until it is done
	Hold      time.Duration // of a change of mobile that the old number did not confirm
	Unused    time.Duration // after which an account is disabled
	Remind    time.Duration // how long before that its holder is told
	Doubt     time.Duration // after which a number is doubted
	LoginFree time.Duration // from closing until the login name is free
}

// OrDefault fills what is zero.
func (l Limits) OrDefault() Limits {
	const day = 24 * time.Hour
	for _, f := range []struct {
		d *time.Duration
		v time.Duration
	}{{&l.Cooling, 7 * day}, {&l.Hold, day}, {&l.Unused, 365 * day}, {&l.Remind, 30 * day}, {&l.Doubt, 90 * day}, {&l.LoginFree, 365 * day}} {
		if *f.d == 0 {
			*f.d = f.v
		}
	}
	return l
}

// FlowLife is how long a flow waits for its codes.
const FlowLife = 30 * time.Minute

// Service carries it out. All fields must be set.
type Service struct {
	Store    Store
	Captchas challenge.Captchas
	Codes    challenge.Codes
	Queue    notify.Queue
	Limits   Limits
	Now      func() time.Time
}

// Asker is who asks for something, as the surface knows.
type Asker struct {
	Account account.ID
	Session string // key of the session that goes on
	Browser string
	Address string
	Locale  string
	Captcha string // id
	Answer  string
}

func newFlow(a Asker, k Kind, to string, now time.Time) Flow {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return Flow{ID: base64.RawURLEncoding.EncodeToString(b[:]), Account: a.Account, Kind: k, State: Asked, To: to, AskedAt: now, ExpiresAt: now.Add(FlowLife)}
}

func (s *Service) event(ctx context.Context, kind audit.Kind, id account.ID, detail string) audit.Event {
	return audit.From(ctx, audit.Event{Kind: kind, Actor: string(id), Object: string(id), Detail: detail})
}
