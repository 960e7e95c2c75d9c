package oidc

import (
	"strings"

	"kejitong/provider/client"
)

// matchRedirect tells whether sent is one of c's redirect URIs. The bytes are
// compared as they are (RFC 9700 §2.1); nothing is normalised, because two
// parsers that disagree about a URI are how codes get stolen. The one exception
// is the port of a native client's http loopback URI (RFC 8252 §7.3).
func matchRedirect(c *client.Client, sent string) bool {
	if sent == "" || len(sent) > maxParam {
		return false
	}
	for _, registered := range c.Metadata.RedirectURIs {
		if sent == registered {
			return true
		}
		if c.Metadata.ApplicationType == "native" && sameButPort(registered, sent) {
			return true
		}
	}
	return false
}

// loopbackPrefixes are the only openings under which a port may vary: http and
// an IP literal. "localhost" is a name, and names can be pointed elsewhere (RFC
// 8252 §8.3).
var loopbackPrefixes = []string{"http://127.0.0.1", "http://[::1]"}

func sameButPort(registered, sent string) bool {
	for _, p := range loopbackPrefixes {
		if !strings.HasPrefix(registered, p) || !strings.HasPrefix(sent, p) {
			continue
		}
		a, okA := cutPort(registered[len(p):])
		b, okB := cutPort(sent[len(p):])
		if okA && okB && a == b {
			return true
		}
	}
	return false
}

// cutPort takes an optional ":digits" off the front; what follows must be the
// path or nothing.
func cutPort(s string) (rest string, ok bool) {
	if strings.HasPrefix(s, ":") {
		s = s[1:]
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 || n > 5 {
			return "", false
		}
		s = s[n:]
	}
	return s, s == "" || s[0] == '/'
}
