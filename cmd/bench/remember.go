package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/session"
	"kejitong/provider/token"
)

// remember writes sessions and grants of accounts from the end of the list,
// which the load does not use: what a running installation has lying around.
func (sd *seeder) remember(ctx context.Context, n int, s *site) error {
	writers := 1
	if sd.db.Postgres() {
		writers = 4
	}
	return sd.share(ctx, writers, n, func(ctx context.Context, i int) error {
		who := accountID(s.accounts - 1 - i%s.accounts)
		sn := session.Session{
			Key: session.Key(randomText(32)), ID: randomText(16), Account: who, AuthTime: sd.now, AMR: []string{"pwd"}, ACR: "urn:fuwu:aal:1",
			CreatedAt: sd.now, SeenAt: sd.now, ExpiresAt: sd.now.Add(12 * time.Hour), IP: "192.0.2.1", UserAgent: "kejitong-bench",
		}
		if _, err := sd.db.StartSession(ctx, sn, "", sd.ev); err != nil {
			return err
		}
		g := sd.grant(who, sn.ID, s.code["ES256"])
		won, err := sd.db.OpenGrant(ctx, g, token.Consume{}, sd.ev)
		if err == nil && !won {
			err = fmt.Errorf("grant %s was there before", g.ID)
		}
		return err
	})
}

// grant is one whose code was spent and whose refresh token waits.
func (sd *seeder) grant(who account.ID, sessionID string, c relying) *token.Grant {
	secret := make([]byte, 16)
	rand.Read(secret) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return &token.Grant{
		ID: randomText(16), Client: c.id, Account: who, SessionID: sessionID, Offline: true, State: token.Active, CodeSpent: true,
		CreatedAt: sd.now, CodeExp: sd.now.Add(time.Minute), ExpiresAt: sd.now.AddDate(0, 0, 30), Generation: 1, RotatedAt: sd.now, Secret: secret,
		Data: token.Data{Scopes: []string{"openid", "profile", "org", "entitlements", "offline_access"}, RedirectURI: c.redirect, Nonce: randomText(12), AuthTime: sd.now.Unix()},
	}
}
