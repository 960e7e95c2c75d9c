package oidc

import (
	"context"
	"encoding/json"

	"kejitong/provider/client"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// unit is one request's unit of work: what was read, once, and what is to be
// written, once. It rides in the context through fosite's handlers.
type unit struct {
	client    *client.Client
	redirect  string          // the redirect URI that was accepted
	held      *principal.Held // the grant that a code or refresh token names
	presented token.Opaque    // that code or token
	scopes    []string        // of the access token to be made
	resources []string        // audience of the access token where it is not the grant's (RFC 8707 §2.2)
	details   json.RawMessage // authorization_details of the access token where they are not the grant's
	confirm   *confirmation   // the key that the access token is bound to
	grant     *token.Grant    // what the tokens are made for (held.Grant, or a new one)
	release   *release        // what the client learns
	access    string          // the access token made, for at_hash
	code      string          // a code that the same response brings, for c_hash
	state     string          // the state of that response, for s_hash
	open      bool            // plan: insert grant
	spend     bool            // plan: spend its code
	device    bool            // that code is a device code
	refresh   int64           // generation of the refresh token issued, 0: none
	exchange  *exchange       // what a token exchange was shown; plan: insert grant
	burn      bool            // plan: kill the code (bad verifier)
	failed    error           // a write of the error path that did not happen
	replay    bool            // the code or refresh token had been used before
}

type unitKey struct{}

func withUnit(ctx context.Context) (context.Context, *unit) {
	u := &unit{}
	return context.WithValue(ctx, unitKey{}, u), u
}

func unitFrom(ctx context.Context) *unit {
	u, _ := ctx.Value(unitKey{}).(*unit)
	return u
}
