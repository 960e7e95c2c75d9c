package relyingparty

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	discoveryTries = 3
	discoveryPause = 150 * time.Millisecond
	discoveryWait  = 3 * time.Second
	discoveryLife  = time.Hour
)

// provider is what the discovery document says, with the members that go-oidc
// does not read itself.
type provider struct {
	*oidc.Provider
	meta struct {
		EndSession    string `json:"end_session_endpoint"`                           // OIDC RP-Initiated Logout 2.1
		Introspection string `json:"introspection_endpoint"`                         // RFC 8414 §2
		NamesIssuer   bool   `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
	}
	found time.Time
}

// discovery finds the provider when it is first needed and looks again every
// hour; what it found last serves on while the provider is away.
type discovery struct {
	issuer string
	client *http.Client
	now    func() time.Time

	last  atomic.Pointer[provider]
	mu    sync.Mutex
	round atomic.Uint64 // searches finished so far
	err   error         // of the last search
}

// known is what was found so far, nil before the first success.
func (d *discovery) known() *provider { return d.last.Load() }

// find returns the provider, or why it cannot be found.
func (d *discovery) find(ctx context.Context) (*provider, error) {
	if p := d.known(); p != nil && d.now().Sub(p.found) < discoveryLife {
		return p, nil
	}
	before := d.round.Load()
	d.mu.Lock()
	defer d.mu.Unlock()
	// Whoever waited for another's search takes its result: a provider that
	// is down would otherwise be asked once for each person waiting.
	if d.round.Load() == before {
		d.err = d.search(context.WithoutCancel(ctx))
		d.round.Add(1)
	}
	if p := d.known(); p != nil {
		return p, nil
	}
	return nil, d.err
}

func (d *discovery) search(ctx context.Context) error {
	var err error
	for try := range discoveryTries {
		if try > 0 {
			time.Sleep(discoveryPause << (try - 1))
		}
		if err = d.ask(ctx); err == nil {
			return nil
		}
	}
	return err
}

func (d *discovery) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, d.client), discoveryWait)
	defer cancel()
	found, err := oidc.NewProvider(ctx, d.issuer)
	if err != nil {
		return err
	}
	p := &provider{Provider: found, found: d.now()}
	if err := found.Claims(&p.meta); err != nil {
		return err
	}
	d.last.Store(p)
	return nil
}

const answerLimit = 1 << 20

// bounded is a client that follows no redirects (a token request carries our
// secret) and reads at most a mebibyte of any answer.
func bounded(client *http.Client) *http.Client {
	c := http.Client{Timeout: 10 * time.Second}
	if client != nil {
		c = *client
	}
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Transport = boundedTransport{next}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

type boundedTransport struct{ next http.RoundTripper }

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, answerLimit), resp.Body}
	return resp, nil
}
