package recovery

import (
	"context"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Reclaims tells whether an appeal is for a login name, 登录名申诉: a person for the
// own mobile number, a unit for its own code. It leaves passwords and numbers
// alone; whoever has the name gets another one.
func (k Kind) Reclaims() bool { return k.Aim() == ForName }

// Of is the kind of account that such an appeal is for.
func (k Kind) Of() account.Kind {
	if k == Unit || k == UnitName || k == UnitFactor {
		return account.LegalEntity
	}
	return account.NaturalPerson
}

// parties finds both sides of an appeal for a login name: the account that gets
// it, which is the one that a password would be given back for, and the one that
// has it.
func (s *Service) parties(ctx context.Context, k Kind, c Claim, own *Subject) (account.ID, *Subject, error) {
	if own == nil && k == UnitName { // a unit's account under another name than the unit's
		key, err := account.NormaliseLogin(c.LoginName)
		if err == nil {
			sub, err := s.holder(ctx, key)
			if err != nil {
				return "", nil, err
			}
			if sub != nil && fits(k, sub.Account) && sub.Unit != nil && sub.Unit.USCC == c.USCC {
				own = sub
			}
		}
	}
	holder, err := s.holder(ctx, c.Wanted)
	if err != nil || own == nil {
		return "", holder, err
	}
	return own.Account.ID, holder, nil
}

// holder is who may object to losing a login name, nil if there is nobody.
func (s *Service) holder(ctx context.Context, key string) (*Subject, error) {
	sub, err := s.holds(ctx, key)
	if err == nil && sub != nil && sub.Account.State == account.Closed {
		sub = nil
	}
	return sub, err
}

// concerns refuses an approval that would lead nowhere: without an account, or of
// a login name that is free, the applicant's already or somebody else's by now.
func (s *Service) concerns(ctx context.Context, a Appeal) error {
	refuse := func(msg string) error { return &fault.Error{Kind: fault.Invalid, Field: "account", Msg: msg} }
	if !a.Kind.Reclaims() {
		if a.Account == "" {
			return refuse(MsgNoAccount)
		}
		return s.lost(ctx, a)
	}
	holder, err := s.holder(ctx, a.Claim.Wanted)
	switch {
	case err != nil:
		return err
	case holder == nil && a.Claim.Own == "":
		return refuse(MsgNameFree)
	case holder != nil && holder.Account.ID == a.Claim.Own:
		return refuse(MsgNameOwn)
	case holder == nil && a.Account != "", holder != nil && holder.Account.ID != a.Account:
		return refuse(MsgNameMoved)
	}
	return nil
}

// move takes the login name from who has it and gives it to the applicant, in the
// caller's transaction.
func (s *Service) move(ctx context.Context, a Appeal) error {
	holder, err := s.holds(ctx, a.Claim.Wanted)
	if err != nil {
		return err
	}
	own, err := s.known(ctx, a.Claim.Own)
	if err != nil {
		return err
	}
	if own == nil && a.Claim.Own != "" || own != nil && (!own.Account.Usable() || !fits(a.Kind, own.Account)) {
		return over()
	}
	if holder != nil {
		if closed := holder.Account.State == account.Closed; !closed && holder.Account.ID != a.Account || own != nil && holder.Account.ID == own.Account.ID {
			return over() // not whom the appeal was told to
		}
		if err := s.displace(ctx, a, *holder); err != nil {
			return err
		}
	}
	if a.Kind == UnitName { // a name that an unverified account only wrote down goes the same way
		ev := audit.From(ctx, audit.Event{Kind: audit.UnitYielded, Actor: string(a.Claim.Own)})
		if _, err := s.Store.YieldUnitName(ctx, a.Claim.UnitName, a.Claim.USCC, ev); err != nil {
			return err
		}
	}
	if err := s.pardon(ctx, a.Claim.Wanted); err != nil { // the guesses were about another account
		return err
	}
	name := strings.ToUpper(a.Claim.Wanted)
	if err := s.tell(ctx, a.Claim.Mobile, noticeNameGiven, "", a.Number, maskLogin(name)); err != nil || own == nil {
		return err
	}
	to := own.Account
	to.LoginName, to.LoginKey, to.UpdatedAt = name, a.Claim.Wanted, s.Now()
	ev := audit.From(ctx, audit.Event{Kind: audit.LoginNameGiven, Actor: string(to.ID), Object: string(to.ID), Detail: a.ID})
	return s.Store.PutAccount(ctx, to, "", ev)
}

// displace gives who has the login name another one that nobody can guess, and
// tells it on the channels on file, but not to the number of the one who appealed.
func (s *Service) displace(ctx context.Context, a Appeal, holder Subject) error {
	from := holder.Account
	from.LoginName = freshName()
	from.LoginKey, from.UpdatedAt = from.LoginName, s.Now()
	if from.State == account.Closed {
		from.LoginName, from.LoginKey = "", "closed|"+string(from.ID)
	}
	ev := audit.From(ctx, audit.Event{Kind: audit.LoginNameTaken, Actor: string(a.Claim.Own), Object: string(from.ID), Detail: a.ID})
	if err := s.Store.PutAccount(ctx, from, "", ev); err != nil || from.State == account.Closed {
		return err
	}
	return s.tellBut(ctx, a.Claim.Mobile, holder, noticeNameTaken, maskLogin(holder.Account.LoginName), a.Number, from.LoginName)
}
