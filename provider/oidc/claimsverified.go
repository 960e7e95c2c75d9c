package oidc

import (
	"time"

	"kejitong/provider/account"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
)

// verified puts verified_claims into c (OpenID Identity Assurance Schema
// Definition 1.0 §5): what the claims parameter asks for this place, or, for
// clients of our own profile and at userinfo alone, what the scopes identity and
// authority bring. Who asks in detail gets that and nothing more (Identity
// Assurance §5.7).
func (r *release) verified(c claims, place string) {
	if raw, asked := r.verifiedRequest(place); asked {
		if v := r.verifiedAsked(raw, place); v != nil {
			c["verified_claims"] = v
		}
		return
	}
	if !r.ours() || place != "userinfo" && !r.alone {
		return
	}
	if v := r.verifiedClaims(func(scope string) bool { return r.has(scope) }); v != nil {
		c["verified_claims"] = claims{"verification": r.verification(), "claims": v}
	}
}

// verifiedClaims are the claims that can be vouched for under the scopes that
// may says yes to. The authority member follows the simple shape of the
// Authority Claims extension draft; it is our own profile of it and no promise of
// conformance to the draft.
func (r *release) verifiedClaims(may func(scope string) bool) claims {
	a := r.who.Account
	if !a.RealName.Verified() {
		return nil
	}
	c := claims{}
	if may(consent.Identity) {
		r.identity(c)
	}
	if may(consent.Authority) {
		if list := r.authority(); len(list) > 0 {
			put(c, "name", a.Profile.Name)
			c["authority"] = list
		}
	}
	if len(c) == 0 {
		return nil
	}
	return c
}

func (r *release) identity(c claims) {
	a := r.who.Account
	if a.Kind == account.NaturalPerson {
		put(c, "name", a.Profile.Name)
		if a.Profile.Nationality != "" {
			c["nationalities"] = []string{a.Profile.Nationality}
		}
		put(c, "id_type", a.Profile.IDType)
		if a.Profile.IDNumber != "" {
			c["id_number_masked"] = account.MaskID(a.Profile.IDNumber)
		}
		return
	}
	if r.who.Unit == nil {
		return
	}
	u := r.who.Unit
	c["organization_name"] = u.Name
	c["registration_number"] = string(u.USCC)
	c["legal_jurisdiction"] = "CN"
	put(c, "organization_status", u.Status)
	c["organization_identifiers"] = []claims{{"identifier_type": "USCC", "identifier": string(u.USCC), "issuer": "GB 32100-2015"}}
}

func (r *release) verification() claims {
	n := r.who.Account.RealName
	v := claims{"trust_framework": r.issuer + "/trust/realname", "assurance_level": n.Level}
	if !n.VerifiedAt.IsZero() {
		v["time"] = n.VerifiedAt.UTC().Format(time.RFC3339)
	}
	put(v, "verification_process", n.ProcessID)
	if n.CheckID == "" {
		return v
	}
	check := claims{"check_method": "data", "check_id": n.CheckID}
	put(check, "organization", n.CheckOrganization)
	record, source := "population_register", "国家人口基础信息库"
	if r.who.Account.Kind == account.LegalEntity {
		record, source = "business_register", "法人基础信息库"
	}
	v["evidence"] = []claims{{
		"type":          "electronic_record",
		"check_details": []claims{check},
		"record":        claims{"type": record, "source": claims{"name": source, "country_code": "CHN"}},
	}}
	return v
}

// authority says by which grants a person acts for the unit.
func (r *release) authority() []claims {
	if r.unit == nil || r.unit.Relation == entitlement.Self {
		return nil
	}
	var out []claims
	for _, g := range r.grants {
		from, until := overlap(g, *r.unit)
		valid := claims{"start": day(from)}
		if !until.IsZero() {
			valid["end"] = day(until.AddDate(0, 0, -1)) // the last whole day: until itself is outside
		}
		by := claims{"method": "delegated"}
		if g.Source == entitlement.TorchMigration {
			by = claims{"method": "migrated", "granting_body": "火炬中心业务办理平台", "reason": "torch_case_4"}
		}
		out = append(out, claims{
			"applies_to": claims{"organization_name": r.unit.Unit.Name, "registration_number": string(r.unit.Unit.USCC), "legal_jurisdiction": "CN"},
			"permission": []claims{{
				"role": string(r.unit.Relation), "function": entitlement.Names([]entitlement.Grant{g}),
				"validity": []claims{valid}, "may_delegate": false,
			}},
			"granted_by": by,
		})
	}
	return out
}

// overlap is when both hold: a grant opens nothing beyond the mandate.
func overlap(g entitlement.Grant, m entitlement.Mandate) (from, until time.Time) {
	from, until = g.From, g.Until
	if m.From.After(from) {
		from = m.From
	}
	if until.IsZero() || !m.Until.IsZero() && m.Until.Before(until) {
		until = m.Until
	}
	return from, until
}

// day is a calendar day of China Standard Time, in which the terms of mandates
// are written.
func day(t time.Time) string { return t.In(china).Format(time.DateOnly) }

var china = time.FixedZone("CST", 8*60*60)
