package oidc

import (
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// registered is what a client is told about its registration.
type registered struct {
	client *client.Client
	secret string // only when it was just made
	access string // the registration access token
	stated string // the software statement, "" if there is none
}

// tellRegistration answers with everything that is registered (RFC 7591 §3.2.1,
// RFC 7592 §3).
func (p *Provider) tellRegistration(w http.ResponseWriter, r *http.Request, status int, reg registered) {
	shown, err := reg.client.Metadata.Shown()
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	out := map[string]any{}
	for name, v := range shown {
		out[name] = v
	}
	out["client_id"], out["client_id_issued_at"] = reg.client.ID, reg.client.CreatedAt.Unix()
	out["registration_client_uri"], out["registration_access_token"] = p.Issuer+"/oauth2/register/"+reg.client.ID, reg.access
	if reg.secret != "" { // RFC 7591 §3.2.1: both or neither; 0 means that it does not expire
		out["client_secret"], out["client_secret_expires_at"] = reg.secret, 0
	}
	if reg.stated != "" { // RFC 7591 §3.2.1: unmodified
		out["software_statement"] = reg.stated
	}
	sendJSON(w, status, out)
}

// giveSecret makes a secret for a client that needs one and has none, and takes
// it from one that no longer needs it.
func (p *Provider) giveSecret(c *client.Client) (secret string, err error) {
	if c.KeepsSecret() {
		return "", nil
	}
	if secret, err = client.NewSecret(); err != nil {
		return "", err
	}
	return secret, c.SetSecret(p.Keys.Snapshot(), secret)
}

// manage serves the client configuration endpoint (RFC 7592 §2) to the client
// itself. Whatever is wrong with its token, and be the client gone or disabled,
// the answer is the same.
func (p *Provider) manage(w http.ResponseWriter, r *http.Request) {
	id := mux.Vars(r)["client"]
	access, err := registrationToken(r)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	reg, err := p.Registrations.Registered(r.Context(), id, client.TokenDigest(access))
	if fault.Is(err, fault.NotFound) {
		err = errToken
	}
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	switch r.Method {
	case http.MethodPut:
		p.amend(w, r, reg, access)
	case http.MethodDelete:
		p.unregister(w, r, reg, access)
	default: // RFC 7592 §2.1; the token stays the same, so that a lost answer costs nothing
		p.tellRegistration(w, r, http.StatusOK, registered{reg.Client, "", access, reg.Statement})
	}
}

// amend replaces the metadata as a whole: what the request leaves out is reset
// (RFC 7592 §2.2), and every rule is asked again of what would result.
func (p *Provider) amend(w http.ResponseWriter, r *http.Request, reg client.Registered, access string) {
	ctx, before := r.Context(), reg.Client
	asked, err := readRegistration(w, r)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	// RFC 7592 §2.2: client_id must be there and right; a secret that is there, too.
	if asked.ClientID != before.ID {
		err = &fault.Error{Kind: fault.Invalid, Field: "client_id", Msg: "is missing or another's"}
	} else if asked.Secret != "" && !before.Knows(p.Keys.Snapshot(), asked.Secret, p.Now()) {
		err = &fault.Error{Kind: fault.Invalid, Field: "client_secret", Msg: "is not the current one"}
	}
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	if asked, err = p.stated(ctx, reg.Policy, asked, reg.Statement); err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	m, err := p.vet(ctx, reg.Policy, asked.Metadata)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	c := *before
	c.Metadata, c.UpdatedAt = m, p.Now()
	// What somebody reviewed is what was there; nobody has seen what is new.
	c.Reviewed = before.Reviewed && (reg.Policy.Reviewed || before.Metadata.Stands(m))
	secret, err := p.giveSecret(&c)
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	next, digest, err := client.NewToken()
	if err == nil {
		var won bool
		won, err = p.Registrations.Amend(ctx, &c, asked.Statement, client.TokenDigest(access), digest, p.registrationDeed(ctx, audit.ClientUpdated, &c, asked.Statement))
		if err == nil && !won {
			err = errToken // another change was first, and took the token
		}
	}
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	p.Clients.Expire()
	p.tellRegistration(w, r, http.StatusOK, registered{&c, secret, next, asked.Statement})
}

// unregister deletes the client (RFC 7592 §2.3). Its tokens die with it, on
// every replica as soon as that notices that clients have changed.
func (p *Provider) unregister(w http.ResponseWriter, r *http.Request, reg client.Registered, access string) {
	ctx := r.Context()
	gone, err := p.Registrations.Unregister(ctx, reg.Client.ID, client.TokenDigest(access), p.registrationDeed(ctx, audit.ClientDeleted, reg.Client, reg.Statement))
	if err == nil && !gone {
		err = errToken
	}
	if err != nil {
		p.refuseRegistration(w, r, err)
		return
	}
	p.Clients.Expire()
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}
