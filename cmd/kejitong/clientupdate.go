package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// clientUpdate changes of a client what flags and file name, and nothing else.
func clientUpdate(ctx context.Context, args []string, out io.Writer) error {
	f := newClientFlags("client update", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		before, err := findClient(ctx, a, f.id)
		if err != nil {
			return err
		}
		m, err := f.metadata(&before.Metadata)
		if err != nil {
			return err
		}
		if err := a.reachable(ctx, m); err != nil {
			return err
		}
		secret, made := "", false
		c, err := a.changeClient(ctx, before, "metadata", func(c *client.Client) error {
			c.Metadata = m
			if c.KeepsSecret() {
				return nil
			}
			var err error
			if secret, made, err = secretFrom(""); err != nil {
				return err
			}
			return c.SetSecret(a.ring.Snapshot(), secret)
		})
		if err != nil {
			return err
		}
		r := reportClient(c)
		if made {
			r.Secret = secret
		}
		if r.Warnings, err = a.strangers(ctx, m); err != nil {
			return err
		}
		return f.print(r, r.text("changed"))
	})
}

// changeClient changes the client if it is still what was read.
func (a *app) changeClient(ctx context.Context, before *client.Client, what string, alter func(*client.Client) error) (*client.Client, error) {
	var out *client.Client
	err := a.db.InTx(ctx, func(ctx context.Context) error {
		c, err := a.db.ClientForChange(ctx, before.ID)
		switch {
		case err != nil:
			return err
		case c.Version != before.Version:
			return refuse("id", before.ID, "has changed meanwhile; look at it with kejitong client show and try again")
		}
		if err := alter(c); err != nil {
			return err
		}
		c.UpdatedAt, out = now(), c
		return a.db.PutClient(ctx, c, clientDeed(audit.ClientChanged, c.ID, what))
	})
	if fault.Is(err, fault.NotFound) {
		return nil, refuse("id", before.ID, "there is no such client any more")
	}
	return out, err
}

// Bounds of how long two secrets are good.
const (
	usualOverlap = 7 * 24 * time.Hour
	maxOverlap   = 30 * 24 * time.Hour
)

// clientRotate gives a new secret beside the one that the running system uses, so
// that it can be changed over, or ends the one before.
func clientRotate(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client rotate-secret", out)
	id := f.String("id", "", "client id")
	overlap := f.Duration("overlap", usualOverlap, "how long the secret it has stays good")
	end := f.Bool("end", false, "make no secret; the one before is not good any more")
	if err := f.read(args); err != nil {
		return err
	}
	if *overlap < time.Minute || *overlap > maxOverlap {
		return refuse("overlap", overlap.String(), "is not between 1m and 720h; kejitong client secret replaces a secret at once")
	}
	return inVault(ctx, f.config, func(a *app) error {
		before, err := findClient(ctx, a, *id)
		if err != nil {
			return err
		}
		switch {
		case !before.Metadata.HasSecret():
			return refuse("id", *id, "has no secret: its authentication is "+before.Metadata.TokenEndpointAuthMethod)
		case *end && before.FormerDigest == "":
			return refuse("id", *id, "has no secret before the current one")
		}
		secret, did, what := "", "goes by its new secret alone", "former secret ended"
		if !*end {
			if secret, err = client.NewSecret(); err != nil {
				return err
			}
			did, what = fmt.Sprintf("has a new secret; the one before is good until %s", rfc3339(now().Add(*overlap))), "secret overlap"
		}
		c, err := a.changeClient(ctx, before, what, func(c *client.Client) error {
			if *end {
				c.EndFormer()
				return nil
			}
			return c.Rotate(a.ring.Snapshot(), secret, now().Add(*overlap))
		})
		if err != nil {
			return err
		}
		r := reportClient(c)
		r.Secret = secret
		if !c.FormerUntil.IsZero() {
			r.FormerUntil = &c.FormerUntil
		}
		return f.print(r, r.text(did))
	})
}
