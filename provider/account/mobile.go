package account

import (
	"regexp"
	"strings"
)

// Mobile is a mainland mobile number, 11 digits. Numbers are recycled by the
// carriers, so a mobile is a way to reach somebody and never an identity.
type Mobile string

var mobileForm = regexp.MustCompile(`^1[3-9][0-9]{9}$`)

// ParseMobile normalises width, blanks, hyphens and the prefixes +86, 0086 and
// 86, and checks the form.
func ParseMobile(s string) (Mobile, error) {
	const field = "mobile"
	c, err := compact(field, s)
	if err != nil {
		return "", err
	}
	if c == "" {
		return "", invalid(field, MsgMobileEmpty)
	}
	m, ok := mobileDigits(c)
	if !ok {
		return "", invalid(field, MsgMobileForm)
	}
	return m, nil
}

// E164 gives the number as +86 and 11 digits (ITU-T E.164), the form of the
// phone_number claim and of Profile.Phone.
func (m Mobile) E164() string { return "+86" + string(m) }

// mobileDigits takes a compact number apart; no prefix is taken off a string
// that would not leave a mobile.
func mobileDigits(c string) (Mobile, bool) {
	for _, prefix := range []string{"", "+86", "0086", "86"} {
		if d, ok := strings.CutPrefix(c, prefix); ok && mobileForm.MatchString(d) {
			return Mobile(d), true
		}
	}
	return "", false
}
