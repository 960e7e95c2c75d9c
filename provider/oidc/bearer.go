package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// access is an access token that was looked into.
type access struct {
	client   *client.Client
	held     *principal.Held // nil for client_credentials
	grantID  string
	scopes   []string
	audience []string
	expires  time.Time
	details  json.RawMessage // authorization_details that the token carries itself
	confirm  *confirmation   // the key that the holder must prove
	issued   time.Time       // zero for opaque tokens
	jwt      claims          // the claims of a JWT access token
}

var errNoToken = errors.New("oidc: not a live access token")

// look reads an access token of any form and decides whether it lives now: the
// token itself, its client, its grant, its account, its session. errNoToken if
// not; other errors are failures of ours.
func (p *Provider) look(ctx context.Context, text string) (*access, error) {
	a, err := p.read(ctx, text)
	if err != nil {
		return nil, err
	}
	if a.held == nil {
		revoked, err := p.Grants.Revoked(ctx, a.grantID)
		if err != nil {
			return nil, err
		}
		if revoked {
			return nil, errNoToken
		}
		return a, nil
	}
	h := a.held
	if !p.lives(a.client, h) {
		return nil, errNoToken
	}
	return a, p.descends(ctx, &h.Grant)
}

// read takes the token apart and finds its grant and client, whatever their
// state.
func (p *Provider) read(ctx context.Context, text string) (*access, error) {
	var a *access
	var err error
	if strings.Count(text, ".") == 2 {
		a, err = p.readJWT(ctx, text)
	} else {
		a, err = p.readOpaque(ctx, text)
	}
	if err != nil {
		return nil, err
	}
	id := ""
	if a.held != nil {
		id = a.held.Grant.Client
	} else {
		id = a.jwtOr("client_id")
	}
	a.client, err = p.Clients.Find(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, errNoToken
	}
	if err != nil {
		return nil, err
	}
	a.scopes = stillRegistered(a.client, a.scopes)
	return a, nil
}

// stillRegistered leaves out the scopes that were taken from the client since
// the grant was made.
func stillRegistered(c *client.Client, scopes []string) []string {
	registered := strings.Fields(c.Metadata.Scope)
	out := make([]string, 0, len(scopes))
	for _, s := range scopes {
		if slices.Contains(registered, strings.TrimPrefix(s, claimMark)) {
			out = append(out, s)
		}
	}
	return out
}

func (a *access) jwtOr(name string) string {
	s, _ := a.jwt[name].(string)
	return s
}

func (p *Provider) readOpaque(ctx context.Context, text string) (*access, error) {
	o, err := p.codec.Parse(text, p.Now(), token.Access, token.Client)
	if err != nil {
		return nil, errNoToken
	}
	a := &access{grantID: o.GrantID, expires: o.ExpiresAt}
	var c carried
	if len(o.Extra) > 0 && json.Unmarshal(o.Extra, &c) != nil {
		return nil, errNoToken
	}
	a.scopes, a.audience, a.details, a.confirm = c.Scopes, c.Audience, c.Details, c.Confirm
	if o.Kind == token.Client {
		a.jwt = claims{"client_id": c.Client}
		if len(a.audience) == 0 {
			a.audience = []string{p.Issuer}
		}
		return a, nil
	}
	h, err := p.Principals.ByGrant(ctx, o.GrantID)
	if fault.Is(err, fault.NotFound) || err == nil && !o.Proves(h.Grant.Secret) {
		return nil, errNoToken
	}
	if err != nil {
		return nil, err
	}
	a.held = &h
	if a.scopes == nil {
		a.scopes = h.Grant.Data.Scopes
	}
	if a.audience == nil {
		a.audience = audience(p.Issuer, &h.Grant)
	}
	return a, nil
}

