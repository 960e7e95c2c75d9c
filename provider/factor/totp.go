package factor

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"image/png"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/text/unicode/norm"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

const (
	totpBytes = 20 // as long as the digest (RFC 4226 §4, R6)
	totpStep  = 30 * time.Second
	totpSkew  = 1 // steps before and after the present one (RFC 6238 §5.2)
	qrSide    = 232
)

// base32Text is the form of secrets that authenticator apps take.
var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// Offer is a TOTP secret that waits to be confirmed.
type Offer struct {
	ID     string // for ConfirmTOTP
	Secret string // base32, for typing
	URI    string // otpauth://
	QR     []byte // PNG of the URI
}

// BeginTOTP makes a secret for who, known to its owner as login, that counts from
// ConfirmTOTP on. binding is the browser and session that it is shown to.
// fault.Conflict where there is a TOTP already: it is removed first.
func (s *Service) BeginTOTP(ctx context.Context, who Subject, binding, login string) (Offer, error) {
	e, err := s.Enrolled(ctx, who)
	if err != nil {
		return Offer{}, err
	}
	if e.Has(TOTP) {
		return Offer{}, &fault.Error{Kind: fault.Conflict, Msg: MsgTaken}
	}
	secret := make([]byte, totpBytes)
	if _, err := rand.Read(secret); err != nil {
		return Offer{}, fmt.Errorf("factor: random: %w", err)
	}
	id, err := s.begin(ctx, who, enrolTOTP, binding, secret)
	if err != nil {
		return Offer{}, err
	}
	return s.offer(id, secret, login)
}

// OfferedTOTP is the offer with that id again, to be shown once more;
// fault.Gone if it is not this subject's and browser's, or over.
func (s *Service) OfferedTOTP(ctx context.Context, who Subject, binding, id, login string) (Offer, error) {
	c, err := s.under(ctx, who, enrolTOTP, binding, id)
	if err != nil {
		return Offer{}, err
	}
	return s.offer(id, c.State, login)
}

func (s *Service) offer(id string, secret []byte, login string) (Offer, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: s.Issuer, AccountName: login, Secret: secret})
	if err != nil {
		return Offer{}, fmt.Errorf("factor: otpauth: %w", err)
	}
	picture, err := key.Image(qrSide, qrSide)
	if err != nil {
		return Offer{}, fmt.Errorf("factor: QR: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return Offer{}, fmt.Errorf("factor: PNG: %w", err)
	}
	return Offer{ID: id, Secret: base32Text.EncodeToString(secret), URI: key.URL(), QR: b.Bytes()}, nil
}

// ConfirmTOTP enrols the offered secret if code is one of its codes of now, which
// is used up by that. It gives the recovery codes where these are the subject's
// first; they are shown once.
func (s *Service) ConfirmTOTP(ctx context.Context, who Subject, binding, id, code string, ev audit.Event) ([]string, error) {
	c, err := s.under(ctx, who, enrolTOTP, binding, id)
	if err != nil {
		return nil, err
	}
	step, ok := s.matches(c.State, code)
	if !ok {
		return nil, wrongCode()
	}
	ev.Detail = string(TOTP)
	return s.enrol(ctx, c, Record{Factor: Factor{Kind: TOTP}, Secret: c.State, Counter: step}, ev)
}

// AddTOTP enrols a secret that is known to its owner already, as the command line
// does for an operator, and gives it in base32 with the recovery codes.
func (s *Service) AddTOTP(ctx context.Context, who Subject, ev audit.Event) (secret string, codes []string, err error) {
	b := make([]byte, totpBytes)
	if _, err := rand.Read(b); err != nil {
		return "", nil, fmt.Errorf("factor: random: %w", err)
	}
	ev.Detail = string(TOTP)
	err = s.Store.InTx(ctx, func(ctx context.Context) (err error) {
		codes, err = s.add(ctx, Record{Factor: Factor{Kind: TOTP}, Subject: who, Secret: b}, ev)
		return err
	})
	return base32Text.EncodeToString(b), codes, err
}

// CheckTOTP verifies a code of the authenticator app. Each step is accepted once.
// fault.Invalid, field code, for every code that is not; fault.Throttled after too
// many.
func (s *Service) CheckTOTP(ctx context.Context, who Subject, code string) (Proof, error) {
	counter, err := s.guess(ctx, who)
	if err != nil {
		return Proof{}, err
	}
	records, _, err := s.Store.Factors(ctx, who)
	if err != nil {
		return Proof{}, err
	}
	for _, r := range records {
		if r.Kind != TOTP {
			continue
		}
		step, ok := s.matches(r.Secret, code)
		if !ok {
			continue
		}
		if ok, err = s.Store.AdvanceFactor(ctx, r, step, nil, s.Now()); err != nil {
			return Proof{}, err
		}
		if ok { // else the code was used before
			return Proof{AMR: "otp", Kind: TOTP, Factor: r.ID}, s.Store.ForgetGuesses(ctx, counter)
		}
	}
	return Proof{}, wrongCode()
}

// matches gives the step whose code it is. All steps are computed and compared,
// whichever fits.
func (s *Service) matches(secret []byte, code string) (step int64, ok bool) {
	typed := []byte(digitsOf(code))
	now := s.Now().Unix() / int64(totpStep/time.Second)
	text := base32Text.EncodeToString(secret)
	for at := now - totpSkew; at <= now+totpSkew; at++ {
		want, err := hotp.GenerateCodeCustom(text, uint64(at), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // after 1970
		if err == nil && subtle.ConstantTimeCompare([]byte(want), typed) == 1 {
			step, ok = at, true
		}
	}
	return step, ok
}

// digitsOf forgives spaces and full-width digits.
func digitsOf(code string) string {
	if len(code) > 64 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, norm.NFKC.String(code))
}
