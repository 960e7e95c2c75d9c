package oidc

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

// rich is g's holder with every attribute there is, each with a value that is
// found again in text.
func rich(g *principal.Held) *principal.Held {
	p := &g.Principal.Account.Profile
	if p.Name == "" {
		p.Name = "some-name"
	}
	p.IDType, p.IDNumber, p.Nationality = "cn_resident_id", "11010519491231002X", "CHN"
	p.Phone, p.PhoneVerified, p.Email, p.EmailVerified = "+8613912345678", true, "someone@mail.example", true
	p.GivenName, p.FamilyName, p.PreferredUsername, p.Nickname = "given", "family", "preferred", "nick"
	p.Address = &account.Address{Formatted: "somewhere", Country: "CN"}
	p.LegalRep = &account.Person{Name: "rep", IDType: "cn_resident_id", IDNumber: "440524188001010014", Phone: "+8613911112222"}
	p.Contact = &account.Person{Name: "contact", IDType: "cn_resident_id", IDNumber: "110000199001010013", Phone: "+8613933334444"}
	return g
}

// everyScope lists the scopes that change what is released.
var everyScope = []string{
	consent.OpenID, consent.Profile, consent.Email, consent.Address, consent.Phone, consent.Org, consent.Entitlements, consent.Groups,
	consent.Identity, consent.OrgLegalRep, consent.OrgContact, consent.Authority,
}

// Minimisation (C28): with an access token on its way, no scope, no claims
// request and no registration brings a mobile number, a document number (masked
// or not) or a login name into the ID token.
func TestIDTokenNeverHoldsNumbers(t *testing.T) {
	h := newHouse(t)
	full := hightechClient()
	full.Metadata.FullIDToken = true
	standard := standardClient()
	standard.Metadata.FullIDToken = true
	ask := json.RawMessage(`{"id_token":{"phone_number":{"essential":true},"phone_number_verified":null,"email":null,"name":null,"id_number":{"essential":true}}}`)
	seen := map[string]bool{} // what the same grants give at userinfo: proof that there is something to find
	forbidden := []string{"phone", "id_number", "440524", "110105", "110000199", "440***", "110***", ".login", "1391", "1393"}
	for _, g := range []*principal.Held{rich(person()), rich(unitSession()), rich(handler())} {
		g.Grant.Data.Claims = ask
		for _, c := range []*client.Client{hightechClient(), full, standard} {
			for set := range 1 << len(everyScope) {
				scopes := []string{claimScope(consent.Phone), claimScope(consent.Profile), claimScope(consent.Email)}
				for i, s := range everyScope {
					if set&(1<<i) != 0 {
						scopes = append(scopes, s)
					}
				}
				g.Grant.Data.Scopes = scopes
				r := h.newRelease(c, g, scopes)
				b, err := json.Marshal(r.idToken())
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range forbidden {
					if strings.Contains(string(b), f) {
						t.Fatalf("%s with %v: the ID token holds %q: %s", c.ID, scopes, f, b)
					}
				}
				if set == 1<<len(everyScope)-1 {
					b, err = json.Marshal(r.userinfo())
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range forbidden {
						seen[f] = seen[f] || strings.Contains(string(b), f)
					}
				}
			}
		}
	}
	for _, f := range []string{"phone", "id_number", "440***", "110***", "1391", "1393"} {
		if !seen[f] {
			t.Errorf("userinfo of the same grants never held %q: this test proves nothing about it", f)
		}
	}
	for _, f := range []string{"440524", "110105", "110000199", ".login"} { // whole document numbers and login names go nowhere
		if seen[f] {
			t.Errorf("userinfo holds %q", f)
		}
	}
}

