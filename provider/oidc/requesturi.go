package oidc

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/provider/fault"
	"kejitong/provider/web"
)

// fetchObject gets the request object behind a request_uri (RFC 9101 §5.2).
// Nothing is fetched that the client did not register (OpenID Connect
// Registration §2: request_uris): a stranger must not choose where this
// provider connects to. The fragment is for caches, not for the server; what is
// fetched is not held against it.
func (p *Provider) fetchObject(ctx context.Context, c *client.Client, uri string) (string, error) {
	if len(c.Metadata.RequestURIs) == 0 {
		return "", oauthError{"request_uri_not_supported", http.StatusBadRequest, "this client registered no request_uris"}
	}
	unusable := oauthError{"invalid_request_uri", http.StatusBadRequest, "the request_uri is not registered or does not lead to a request object"}
	registered := strings.Join(c.Metadata.RequestURIs, " ")
	uri, _, _ = strings.Cut(uri, "#")
	if !slices.ContainsFunc(c.Metadata.RequestURIs, func(registered string) bool {
		registered, _, _ = strings.Cut(registered, "#")
		return registered == uri
	}) {
		return "", because(unusable, diagnosis.RequestURI, registered, uri)
	}
	if !p.fetching.enter(c.ID) {
		return "", fault.New(fault.Unavailable, "too many request objects are being fetched")
	}
	defer p.fetching.leave(c.ID)
	body, kind, err := p.Outbound.Fetch(ctx, uri, "application/oauth-authz-req+jwt, application/jwt, text/plain;q=0.5")
	if err != nil {
		p.Log.InfoContext(ctx, "request object not fetched", "client", c.ID, "error", err, "request_id", web.RequestID(ctx))
		return "", because(unusable, diagnosis.RequestURI, "HTTP 200", "-")
	}
	// RFC 9101 §5.2.3; whoever serves it from a plain file may not be able to say so.
	if kind != "application/oauth-authz-req+jwt" && kind != "application/jwt" && !strings.HasPrefix(kind, "text/") {
		return "", because(unusable, diagnosis.RequestURI, "application/oauth-authz-req+jwt", orNone(kind))
	}
	return strings.TrimSpace(string(body)), nil
}

// How many request objects this process fetches at a time: whoever opens many
// requests must neither hold all of its connections nor press a client's server
// through it.
const (
	maxFetching          = 64
	maxFetchingForClient = 8
)

// turnstile counts the fetches under way.
type turnstile struct {
	mu   sync.Mutex
	all  int
	each map[string]int
}

func (t *turnstile) enter(client string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all >= maxFetching || t.each[client] >= maxFetchingForClient {
		return false
	}
	if t.each == nil {
		t.each = map[string]int{}
	}
	t.all++
	t.each[client]++
	return true
}

func (t *turnstile) leave(client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.each[client]--; t.each[client] == 0 {
		delete(t.each, client)
	}
}
