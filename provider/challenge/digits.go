package challenge

import (
	"strings"
	"unicode"
)

// maxTyped bounds what is read of an answer.
const maxTyped = 64

// Digits is an answer as it was meant: full-width forms as ASCII, without blanks
// and hyphens.
func Digits(s string) string {
	if len(s) > maxTyped {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || r == '-':
			return -1
		case 0xff01 <= r && r <= 0xff5e: // full-width
			return r - 0xfee0
		}
		return r
	}, s)
}
