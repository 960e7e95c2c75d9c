package entitlement

import (
	"time"

	"kejitong/provider/account"
)

// Change is a line of the history of a mandate or grant: what it was, what it
// became, who did it and why. Identifiers and codes only.
type Change struct {
	At      time.Time
	Kind    string // "mandate" or "grant"
	ID      string // of the mandate or grant
	Account account.ID
	UnitID  string
	What    string   // the relation, or the system
	Actions []string // of a grant
	From    State    // "" when it was made
	To      State
	Source  Source
	Until   time.Time
	Actor   string
	Reason  string
}
