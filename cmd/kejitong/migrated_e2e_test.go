package main

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/realname"
	"kejitong/provider/torch"
	"kejitong/store/storetest"
)

// forPersons is a business system that natural persons enter in their own name.
const forPersons entitlement.SystemID = "for_persons"

// civil makes the registers know everybody who was brought over, and a system that
// persons may enter.
func (m moved) civil() {
	m.t.Helper()
	var lines []realname.Line
	for i := range 40 {
		if m.g.unit(i) {
			e := m.entity(i)
			lines = append(lines, realname.Line{Unit: &realname.UnitRecord{USCC: account.USCC(e.USCC), Name: e.Name, RepName: e.LegalRep.Name, RepIDType: account.DocResident, RepIDNumber: e.LegalRep.IDNumber}})
		}
		lines = append(lines, realname.Line{Person: &realname.PersonRecord{Name: "样例", IDType: account.DocResident, IDNumber: m.g.resident(i)}})
	}
	_, err := m.app.db.LoadRegister(m.t.Context(), lines, audit.Event{Kind: audit.RegisterLoaded, Actor: "test"})
	if err == nil {
		err = m.app.db.PutSystem(m.t.Context(), entitlement.System{ID: forPersons, NameZH: "科技人才服务", NameEN: "Talent", Owner: "示例", EntryURL: "https://talent.example/login", Level: "L2",
			Actions: []string{"join"}, AccountKinds: []account.Kind{account.NaturalPerson}, Earned: true}, audit.Event{Kind: audit.SystemChanged, Actor: "test"})
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.register("talent", client.Metadata{Name: "科技人才服务", Scope: "openid profile entitlements"})
	c, err := m.app.db.Client(m.t.Context(), "talent")
	if err == nil {
		c.Metadata.BusinessSystems, c.Metadata.ClaimsProfile = []entitlement.SystemID{forPersons}, client.Kejitong
		err = m.app.db.PutClient(m.t.Context(), c, audit.Event{Kind: audit.ClientChanged, Actor: "test"})
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m moved) entity(i int) demoEntity {
	return demoEntity{fmt.Sprintf("样例科技%d号有限公司", i), m.g.uscc(i), demoPerson{"孙立", account.CompleteResidentID(fmt.Sprintf("11000019750820%03d", 500+i)), "13966660001"}}
}

// own gives an account here the password that its owner chose, a number that was
// proved, and what a verification earns.
func (m moved) own(login string) {
	m.t.Helper()
	ctx := m.t.Context()
	a, err := m.app.db.AccountByLogin(ctx, login)
	if err == nil {
		a.Profile.Phone, a.Profile.PhoneVerified = "+8613977770000", true
		phc := ""
		if phc, err = m.app.hasher.Hash(ctx, freshPassword); err == nil {
			err = m.app.db.PutAccount(ctx, a, phc, audit.Event{Kind: audit.AccountChanged})
		}
	}
	if err == nil {
		err = m.app.db.PutGrant(ctx, entitlement.Grant{ID: "talent-" + login, Account: a.ID, System: forPersons, Actions: []string{"join"}, State: entitlement.Active,
			Source: entitlement.Verification, From: m.clock.now()}, audit.Event{Kind: audit.EntitlementMade, Actor: "test"})
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// Every outcome that has an account ends in a business system: from the look-up,
// through the right window with the right password and, where it is owed, 实名认证,
// to claims that say who came and for whom (R2–R5, R8, R9).
func TestEveryOutcomeReachesASystem(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	m := bringOver(t, r)
	m.civil()
	i2, _ := m.key(torch.I2)
	m.own(i2)
	m.own(fmt.Sprintf("person-%d", m.first[torch.I4]))

	enter := func(b *browser, code torch.Code) {
		t.Helper()
		i := m.first[code]
		a := r.systemRequest()
		if !m.g.unit(i) {
			a = request("talent", "openid profile entitlements")
		}
		p := b.get(r.authorizeURL(a))
		if p.Request.URL.Path == "/refused" {
			p.wants(t, 200, "/refused", "请先完成实名认证")
			p = b.follows(p, "/me/realname/status?next=")
			switch {
			case code == torch.E4 || code == torch.E5: // a person, whoever it is that has the unit's name and password
				p = b.submit(p, "id_number", url.Values{"name": {"样例"}, "id_type": {account.DocResident}, "id_number": {m.g.resident(i)}})
			case m.g.unit(i):
				p = b.submit(p, "unit_name", entryForm(m.entity(i)))
			default:
				p = b.submit(p, "id_number", url.Values{"name": {"样例"}, "id_type": {account.DocResident}, "id_number": {m.g.resident(i)}})
			}
			p = b.settled(p)
			p.wants(t, 200, "/me/realname/status", "已认证")
			p = b.follows(p, "/oauth2/authorize?interaction=")
		}
		if p.Request.URL.Path == "/login/entry" { // the first time: are the unit's data right
			p = b.submit(p, "decision=allow", url.Values{"decision": {"allow"}})
		}
		q := callback(t, p)
		if q.Get("code") == "" {
			t.Errorf("%s: no code but %v", code, q)
			return
		}
		_, u := r.userinfo(text(r.redeem(a, q.Get("code")), "access_token"))
		m.claimsFit(code, u)
	}
	for _, code := range []torch.Code{torch.E1, torch.E2, torch.E3, torch.E4, torch.E5, torch.I1, torch.I2, torch.I3} {
		b := r.browser()
		key, _ := m.key(code)
		password := m.g.password(key)
		if !code.Makes().Keeps {
			password = freshPassword
		}
		if code == torch.E2 {
			m.setPassword(key, password)
		}
		p := b.submit(b.click(m.lookUp(b, key), "/login"), "username", url.Values{"password": {password}})
		if p.Request.URL.Path != "/" {
			t.Errorf("%s: the password leads to %s", code, p.Request.URL)
			continue
		}
		enter(b, code)
	}
	// I4: the appeal gives back an account that is verified already.
	b := r.browser()
	key, _ := m.key(torch.I4)
	b.click(m.lookUp(b, key), "/appeal/person")
	f := b.filePerson(r, claimant{"", "样例", m.g.resident(m.first[torch.I4]), "13911112222"})
	r.approve(f)
	r.clock.move(24*time.Hour + time.Second)
	p := b.press(b.click(b.progress(r, f), "/appeal/redeem"), "send=code")
	p = b.press(p, "code", "code", r.sms("+8613911112222", 4), "password", freshPassword, "password_again", freshPassword)
	at(t, p, "/forgot/done")
	if !b.signsIn(r, "natural_person", fmt.Sprintf("person-%d", m.first[torch.I4]), freshPassword) {
		t.Fatal("I4: the password of the appeal opens nothing")
	}
	enter(b, torch.I4)
}

// setPassword is what the owner of an account here chose.
func (m moved) setPassword(login, password string) {
	m.t.Helper()
	key, err := account.NormaliseLogin(login)
	if err != nil {
		m.t.Fatal(err)
	}
	a, err := m.app.db.AccountByLogin(m.t.Context(), key)
	if err != nil {
		m.t.Fatal(err)
	}
	phc, err := m.app.hasher.Hash(m.t.Context(), password)
	if err == nil {
		err = m.app.db.SetPassword(m.t.Context(), a.ID, phc, true, audit.Event{Kind: audit.PasswordChanged})
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// claimsFit holds what the system is told to the outcome.
func (m moved) claimsFit(code torch.Code, u map[string]any) {
	m.t.Helper()
	i := m.first[code]
	kind := string(account.NaturalPerson)
	if code == torch.E1 || code == torch.E2 || code == torch.E3 {
		kind = string(account.LegalEntity)
	}
	name, _ := u["realname"].(map[string]any)
	if u["account_type"] != kind || name["status"] != account.StatusVerified {
		m.t.Errorf("%s: the system is told %v", code, u)
	}
	if m.g.unit(i) {
		org, _ := u["org"].(map[string]any)
		if org["uscc"] != m.g.uscc(i) {
			m.t.Errorf("%s: for the unit %v", code, org)
		}
	}
	all, _ := u["entitlements"].([]any)
	if want := map[bool]string{true: "hightech_enterprise:apply", false: string(forPersons) + ":join"}[m.g.unit(i)]; !slices.Contains(all, any(want)) {
		m.t.Errorf("%s: entitlements %v lack %s", code, all, want)
	}
}
