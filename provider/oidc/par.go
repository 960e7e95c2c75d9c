package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"kejitong/provider/authflow"
	"kejitong/provider/client"
)

// push is the pushed authorization request endpoint (RFC 9126). The request is
// examined as the authorization endpoint would; what is stored are its
// parameters without any credential.
func (p *Provider) push(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost { // RFC 9126 §2.3
		w.Header().Set("Allow", http.MethodPost)
		p.refuse(w, r, oauthError{"invalid_request", http.StatusMethodNotAllowed, "requests are pushed by POST"})
		return
	}
	if err := readForm(w, r, maxAuthorizeBody); err != nil {
		p.refuse(w, r, err)
		return
	}
	c, err := p.identify(r.Context(), r, r.PostForm)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if r.PostForm.Get("request_uri") != "" { // RFC 9126 §2.1
		p.refuse(w, r, blame(c, invalidRequest("a pushed request must not contain a request_uri")))
		return
	}
	form, err := p.pushable(r.Context(), c, r.PostForm)
	if err != nil {
		p.refuse(w, r, blame(c, err))
		return
	}
	if _, err := p.examine(r.Context(), form); err != nil {
		var local localError
		if errors.As(err, &local) { // here the client itself is listening
			err = reworded(err, invalidRequest("the redirect_uri is missing or not registered"))
		}
		p.refuse(w, r, blame(c, err))
		return
	}
	if err := p.bindRequest(w, r, form); err != nil {
		p.refuse(w, r, blame(c, err))
		return
	}
	id, key, err := authflow.NewID()
	if err == nil {
		err = p.Flow.Push(r.Context(), authflow.Pushed{Key: key, Client: c.ID, Form: form.Encode(), ExpiresAt: p.Now().Add(p.Times.Pushed)})
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	sendJSON(w, http.StatusCreated, map[string]any{"request_uri": requestURIPrefix + id, "expires_in": int(p.Times.Pushed.Seconds())})
}

// pushable gives the parameters of a pushed request without any credential: its
// own, or those of its request object, beside which nothing counts (RFC 9126
// §3).
func (p *Provider) pushable(ctx context.Context, c *client.Client, form url.Values) (url.Values, error) {
	form = only(form, authorizeParams) // no credential is among them
	object := form.Get("request")
	if object == "" {
		if mustSign(c) {
			return nil, invalidRequest("this client must send its requests in a signed request object")
		}
		form.Set("client_id", c.ID)
		return form, nil
	}
	for name := range form {
		if mustSign(c) && name != "request" && name != "client_id" {
			return nil, invalidRequest("this client must not send parameters beside its request object")
		}
	}
	return p.openObject(ctx, c, object, nil)
}
