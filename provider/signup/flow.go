package signup

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Purpose says what a flow leads to; the steps of one are closed to another.
type Purpose string

// The purposes.
const (
	Person     Purpose = "person"      // register a natural person
	Unit       Purpose = "unit"        // register a legal entity
	FindPerson Purpose = "find_person" // 忘记登录名, by mobile
	FindUnit   Purpose = "find_unit"   // 忘记登录名, by USCC, name and the contact's mobile
)

// The times and numbers of a flow.
const (
	ProveWithin = 20 * time.Minute // from the first page to the right code
	FillWithin  = 60 * time.Minute // from the right code to the account; licences have to be looked for
	ShownFor    = 15 * time.Minute // how long the outcome can be seen
	MaxTries    = 10               // forms with nothing wrong in themselves that a flow may send
)

// Flow is one registration, or one search, under way.
type Flow struct {
	Key     string // digest of the id that the browser's cookie holds
	Purpose Purpose
	Browser string // digest of the browser that began it
	Data    Data
	Tries   int

	SentAt    time.Time // the last code
	ProvedAt  time.Time // zero: the mobile is not proved
	UsedAt    time.Time // zero: no account came of it
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Data is what a flow knows of people; the store seals it.
type Data struct {
	Mobile  account.Mobile `json:"m"`
	Terms   string         `json:"t,omitempty"`  // version agreed to
	Adult   bool           `json:"ad,omitempty"` // declared to be of GuardianAge or older
	Onward  string         `json:"o,omitempty"`  // query of the sign-in page that follows
	Locale  string         `json:"l,omitempty"`
	Account account.ID     `json:"a,omitempty"` // of FindUnit: the one found; of a used flow: the one made
	Login   string         `json:"n,omitempty"` // of a used flow: the login name
	Doubt   bool           `json:"d,omitempty"` // of a used flow: the USCC's inner digit is wrong
}

// Proved tells whether the mobile is proved and nothing came of it yet.
func (f Flow) Proved() bool { return !f.ProvedAt.IsZero() && f.UsedAt.IsZero() }

// newID makes the random id of a flow, 256 bits.
func newID() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// digest is how ids and browsers are kept.
func digest(purpose, value string) string {
	sum := sha256.Sum256([]byte(purpose + "\x00" + value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// errGone is the one answer to everything that is not this browser's flow at this
// step: unknown, over, another's, another purpose's.
func errGone() error { return fault.New(fault.Gone, MsgOver) }
