package oidc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/web"
)

// maxRegistration bounds a registration request.
const maxRegistration = 32 << 10

const jsonType = "application/json"

// errToken is the one answer to every initial or registration access token that
// opens nothing, whatever is wrong with it (RFC 7591 §3, RFC 7592 §2).
var errToken = oauthError{"invalid_token", http.StatusUnauthorized, "the token is unknown, expired, used up or revoked, or not for this client"}

// register is the client registration endpoint (RFC 7591 §3, OpenID Connect
// Registration §3). It is open to those alone who bring an initial access token.
func (p *Provider) register(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	text, err := registrationToken(r)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	initial := client.TokenDigest(text)
	t, err := p.Registrations.InitialToken(ctx, initial)
	if fault.Is(err, fault.NotFound) || err == nil && !t.Usable(p.Now()) {
		err = errToken
	}
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	asked, err := readRegistration(w, r)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	if asked, err = p.stated(ctx, t.Policy, asked, ""); err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	m, err := p.vet(ctx, t.Policy, asked.Metadata)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	now := p.Now()
	c := &client.Client{ID: client.NewID(), Metadata: m, State: client.Active, Reviewed: t.Policy.Reviewed, CreatedAt: now, UpdatedAt: now}
	secret, err := p.giveSecret(c)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	access, digest, err := client.NewToken()
	if err == nil {
		var used bool
		used, err = p.Registrations.Register(ctx, c, asked.Statement, initial, digest, now, p.registrationDeed(ctx, audit.ClientRegistered, c, asked.Statement))
		if err == nil && !used {
			err = errToken // others used it up meanwhile
		}
	}
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	p.tellRegistration(w, r, http.StatusCreated, registered{c, secret, access, asked.Statement})
}

// registrationDeed is an event of a client that acts on itself; for a first
// registration the store names the initial access token as the actor. Its detail
// names who issued the software statement, and for which software.
func (p *Provider) registrationDeed(ctx context.Context, kind audit.Kind, c *client.Client, text string) audit.Event {
	ev := audit.From(ctx, audit.Event{Kind: kind, Actor: c.ID, Object: c.ID, Client: c.ID})
	if s, _, err := p.openStatement(client.Policy{}, text); err == nil {
		ev.Detail = "statement of " + s.Issuer + " for " + orNone(c.Metadata.SoftwareID)
	}
	return ev
}

// registrationToken finds the initial or registration access token: in the
// header and nowhere else (RFC 6750 §2.1).
func registrationToken(r *http.Request) (string, error) {
	h := r.Header.Values("Authorization")
	if len(h) == 0 {
		return "", oauthError{"", http.StatusUnauthorized, "no token"}
	}
	scheme, text, _ := strings.Cut(h[0], " ")
	if len(h) > 1 || !strings.EqualFold(scheme, "Bearer") || text == "" || len(text) > maxParam {
		return "", errToken
	}
	return text, nil
}

// readRegistration reads the body of a request that is allowed to have one.
func readRegistration(w http.ResponseWriter, r *http.Request) (client.Request, error) {
	if mediaType(r) != jsonType {
		return client.Request{}, invalidMetadata("the content type must be application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRegistration))
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return client.Request{}, oauthError{"invalid_client_metadata", http.StatusRequestEntityTooLarge, "the request body is longer than 32 KiB"}
		}
		return client.Request{}, invalidMetadata("the body cannot be read")
	}
	return client.ParseRequest(body)
}

func invalidMetadata(why string) error {
	return oauthError{"invalid_client_metadata", http.StatusBadRequest, why}
}

// refuseRegistration answers as RFC 7591 §3.2.2 and RFC 6750 §3 say. Which value
// was wrong stands in the log alone; the client learns which member.
func (p *Provider) refuseRegistration(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid {
		p.Log.InfoContext(r.Context(), "registration refused", "member", f.Field, "reason", f.Msg, "request_id", web.RequestID(r.Context()))
		err = blamed(f.Field)
		if f.Msg == notCallable {
			err = invalidMetadata("the value of " + f.Field + " " + notCallable)
		}
	}
	e, _, ok := asProtocol(err)
	if !ok || e.status != http.StatusUnauthorized {
		p.refuse(w, r, err)
		return
	}
	challenge := `Bearer realm="registration"`
	if e.code != "" {
		challenge += `, error="` + e.code + `", error_description="` + e.description + `"`
	} else { // RFC 6750 §3.1: a request without a token is told nothing more in the challenge
		e.code = errToken.code
	}
	w.Header().Set("WWW-Authenticate", challenge)
	sendJSON(w, e.status, map[string]string{"error": e.code, "error_description": e.description})
}

// blamed gives the error of RFC 7591 §3.2.2 for a member. Its name is one of
// ours, so it may be told.
func blamed(member string) error {
	switch member {
	case "":
		return invalidMetadata("the body is not a JSON object, nests too deep or names a member twice")
	case "redirect_uris", "post_logout_redirect_uris":
		return oauthError{"invalid_redirect_uri", http.StatusBadRequest, "the value of " + member + " is missing, malformed or not allowed"}
	}
	return invalidMetadata("the value of " + member + " is missing, malformed, not supported or not allowed")
}
