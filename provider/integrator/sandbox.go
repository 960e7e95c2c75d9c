package integrator

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// Part is what a test account is for.
type Part string

// The test accounts: cases (a) to (d) of the claims, the outcomes of the look-up
// that leave somebody an account (E1, E4, I1 …), and what a system must be able to
// refuse.
const (
	PartPerson     Part = "person"     // (a) a verified person, with an entry of their own; I1, I2
	PartUnit       Part = "unit"       // (b) a verified legal account; E1, E2
	PartRenamed    Part = "renamed"    // (b) under HJ_ and the code; E3
	PartMigrated   Part = "migrated"   // (c) a person with grants of a unit from the former platform; E4
	PartSuffixed   Part = "suffixed"   // (c) under HJ_ and the code; E5
	PartHandler    Part = "handler"    // a person whom two units appointed: must choose
	PartUnverified Part = "unverified" // (d) not verified; I0, E0a and E6 begin so
	PartBare       Part = "bare"       // verified, and entitled to nothing
	PartFrozen     Part = "frozen"     // cannot sign in
)

// Parts lists them in the order of the pages.
func Parts() []Part {
	return []Part{PartPerson, PartUnit, PartRenamed, PartMigrated, PartSuffixed, PartHandler, PartUnverified, PartBare, PartFrozen}
}

// TestLogin is the login name of a test account. Its beginning is the project's.
func TestLogin(project string, p Part) string {
	return "sbx-" + strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(project))[:8] + "-" + string(p)
}

// partOf is what a test account is for.
func partOf(a account.Account) Part {
	return Part(a.LoginName[strings.LastIndexByte(a.LoginName, '-')+1:])
}

// OpenSandbox gives all test accounts of a project a new password, the same for
// all, which is told this once; it makes those that are missing, and the keys of
// the look-up outcomes. They are nobody: their documents, numbers and units are of
// the ranges that package account keeps for this.
func (s *Service) OpenSandbox(ctx context.Context, who account.ID, project string) (string, error) {
	p, err := s.enter(ctx, who, project, Developer)
	if err != nil {
		return "", err
	}
	password := "test-" + strings.ToLower(base32.StdEncoding.EncodeToString(noise(10)))
	phc, err := s.Hash(ctx, password)
	if err != nil {
		return "", err
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.save(ctx, p.Project); err != nil { // of two who open it at once one makes the accounts
			return err
		}
		there, err := s.Store.TestAccounts(ctx, project)
		if err != nil {
			return err
		}
		for _, a := range there {
			if err := s.Store.PutAccount(ctx, a, phc, event(ctx, audit.PasswordChanged, string(who), string(a.ID), "sandbox")); err != nil {
				return err
			}
		}
		st, err := s.staged(ctx, project, who)
		if err != nil {
			return err
		}
		st.phc = phc
		if len(there) == 0 {
			if err := st.cast(ctx); err != nil {
				return err
			}
		}
		if err := st.lay(ctx); err != nil {
			return err
		}
		if err := s.note(ctx, project, p.Sandbox, string(who), WhatTestAccess); err != nil {
			return err
		}
		return s.Store.Record(ctx, event(ctx, audit.SandboxOpened, string(who), project, ""))
	})
	if err != nil {
		return "", err
	}
	return password, nil
}

// stage is what the accounts of one sandbox are made with.
type stage struct {
	s       *Service
	p       Project
	who     account.ID
	phc     string
	now     time.Time
	systems []entitlement.System
}

// staged reads what the sandbox of a project is made with.
func (s *Service) staged(ctx context.Context, project string, who account.ID) (*stage, error) {
	p, err := s.Store.Project(ctx, project)
	if err != nil {
		return nil, err
	}
	systems, err := s.Store.Systems(ctx)
	if err != nil {
		return nil, err
	}
	st := &stage{s: s, p: p, who: who, now: s.Now()}
	for _, sys := range systems {
		if slices.Contains(p.Form.Systems, sys.ID) {
			st.systems = append(st.systems, sys)
		}
	}
	return st, nil
}

// cast makes the test accounts with their units, mandates and grants.
func (st *stage) cast(ctx context.Context) error {
	s, who := st.s, st.who
	var units []account.Unit
	people := map[Part]account.Account{}
	for _, part := range Parts() {
		a, unit := st.account(part, len(units))
		if unit != nil {
			if err := s.Store.PutUnit(ctx, *unit, event(ctx, audit.UnitChanged, string(who), unit.ID, "sandbox")); err != nil {
				return err
			}
			units = append(units, *unit)
		}
		if err := s.Store.PutAccount(ctx, a, st.phc, event(ctx, audit.AccountCreated, string(who), string(a.ID), "sandbox")); err != nil {
			return fmt.Errorf("test account %s: %w", part, err)
		}
		people[part] = a
	}
	return st.entries(ctx, people, units)
}

