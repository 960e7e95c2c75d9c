package web

import (
	"net/url"
	"strings"
)

// WithParams adds the parameters to the query of an accepted redirect or post-logout URI,
// leaving the bytes that are there as they are (RFC 6749 §3.1.2).
func WithParams(uri string, params url.Values) string {
	sep := "?"
	if strings.Contains(uri, "?") {
		sep = "&"
		if strings.HasSuffix(uri, "?") || strings.HasSuffix(uri, "&") {
			sep = ""
		}
	}
	return uri + sep + params.Encode()
}
