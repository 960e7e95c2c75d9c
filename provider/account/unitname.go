package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The lengths of a unit's name, in characters.
const (
	MinUnitName = 2
	MaxUnitName = 100
)

// ParseUnitName gives a unit's name as it stands on its licence: trimmed, with
// single blanks. Brackets and rare characters stay as they were typed, since
// the name is compared with a register later.
func ParseUnitName(s string) (string, error) {
	const field = "unit_name"
	if len(s) > maxRaw {
		return "", invalid(field, MsgUnitNameLength)
	}
	s = strings.TrimSpace(s)
	if hasInvisible(s) {
		return "", invalid(field, MsgInvisible)
	}
	s = strings.Join(strings.Fields(s), " ")
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", invalid(field, MsgUnitNameEmpty)
	case n < MinUnitName || n > MaxUnitName:
		return "", invalid(field, MsgUnitNameLength)
	case strings.ContainsAny(s, "<>\\{}|^`~=@#$%"), UnitNameKey(s) == "", allDigits(UnitNameKey(s)):
		return "", invalid(field, MsgUnitNameCharacters)
	}
	return s, nil
}

// UnitNameKey is what two spellings of one unit's name have in common: NFKC and
// case folding, without blanks, brackets of any kind alike, letters and digits
// otherwise. 北京示例科技（有限合伙） and 北京示例科技(有限合伙) are one name.
func UnitNameKey(name string) string {
	name = strings.Map(func(r rune) rune {
		switch r {
		case '（', '〔', '［', '【', '﹝':
			return '('
		case '）', '〕', '］', '】', '﹞':
			return ')'
		}
		return r
	}, name)
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r), r == '(', r == ')', unicode.In(r, unicode.Co):
			return r
		}
		return -1
	}, fold(norm.NFKC.String(name)))
	if strings.Trim(name, "()") == "" {
		return ""
	}
	return name
}

// The areas that a unit may lie in, which decide how its real name is verified.
const (
	Mainland = "mainland" // 境内
	HMT      = "hmt"      // 港澳台
	Overseas = "overseas" // 境外
)

// Area is where the unit lies, as its region says: 71, 81 and 82 are Taiwan,
// Hong Kong and Macao, no region at all is overseas.
func (u *Unit) Area() string {
	switch {
	case u.Region == "":
		return Overseas
	case strings.HasPrefix(u.Region, "71"), strings.HasPrefix(u.Region, "81"), strings.HasPrefix(u.Region, "82"):
		return HMT
	}
	return Mainland
}
