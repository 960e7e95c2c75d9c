package store

import (
	"context"
	"fmt"

	"kejitong/provider/audit"
	"kejitong/provider/consent"
)

var _ consent.Store = (*DB)(nil)

const giveConsent = `
INSERT INTO consents (account_id, client_id, scopes, given_at) VALUES (?, ?, ?, ?)
ON CONFLICT (account_id, client_id) DO UPDATE SET scopes = excluded.scopes, given_at = excluded.given_at`

const giveConsentDone = `WITH done AS (` + giveConsent + ` RETURNING account_id)` + auditDone

// GiveConsent implements consent.Store.
func (d *DB) GiveConsent(ctx context.Context, c consent.Consent, ev audit.Event) error {
	_, err := d.deed(ctx, giveConsentDone, giveConsent, ev, string(c.Account), c.Client, encoded(c.Scopes), millis(c.GivenAt))
	if err != nil {
		return fmt.Errorf("give consent: %w", err)
	}
	return nil
}
