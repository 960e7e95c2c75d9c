package client

import (
	"slices"
	"strings"
)

// checkRequests looks at how the client makes its authorization requests:
// request objects (OpenID Connect Registration §2, RFC 9101 §10.5) and the
// addresses they may be fetched from. Encrypted request objects are not
// offered; request_object_encryption_alg and _enc are no members here.
func (m *Metadata) checkRequests() error {
	if len(m.RequestURIs) > maxURIs {
		return invalid("request_uris", "are more than %d", maxURIs)
	}
	for _, uri := range m.RequestURIs {
		// A fragment tells caches of a new version; it is no part of the address.
		address, fragment, _ := strings.Cut(uri, "#")
		u, why := parseURI(address)
		switch {
		case why != "":
		case u.Scheme != "https" && u.Scheme != "http":
			why = "is no https address"
		case len(uri) > maxURI || strings.ContainsFunc(fragment, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }):
			why = "has a malformed fragment"
		default:
			why = checkWeb(u)
		}
		if why != "" {
			return invalid("request_uris", "%q %s", uri, why)
		}
	}
	if m.RequestObjectSigningAlg != "" { // none is not among them: an unsigned object proves nothing
		if err := oneOf("request_object_signing_alg", m.RequestObjectSigningAlg, algorithms()...); err != nil {
			return err
		}
	}
	keyless := len(m.JWKS) == 0 && m.JWKSURI == ""
	switch {
	case m.RequireSignedRequestObject && keyless:
		return invalid("require_signed_request_object", "needs keys: jwks or jwks_uri")
	case len(m.RequestURIs) > 0 && keyless:
		return invalid("request_uris", "need keys to check what they lead to: jwks or jwks_uri")
	case m.FAPI() && m.RequestObjectSigningAlg == "RS256": // FAPI 2.0 Security Profile §5.4.1
		return invalid("request_object_signing_alg", "RS256 is not for clients of the FAPI 2.0 profiles")
	case !slices.Contains(m.GrantTypes, GrantCode) && len(m.RequestURIs) > 0 && len(m.ResponseTypes) == 0:
		return invalid("request_uris", "go with a client that signs people in")
	}
	return nil
}
