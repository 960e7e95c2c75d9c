package signup

import (
	"context"
	"encoding/base64"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
)

// Store keeps flows, and what comes of them. What may happen once is a
// compare-and-swap.
type Store interface {
	// InTx runs fn in a transaction, or in the one that ctx carries.
	InTx(ctx context.Context, fn func(context.Context) error) error

	// OpenSignUp inserts a flow.
	OpenSignUp(ctx context.Context, f Flow) error
	// SignUp gives the flow with the key, in whatever state; fault.NotFound if there
	// is none.
	SignUp(ctx context.Context, key string) (Flow, error)
	// SignUpSent notes that a code went out at now.
	SignUpSent(ctx context.Context, key string, now time.Time) error
	// ProveSignUp notes with ev that the mobile of a flow is proved, which then
	// lives until; false if it was proved before, or is over at now.
	ProveSignUp(ctx context.Context, key string, now, until time.Time, ev audit.Event) (bool, error)
	// TrySignUp counts a try of a proved flow that nothing came of, up to most;
	// false if it had as many, is not proved, was used, or is over at now.
	TrySignUp(ctx context.Context, key string, most int, now time.Time) (bool, error)
	// SpendSignUp uses a proved flow up and keeps data with it until; false if it is
	// not proved, was used before, or is over at now.
	SpendSignUp(ctx context.Context, key string, data Data, now, until time.Time) (bool, error)

	// CountTry counts one more within the window that key's first try began and
	// gives the count and the window's end.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (n int, end time.Time, err error)

	// AccountByLogin gives the account with the canonical login name, AccountByID
	// the one with the id; fault.NotFound if there is none.
	AccountByLogin(ctx context.Context, loginKey string) (account.Account, error)
	AccountByID(ctx context.Context, id account.ID) (account.Account, error)
	// AccountsBy gives the accounts that a value in their profile belongs to.
	AccountsBy(ctx context.Context, kind account.By, value string) ([]account.ID, error)
	// PutAccount inserts the account with the hash of its password and records ev;
	// fault.Conflict with the field login_name if somebody has that one.
	PutAccount(ctx context.Context, a account.Account, phc string, ev audit.Event) error

	// UnitByUSCC gives the unit, fault.NotFound if there is none.
	UnitByUSCC(ctx context.Context, uscc account.USCC) (account.Unit, error)
	// UnitNameHolder gives the legal account of a unit with that name in any
	// spelling, closed units excepted; fault.NotFound if there is none.
	UnitNameHolder(ctx context.Context, name string) (account.ID, error)
	// PutUnit inserts the unit and records ev; fault.Conflict with the field uscc
	// or unit_name if another unit has that one.
	PutUnit(ctx context.Context, u account.Unit, ev audit.Event) error
	// ClaimUnit gives a unit that has no account the one in u, with u's name, type
	// and region, and records ev; false if it has one by now or may not be acted
	// for, fault.Conflict with the field unit_name as PutUnit.
	ClaimUnit(ctx context.Context, u account.Unit, ev audit.Event) (bool, error)

	// Agree keeps what the owner of an account agreed to.
	Agree(ctx context.Context, a Agreement) error

	// Record writes an event.
	Record(ctx context.Context, ev audit.Event) error
}

// Agreement is a tick under a version of the terms.
type Agreement struct {
	Account account.ID
	Version string
	Adult   bool // declared to be of account.GuardianAge or older
	At      time.Time
}

// Limits bound how many accounts come from one address. Zero fields take the
// defaults.
type Limits struct {
	PerAddress int           // forms with nothing wrong in themselves, within Window; default 30
	Window     time.Duration // default an hour
}

// OrDefault fills the zero fields.
func (l Limits) OrDefault() Limits {
	if l.PerAddress == 0 {
		l.PerAddress = 30
	}
	if l.Window == 0 {
		l.Window = time.Hour
	}
	return l
}

// Service registers accounts and finds login names. All fields must be set.
type Service struct {
	Store    Store
	Captchas challenge.Captchas
	Codes    challenge.Codes
	Notices  notify.Queue
	Hasher   *credential.Hasher
	Policy   credential.Policy
	Limits   Limits
	Terms    string // version of the terms that are agreed to
	MAC      func(parts ...string) []byte
	Now      func() time.Time
}

// Visitor is the browser that a form comes from.
type Visitor struct {
	Browser string // its id, see web.Kit.Browser
	Address string
	Locale  string // BCP 47
}

// Solution is a captcha as it was answered.
type Solution struct{ ID, Answer string }

// Picture draws a captcha for the pages of a purpose.
func (s *Service) Picture(ctx context.Context, v Visitor, p Purpose) (string, error) {
	c, err := s.Captchas.Draw(ctx, v.Browser, p.challenge())
	return c.ID, err
}

// challenge is what captchas and codes of the purpose are for.
func (p Purpose) challenge() challenge.Purpose {
	if p == FindPerson || p == FindUnit {
		return challenge.ForgotLogin
	}
	return challenge.SignUp
}

// Current is the flow that the browser's cookie names, if it is of one of the
// purposes and can be gone on with; fault.Gone otherwise.
func (s *Service) Current(ctx context.Context, id string, v Visitor, purposes ...Purpose) (Flow, error) {
	f, err := s.known(ctx, id, v, purposes)
	if err == nil && !f.UsedAt.IsZero() {
		err = errGone()
	}
	if err != nil {
		return Flow{}, err
	}
	return f, nil
}

// Done is the flow that an account came of, for as long as that can be seen.
func (s *Service) Done(ctx context.Context, id string, v Visitor) (Flow, error) {
	f, err := s.known(ctx, id, v, []Purpose{Person, Unit})
	if err == nil && f.UsedAt.IsZero() {
		err = errGone()
	}
	if err != nil {
		return Flow{}, err
	}
	return f, nil
}

func (s *Service) known(ctx context.Context, id string, v Visitor, purposes []Purpose) (Flow, error) {
	if len(id) != 43 || v.Browser == "" {
		return Flow{}, errGone()
	}
	f, err := s.Store.SignUp(ctx, digest("flow", id))
	if fault.Is(err, fault.NotFound) {
		return Flow{}, errGone()
	}
	if err != nil {
		return Flow{}, err
	}
	fits := false
	for _, p := range purposes {
		fits = fits || f.Purpose == p
	}
	if !fits || f.Browser != digest("browser", v.Browser) || !s.Now().Before(f.ExpiresAt) {
		return Flow{}, errGone()
	}
	return f, nil
}

// throttle counts a form for the address.
func (s *Service) throttle(ctx context.Context, v Visitor) error {
	l, now := s.Limits.OrDefault(), s.Now()
	key := base64.RawURLEncoding.EncodeToString(s.MAC("sign-up by address", credential.Network(v.Address)))
	n, end, err := s.Store.CountTry(ctx, key, l.Window, now)
	if err != nil {
		return err
	}
	if n <= l.PerAddress {
		return nil
	}
	ev := audit.From(ctx, audit.Event{Kind: audit.SignUpThrottled, Result: "refused", Detail: "address"})
	if err := s.Store.Record(ctx, ev); err != nil {
		return err
	}
	return &fault.Error{Kind: fault.Throttled, Msg: MsgTooMany, RetryAfter: max(end.Sub(now), time.Second)}
}
