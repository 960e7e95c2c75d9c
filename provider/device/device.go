// Package device is devices that ask to be signed in from another browser (RFC
// 8628): what a device asked for, the code that its user types elsewhere, and
// what became of it.
//
//	device     POST /oauth2/device_authorization   pending
//	browser    /device, sign-in, consent           pending --allow--> allowed, with a grant
//	                                               pending --refuse--> refused
//	device     POST /oauth2/token, again and again; the grant's code is spent once
package device

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"kejitong/provider/audit"
	"kejitong/provider/token"
)

// State is what became of a request.
type State int

// The states of a request. Only a pending one changes.
const (
	Pending State = 0
	Allowed State = 1
	Refused State = 2
)

// The figures of RFC 8628 §3.2 and §3.5.
const (
	Life     = 10 * time.Minute // of both codes
	Interval = 5 * time.Second  // between polls, at first
	Slower   = 5 * time.Second  // added for each poll that came too early
	Linger   = time.Minute      // at least so long a device can fetch what was allowed
)

// Request is a device authorization request. Both codes are kept as digests.
type Request struct {
	Key       string // digest of the device code
	UserKey   string // digest of the user code
	Client    string
	Form      string // what was asked for, URL-encoded
	State     State
	GrantID   string // what was allowed
	CreatedAt time.Time
	ExpiresAt time.Time
	Interval  time.Duration // between polls, as it is now
	Hasty     bool          // the latest poll came before its time
}

// Store keeps requests. What may happen once is a compare-and-swap.
type Store interface {
	// OpenDevice inserts r; false if another request has its user code.
	OpenDevice(ctx context.Context, r Request) (bool, error)
	// Device gives the request with that digest of its user code, in any state;
	// fault.NotFound if there is none.
	Device(ctx context.Context, userKey string) (Request, error)
	// PollDevice counts a poll of the client's at now and gives the request as it
	// is then; fault.NotFound if the client has no such request. A poll of a
	// pending request that comes before its time is Hasty and makes the interval
	// longer, for good (RFC 8628 §3.5).
	PollDevice(ctx context.Context, key, client string, now time.Time) (Request, error)
	// AllowDevice opens g for the pending request and uses up the interaction in
	// which it was allowed, with ev, together; false, and nothing done, if either
	// was over. The request then lives until the given time at least.
	AllowDevice(ctx context.Context, key, interaction string, g *token.Grant, until time.Time, ev audit.Event) (bool, error)
	// RefuseDevice ends a pending request, with ev; false if it was not pending.
	RefuseDevice(ctx context.Context, key string, ev audit.Event) (bool, error)
	// CountTry counts a try under key in windows of the given length, which begin
	// with the first try, and gives the tries of the window so far, this one
	// included, and its end.
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error)
}

// letters are those of RFC 8628 §6.1: no vowels, so no words; no digits and no
// two that are mistaken for one another. Eight of them are 2.5e10 codes.
const letters = "BCDFGHJKLMNPQRSTVWXZ"

const codeLength = 8

// NewDeviceCode makes a device code, 256 random bits in base64url, and its key.
func NewDeviceCode() (code, key string, err error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", "", fmt.Errorf("device: random: %w", err)
	}
	code = base64.RawURLEncoding.EncodeToString(b)
	return code, Key(code), nil
}

// NewUserCode makes a user code as it is shown, WDJB-MJHT.
func NewUserCode() (string, error) {
	const fair = 256 - 256%len(letters) // so that no letter is likelier than another
	out, b := make([]byte, 0, codeLength), make([]byte, 4*codeLength)
	for len(out) < codeLength {
		if _, err := rand.Read(b); err != nil {
			return "", fmt.Errorf("device: random: %w", err)
		}
		for _, c := range b {
			if int(c) < fair && len(out) < codeLength {
				out = append(out, letters[int(c)%len(letters)])
			}
		}
	}
	return shown(string(out)), nil
}

func shown(code string) string { return code[:codeLength/2] + "-" + code[codeLength/2:] }

// maxTyped bounds what is normalised at all.
const maxTyped = 64

// ReadUserCode gives the code that somebody typed as it is shown, however it
// was typed: small letters, full-width ones, with or without blanks and dashes
// (RFC 8628 §6.1). false if it cannot be a code.
func ReadUserCode(typed string) (string, bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	code := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), r == '\u2212', r == 'ー', r == '_', r == '.':
			return -1
		}
		return r
	}, strings.ToUpper(norm.NFKC.String(typed)))
	if len(code) != codeLength || strings.Trim(code, letters) != "" {
		return "", false
	}
	return shown(code), true
}

// Key is the digest under which a code is kept.
func Key(code string) string {
	sum := sha256.Sum256([]byte(code))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
