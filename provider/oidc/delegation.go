package oidc

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/token"
)

// lives tells whether a grant's tokens live now: the grant itself, its session,
// its account, and what its client asks of that account.
func (p *Provider) lives(c *client.Client, h *principal.Held) bool {
	g := &h.Grant
	return g.State == token.Active && p.Now().Before(g.ExpiresAt) && (!h.SessionOver || g.Offline) &&
		p.stands(&unit{client: c, held: h, grant: g}) == nil
}

// descends tells whether all that an exchanged grant came from still lives, and
// everybody who acts in it may act (RFC 8693): errNoToken if not. A grant of a
// sign-in comes from nowhere and costs nothing here.
func (p *Provider) descends(ctx context.Context, g *token.Grant) error {
	for _, act := range g.Data.Acts {
		if act.Account == "" {
			continue
		}
		who, err := p.Principals.ByAccount(ctx, act.Account)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || who.Account.State != account.Active {
			return errNoToken
		}
	}
	for range g.Data.Acts { // each exchange added one
		h, err := p.Principals.ByGrant(ctx, g.Data.Parent)
		if err == nil {
			var c *client.Client
			if c, err = p.Clients.Find(ctx, h.Grant.Client); err == nil && !p.lives(c, &h) {
				return errNoToken
			}
		}
		if fault.Is(err, fault.NotFound) {
			return errNoToken
		}
		if err != nil {
			return err
		}
		g = &h.Grant
	}
	return nil
}

// act is who acts for the subject, each one nested in the one who acted after
// him (RFC 8693 §4.1), innermost the handler of a unit's own session; nil if
// nobody exchanged the token.
func (r *release) act() claims {
	acts := r.grant.Data.Acts
	if len(acts) == 0 {
		return nil
	}
	var inner claims
	if r.actor != nil && r.who.Account.Kind == account.LegalEntity {
		inner = claims{"sub": subjectOf(r.keys, r.client, r.actor.ID)}
	}
	for i := len(acts) - 1; i >= 0; i-- {
		c := claims{"sub": acts[i].Client}
		if acts[i].Account != "" {
			c["sub"] = subjectOf(r.keys, r.client, acts[i].Account)
		}
		if inner != nil {
			c["act"] = inner
		}
		inner = c
	}
	return inner
}
