package integrator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

// LookupCase is one way in which 账号检索 can end, as a sandbox shows it.
type LookupCase struct {
	Name   string // in lists, unique: E1, E1-changed …
	Code   string // as 账号检索 answers; E7 is a suffix, and no code
	Unit   bool   // the key is a USCC, else a mobile number
	Main   Player // the account that the answer is about
	Beside Player // another one that belongs to it
	Known  bool   // I0: the number has an account here already
}

// Player is what one of the accounts of an outcome is like when nobody used it yet.
type Player struct {
	Kind     account.Kind // empty: there is none
	Login    string       // before the key; "own": a name of its own
	Verified bool
	Changed  bool // the owner chose another password
	Migrated bool // has pending rights for the unit, from the former platform
}

const own = "own"

// LookupCases lists every outcome of the tables E and I, with the variants that their
// texts know. Where the answer is to register or to appeal, which nobody can with
// a key of these ranges, an account beside stands for who has done so.
func LookupCases() []LookupCase {
	const legal, person = account.LegalEntity, account.NaturalPerson
	return []LookupCase{
		{Name: "E0a", Code: "E0a", Unit: true, Beside: Player{Kind: legal, Login: own}},
		{Name: "E0b", Code: "E0b", Unit: true, Main: Player{Kind: legal}},
		{Name: "E0b-other", Code: "E0b", Unit: true, Main: Player{Kind: legal, Login: own}},
		{Name: "E1", Code: "E1", Unit: true, Main: Player{Kind: legal}},
		{Name: "E1-changed", Code: "E1", Unit: true, Main: Player{Kind: legal, Verified: true, Changed: true}},
		{Name: "E2", Code: "E2", Unit: true, Main: Player{Kind: legal, Verified: true}},
		{Name: "E3", Code: "E3", Unit: true, Main: Player{Kind: legal, Login: "HJ_"}},
		{Name: "E4", Code: "E4", Unit: true, Main: Player{Kind: person, Migrated: true}, Beside: Player{Kind: legal, Login: own, Verified: true}},
		{Name: "E5", Code: "E5", Unit: true, Main: Player{Kind: person, Login: "HJ_", Migrated: true}, Beside: Player{Kind: legal, Login: own, Verified: true}},
		{Name: "E6", Code: "E6", Unit: true, Beside: Player{Kind: legal, Login: own}},
		{Name: "E7", Code: "E3", Unit: true, Main: Player{Kind: legal, Login: "HJ2_"}},
		{Name: "I0", Code: "I0", Beside: Player{Kind: person, Login: own}},
		{Name: "I0-known", Code: "I0", Known: true, Beside: Player{Kind: person, Login: own, Verified: true}},
		{Name: "I1", Code: "I1", Main: Player{Kind: person}},
		{Name: "I2", Code: "I2", Main: Player{Kind: person, Verified: true}},
		{Name: "I3", Code: "I3", Main: Player{Kind: person, Login: "HJ_"}},
		{Name: "I4", Code: "I4", Beside: Player{Kind: person, Login: own, Verified: true}},
		{Name: "I5", Code: "I5", Beside: Player{Kind: person, Login: own, Verified: true}},
		{Name: "I6", Code: "I6", Main: Player{Kind: person}, Beside: Player{Kind: person, Login: own, Verified: true}},
	}
}

// lookupCase is the one with the name; false if there is none any more.
func lookupCase(name string) (LookupCase, bool) {
	for _, o := range LookupCases() {
		if o.Name == name {
			return o, true
		}
	}
	return LookupCase{}, false
}

// TestKey is a key of 账号检索 that a sandbox has for an outcome.
type TestKey struct {
	Project, Name, Code string
	Key                 string // USCC or mobile number, of the ranges that nobody real is in
	Main, Beside        account.ID
	Known               bool
	Since               time.Time // when it was made, or begun anew
}

// Trial is a TestKey as its team sees it.
type Trial struct {
	TestKey
	Unit          bool
	SMS           string // the code that the look-up asks for; units need none
	Login, Second string // login names of Main and Beside; empty where there is none
	Window        account.Kind
}

// trials gives the look-up outcomes of a project, in the order of the tables.
func (s *Service) trials(ctx context.Context, project string, tests []account.Account) ([]Trial, error) {
	all, err := s.Store.TestKeys(ctx, project)
	if err != nil {
		return nil, err
	}
	by := map[account.ID]account.Account{}
	for _, a := range tests {
		by[a.ID] = a
	}
	var out []Trial
	for _, o := range LookupCases() {
		for _, k := range all {
			if k.Name != o.Name {
				continue
			}
			t := Trial{TestKey: k, Unit: o.Unit, Login: by[k.Main].LoginName, Second: by[k.Beside].LoginName, Window: by[k.Main].Kind}
			if !o.Unit {
				t.SMS = s.TestCode(account.Mobile(k.Key).E164())
			}
			out = append(out, t)
		}
	}
	return out, nil
}

