package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/keys"
	"kejitong/provider/token"
)

// strategy makes and checks the tokens for fosite's handlers, from the request's
// unit. A token's "signature", fosite's storage key, is the token itself.
type strategy struct{ p *Provider }

func (s strategy) AuthorizeCodeSignature(_ context.Context, t string) string { return t }
func (s strategy) AccessTokenSignature(_ context.Context, t string) string   { return t }
func (s strategy) RefreshTokenSignature(_ context.Context, t string) string  { return t }

// GenerateAuthorizeCode derives the code from the grant: the same grant gives
// the same code, so that a browser that submits twice gets one code.
func (s strategy) GenerateAuthorizeCode(ctx context.Context, _ fosite.Requester) (string, string, error) {
	code, err := s.p.codeOf(unitFrom(ctx).grant)
	return code, code, err
}

func (p *Provider) codeOf(g *token.Grant) (string, error) {
	return p.codec.Make(token.Opaque{Kind: token.Code, GrantID: g.ID, ExpiresAt: g.CodeExp}, g.Secret, true)
}

// ValidateAuthorizeCode checks the life of the code (RFC 6749 §4.1.2).
func (s strategy) ValidateAuthorizeCode(ctx context.Context, _ fosite.Requester, _ string) error {
	if u := unitFrom(ctx); !s.p.Now().Before(u.grant.CodeExp) {
		return fosite.ErrTokenExpired
	}
	return nil
}

// GenerateAccessToken makes an opaque or a JWT access token (RFC 9068), as the
// client registered.
func (s strategy) GenerateAccessToken(ctx context.Context, r fosite.Requester) (string, string, error) {
	u := unitFrom(ctx)
	if u.grant == nil { // client_credentials: there is no grant row to share
		g, err := token.NewGrant(u.client.ID, s.p.Now())
		if err != nil {
			return "", "", err
		}
		g.Data.Scopes, g.Data.Audience = r.GetGrantedScopes(), r.GetGrantedAudience()
		u.grant, u.scopes = g, g.Data.Scopes
	}
	exp, err := s.p.accessToken(u)
	if ses := r.GetSession(); ses != nil {
		ses.SetExpiresAt(fosite.AccessToken, time.Now().Add(exp.Sub(s.p.Now()))) // fosite counts expires_in from the real clock
	}
	return u.access, u.access, err
}

// accessToken makes u.access and gives its end.
func (p *Provider) accessToken(u *unit) (exp time.Time, err error) {
	exp = lifeOf(p.Now(), p.Times.Access, u.grant.ExpiresAt)
	if u.client.Metadata.AccessTokenFormat == "jwt" {
		u.access, err = p.jwtAccess(u, exp)
	} else {
		u.access, err = p.opaqueAccess(u, exp)
	}
	return exp, err
}

// carried is what an opaque access token says itself: all that a
// client_credentials token has, and what sets one token of a grant apart from
// its siblings. The MAC covers it.
type carried struct {
	Client   string          `json:"c,omitempty"` // client_credentials alone
	Scopes   []string        `json:"s,omitempty"` // fewer than the grant's
	Audience []string        `json:"a,omitempty"` // other than the grant's
	Details  json.RawMessage `json:"d,omitempty"` // other than the grant's
	Confirm  *confirmation   `json:"f,omitempty"`
}

// confirmation binds a token to a key of its holder (RFC 7800 §3.1): the
// thumbprint of a DPoP key (RFC 9449 §6) or of a client certificate (RFC 8705
// §3.1).
type confirmation struct {
	JKT string `json:"jkt,omitempty"`
	X5T string `json:"x5t#S256,omitempty"`
}

// scheme is the token type of an access token so bound (RFC 9449 §5; RFC 8705
// §3 leaves it at Bearer).
func (c *confirmation) scheme() string {
	if c != nil && c.JKT != "" {
		return "DPoP"
	}
	return "Bearer"
}

