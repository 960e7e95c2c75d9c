package relyingparty

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const clockSkew = time.Minute

// callback receives the provider's answer to a sign-in. Nothing that it says
// is believed, not even that it failed, before its state is known to belong to
// this browser and its iss to be our provider.
func (v *server) callback(w http.ResponseWriter, r *http.Request) {
	answer, ok := answerOf(r.URL.RawQuery)
	if !ok {
		v.refuse(w, r, answerMalformed())
		return
	}
	try, ok := v.recall(w, r, answer["state"])
	if !ok {
		v.refuse(w, r, stateUnknown())
		return
	}
	p, err := v.discovery.find(r.Context())
	if err != nil {
		v.refuse(w, r, providerDown(r, err))
		return
	}
	// RFC 9207 §2.4: the issuer must be ours, and must be named where the
	// provider says that it names itself.
	if iss, named := answer["iss"]; (named && iss != v.Issuer) || (!named && p.meta.NamesIssuer) {
		v.refuse(w, r, issuerWrong())
		return
	}
	if code, failed := answer["error"]; failed {
		v.refuse(w, r, answeredError(code, answer["error_description"]))
		return
	}
	if answer["code"] == "" {
		v.refuse(w, r, answerMalformed())
		return
	}
	token, err := v.oauth(p).Exchange(v.outbound(r.Context()), answer["code"], oauth2.VerifierOption(try.Verifier))
	if err != nil {
		v.refuse(w, r, exchangeFailed(r, err))
		return
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := v.verifyIDToken(r.Context(), p, raw, token.AccessToken)
	if err == nil && subtle.ConstantTimeCompare([]byte(id.nonce), []byte(try.Nonce)) != 1 {
		err = errors.New("nonce is not the one of this attempt") // OIDC Core 3.1.3.7 point 11
	}
	if err != nil {
		v.refuse(w, r, tokenInvalid(err))
		return
	}
	who, info, refused := v.meet(r.Context(), p, id, token)
	if refused != nil {
		v.refuse(w, r, refused)
		return
	}
	if try.Unit != "" && who.uscc() != try.Unit {
		v.refuse(w, r, unitSwitched(&unit{USCC: try.Unit}, who.Org))
		return
	}
	if before, live := v.current(r); live && try.Silent {
		if refused := sameUnit(before.who, who); refused != nil {
			v.refuse(w, r, refused)
			return
		}
	}
	key := v.sessions.begin(v.sessionKey(r), session{who: who, idToken: raw, idJSON: pretty(id.payload), infoJSON: pretty(info),
		nonce: id.nonce, refresh: token.RefreshToken, access: token.AccessToken, accessEnds: v.accessEnds(token)})
	v.setCookie(w, v.cookieName("session"), key, 0)
	v.Log.InfoContext(r.Context(), "signed in", "client", v.ClientID, "account_type", who.AccountType, "grants", len(who.grants))
	if try.Target == "" {
		try.Target = "/"
	}
	http.Redirect(w, r, v.BaseURL+try.Target, http.StatusSeeOther)
}

// answerOf reads an authorization response; a parameter that stands twice
// makes it unreadable (RFC 6749 §3.1).
func answerOf(query string) (map[string]string, bool) {
	values, err := url.ParseQuery(query)
	if err != nil || len(query) > 16<<10 {
		return nil, false
	}
	answer := make(map[string]string, len(values))
	for name, all := range values {
		if len(all) != 1 {
			return nil, false
		}
		answer[name] = all[0]
	}
	return answer, answer["state"] != ""
}

// idToken is an ID token that has passed.
type idToken struct {
	claims
	nonce   string
	payload json.RawMessage
}

// verifyIDToken checks an ID token as OIDC Core 3.1.3.7 asks, except for its
// nonce, which is the caller's to compare.
func (v *server) verifyIDToken(ctx context.Context, p *provider, raw, access string) (idToken, error) {
	typ, err := headerType(raw)
	if err != nil {
		return idToken{}, err
	}
	// RFC 8725 §3.11: a logout token or an access token is no ID token.
	if typ != "" && typ != "jwt" {
		return idToken{}, fmt.Errorf("token of type %q is no ID token", typ)
	}
	token, err := p.Verifier(&oidc.Config{ClientID: v.ClientID, Now: v.Now}).Verify(v.outbound(ctx), raw)
	if err != nil {
		return idToken{}, err
	}
	id := idToken{nonce: token.Nonce}
	if err := errors.Join(token.Claims(&id.payload), token.Claims(&id.claims)); err != nil {
		return idToken{}, fmt.Errorf("claims of the ID token: %w", err)
	}
	switch {
	case id.Subject == "" || len(id.Subject) > 255:
		return idToken{}, errors.New("sub is missing or too long")
	case id.AuthorizedFor != "" && id.AuthorizedFor != v.ClientID, id.AuthorizedFor == "" && len(token.Audience) > 1:
		return idToken{}, errors.New("azp is not this client")
	case id.IssuedAt == "" || token.IssuedAt.After(v.Now().Add(clockSkew)):
		return idToken{}, errors.New("iat is missing or in the future")
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(access); err != nil {
			return idToken{}, err
		}
	}
	return id, nil
}

// meet asks userinfo about the person of an ID token and joins the two.
func (v *server) meet(ctx context.Context, p *provider, id idToken, token *oauth2.Token) (identity, json.RawMessage, *refusal) {
	answer, err := p.UserInfo(v.outbound(ctx), oauth2.StaticTokenSource(token))
	if err != nil {
		return identity{}, nil, userinfoFailed(err)
	}
	var info claims
	var payload json.RawMessage
	if err := errors.Join(answer.Claims(&payload), answer.Claims(&info)); err != nil {
		return identity{}, nil, userinfoFailed(errors.New("userinfo cannot be read"))
	}
	// OIDC Core 5.3.2: userinfo of somebody else must not be used.
	if info.Subject != id.Subject {
		return identity{}, nil, userinfoFailed(errors.New("sub of userinfo is not the ID token's"))
	}
	who, refused := v.identify(id.claims, info)
	return who, payload, refused
}

func (v *server) accessEnds(token *oauth2.Token) time.Time {
	if token.ExpiresIn <= 0 {
		return time.Time{}
	}
	return v.Now().Add(time.Duration(token.ExpiresIn) * time.Second)
}
