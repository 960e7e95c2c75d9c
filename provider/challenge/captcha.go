package challenge

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"kejitong/provider/fault"
)

// The figures of C31.
const (
	CaptchaLife   = 2 * time.Minute
	CaptchaDigits = 5
)

// Easel makes captchas and judges answers. Nothing is stored until an answer
// comes: the id itself says until when it is good and proves, by keyed digests,
// for which browser and purpose; the answer is a keyed digest, too. What was
// answered is a row, so that no process takes a second answer.
//
//	id  = 12 random bytes | 4 bytes: end | 8 bytes: proof of the browser | 8 bytes: proof of browser and purpose
type Easel struct {
	Store Store
	MAC   func(parts ...string) []byte
	Now   func() time.Time
	// Always is an answer that is taken for the right one; only the
	// demonstration and tests set it.
	Always string
}

var _ Captchas = (*Easel)(nil)

const (
	captchaSeed = 16 // random bytes and end
	captchaID   = 32
)

// Draw implements Captchas.
func (e *Easel) Draw(_ context.Context, browser string, p Purpose) (Captcha, error) {
	id := make([]byte, captchaSeed, captchaID)
	rand.Read(id[:12])                                                           // never fails: crypto/rand ends the program instead
	binary.BigEndian.PutUint32(id[12:], uint32(e.Now().Add(CaptchaLife).Unix())) //nolint:gosec // until 2106
	seed := text(id)
	id = append(id, e.MAC("captcha browser", seed, browser)[:8]...)
	id = append(id, e.MAC("captcha purpose", seed, browser, string(p))[:8]...)
	return Captcha{ID: text(id)}, nil
}

// Solve implements Captchas.
func (e *Easel) Solve(ctx context.Context, browser string, p Purpose, id, answer string) error {
	seed, raw, ok := e.open(browser, id)
	if !ok || !same(raw[24:], e.MAC("captcha purpose", seed, browser, string(p))[:8]) {
		return wrongCaptcha(answer)
	}
	end := endOf(raw)
	first, err := e.Store.SpendCaptcha(ctx, text(e.MAC("captcha spent", seed)), end)
	if err != nil {
		return err
	}
	answer = Digits(answer)
	right := same([]byte(answer), []byte(e.answer(seed)))
	always := e.Always != "" && same([]byte(answer), []byte(Digits(e.Always)))
	if !first || !e.Now().Before(end) || !right && !always {
		return wrongCaptcha(answer)
	}
	return nil
}

func wrongCaptcha(answer string) error {
	if answer == "" {
		return &fault.Error{Kind: fault.Invalid, Field: "captcha", Msg: MsgNoAnswer}
	}
	return &fault.Error{Kind: fault.Invalid, Field: "captcha", Msg: MsgCaptcha}
}

// Shown is what the browser's captcha shows, as digits; false if there is none,
// it is another browser's, or over. noise is for the drawing: the same for the
// same captcha, so that many pictures of one tell no more than one.
func (e *Easel) Shown(browser, id string) (digits string, noise []byte, ok bool) {
	seed, raw, ok := e.open(browser, id)
	if !ok || !e.Now().Before(endOf(raw)) {
		return "", nil, false
	}
	return e.answer(seed), e.MAC("captcha noise", seed), true
}

// open takes an id apart that was drawn for the browser.
func (e *Easel) open(browser, id string) (seed string, raw []byte, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || len(raw) != captchaID || browser == "" {
		return "", nil, false
	}
	seed = text(raw[:captchaSeed])
	return seed, raw, same(raw[16:24], e.MAC("captcha browser", seed, browser)[:8])
}

func endOf(raw []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint32(raw[12:16])), 0).UTC()
}

func (e *Easel) answer(seed string) string {
	return decimal(e.MAC("captcha answer", seed), CaptchaDigits)
}

// decimal turns random bytes into n digits; of 8 bytes and few digits all are
// equally likely for every purpose here.
func decimal(b []byte, n int) string {
	v := binary.BigEndian.Uint64(b)
	out := make([]byte, n)
	for i := range out {
		out[i] = byte('0' + v%10)
		v /= 10
	}
	return string(out)
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
