package oidc

import (
	"errors"
	"net/http"

	"kejitong/provider/authflow"
)

// push is the pushed authorization request endpoint (RFC 9126). The request is
// examined as the authorization endpoint would; what is stored are its
// parameters without any credential.
func (p *Provider) push(w http.ResponseWriter, r *http.Request) {
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
		p.refuse(w, r, invalidRequest("a pushed request must not contain a request_uri"))
		return
	}
	form := only(r.PostForm, authorizeParams) // no credential is among them
	form.Set("client_id", c.ID)
	if _, err := p.examine(r.Context(), form); err != nil {
		var local localError
		if errors.As(err, &local) { // here the client itself is listening
			err = invalidRequest("the redirect_uri is missing or not registered")
		}
		p.refuse(w, r, err)
		return
	}
	if err := p.bindRequest(w, r, form); err != nil {
		p.refuse(w, r, err)
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
