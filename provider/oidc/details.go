package oidc

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

// errDetails is RFC 9396 §5.
var errDetails = oauthError{"invalid_authorization_details", http.StatusBadRequest, "the authorization_details are malformed, unknown or not open to this client"}

// readDetails reads authorization_details that a client sent, at whatever
// endpoint: of the types that it registered (RFC 9396 §10), about its own
// systems alone.
func readDetails(c *client.Client, text string) ([]entitlement.Detail, error) {
	if !slices.Contains(c.Metadata.AuthorizationDetailsTypes, entitlement.DetailType) {
		return nil, errDetails
	}
	details, err := entitlement.ParseDetails(text)
	if err != nil {
		return nil, errDetails
	}
	if len(entitlement.Of(details, c.Metadata.BusinessSystems)) != len(details) {
		return nil, errDetails
	}
	if _, one := entitlement.Behalf(details); !one {
		return nil, errDetails
	}
	return details, nil
}

// checkDetails: RFC 9396 §3. The unit that the details name is the one that the
// token will be for, as org_hint would say it.
func (a *asked) checkDetails() error {
	text := a.form.Get("authorization_details")
	if text == "" {
		return nil
	}
	var err error
	if a.details, err = readDetails(a.client, text); err != nil {
		return err
	}
	unit, _ := entitlement.Behalf(a.details)
	if unit == "" {
		return nil
	}
	if hint := a.form.Get("org_hint"); hint != "" {
		if said, err := account.ParseUSCC(hint); err != nil || said != unit {
			return errDetails // one request, two units
		}
	}
	a.form.Set("org_hint", string(unit))
	return nil
}

// permitted is what of the details asked for can be granted now: never nil if
// any were asked for.
func (a *asked) permitted(who principal.Principal, unitID string, now time.Time) []entitlement.Detail {
	if a.details == nil {
		return nil
	}
	m := a.client.Metadata
	return entitlement.Permitted(a.details, entitlement.For(who.Grants, unitID, m.BusinessSystems, m.AcceptMigrated, now), usccOf(spokenFor(who, unitID, now)))
}

// spokenFor is the unit that a token may say it is for, nil if none. A unit that
// nobody verified is whatever somebody typed: relying parties key their data on
// its USCC.
func spokenFor(who principal.Principal, unitID string, now time.Time) *entitlement.Mandate {
	if unitID == "" {
		return nil
	}
	m, ok := who.ActsFor(unitID, now)
	if !ok || m.Relation == entitlement.Self && !who.Account.RealName.Verified() {
		return nil
	}
	return &m
}

func usccOf(m *entitlement.Mandate) account.USCC {
	if m == nil {
		return ""
	}
	return m.Unit.USCC
}

// narrowDetails takes authorization_details of a token request: a part of what
// was granted (RFC 9396 §6.1).
func (p *Provider) narrowDetails(u *unit, text string) error {
	if text == "" {
		return nil
	}
	asked, err := readDetails(u.client, text)
	if err != nil {
		return err
	}
	granted, err := storedDetails(u.grant.Data.Details)
	if err != nil {
		return err
	}
	part, ok := entitlement.Within(asked, granted)
	if !ok {
		return errDetails
	}
	u.details, err = json.Marshal(part)
	return err
}

// storedDetails reads what this provider wrote itself; none at all is no error.
func storedDetails(raw json.RawMessage) ([]entitlement.Detail, error) {
	if len(raw) == 0 || string(raw) == "[]" {
		return nil, nil
	}
	return entitlement.ParseDetails(string(raw))
}

// detailsNow is what of a token's details holds at this moment: an action whose
// entitlement ended is gone from it. narrowed is what the token carries itself.
// nil if the grant is not one about details.
func (r *release) detailsNow(narrowed json.RawMessage) []entitlement.Detail {
	raw := r.grant.Data.Details
	if raw == nil {
		return nil
	}
	if narrowed != nil {
		raw = narrowed
	}
	stored, err := storedDetails(raw)
	if err != nil { // written by nobody of ours: it grants nothing
		return []entitlement.Detail{}
	}
	return entitlement.Permitted(stored, r.grants, usccOf(r.unit))
}

// tokenDetails is the authorization_details member of a JWT access token and of
// introspection: what was granted as such, or else, under the scope
// entitlements, the same in these terms. nil if there is nothing to say.
func (r *release) tokenDetails(narrowed json.RawMessage) any {
	if d := r.detailsNow(narrowed); d != nil {
		return d
	}
	if r.ours() && r.has("entitlements") {
		if d := r.authorizationDetails(); len(d) > 0 {
			return d
		}
	}
	return nil
}
