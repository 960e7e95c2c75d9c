// Package principal is the read model of sign-in: everything that the
// authorization endpoint, the token endpoint, userinfo and introspection need
// to know about who came, read in one statement. It has no rules; those are in
// the domains it is made of.
package principal

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/session"
	"kejitong/provider/token"
)

// Principal is an account with its units and grants, in whatever state they
// are; callers ask the domains which of them hold.
type Principal struct {
	Account  account.Account
	Unit     *account.Unit // a legal account's own unit
	Mandates []entitlement.Mandate
	Grants   []entitlement.Grant
}

// Visit is a browser at the door: its session, who it is, who acts, and what
// it allowed the asking client to see.
type Visit struct {
	Session   session.Session
	Principal Principal
	Actor     *account.Account
	Consent   consent.Consent
	Factors   Factors
	Entered   []entitlement.Entry // what the account confirmed before it entered systems
	AsksActor bool                // the account's unit wants to know who acts in its sessions
}

// Factors says which second factors the account has enrolled.
type Factors struct{ TOTP, Passkey bool }

// Any tells whether there is one.
func (f Factors) Any() bool { return f.TOTP || f.Passkey }

// Held is a grant with the one it was given to, as they are now.
type Held struct {
	Grant       token.Grant
	Principal   Principal
	Actor       *account.Account
	SessionOver bool // the session it came from has ended or run out
}

// ActsFor gives the unit as p stands to it now: the account's own unit or one
// it holds a live mandate for. false if there is none such.
func (p Principal) ActsFor(unitID string, now time.Time) (entitlement.Mandate, bool) {
	if p.Unit != nil && p.Unit.ID == unitID {
		m := entitlement.Mandate{Account: p.Account.ID, Unit: *p.Unit, Relation: entitlement.Self, State: entitlement.Active, Source: entitlement.Direct}
		return m, m.Live(now)
	}
	for _, m := range p.Mandates {
		if m.Unit.ID == unitID && m.Live(now) {
			return m, true
		}
	}
	return entitlement.Mandate{}, false
}

// Units gives every unit p may act for now, a legal account's own unit first.
func (p Principal) Units(now time.Time) []entitlement.Mandate {
	var out []entitlement.Mandate
	if p.Unit != nil {
		if m, ok := p.ActsFor(p.Unit.ID, now); ok {
			out = append(out, m)
		}
	}
	for _, m := range p.Mandates {
		if m.Live(now) {
			out = append(out, m)
		}
	}
	return out
}

// Reader reads principals, each call in one statement. fault.NotFound where
// there is nothing.
type Reader interface {
	// ByCookie gives the session with the given key, whatever its state, with
	// the consent given to clientID ("" for none).
	ByCookie(ctx context.Context, key, clientID string) (Visit, error)
	// ByGrant gives the grant with the given id and its holder.
	ByGrant(ctx context.Context, grantID string) (Held, error)
	// ByAccount gives an account.
	ByAccount(ctx context.Context, id account.ID) (Principal, error)
}