func (p *Provider) opaqueAccess(u *unit, exp time.Time) (string, error) {
	o := token.Opaque{Kind: token.Access, GrantID: u.grant.ID, ExpiresAt: exp, Generation: uint32(u.refresh)} //nolint:gosec // generations are small
	c, secret := carried{Details: u.details, Confirm: u.confirm, Audience: u.resources}, u.grant.Secret
	switch {
	case u.grant.Account == "":
		o.Kind, secret = token.Client, nil
		c.Client, c.Scopes = u.client.ID, u.scopes
		if c.Audience == nil {
			c.Audience = u.grant.Data.Audience
		}
	case len(u.scopes) != len(u.grant.Data.Scopes): // narrowed at refresh (RFC 6749 §6)
		c.Scopes = u.scopes
	}
	if !c.empty() {
		extra, err := json.Marshal(c)
		if err != nil {
			return "", fmt.Errorf("access token: %w", err)
		}
		if len(extra) > token.MaxExtra {
			return "", invalidRequest("what the token would have to carry is too long; ask for fewer resources or details")
		}
		o.Extra = extra
	}
	return p.codec.Make(o, secret, false)
}

func (c carried) empty() bool {
	return c.Client == "" && c.Scopes == nil && c.Audience == nil && c.Details == nil && c.Confirm == nil
}

// jwtAccess makes an RFC 9068 access token. Its jti opens with the grant id, so
// that userinfo, introspection and revocation find the grant.
func (p *Provider) jwtAccess(u *unit, exp time.Time) (string, error) {
	c, err := p.accessClaims(u, exp)
	if err != nil {
		return "", err
	}
	alg := keys.Algorithm(u.client.Metadata.AccessTokenAlg)
	if alg == "" {
		alg = keys.ES256
	}
	return p.Keys.Snapshot().Sign(alg, "at+jwt", c)
}

// accessClaims is what a JWT access token says.
func (p *Provider) accessClaims(u *unit, exp time.Time) (claims, error) {
	s, now := p.Keys.Snapshot(), p.Now()
	jti, err := noise(12)
	if err != nil {
		return nil, err
	}
	c := claims{
		"iss": p.Issuer, "exp": exp.Unix(), "iat": now.Unix(), "jti": u.grant.ID + "." + jti,
		"client_id": u.client.ID, "aud": audience(p.Issuer, u.grant), "scope": visibleScope(u.scopes),
	}
	if u.resources != nil {
		c["aud"] = u.resources
	}
	if u.confirm != nil {
		c["cnf"] = u.confirm
	}
	if u.grant.Account == "" {
		c["sub"] = u.client.ID // RFC 9068 §2.2: no resource owner
	} else {
		rel := u.release
		c["sub"] = subjectOf(s, u.client, u.grant.Account)
		c["auth_time"], c["acr"], c["amr"] = u.grant.Data.AuthTime, u.grant.Data.ACR, u.grant.Data.AMR
		if rel.ours() && rel.has("entitlements") {
			c["entitlements"] = entitlement.Names(rel.grants)
		}
		if act := rel.act(); act != nil {
			c["act"] = act
		}
		if d := rel.tokenDetails(u.details); d != nil {
			c["authorization_details"] = d
		}
	}
	return c, nil
}

// authorizationDetails says the same as entitlements in the terms of RFC 9396,
// one entry a system, with the unit the bearer acts for.
func (r *release) authorizationDetails() []claims {
	actions := map[string][]string{}
	for _, name := range entitlement.Names(r.grants) {
		system, action, _ := strings.Cut(name, ":")
		actions[system] = append(actions[system], action)
	}
	var out []claims
	for _, system := range slices.Sorted(maps.Keys(actions)) {
		d := claims{"type": "business_system", "system": system, "actions": actions[system]}
		if r.unit != nil {
			d["on_behalf_of"] = claims{"uscc": string(r.unit.Unit.USCC)}
		}
		out = append(out, d)
	}
	return out
}

// audience is whom an access token is for: the resources asked for, and the
// provider itself where userinfo may be read with it.
func audience(issuer string, g *token.Grant) []string {
	aud := append([]string{}, g.Data.Audience...)
	if len(aud) == 0 || g.Data.Has("openid") {
		aud = append(aud, issuer)
	}
	return aud
}

// ValidateAccessToken is not called: resource endpoints read tokens themselves.
func (s strategy) ValidateAccessToken(context.Context, fosite.Requester, string) error {
	return errUnreachable
}

// GenerateRefreshToken makes the first refresh token of a grant.
func (s strategy) GenerateRefreshToken(ctx context.Context, _ fosite.Requester) (string, string, error) {
	u := unitFrom(ctx)
	u.refresh = 1
	t, err := s.p.refreshToken(u, 1, s.p.Now())
	return t, t, err
}

