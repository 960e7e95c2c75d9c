package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
)

// claimed redeems the code in p and gives what the system learns.
func (r *rig) claimed(a attempt, p page) map[string]any {
	r.t.Helper()
	status, m := r.exchange(a, callback(r.t, p).Get("code"))
	if status != http.StatusOK {
		r.t.Fatalf("token endpoint answered %d: %v", status, m)
	}
	_, info := r.userinfo(text(m, "access_token"))
	return info
}

// entitled tells whether the claims name the entitlement.
func entitledTo(info map[string]any, name string) bool {
	list, _ := info["entitlements"].([]any)
	return slices.Contains(list, any(name))
}

func orgOf(info map[string]any) string {
	org, _ := info["org"].(map[string]any)
	return text(org, "uscc")
}

// The whole way of both kinds (R12–R21, R36, R40), without script: register, be
// verified, enter. A person who acts for the unit asks it first.
func TestFromRegistrationIntoTheSystem(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		e, who := demoEntities()[1], demoPersons()[1]
		unit := r.applicant(e.LegalRep.Mobile)
		unit.asks = true
		p := unit.enrolled(unitForm(e.USCC, e.USCC, e.Name))
		p = unit.link(p, "/login?window=legal_entity")
		unit.submit(p, "username", url.Values{"username": {e.USCC}, "password": {chosenPassword}}).wants(t, 200, "/")
		a := r.systemRequest()
		p = unit.get(r.authorizeURL(a))
		p.wants(t, 200, "/refused", "请先完成实名认证")
		p = unit.follows(p, "/me/realname/status?next=")
		p = unit.settled(unit.submit(p, "unit_name", entryForm(e)))
		p.wants(t, 200, "/me/realname/status", "已认证")
		p = unit.follows(p, "/oauth2/authorize?interaction=")
		p.wants(t, 200, "/login/entry", e.Name, e.USCC)
		info := r.claimed(a, unit.submit(p, "decision=allow", url.Values{"decision": {"allow"}}))
		if !entitledTo(info, "hightech_enterprise:apply") || orgOf(info) != e.USCC || text(info, "account_type") != "legal_entity" {
			t.Errorf("the unit's claims: %v", info)
		}

		person := r.applicant(who.Mobile)
		p = person.enrolled(personForm("lin.xiaoyu"))
		p = person.link(p, "/login?window=natural_person")
		person.submit(p, "username", url.Values{"username": {"lin.xiaoyu"}, "password": {chosenPassword}}).wants(t, 200, "/")
		r.actsFor("lin.xiaoyu", e.USCC)
		a = r.systemRequest()
		p = person.get(r.authorizeURL(a))
		p.wants(t, 200, "/refused", "请先完成实名认证")
		p = person.follows(p, "/me/realname/status?next=")
		p = person.settled(person.submit(p, "id_number", url.Values{"name": {who.Name}, "id_type": {account.DocResident}, "id_number": {who.IDNumber}}))
		p.wants(t, 200, "/me/realname/status", "已认证")
		p = person.follows(p, "/oauth2/authorize?interaction=")
		p.wants(t, 200, "/refused", "尚未获得该系统的授权")
		p = person.follows(p, "/me/services/ask?")
		person.submit(p, "ask=yes", url.Values{"org": {r.word(`SELECT id FROM units WHERE uscc = ?`, e.USCC)}, "action": {"apply"}}).wants(t, 200, "/me/grants", "等待处理")
		p = unit.get(r.issuer + "/me/unit/requests")
		p.wants(t, 200, "/me/unit/requests", "林**")
		unit.submit(p, "grant", url.Values{"grant": {r.word(`SELECT id FROM entry_requests`)}, "action": {"apply"}, "days": {"30"}}).wants(t, 200, "/me/unit/requests", "已同意")
		info = r.claimed(a, person.get(r.authorizeURL(a)))
		if !entitledTo(info, "hightech_enterprise:apply") || entitledTo(info, "hightech_enterprise:report") || orgOf(info) != e.USCC || text(info, "account_type") != "natural_person" {
			t.Errorf("the person's claims: %v", info)
		}
	})
}

// actsFor makes the account a handler of the unit.
func (r *rig) actsFor(login, uscc string) {
	r.t.Helper()
	ctx := r.t.Context()
	a, err := r.app.db.AccountByLogin(ctx, login)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := r.app.db.UnitByUSCC(ctx, account.USCC(uscc))
	if err != nil {
		r.t.Fatal(err)
	}
	err = r.app.db.PutMandate(ctx, entitlement.Mandate{
		ID: string(account.NewID()), Account: a.ID, Unit: account.Unit{ID: u.ID}, Relation: entitlement.Handler, State: entitlement.Active, Source: entitlement.Delegated, From: r.clock.now(),
	}, audit.Event{Kind: audit.EntitlementMade, Actor: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
}

// legacyDocument is the identity document of the holder of the n-th account.
func legacyDocument(n int) (name, number string) {
	return "钱" + string([]rune("一二三四五六七八九十百千万亿甲乙丙丁")[n%18]), account.CompleteResidentID(fmt.Sprintf("11000019820101%03d", n+1))
}
