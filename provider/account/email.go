package account

import (
	"net/mail"
	"strings"
)

// maxEmail bounds an address (RFC 5321 §4.5.3.1.3).
const maxEmail = 254

// ParseEmail gives the canonical form of one e-mail address: the bare address in
// lower case. Names beside it, comments, several addresses, line breaks and quoted
// parts are refused (S89).
func ParseEmail(s string) (string, error) {
	const field = "email"
	if len(s) > maxRaw {
		return "", invalid(field, MsgTooLong)
	}
	s = strings.ToLower(strings.TrimSpace(s))
	switch {
	case s == "":
		return "", invalid(field, MsgEmailEmpty)
	case hasInvisible(s):
		return "", invalid(field, MsgInvisible)
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > maxEmail {
		return "", invalid(field, MsgEmailForm)
	}
	local, domain, _ := strings.Cut(s, "@")
	if len(local) > 64 || strings.ContainsAny(s, "\"<>()[],;:\\ '`") || strings.Contains(domain, "@") || !strings.Contains(domain, ".") ||
		strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || !asciiOnly(s) {
		return "", invalid(field, MsgEmailForm)
	}
	return s, nil
}

func asciiOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] > 0x7e || s[i] <= ' ' {
			return false
		}
	}
	return true
}
