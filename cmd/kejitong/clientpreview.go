package main

import (
	"context"
	"fmt"
	"io"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/oidc"
	"kejitong/provider/principal"
)

// clientPreview shows what a client would be told about a user, by the code that
// tells it. Nothing is written, and no token is made.
func clientPreview(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client preview", out)
	id := f.String("id", "", "client id")
	login := f.String("login", "", "the name that the user signs in with")
	var q oidc.PreviewRequest
	f.StringVar(&q.Scope, "scope", "", "scopes of the request, separated by blanks (default all that it registered)")
	f.StringVar(&q.Claims, "claims", "", "the claims parameter, JSON")
	f.StringVar(&q.Unit, "org-hint", "", "USCC of the unit that the user acts for")
	f.StringVar(&q.ACR, "acr", "", "how the user signed in: urn:fuwu:aal:2 or urn:fuwu:aal:3 (default a password alone)")
	if err := f.read(args); err != nil {
		return err
	}
	f.asJSON = true // claims are JSON documents
	return inVault(ctx, f.config, func(a *app) error {
		var err error
		if q.Client, err = findClient(ctx, a, *id); err != nil {
			return err
		}
		if q.Client.State != client.Active {
			return refuse("id", *id, "is disabled: it is told nothing")
		}
		if q.Who, err = a.known(ctx, *login); err != nil {
			return err
		}
		op, err := a.speaker()
		if err != nil {
			return err
		}
		got, err := op.Preview(ctx, q)
		if err != nil {
			return err
		}
		return f.print(previewReport{
			Step: got.Step, Reason: got.Reason, Error: got.Error, Description: got.Description, Scope: got.Scope, IDToken: got.IDToken, Userinfo: got.Userinfo,
			Access: got.Access, Opaque: got.Opaque,
		}, "")
	})
}

// previewReport is what the command prints. step is issue where the request leads
// to tokens, else what the user would be sent to; error is what the client would
// get.
type previewReport struct {
	Step        string         `json:"step,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Error       string         `json:"error,omitempty"`
	Description string         `json:"error_description,omitempty"`
	Scope       string         `json:"scope,omitempty"`
	IDToken     map[string]any `json:"id_token,omitempty"`
	Userinfo    map[string]any `json:"userinfo,omitempty"`
	Access      map[string]any `json:"access_token,omitempty"` // a JWT's claims, else what introspection says
	Opaque      bool           `json:"opaque,omitempty"`
}

// known gives the account with the login name, with its units and grants.
func (a *app) known(ctx context.Context, login string) (principal.Principal, error) {
	found, err := findAccount(ctx, a, login)
	if err != nil {
		return principal.Principal{}, err
	}
	who, err := a.db.ByAccount(ctx, found.ID)
	if fault.Is(err, fault.NotFound) {
		return who, fmt.Errorf("--login: the account is closed")
	}
	return who, err
}

// speaker is the protocol without its pages, for what it says.
func (a *app) speaker() (*oidc.Provider, error) {
	kit, err := a.kit()
	if err != nil {
		return nil, err
	}
	a.clients = &client.Registry{Store: a.db, Now: a.clock}
	op, err := a.provider()
	if err != nil {
		return nil, err
	}
	op.Web = kit
	op.Init()
	return op, nil
}
