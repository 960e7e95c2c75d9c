package relyingparty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// refresh trades the session's refresh token for new tokens and reads the
// person, the unit and the grants anew.
func (v *server) refresh(w http.ResponseWriter, r *http.Request) {
	one, ok := v.current(r)
	if !ok {
		v.refuse(w, r, notSignedIn())
		return
	}
	// Two clicks must not spend one refresh token twice: the provider would
	// take the second for theft and end the whole family.
	select {
	case one.turn <- struct{}{}:
		defer func() { <-one.turn }()
	case <-r.Context().Done():
		return
	}
	if one, ok = v.current(r); !ok {
		v.refuse(w, r, notSignedIn())
		return
	}
	if one.refresh == "" {
		v.refuse(w, r, noRefreshToken())
		return
	}
	p, err := v.discovery.find(r.Context())
	if err != nil {
		v.refuse(w, r, providerDown(r, err))
		return
	}
	// Once sent, the token is spent: the answer is wanted even if the browser
	// has gone away.
	ctx := context.WithoutCancel(r.Context())
	token, err := v.oauth(p).TokenSource(v.outbound(ctx), &oauth2.Token{RefreshToken: one.refresh}).Token()
	if err != nil {
		if refusedBy(err) == "invalid_grant" {
			v.sessions.end(one.hash, "")
		}
		v.refuse(w, r, exchangeFailed(r, err))
		return
	}
	renewed, refused := v.renew(ctx, p, one, token)
	if refused != nil {
		v.sessions.end(one.hash, "")
		v.refuse(w, r, refused)
		return
	}
	renewed.note = "令牌已于 " + beijing(v.Now()) + " 刷新，身份、单位与权限均已重新核对。"
	v.sessions.change(one.hash, func(s *session) {
		s.who, s.idToken, s.idJSON, s.infoJSON = renewed.who, renewed.idToken, renewed.idJSON, renewed.infoJSON
		s.refresh, s.access, s.accessEnds, s.note = renewed.refresh, renewed.access, renewed.accessEnds, renewed.note
		s.introspection = ""
	})
	http.Redirect(w, r, v.BaseURL+"/", http.StatusSeeOther)
}

// renew is the session as the new tokens make it, or why they are refused.
func (v *server) renew(ctx context.Context, p *provider, one session, token *oauth2.Token) (session, *refusal) {
	id := idToken{claims: one.who.claims}
	renewed := one
	if raw, _ := token.Extra("id_token").(string); raw != "" {
		var err error
		if id, err = v.verifyIDToken(ctx, p, raw, token.AccessToken); err != nil {
			return session{}, tokenInvalid(err)
		}
		// OIDC Core 12.2: same person, same time of authentication, and no
		// other nonce than the first.
		if id.nonce != "" && id.nonce != one.nonce {
			return session{}, tokenInvalid(errors.New("nonce changed at refresh"))
		}
		if id.AuthTime != "" && one.who.AuthTime != "" && id.AuthTime != one.who.AuthTime {
			return session{}, tokenInvalid(errors.New("auth_time changed at refresh"))
		}
		if id.SID == "" {
			id.SID = one.who.SID // or a back-channel sign-out would no longer find this session
		}
		renewed.idToken, renewed.idJSON = raw, pretty(id.payload)
	}
	if id.Subject != one.who.Subject {
		return session{}, personSwitched()
	}
	who, info, refused := v.meet(ctx, p, id, token)
	if refused == nil {
		refused = sameUnit(one.who, who)
	}
	if refused != nil {
		return session{}, refused
	}
	renewed.who, renewed.infoJSON = who, pretty(info)
	renewed.access, renewed.accessEnds = token.AccessToken, v.accessEnds(token)
	if token.RefreshToken != "" {
		renewed.refresh = token.RefreshToken
	}
	return renewed, nil
}

// introspect asks the provider what it thinks of our access token (RFC 7662).
func (v *server) introspect(w http.ResponseWriter, r *http.Request) {
	one, ok := v.current(r)
	if !ok {
		v.refuse(w, r, notSignedIn())
		return
	}
	p, err := v.discovery.find(r.Context())
	if err != nil {
		v.refuse(w, r, providerDown(r, err))
		return
	}
	answer, err := v.askIntrospection(r.Context(), p, one.access)
	if err != nil {
		v.refuse(w, r, introspectionFailed(err))
		return
	}
	v.sessions.change(one.hash, func(s *session) {
		s.introspection = pretty(answer)
		s.note = "令牌内省于 " + beijing(v.Now()) + " 完成，结果见下。"
	})
	http.Redirect(w, r, v.BaseURL+"/#introspection", http.StatusSeeOther)
}

func (v *server) askIntrospection(ctx context.Context, p *provider, access string) ([]byte, error) {
	if p.meta.Introspection == "" {
		return nil, errors.New("the provider names no introspection endpoint")
	}
	form := url.Values{"token": {access}, "token_type_hint": {"access_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.meta.Introspection, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(v.ClientID), url.QueryEscape(v.ClientSecret)) // RFC 6749 §2.3.1: form-encoded first
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode != http.StatusOK || kind != "application/json" || !json.Valid(body) {
		return nil, fmt.Errorf("introspection answered %d with %q", resp.StatusCode, kind)
	}
	return body, nil
}
