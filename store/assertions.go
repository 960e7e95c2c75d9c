package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
)

// useAssertion takes a row over only when the assertion that it records has
// expired.
const useAssertion = `
INSERT INTO assertions (client_id, jti, exp) VALUES (?, ?, ?)
ON CONFLICT (client_id, jti) DO UPDATE SET exp = excluded.exp WHERE assertions.exp <= ?`

// UseAssertion implements token.Store. The jti is kept as its SHA-256: the
// client chooses its length and characters.
func (d *DB) UseAssertion(ctx context.Context, client, jti string, exp, now time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(jti))
	n, err := d.exec(ctx, useAssertion, client, base64url(sum[:]), millis(exp), millis(now))
	if err != nil {
		return false, fmt.Errorf("use assertion: %w", err)
	}
	return n == 1, nil
}
