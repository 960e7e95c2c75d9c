package main

import (
	"time"

	"kejitong/provider/client"
	"kejitong/provider/integrator"
	"kejitong/provider/oidc"
)

// integrators builds what connects systems.
func (a *app) integrators(op *oidc.Provider) *integrator.Service {
	return &integrator.Service{
		Store: a.db, Queue: a.messages, Now: a.clock, Vet: op.Vet, Hash: a.hasher.Hash, Changed: a.clients.Expire,
		Rotate: func(c *client.Client, secret string, until time.Time) error {
			if until.IsZero() {
				return c.SetSecret(a.ring.Snapshot(), secret)
			}
			return c.Rotate(a.ring.Snapshot(), secret, until)
		},
	}
}
