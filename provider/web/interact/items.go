package interact

import (
	"net/http"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// opaque stands for an identifier that means nothing to its owner.
const opaque = "••••••"

// items are what a scope would release to the client, each with its value as
// far as it may be shown: enough to recognise, not enough to copy (C29).
func (h *Handler) items(r *http.Request, s *step, unit *entitlement.Mandate, scope string) []templates.Item {
	who, m := s.visit.Principal, s.client.Metadata
	a, p := who.Account, who.Account.Profile
	ours := m.ClaimsProfile == client.Kejitong
	item := func(claim string, parts ...string) templates.Item {
		return templates.Item{Claim: claim, Value: joined(parts...), Scope: scope}
	}
	switch scope {
	case consent.OpenID:
		out := []templates.Item{item("sub", opaque)}
		if ours {
			out = append(out, item("account_type", h.say(r, "account_type", string(a.Kind))), item("realname", h.say(r, "level", a.RealName.Level)))
		}
		return out
	case consent.Profile:
		name := ""
		if a.RealName.Verified() {
			name = visitor.Name(who)
		}
		out := []templates.Item{item("name", name)}
		if more := personal(p); !ours && more != "" {
			out = append(out, item("profile", more))
		}
		return out
	case consent.Email:
		if p.Email == "" {
			return []templates.Item{item("email")}
		}
		return []templates.Item{item("email", account.MaskEmail(p.Email))}
	case consent.Phone:
		return []templates.Item{item("phone_number", maskPhone(p.Phone))}
	case consent.Address:
		if p.Address == nil {
			return []templates.Item{item("address")}
		}
		return []templates.Item{item("address", p.Address.Country, p.Address.Region, p.Address.Locality, "***")}
	case consent.Org:
		if unit == nil {
			return []templates.Item{item("org")}
		}
		return []templates.Item{item("org", unit.Unit.Name, string(unit.Unit.USCC))}
	case consent.Entitlements, consent.Groups:
		return []templates.Item{item(scope, h.entitled(s, unit)...)}
	case consent.Authority:
		if unit == nil {
			return []templates.Item{item("authority")}
		}
		return []templates.Item{item("authority", unit.Unit.Name, h.say(r, "relation", string(unit.Relation)))}
	case consent.Identity:
		if a.Kind == account.LegalEntity && who.Unit != nil {
			return []templates.Item{item("identity", who.Unit.Name, string(who.Unit.USCC))}
		}
		return []templates.Item{item("identity", account.MaskName(p.Name), maskID(p.IDNumber))}
	case consent.OrgLegalRep:
		if p.LegalRep == nil {
			return []templates.Item{item("org_legal_representative")}
		}
		return []templates.Item{item("org_legal_representative", account.MaskName(p.LegalRep.Name), maskID(p.LegalRep.IDNumber))}
	case consent.OrgContact:
		if p.Contact == nil {
			return []templates.Item{item("org_contact")}
		}
		return []templates.Item{item("org_contact", account.MaskName(p.Contact.Name), maskPhone(p.Contact.Phone))}
	}
	return nil // offline_access is a sentence of its own
}

// entitled are the entitlements that the client would see.
func (h *Handler) entitled(s *step, unit *entitlement.Mandate) []string {
	id := ""
	if unit != nil {
		id = unit.Unit.ID
	}
	m := s.client.Metadata
	return entitlement.Names(entitlement.For(s.visit.Principal.Grants, id, m.BusinessSystems, m.AcceptMigrated, h.Now()))
}

// details are the actions that the request names one by one (RFC 9396), as far
// as they can be granted: one item for each system.
func (h *Handler) details(r *http.Request, s *step, unit *entitlement.Mandate) ([]templates.Item, error) {
	asked, err := entitlement.ParseDetails(s.form.Get("authorization_details"))
	if err != nil { // there are none: the authorization endpoint lets no others through
		return nil, nil
	}
	names, err := h.systemNames(r)
	if err != nil {
		return nil, err
	}
	id := ""
	if unit != nil {
		id = unit.Unit.ID
	}
	m := s.client.Metadata
	var out []templates.Item
	for _, d := range entitlement.Permitted(asked, entitlement.For(s.visit.Principal.Grants, id, m.BusinessSystems, m.AcceptMigrated, h.Now()), "") {
		name := names[d.System]
		if name == "" {
			name = string(d.System)
		}
		out = append(out, templates.Item{Claim: "authorization_details", Value: joined(append([]string{name + ":"}, d.Actions...)...)})
	}
	return out, nil
}

// personal shows which further standard attributes there are.
func personal(p account.Profile) string {
	birth := p.Birthdate
	if len(birth) > 4 {
		birth = birth[:4] + "-**-**"
	}
	return joined(account.MaskName(p.Nickname), account.MaskName(p.PreferredUsername), p.Gender, birth, p.Website, p.ProfileURL, p.Zoneinfo, p.Locale)
}

func maskPhone(number string) string {
	if number == "" {
		return ""
	}
	return account.MaskMobile(number)
}

func maskID(number string) string {
	if number == "" {
		return ""
	}
	return account.MaskID(number)
}

// joined leaves out what is empty.
func joined(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " ")
}
