package store

import (
	"context"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/consent"
)

var _ consent.Store = (*DB)(nil)

const giveConsent = `
INSERT INTO consents (account_id, client_id, scopes, given_at) VALUES (?, ?, ?, ?)
ON CONFLICT (account_id, client_id) DO UPDATE SET scopes = excluded.scopes, given_at = excluded.given_at`

const giveConsentDone = `WITH done AS (` + giveConsent + ` RETURNING account_id)` + auditDone

const dropConsent = `DELETE FROM consents WHERE account_id = ? AND client_id = ?`

// GiveConsent implements consent.Store.
func (d *DB) GiveConsent(ctx context.Context, c consent.Consent, ev audit.Event) error {
	_, err := d.deed(ctx, giveConsentDone, giveConsent, ev, string(c.Account), c.Client, encoded(c.Scopes), millis(c.GivenAt))
	if err != nil {
		return fmt.Errorf("give consent: %w", err)
	}
	return nil
}

// WithdrawConsent implements consent.Store.
func (d *DB) WithdrawConsent(ctx context.Context, who account.ID, clientID string, now time.Time, ev audit.Event) error {
	err := d.InTx(ctx, func(ctx context.Context) error {
		dropped, err := d.exec(ctx, dropConsent, string(who), clientID)
		if err != nil {
			return err
		}
		ended, err := d.endTokens(ctx, who, endForClient, []any{string(who), clientID}, now)
		if err != nil {
			return err
		}
		if dropped == 0 && ended == 0 {
			return missing("consent")
		}
		return d.Record(ctx, ev)
	})
	if err != nil {
		return fmt.Errorf("withdraw consent: %w", err)
	}
	return nil
}
