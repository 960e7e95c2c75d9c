package integrator

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// VerifyTest is the real-name verification of a test account, who has no document
// to show: it is verified as it stands. fault.NotFound for whoever is real,
// fault.Conflict for a person who is verified on another account (I6).
func (s *Service) VerifyTest(ctx context.Context, id account.ID) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		a, err := s.Store.HeldAccount(ctx, id)
		if err != nil {
			return err
		}
		if a.Sandbox == "" || !a.Usable() || a.RealName.Verified() {
			return fault.New(fault.NotFound, "no test account that waits for its real name")
		}
		st, err := s.staged(ctx, a.Sandbox, id)
		if err != nil {
			return err
		}
		var unit *account.Unit
		if a.Kind == account.LegalEntity {
			u, err := s.Store.HeldUnit(ctx, a.UnitID)
			if err != nil {
				return err
			}
			unit = &u
		}
		st.verify(&a, unit)
		if err := st.sameDocument(ctx, &a); err != nil {
			return err
		}
		if unit != nil {
			if err := s.Store.PutUnit(ctx, *unit, event(ctx, audit.UnitChanged, string(id), unit.ID, "sandbox")); err != nil {
				return err
			}
		}
		if err := s.Store.PutAccount(ctx, a, "", event(ctx, audit.RealNameVerified, string(id), string(id), "sandbox")); err != nil {
			return err
		}
		mandates, grants, err := s.Store.RightsOf(ctx, id)
		if err != nil {
			return err
		}
		m, g := entitlement.Awakened(mandates, grants, st.now)
		if err := st.put(ctx, m, g); err != nil {
			return err
		}
		if len(m) > 0 {
			return nil
		}
		return st.earn(ctx, a, grants)
	})
}

// sameDocument gives the account of a person who has another one the document of
// that.
func (st *stage) sameDocument(ctx context.Context, a *account.Account) error {
	all, err := st.s.Store.TestKeys(ctx, st.p.ID)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.Main != a.ID || k.Beside == "" {
			continue
		}
		other, err := st.s.Store.HeldAccount(ctx, k.Beside)
		if err != nil {
			return err
		}
		if other.Kind == a.Kind {
			a.Profile.Name, a.Profile.IDNumber = other.Profile.Name, other.Profile.IDNumber
		}
	}
	return nil
}

// put keeps changed rights.
func (st *stage) put(ctx context.Context, mandates []entitlement.Mandate, grants []entitlement.Grant) error {
	for _, m := range mandates {
		if err := st.s.Store.PutMandate(ctx, m, event(ctx, audit.EntitlementSet, string(st.who), m.ID, "sandbox")); err != nil {
			return err
		}
	}
	for _, g := range grants {
		if err := st.s.Store.PutGrant(ctx, g, event(ctx, audit.EntitlementSet, string(st.who), g.ID, "sandbox")); err != nil {
			return err
		}
	}
	return nil
}

// StartOver makes the accounts of the look-up outcomes, and the unverified one of
// the claims, what they were before anybody used them: sessions and tokens end,
// real names and what followed from them are taken back. Keys, login names, the
// password and the subjects at the client stay.
func (s *Service) StartOver(ctx context.Context, who account.ID, project string) error {
	p, err := s.enter(ctx, who, project, Developer)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.save(ctx, p.Project); err != nil { // of two at once one after the other
			return err
		}
		st, err := s.staged(ctx, project, who)
		if err != nil {
			return err
		}
		roles, err := st.roles(ctx)
		if err != nil {
			return err
		}
		tests, err := s.Store.TestAccounts(ctx, project)
		if err != nil {
			return err
		}
		for _, a := range tests {
			r, ok := roles[a.ID]
			if !ok && a.LoginName != TestLogin(project, PartUnverified) {
				continue
			}
			if err := st.restore(ctx, a.ID, r); err != nil {
				return err
			}
		}
		if err := s.Store.RestartTestKeys(ctx, project, st.now); err != nil {
			return err
		}
		if err := s.note(ctx, project, p.Sandbox, string(who), WhatRestarted); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.SandboxRestarted, string(who), project, ""))
	})
}

// roles says what each account of the look-up outcomes began as.
func (st *stage) roles(ctx context.Context) (map[account.ID]Player, error) {
	all, err := st.s.Store.TestKeys(ctx, st.p.ID)
	if err != nil {
		return nil, err
	}
	out := map[account.ID]Player{}
	for _, k := range all {
		o, ok := lookupCase(k.Name)
		if !ok {
			continue
		}
		if k.Main != "" {
			out[k.Main] = o.Main
		}
		if k.Beside != "" {
			out[k.Beside] = o.Beside
		}
	}
	return out, nil
}

// restore takes back what became of an account.
func (st *stage) restore(ctx context.Context, id account.ID, r Player) error {
	a, err := st.s.Store.HeldAccount(ctx, id)
	if err != nil {
		return err
	}
	a.State = account.Active
	if !r.Changed {
		a.PasswordChangedAt = time.Time{}
	}
	if !r.Verified {
		a.RealName = unverified()
		a.Profile = account.Profile{Phone: a.Profile.Phone, PhoneVerified: a.Profile.PhoneVerified, Contact: a.Profile.Contact}
		if a.UnitID != "" {
			u, err := st.s.Store.HeldUnit(ctx, a.UnitID)
			if err != nil {
				return err
			}
			u.RealName, u.VerifiedAt = unverified(), time.Time{}
			if err := st.s.Store.PutUnit(ctx, u, event(ctx, audit.UnitChanged, string(st.who), u.ID, "sandbox")); err != nil {
				return err
			}
		}
		mandates, grants, err := st.s.Store.RightsOf(ctx, id)
		if err != nil {
			return err
		}
		for i := range mandates {
			mandates[i].State, mandates[i].Source, mandates[i].Until = entitlement.Pending, entitlement.TorchMigration, time.Time{}
		}
		for i, g := range grants {
			if grants[i].State = entitlement.Revoked; g.Source != entitlement.Verification {
				grants[i].State, grants[i].Source, grants[i].Until = entitlement.Pending, entitlement.TorchMigration, time.Time{}
			}
		}
		if err := st.put(ctx, mandates, grants); err != nil {
			return err
		}
	}
	if err := st.s.Store.PutAccount(ctx, a, "", event(ctx, audit.AccountChanged, string(st.who), string(id), "sandbox")); err != nil {
		return err
	}
	return st.s.Store.EndAccount(ctx, id, st.now, event(ctx, audit.SessionEnded, string(st.who), "", "sandbox"))
}