func (p *Provider) readJWT(ctx context.Context, text string) (*access, error) {
	body, ok := verified(p.Keys.Snapshot(), text, "at+jwt")
	if !ok {
		return nil, errNoToken
	}
	var m struct {
		Issuer  string    `json:"iss"`
		ID      string    `json:"jti"`
		Scope   string    `json:"scope"`
		Client  string    `json:"client_id"`
		Subject string    `json:"sub"`
		Aud     audiences `json:"aud"`
		Exp     int64     `json:"exp"`
		Iat     int64     `json:"iat"`

		Confirm *confirmation   `json:"cnf"`
		Details json.RawMessage `json:"authorization_details"`
	}
	if json.Unmarshal(body, &m) != nil || m.Issuer != p.Issuer || p.Now().Unix() >= m.Exp {
		return nil, errNoToken
	}
	grantID, _, ok := strings.Cut(m.ID, ".")
	if !ok {
		return nil, errNoToken
	}
	a := &access{grantID: grantID, scopes: strings.Fields(m.Scope), audience: m.Aud, expires: time.Unix(m.Exp, 0), issued: time.Unix(m.Iat, 0)}
	a.jwt, a.confirm, a.details = claims{"client_id": m.Client, "jti": m.ID}, m.Confirm, m.Details
	if m.Subject == m.Client {
		return a, nil
	}
	h, err := p.Principals.ByGrant(ctx, grantID)
	if fault.Is(err, fault.NotFound) || err == nil && h.Grant.Client != m.Client {
		return nil, errNoToken
	}
	if err != nil {
		return nil, err
	}
	a.held = &h
	for _, s := range h.Grant.Data.Scopes { // marks are not written into the token
		if strings.HasPrefix(s, claimMark) {
			a.scopes = append(a.scopes, s)
		}
	}
	return a, nil
}

func (a *access) has(scope string) bool { return slices.Contains(a.scopes, scope) }

// holder is the access token of a resource request, if it lives and whoever
// shows it may: the one entrance to every endpoint that takes access tokens.
func (p *Provider) holder(w http.ResponseWriter, r *http.Request) (*access, error) {
	s, err := presentedToken(w, r)
	if err != nil {
		return nil, err
	}
	a, err := p.look(r.Context(), s.text)
	if errors.Is(err, errNoToken) {
		return nil, oauthError{"invalid_token", http.StatusUnauthorized, "the access token is invalid, expired or revoked"}
	}
	if err != nil {
		return nil, err
	}
	return a, blame(a.client, p.checkHolder(w, r, a, s))
}

// shown is an access token as a request shows it.
type shown struct {
	text string
	dpop bool // by the scheme DPoP (RFC 9449 §7.1)
}

// presentedToken finds the access token of a resource request: in the header,
// or for POST in the form, never in the URL (RFC 6750 §2; RFC 9700 §4.3.2).
func presentedToken(w http.ResponseWriter, r *http.Request) (shown, error) {
	none := oauthError{"", http.StatusUnauthorized, "no access token"}
	if r.URL.RawQuery != "" && r.URL.Query().Has("access_token") {
		return shown{}, oauthError{"invalid_request", http.StatusBadRequest, "an access token must not be in the URL"}
	}
	var found []shown
	for _, h := range r.Header.Values("Authorization") {
		scheme, t, _ := strings.Cut(h, " ")
		dpop := strings.EqualFold(scheme, "DPoP")
		if !dpop && !strings.EqualFold(scheme, "Bearer") || t == "" {
			return shown{}, none
		}
		found = append(found, shown{t, dpop})
	}
	if r.Method == http.MethodPost && mediaType(r) == formType {
		r.Body = http.MaxBytesReader(w, r.Body, maxTokenBody)
		if r.ParseForm() != nil || checkForm(r.PostForm) != nil {
			return shown{}, invalidRequest("the body is not a well-formed form")
		}
		if t := r.PostForm.Get("access_token"); t != "" {
			found = append(found, shown{t, false})
		}
	}
	switch len(found) {
	case 0:
		return shown{}, none
	case 1:
		return found[0], nil
	}
	return shown{}, invalidRequest("several access tokens")
}
