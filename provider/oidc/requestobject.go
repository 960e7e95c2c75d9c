package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
)

// requestAlgorithms are the algorithms of request objects. An object proves
// that the client itself made the request, so none is not among them.
var requestAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

const (
	maxObjectAge     = 10 * time.Minute // until exp, where exp is required
	maxFAPIObjectAge = time.Hour        // FAPI 2.0 Message Signing §5.3.1: from nbf to exp, and since nbf
)

func invalidObject(why string) error {
	return oauthError{"invalid_request_object", http.StatusBadRequest, why}
}

// mustSign tells whether the client's requests count only inside a request
// object (RFC 9101 §10.5, FAPI 2.0 Message Signing §5.3.2).
func mustSign(c *client.Client) bool {
	return c.Metadata.RequireSignedRequestObject || c.Metadata.SecurityProfile == client.FAPI2Signed
}

// mustPush tells whether the client's requests count only when they were pushed
// (RFC 9126 §5 and §6, FAPI 2.0 Security Profile §5.3.2.2).
func (p *Provider) mustPush(c *client.Client) bool {
	return p.Features.RequirePAR || c.Metadata.PushedOnly()
}

// received examines a request as it came to the authorization endpoint: its own
// parameters, or those of its request object (RFC 9101 §5, OpenID Connect Core
// §6). An error of the object goes to the redirect URI in it if its signature
// was good, else to the one beside it, else nowhere.
func (p *Provider) received(ctx context.Context, form url.Values) (*asked, error) {
	c, err := p.askingClient(ctx, form)
	if err != nil {
		return nil, err
	}
	signed := form.Get("request") != "" || form.Get("request_uri") != ""
	switch {
	case p.mustPush(c):
		err = invalidRequest("this client must use pushed authorization requests")
	case !signed && mustSign(c):
		err = invalidRequest("this client must send its requests in a signed request object")
	case !signed:
		return p.examine(ctx, form)
	}
	var inner url.Values
	if err == nil {
		if inner, err = p.unfold(ctx, c, form); err == nil {
			return p.examine(ctx, inner)
		}
	}
	if inner != nil {
		if a, misplaced := p.addressed(c, inner); misplaced == nil {
			return a, err
		}
	}
	a, misplaced := p.addressed(c, form)
	if misplaced != nil {
		return nil, misplaced
	}
	return a, err
}

// unfold gives the parameters that a request with an object stands for. It
// gives them beside an error, too, if the client did sign them.
func (p *Provider) unfold(ctx context.Context, c *client.Client, form url.Values) (url.Values, error) {
	outer := only(form, authorizeParams)
	if err := checkForm(outer); err != nil {
		return nil, err
	}
	object, reference := outer.Get("request"), outer.Get("request_uri")
	if object != "" && reference != "" { // RFC 9101 §5
		return nil, invalidRequest("request and request_uri exclude each other")
	}
	if reference != "" {
		var err error
		if object, err = p.fetchObject(ctx, c, reference); err != nil {
			return nil, err
		}
	}
	// RFC 9101 §6.3: what stands outside does not count. OpenID Connect Core §6.1
	// completes an OpenID request from it, which is harmless where the same
	// client may send requests that are not signed at all, and only there.
	if mustSign(c) || !slices.Contains(strings.Fields(outer.Get("scope")), "openid") {
		outer = nil
	}
	return p.openObject(ctx, c, object, outer)
}

// openObject verifies a request object of client c and gives the parameters in it,
// completed by those outside of it if there are any.
func (p *Provider) openObject(ctx context.Context, c *client.Client, object string, outer url.Values) (url.Values, error) {
	said, members, err := p.verifyObject(ctx, c, object)
	if err != nil {
		return nil, err
	}
	inner, err := parametersIn(members)
	if err != nil {
		return nil, err
	}
	if id, there := inner["client_id"]; there && id[0] != c.ID || !there && outer == nil { // RFC 9101 §6.3
		return nil, invalidObject("the client_id in the request object is missing or another one")
	}
	if outer != nil {
		err = complete(inner, outer)
	}
	inner.Set("client_id", c.ID)
	for _, name := range []string{"request", "request_uri"} { // RFC 9101 §4: they must not be in it
		if inner.Has(name) {
			err = invalidObject("a request object must not hold request or request_uri")
		}
	}
	if err == nil {
		err = p.checkParties(c, said)
	}
	if err == nil {
		err = p.checkObjectTimes(c, said, slices.Contains(strings.Fields(inner.Get("scope")), "openid"))
	}
	inner.Del("request")
	inner.Del("request_uri")
	return inner, err
}

// verifyObject checks header and signature (RFC 9101 §6.2) and gives what is
// inside: the members of RFC 7519, and all of them.
func (p *Provider) verifyObject(ctx context.Context, c *client.Client, object string) (jwt.Claims, map[string]json.RawMessage, error) {
	var said jwt.Claims
	refused := invalidObject("the request object is not acceptable")
	if len(object) > maxAssertion || !plainHeader(object) {
		return said, nil, refused
	}
	parsed, err := jwt.ParseSigned(object, requestAlgorithms)
	if err != nil || len(parsed.Headers) != 1 || !requestType(parsed.Headers[0]) {
		return said, nil, refused
	}
	head := parsed.Headers[0]
	if want := c.Metadata.RequestObjectSigningAlg; want != "" && want != head.Algorithm { // OpenID Connect Registration §2
		return said, nil, because(invalidObject("the request object is not signed with the registered algorithm"), diagnosis.Signature, "alg: "+want, "alg: "+head.Algorithm)
	}
	if c.Metadata.FAPI() && head.Algorithm == string(jose.RS256) { // FAPI 2.0 Security Profile §5.4.1
		return said, nil, invalidObject("the request object must be signed with PS256, ES256 or EdDSA")
	}
	var members map[string]json.RawMessage
	if !p.verifies(ctx, keysOf(c), head.KeyID, head.Algorithm, func(key any) bool {
		said, members = jwt.Claims{}, nil
		return parsed.Claims(key, &said, &members) == nil
	}) {
		return said, nil, p.unverified(refused, c, head)
	}
	return said, members, nil
}

