package client

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

// Shelf is where a Keeper changes clients.
type Shelf interface {
	Store
	// InTx runs fn in one transaction, which rides in the ctx it is given.
	InTx(ctx context.Context, fn func(context.Context) error) error
	// ClientForChange gives the client within ctx's transaction and keeps every
	// other change of clients waiting until that ends; fault.NotFound if there is
	// none.
	ClientForChange(ctx context.Context, id string) (*Client, error)
	// ClientsAfter gives up to limit clients in any state with ids above after,
	// ordered by id.
	ClientsAfter(ctx context.Context, after string, limit int) ([]Client, error)
}

// Keeper administers clients for somebody who is no operator at the console of
// the server: what it makes and changes holds no scope of the administration
// interface, and clients that hold one it leaves alone, else whoever may change
// clients could lend himself the rights of another (S80).
type Keeper struct {
	Shelf Shelf
	Keys  func() *keys.Snapshot
	// Reach refuses addresses that the provider may not call and a sector whose
	// document does not list the redirect URIs, with fault.Invalid at the member.
	Reach func(ctx context.Context, m Metadata) error
	Now   func() time.Time
}

// Draft makes a client that is registered nowhere yet, under an id of its own if
// none is given, and gives the secret that was made for it, if its method needs
// one. It may ask addresses outside, so it has no place in a transaction.
func (k *Keeper) Draft(ctx context.Context, id string, asked Metadata) (*Client, string, error) {
	if id == "" {
		b := make([]byte, 12)
		rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
		id = "c-" + base64.RawURLEncoding.EncodeToString(b)
	} else if err := CheckID(id); err != nil {
		return nil, "", err
	}
	m, err := k.examine(ctx, asked)
	if err != nil {
		return nil, "", err
	}
	now := k.Now()
	c := &Client{ID: id, Metadata: m, State: Active, Reviewed: true, CreatedAt: now, UpdatedAt: now}
	secret := ""
	if m.HasSecret() {
		if secret, err = k.secret(c); err != nil {
			return nil, "", err
		}
	}
	return c, secret, nil
}

// Enter registers a draft. fault.Conflict if its id is taken.
func (k *Keeper) Enter(ctx context.Context, by string, c *Client) error {
	return k.Shelf.InTx(ctx, func(ctx context.Context) error {
		switch _, err := k.Shelf.ClientForChange(ctx, c.ID); {
		case err == nil:
			return &fault.Error{Kind: fault.Conflict, Field: "client_id", Msg: "is registered already"}
		case !fault.Is(err, fault.NotFound):
			return err
		}
		return k.Shelf.PutClient(ctx, c, audit.Event{Kind: audit.ClientCreated, Actor: by, Object: c.ID, Detail: "interface"})
	})
}

// Change replaces the metadata of the client if it is at version (0: at any). A
// secret that its new method still needs stays.
func (k *Keeper) Change(ctx context.Context, by, id string, version int64, asked Metadata) (*Client, error) {
	m, err := k.examine(ctx, asked)
	if err != nil {
		return nil, err
	}
	return k.change(ctx, by, id, version, "metadata", func(c *Client) error {
		c.Metadata = m
		if !c.KeepsSecret() {
			return invalid("token_endpoint_auth_method", "%q needs a secret that the client does not have yet; register a new client", m.TokenEndpointAuthMethod)
		}
		return nil
	})
}

// Move disables or enables the client if it is at version.
func (k *Keeper) Move(ctx context.Context, by, id string, version int64, to State) (*Client, error) {
	return k.change(ctx, by, id, version, string(to), func(c *Client) error {
		if c.State == to {
			return &fault.Error{Kind: fault.Conflict, Field: "state", Msg: "is so already"}
		}
		c.State = to
		return nil
	})
}

// Rotate gives the client a new secret if it is at version; the old one is worth
// nothing at once.
func (k *Keeper) Rotate(ctx context.Context, by, id string, version int64) (c *Client, secret string, err error) {
	c, err = k.change(ctx, by, id, version, "secret", func(c *Client) error {
		if !c.Metadata.HasSecret() {
			return &fault.Error{Kind: fault.Conflict, Field: "token_endpoint_auth_method", Msg: "has no secret"}
		}
		var err error
		secret, err = k.secret(c)
		return err
	})
	return c, secret, err
}

// MsgVersion is the message of fault.Conflict for a client that has changed
// meanwhile.
const MsgVersion = "has changed meanwhile"

func (k *Keeper) change(ctx context.Context, by, id string, version int64, what string, alter func(*Client) error) (*Client, error) {
	var out *Client
	err := k.Shelf.InTx(ctx, func(ctx context.Context) error {
		c, err := k.Shelf.ClientForChange(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case c.Metadata.Administers():
			return fault.New(fault.Refused, "the client administers this platform; operators change it on the command line")
		case version != 0 && c.Version != version:
			return &fault.Error{Kind: fault.Conflict, Field: "version", Msg: MsgVersion}
		}
		if err := alter(c); err != nil {
			return err
		}
		c.UpdatedAt = k.Now()
		out = c
		return k.Shelf.PutClient(ctx, c, audit.Event{Kind: audit.ClientChanged, Actor: by, Object: id, Detail: what})
	})
	return out, err
}

func (k *Keeper) examine(ctx context.Context, asked Metadata) (Metadata, error) {
	m, err := asked.Normalise()
	if err != nil {
		return m, err
	}
	if m.Name == "" {
		return m, invalid("client_name", "is missing")
	}
	return m, k.Reach(ctx, m)
}

func (k *Keeper) secret(c *Client) (string, error) {
	text, err := NewSecret()
	if err != nil {
		return "", err
	}
	return text, c.SetSecret(k.Keys(), text)
}
