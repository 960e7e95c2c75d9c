package factor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"kejitong/provider/audit"
)

const (
	recoveryCodes = 10
	recoveryText  = 16 // letters of 5 bits each: 80 bits
)

// recoveryLetters are Crockford's, which nobody mistakes for one another.
const recoveryLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Regenerate replaces the recovery codes and gives the new ones, to be shown
// once: only keyed digests are kept.
func (s *Service) Regenerate(ctx context.Context, who Subject, ev audit.Event) ([]string, error) {
	codes := make([]string, recoveryCodes)
	digests := make([]string, recoveryCodes)
	for i := range codes {
		b := make([]byte, recoveryText)
		if _, err := rand.Read(b); err != nil {
			return nil, fmt.Errorf("factor: random: %w", err)
		}
		for j := range b {
			b[j] = recoveryLetters[b[j]&31]
		}
		digests[i] = s.recoveryDigest(who, string(b))
		codes[i] = string(b[:4]) + "-" + string(b[4:8]) + "-" + string(b[8:12]) + "-" + string(b[12:])
	}
	ev.Kind, ev.Object = audit.RecoveryCodesMade, who.ID
	return codes, s.Store.PutRecoveryCodes(ctx, who, digests, ev)
}

// CheckRecovery verifies a recovery code and uses it up. Errors are those of
// CheckTOTP, and the guesses are counted together.
func (s *Service) CheckRecovery(ctx context.Context, who Subject, code string, ev audit.Event) (Proof, error) {
	counter, err := s.guess(ctx, who)
	if err != nil {
		return Proof{}, err
	}
	ev.Kind, ev.Object = audit.RecoveryCodeUsed, who.ID
	var ok bool
	err = s.Store.InTx(ctx, func(ctx context.Context) (err error) {
		if ok, err = s.Store.UseRecoveryCode(ctx, who, s.recoveryDigest(who, canonicalRecovery(code)), s.Now(), ev); err != nil || !ok {
			return err
		}
		return s.tell(ctx, who, NoticeRecovery)
	})
	if err != nil {
		return Proof{}, err
	}
	if !ok {
		return Proof{}, wrongCode()
	}
	if err := s.Store.ForgetGuesses(ctx, counter); err != nil {
		return Proof{}, err
	}
	_, left, err := s.Store.Factors(ctx, who)
	return Proof{AMR: "otp", Left: left}, err
}

// canonicalRecovery forgives separators, case and the letters that look alike.
func canonicalRecovery(code string) string {
	return strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(digitsOf(code)))
}

func (s *Service) recoveryDigest(who Subject, code string) string {
	return s.mac("recovery code", string(who.Realm), who.ID, code)
}

// mac is a keyed digest of parts, none of which holds a zero byte.
func (s *Service) mac(parts ...string) string {
	m := hmac.New(sha256.New, s.Key)
	m.Write([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// enrol uses up the ceremony and adds the factor, together.
func (s *Service) enrol(ctx context.Context, c Ceremony, r Record, ev audit.Event) (codes []string, err error) {
	r.Subject = c.Subject
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.take(ctx, c); err != nil {
			return err
		}
		codes, err = s.add(ctx, r, ev)
		return err
	})
	return codes, err
}

// add inserts the factor, and recovery codes where there are none.
func (s *Service) add(ctx context.Context, r Record, ev audit.Event) (codes []string, err error) {
	if r.ID, err = random(16); err != nil {
		return nil, err
	}
	r.CreatedAt = s.Now().Truncate(time.Millisecond)
	ev.Kind, ev.Object = audit.FactorAdded, r.ID
	if err := s.Store.AddFactor(ctx, r, ev); err != nil {
		return nil, err
	}
	if err := s.tell(ctx, r.Subject, NoticeAdded); err != nil {
		return nil, err
	}
	_, left, err := s.Store.Factors(ctx, r.Subject)
	if err != nil || left > 0 {
		return nil, err
	}
	return s.Regenerate(ctx, r.Subject, ev)
}
