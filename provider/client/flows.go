package client

import (
	"net/url"
	"slices"
	"strings"
)

// responseTypes are the response types that may be registered, their words in
// the order of the alphabet: the order says nothing (OAuth 2.0 Multiple Response
// Type Encoding Practices §3). Which of them are offered is the deployment's to
// decide.
var responseTypes = []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"}

// responseModes are the response modes that may be registered; signedModes those
// that put the response into a JWT (JARM §2.3).
var (
	signedModes   = []string{"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
	responseModes = append([]string{"query", "fragment", "form_post"}, signedModes...)
)

// inOrder gives each response type its words in the order of responseTypes.
func inOrder(types []string) []string {
	out := make([]string, len(types))
	for i, t := range types {
		words := strings.Fields(t)
		slices.Sort(words)
		out[i] = strings.Join(words, " ")
	}
	return unique(out)
}

// asksFor tells whether a registered response type holds one of the words.
func (m *Metadata) asksFor(words ...string) bool {
	return slices.ContainsFunc(m.ResponseTypes, func(t string) bool {
		return slices.ContainsFunc(strings.Fields(t), func(w string) bool { return slices.Contains(words, w) })
	})
}

// checkGrants: RFC 7591 §2.1 and OpenID Connect Registration §2, grant types and
// response types go together.
func (m *Metadata) checkGrants() error {
	for _, g := range m.GrantTypes {
		if err := oneOf("grant_types", g, GrantCode, GrantImplicit, GrantRefresh, GrantClient, GrantDevice, GrantExchange, GrantJWTBearer); err != nil {
			return err
		}
	}
	for _, r := range m.ResponseTypes {
		if err := oneOf("response_types", r, responseTypes...); err != nil {
			return err
		}
	}
	for _, r := range m.ResponseModes {
		if err := oneOf("response_modes", r, responseModes...); err != nil {
			return err
		}
	}
	code, implicit := slices.Contains(m.GrantTypes, GrantCode), slices.Contains(m.GrantTypes, GrantImplicit)
	switch {
	case code != m.asksFor("code"):
		return invalid("response_types", "those with code go with the grant type authorization_code and with no other")
	case implicit != m.asksFor("id_token", "token"):
		return invalid("response_types", "those with id_token or token go with the grant type implicit and with no other")
	case !m.redeems() && slices.Contains(m.GrantTypes, GrantRefresh):
		return invalid("grant_types", "refresh_token goes with a grant that signs people in at the token endpoint")
	// FAPI 2.0 Security Profile §5.3.2.2: the code flow alone.
	case m.FAPI() && implicit:
		return invalid("grant_types", "implicit does not go with the security profile %s", string(m.SecurityProfile))
	// RFC 9449 §5.2, RFC 8705 §3.4: such a client has no unbound token, and the browser binds none.
	case m.asksFor("token") && (m.DPoPBoundTokens || m.TLSBoundTokens):
		return invalid("response_types", "a token from the authorization endpoint cannot be bound to a key")
	}
	return m.checkFurtherGrants()
}

// checkImplicitRedirects: OpenID Connect Registration §2: tokens for a web
// client pass through the browser to https addresses alone.
func (m *Metadata) checkImplicitRedirects() error {
	if m.ApplicationType != "web" || !slices.Contains(m.GrantTypes, GrantImplicit) {
		return nil
	}
	for _, uri := range m.RedirectURIs {
		if u, err := url.Parse(uri); err != nil || u.Scheme != "https" {
			return invalid("redirect_uris", "%q is not https, which the grant type implicit needs of a web client", uri)
		}
	}
	return nil
}
