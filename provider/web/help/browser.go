package help

import (
	"strconv"
	"strings"
)

// The oldest versions that the pages are made for; older ones lack what protects
// the sign-in.
const (
	oldestChromium = 109 // the last one for Windows 7
	oldestFirefox  = 115
	oldestSafari   = 15
)

// browserOf reads a User-Agent: a name with its version, and whether it is too
// old. What it does not know it neither names nor blames.
func browserOf(agent string) (name string, old bool) {
	if strings.Contains(agent, "MSIE ") || strings.Contains(agent, "Trident/") {
		return "Internet Explorer", true
	}
	for _, b := range []struct {
		token, name string
		oldest      int
	}{
		{"Edg/", "Edge", oldestChromium}, {"Firefox/", "Firefox", oldestFirefox}, {"Chrome/", "Chrome", oldestChromium}, {"Version/", "Safari", oldestSafari},
	} {
		_, rest, ok := strings.Cut(agent, b.token)
		if !ok {
			continue
		}
		digits := rest
		if i := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' }); i >= 0 {
			digits = rest[:i]
		}
		n, err := strconv.Atoi(digits)
		if err != nil || len(digits) > 4 {
			return b.name, false
		}
		return b.name + " " + digits, n < b.oldest
	}
	return "", false
}
