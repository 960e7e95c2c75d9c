package credential

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxPassword is the longest password in characters, counted before and after
// NFKC. Longer ones are refused before any work is done on them.
const MaxPassword = 256

// canonical applies NFKC, the only transformation a password undergoes. It is
// not ok for passwords that are too long or broken UTF-8, which nobody can
// have set.
func canonical(password string) (c string, ok bool) {
	// The byte count comes first: counting runes of a megabyte is work, too.
	if len(password) > MaxPassword*utf8.UTFMax || !utf8.ValidString(password) || utf8.RuneCountInString(password) > MaxPassword {
		return "", false
	}
	c = norm.NFKC.String(password)
	return c, utf8.RuneCountInString(c) <= MaxPassword
}
