package store_test

import (
	"context"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/store"
)

// clock is the moment of all stories; the store keeps milliseconds.
var clock = time.Date(2026, 3, 4, 5, 6, 7, 891_000_000, time.UTC)

// must stops the test at an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func did(kind audit.Kind) audit.Event { return audit.Event{Kind: kind, Actor: "operator"} }

// person is a verified natural person whose every field is set.
func person(id, login string) account.Account {
	return account.Account{
		ID: account.ID(id), Kind: account.NaturalPerson, State: account.Active, LoginName: login, LoginKey: login, Locale: "zh-CN",
		RealName: account.RealName{Status: account.StatusVerified, Level: "L3", Method: account.MethodAuto, VerifiedAt: clock,
			ProcessID: "p1", CheckID: "c1", CheckOrganization: "o1"},
		Profile: account.Profile{Name: "张三丰", IDType: "resident_id", IDNumber: numberOf(id), Phone: "+8613800138000",
			PhoneVerified: true, Address: &account.Address{Region: "北京市"}, LegalRep: &account.Person{Name: "李四"}},
		CreatedAt: clock, UpdatedAt: clock, PasswordChangedAt: clock.Add(time.Hour),
	}
}

// firm is the unit of the legal account "firm".
func firm() account.Unit {
	return account.Unit{ID: "u-firm", USCC: "91110108MA01XNAB0K", Name: "北京示例科技有限公司", Type: account.UnitEnterprise, Region: "110108",
		RegistrationAuthority: "海淀区市场监督管理局", Status: account.UnitRegistered, State: account.Active, AccountID: "firm", VerifiedAt: clock,
		RealName: account.RealName{Status: account.StatusVerified, Level: "L3", VerifiedAt: clock}}
}

// seed stores a person "zhang", a legal account "firm" with its unit, a
// mandate, two systems and two entitlements of the person.
func seed(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	must(t, db.PutUnit(ctx, firm(), did(audit.UnitChanged)))
	must(t, db.PutAccount(ctx, person("zhang", "zhang"), "$argon2id$zhang", did(audit.AccountCreated)))
	legal := person("firm", "firm")
	legal.Kind, legal.UnitID = account.LegalEntity, "u-firm"
	must(t, db.PutAccount(ctx, legal, "", did(audit.AccountCreated)))
	for _, id := range []entitlement.SystemID{"hightech", "projects"} {
		must(t, db.PutSystem(ctx, entitlement.System{ID: id, NameZH: "系统", NameEN: "System", Owner: "owner", EntryURL: "https://e.example",
			AccountKinds: []account.Kind{account.LegalEntity}, Level: "L2", Actions: []string{"apply", "read"}}, did(audit.ClientChanged)))
	}
	must(t, db.PutMandate(ctx, mandate(), did(audit.EntitlementMade)))
	for _, g := range entitlements() {
		must(t, db.PutGrant(ctx, g, did(audit.EntitlementMade)))
	}
}

func mandate() entitlement.Mandate {
	return entitlement.Mandate{ID: "m1", Account: "zhang", Unit: firm(), Relation: entitlement.Handler, State: entitlement.Active,
		Source: entitlement.Delegated, From: clock, Until: clock.Add(time.Hour)}
}

func entitlements() []entitlement.Grant {
	return []entitlement.Grant{
		{ID: "e1", Account: "zhang", UnitID: "u-firm", System: "hightech", Actions: []string{"apply", `quo"te`}, State: entitlement.Active,
			Source: entitlement.Delegated, From: clock, Until: clock.Add(time.Hour)},
		{ID: "e2", Account: "zhang", System: "projects", Actions: []string{"read"}, State: entitlement.Suspended, Source: entitlement.Direct, From: clock},
	}
}

// visit is a living session.
func visit(key, id string, who account.ID) session.Session {
	return session.Session{Key: key, ID: id, Account: who, AuthTime: clock.Truncate(time.Second), AMR: []string{"pwd"}, ACR: "urn:fuwu:aal:1",
		CreatedAt: clock, SeenAt: clock, ExpiresAt: clock.Add(8 * time.Hour), IP: "192.0.2.1", UserAgent: "Browser"}
}

// newGrant is a fresh grant of the session for the client.
func newGrant(t testing.TB, clientID, sessionID string, who account.ID) *token.Grant {
	t.Helper()
	g, err := token.NewGrant(clientID, clock)
	must(t, err)
	g.Account, g.SessionID, g.UnitID = who, sessionID, "u-firm"
	g.CodeExp, g.ExpiresAt = clock.Add(time.Minute), clock.Add(24*time.Hour)
	g.Data = token.Data{Scopes: []string{"openid", "profile"}, RedirectURI: "https://rp.example/cb", Nonce: "n", AuthTime: clock.Unix(), Actor: "firm"}
	return g
}

func parked(key, pushed string) authflow.Pending {
	return authflow.Pending{Key: key, Client: "rp", Form: "scope=openid", Browser: "b", Pushed: pushed, CreatedAt: clock, ExpiresAt: clock.Add(time.Hour)}
}

func relyingParty(id string) *client.Client {
	return &client.Client{ID: id, State: client.Active, Reviewed: true, SecretDigest: "digest", CreatedAt: clock, UpdatedAt: clock,
		Metadata: client.Metadata{Name: "示例", RedirectURIs: []string{"https://" + id + ".example/cb", "https://" + id + ".example/cb2"}, Scope: "openid",
			BusinessSystems: []entitlement.SystemID{"hightech"}, JWKS: []byte(`{"keys":[]}`)}}
}

func allowed() consent.Consent {
	return consent.Consent{Account: "zhang", Client: "rp", Scopes: []string{"openid", "profile"}, GivenAt: clock}
}

func pushed(key string) authflow.Pushed {
	return authflow.Pushed{Key: key, Client: "rp", Form: "scope=openid", ExpiresAt: clock.Add(time.Minute)}
}

// numberOf is an identity number of its owner's own: one document is proved on
// one account.
func numberOf(id string) string {
	if id == "zhang" {
		return "110101199003070038"
	}
	return "110101199003070038-" + id
}
