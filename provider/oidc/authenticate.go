package oidc

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ory/fosite"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/provider/fault"
)

// The authentication methods at direct endpoints (OpenID Connect Core §9).
const (
	methodBasic  = client.AuthBasic
	methodPost   = client.AuthPost
	methodJWT    = client.AuthJWT // an assertion: by private_key_jwt or client_secret_jwt, as registered
	methodNone   = client.AuthNone
	assertionJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// credentials are what a request presents.
type credentials struct {
	method string
	id     string
	secret string // the secret or the assertion
}

// authenticate is fosite's client authentication strategy, and that of our own
// direct endpoints. Whatever is wrong with the credentials, the answer is the
// same; a database failure is not a failed authentication.
func (p *Provider) authenticate(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	c, err := p.identify(ctx, r, form)
	if err != nil {
		return nil, err
	}
	if u := unitFrom(ctx); u != nil {
		u.client = c
	}
	return relyingParty{Client: c}, nil
}

func (p *Provider) identify(ctx context.Context, r *http.Request, form url.Values) (*client.Client, error) {
	cr, err := presented(r, form)
	if err != nil {
		c := p.suspect(ctx, form.Get("client_id"))
		if c == nil {
			return nil, err
		}
		return nil, blame(c, because(err, diagnosis.Method, methodOf(c), sentMethods(r, form)))
	}
	if cr.method == methodJWT {
		return p.byAssertion(ctx, r, cr)
	}
	c, err := p.Clients.Find(ctx, cr.id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if cr.method == methodNone { // nothing in the request itself: a public client, or one with a certificate
		if c == nil {
			return nil, invalidClient("client authentication failed")
		}
		if c.Public() {
			return c, nil
		}
		if err := p.byCertificate(ctx, r, c); err != nil {
			return nil, blame(c, because(err, diagnosis.Method, methodOf(c), sentMethods(r, form)))
		}
		return c, nil
	}
	if !c.Knows(p.Keys.Snapshot(), cr.secret, p.Now()) || !mayUse(c, cr.method) {
		return nil, p.misproved(c, cr)
	}
	return c, nil
}

// misproved is the answer to a secret that does not do; only the client's people
// are told whether it was the wrong one, or shown in the wrong way.
func (p *Provider) misproved(c *client.Client, cr credentials) error {
	err := invalidClient("client authentication failed")
	switch {
	case c == nil:
		return err
	case !mayUse(c, cr.method):
		return blame(c, because(err, diagnosis.Method, methodOf(c), cr.method))
	}
	return blame(c, because(err, diagnosis.Secret, methodOf(c), fmt.Sprintf("%s (%d)", cr.method, len(cr.secret))))
}

// sentMethods names the ways of authentication that a request tries, by what it
// carries.
func sentMethods(r *http.Request, form url.Values) string {
	var out []string
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, _, _ := strings.Cut(h, " ")
		out = append(out, "Authorization: "+scheme)
	}
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		if form.Get(name) != "" {
			out = append(out, name)
		}
	}
	return orNone(strings.Join(out, ", "))
}

// mayUse: basic and post carry the same secret and are interchangeable unless
// the registration pins one; every other method is the registered one alone.
func mayUse(c *client.Client, method string) bool {
	if c.Metadata.FAPI() { // FAPI 2.0 Security Profile §5.3.2.1: no secrets
		return false
	}
	registered := c.Metadata.TokenEndpointAuthMethod
	if registered == "" {
		registered = methodBasic
	}
	if registered == method {
		return true
	}
	secret := func(m string) bool { return m == methodBasic || m == methodPost }
	return secret(registered) && secret(method) && !c.Metadata.TokenEndpointAuthPinned
}

// presented finds the one method that the request uses (RFC 6749 §2.3: a client
// must not use more than one).
func presented(r *http.Request, form url.Values) (credentials, error) {
	var found []credentials
	if len(r.Header.Values("Authorization")) > 1 {
		return credentials{}, invalidClient("several Authorization headers")
	}
	if h := r.Header.Get("Authorization"); h != "" {
		cr, err := basic(h)
		if err != nil {
			return credentials{}, err
		}
		found = append(found, cr)
	}
	if form.Get("client_assertion") != "" || form.Get("client_assertion_type") != "" {
		if form.Get("client_assertion_type") != assertionJWT {
			return credentials{}, invalidClient("the client_assertion_type is not supported")
		}
		found = append(found, credentials{methodJWT, form.Get("client_id"), form.Get("client_assertion")})
	}
	if s := form.Get("client_secret"); s != "" {
		found = append(found, credentials{methodPost, form.Get("client_id"), s})
	}
	switch {
	case len(found) > 1:
		return credentials{}, invalidRequest("the request uses several client authentication methods")
	case len(found) == 0 && form.Get("client_id") == "":
		return credentials{}, invalidClient("no client authentication")
	case len(found) == 0:
		return credentials{methodNone, form.Get("client_id"), ""}, nil
	}
	cr := found[0]
	if id := form.Get("client_id"); id != "" && cr.id != id {
		// A body that names another client than the credentials is the mix-up that
		// would store a pushed request for the wrong client.
		return credentials{}, invalidClient("client_id does not match the credentials")
	}
	return cr, nil
}

// basic reads an HTTP Basic header. Identifiers and secrets made here need no
// escaping, so that both readings of RFC 6749 §2.3.1 (URL-encoded and not)
// come out the same; foreign ones are decoded if they decode.
func basic(h string) (credentials, error) {
	scheme, rest, _ := strings.Cut(h, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return credentials{}, invalidClient("the Authorization scheme is not supported here")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(rest)
	if err != nil || len(b) > maxParam {
		return credentials{}, invalidClient("malformed Basic credentials")
	}
	id, secret, ok := strings.Cut(string(b), ":")
	if !ok || id == "" || strings.ContainsFunc(string(b), func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return credentials{}, invalidClient("malformed Basic credentials")
	}
	return credentials{methodBasic, unescape(id), unescape(secret)}, nil
}

func unescape(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}
