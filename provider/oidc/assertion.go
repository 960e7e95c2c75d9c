package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/provider/fault"
)

// The algorithms of client assertions (RFC 7523): those of private_key_jwt, and
// the one of client_secret_jwt.
var (
	assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
	anyAssertion        = append(slices.Clone(assertionAlgorithms), secretAlgorithm)
)

const secretAlgorithm = jose.HS256

const (
	maxAssertion    = 16 << 10
	maxAssertionAge = 5 * time.Minute
)

// byAssertion authenticates by private_key_jwt or client_secret_jwt (RFC 7523
// §3, OpenID Connect Core §9). The jti is recorded last, when signature, audience and times have
// passed: a forger must not be able to use up somebody else's.
func (p *Provider) byAssertion(ctx context.Context, r *http.Request, cr credentials) (*client.Client, error) {
	refused := invalidClient("the client assertion is not acceptable")
	if len(cr.secret) > maxAssertion || !plainHeader(cr.secret) {
		return nil, refused
	}
	parsed, err := jwt.ParseSigned(cr.secret, anyAssertion)
	if err != nil || len(parsed.Headers) != 1 {
		return nil, refused
	}
	var claims jwt.Claims
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil || claims.Subject == "" {
		return nil, refused
	}
	if claims.Issuer != claims.Subject || cr.id != "" && cr.id != claims.Subject {
		return nil, refused
	}
	c, err := p.Clients.Find(ctx, claims.Subject)
	if fault.Is(err, fault.NotFound) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	if !p.signedBy(ctx, c, parsed) {
		return nil, blame(c, p.unverified(refused, c, parsed.Headers[0]))
	}
	if !p.audienceFits(c, r, cr.secret, claims.Audience) {
		return nil, blame(c, because(refused, diagnosis.Audience, p.Issuer, orNone(strings.Join(claims.Audience, " "))))
	}
	if !p.timely(claims) {
		return nil, blame(c, p.untimely(refused, claims))
	}
	if claims.ID == "" || len(claims.ID) > 512 {
		return nil, blame(c, because(refused, diagnosis.Assertion, "jti", "-"))
	}
	fresh, err := p.Grants.UseAssertion(ctx, c.ID, claims.ID, claims.Expiry.Time().Add(p.Times.Skew), p.Now())
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, blame(c, because(invalidClient("the client assertion was used before"), diagnosis.Assertion, "jti: 1", "jti: 2"))
	}
	return c, nil
}

// signedBy verifies an assertion. The registered method alone decides what kind
// of key is tried, and under which algorithms: a public key is never a secret
// (RFC 8725 §2.1, §3.1).
func (p *Provider) signedBy(ctx context.Context, c *client.Client, a *jwt.JSONWebToken) bool {
	alg := a.Headers[0].Algorithm
	if want := c.Metadata.TokenEndpointAuthAlg; want != "" && want != alg {
		return false
	}
	try := func(key any) bool { return a.Claims(key, &jwt.Claims{}) == nil }
	switch c.Metadata.TokenEndpointAuthMethod {
	case client.AuthJWT:
		// FAPI 2.0 Security Profile §5.4.1 leaves RS256 out.
		return slices.Contains(c.Metadata.SigningAlgorithms(), alg) && p.verifies(ctx, keysOf(c), a.Headers[0].KeyID, alg, try)
	case client.AuthSecretJWT:
		secrets, err := c.Recover(p.Keys.Snapshot(), p.Now())
		return err == nil && alg == string(secretAlgorithm) && slices.ContainsFunc(secrets, func(s string) bool { return try([]byte(s)) })
	}
	return false
}

// timely: exp is required and near; iat and nbf may run ahead by the skew.
func (p *Provider) timely(c jwt.Claims) bool {
	now, skew := p.Now(), p.Times.Skew
	if c.Expiry == nil || !now.Before(c.Expiry.Time().Add(skew)) || c.Expiry.Time().After(now.Add(maxAssertionAge+skew)) {
		return false
	}
	for _, t := range []*jwt.NumericDate{c.IssuedAt, c.NotBefore} {
		if t != nil && t.Time().After(now.Add(skew)) {
			return false
		}
	}
	return true
}

// audienceFits: the issuer or the URL of the endpoint; for clients that
// registered strictness the issuer alone, as a string and not an array.
func (p *Provider) audienceFits(c *client.Client, r *http.Request, raw string, aud jwt.Audience) bool {
	if c.Metadata.IssuerAudienceOnly() {
		return len(aud) == 1 && aud[0] == p.Issuer && !audienceIsArray(raw)
	}
	for _, a := range aud {
		if a == p.Issuer || a == p.Issuer+"/oauth2/token" || a == p.Issuer+r.URL.Path ||
			p.MTLS.Base != "" && (a == p.MTLS.Base+"/oauth2/token" || a == p.MTLS.Base+r.URL.Path) {
			return true
		}
	}
	return false
}

func audienceIsArray(raw string) bool {
	parts := strings.Split(raw, ".")
	var body struct {
		Aud json.RawMessage `json:"aud"`
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err != nil || json.Unmarshal(b, &body) != nil || len(body.Aud) == 0 || body.Aud[0] == '['
}

// plainHeader refuses headers that bring their own key or ask for processing
// that is not understood (RFC 8725 §3.10).
func plainHeader(compact string) bool {
	head, _, ok := strings.Cut(compact, ".")
	if !ok {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var h map[string]json.RawMessage
	if json.Unmarshal(b, &h) != nil {
		return false
	}
	for _, name := range []string{"jwk", "jku", "x5u", "x5c", "crit", "b64"} {
		if _, there := h[name]; there {
			return false
		}
	}
	return true
}
