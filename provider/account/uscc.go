package account

import "strings"

// USCC is a 统一社会信用代码 (GB 32100-2015) in canonical form: 18 upper-case
// characters whose check character is right.
type USCC string

// The alphabet leaves out I, O, S, V and Z (GB 32100-2015 §4).
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// ParseUSCC normalises width, case, blanks and hyphens and checks the form,
// the region digits and the check character. The fault says what the input
// seems to be instead (15-digit 注册号, 9-character 组织机构代码, O for 0, I for
// 1) and nothing is ever corrected. A wrong check digit inside the
// organisation code alone is no refusal: see USCC.Doubtful.
func ParseUSCC(s string) (USCC, error) {
	const field = "uscc"
	c, err := compact(field, s)
	if err != nil {
		return "", err
	}
	switch {
	case c == "":
		return "", invalid(field, MsgUSCCEmpty)
	case len(c) == 15 && allDigits(c):
		return "", invalid(field, MsgUSCCRegistration)
	case isOrganizationCode(c):
		return "", invalid(field, MsgUSCCOrganization)
	case len([]rune(c)) != 18:
		return "", invalid(field, MsgUSCCLength)
	case strings.ContainsRune(c, 'O'):
		return "", invalid(field, MsgUSCCLetterO)
	case strings.ContainsRune(c, 'I'):
		return "", invalid(field, MsgUSCCLetterI)
	}
	if strings.ContainsFunc(c, func(r rune) bool { return !strings.ContainsRune(usccAlphabet, r) }) {
		return "", invalid(field, MsgUSCCAlphabet)
	}
	if !allDigits(c[2:8]) {
		return "", invalid(field, MsgUSCCRegion)
	}
	if c[17] != usccCheck(c[:17]) {
		return "", invalid(field, MsgUSCCCheck)
	}
	return USCC(c), nil
}

// usccCheck computes the check character of 17 characters of the alphabet (GB
// 32100-2015 annex A: W_i = 3^(i-1) mod 31).
func usccCheck(first17 string) byte {
	sum, weight := 0, 1
	for _, r := range first17 {
		sum += strings.IndexRune(usccAlphabet, r) * weight
		weight = weight * 3 % 31
	}
	return usccAlphabet[(31-sum%31)%31]
}

// CompleteUSCC gives 16 characters of the alphabet the check character of their
// organisation code (GB 11714) and that of the whole: codes of units that there
// are not, for demonstrations and sandboxes.
func CompleteUSCC(first16 string) USCC {
	first17 := first16 + string(organizationCheck(first16[8:]))
	return USCC(first17 + string(usccCheck(first17)))
}

// Doubtful tells that the organisation code inside (places 9 to 17) fails its
// own check digit (GB 11714). The USCC may still be genuine: warn, accept.
func (u USCC) Doubtful() bool {
	return len(u) == 18 && organizationCheck(string(u[8:16])) != u[16]
}

// OrganizationCode gives places 9 to 17.
func (u USCC) OrganizationCode() string {
	if len(u) != 18 {
		return ""
	}
	return string(u[8:17])
}

// Region gives the six region digits of the registering authority.
func (u USCC) Region() string {
	if len(u) != 18 {
		return ""
	}
	return string(u[2:8])
}

// UnitType maps the first two characters to one of the Unit constants.
func (u USCC) UnitType() string {
	if len(u) != 18 {
		return UnitOther
	}
	switch u[:2] {
	case "91":
		return UnitEnterprise
	case "92":
		return UnitIndividualBusiness
	case "93":
		return UnitCooperative
	case "11":
		return UnitGovernment
	case "12":
		return UnitPublicInstitution
	case "13":
		return UnitMassOrganization
	case "51", "52", "53":
		return UnitSocialOrganization
	}
	return UnitOther
}

func isOrganizationCode(c string) bool {
	if len(c) != 9 {
		return false
	}
	for i := range 8 {
		if (c[i] < '0' || c[i] > '9') && (c[i] < 'A' || c[i] > 'Z') {
			return false
		}
	}
	return c[8] == 'X' || c[8] >= '0' && c[8] <= '9'
}

// organizationCheck computes the check character of an organisation code's
// first eight (GB 11714 §4: mod 11, 10 written X, 11 written 0).
func organizationCheck(first8 string) byte {
	weights := [8]int{3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		v := int(first8[i] - '0')
		if first8[i] >= 'A' {
			v = int(first8[i]-'A') + 10
		}
		sum += v * w
	}
	switch c := 11 - sum%11; c {
	case 10:
		return 'X'
	case 11:
		return '0'
	default:
		return byte('0' + c)
	}
}
