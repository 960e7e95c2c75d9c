package client

import (
	"context"
	"net/url"
	"strings"

	"kejitong/provider/entitlement"
)

// LoginLink is the address at which a sign-in at this client is started from
// outside (OpenID Connect Core §4), with the issuer and, if it is one of the
// client's own, the address where the user wants to end; empty if the client
// registered no initiate_login_uri or nobody reviewed it.
func (c *Client) LoginLink(issuer, target string) string {
	at := c.Metadata.InitiateLoginURI
	if at == "" || !c.Reviewed {
		return ""
	}
	q := url.Values{"iss": {issuer}}
	if target != "" && target != at && sameOrigin(at, target) {
		q.Set("target_link_uri", target)
	}
	sep := "?"
	if strings.Contains(at, "?") {
		sep = "&"
	}
	return at + sep + q.Encode()
}

func sameOrigin(a, b string) bool {
	u, errU := url.Parse(a)
	v, errV := url.Parse(b)
	return errU == nil && errV == nil && u.Host != "" && u.Scheme == v.Scheme && strings.EqualFold(u.Host, v.Host)
}

// Starters gives, by business system, the reviewed client that owns it and can
// start a sign-in: the first by id. They are kept as long as no client changes.
func (r *Registry) Starters(ctx context.Context) (map[entitlement.SystemID]*Client, error) {
	if !r.fresh() {
		if err := r.refresh(ctx); err != nil {
			return nil, err
		}
	}
	r.mu.RLock()
	known, version := r.starters, r.version
	r.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	list, err := r.Store.Starters(ctx)
	if err != nil {
		return nil, err
	}
	known = map[entitlement.SystemID]*Client{}
	for i := range list {
		c := &list[i]
		if c.LoginLink("", "") == "" {
			continue
		}
		for _, system := range c.Metadata.BusinessSystems {
			if known[system] == nil {
				known[system] = c
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version == version {
		r.starters = known
	}
	return known, nil
}
