package holder

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// Disclosure is what one system was told about an account and what it was allowed.
type Disclosure struct {
	Client  string
	Allowed []string  // scopes of a consent that stands, empty if there is none
	GivenAt time.Time // of the consent
	Told    []string  // scopes that were released, each once
	Times   int
	Last    time.Time
}

// SignIn is one remembered sign-in.
type SignIn struct {
	At        time.Time `json:"at"`
	IP        string    `json:"ip"`
	UserAgent string    `json:"user_agent"`
}

// Record is everything that is stored about the holder of an account besides the
// account itself.
type Record struct {
	Account     account.Account
	Disclosures []Disclosure
	SignIns     []SignIn
}

// Archive reads what is stored about an account.
type Archive interface {
	Record(ctx context.Context, ev audit.Event) error
	// HeldAccount: see Store.
	HeldAccount(ctx context.Context, id account.ID) (account.Account, error)
	// Disclosures gives what each system was told or allowed, by client id.
	Disclosures(ctx context.Context, id account.ID) ([]Disclosure, error)
	// SignIns gives the sessions that are remembered, the newest first.
	SignIns(ctx context.Context, id account.ID, limit int) ([]SignIn, error)
	// WithdrawConsent: see consent.Store; it ends the client's tokens.
	WithdrawConsent(ctx context.Context, who account.ID, clientID string, now time.Time, ev audit.Event) error
}

// Privacy is the holder's right to see, take away and withdraw (PIPL 44 to 47).
type Privacy struct {
	Archive Archive
	Now     func() time.Time
}

// View gives what each system was told.
func (p *Privacy) View(ctx context.Context, id account.ID) ([]Disclosure, error) {
	return p.Archive.Disclosures(ctx, id)
}

// Export gives everything, in the clear, and says so in the trail: the holder
// asked for a copy of what is his (PIPL 45).
func (p *Privacy) Export(ctx context.Context, id account.ID) (Record, error) {
	var r Record
	var err error
	if r.Account, err = p.Archive.HeldAccount(ctx, id); err != nil {
		return r, err
	}
	if r.Disclosures, err = p.Archive.Disclosures(ctx, id); err != nil {
		return r, err
	}
	if r.SignIns, err = p.Archive.SignIns(ctx, id, 500); err != nil {
		return r, err
	}
	return r, p.Archive.Record(ctx, audit.From(ctx, audit.Event{Kind: audit.AccountExported, Actor: string(id), Object: string(id)}))
}

// Withdraw takes back what a client was allowed; its tokens are worth nothing from
// the next use on (S90). That there is nothing to take back is no fault.
func (p *Privacy) Withdraw(ctx context.Context, id account.ID, client string) error {
	ev := audit.From(ctx, audit.Event{Kind: audit.ConsentWithdrawn, Actor: string(id), Object: string(id), Client: client})
	if err := p.Archive.WithdrawConsent(ctx, id, client, p.Now(), ev); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}
