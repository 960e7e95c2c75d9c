package account

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseName gives a person's name with one spelling of the middle dot
// (U+00B7) and single blanks. 2 to 50 characters; digits and unseen characters
// are refused. No Unicode normalisation is applied: it would replace rare
// characters of GB 18030 that stand on the person's card.
func ParseName(s string) (string, error) {
	const field = "name"
	if len(s) > maxRaw {
		return "", invalid(field, MsgNameLength)
	}
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		// Variation selectors and private use stay: older systems hold rare
		// characters there.
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Zl, unicode.Zp)
	}) {
		return "", invalid(field, MsgInvisible)
	}
	s = strings.Join(strings.Fields(s), " ")
	s = strings.Map(func(r rune) rune {
		switch r {
		case '•', '．', '・', '‧', '∙', '⋅':
			return '·'
		}
		return r
	}, s)
	if n := utf8.RuneCountInString(s); n < 2 || n > 50 {
		return "", invalid(field, MsgNameLength)
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsDigit(r) || strings.ContainsRune("<>\"\\/@#$%^&*_=+{}[]|;:?!", r)
	}) {
		return "", invalid(field, MsgNameCharacters)
	}
	return s, nil
}
