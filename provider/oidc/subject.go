package oidc

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/keys"
)

// subjectOf is the sub that c sees for the account: pairwise unless the client
// registered "public" (OpenID Connect Core §8). An account that is deleted and
// registered again has a new id, so a new sub.
func subjectOf(s *keys.Snapshot, c *client.Client, id account.ID) string {
	if c.Metadata.SubjectType == "public" {
		return string(id)
	}
	return base64.RawURLEncoding.EncodeToString(s.MAC(keys.Pairwise, "sub", sector(c), string(id)))
}

// sidOf is the session id that the client sees.
func sidOf(s *keys.Snapshot, clientID, sessionID string) string {
	return client.SID(s, clientID, sessionID)
}

// sector is the sector identifier of OpenID Connect Core §8.1: the host of
// sector_identifier_uri, else the one host of all redirect URIs, else (and for
// loopback and custom-scheme URIs, which name no owner) the client itself.
func sector(c *client.Client) string {
	if u, err := url.Parse(c.Metadata.SectorIdentifierURI); err == nil && u.Host != "" {
		return strings.ToLower(u.Hostname())
	}
	host := ""
	for _, raw := range c.Metadata.RedirectURIs {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || loopback(u.Hostname()) {
			return "client:" + c.ID
		}
		if host != "" && !strings.EqualFold(host, u.Hostname()) {
			return "client:" + c.ID
		}
		host = u.Hostname()
	}
	if host == "" {
		return "client:" + c.ID
	}
	return strings.ToLower(host)
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// Subject is the sub that the client sees for the account, for those who tell it
// of the account in other ways than by tokens.
func (p *Provider) Subject(c *client.Client, id account.ID) string {
	return subjectOf(p.Keys.Snapshot(), c, id)
}
