package recovery

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/document"
	"kejitong/provider/notify"
	"kejitong/provider/session"
)

// Factors are the second factors that accounts have enrolled.
type Factors interface {
	// Enrolled tells whether the account has a second factor.
	Enrolled(ctx context.Context, id account.ID) (bool, error)
	// Verify uses up a code of the account's authenticator or one of its recovery
	// codes; fault.Invalid, field "factor", if it is not right. It counts guesses
	// by itself.
	Verify(ctx context.Context, id account.ID, code string) error
	// RemoveAll takes every second factor and recovery code from the account and
	// records ev for each factor, in ctx's transaction.
	RemoveAll(ctx context.Context, id account.ID, ev audit.Event) error
}

// Documents are the evidence of appeals; an appeal's id is its case.
type Documents interface {
	// List gives the documents of a case, oldest first.
	List(ctx context.Context, caseID string) ([]document.Document, error)
	// CloseCase lets nothing be added to a case or read of it any more. It runs in
	// the transaction that decides the appeal.
	CloseCase(ctx context.Context, caseID string) error
}

// Times are how long things last; zero fields take the defaults.
type Times struct {
	Flow      time.Duration // from the first page to the last; default 30 minutes
	Draft     time.Duration // an appeal being written; default 2 hours
	Review    int           // working days within which an appeal is decided; default 3
	Undecided time.Duration // an appeal that nobody decided lapses; default 30 days
	Unused    time.Duration // an approval that nobody used lapses, from when it takes effect; default 7 days
	Hold      time.Duration // between the approval of another mobile and its effect (S57); default 24 hours
	Sensitive time.Duration // sensitive acts wait after a reset (settled); default 24 hours
	Claim     time.Duration // between the approval of a login name and its effect, for its holder to object; default 7 days
	Dormant   time.Duration // without a sign-in, after which the number alone proves nothing; default 90 days
	Kept      time.Duration // closed appeals are kept; default 180 days
}

// OrDefault fills the zero fields.
func (t Times) OrDefault() Times {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	const day = 24 * time.Hour
	def(&t.Flow, 30*time.Minute)
	def(&t.Draft, 2*time.Hour)
	if t.Review == 0 {
		t.Review = 3
	}
	def(&t.Undecided, 30*day)
	def(&t.Unused, 7*day)
	def(&t.Hold, day)
	def(&t.Sensitive, day)
	def(&t.Claim, 7*day)
	def(&t.Dormant, 90*day)
	def(&t.Kept, 180*day)
	return t
}

// Service is the rules of recovery. All fields but those said to be optional must
// be set.
type Service struct {
	Store       Store
	Captchas    challenge.Captchas
	Codes       challenge.Codes
	Notices     notify.Queue
	Sessions    session.Store
	Credentials *credential.Service
	Documents   Documents
	Factors     Factors // optional: nobody has any
	Key         []byte  // of the digests of ids and secrets, 32 bytes or more
	Times       Times
	Floor       time.Duration // answers that must not tell whether a name exists come no sooner; 0 for none
	Now         func() time.Time
	Sleep       func(ctx context.Context, d time.Duration) // optional: nil sleeps really, until ctx ends
}

// Check tells what is missing for serving.
func (s *Service) Check() error {
	if len(s.Key) < 32 {
		return errors.New("recovery: the key of ids has fewer than 32 bytes")
	}
	return nil
}

// mac is the digest under which a secret is stored.
func (s *Service) mac(purpose, text string) string {
	return base64.RawURLEncoding.EncodeToString(s.sum(purpose, text))
}

func (s *Service) sum(purpose, text string) []byte {
	m := hmac.New(sha256.New, s.Key)
	m.Write([]byte(purpose + "\x00" + text))
	return m.Sum(nil)
}

// level lets the floor of time pass since start, so that the answer for a name
// that exists comes no later than the one for a name that does not (R31, S49).
func (s *Service) level(ctx context.Context, start time.Time) {
	d := s.Floor - s.Now().Sub(start)
	if d <= 0 {
		return
	}
	if s.Sleep != nil {
		s.Sleep(ctx, d)
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// sameName compares names of units as people write them.
func sameName(a, b string) bool {
	a, b = account.UnitNameKey(a), account.UnitNameKey(b)
	return a != "" && a == b
}

// plainName is a text in capitals, of plain width and without blanks.
func plainName(s string) string {
	return strings.Join(strings.Fields(strings.ToUpper(norm.NFKC.String(s))), "")
}

// workingDays gives the end of the n-th working day after t; public holidays are
// not known.
func workingDays(t time.Time, n int) time.Time {
	for n > 0 {
		t = t.AddDate(0, 0, 1)
		if d := t.In(beijing).Weekday(); d != time.Saturday && d != time.Sunday {
			n--
		}
	}
	return t
}

// beijing has no daylight saving.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// forbidden is what a new password must not contain.
func forbidden(sub Subject, typed ...string) []string {
	a := sub.Account
	p := a.Profile
	known := append(typed, a.LoginName, p.Name, p.Phone, p.IDNumber, p.Email)
	if sub.Unit != nil {
		known = append(known, string(sub.Unit.USCC), sub.Unit.Name)
	}
	for _, who := range []*account.Person{p.LegalRep, p.Contact} {
		if who != nil {
			known = append(known, who.Name, who.IDNumber, who.Phone)
		}
	}
	return known
}

// phones are the numbers on file that count, the account's own first. One that is
// not proved came with an account of the former platform: who can read a code sent
// to it is as much its owner as anybody.
func phones(a account.Account) []string {
	var out []string
	if n := a.Profile.Phone; n != "" {
		out = append(out, n)
	}
	if c := a.Profile.Contact; c != nil && c.Phone != "" && !slices.Contains(out, c.Phone) {
		out = append(out, c.Phone)
	}
	return out
}
