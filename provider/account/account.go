package account

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"kejitong/provider/fault"
)

// ID names an account for good: 16 random bytes as 22 characters of unpadded
// base64url (RFC 4648 §5). It never leaves the provider; clients see a
// pairwise subject.
type ID string

// NewID makes a random ID.
func NewID() ID {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return ID(base64.RawURLEncoding.EncodeToString(b[:]))
}

// ParseID accepts exactly what NewID makes; all else is fault.Invalid.
func ParseID(s string) (ID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 16 || len(s) != 22 {
		return "", &fault.Error{Kind: fault.Invalid, Field: "account_id", Msg: MsgIDMalformed}
	}
	return ID(s), nil
}

// Kind is what an account stands for; each kind has its own sign-in window.
type Kind string

// The two kinds of account.
const (
	NaturalPerson Kind = "natural_person"
	LegalEntity   Kind = "legal_entity"
)

// Known tells whether k is one of the two kinds.
func (k Kind) Known() bool { return k == NaturalPerson || k == LegalEntity }

// State is whether an account, or a unit, may be used.
type State string

// The states. A frozen one may come back, a closed one does not.
const (
	Active State = "active"
	Frozen State = "frozen"
	Closed State = "closed"
)

// Account is one natural person's or legal entity's registration.
type Account struct {
	ID        ID
	Kind      Kind
	State     State
	LoginName string // as registered, for display to its owner only
	LoginKey  string // NormaliseLogin(LoginName), unique over both kinds
	UnitID    string // the unit that a legal account stands for; empty for persons
	RealName  RealName
	Profile   Profile
	Locale    string // preferred language, BCP 47; empty if not chosen

	// Sandbox marks a test account: it names the project whose clients it can sign
	// in at, and it can go nowhere else. Empty for everybody real. It never changes.
	Sandbox string

	CreatedAt         time.Time
	UpdatedAt         time.Time
	PasswordChangedAt time.Time // zero if the owner never changed the password it came with
	Version           int64     // grows with each change, for compare-and-swap
}

// Usable tells whether the account may sign in and be spoken for.
func (a *Account) Usable() bool { return a.State == Active }
