package client

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// Origins are the web origins (RFC 6454) of the client's redirect URIs, from
// which its browser code may call the protocol endpoints.
func (m Metadata) Origins() []string {
	var out []string
	for _, raw := range m.RedirectURIs {
		u, err := url.Parse(raw)
		if err != nil {
			continue
		}
		if o := WebOrigin(u); o != "" && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// WebOrigin is u's origin as browsers write it (RFC 6454 §6.2): in lower case and
// without the scheme's own port; "" if u is no web address.
func WebOrigin(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return ""
	}
	if host == "" {
		return ""
	}
	return scheme + "://" + host
}

// AllowsOrigin tells whether some active client registered a redirect URI of
// that origin. It compares bytes; "null" and look-alikes match nothing. A
// failing database allows nothing.
func (r *Registry) AllowsOrigin(ctx context.Context, origin string) bool {
	if origin == "" || origin == "null" || len(origin) > 255 {
		return false
	}
	if !r.fresh() && r.refresh(ctx) != nil {
		return false
	}
	r.mu.RLock()
	known, there := r.origins[origin]
	version := r.version
	r.mu.RUnlock()
	if there {
		return known
	}
	known, err := r.Store.HasOrigin(ctx, origin)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version == version && len(r.origins) < maxCached {
		r.origins[origin] = known
	}
	return known
}
