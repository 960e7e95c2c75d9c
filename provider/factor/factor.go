// Package factor is what somebody proves to have beside a password: a code of an
// authenticator app (TOTP, RFC 6238), a passkey (WebAuthn), and recovery codes
// for the day when neither is at hand.
//
// It serves accounts and operators alike: a Subject is an id in a realm. All
// state is rows. A step of a TOTP secret, a recovery code and a passkey's
// challenge are each good once, on whatever replica they arrive; guesses of codes
// are counted before they are looked at, and the count decides under race.
// Passkeys are never the only way: whoever has any factor has recovery codes,
// which need no script.
package factor

import (
	"context"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"kejitong/provider/audit"
)

// Realm keeps ids of different kinds apart.
type Realm string

// The realms.
const (
	Accounts  Realm = "account"
	Operators Realm = "operator"
)

// Subject is whose factors they are.
type Subject struct {
	Realm Realm
	ID    string
}

// Kind says what a factor is.
type Kind string

// The kinds.
const (
	TOTP    Kind = "totp"
	Passkey Kind = "passkey"
)

// Factor is an enrolled factor as its owner sees it.
type Factor struct {
	ID        string
	Kind      Kind
	Name      string // the owner's own word for it, empty if none
	CreatedAt time.Time
	UsedAt    time.Time // zero if never
}

// Record is a factor with what only this package and the store see.
type Record struct {
	Factor
	Subject Subject
	Secret  []byte // TOTP: the shared secret; passkey: the credential record as JSON; sealed at rest
	Handle  string // passkey: keyed digest of the credential's id, unique; else empty
	Counter int64  // TOTP: the last step that was accepted; passkey: the signature counter
}

// Enrolled is all that a subject has.
type Enrolled struct {
	Factors []Factor
	Codes   int // recovery codes that are left
}

// Any tells whether a second factor is owed at sign-in.
func (e Enrolled) Any() bool { return len(e.Factors) > 0 }

// Has tells whether one of the factors is of kind k.
func (e Enrolled) Has(k Kind) bool {
	for _, f := range e.Factors {
		if f.Kind == k {
			return true
		}
	}
	return false
}

// Ceremony is what the server remembers of a challenge between two requests of
// one browser: an enrolment under way, or a question to a passkey.
type Ceremony struct {
	Key       string // digest of the id that the browser carries
	Subject   Subject
	Purpose   string
	Binding   string // digest of what it is bound to: browser, session or pending proof
	State     []byte // sealed at rest
	ExpiresAt time.Time
}

// Store keeps factors, recovery codes and ceremonies.
type Store interface {
	// InTx makes what fn does with its ctx one transaction.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// Factors gives the subject's factors, the oldest first, and how many recovery
	// codes are left.
	Factors(ctx context.Context, s Subject) ([]Record, int, error)
	// AddFactor inserts r and records ev. fault.Conflict where the subject has a
	// TOTP already or the handle is somebody's. An account's version moves on, so
	// that a sign-in proved before opens nothing without the factor.
	AddFactor(ctx context.Context, r Record, ev audit.Event) error
	// RenameFactor and RemoveFactor are false where the subject has no such factor;
	// nothing is recorded then. With the last factor go the recovery codes.
	RenameFactor(ctx context.Context, s Subject, id, name string, ev audit.Event) (bool, error)
	RemoveFactor(ctx context.Context, s Subject, id string, ev audit.Event) (bool, error)
	// AdvanceFactor moves the counter of a factor forward and notes its use: true
	// only where it stood below counter. For a passkey that does not count
	// (counter 0 before and after) it is true as well. A secret that is not nil
	// replaces the one there is.
	AdvanceFactor(ctx context.Context, r Record, counter int64, secret []byte, now time.Time) (bool, error)
	// PutRecoveryCodes replaces all codes by those with the given digests and
	// records ev.
	PutRecoveryCodes(ctx context.Context, s Subject, digests []string, ev audit.Event) error
	// UseRecoveryCode uses a code up and records ev: of any number of callers one
	// is told true.
	UseRecoveryCode(ctx context.Context, s Subject, digest string, now time.Time, ev audit.Event) (bool, error)
	// OpenCeremony inserts c. Ceremony reads one, fault.NotFound if there is none.
	// TakeCeremony deletes one: of any number of callers one is told true.
	OpenCeremony(ctx context.Context, c Ceremony) error
	Ceremony(ctx context.Context, key string) (Ceremony, error)
	TakeCeremony(ctx context.Context, key string) (bool, error)
	// CountGuess counts one guess and gives how many there were within window since
	// the first, and when that ends. It commits by itself even where ctx carries a
	// transaction is refused: nobody's rollback gives a guess back. ForgetGuesses
	// clears the counter after a success.
	CountGuess(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error)
	ForgetGuesses(ctx context.Context, key string) error
}

