// Package consent is what a person allowed a client to see.
package consent

import (
	"context"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// Consent is one account's standing permission for one client. Scopes holds
// what was allowed, sensitive scopes only if they were ticked one by one.
type Consent struct {
	Account account.ID
	Client  string
	Scopes  []string
	GivenAt time.Time
}

// Covers tells whether every scope of asked was decided on, allowed or refused.
func (c Consent) Covers(asked []string) bool {
	for _, s := range asked {
		if !slices.Contains(c.Scopes, s) && !slices.Contains(c.Scopes, Refuse(s)) {
			return false
		}
	}
	return true
}

// Store keeps consents.
type Store interface {
	// GiveConsent inserts or replaces the consent and records ev with it.
	GiveConsent(ctx context.Context, c Consent, ev audit.Event) error
	// WithdrawConsent deletes the consent, ends every token that the client has
	// of the account, owes the client a back-channel logout for each session
	// concerned, and records ev, in one transaction. fault.NotFound if there was
	// neither a consent nor a living token (PIPL art. 15).
	WithdrawConsent(ctx context.Context, who account.ID, client string, now time.Time, ev audit.Event) error
}
