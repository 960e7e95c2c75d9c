package recovery

import (
	"context"

	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
)

// lost refuses an appeal about second factors of an account that has none.
func (s *Service) lost(ctx context.Context, a Appeal) error {
	if a.Kind.Aim() != ForFactor {
		return nil
	}
	enrolled := false
	if s.Factors != nil {
		var err error
		if enrolled, err = s.Factors.Enrolled(ctx, a.Account); err != nil {
			return err
		}
	}
	if !enrolled {
		return &fault.Error{Kind: fault.Invalid, Field: "account", Msg: MsgNoFactor}
	}
	return nil
}

// RedeemByCode takes what an approved appeal gives where that is no password, for a
// code to the number of the appeal if that was not right already. A login name goes
// to the applicant's account, and whoever had it has another one from then on; without
// such an account it is free for whom it may be given to (R14). Second factors are
// removed, all of them. Errors as for Reset.
func (s *Service) RedeemByCode(ctx context.Context, by Asker, id, code string) error {
	f, a, err := s.tracked(ctx, by, id)
	if err != nil {
		return err
	}
	if a.Kind.Aim() == ForPassword {
		return over()
	}
	if !a.Ready(s.Now()) {
		return fault.New(fault.Refused, MsgNotYet)
	}
	if err := s.answered(ctx, &f, challenge.Appeal, code); err != nil {
		return err
	}
	who, give := a.Claim.Own, s.move
	if a.Kind.Aim() == ForFactor {
		who, give = a.Account, s.lift
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		f, a := f, a
		if err := s.advance(ctx, &f, Done); err != nil {
			return err
		}
		if err := s.turn(&a, Redeem, "", ""); err != nil {
			return err
		}
		ev := audit.Event{Kind: audit.AppealRedeemed, Actor: string(who), Object: a.ID}
		if err := s.save(ctx, a, ev); err != nil {
			return err
		}
		err := give(ctx, a)
		if fault.Is(err, fault.Conflict) { // somebody took or changed one of the accounts meanwhile
			return over()
		}
		return err
	})
}

// lift removes the second factors of the account, in the caller's transaction. The
// password stays, and whoever comes in with it alone waits with sensitive acts.
func (s *Service) lift(ctx context.Context, a Appeal) error {
	sub, err := s.known(ctx, a.Account)
	if err != nil {
		return err
	}
	if sub == nil || !sub.Account.Usable() || !fits(a.Kind, sub.Account) {
		return over()
	}
	ev := audit.From(ctx, audit.Event{Actor: string(a.Account), Detail: a.ID})
	if err := s.Factors.RemoveAll(ctx, a.Account, ev); err != nil {
		return err
	}
	if err := s.tell(ctx, a.Claim.Mobile, noticeFactorLifted, "", maskLogin(sub.Account.LoginName), shortDay(s.Now())); err != nil {
		return err
	}
	return s.aftermath(ctx, *sub, HeldByFactor)
}
