package mandate_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/entitlement"
	"kejitong/provider/mandate"
	"kejitong/provider/notify"
	"kejitong/store"
)

var start = time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC)

const (
	unit = "u1"
	own  = account.ID("unit1")
)

// house is the service on a database with one verified unit, which holds two
// actions of one system and one of another, and a post office that keeps everything.
type house struct {
	t   testing.TB
	db  *store.DB
	s   *mandate.Service
	now time.Time

	mu   sync.Mutex
	told []notify.Message
}

func newHouse(t testing.TB, db *store.DB) *house {
	h := &house{t: t, db: db, now: start}
	db.Now = func() time.Time { return h.now }
	h.s = &mandate.Service{Store: db, Codes: codes{}, Queue: h, Limit: 100000, Now: db.Now}
	did := audit.Event{Kind: audit.AccountCreated, Actor: "test"}
	verified := account.RealName{Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: start}
	h.must(db.PutUnit(ctx(t), account.Unit{
		ID: unit, USCC: "91110108MA01ET88XL", Name: "示例科技有限公司", Type: account.UnitEnterprise, Region: "110108", RegistrationAuthority: "9",
		Status: account.UnitRegistered, State: account.Active, AccountID: own, RealName: verified, VerifiedAt: start,
	}, did))
	h.must(db.PutAccount(ctx(t), account.Account{
		ID: own, Kind: account.LegalEntity, State: account.Active, LoginName: "unit1", LoginKey: "unit1", UnitID: unit, RealName: verified,
		Profile:   account.Profile{Name: "示例科技有限公司", Phone: "+8613900000000", PhoneVerified: true},
		CreatedAt: start, UpdatedAt: start,
	}, "", did))
	for _, sys := range []entitlement.System{{ID: "a", NameZH: "甲", NameEN: "A", Level: "L1", Actions: []string{"x", "y"}}, {ID: "b", NameZH: "乙", NameEN: "B", Level: "L1", Actions: []string{"x"}}} {
		h.must(db.PutSystem(ctx(t), sys, did))
	}
	h.holds("a", "x", "y")
	h.holds("b", "x")
	return h
}

func ctx(t testing.TB) context.Context { return context.WithoutCancel(t.Context()) }

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// holds gives the unit the actions of a system, none to take them.
func (h *house) holds(system entitlement.SystemID, actions ...string) {
	g := entitlement.Grant{ID: "own-" + string(system), Account: own, UnitID: unit, System: system, Actions: actions, State: entitlement.Active,
		Source: entitlement.Verification, From: start}
	if len(actions) == 0 {
		g.State = entitlement.Suspended
	}
	h.must(h.db.PutGrant(ctx(h.t), g, audit.Event{Kind: audit.EntitlementMade, Actor: "test"}))
}

// person makes a natural person; unverified ones have no name yet.
func (h *house) person(id, name string, verified bool) account.ID {
	var n int
	for _, r := range id {
		n = n*31 + int(r)
	}
	a := account.Account{
		ID: account.ID(id), Kind: account.NaturalPerson, State: account.Active, LoginName: id, LoginKey: id, CreatedAt: h.now, UpdatedAt: h.now,
		Profile: account.Profile{Phone: fmt.Sprintf("+86138%08d", n%100000000), PhoneVerified: true},
	}
	if verified {
		a.RealName = account.RealName{Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: start}
		a.Profile.Name, a.Profile.IDType, a.Profile.IDNumber = name, account.DocPassport, fmt.Sprintf("E%08d", n%100000000)
	}
	h.must(h.db.PutAccount(ctx(h.t), a, "", audit.Event{Kind: audit.AccountCreated, Actor: "test"}))
	return a.ID
}

func (h *house) Queue(_ context.Context, m notify.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, m)
	return nil
}

// may is what the person may do for the unit, as tokens would say it.
func (h *house) may(id account.ID) []string {
	p, err := h.db.ByAccount(ctx(h.t), id)
	h.must(err)
	if _, acts := p.ActsFor(unit, h.now); !acts {
		return []string{}
	}
	return entitlement.Names(entitlement.For(p.Grants, unit, []entitlement.SystemID{"a", "b"}, true, h.now))
}

func wish(who string, role entitlement.Relation, months int, scope ...entitlement.Scope) mandate.Wish {
	return mandate.Wish{Unit: unit, Who: who, Name: "王小明", Relation: role, Months: months, Scope: scope, Note: "请尽快确认"}
}

func scope(system entitlement.SystemID, actions ...string) entitlement.Scope {
	return entitlement.Scope{System: system, Actions: actions}
}

// codes knows one code.
type codes struct{}

func (codes) Send(context.Context, challenge.Ask, audit.Event) (challenge.Sent, error) {
	return challenge.Sent{}, nil
}
func (codes) Check(context.Context, challenge.Try) error { return nil }