// Service keeps and verifies second factors. All fields must be set but Herald and
// Passkeys, which is nil where the issuer's host can be no relying party.
type Service struct {
	Store    Store
	Issuer   string // the platform's name in authenticator apps
	Passkeys *webauthn.WebAuthn
	Key      []byte // 32 bytes or more: digests of recovery codes, handles and counters
	Limits   Limits
	Herald   *Herald // tells accounts' owners; nil: nobody is told
	Now      func() time.Time
}

// Limits bound guessing and waiting. Zero fields take the defaults.
type Limits struct {
	Guesses  int           // codes tried before the subject is locked; default 5
	LockFor  time.Duration // from the first of them; default 15 minutes
	Ceremony time.Duration // how long an enrolment or a challenge may take; default 10 minutes
}

func (l Limits) orDefault() Limits {
	if l.Guesses == 0 {
		l.Guesses = 5
	}
	if l.LockFor == 0 {
		l.LockFor = 15 * time.Minute
	}
	if l.Ceremony == 0 {
		l.Ceremony = 10 * time.Minute
	}
	return l
}

// Proof is a second factor that was shown.
type Proof struct {
	AMR    string // RFC 8176: otp, hwk, swk
	Kind   Kind   // empty for a recovery code
	Factor string // id of the factor, empty for a recovery code
	Left   int    // recovery codes that are left, where one was used
}

// Enrolled gives what the subject has.
func (s *Service) Enrolled(ctx context.Context, who Subject) (Enrolled, error) {
	records, codes, err := s.Store.Factors(ctx, who)
	if err != nil {
		return Enrolled{}, err
	}
	e := Enrolled{Codes: codes}
	for _, r := range records {
		e.Factors = append(e.Factors, r.Factor)
	}
	return e, nil
}

// Rename gives a factor another name; fault.NotFound where the subject has no
// such factor.
func (s *Service) Rename(ctx context.Context, who Subject, id, name string, ev audit.Event) error {
	name, err := named(name)
	if err != nil {
		return err
	}
	ev.Kind, ev.Object = audit.FactorRenamed, id
	return found(s.Store.RenameFactor(ctx, who, id, name, ev))
}

// RemoveAll takes every factor away, and with the last one the recovery codes. The
// caller tells the owner.
func (s *Service) RemoveAll(ctx context.Context, who Subject, ev audit.Event) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		all, _, err := s.Store.Factors(ctx, who)
		if err != nil {
			return err
		}
		for _, r := range all {
			ev.Kind, ev.Object = audit.FactorRemoved, r.ID
			if err := found(s.Store.RemoveFactor(ctx, who, r.ID, ev)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Remove takes a factor away, and with the last one the recovery codes.
func (s *Service) Remove(ctx context.Context, who Subject, id string, ev audit.Event) error {
	ev.Kind, ev.Object = audit.FactorRemoved, id
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := found(s.Store.RemoveFactor(ctx, who, id, ev)); err != nil {
			return err
		}
		return s.tell(ctx, who, NoticeRemoved)
	})
}