// The ID token stays small enough for cookies and headers (400 to 620 bytes of
// claims in the cases of the profile).
func TestIDTokenIsLean(t *testing.T) {
	h := newHouse(t)
	lean := []string{
		"iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "azp", "sid", "acr", "amr", "at_hash",
		"account_type", "realname", "org", "act", "entitlements",
	}
	for _, g := range []*principal.Held{person(), unitSession(), handler(), newcomer()} {
		g.Grant.Data.Scopes = slices.DeleteFunc(slices.Clone(everyScope), func(s string) bool { return s == consent.Groups })
		id, _ := h.released(hightechClient(), rich(g))
		for name := range id {
			if !slices.Contains(lean, name) {
				t.Errorf("%s: the ID token holds %s", g.Principal.Account.ID, name)
			}
		}
		if org, ok := id["org"].(map[string]any); ok && !reflect.DeepEqual(slices.Sorted(maps.Keys(org)), []string{"name", "relation", "type", "uscc"}) {
			t.Errorf("org in the ID token: %v", org)
		}
	}
}

// Settlement of the profiles: bare openid gives a standard client the subject
// and nothing of ours, and no other scope gives it our own claims.
func TestStandardProfile(t *testing.T) {
	h := newHouse(t)
	protocol := []string{"iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "azp", "acr", "amr"}
	ours := []string{"account_type", "realname", "org", "act", "entitlements", "verified_claims", "org_legal_representative", "org_contact"}
	for _, g := range []*principal.Held{rich(person()), rich(unitSession()), rich(handler()), rich(newcomer())} {
		g.Grant.Data.Scopes = []string{consent.OpenID}
		id, ui := h.released(standardClient(), g)
		for name := range id {
			if !slices.Contains(protocol, name) {
				t.Errorf("the ID token on bare openid holds %s", name)
			}
		}
		if len(ui) != 1 || ui["sub"] == nil { // OpenID Connect Core §5.3.2: sub always
			t.Errorf("userinfo on bare openid: %s", pretty(ui))
		}
		g.Grant.Data.Scopes = everyScope
		id, ui = h.released(standardClient(), g)
		for _, name := range ours {
			if id[name] != nil || ui[name] != nil {
				t.Errorf("a standard client gets %s", name)
			}
		}
	}
}

func TestEntitlements(t *testing.T) {
	h := newHouse(t)
	now := h.Now()
	base := grantOf(wang().ID, hightech, entitlement.Delegated, "apply")
	change := func(f func(*entitlement.Grant)) entitlement.Grant { g := base; f(&g); return g }
	migrated := change(func(g *entitlement.Grant) { g.Source = entitlement.TorchMigration })
	for _, c := range []struct {
		name   string
		grants []entitlement.Grant
		client func(*client.Metadata)
		want   []any
	}{
		{"another system's", []entitlement.Grant{change(func(g *entitlement.Grant) { g.System = techSME })}, nil, []any{}},
		{"another unit's", []entitlement.Grant{change(func(g *entitlement.Grant) { g.UnitID = "unit-2" })}, nil, []any{}},
		{"the person's own, not the unit's", []entitlement.Grant{change(func(g *entitlement.Grant) { g.UnitID = "" })}, nil, []any{}},
		{"pending", []entitlement.Grant{change(func(g *entitlement.Grant) { g.State = entitlement.Pending })}, nil, []any{}},
		{"suspended", []entitlement.Grant{change(func(g *entitlement.Grant) { g.State = entitlement.Suspended })}, nil, []any{}},
		{"revoked", []entitlement.Grant{change(func(g *entitlement.Grant) { g.State = entitlement.Revoked })}, nil, []any{}},
		{"expired", []entitlement.Grant{change(func(g *entitlement.Grant) { g.State = entitlement.Expired })}, nil, []any{}},
		{"run out this second", []entitlement.Grant{change(func(g *entitlement.Grant) { g.Until = now })}, nil, []any{}},
		{"not begun", []entitlement.Grant{change(func(g *entitlement.Grant) { g.From = now.Add(time.Second) })}, nil, []any{}},
		{"migrated, and the client refuses those", []entitlement.Grant{migrated}, func(m *client.Metadata) { m.AcceptMigrated = false }, []any{}},
		{"none at all", nil, nil, []any{}},
		{"a client without systems", []entitlement.Grant{base}, func(m *client.Metadata) { m.BusinessSystems = nil }, []any{}},
		{"migrated, and the client takes them", []entitlement.Grant{migrated}, nil, []any{"hightech_enterprise:apply"}},
		{"active, twice, unordered", []entitlement.Grant{change(func(g *entitlement.Grant) { g.Actions = []string{"report", "apply"} }), base}, nil,
			[]any{"hightech_enterprise:apply", "hightech_enterprise:report"}},
		{"of both systems, for a client that owns both", []entitlement.Grant{base, change(func(g *entitlement.Grant) { g.System = techSME })},
			func(m *client.Metadata) { m.BusinessSystems = []entitlement.SystemID{techSME, hightech} }, []any{"hightech_enterprise:apply", "tech_sme:apply"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, rp := handler(), hightechClient()
			g.Principal.Grants = c.grants
			if c.client != nil {
				c.client(&rp.Metadata)
			}
			id, ui := h.released(rp, g)
			if !reflect.DeepEqual(id["entitlements"], any(c.want)) || !reflect.DeepEqual(ui["entitlements"], any(c.want)) {
				t.Errorf("entitlements: ID token %v, userinfo %v, want %v", id["entitlements"], ui["entitlements"], c.want)
			}
		})
	}
	t.Run("without the scope there is no member at all", func(t *testing.T) {
		g := handler()
		g.Grant.Data.Scopes = []string{consent.OpenID, consent.Org}
		if id, ui := h.released(hightechClient(), g); id["entitlements"] != nil || ui["entitlements"] != nil {
			t.Errorf("entitlements unasked: %v %v", id["entitlements"], ui["entitlements"])
		}
	})
}

// Scope groups: active entitlements and relation:<relation>, always an array of
// strings, in the ID token too (some relying parties never call userinfo).
func TestGroups(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		name string
		g    *principal.Held
		want []any
	}{
		{"nobody's handler", newcomer(), []any{}},
		{"handler", handler(), []any{"hightech_enterprise:apply", "relation:handler"}},
		{"unit", unitSession(), []any{"hightech_enterprise:apply", "hightech_enterprise:report", "relation:self"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if id, ui := h.released(hightechClient(), c.g); id["groups"] != nil || ui["groups"] != nil {
				t.Error("groups unasked")
			}
			c.g.Grant.Data.Scopes = []string{consent.OpenID, consent.Groups}
			id, ui := h.released(hightechClient(), c.g)
			if !reflect.DeepEqual(id["groups"], any(c.want)) || !reflect.DeepEqual(ui["groups"], any(c.want)) {
				t.Errorf("groups: ID token %v, userinfo %v, want %v", id["groups"], ui["groups"], c.want)
			}
		})
	}
}

