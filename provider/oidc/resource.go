package oidc

import (
	"net/http"
	"slices"
)

// narrowAudience gives the audience that the resource parameters of a token
// request ask for, each once; nil if there are none. may is what the request
// could have at most: a token request never widens what was granted (RFC 8707
// §2.2).
func narrowAudience(may, asked []string) ([]string, error) {
	var out []string
	for _, r := range asked {
		if !slices.Contains(may, r) {
			return nil, errTarget
		}
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out, nil
}

// errTarget is RFC 8707 §2: the requested resource is invalid, missing, unknown
// or malformed, which for this provider all means: not among what may be had.
var errTarget = oauthError{"invalid_target", http.StatusBadRequest, "the resource is not among those granted to this client"}