// entries gives the accounts what they may do.
func (st *stage) entries(ctx context.Context, people map[Part]account.Account, units []account.Unit) error {
	if len(units) < 2 {
		return fault.New(fault.Internal, "integrator: a sandbox of %d units", len(units))
	}
	year := st.now.AddDate(1, 0, 0)
	for _, e := range []struct {
		part   Part
		unit   *account.Unit
		source entitlement.Source
		until  time.Time
		few    bool
	}{
		{part: PartPerson, source: entitlement.Verification},
		{part: PartUnit, unit: &units[0], source: entitlement.Verification},
		{part: PartRenamed, unit: &units[1], source: entitlement.Verification},
		{part: PartMigrated, unit: &units[0], source: entitlement.TorchMigration, until: year, few: true},
		{part: PartSuffixed, unit: &units[1], source: entitlement.TorchMigration, until: year, few: true},
		{part: PartHandler, unit: &units[0], source: entitlement.Delegated, until: year, few: true},
		{part: PartHandler, unit: &units[1], source: entitlement.Delegated, until: year},
	} {
		a := people[e.part]
		unitID := ""
		if e.unit != nil {
			unitID = e.unit.ID
		}
		if e.unit != nil && a.Kind == account.NaturalPerson {
			m := entitlement.Mandate{
				ID: string(account.NewID()), Account: a.ID, Unit: *e.unit, Relation: entitlement.Handler, State: entitlement.Active, Source: e.source,
				From: st.now, Until: e.until,
			}
			if err := st.s.Store.PutMandate(ctx, m, event(ctx, audit.EntitlementMade, string(st.who), string(a.ID), "sandbox mandate")); err != nil {
				return err
			}
		}
		for _, sys := range st.systems {
			actions := sys.Actions
			if e.few && len(actions) > 1 {
				actions = actions[:1]
			}
			g := entitlement.Grant{
				ID: string(account.NewID()), Account: a.ID, UnitID: unitID, System: sys.ID, Actions: actions, State: entitlement.Active,
				Source: e.source, From: st.now, Until: e.until,
			}
			if err := st.s.Store.PutGrant(ctx, g, event(ctx, audit.EntitlementMade, string(st.who), string(a.ID), "sandbox "+string(sys.ID))); err != nil {
				return err
			}
		}
	}
	return nil
}

// account makes a test account, and its unit if it is a legal one.
func (st *stage) account(part Part, n int) (account.Account, *account.Unit) {
	a := st.blank(TestLogin(st.p.ID, part))
	a.PasswordChangedAt = st.now
	phone := account.NewTestMobile().E164()
	a.Profile = account.Profile{Phone: phone, PhoneVerified: true}
	switch part {
	case PartUnverified:
		return a, nil
	case PartUnit, PartRenamed:
		u := st.unit(account.NewTestUSCC(), fmt.Sprintf("测试企业%d号", n+1))
		a.Kind, a.UnitID, u.AccountID = account.LegalEntity, u.ID, a.ID
		a.Profile = account.Profile{Contact: &account.Person{Name: "测试联系人", Phone: phone, PhoneVerified: true}}
		st.verify(&a, &u)
		return a, &u
	case PartFrozen:
		a.State = account.Frozen
	}
	st.verify(&a, nil)
	a.Profile.Name = "测试" + string([]rune("甲乙丙丁戊己庚辛壬")[indexOf(part)])
	return a, nil
}

func unverified() account.RealName {
	return account.RealName{Status: account.StatusUnverified, Level: "L1"}
}

// blank is a test account that is not verified.
func (st *stage) blank(login string) account.Account {
	a := account.Account{
		ID: account.NewID(), Kind: account.NaturalPerson, State: account.Active, LoginName: login, RealName: unverified(), Sandbox: st.p.ID,
		CreatedAt: st.now, UpdatedAt: st.now,
	}
	a.LoginKey, _ = account.NormaliseLogin(login) // letters, digits, _ and -: always one
	return a
}

// unit is a test unit that is not verified. Its name names the sandbox.
func (st *stage) unit(uscc account.USCC, name string) account.Unit {
	return account.Unit{
		ID: string(account.NewID()), USCC: uscc, Name: fmt.Sprintf("沙箱%s（%s）", name, strings.TrimPrefix(TestLogin(st.p.ID, "")[:12], "sbx-")),
		Type: account.UnitEnterprise, Region: uscc.Region(), RegistrationAuthority: "沙箱市场监督管理局", Status: account.UnitRegistered,
		State: account.Active, RealName: unverified(),
	}
}

// verify makes an account, and the unit of a legal one, what a verification makes.
func (st *stage) verify(a *account.Account, unit *account.Unit) {
	a.RealName = account.RealName{
		Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: st.now, ProcessID: "rn-sandbox", CheckID: "c-sandbox",
		CheckOrganization: "沙箱核验接口",
	}
	if a.Kind == account.LegalEntity {
		unit.RealName, unit.VerifiedAt = a.RealName, st.now
		a.Profile.Name = unit.Name
		a.Profile.LegalRep = &account.Person{Name: "测试法人", IDType: account.DocResident, IDNumber: account.NewTestResidentID()}
		return
	}
	a.Profile.Name, a.Profile.Nationality = "测试用户", "CHN"
	a.Profile.IDType, a.Profile.IDNumber = account.DocResident, account.NewTestResidentID()
}

func indexOf(part Part) int {
	for i, p := range Parts() {
		if p == part {
			return i
		}
	}
	return 0
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return b
}