// requestType: RFC 9101 §10.8: another kind of JWT that the client signed is no
// request. Untyped ones and "JWT" are older than that rule.
func requestType(h jose.Header) bool {
	v, there := h.ExtraHeaders[jose.HeaderType]
	if !there {
		return true
	}
	s, _ := v.(string)
	s = strings.TrimPrefix(strings.ToLower(s), "application/") // RFC 7515 §4.1.9
	return s == "jwt" || s == "oauth-authz-req+jwt"
}

// structured are the parameters that are JSON themselves; several are those
// that an array repeats (RFC 8707 §2).
var (
	structured = []string{"claims", "authorization_details", "registration"}
	several    = []string{"resource", "audience"}
)

// parametersIn turns the members of an object into parameters (RFC 9101 §4):
// numbers as they are written, objects as JSON.
func parametersIn(members map[string]json.RawMessage) (url.Values, error) {
	out := url.Values{}
	for _, name := range authorizeParams {
		raw := bytes.TrimSpace(members[name])
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) || bytes.Equal(raw, []byte(`""`)) {
			continue
		}
		var list []string
		switch c := raw[0]; {
		case c == '"':
			list = make([]string, 1)
			if json.Unmarshal(raw, &list[0]) != nil {
				return nil, invalidObject("the request object is not acceptable")
			}
		case (c == '{' || c == '[') && slices.Contains(structured, name):
			list = []string{string(raw)}
		case c == '[' && slices.Contains(several, name):
			if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
				return nil, invalidObject("a list in the request object holds something else than strings")
			}
		case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f':
			list = []string{string(raw)}
		default:
			return nil, invalidObject("a parameter in the request object is neither text nor number")
		}
		out[name] = list
	}
	return out, nil
}

// complete adds to an OpenID request what stands outside of its object (OpenID
// Connect Core §6.1). response_type must agree, and openid must be on both
// sides, or the object turns the request into another kind.
func complete(inner, outer url.Values) error {
	if both(inner, outer, "response_type") && inner.Get("response_type") != outer.Get("response_type") {
		return invalidObject("the response_type in the request object is another one")
	}
	if inner.Has("scope") && !slices.Contains(strings.Fields(inner.Get("scope")), "openid") {
		return invalidObject("the scope in the request object lacks openid")
	}
	for name, values := range outer {
		if !inner.Has(name) && name != "request" && name != "request_uri" {
			inner[name] = values
		}
	}
	return nil
}

func both(a, b url.Values, name string) bool { return a.Has(name) && b.Has(name) }

// checkParties: who made the object, and for whom (RFC 9101 §4, §10.8).
func (p *Provider) checkParties(c *client.Client, said jwt.Claims) error {
	switch m := &c.Metadata; {
	case said.Issuer != "" && said.Issuer != c.ID, said.Issuer == "" && m.SecurityProfile == client.FAPI2Signed:
		return invalidObject("iss in the request object is not the client")
	case len(said.Audience) > 0 && !slices.Contains(said.Audience, p.Issuer), len(said.Audience) == 0 && (m.FAPI() || mustSign(c)):
		return because(invalidObject("aud in the request object is not this issuer"), diagnosis.Audience, p.Issuer, orNone(strings.Join(said.Audience, " ")))
	case said.Subject == c.ID: // a client assertion is no request
		return invalidObject("sub in the request object is the client")
	}
	return nil
}

// checkObjectTimes: clocks may differ by the skew. An OpenID request needs no
// exp (OpenID Connect Core §6.1); all others, and clients that must sign, bound
// the life of what they sign.
func (p *Provider) checkObjectTimes(c *client.Client, said jwt.Claims, openID bool) error {
	now, skew := p.Now(), p.Times.Skew
	for _, t := range []*jwt.NumericDate{said.IssuedAt, said.NotBefore} {
		if t != nil && t.Time().After(now.Add(skew)) {
			return p.untimely(invalidObject("the request object is not valid yet"), said)
		}
	}
	if said.Expiry != nil && !now.Before(said.Expiry.Time().Add(skew)) {
		return p.untimely(invalidObject("the request object has expired"), said)
	}
	switch {
	case c.Metadata.FAPI(): // FAPI 2.0 Message Signing §5.3.1
		if said.Expiry == nil || said.NotBefore == nil {
			return p.untimely(invalidObject("the request object needs exp and nbf"), said)
		}
		// Since it has not expired, nbf is no older than that either.
		if said.Expiry.Time().After(said.NotBefore.Time().Add(maxFAPIObjectAge)) {
			return p.untimely(invalidObject("the request object lives too long"), said)
		}
	case mustSign(c) || !openID:
		if said.Expiry == nil || said.Expiry.Time().After(now.Add(maxObjectAge+skew)) {
			return p.untimely(invalidObject("the request object needs an exp within ten minutes"), said)
		}
	}
	return nil
}
