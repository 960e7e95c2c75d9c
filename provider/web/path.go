package web

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxReturn is the longest path that we return a browser to, in bytes.
const maxReturn = 2048

// SamePath tells whether s is an absolute path on this origin, with or without
// a query, so that a browser may be sent there, and gives it back. Anything
// that some browser could read as another host is refused (CWE-601): "//e",
// "/\e", "/%09/e", "https:e", line breaks.
func SamePath(s string) (string, bool) {
	if len(s) == 0 || len(s) > maxReturn || s[0] != '/' {
		return "", false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '#' {
			return "", false
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !plainPath(u.Path) {
		return "", false
	}
	return s, true
}

// plainURL tells whether u's path is written the one canonical way. Routes and
// the checks in front of them must never see two spellings of one path.
func plainURL(u *url.URL) bool {
	// RawPath is set when the escaping differs from the default one: %2f,
	// %6cogin and the like.
	return u.RawPath == "" && plainPath(u.Path)
}

// plainPath tells whether a decoded path has no empty, dot or dot-ended
// segments, no parameters, no second layer of escapes and no control
// characters.
func plainPath(p string) bool {
	if len(p) == 0 || p[0] != '/' || !utf8.ValidString(p) {
		return false
	}
	for i := 1; i < len(p); i++ {
		switch c := p[i]; {
		case c < ' ', c == 0x7f, c == '\\', c == ';', c == '%':
			return false
		case c == '/' && (p[i-1] == '/' || p[i-1] == '.'):
			return false
		}
	}
	return p[len(p)-1] != '.'
}

// without gives query without the parameter name, the rest as it was.
func without(query, name string) string {
	if query == "" {
		return ""
	}
	kept := make([]string, 0, 8)
	for _, pair := range strings.Split(query, "&") {
		if key, _, _ := strings.Cut(pair, "="); key != name {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
