package credential

import (
	"context"
	"fmt"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Change lets the owner choose another password, for whom proof still speaks:
// the one who just signed in with the present password as owner, from ip. The
// password may hold nothing of forbidden. It gives the proof of the account as it
// is then; the one given is worth nothing any more, so that of several uses one
// succeeds.
//
// Errors: fault.Invalid with the field password for one that is not good enough
// or is the present one; fault.Unproven when the account changed since the proof;
// fault.Unavailable when too many wait.
func (s *Service) Change(ctx context.Context, proof Proof, owner account.Account, password, ip string, ev audit.Event, forbidden ...string) (Proof, error) {
	if err := s.Policy.Check(password, forbidden...); err != nil {
		return Proof{}, err
	}
	ticket, err := s.Hasher.AdmitFrom(ip)
	if err != nil {
		return Proof{}, err
	}
	defer ticket.Release()
	login, err := s.Store.FindLogin(ctx, owner.LoginKey)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Proof{}, fmt.Errorf("find the login: %w", err)
	}
	if err != nil || login.AccountID != proof.AccountID || login.Version != proof.Version || unusable(login) != "" {
		return Proof{}, fault.New(fault.Unproven, "the account changed meanwhile")
	}
	same, _, err := ticket.Verify(ctx, login.Password, password)
	if err != nil {
		return Proof{}, fmt.Errorf("compare with the present password: %w", err)
	}
	if same {
		return Proof{}, &fault.Error{Kind: fault.Invalid, Field: "password", Msg: MsgUnchanged}
	}
	phc, err := ticket.Hash(ctx, password)
	if err != nil {
		return Proof{}, fmt.Errorf("hash the new password: %w", err)
	}
	if err := s.Store.ChangePassword(ctx, proof.AccountID, proof.Version, phc, ev); err != nil {
		return Proof{}, err
	}
	proof.Version, proof.MustChange = proof.Version+1, false
	return proof, nil
}