// lay makes the look-up outcomes that the sandbox does not have yet.
func (st *stage) lay(ctx context.Context) error {
	have, err := st.s.Store.TestKeys(ctx, st.p.ID)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, k := range have {
		there[k.Name] = true
	}
	for _, o := range LookupCases() {
		if there[o.Name] {
			continue
		}
		if err := st.outcome(ctx, o); err != nil {
			return fmt.Errorf("look-up outcome %s: %w", o.Name, err)
		}
	}
	return nil
}

// outcome makes one, with its unit, its accounts and their rights.
func (st *stage) outcome(ctx context.Context, o LookupCase) error {
	k := TestKey{Project: st.p.ID, Name: o.Name, Code: o.Code, Known: o.Known, Since: st.now}
	var unit *account.Unit
	if o.Unit {
		uscc := account.NewTestUSCC()
		k.Key = string(uscc)
		u := st.unit(uscc, "检索"+o.Name)
		unit = &u
	} else {
		k.Key = string(account.NewTestMobile())
	}
	main, beside := st.player(o.Main, o.Name, k.Key, unit), st.player(o.Beside, o.Name, k.Key, unit)
	if unit != nil {
		if err := st.s.Store.PutUnit(ctx, *unit, event(ctx, audit.UnitChanged, string(st.who), unit.ID, "sandbox")); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		a  *account.Account
		r  Player
		id *account.ID
	}{{main, o.Main, &k.Main}, {beside, o.Beside, &k.Beside}} {
		if one.a == nil {
			continue
		}
		*one.id = one.a.ID
		if err := st.s.Store.PutAccount(ctx, *one.a, st.phc, event(ctx, audit.AccountCreated, string(st.who), string(one.a.ID), "sandbox")); err != nil {
			return err
		}
		if err := st.rights(ctx, *one.a, one.r, unit); err != nil {
			return err
		}
	}
	return st.s.Store.AddTestKey(ctx, k)
}

// player is an account of an outcome as nobody has used it; a legal one becomes
// the unit's.
func (st *stage) player(r Player, name, key string, unit *account.Unit) *account.Account {
	if r.Kind == "" {
		return nil
	}
	login := r.Login + key
	if r.Login == own {
		login = TestLogin(st.p.ID, Part(strings.ToLower(name)))
	}
	a := st.blank(login)
	a.Kind = r.Kind
	if r.Changed {
		a.PasswordChangedAt = st.now
	}
	phone := account.NewTestMobile().E164()
	if unit == nil {
		phone = account.Mobile(key).E164()
	}
	a.Profile = account.Profile{Phone: phone, PhoneVerified: true}
	if r.Kind == account.LegalEntity {
		a.Profile = account.Profile{Contact: &account.Person{Name: "测试联系人", Phone: phone, PhoneVerified: true}}
		a.UnitID, unit.AccountID = unit.ID, a.ID
	}
	if r.Verified {
		st.verify(&a, unit)
	}
	return &a
}

// rights gives an account what it may do: what it was verified for, or what waits
// for that.
func (st *stage) rights(ctx context.Context, a account.Account, r Player, unit *account.Unit) error {
	if r.Verified {
		return st.earn(ctx, a, nil)
	}
	if !r.Migrated {
		return nil
	}
	m := entitlement.Mandate{
		ID: string(account.NewID()), Account: a.ID, Unit: *unit, Relation: entitlement.Handler, State: entitlement.Pending, Source: entitlement.TorchMigration, From: st.now,
	}
	if err := st.s.Store.PutMandate(ctx, m, event(ctx, audit.EntitlementMade, string(st.who), string(a.ID), "sandbox mandate")); err != nil {
		return err
	}
	for _, sys := range st.systems {
		g := entitlement.Grant{
			ID: string(account.NewID()), Account: a.ID, UnitID: unit.ID, System: sys.ID, Actions: sys.Actions, State: entitlement.Pending,
			Source: entitlement.TorchMigration, From: st.now,
		}
		if err := st.s.Store.PutGrant(ctx, g, event(ctx, audit.EntitlementMade, string(st.who), string(a.ID), "sandbox "+string(sys.ID))); err != nil {
			return err
		}
	}
	return nil
}

// earn gives a verified account its systems, those that it had before anew.
func (st *stage) earn(ctx context.Context, a account.Account, had []entitlement.Grant) error {
	for _, sys := range st.systems {
		g := entitlement.Grant{
			ID: string(account.NewID()), Account: a.ID, UnitID: a.UnitID, System: sys.ID, Actions: sys.Actions, State: entitlement.Active,
			Source: entitlement.Verification, From: st.now,
		}
		for _, before := range had {
			if before.System == sys.ID && before.Source == entitlement.Verification {
				g.ID = before.ID
			}
		}
		if err := st.s.Store.PutGrant(ctx, g, event(ctx, audit.EntitlementMade, string(st.who), string(a.ID), "sandbox "+string(sys.ID))); err != nil {
			return err
		}
	}
	return nil
}
