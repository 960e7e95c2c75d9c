package operator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
)

// Codes are the second factor: codes made of a shared secret and the time
// (RFC 6238).
type Codes interface {
	// NewSecret makes a shared secret in the spelling that authenticators take.
	NewSecret() (string, error)
	// Match gives the time step for which code is right, within one step of now.
	Match(secret, code string, now time.Time) (step int64, ok bool)
}

// Service signs operators in and out and changes what they are. All fields but
// Sleep must be set.
type Service struct {
	Store   Store
	Guesses Guesses
	Hasher  *credential.Hasher
	Policy  credential.Policy
	Limits  credential.Limits
	Codes   Codes
	Key     []byte // names the counters of guesses, which are not those of accounts
	Digest  func(secret string) string
	Now     func() time.Time
	// Deeds do what was proposed to other domains, within ctx's transaction, for the
	// operator who agreed.
	Deeds map[Matter]func(ctx context.Context, p Proposal, by string) error
	Sleep func(ctx context.Context, d time.Duration) // nil sleeps really, until ctx ends
}

// Entry is a sign-in as it was typed.
type Entry struct {
	Login, Password, Code string
	IP, UserAgent         string
}

// SignIn takes password and second factor together and opens a session under a
// new cookie value, which it gives. Whatever is wrong, the answer is the same
// fault.Unproven after the same work and the same time, and the trail learns the
// reason (S48). A right password with a wrong code counts as a guess as much as a
// wrong password, and a code that was used is wrong.
func (s *Service) SignIn(ctx context.Context, e Entry) (Session, string, error) {
	start := s.Now()
	ticket, err := s.Hasher.AdmitFrom(e.IP)
	if err != nil {
		return Session{}, "", err
	}
	defer ticket.Release()
	o, reason, err := s.judge(ctx, ticket, e)
	if err != nil {
		return Session{}, "", err
	}
	if reason == "" {
		sn, cookie, err := s.open(ctx, o, e)
		if err == nil || !fault.Is(err, fault.Unproven) {
			return sn, cookie, err
		}
		reason = credential.Changed
	}
	ticket.Release()
	ev := audit.Event{Kind: audit.OperatorSignInFailed, Actor: o.ID, Object: o.ID, Result: "failed", Detail: string(reason)}
	if reason == credential.PairLocked || reason == credential.AccountExhausted {
		ev.Kind, ev.Result = audit.OperatorSignInThrottled, "refused"
	}
	if err := s.Store.Record(ctx, ev); err != nil {
		return Session{}, "", err
	}
	s.wait(ctx, start)
	return Session{}, "", &fault.Error{Kind: fault.Unproven, Msg: MsgWrong}
}

// Reasons beside those of package credential.
const (
	wrongCode credential.Reason = "wrong_code"
	spentCode credential.Reason = "spent_code"
	invited   credential.Reason = "invited"
	disabled  credential.Reason = "disabled"
)

// judge gives the operator if everything is right, else the reason.
func (s *Service) judge(ctx context.Context, ticket *credential.Ticket, e Entry) (Operator, credential.Reason, error) {
	keys := s.counters(e.Login, e.IP)
	standing, err := s.Guesses.Reserve(ctx, keys, s.Limits, s.Now())
	if err != nil {
		return Operator{}, "", fmt.Errorf("reserve a guess: %w", err)
	}
	if limits := s.Limits.OrDefault(); !standing.Allowed(limits) {
		if standing.PairFailures > limits.PairLimit {
			return Operator{}, credential.PairLocked, nil
		}
		return Operator{}, credential.AccountExhausted, nil
	}
	o, reason, err := s.find(ctx, e.Login)
	if err != nil {
		return Operator{}, "", err
	}
	if reason != "" {
		return o, reason, ticket.Dummy(ctx, e.Password)
	}
	ok, _, err := ticket.Verify(ctx, o.Password, e.Password)
	if err != nil {
		return Operator{}, "", fmt.Errorf("verify the password: %w", err)
	}
	step, fits := s.Codes.Match(o.Factor, tidy(e.Code), s.Now())
	switch {
	case !ok:
		return o, credential.Mismatch, nil
	case !fits:
		return o, wrongCode, nil
	}
	fresh, err := s.Store.SpendStep(ctx, o.ID, step)
	if err != nil {
		return Operator{}, "", err
	}
	if !fresh {
		return o, spentCode, nil
	}
	if err := s.Guesses.Refund(ctx, keys, s.Now()); err != nil {
		return Operator{}, "", fmt.Errorf("refund the guess: %w", err)
	}
	return o, "", nil
}

// counters names the counters of guesses of a login name and an address.
func (s *Service) counters(login, ip string) credential.Keys {
	return (&credential.Service{Key: s.Key}).Keys(login, ip)
}

func (s *Service) find(ctx context.Context, login string) (Operator, credential.Reason, error) {
	key, err := account.NormaliseLogin(login)
	if err != nil {
		return Operator{}, credential.Unknown, nil //nolint:nilerr // a name that nobody can have
	}
	o, err := s.Store.OperatorByLogin(ctx, key)
	switch {
	case fault.Is(err, fault.NotFound):
		return Operator{}, credential.Unknown, nil
	case err != nil:
		return Operator{}, "", fmt.Errorf("find the operator: %w", err)
	case o.State == Disabled:
		return o, disabled, nil
	case o.State != Active || o.Password == "" || o.Factor == "":
		return o, invited, nil
	}
	return o, "", nil
}

// open begins the session. An operator has one at a time: whoever signs in again
// elsewhere leaves nothing open behind.
func (s *Service) open(ctx context.Context, o Operator, e Entry) (Session, string, error) {
	now, cookie := s.Now(), random(32)
	ua := e.UserAgent
	if len(ua) > 256 {
		ua = ua[:256]
	}
	sn := Session{
		Key: Key(cookie), ID: random(16), Operator: o.ID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(Absolute),
		IP: e.IP, UserAgent: strings.ToValidUTF8(ua, ""),
	}
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.EndDesks(ctx, o.ID, "", now); err != nil {
			return err
		}
		return s.Store.StartDesk(ctx, sn, o.Version, audit.Event{Kind: audit.OperatorSignedIn, Actor: o.ID, Object: o.ID})
	})
	return sn, cookie, err
}

// Present gives who is behind a cookie, fault.NotFound unless the session lives.
func (s *Service) Present(ctx context.Context, cookie string) (Session, Operator, error) {
	sn, o, err := s.Store.DeskByKey(ctx, Key(cookie))
	if err != nil {
		return Session{}, Operator{}, err
	}
	now := s.Now()
	if !sn.Live(o, now) {
		return Session{}, Operator{}, fault.New(fault.NotFound, "no such session")
	}
	if sn.Stale(now) {
		if err := s.Store.TouchDesk(ctx, sn.Key, now); err != nil {
			return Session{}, Operator{}, err
		}
	}
	return sn, o, nil
}

// SignOut ends the session.
func (s *Service) SignOut(ctx context.Context, sn Session) error {
	return s.Store.EndDesk(ctx, sn.Key, s.Now(), audit.Event{Kind: audit.OperatorSignedOut, Actor: sn.Operator, Object: sn.Operator})
}

// wait lets the floor of time for failures pass since start.
func (s *Service) wait(ctx context.Context, start time.Time) {
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

// tidy takes a code as people type it: with blanks, in full width.
func tidy(code string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == ' ', r == '\u3000', r == '-':
			return -1
		}
		return r
	}, strings.TrimSpace(code))
}