// refreshToken derives the refresh token of a generation: the same grant,
// generation, time of rotation and key give the same token. A public client's
// is bound to the key of its access token (RFC 9449 §5): nothing else ties it
// to whom it was issued.
func (p *Provider) refreshToken(u *unit, generation int64, rotated time.Time) (string, error) {
	g := u.grant
	o := token.Opaque{
		Kind: token.Refresh, GrantID: g.ID, Generation: uint32(generation), //nolint:gosec // generations are small
		ExpiresAt: lifeOf(rotated.Truncate(time.Second), p.Times.RefreshIdle, g.ExpiresAt),
	}
	if !u.client.Metadata.RotatesRefresh() { // no use of it can prolong it, so the absolute end alone holds
		o.ExpiresAt = g.ExpiresAt
	}
	if u.confirm != nil && u.client.Public() {
		extra, err := json.Marshal(carried{Confirm: u.confirm})
		if err != nil {
			return "", fmt.Errorf("refresh token: %w", err)
		}
		o.Extra = extra
	}
	return p.codec.Make(o, g.Secret, true)
}

// ValidateRefreshToken is not called: refresh.go checks.
func (s strategy) ValidateRefreshToken(context.Context, fosite.Requester, string) error {
	return errUnreachable
}

// GenerateIDToken makes the ID token (OpenID Connect Core §2).
func (s strategy) GenerateIDToken(ctx context.Context, _ time.Duration, _ fosite.Requester) (string, error) {
	u := unitFrom(ctx)
	if u.release == nil {
		return "", errors.New("oidc: id token without a release")
	}
	text, err := s.p.idToken(u)
	if err != nil {
		return "", err
	}
	return s.p.sealIDToken(ctx, u.client, text)
}

// idToken is the signed ID token; what goes out goes through sealIDToken.
func (p *Provider) idToken(u *unit) (string, error) {
	c, alg, err := p.idTokenClaims(u)
	if err != nil {
		return "", err
	}
	return p.Keys.Snapshot().Sign(alg, "JWT", c)
}

// idTokenClaims is what the ID token says, and under which algorithm.
func (p *Provider) idTokenClaims(u *unit) (claims, keys.Algorithm, error) {
	now, g, s := p.Now(), u.grant, p.Keys.Snapshot()
	jti, err := noise(12)
	if err != nil {
		return nil, "", err
	}
	alg := idTokenAlg(u.client)
	c := u.release.idToken()
	merge(c, claims{
		"iss": p.Issuer, "aud": u.client.ID, "exp": now.Add(p.Times.IDToken).Unix(), "iat": now.Unix(), "jti": jti,
		"auth_time": g.Data.AuthTime, "acr": g.Data.ACR, "amr": g.Data.AMR, "azp": u.client.ID,
	})
	if g.SessionID != "" {
		c["sid"] = sidOf(s, u.client.ID, g.SessionID)
	}
	if u.presented.Kind != token.Refresh { // OpenID Connect Core §12.2: none in the ID token of a refresh
		put(c, "nonce", g.Data.Nonce)
	}
	if u.access != "" {
		c["at_hash"] = tokenHash(alg, u.access)
	}
	if u.code != "" { // OpenID Connect Core §3.3.2.11
		c["c_hash"] = tokenHash(alg, u.code)
	}
	if u.state != "" { // FAPI 1.0 Advanced §5.1.1: so the state is under the signature, too
		c["s_hash"] = tokenHash(alg, u.state)
	}
	return c, alg, nil
}

func idTokenAlg(c *client.Client) keys.Algorithm {
	a := keys.Algorithm(c.Metadata.IDTokenSignedResponseAlg)
	switch {
	case c.Metadata.FAPI() && (a == "" || a == keys.RS256): // FAPI 2.0 Security Profile §5.4.1
		return keys.PS256
	case a == "":
		return keys.RS256
	}
	return a
}

// tokenHash is at_hash, c_hash and s_hash: the left half of the hash that the signing
// algorithm uses; Ed25519 uses SHA-512 (OpenID Connect Core §3.1.3.6).
func tokenHash(alg keys.Algorithm, t string) string {
	if alg == keys.EdDSA {
		sum := sha512.Sum512([]byte(t))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(t))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func noise(n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("oidc: random: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// visibleScope is the scope parameter of answers: without the marks that only
// the grant needs.
func visibleScope(scopes []string) string {
	var out []string
	for _, s := range scopes {
		if !strings.HasPrefix(s, claimMark) {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}
