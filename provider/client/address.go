package client

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// checkRedirects holds redirect URIs, and those after sign-out, to the rules
// of checkRedirect.
func (m *Metadata) checkRedirects() error {
	signsIn := slices.Contains(m.GrantTypes, GrantCode) || slices.Contains(m.GrantTypes, GrantImplicit)
	switch {
	case signsIn && len(m.RedirectURIs) == 0: // OpenID Connect Registration §2
		return invalid("redirect_uris", "are missing; a client that signs people in needs one")
	case !signsIn && len(m.RedirectURIs) > 0:
		return invalid("redirect_uris", "go with the grant types authorization_code and implicit alone")
	}
	for field, list := range map[string][]string{"redirect_uris": m.RedirectURIs, "post_logout_redirect_uris": m.PostLogoutRedirectURIs} {
		if len(list) > maxURIs {
			return invalid(field, "are more than %d", maxURIs)
		}
		for _, uri := range list {
			if why := checkRedirect(uri, m.ApplicationType == "native"); why != "" {
				return invalid(field, "%q %s", uri, why)
			}
		}
	}
	return nil
}

// reverseDomain is a private-use scheme: a domain of its owner's, reversed (RFC
// 8252 §7.1), which at least holds a dot.
var reverseDomain = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9][a-z0-9+-]*)+$`)

// ours are the parameters that answers carry; a URI that brings its own would
// make its owner read the wrong one.
var ours = []string{"code", "state", "iss", "error", "error_description", "id_token", "access_token", "token_type", "expires_in", "response", "session_state"}

// checkRedirect says what is wrong with a URI that the browser is sent to, ""
// if nothing. https, http on loopback, and for native applications a
// private-use scheme (RFC 8252 §7, RFC 9700 §2.1).
func checkRedirect(raw string, native bool) string {
	u, why := parseURI(raw)
	if why != "" {
		return why
	}
	for _, name := range ours {
		if u.Query().Has(name) {
			return "carries the parameter " + name + ", which answers carry themselves"
		}
	}
	switch {
	case u.Scheme == "https" || u.Scheme == "http":
		return checkWeb(u)
	case !reverseDomain.MatchString(u.Scheme):
		return "has the scheme " + u.Scheme + "; want https, or a reversed domain of yours such as cn.gov.example.app for a native application"
	case !native:
		return "has a scheme of its own, which is for application_type native"
	case u.Opaque != "":
		return "has no slash after its scheme (RFC 8252 section 7.1)"
	}
	return ""
}

// parseURI reads an absolute URI of visible ASCII without fragment, user info
// and wildcard. Two parsers must not be able to disagree about it, so what is
// merely unusual is refused too.
func parseURI(raw string) (u *url.URL, why string) {
	if raw == "" || len(raw) > maxURI {
		return nil, "is empty or longer than 2048 bytes"
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) }) {
		return nil, "holds characters that stand in no URI; write them percent-encoded, and foreign host names as xn--"
	}
	switch {
	case strings.Contains(raw, "*"):
		return nil, "holds a wildcard; register every URI by itself"
	case strings.Contains(raw, "#"): // RFC 6749 §3.1.2
		return nil, "holds a fragment"
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" {
		return nil, "is no absolute URI"
	}
	if u.User != nil || strings.Contains(u.Host, "@") {
		return nil, "holds a user name"
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return nil, "has a malformed query"
	}
	return u, ""
}

func checkWeb(u *url.URL) string {
	switch {
	case u.Hostname() == "":
		return "names no host"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "is http, which is for loopback addresses alone; use https"
	}
	return ""
}

// loopback names: what a resolver may answer otherwise is no loopback, such as
// localhost.example.org.
func loopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// checkAddresses looks at the single URIs: https, or http on loopback.
func (m *Metadata) checkAddresses() error {
	for _, a := range []struct{ field, uri string }{
		{"client_uri", m.URI}, {"logo_uri", m.LogoURI}, {"policy_uri", m.PolicyURI}, {"tos_uri", m.TosURI}, {"jwks_uri", m.JWKSURI},
		{"sector_identifier_uri", m.SectorIdentifierURI}, {"initiate_login_uri", m.InitiateLoginURI}, {"backchannel_logout_uri", m.BackchannelLogoutURI},
	} {
		if a.uri == "" {
			continue
		}
		u, why := parseURI(a.uri)
		if why == "" && u.Scheme != "https" && u.Scheme != "http" {
			why = "is no https address"
		}
		if why == "" {
			why = checkWeb(u)
		}
		// OpenID Connect Registration §5, OpenID Connect Core §4.
		if why == "" && (a.field == "sector_identifier_uri" || a.field == "initiate_login_uri") && u.Scheme != "https" {
			why = "is not https"
		}
		if why != "" {
			return invalid(a.field, "%q %s", a.uri, why)
		}
	}
	return nil
}

// Fetched lists the addresses that the provider itself calls, by field; they
// must be such as it may call. Fragments are left out: they are never sent.
func (m Metadata) Fetched() map[string]string {
	out := map[string]string{}
	for field, uri := range map[string]string{"jwks_uri": m.JWKSURI, "sector_identifier_uri": m.SectorIdentifierURI, "backchannel_logout_uri": m.BackchannelLogoutURI} {
		if uri != "" {
			out[field] = uri
		}
	}
	for i, uri := range m.RequestURIs {
		out[fmt.Sprintf("request_uris[%d]", i)], _, _ = strings.Cut(uri, "#")
	}
	return out
}

// CheckSector holds the document behind sector_identifier_uri to the redirect
// URIs: all of them must stand in it, or a client could join a sector, and so
// its subjects, that is not its own (OpenID Connect Registration §5).
func (m Metadata) CheckSector(document []byte) error {
	var listed []string
	if json.Unmarshal(document, &listed) != nil {
		return invalid("sector_identifier_uri", "%q does not hold a JSON array of redirect URIs", m.SectorIdentifierURI)
	}
	for _, uri := range m.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return invalid("sector_identifier_uri", "%q does not list the redirect URI %q", m.SectorIdentifierURI, uri)
		}
	}
	return nil
}

// isResource tells an absolute URI that may name a resource server.
func isResource(raw string) bool {
	if len(raw) > 512 {
		return false
	}
	u, why := parseURI(raw)
	return why == "" && (u.Host != "" || u.Opaque != "")
}
