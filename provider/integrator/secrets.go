package integrator

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// NewSecret gives a client a new secret, which is told this once. With overlap the
// one before stays good for a while, so that a running system can be changed over.
func (s *Service) NewSecret(ctx context.Context, who account.ID, clientID string, overlap bool) (string, error) {
	p, c, err := s.client(ctx, who, clientID, Developer)
	if err != nil {
		return "", err
	}
	if !c.Metadata.HasSecret() {
		return "", &fault.Error{Kind: fault.Conflict, Msg: MsgNoSecret}
	}
	secret, err := client.NewSecret()
	if err != nil {
		return "", err
	}
	next, until, detail := *c, time.Time{}, "alone"
	if overlap {
		until, detail = s.Now().Add(Overlap), "overlap"
	}
	if err := s.Rotate(&next, secret, until); err != nil {
		return "", err
	}
	return secret, s.secrets(ctx, p.ID, next, who, audit.ClientSecretMade, WhatSecret, detail)
}

// EndOldSecret ends the secret before ahead of its time.
func (s *Service) EndOldSecret(ctx context.Context, who account.ID, clientID string) error {
	p, c, err := s.client(ctx, who, clientID, Developer)
	if err != nil {
		return err
	}
	if c.FormerDigest == "" {
		return &fault.Error{Kind: fault.Conflict, Msg: MsgNoSecret}
	}
	next := *c
	next.EndFormer()
	return s.secrets(ctx, p.ID, next, who, audit.ClientSecretEnded, WhatOldSecret, "")
}

func (s *Service) secrets(ctx context.Context, project string, c client.Client, who account.ID, kind audit.Kind, what, detail string) error {
	c.UpdatedAt = s.Now()
	return s.changed(s.Store.InTx(ctx, func(ctx context.Context) error {
		fresh := c
		if err := s.amend(ctx, &fresh, clientEvent(ctx, kind, string(who), c.ID, detail)); err != nil {
			return err
		}
		return s.note(ctx, project, c.ID, string(who), what)
	}))
}
