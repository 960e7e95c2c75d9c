package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/provider/web"
)

// Noter takes down why requests of a client failed, for the people behind it. It
// must return at once.
type Noter interface{ Note(diagnosis.Event) }

// explained is an error that knows whose request failed and why: what was
// expected, and what came. The asker is told none of it.
type explained struct {
	error
	client             string
	kind               diagnosis.Kind
	expected, received string
}

// Unwrap gives the error itself.
func (e explained) Unwrap() error { return e.error }

// because gives err the reason that the client's people will read.
func because(err error, kind diagnosis.Kind, expected, received string) error {
	return explained{error: err, kind: kind, expected: expected, received: received}
}

// blame says whose request failed, unless the error knows. An error without a
// reason of its own has that of its code.
func blame(c *client.Client, err error) error {
	if err == nil || c == nil {
		return err
	}
	var x explained
	if !errors.As(err, &x) {
		e, _, ok := asProtocol(err)
		if !ok || e.status >= http.StatusInternalServerError {
			return err
		}
		kind, there := usual[e.code]
		if !there {
			return err
		}
		x = explained{kind: kind, expected: e.description}
	}
	if x.client == "" {
		x.client = c.ID
	}
	x.error = err
	return x
}

// usual is the reason of an error that gives none. What is missing here is no
// fault of the client: that its user declined or has to be asked, that a device
// polls, that a nonce is new.
var usual = map[string]diagnosis.Kind{
	"invalid_request": diagnosis.Parameter, "invalid_scope": diagnosis.Scope, "unauthorized_client": diagnosis.GrantType,
	"unsupported_grant_type": diagnosis.GrantType, "unsupported_response_type": diagnosis.ResponseType, "invalid_target": diagnosis.Resource,
	"invalid_request_object": diagnosis.RequestObject, "invalid_request_uri": diagnosis.RequestURI, "request_not_supported": diagnosis.RequestObject,
	"request_uri_not_supported": diagnosis.RequestURI, "invalid_dpop_proof": diagnosis.DPoP, "invalid_client": diagnosis.Method,
	"invalid_authorization_details": diagnosis.Parameter, "invalid_grant": diagnosis.GrantEnded, "registration_not_supported": diagnosis.Parameter,
	"insufficient_scope": diagnosis.Scope,
}

// note hands the reason of a refusal on, if it has one and a client.
func (p *Provider) note(r *http.Request, err error, code string) {
	var x explained
	if p.Notes == nil || !errors.As(err, &x) || x.client == "" {
		return
	}
	p.Notes.Note(diagnosis.Event{
		Client: x.client, Kind: x.kind, Endpoint: r.URL.Path, Error: code, Expected: x.expected, Received: x.received, Request: web.RequestID(r.Context()),
	})
}

// noteIgnored says which scopes a request does not get, though it does not fail
// for them.
func (p *Provider) noteIgnored(r *http.Request, a *asked) {
	sent := strings.Fields(a.form.Get("scope"))
	if p.Notes == nil || len(sent) <= len(a.scopes) {
		return
	}
	var ignored []string
	for _, s := range sent {
		if !slices.Contains(a.scopes, s) && !slices.Contains(ignored, s) {
			ignored = append(ignored, s)
		}
	}
	if len(ignored) == 0 {
		return
	}
	p.note(r, explained{client: a.client.ID, kind: diagnosis.ScopeIgnored, expected: a.client.Metadata.Scope, received: strings.Join(ignored, " ")}, "")
}

// suspect is the active client that a request names without having proved
// anything, nil if there is none: it can be told, but not held responsible.
func (p *Provider) suspect(ctx context.Context, id string) *client.Client {
	if p.Notes == nil || id == "" {
		return nil
	}
	c, err := p.Clients.Find(ctx, id)
	if err != nil {
		return nil
	}
	return c
}

// orNone names what is missing.
func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// methodOf is the registered authentication method, or the default.
func methodOf(c *client.Client) string {
	if m := c.Metadata.TokenEndpointAuthMethod; m != "" {
		return m
	}
	return methodBasic
}

// reworded is another error with the reason of err.
func reworded(err, other error) error {
	var x explained
	if !errors.As(err, &x) {
		return other
	}
	x.error = other
	return x
}

// unverified says why no key of the client fits a signature: which keys there
// are, which one the header names, or that its jwks_uri gave none.
func (p *Provider) unverified(err error, c *client.Client, head jose.Header) error {
	kids := func(set jose.JSONWebKeySet) string {
		var out []string
		for _, k := range set.Keys {
			out = append(out, orNone(k.KeyID))
		}
		return orNone(strings.Join(out, ", "))
	}
	m := &c.Metadata
	alg := m.TokenEndpointAuthAlg
	if alg == "" {
		alg = strings.Join(m.SigningAlgorithms(), ", ")
	}
	known := "-"
	switch {
	case m.TokenEndpointAuthMethod == client.AuthSecretJWT:
		alg, known = string(secretAlgorithm), "client_secret"
	case len(m.JWKS) > 0:
		var set jose.JSONWebKeySet
		_ = json.Unmarshal(m.JWKS, &set) // it was read when it was registered
		known = kids(set)
	case m.JWKSURI != "":
		set, failed := p.jwks.held(m.JWKSURI)
		if failed {
			return because(err, diagnosis.Keys, m.JWKSURI, kids(set))
		}
		known = kids(set)
	}
	return because(err, diagnosis.Signature, "alg: "+alg+"; kid: "+known, "alg: "+head.Algorithm+"; kid: "+orNone(head.KeyID))
}

// untimely says by how much the times of a JWT are off, in seconds from now.
func (p *Provider) untimely(err error, c jwt.Claims) error {
	now := p.Now()
	off := func(name string, t *jwt.NumericDate) string {
		if t == nil {
			return name + ": -"
		}
		return fmt.Sprintf("%s: %+d s", name, int64(t.Time().Sub(now).Seconds()))
	}
	skew := int64(p.Times.Skew.Seconds())
	return because(err, diagnosis.Clock, fmt.Sprintf("iat, nbf ≤ +%d s; exp > -%d s", skew, skew),
		strings.Join([]string{off("iat", c.IssuedAt), off("nbf", c.NotBefore), off("exp", c.Expiry)}, "; "))
}
