package credential

import (
	"context"
	"fmt"
)

// Foreign judges stored passwords that are not ours: those that came over from
// another platform, in its schemes.
type Foreign interface {
	// Mine tells whether the stored text is one that Recompute reads.
	Mine(stored string) bool
	// Recompute applies the scheme of stored to the password as it was typed. A
	// stored text that cannot be read is an error.
	Recompute(stored, password string) (Recomputed, error)
}

// Recomputed is what a password of another platform comes to. Where its digest
// lies under argon2id, PHC is that and Preimage is what to compute it over; else
// Right is the verdict.
type Recomputed struct {
	Right         bool
	PHC, Preimage string
}

// verifyForeign is Verify for a password of another platform: one computation of
// argon2id, like for ours, whatever form it lies in.
func (t *Ticket) verifyForeign(ctx context.Context, stored, password string) (ok bool, err error) {
	var r Recomputed
	var bad error
	work := func() {
		if r, bad = t.h.Foreign.Recompute(stored, password); bad != nil {
			return
		}
		p := phc{cost: t.h.cost(), salt: make([]byte, saltLength), key: make([]byte, keyLength)}
		over := password
		if r.PHC != "" {
			if p, bad = parsePHC(r.PHC); bad != nil {
				return
			}
			over = r.Preimage
		}
		ok = p.matches(over)
		if r.PHC == "" {
			ok = r.Right
		}
	}
	if err := t.compute(ctx, work); err != nil {
		return false, err
	}
	if bad != nil {
		return false, fmt.Errorf("%w: %w", ErrUnusableHash, bad)
	}
	return ok, nil
}
