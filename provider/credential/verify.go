package credential

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Service verifies passwords. Key (32 bytes or more) names the counters.
type Service struct {
	Store  Store
	Hasher *Hasher
	Limits Limits
	Policy Policy // of new passwords
	Key    []byte
	Watch  *Watch // for many guesses at many accounts; nil: nobody watches
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) // nil sleeps really, until ctx ends
}

// Proof says that somebody proved to be an account.
type Proof struct {
	AccountID  account.ID
	Kind       account.Kind
	AMR        []string // RFC 8176 §2: "pwd"
	At         time.Time
	Version    int64  // of the account when its password was read; whoever acts on the proof asks that it is still that one
	MustChange bool   // the password must be changed before anything else
	Known      bool   // the browser had such a token before
	Device     string // for the browser to keep: with it guesses of others do not keep its owner out
	Factor     bool   // a second factor is owed first: until then nothing of the account may change (S60)
}

// Guess is one attempt to sign in with a password.
type Guess struct {
	Username, Password string
	Kind               account.Kind // of the window that it was typed into; empty: a box for both
	IP                 string
	Device             string                          // what Remember gave this browser, if anything
	Captcha            func(ctx context.Context) error // holds the answer that came along against its captcha; nil: none is ever asked for
}

// Verify is Judge for those who ask for no captcha.
func (s *Service) Verify(ctx context.Context, username, password string, kind account.Kind, ip string) (Proof, error) {
	return s.Judge(ctx, Guess{Username: username, Password: password, Kind: kind, IP: ip})
}

// Judge holds a guess against the accounts.
//
// Errors: *Failure (fault.Unproven) for everything that is not the right
// password of a usable account within the limits; *Unasked when a captcha is owed
// that was not solved; *WrongWindow (fault.Refused) when the password is right and
// only the kind is not; fault.Unavailable when too many wait; anything else is
// internal.
func (s *Service) Judge(ctx context.Context, g Guess) (Proof, error) {
	if len(s.Key) < 32 {
		return Proof{}, errors.New("credential: the key of the counters has fewer than 32 bytes")
	}
	start := s.Now()
	name, named := loginKey(g.Username)
	device, known := s.knows(name, g.Device)
	asked := false
	if g.Captcha != nil && !known && s.Watch.Wary(g.IP) {
		asked = true
		if err := s.ask(ctx, g); err != nil {
			return Proof{}, err
		}
	}
	// Overload is told before anything is counted: who is turned away by us has
	// not guessed.
	ticket, err := s.Hasher.AdmitFrom(g.IP)
	if err != nil {
		return Proof{}, err
	}
	defer ticket.Release()

	login, failure, err := s.judge(ctx, ticket, attempt{Guess: g, name: name, named: named, device: device, known: known, asked: asked})
	if err != nil {
		return Proof{}, err
	}
	s.Watch.Note(g.IP, failure != nil)
	if failure != nil {
		ticket.Release() // the wait below needs no place in the queue
		s.waitUntil(ctx, start)
		return Proof{}, failure
	}
	p := Proof{
		AccountID: login.AccountID, Kind: login.Kind, AMR: []string{"pwd"}, At: s.Now(), Version: login.Version, MustChange: login.MustChange,
		Factor: login.Factor, Known: known, Device: s.Remember(name),
	}
	if g.Kind != "" && g.Kind != login.Kind {
		return Proof{}, &WrongWindow{Kind: login.Kind, AccountID: login.AccountID, Proof: p}
	}
	return p, nil
}

// ask has the captcha judged. Guesses without one count as failures where
// spraying is watched for, and nowhere else.
func (s *Service) ask(ctx context.Context, g Guess) error {
	err := g.Captcha(ctx)
	if err == nil || !fault.Is(err, fault.Invalid) {
		return err
	}
	s.Watch.Note(g.IP, true)
	return &Unasked{Cause: err}
}

// Keys names the counters of a login name in any spelling and an address.
func (s *Service) Keys(username, ip string) Keys {
	name, _ := loginKey(username)
	return keysOf(s.Key, name, ip)
}

// attempt is a guess on its way.
type attempt struct {
	Guess
	name         string // canonical, or a stand-in
	named        bool
	device       Keys // the counters of the browser, if it is known
	known, asked bool
}

