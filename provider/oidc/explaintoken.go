package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/diagnosis"
	"kejitong/provider/token"
)

// explainToken finds the reason why the token endpoint refuses a client that is
// known, from what was read for it. fosite's handlers have one answer for most
// of them, and so has RFC 6749 §5.2.
func (p *Provider) explainToken(u *unit, form url.Values, err error) error {
	var x explained
	if p.Notes == nil || u.client == nil || errors.As(err, &x) {
		return blame(u.client, err)
	}
	e, _, ok := asProtocol(err)
	if !ok {
		return err
	}
	m, grant := &u.client.Metadata, form.Get("grant_type")
	switch e.code {
	case "unauthorized_client", "unsupported_grant_type":
		err = because(err, diagnosis.GrantType, strings.Join(m.GrantTypes, " "), orNone(grant))
	case "invalid_scope":
		may := m.Scope
		if u.grant != nil {
			may = visibleScope(u.grant.Data.Scopes)
		}
		err = because(err, diagnosis.Scope, may, form.Get("scope"))
	case "invalid_target":
		may := m.Audience
		if u.grant != nil {
			may = audience(p.Issuer, u.grant)
		}
		err = because(err, diagnosis.Resource, strings.Join(may, " "), strings.Join(form["resource"], " "))
	case "invalid_grant":
		switch grant {
		case client.GrantCode:
			err = p.explainCode(u, form, err, e)
		case client.GrantRefresh:
			err = p.explainRefresh(u, err, e)
		}
	}
	return blame(u.client, err)
}

func (p *Provider) explainCode(u *unit, form url.Values, err error, e oauthError) error {
	if u.held == nil {
		return because(err, diagnosis.CodeUnknown, "", "")
	}
	g, now := &u.held.Grant, p.Now()
	if u.replay || g.CodeSpent || e.description == codeUsed {
		return because(err, diagnosis.CodeUsed, "1", "2")
	}
	if end := u.presented.ExpiresAt; !now.Before(end) {
		return because(err, diagnosis.CodeExpired, seconds(p.Times.Code), seconds(p.Times.Code+now.Sub(end)))
	}
	if sent := form.Get("redirect_uri"); g.Data.RedirectURI != "" && sent != g.Data.RedirectURI {
		return because(err, diagnosis.RedirectAgain, g.Data.RedirectURI, orNone(sent))
	}
	if u.burn {
		return because(err, diagnosis.PKCEMismatch, "S256 "+shortened(g.Data.Challenge), verifierSent(form.Get("code_verifier")))
	}
	return because(err, diagnosis.GrantEnded, "", e.description)
}

func (p *Provider) explainRefresh(u *unit, err error, e oauthError) error {
	if u.held == nil {
		return because(err, diagnosis.RefreshUnknown, "", "")
	}
	if u.presented.Kind == token.Refresh && int64(u.presented.Generation) < u.grant.Generation {
		return because(err, diagnosis.RefreshReused, strconv.FormatInt(u.grant.Generation, 10), strconv.FormatUint(uint64(u.presented.Generation), 10))
	}
	return because(err, diagnosis.GrantEnded, "", e.description)
}

// shortened is enough of a challenge to see whether two are the same one.
func shortened(challenge string) string {
	if len(challenge) < 8 {
		return orNone(challenge)
	}
	return challenge[:8] + "…"
}

// verifierSent describes a code_verifier by what it hashes to and its length,
// never by itself.
func verifierSent(v string) string {
	if v == "" {
		return "-"
	}
	sum := sha256.Sum256([]byte(v))
	return "S256 " + shortened(base64.RawURLEncoding.EncodeToString(sum[:])) + " (" + strconv.Itoa(len(v)) + ")"
}

// seconds writes a span of time in whole seconds.
func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) + " s" }
