package account

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// The lengths of a login name, in characters after normalising.
const (
	MinLogin = 4
	MaxLogin = 64
)

// NormaliseLogin gives the key under which a login name is unique over both
// kinds of account: NFKC, trimmed, case-folded (Unicode §3.13). A mobile and a
// USCC may be typed with blanks, hyphens and +86. Names with zero-width,
// control or other unseen characters, and with blanks inside, are refused. The
// key of a key is the key itself.
func NormaliseLogin(name string) (key string, err error) {
	const field = "login_name"
	if len(name) > maxRaw {
		return "", invalid(field, MsgLoginLong)
	}
	key = strings.TrimSpace(name)
	if hasInvisible(key) {
		return "", invalid(field, MsgInvisible)
	}
	key = fold(key)
	if key == "" {
		return "", invalid(field, MsgLoginEmpty)
	}
	if c := squeeze(key); c != key {
		if m, ok := mobileDigits(c); ok {
			return string(m), nil
		}
		if u, err := ParseUSCC(c); err == nil {
			return strings.ToLower(string(u)), nil
		}
	} else if m, ok := mobileDigits(key); ok {
		return string(m), nil
	}
	if strings.ContainsFunc(key, unicode.IsSpace) {
		return "", invalid(field, MsgLoginSpace)
	}
	if hasInvisible(key) {
		return "", invalid(field, MsgInvisible)
	}
	if utf8.RuneCountInString(key) > MaxLogin {
		return "", invalid(field, MsgLoginLong)
	}
	return key, nil
}

// fold repeats folding and NFKC until nothing changes, since one may undo what
// the other did; two rounds are enough for every assigned character.
func fold(s string) string {
	folder := cases.Fold()
	for range 4 {
		next := strings.TrimSpace(norm.NFKC.String(folder.String(norm.NFKC.String(s))))
		if next == s {
			break
		}
		s = next
	}
	return s
}

var (
	reservedLogin = regexp.MustCompile(`^hj[0-9]*_`)
	// Latin, digits, a few joiners and Chinese characters: letters of other
	// scripts look like Latin ones, and an @ would look like somebody's e-mail.
	loginAlphabet = regexp.MustCompile(`^[a-z0-9._\-\p{Han}]+$`)
)

// CheckNewLogin holds a login name that somebody wants to register against the
// rules for new names: readable alphabet, nothing of the HJ_ range of migrated
// accounts or of those of sandboxes, no identity number, no mobile but the one the applicant proved by
// SMS (provedMobile in any spelling, empty if none), and for a natural person
// no USCC. Whether the name is free is for the store to say. Legal accounts use
// CheckNewUnitLogin, which also holds a USCC against the unit's own.
func CheckNewLogin(name string, kind Kind, provedMobile string) error {
	const field = "login_name"
	key, err := NormaliseLogin(name)
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(key) < MinLogin {
		return invalid(field, MsgLoginShort)
	}
	if reservedLogin.MatchString(key) {
		return invalid(field, MsgLoginReserved)
	}
	if reservedForTests(key) {
		return invalid(field, MsgTestRange)
	}
	if !loginAlphabet.MatchString(key) {
		return invalid(field, MsgLoginCharacters)
	}
	if m, ok := mobileDigits(squeeze(key)); ok {
		if proved, err := ParseMobile(provedMobile); err != nil || proved != m {
			return invalid(field, MsgLoginMobile)
		}
		return nil
	}
	if _, err := ParseUSCC(key); err == nil {
		if kind != LegalEntity {
			return invalid(field, MsgLoginUSCC)
		}
		return nil
	}
	if looksLikeIDNumber(key) {
		return invalid(field, MsgLoginIDNumber)
	}
	return nil
}

// CheckNewUnitLogin is CheckNewLogin for a legal account: a login name that is
// a USCC must be the unit's own.
func CheckNewUnitLogin(name string, own USCC, provedMobile string) error {
	if err := CheckNewLogin(name, LegalEntity, provedMobile); err != nil {
		return err
	}
	if u, err := ParseUSCC(name); err == nil && u != own {
		return invalid("login_name", MsgLoginUSCC)
	}
	return nil
}

// looksLikeIDNumber needs no clock: a number whose date lies ahead will be
// somebody's one day.
func looksLikeIDNumber(key string) bool {
	far := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	if _, err := ParseResidentID(key, far); err == nil {
		return true
	}
	_, err := ParsePermanentResidentID(key, far)
	return err == nil
}
