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

// Kind is what an errand is for.
type Kind string

// The kinds of errand; an account has at most one of each.
const (
	Mobile  Kind = "mobile"
	Email   Kind = "email"
	Closing Kind = "closing"
)

// State is where an errand stands.
type State string

// The states. Held is a change of mobile that waits because the old number could
// not be asked.
const (
	Asked State = "asked"
	Held  State = "held"
)

// Errand is something that was asked for and is not done yet.
type Errand struct {
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

	// PutErrand stores f in place of any other of its kind and account.
	PutErrand(ctx context.Context, f Errand) error
	// Errand gives the errand; fault.NotFound if there is none.
	Errand(ctx context.Context, id account.ID, kind Kind) (Errand, error)
	// ProveErrand notes that a code was right; false if the errand is another by now.
	ProveErrand(ctx context.Context, f Errand, old bool) (bool, error)
	// HoldErrand turns an asked errand into a held one.
	HoldErrand(ctx context.Context, f Errand) (bool, error)
	// DropErrand deletes the errand: of several who carry one out, one wins.
	DropErrand(ctx context.Context, f Errand) (bool, error)
	// DueErrands gives held errands that are due.
	DueErrands(ctx context.Context, now time.Time, limit int) ([]Errand, error)

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

	// Hold gives until when sensitive acts of the account wait; zero if they do not.
	Hold(ctx context.Context, id account.ID) (until time.Time, err error)
	// DoubtNumbers doubts the numbers of accounts that somebody signed in to after t,
	// if the sign-in before that lies gap or more before it and the number was not
	// proved since.
	DoubtNumbers(ctx context.Context, t time.Time, gap time.Duration) error
	// NumberDoubted tells whether it is.
	NumberDoubted(ctx context.Context, id account.ID) (bool, error)
	// TrustNumber ends the doubt: the number was proved at now.
	TrustNumber(ctx context.Context, id account.ID, now time.Time) error
	// Forgotten gives active accounts that nobody has signed in to since t and whose
	// holders were not told since then.
	Forgotten(ctx context.Context, t time.Time, limit int) ([]account.ID, error)
	// NoteReminder notes that the holder was told; false if he was told after since.
	NoteReminder(ctx context.Context, id account.ID, since, now time.Time) (bool, error)
	// Unused gives active accounts that nobody has signed in to since t, whose
	// holders were told after t and before told, and that are not disabled since.
	Unused(ctx context.Context, t, told time.Time, limit int) ([]account.ID, error)
	// DisableUnused takes the account's password away, so that it is used again
	// only after a reset, and records ev; false if somebody signed in after t.
	DisableUnused(ctx context.Context, id account.ID, t, now time.Time, ev audit.Event) (bool, error)

	// Strangers gives sign-ins with browsers that were not known, of which nobody
	// was told yet, the oldest first.
	Strangers(ctx context.Context, limit int) ([]session.Session, error)
	// NoteStranger notes that somebody is being told; false if somebody else did.
	NoteStranger(ctx context.Context, sessionID string) (bool, error)
	// CountTry counts under key in windows of that length.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (n int, end time.Time, err error)

	// ActingFor counts those who may act for the unit.
	ActingFor(ctx context.Context, unitID string) (int, error)
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

// ErrandLife is how long an errand waits for its codes.
const ErrandLife = 30 * time.Minute

// Service carries it out. All fields must be set.
type Service struct {
	Store    Store
	Captchas challenge.Captchas
	Codes    challenge.Codes
	Queue    notify.Queue
	Limits   Limits
	Browser  func(agent string) string // names a browser in a notice; nil: none is named
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

func newErrand(a Asker, k Kind, to string, now time.Time) Errand {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return Errand{ID: base64.RawURLEncoding.EncodeToString(b[:]), Account: a.Account, Kind: k, State: Asked, To: to, AskedAt: now, ExpiresAt: now.Add(ErrandLife)}
}

func (s *Service) event(ctx context.Context, kind audit.Kind, id account.ID, detail string) audit.Event {
	return audit.From(ctx, audit.Event{Kind: kind, Actor: string(id), Object: string(id), Detail: detail})
}
