package oidc

import (
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/token"
)

const (
	hightech entitlement.SystemID = "hightech_enterprise"
	techSME  entitlement.SystemID = "tech_sme"
	uscc                          = "91110108MA01ET88XL"
	unitID                        = "unit-1"
)

// hightechClient is the system that owns hightech_enterprise and nothing else.
func hightechClient() *client.Client {
	return &client.Client{ID: "hightech-enterprise", State: client.Active, Metadata: client.Metadata{
		RedirectURIs: []string{"https://gq.example.cn/cb"}, GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		BusinessSystems: []entitlement.SystemID{hightech}, ClaimsProfile: client.Kejitong, AcceptMigrated: true, AllowUnverified: true, FirstParty: true,
		Scope:    "openid profile email phone address org entitlements groups identity authority org.legal_rep org.contact offline_access",
		Audience: []string{"https://gq.example.cn/api"},
	}}
}

// standardClient has no systems and the standard profile.
func standardClient() *client.Client {
	c := hightechClient()
	c.ID, c.Metadata.ClaimsProfile, c.Metadata.BusinessSystems = "standard", client.Standard, nil
	c.Metadata.RedirectURIs = []string{"https://other.example.org/cb"}
	return c
}

func verified2(t time.Time, process, check, organization string) account.RealName {
	return account.RealName{
		Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: t, ProcessID: process, CheckID: check, CheckOrganization: organization,
	}
}

// held is a grant of who with the given scopes; amr beyond the password makes
// the second class.
func held(who principal.Principal, unit, acr string, amr []string, scopes ...string) *principal.Held {
	g, err := token.NewGrant("hightech-enterprise", at(moment))
	if err != nil {
		panic(err)
	}
	g.Account, g.UnitID, g.State, g.CodeExp, g.ExpiresAt = who.Account.ID, unit, token.Active, at(moment+60), at(moment+86400)
	g.Data = token.Data{Scopes: scopes, AuthTime: 1795399950, ACR: acr, AMR: amr, Nonce: "n-0S6"}
	return &principal.Held{Grant: *g, Principal: who}
}

var second = []string{"pwd", "sms"}

// zhang is case (a): a verified natural person.
func zhang() account.Account {
	return account.Account{
		ID: "AAAAAAAAAAAAAAAAAAAAAA", Kind: account.NaturalPerson, State: account.Active, LoginName: "zhang.login", LoginKey: "zhang.login",
		RealName: verified2(time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC), "rn-20261120-0001", "c-889", "国办统一身份认证核验接口"),
		Profile: account.Profile{
			Name: "张三", Nationality: "CHN", IDType: "cn_resident_id", IDNumber: "11000019900101003X", Phone: "+8618711111111", PhoneVerified: true,
		},
		CreatedAt: at(1795200000), UpdatedAt: at(1795300000),
	}
}

func person() *principal.Held {
	return held(principal.Principal{Account: zhang()}, "", session.ACRSecond, second, consent.OpenID, consent.Profile, consent.Phone, consent.Identity)
}

// demoUnit as the register knows it.
func demoUnit() account.Unit {
	return account.Unit{
		ID: unitID, USCC: uscc, Name: "示例科技有限公司", Type: account.UnitEnterprise, Region: "110108", RegistrationAuthority: "9",
		Status: account.UnitRegistered, State: account.Active, VerifiedAt: at(1795000000), AccountID: "BBBBBBBBBBBBBBBBBBBBBB",
	}
}

// wang is the handler 王五.
func wang() account.Account {
	return account.Account{
		ID: "CCCCCCCCCCCCCCCCCCCCCC", Kind: account.NaturalPerson, State: account.Active, LoginName: "wang.login", LoginKey: "wang.login",
		RealName:  verified2(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), "", "", ""),
		Profile:   account.Profile{Name: "王五", IDType: "cn_resident_id", IDNumber: "110000199001010013", Phone: "+8613800000000", PhoneVerified: true},
		CreatedAt: at(1795200000), UpdatedAt: at(1795300000),
	}
}

// unitSession is case (b): a verified legal account, its handler proved.
func unitSession() *principal.Held {
	u, actor := demoUnit(), wang()
	a := account.Account{
		ID: "BBBBBBBBBBBBBBBBBBBBBB", Kind: account.LegalEntity, State: account.Active, LoginName: uscc, LoginKey: uscc, UnitID: unitID,
		RealName: verified2(time.Date(2026, 11, 18, 7, 30, 0, 0, time.UTC), "rn-20261118-0420", "c-901", ""),
		Profile: account.Profile{
			Name:     "示例科技有限公司",
			LegalRep: &account.Person{Name: "李四", IDType: "cn_resident_id", IDNumber: "440000198512319997"},
			Contact:  &account.Person{Name: "王五", Phone: "+8613800000000", PhoneVerified: true},
		},
		CreatedAt: at(1795200000), UpdatedAt: at(1795300000),
	}
	p := principal.Principal{Account: a, Unit: &u, Grants: []entitlement.Grant{
		grantOf(a.ID, hightech, entitlement.Verification, "report", "apply"),
		grantOf(a.ID, techSME, entitlement.Verification, "apply"),
	}}
	h := held(p, unitID, session.ACRSecond, second, consent.OpenID, consent.Org, consent.Entitlements, consent.Identity, consent.OrgLegalRep, consent.OrgContact)
	h.Actor, h.Grant.Data.Actor = &actor, actor.ID
	return h
}

// grantOf is a live grant for the demo unit.
func grantOf(who account.ID, s entitlement.SystemID, src entitlement.Source, actions ...string) entitlement.Grant {
	return entitlement.Grant{
		ID: "g-" + string(s) + "-" + string(src), Account: who, UnitID: unitID, System: s, Actions: actions, State: entitlement.Active, Source: src,
		From: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
	}
}

// handler is case (c): a natural person with the migrated grants of a unit that
// no register has been asked about yet.
func handler() *principal.Held {
	w, u := wang(), demoUnit()
	u.Region, u.RegistrationAuthority, u.Status, u.VerifiedAt, u.AccountID = "", "", "", time.Time{}, ""
	until := at(1826000000)
	g, other := grantOf(w.ID, hightech, entitlement.TorchMigration, "apply"), grantOf(w.ID, techSME, entitlement.TorchMigration, "apply")
	g.Until, other.Until = until, until
	p := principal.Principal{Account: w, Grants: []entitlement.Grant{g, other}, Mandates: []entitlement.Mandate{{
		ID: "m-1", Account: w.ID, Unit: u, Relation: entitlement.Handler, State: entitlement.Active, Source: entitlement.TorchMigration, From: g.From, Until: until,
	}}}
	return held(p, unitID, session.ACRSecond, second, consent.OpenID, consent.Org, consent.Entitlements, consent.Authority)
}

// newcomer is case (d): an unverified natural person. The scopes ask for more
// than there is.
func newcomer() *principal.Held {
	a := account.Account{
		ID: "DDDDDDDDDDDDDDDDDDDDDD", Kind: account.NaturalPerson, State: account.Active, LoginName: "new.login", LoginKey: "new.login",
		RealName: account.RealName{Status: account.StatusUnverified, Level: "L1"}, Profile: account.Profile{Name: "随便写的"},
		CreatedAt: at(1795200000),
	}
	return held(principal.Principal{Account: a}, "", session.ACRPassword, []string{"pwd"},
		consent.OpenID, consent.Org, consent.Entitlements, consent.Identity, consent.Authority, consent.OrgLegalRep, consent.OrgContact)
}
