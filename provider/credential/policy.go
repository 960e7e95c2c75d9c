package credential

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"kejitong/provider/fault"
)

// Policy says which new passwords are good enough. The zero value asks for 8
// characters of three of the four classes (GB/T 22239-2019 §8.1.4.1 a). Both
// modes refuse the owner's own data and what everybody uses.
type Policy struct {
	LengthOnly bool     // no classes, but 15 characters (NIST SP 800-63B-4 §3.1.1.2)
	MinLength  int      // a longer minimum than the mode's own, in characters
	Deny       []string // further words that make a password common, such as the operator's name
}

// Minimum gives the least number of characters, for pages to show.
func (p Policy) Minimum() int {
	if p.LengthOnly {
		return max(p.MinLength, 15)
	}
	return max(p.MinLength, 8)
}

// Check refuses a new password with fault.Invalid. forbidden holds what the
// owner is known by: login name, USCC, mobile, name, number; the password may
// contain none of them in any case, nor the last six digits of a number.
func (p Policy) Check(password string, forbidden ...string) error {
	refuse := func(msg string) error {
		return &fault.Error{Kind: fault.Invalid, Field: "password", Msg: msg}
	}
	if !utf8.ValidString(password) {
		return refuse(MsgPasswordBroken)
	}
	c, ok := canonical(password)
	switch {
	case !ok:
		return refuse(MsgPasswordLong)
	case utf8.RuneCountInString(c) < p.Minimum():
		return refuse(MsgPasswordShort)
	case !p.LengthOnly && classes(c) < 3:
		return refuse(MsgPasswordClasses)
	case containsAny(c, forbidden):
		return refuse(MsgPasswordForbidden)
	case common(c, p.Deny):
		return refuse(MsgPasswordCommon)
	}
	return nil
}

// classes counts upper case, lower case, digits and everything else.
func classes(s string) int {
	var upper, lower, digit, other int
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return upper + lower + digit + other
}

// containsAny looks for the owner's data with and without separators.
func containsAny(password string, forbidden []string) bool {
	plain := folded(password)
	bare := lettersAndDigits(plain)
	for _, f := range forbidden {
		f = lettersAndDigits(folded(f))
		f = strings.TrimPrefix(f, "86") // a mobile in E.164; harmless to others, as less is more here
		if tooShortToMatter(f) {
			continue
		}
		if strings.Contains(plain, f) || strings.Contains(bare, f) {
			return true
		}
		if number := strings.TrimSuffix(f, "x"); len(number) >= 11 && strings.Trim(number, "0123456789") == "" &&
			strings.Contains(bare, f[len(f)-6:]) {
			return true
		}
	}
	return false
}

// tooShortToMatter spares passwords that contain a short piece by chance: less
// than four letters, or one Chinese character.
func tooShortToMatter(f string) bool {
	n := utf8.RuneCountInString(f)
	if len(f) > n {
		return n < 2
	}
	return n < 4
}

func folded(s string) string { return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))) }

func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}
