package oidc

import (
	"net/url"
	"slices"
	"strings"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
)

// carrier is the part of HTTP by which a response reaches the client.
type carrier string

// The carriers (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth
// 2.0 Form Post Response Mode §2).
const (
	byQuery    carrier = "query"
	byFragment carrier = "fragment"
	byForm     carrier = "form_post"
)

// responseMode is how a response travels: openly, or inside a JWT (JARM §2.3).
type responseMode struct {
	carrier carrier
	signed  bool
}

// responseModes are the response modes that this deployment offers, as discovery
// lists them. The fragment serves scripts in the browser, so it comes with the
// tokens that are made for them.
func (p *Provider) responseModes() []string {
	if !p.Features.FrontChannelTokens {
		return []string{"query", "form_post", "jwt", "query.jwt", "form_post.jwt"}
	}
	return []string{"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
}

// resolve reads the name of a response mode. No name, and the bare jwt, mean the
// default carrier of the response type (JARM §2.3.4).
func resolve(name string, usual carrier) responseMode {
	plain, signed := strings.CutSuffix(name, ".jwt")
	switch {
	case name == "jwt":
		return responseMode{usual, true}
	case plain == "":
		return responseMode{usual, false}
	}
	return responseMode{carrier(plain), signed}
}

// modeOf says how the answer to a request travels, also if the request is going
// to be refused: as asked, where that is offered and fit for what the response
// type brings, else by the default of the response type.
func (p *Provider) modeOf(c *client.Client, form url.Values) responseMode {
	usual, name := usualCarrier(form), form.Get("response_mode")
	if name != "" && !slices.Contains(p.responseModes(), name) {
		return responseMode{carrier: usual}
	}
	m := resolve(name, usual)
	if !fit(c, m, usual) {
		m.carrier = usual
	}
	return m
}

// usualCarrier is the default by response type (OAuth 2.0 Multiple Response Type
// Encoding Practices §2.1, §5).
func usualCarrier(form url.Values) carrier {
	if bringsTokens(form.Get("response_type")) {
		return byFragment
	}
	return byQuery
}

// fit: tokens never travel in the query, which ends up in logs and Referer
// headers (Multiple Response Type Encoding Practices §3), unless they are
// encrypted there (JARM §2.3.1).
func fit(c *client.Client, m responseMode, usual carrier) bool {
	return usual != byFragment || m.carrier != byQuery || m.signed && c.Metadata.AuthorizationEncryptedResponseAlg != ""
}

// checkMode refuses a response mode that is not offered, not registered or not
// fit for the response type; modeOf has found another for the refusal.
func (p *Provider) checkMode(a *asked) error {
	name, usual := a.form.Get("response_mode"), usualCarrier(a.form)
	if name != "" && !slices.Contains(p.responseModes(), name) {
		return because(invalidRequest("the response mode is not supported"), diagnosis.ResponseMode, strings.Join(p.responseModes(), ", "), name)
	}
	if !fit(a.client, resolve(name, usual), usual) {
		return because(invalidRequest("tokens are not sent in the query"), diagnosis.ResponseMode, "fragment, form_post", orNone(name))
	}
	may := a.client.Metadata.ResponseModes
	if len(may) > 0 && !slices.ContainsFunc(may, func(m string) bool { return resolve(m, usual) == a.mode }) {
		return because(invalidRequest("the response mode is not registered for this client"), diagnosis.ResponseMode, strings.Join(may, ", "), orNone(name))
	}
	return nil
}
