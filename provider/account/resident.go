package account

import (
	"regexp"
	"strings"
	"time"
)

// ResidentID is a number under GB 11643-1999 in canonical form: 17 digits and
// a check character, X in upper case. Residence permits of Hong Kong, Macao
// and Taiwan residents follow the same rule with regions 81, 82 and 83.
type ResidentID string

// ParseResidentID normalises and checks a resident number. The birth date must
// exist and not lie after now, counted in Beijing time. Of the region only the
// province is checked: county codes change while old ones stay on cards.
func ParseResidentID(s string, now time.Time) (ResidentID, error) {
	const field = "id_number"
	c, err := compact(field, s)
	if err != nil {
		return "", err
	}
	switch {
	case c == "":
		return "", invalid(field, MsgResidentEmpty)
	case len(c) == 15 && allDigits(c):
		return "", invalid(field, MsgResidentVoid)
	case len(c) != 18:
		return "", invalid(field, MsgResidentLength)
	case !allDigits(c[:17]) || c[17] != 'X' && !allDigits(c[17:]):
		return "", invalid(field, MsgResidentDigits)
	case !isProvince(c[:2]):
		return "", invalid(field, MsgResidentProvince)
	}
	born, ok := parseBirth(c[6:14])
	switch {
	case !ok:
		return "", invalid(field, MsgResidentDate)
	case born.After(now):
		return "", invalid(field, MsgResidentFuture)
	case mod11(c[:17]) != c[17]:
		return "", invalid(field, MsgResidentCheck)
	}
	return ResidentID(c), nil
}

// Birth gives the birth date, at midnight in Beijing time.
func (r ResidentID) Birth() time.Time {
	if len(r) != 18 {
		return time.Time{}
	}
	t, _ := parseBirth(string(r[6:14]))
	return t
}

// Male tells whether the sequence is odd, as it is for men.
func (r ResidentID) Male() bool { return len(r) == 18 && (r[16]-'0')%2 == 1 }

// Residence tells whether the number is a residence permit's (港澳台居民居住证).
func (r ResidentID) Residence() bool {
	return len(r) == 18 && (r[:2] == "81" || r[:2] == "82" || r[:2] == "83")
}

// permanentOld is the older form: three letters of the country, twelve digits.
var permanentOld = regexp.MustCompile(`^[A-Z]{3}[0-9]{12}$`)

// ParsePermanentResidentID normalises and checks the number of a foreigner's
// permanent residence card. The form issued since December 2023 is 9, province,
// ISO 3166-1 numeric country, birth date, sequence and a check character as on
// resident cards; the older form has 15 characters and only its shape is
// checked.
func ParsePermanentResidentID(s string, now time.Time) (string, error) {
	const field = "id_number"
	c, err := compact(field, s)
	if err != nil {
		return "", err
	}
	if permanentOld.MatchString(c) {
		return c, nil
	}
	if len(c) != 18 || c[0] != '9' || !allDigits(c[:17]) || c[17] != 'X' && !allDigits(c[17:]) || !isProvince(c[1:3]) {
		return "", invalid(field, MsgPermanentForm)
	}
	if born, ok := parseBirth(c[6:14]); !ok || born.After(now) {
		return "", invalid(field, MsgPermanentDate)
	}
	if mod11(c[:17]) != c[17] {
		return "", invalid(field, MsgPermanentCheck)
	}
	return c, nil
}

// mod11 is ISO 7064 MOD 11-2 over 17 digits (GB 11643-1999 §4).
func mod11(first17 string) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(first17[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// CompleteResidentID gives 17 digits their check character: numbers of persons that
// there are not, for demonstrations and sandboxes.
func CompleteResidentID(first17 string) string { return first17 + string(mod11(first17)) }

func isProvince(two string) bool {
	const provinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 " +
		"50 51 52 53 54 61 62 63 64 65 71 81 82 83"
	return len(two) == 2 && two[0] != ' ' && two[1] != ' ' && strings.Contains(provinces, two)
}

func parseBirth(yyyymmdd string) (time.Time, bool) {
	// China has kept one zone without summer time since 1991; a fixed one needs
	// no zone database on the host.
	t, err := time.ParseInLocation("20060102", yyyymmdd, time.FixedZone("CST", 8*3600))
	return t, err == nil && t.Year() >= 1800
}
