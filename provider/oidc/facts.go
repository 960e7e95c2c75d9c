package oidc

import (
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
)

// facts reads what Decide needs and which unit a token would speak for. v is nil
// if nobody is signed in, pd if the request is not parked.
func (p *Provider) facts(a *asked, v *principal.Visit, pd *parked) (authflow.Facts, string) {
	f := authflow.Facts{
		// Initiating User Registration 1.0 §1: whoever is to register is not who is
		// signed in. There is no page to register on yet, so the sign-in page is shown.
		PromptLogin: a.asks("login") || a.asks("create"), PromptSelect: a.asks("select_account"), PromptConsent: a.asks("consent"),
		Gated: gated(a.client), ACRReached: true,
	}
	if v == nil {
		return f, ""
	}
	now := p.Now()
	f.SignedIn = true
	if pd != nil {
		f.FreshHere = pd.Session == v.Session.ID && !pd.SignedInAt.IsZero()
		f.SelectedHere = pd.Selected && pd.Session == v.Session.ID
		f.ConsentedHere = pd.Consented && pd.Session == v.Session.ID
	}
	f.SandboxOnly, f.TestAccount = worlds(a.client, v.Principal.Account)
	f.TooOld = a.maxAge != nil && now.Unix()-v.Session.AuthTime.Unix() >= *a.maxAge
	if f.TooOld && f.FreshHere { // a sign-in here excuses max_age, but not for as long as the pages stay open
		f.FreshHere = now.Sub(pd.SignedInAt) < max(freshFor, time.Duration(min(*a.maxAge, 3600))*time.Second)
	}
	f.HintMismatch = !p.hintFits(a, v.Principal.Account.ID)
	f.ACRReached = a.acrReached(v.Session.ACR)
	if !f.ACRReached {
		f.ACRWithin, f.ACRByKey = p.acrWithin(a, v)
	}
	admitted(&f, a.client, v.Principal.Account)

	unitID := p.unitFor(a, v, pd, &f)
	if _, acts := v.Principal.ActsFor(unitID, now); unitID != "" && !acts {
		f.UnitRefused = true // frozen or gone from its register: no token could speak for it
	}
	f.Entitled = entitled(a.client, v.Principal, unitID, now)
	if a.details != nil {
		f.Entitled = f.Entitled && len(a.permitted(v.Principal, unitID, now)) > 0
	}
	f.Unconfirmed = len(principal.Unconfirmed(a.client, v.Principal, v.Entered, unitID, now)) > 0
	f.ActorNeeded = v.AsksActor && v.Actor == nil
	f.ConsentNeeded = !asksFreely(a.client)
	f.ConsentCovered = a.client.Reviewed && !v.Consent.GivenAt.IsZero() && v.Consent.Covers(a.consentScopes()) && a.details == nil // details are asked about each time
	return f, unitID
}

// worlds: test accounts sign in at the sandbox that they were made for and nowhere
// else, and nobody else signs in there.
func worlds(c *client.Client, a account.Account) (sandboxOnly, testAccount bool) {
	return c.Sandbox != "" && a.Sandbox != c.Sandbox, c.Sandbox == "" && a.Sandbox != ""
}

// asksFreely: the platform's own clients need no consent of their own. What
// nobody reviewed is never such a client, whatever it says of itself, and is
// asked about each time (RFC 6819 §5.2.4.1).
func asksFreely(c *client.Client) bool { return c.Metadata.FirstParty && c.Reviewed }

// freshFor is how long a sign-in inside an interaction counts as just done.
const freshFor = 2 * time.Minute

// hintFits: an id_token_hint, or a sub value in the claims parameter, names the
// only user that will do (OpenID Connect Core §3.1.2.1, §5.5.1).
func (p *Provider) hintFits(a *asked, id account.ID) bool {
	sub := subjectOf(p.Keys.Snapshot(), a.client, id)
	if a.hint != nil && a.hint.Subject != sub {
		return false
	}
	asked := claimsRequest(a.claims)
	for _, place := range []string{"id_token", "userinfo"} {
		if w := asked[place]["sub"]; w != nil && !w.allows(sub) {
			return false
		}
	}
	return true
}

// gated tells whether the real-name and entitlement gate concerns the client at
// all: only those with business systems or required levels.
func gated(c *client.Client) bool {
	m := c.Metadata
	return len(m.BusinessSystems) > 0 || m.RequiredLevel != "" || len(m.RequiredAccountTypes) > 0
}

// admitted sets what the gate asks of the account (R40).
func admitted(f *authflow.Facts, c *client.Client, a account.Account) {
	m := c.Metadata
	f.KindAllowed = len(m.RequiredAccountTypes) == 0 || slices.Contains(m.RequiredAccountTypes, a.Kind)
	f.Verified = m.AllowUnverified || a.RealName.Verified()
	f.LevelReached = m.AllowUnverified || a.RealName.AtLeast(m.Level())
}

// entitled tells whether the account may enter one of the client's systems for
// the unit. Without business systems there is nothing to be entitled to.
func entitled(c *client.Client, who principal.Principal, unitID string, now time.Time) bool {
	m := c.Metadata
	if len(m.BusinessSystems) == 0 || m.AllowUnverified {
		return true
	}
	return len(entitlement.For(who.Grants, unitID, m.BusinessSystems, m.AcceptMigrated, now)) > 0
}

// unitFor says for which unit a token would speak, and sets what Decide must
// know about it. A unit chosen under another session does not count.
func (p *Provider) unitFor(a *asked, v *principal.Visit, pd *parked, f *authflow.Facts) string {
	if v.Principal.Account.Kind == account.NaturalPerson && !speaksForUnits(a) {
		return ""
	}
	chosen := ""
	if pd != nil && (pd.Session == "" || pd.Session == v.Session.ID) {
		chosen = pd.Unit
	}
	s := principal.StandFor(a.client, v.Principal, a.form.Get("org_hint"), chosen, p.Now())
	f.UnitNeeded, f.UnitRefused = s.Needed, s.Refused
	return s.Unit
}

// speaksForUnits tells whether the request concerns units at all.
func speaksForUnits(a *asked) bool {
	return len(a.client.Metadata.BusinessSystems) > 0 || slices.ContainsFunc(a.scopes, func(s string) bool {
		return s == consent.Org || s == consent.Entitlements || s == consent.Authority || s == consent.Groups
	})
}

// consentScopes are the scopes that the user is asked about.
func (a *asked) consentScopes() []string {
	return consent.Asked(a.scopes, a.client.Metadata.Scope, string(a.claims))
}