// act says who acts in a unit's own session (RFC 8693 §4.1), never more than
// the session proved.
func TestActor(t *testing.T) {
	h := newHouse(t)
	rp, other := hightechClient(), hightechClient()
	other.ID, other.Metadata.RedirectURIs = "other", []string{"https://other.example.cn/cb"}
	t.Run("a unit's session without a handler", func(t *testing.T) {
		g := unitSession()
		g.Actor = nil
		if id, ui := h.released(rp, g); id["act"] != nil || ui["act"] != nil {
			t.Errorf("act: %v %v", id["act"], ui["act"])
		}
	})
	t.Run("a person is no unit", func(t *testing.T) {
		g, a := handler(), zhang()
		g.Actor = &a
		if id, ui := h.released(rp, g); id["act"] != nil || ui["act"] != nil {
			t.Errorf("act: %v %v", id["act"], ui["act"])
		}
	})
	t.Run("an unverified handler has no name", func(t *testing.T) {
		g := unitSession()
		g.Actor.RealName.Status = account.StatusPending
		if _, ui := h.released(rp, g); ui["act"].(map[string]any)["name"] != nil {
			t.Errorf("act: %v", ui["act"])
		}
	})
	t.Run("pairwise for each client, the handler's own sub there", func(t *testing.T) {
		id1, _ := h.released(rp, unitSession())
		id2, _ := h.released(other, unitSession())
		own, _ := h.released(rp, handler())
		sub1, sub2 := id1["act"].(map[string]any)["sub"], id2["act"].(map[string]any)["sub"]
		if sub1 == sub2 {
			t.Error("two clients see the same handler")
		}
		if sub1 != own["sub"] {
			t.Error("the handler's own account has another sub at the same client")
		}
	})
}
