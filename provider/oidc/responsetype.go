package oidc

import (
	"net/http"
	"slices"
	"strings"

	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/diagnosis"
)

// responseType is what an authorization response brings to the client: a code
// (RFC 6749 §4.1), tokens (OpenID Connect Core §3.2), or both (§3.3).
type responseType struct{ code, idToken, token bool }

// front tells whether anything but a code passes through the browser.
func (t responseType) front() bool { return t.idToken || t.token }

// responseTypes are the response types that this deployment offers, as
// discovery lists them.
func (p *Provider) responseTypes() []string {
	if !p.Features.FrontChannelTokens {
		return []string{"code"}
	}
	return []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"}
}

// implicit is the grant type of what never comes to the token endpoint (OpenID
// Connect Registration §2), if it is offered.
func (p *Provider) implicit() []string {
	if !p.Features.FrontChannelTokens {
		return nil
	}
	return []string{client.GrantImplicit}
}

// parseResponseType reads the words of a response_type, whose order says nothing
// (OAuth 2.0 Multiple Response Type Encoding Practices §3). It takes each word
// once, no other word, and no access token alone: nothing would tell the client
// that it was meant for it (RFC 9700 §2.1.2).
func parseResponseType(s string) (responseType, bool) {
	var t responseType
	for word := range strings.SplitSeq(s, " ") {
		var part *bool
		switch word {
		case "code":
			part = &t.code
		case "id_token":
			part = &t.idToken
		case "token":
			part = &t.token
		default:
			return responseType{}, false
		}
		if *part {
			return responseType{}, false
		}
		*part = true
	}
	return t, t != responseType{token: true}
}

// bringsTokens tells whether a response_type, known or not, speaks of tokens;
// then also its errors go to the fragment (Multiple Response Type Encoding
// Practices §3 and §5, RFC 6749 §4.2.2.1).
func bringsTokens(s string) bool {
	for word := range strings.FieldsSeq(s) {
		if word == "token" || word == "id_token" {
			return true
		}
	}
	return false
}

// checkResponse decides what the response will bring, and whether the client may
// have that and in that way.
func (p *Provider) checkResponse(a *asked) error {
	text := a.form.Get("response_type")
	if text == "" {
		return because(invalidRequest("the response_type is missing"), diagnosis.ResponseType, registeredTypes(a.client), "-")
	}
	t, ok := parseResponseType(text)
	if !ok || t.front() && !p.Features.FrontChannelTokens {
		return because(oauthError{"unsupported_response_type", http.StatusBadRequest, "the response type is not supported"}, diagnosis.ResponseType, strings.Join(p.responseTypes(), ", "), text)
	}
	if !mayHave(a.client, t) {
		return because(oauthError{"unauthorized_client", http.StatusBadRequest, "the response type is not registered for this client"}, diagnosis.ResponseType, registeredTypes(a.client), text)
	}
	a.kind = t
	if err := p.checkMode(a); err != nil {
		return err
	}
	// OpenID Connect Core §3.2.2.1, §3.3.2.11: without it an ID token that somebody
	// else's browser brought could not be told from one's own.
	if t.idToken && a.form.Get("nonce") == "" {
		return because(invalidRequest("a nonce is required for an ID token from the authorization endpoint"), diagnosis.Parameter, "nonce", "-")
	}
	return nil
}

// registeredTypes are the response types that the client registered.
func registeredTypes(c *client.Client) string {
	return strings.Join(c.Metadata.ResponseTypes, ", ")
}

// mayHave tells whether the client may have the response type. What its other
// metadata exclude is refused also where somebody wrote both into the database:
// FAPI 2.0 Security Profile §5.3.2.2 knows the code flow alone, and nothing from
// the authorization endpoint is bound to a key (RFC 9449 §5.2, RFC 8705 §3.4).
func mayHave(c *client.Client, t responseType) bool {
	m := &c.Metadata
	if t.front() && m.FAPI() || t.token && (m.DPoPBoundTokens || m.TLSBoundTokens) {
		return false
	}
	return slices.ContainsFunc(m.ResponseTypes, func(r string) bool {
		one, _ := parseResponseType(r)
		return one == t
	})
}

// checkOpenID: an ID token belongs to an OpenID Connect request, which is one
// with the scope openid (OpenID Connect Core §3.1.2.1).
func (a *asked) checkOpenID() error {
	if a.kind.idToken && !slices.Contains(a.scopes, consent.OpenID) {
		return because(oauthError{"invalid_scope", http.StatusBadRequest, "an ID token needs the scope openid"}, diagnosis.Scope, "openid", orNone(a.form.Get("scope")))
	}
	return nil
}