// judge gives the login if the password is its own, else the failure.
func (s *Service) judge(ctx context.Context, ticket *Ticket, a attempt) (Login, *Failure, error) {
	limits := s.Limits.OrDefault()
	keys := keysOf(s.Key, a.name, a.IP)
	if a.known {
		keys = a.device
	}
	standing, err := s.Store.Reserve(ctx, keys, limits, s.Now())
	if err != nil {
		return Login{}, nil, fmt.Errorf("reserve a guess: %w", err)
	}
	fail := func(reason Reason, login Login, cause error) (Login, *Failure, error) {
		return Login{}, &Failure{Reason: reason, AccountID: login.AccountID, Standing: standing, Cause: cause}, nil
	}
	switch {
	case standing.PairFailures > limits.PairLimit:
		return fail(PairLocked, Login{}, nil)
	case standing.Exhausted(limits):
		return fail(AccountExhausted, Login{}, nil)
	case a.Captcha != nil && !a.asked && standing.Owes(limits):
		if err := s.ask(ctx, a.Guess); err != nil {
			return Login{}, nil, errors.Join(err, s.Store.Return(ctx, keys, s.Now()))
		}
	}

	var login Login
	reason, cause := Unknown, error(nil)
	if a.named {
		login, err = s.Store.FindLogin(ctx, a.name)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return Login{}, nil, fmt.Errorf("find the login: %w", err)
		default:
			reason = unusable(login)
		}
	}
	if reason == "" {
		ok, needsRehash, err := ticket.Verify(ctx, login.Password, a.Password)
		switch {
		case errors.Is(err, ErrUnusableHash):
			reason, cause = BadHash, err
		case err != nil:
			return Login{}, nil, fmt.Errorf("verify the password: %w", err)
		case !ok:
			return fail(Mismatch, login, nil)
		default:
			// A password of the former platform that today's policy would refuse is
			// accepted once more, and must then be changed.
			if needsRehash && s.Hasher.Foreign != nil && s.Hasher.Foreign.Mine(login.Password) && s.Policy.Check(a.Password, a.Username) != nil {
				login.MustChange, needsRehash = true, false
			}
			return login, nil, s.settle(ctx, ticket, login, keys, a, needsRehash)
		}
	}
	if err := ticket.Dummy(ctx, a.Password); err != nil {
		return Login{}, nil, fmt.Errorf("verify no password: %w", err)
	}
	return fail(reason, login, cause)
}

// settle does what a success owes: the guess back, and a hash of today's cost.
func (s *Service) settle(ctx context.Context, ticket *Ticket, login Login, keys Keys, a attempt, needsRehash bool) error {
	if err := s.Store.Refund(ctx, keys, s.Now()); err != nil {
		return fmt.Errorf("refund the guess: %w", err)
	}
	if a.known { // a success of the owner's is one, wherever others guessed
		if err := s.Store.Refund(ctx, Keys{Account: keysOf(s.Key, a.name, a.IP).Account}, s.Now()); err != nil {
			return fmt.Errorf("refund the account's guesses: %w", err)
		}
	}
	if !needsRehash {
		return nil
	}
	phc, err := ticket.Hash(ctx, a.Password)
	if err != nil {
		return fmt.Errorf("hash the password anew: %w", err)
	}
	if err := s.Store.Rehash(ctx, login.AccountID, login.Version, phc); err != nil {
		return fmt.Errorf("store the new hash: %w", err)
	}
	return nil
}

// unusable gives the reason why no password can be right for the login, empty
// if one can.
func unusable(l Login) Reason {
	switch {
	case l.State == account.Frozen:
		return Frozen
	case l.State != account.Active:
		return Closed
	case l.Password == "":
		return NoPassword
	}
	return ""
}

// loginKey gives the canonical name, or a stand-in that no account can have
// when the name has no canonical form: such names are counted, too.
func loginKey(username string) (key string, named bool) {
	key, err := account.NormaliseLogin(username)
	if err != nil {
		return "\x00" + username[:min(len(username), 512)], false
	}
	return key, true
}

// waitUntil lets the floor of time pass since start.
func (s *Service) waitUntil(ctx context.Context, start time.Time) {
	d := s.Limits.OrDefault().FailureFloor - s.Now().Sub(start)
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
