package operator

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// InviteLife is how long the one-time secret for enrolment may be used.
const InviteLife = 72 * time.Hour

// Former is how many passwords of before may not be used again (C1).
const Former = 5

// Invited gives who the one-time secret invites, with the secret of the second
// factor to show; fault.Unproven for a secret that is wrong, used or expired. The
// first visit makes the second factor's secret, and every further one shows the
// same.
func (s *Service) Invited(ctx context.Context, secret string) (Operator, error) {
	o, err := s.invited(ctx, secret)
	if err != nil || o.Offered != "" {
		return o, err
	}
	if o.Offered, err = s.Codes.NewSecret(); err != nil {
		return Operator{}, fmt.Errorf("make a second factor: %w", err)
	}
	o.UpdatedAt = s.Now()
	err = s.Store.ChangeOperator(ctx, o, audit.Event{Kind: audit.OperatorChanged, Actor: o.ID, Object: o.ID, Detail: "factor offered"})
	if fault.Is(err, fault.Conflict) { // another visit was first
		return s.invited(ctx, secret)
	}
	o.Version++
	return o, err
}

func (s *Service) invited(ctx context.Context, secret string) (Operator, error) {
	wrong := &fault.Error{Kind: fault.Unproven, Field: "secret", Msg: MsgInvite}
	if len(secret) < 16 || len(secret) > 128 {
		return Operator{}, wrong
	}
	o, err := s.Store.OperatorByInvite(ctx, s.Digest(secret))
	if fault.Is(err, fault.NotFound) {
		return Operator{}, wrong
	}
	if err != nil {
		return Operator{}, err
	}
	if o.State != Invited || !s.Now().Before(o.InviteUntil) {
		return Operator{}, wrong
	}
	return o, nil
}

// Enrol uses the invitation up: password and second factor are set, and the code
// proves that the authenticator holds the secret. It opens no session: the first
// sign-in is the proof that both work.
func (s *Service) Enrol(ctx context.Context, secret, password, code, ip string) error {
	o, err := s.invited(ctx, secret)
	if err != nil {
		return err
	}
	if err := s.Policy.Check(password, o.LoginName); err != nil {
		return err
	}
	step, ok := s.Codes.Match(o.Offered, tidy(code), s.Now())
	if o.Offered == "" || !ok {
		return &fault.Error{Kind: fault.Invalid, Field: "code", Msg: MsgCode}
	}
	if o, err = s.withPassword(ctx, o, password, ip); err != nil {
		return err
	}
	o.State, o.Factor, o.Offered, o.Invite, o.InviteUntil = Active, o.Offered, "", "", time.Time{}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Store.SpendStep(ctx, o.ID, step); err != nil {
			return err
		}
		err := s.Store.ChangeOperator(ctx, o, audit.Event{Kind: audit.OperatorChanged, Actor: o.ID, Object: o.ID, Detail: "enrolled"})
		if fault.Is(err, fault.Conflict) {
			return &fault.Error{Kind: fault.Unproven, Field: "secret", Msg: MsgInvite}
		}
		return err
	})
}

// ChangePassword lets an operator who is signed in choose another password by the
// present one and a fresh code. Every other session of his ends.
func (s *Service) ChangePassword(ctx context.Context, sn Session, o Operator, present, code, chosen string) error {
	if err := s.Policy.Check(chosen, o.LoginName); err != nil {
		return err
	}
	keys := s.counters(o.LoginName, sn.IP)
	standing, err := s.Guesses.Reserve(ctx, keys, s.Limits, s.Now())
	if err != nil {
		return err
	}
	if !standing.Allowed(s.Limits) {
		return &fault.Error{Kind: fault.Throttled, Msg: MsgWrong, RetryAfter: s.Limits.OrDefault().LockFor}
	}
	ticket, err := s.Hasher.AdmitFrom(sn.IP)
	if err != nil {
		return err
	}
	ok, _, err := ticket.Verify(ctx, o.Password, present)
	ticket.Release()
	if err != nil {
		return err
	}
	step, fits := s.Codes.Match(o.Factor, tidy(code), s.Now())
	if ok && fits {
		if fits, err = s.Store.SpendStep(ctx, o.ID, step); err != nil {
			return err
		}
	}
	if !ok || !fits {
		return &fault.Error{Kind: fault.Invalid, Field: "present", Msg: MsgWrong}
	}
	if err := s.Guesses.Refund(ctx, keys, s.Now()); err != nil {
		return err
	}
	if o, err = s.withPassword(ctx, o, chosen, sn.IP); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.EndDesks(ctx, o.ID, sn.Key, s.Now()); err != nil {
			return err
		}
		return s.changed(s.Store.ChangeOperator(ctx, o, audit.Event{Kind: audit.OperatorChanged, Actor: o.ID, Object: o.ID, Detail: "password"}))
	})
}

// withPassword is o with the chosen password, which is none of the last five.
func (s *Service) withPassword(ctx context.Context, o Operator, chosen, ip string) (Operator, error) {
	ticket, err := s.Hasher.AdmitFrom(ip)
	if err != nil {
		return o, err
	}
	defer ticket.Release()
	before := o.Former
	if o.Password != "" {
		before = append([]string{o.Password}, before...)
	}
	before = before[:min(len(before), Former)]
	for _, phc := range before {
		same, _, err := ticket.Verify(ctx, phc, chosen)
		if err != nil {
			return o, fmt.Errorf("compare with a former password: %w", err)
		}
		if same {
			return o, &fault.Error{Kind: fault.Invalid, Field: "password", Msg: MsgReused}
		}
	}
	phc, err := ticket.Hash(ctx, chosen)
	if err != nil {
		return o, fmt.Errorf("hash the password: %w", err)
	}
	o.Password, o.Former, o.PasswordAt, o.UpdatedAt = phc, before, s.Now(), s.Now()
	return o, nil
}

// Own names an account as the operator's own, whose cases he will not decide. He
// can add accounts and take none away.
func (s *Service) Own(ctx context.Context, o Operator, id account.ID) error {
	if o.Owns(id) {
		return nil
	}
	o.Accounts, o.UpdatedAt = append(append([]account.ID(nil), o.Accounts...), id), s.Now()
	return s.changed(s.Store.ChangeOperator(ctx, o, audit.Event{Kind: audit.OperatorChanged, Actor: o.ID, Object: o.ID, Detail: "own account"}))
}

func (s *Service) changed(err error) error {
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgChanged, Err: err}
	}
	return err
}
