package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kejitong/provider/fault"
)

// maxRaw bounds what is normalised at all; NFKC of a hostile megabyte is work
// that no identifier deserves.
const maxRaw = 512

func invalid(field, msg string) error {
	return &fault.Error{Kind: fault.Invalid, Field: field, Msg: msg}
}

// compact is the canonical spelling of a number that people copy by hand:
// NFKC (full-width digits), upper case, without blanks and hyphens. Characters
// that nobody can see are refused instead of dropped.
func compact(field, s string) (string, error) {
	if len(s) > maxRaw {
		return "", invalid(field, MsgTooLong)
	}
	if hasInvisible(strings.TrimSpace(s)) {
		return "", invalid(field, MsgInvisible)
	}
	return squeeze(strings.ToUpper(norm.NFKC.String(s))), nil
}

// squeeze drops blanks and hyphens.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r == '-', r >= '\u2010' && r <= '\u2015', r == '\u2212':
			return -1
		}
		return r
	}, s)
}

// hasInvisible finds what can make two names look alike: zero-width and other
// default-ignorable characters, controls, private use, broken UTF-8.
func hasInvisible(s string) bool {
	if !utf8.ValidString(s) {
		return true
	}
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
