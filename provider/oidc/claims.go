package oidc

import (
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/keys"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// claims is a set of claims on its way into a token or an answer.
type claims map[string]any

// release is one decision about what a client learns: which grant, of whom,
// for which unit, as things stand now. The ID token, userinfo, introspection
// and JWT access tokens are all cut from it, so that they cannot disagree.
type release struct {
	issuer string
	keys   *keys.Snapshot
	emails SubstituteEmails
	client *client.Client
	grant  *token.Grant
	scopes []string // of the token at hand, a subset of the grant's
	who    principal.Principal
	actor  *account.Account
	unit   *entitlement.Mandate // the unit the grant speaks for, if it still does
	grants []entitlement.Grant  // active, of the asking client's systems only, for that unit
	now    time.Time
	alone  bool // no access token is issued, so there is no userinfo to read the rest from
}

// newRelease reads what holds now from h for client c.
func (p *Provider) newRelease(c *client.Client, h *principal.Held, scopes []string) *release {
	now := p.Now()
	r := &release{
		issuer: p.Issuer, keys: p.Keys.Snapshot(), emails: p.Emails, client: c, grant: &h.Grant, scopes: scopes,
		who: h.Principal, now: now,
	}
	if h.Actor != nil && h.Actor.State == account.Active {
		r.actor = h.Actor
	}
	r.unit = spokenFor(h.Principal, h.Grant.UnitID, now)
	if r.unit != nil && r.unit.Relation == entitlement.Self && !h.Principal.Account.RealName.Verified() {
		r.unit = nil // whoever registered it has not shown to be that unit yet
	}
	r.grants = entitlement.For(h.Principal.Grants, h.Grant.UnitID, c.Metadata.BusinessSystems, c.Metadata.AcceptMigrated, now)
	return r
}

func (r *release) has(scope string) bool { return slices.Contains(r.scopes, scope) }

func (r *release) ours() bool { return r.client.Metadata.ClaimsProfile == client.Kejitong }

// idToken is what stands in the ID token beside the protocol's own members:
// who, for which unit, with which grants. No mobile number, document number or
// login name is ever among it when an access token is issued as well (C28).
func (r *release) idToken() claims {
	if r.alone {
		// OpenID Connect Core §5.4: without an access token the claims of the scopes
		// stand in the ID token.
		c := r.userinfo()
		r.requested(c, "id_token")
		r.verified(c, "id_token")
		return c
	}
	c := r.base()
	if r.client.Metadata.FullIDToken {
		r.profile(c)
		r.email(c)
	}
	r.groups(c)
	r.requested(c, "id_token")
	r.verified(c, "id_token")
	return c
}

// userinfo is the UserInfo response (OpenID Connect Core §5.3).
func (r *release) userinfo() claims {
	c := r.base()
	r.profile(c)
	r.email(c)
	r.phone(c)
	r.address(c)
	r.groups(c)
	r.requested(c, "userinfo")
	if !r.alone {
		r.verified(c, "userinfo")
	}
	if !r.ours() {
		return c
	}
	if u := r.org(true); u != nil {
		c["org"] = u
	}
	if r.actor != nil && c["act"] != nil && r.actor.RealName.Verified() && r.actor.Profile.Name != "" {
		c["act"] = claims{"sub": subjectOf(r.keys, r.client, r.actor.ID), "name": r.actor.Profile.Name}
	}
	r.legalRep(c)
	r.contact(c)
	return c
}

// base is what the ID token and userinfo share.
func (r *release) base() claims {
	c := claims{"sub": subjectOf(r.keys, r.client, r.who.Account.ID)}
	if !r.ours() {
		return c
	}
	c["account_type"] = string(r.who.Account.Kind)
	c["realname"] = realNameClaim(r.who.Account.RealName)
	if u := r.org(false); u != nil {
		c["org"] = u
	}
	if r.has(consent.Entitlements) {
		c["entitlements"] = entitlement.Names(r.grants)
	}
	if r.actor != nil && r.who.Account.Kind == account.LegalEntity {
		// The one who acts in a unit's own session (RFC 8693 §4.1).
		c["act"] = claims{"sub": subjectOf(r.keys, r.client, r.actor.ID)}
	}
	return c
}

func realNameClaim(n account.RealName) claims {
	c := claims{"status": n.Status, "level": n.Level}
	if n.Verified() && n.Method != "" {
		c["method"] = n.Method
	}
	return c
}

// org is the unit; in full it carries what the register says and, for grants
// of the Torch migration, where they came from and when they end.
func (r *release) org(full bool) claims {
	if !r.has(consent.Org) || r.unit == nil {
		return nil
	}
	u := r.unit.Unit
	c := claims{"uscc": string(u.USCC), "name": u.Name, "type": u.Type, "relation": string(r.unit.Relation)}
	if !full {
		return c
	}
	put(c, "region", u.Region)
	put(c, "registration_authority", u.RegistrationAuthority)
	if !u.VerifiedAt.IsZero() {
		c["status"] = u.Status
		c["verified_at"] = u.VerifiedAt.Unix()
	}
	for _, g := range r.grants {
		if g.Source == entitlement.TorchMigration {
			c["grant_source"] = string(g.Source)
			if !g.Until.IsZero() {
				c["grant_expires_at"] = g.Until.Unix()
			}
			break
		}
	}
	return c
}

// groups serves clients that know roles only as strings.
func (r *release) groups(c claims) {
	if !r.has(consent.Groups) {
		return
	}
	g := entitlement.Names(r.grants)
	if r.unit != nil {
		g = append(g, "relation:"+string(r.unit.Relation))
	}
	c["groups"] = g
}

func (r *release) legalRep(c claims) {
	p := r.who.Account.Profile.LegalRep
	if !r.has(consent.OrgLegalRep) || p == nil || !r.who.Account.RealName.Verified() {
		return
	}
	o := claims{}
	put(o, "name", p.Name)
	put(o, "id_type", p.IDType)
	put(o, "id_number_masked", account.MaskID(p.IDNumber))
	c["org_legal_representative"] = o
}

func (r *release) contact(c claims) {
	p := r.who.Account.Profile.Contact
	if !r.has(consent.OrgContact) || p == nil || !r.who.Account.RealName.Verified() {
		return
	}
	o := claims{}
	put(o, "name", p.Name)
	if p.Phone != "" {
		o["phone_number"], o["phone_number_verified"] = p.Phone, p.PhoneVerified
	}
	c["org_contact"] = o
}

// put sets a string member only if there is something to say: an empty claim is
// worse than none (OpenID Connect Core §5.3.2).
func put(c claims, name, value string) {
	if value != "" {
		c[name] = value
	}
}
