package client

import (
	"net/url"
	"slices"
	"strings"
)

// checkLogout looks at the addresses that are told of a sign-out.
func (m *Metadata) checkLogout() error {
	if m.BackchannelSessionNeeded && m.BackchannelLogoutURI == "" {
		return invalid("backchannel_logout_session_required", "goes with backchannel_logout_uri")
	}
	if m.FrontchannelLogoutURI == "" {
		if m.FrontchannelSessionNeeded {
			return invalid("frontchannel_logout_session_required", "goes with frontchannel_logout_uri")
		}
		return nil
	}
	if why := m.checkFrontchannel(); why != "" {
		return invalid("frontchannel_logout_uri", "%q %s", m.FrontchannelLogoutURI, why)
	}
	return nil
}

// checkFrontchannel holds the address to Front-Channel Logout 1.0 §2: absolute,
// without fragment, and of the scheme, host and port of a redirect URI. It is
// loaded in a frame of our page with iss and sid, so it brings neither itself
// (§3), and its origin must be such as a Content-Security-Policy can name.
func (m *Metadata) checkFrontchannel() string {
	u, why := parseURI(m.FrontchannelLogoutURI)
	switch {
	case why != "":
		return why
	case u.Scheme != "https" && u.Scheme != "http":
		return "is no https address"
	}
	if why := checkWeb(u); why != "" {
		return why
	}
	for _, name := range []string{"iss", "sid"} {
		if u.Query().Has(name) {
			return "carries the parameter " + name + ", which the call carries itself"
		}
	}
	if strings.Contains(u.Host, "[") {
		return "has an IPv6 address for its host; use a name, which a browser can be told to frame"
	}
	if !slices.ContainsFunc(m.RedirectURIs, func(raw string) bool {
		r, err := url.Parse(raw)
		return err == nil && WebOrigin(r) == WebOrigin(u)
	}) {
		return "has not the scheme, host and port of any redirect URI"
	}
	return ""
}
