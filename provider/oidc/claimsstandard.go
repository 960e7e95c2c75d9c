package oidc

import (
	"encoding/json"

	"kejitong/provider/client"
	"kejitong/provider/consent"
)

func (r *release) profile(c claims) {
	if r.has(consent.Profile) {
		merge(c, r.profileClaims())
	}
}

// profileClaims holds the name only as a verified one: an unverified account's
// name is whatever somebody typed.
func (r *release) profileClaims() claims {
	a, c := r.who.Account, claims{}
	p := a.Profile
	if a.RealName.Verified() {
		put(c, "name", p.Name)
	}
	if !a.UpdatedAt.IsZero() {
		c["updated_at"] = a.UpdatedAt.Unix()
	}
	if r.client.Metadata.ClaimsProfile == client.Kejitong {
		return c
	}
	put(c, "given_name", p.GivenName)
	put(c, "family_name", p.FamilyName)
	put(c, "middle_name", p.MiddleName)
	put(c, "nickname", p.Nickname)
	put(c, "preferred_username", p.PreferredUsername)
	put(c, "profile", p.ProfileURL)
	put(c, "picture", p.Picture)
	put(c, "website", p.Website)
	put(c, "gender", p.Gender)
	put(c, "birthdate", p.Birthdate)
	put(c, "zoneinfo", p.Zoneinfo)
	put(c, "locale", p.Locale)
	return c
}

func (r *release) email(c claims) {
	if r.has(consent.Email) {
		merge(c, r.emailClaims())
	}
}

func (r *release) emailClaims() claims {
	p, c := r.who.Account.Profile, claims{}
	switch {
	case p.Email != "":
		c["email"], c["email_verified"] = p.Email, p.EmailVerified
	case r.client.Metadata.SubstituteEmail && r.emails.Domain != "":
		c["email"], c["email_verified"] = r.emails.address(subjectOf(r.keys, r.client, r.who.Account.ID)), r.emails.Verified
	}
	return c
}

func (r *release) phone(c claims) {
	if r.has(consent.Phone) {
		merge(c, r.phoneClaims())
	}
}

func (r *release) phoneClaims() claims {
	p, c := r.who.Account.Profile, claims{}
	if p.Phone != "" {
		c["phone_number"], c["phone_number_verified"] = p.Phone, p.PhoneVerified
	}
	return c
}

func (r *release) address(c claims) {
	if r.has(consent.Address) {
		merge(c, r.addressClaims())
	}
}

func (r *release) addressClaims() claims {
	a := r.who.Account.Profile.Address
	if a == nil {
		return nil
	}
	o := claims{}
	put(o, "formatted", a.Formatted)
	put(o, "street_address", a.StreetAddress)
	put(o, "locality", a.Locality)
	put(o, "region", a.Region)
	put(o, "postal_code", a.PostalCode)
	put(o, "country", a.Country)
	if len(o) == 0 {
		return nil
	}
	return claims{"address": o}
}

// requested adds what the claims request parameter named one by one for this
// place (OpenID Connect Core §5.5), as far as the client may have the scope
// that covers it. The mobile number never enters an ID token that way (C28).
func (r *release) requested(c claims, place string) {
	for name := range claimsRequest(r.grant.Data.Claims)[place] {
		scope, ok := consent.Covering(name)
		if !ok || !r.has(claimScope(scope)) || (place == "id_token" && scope == consent.Phone && !r.alone) {
			continue
		}
		var from claims
		switch scope {
		case consent.Profile:
			from = r.profileClaims()
		case consent.Email:
			from = r.emailClaims()
		case consent.Phone:
			from = r.phoneClaims()
		case consent.Address:
			from = r.addressClaims()
		}
		if v, ok := from[name]; ok {
			c[name] = v
		}
	}
}

// claimScope is how a grant records that single claims of a scope were allowed
// without the scope itself.
func claimScope(scope string) string { return claimMark + scope }

const claimMark = "claim:"

// wanted is one member of the claims parameter; nil stands for JSON null.
type wanted struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// allows tells whether v is the value asked for, or one of those (OpenID Connect
// Core §5.5.1); any is, if none was named.
func (w *wanted) allows(v string) bool {
	if len(w.Value) == 0 && len(w.Values) == 0 {
		return true
	}
	for _, raw := range append([]json.RawMessage{w.Value}, w.Values...) {
		var s string
		if len(raw) > 0 && json.Unmarshal(raw, &s) == nil && s == v {
			return true
		}
	}
	return false
}

// claimsRequest reads the claims parameter; what does not parse asks nothing.
func claimsRequest(raw json.RawMessage) map[string]map[string]*wanted {
	if len(raw) == 0 {
		return nil
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(raw, &top) != nil {
		return nil
	}
	out := map[string]map[string]*wanted{}
	for _, place := range []string{"id_token", "userinfo"} {
		var members map[string]json.RawMessage
		if json.Unmarshal(top[place], &members) != nil {
			continue
		}
		out[place] = map[string]*wanted{}
		for name, v := range members {
			w := &wanted{}
			if json.Unmarshal(v, w) != nil {
				w = nil // a form this provider does not know is ignored (§5.5.1)
			}
			out[place][name] = w
		}
	}
	return out
}

func merge(c, more claims) {
	for k, v := range more {
		c[k] = v
	}
}
