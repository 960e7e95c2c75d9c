package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// loadFixture brings the database to what the file says, at every start and by
// every process. What is so already is left alone.
func (a *app) loadFixture(ctx context.Context, c config.Fixture) error {
	if !c.Enabled {
		return nil
	}
	f, err := readFixture(c.File)
	if err != nil {
		return fmt.Errorf("fixture.file %s: %w", c.File, err)
	}
	a.log.Warn("A FIXTURE IS LOADED: whoever knows its file can sign in and register systems here. Never do this where real users are",
		"file", c.File, "clients", len(f.Clients), "initial_access_tokens", len(f.Tokens), "accounts", len(f.Accounts))
	for _, one := range f.Clients {
		if err := a.fixClient(ctx, one); err != nil {
			return fmt.Errorf("fixture client %s: %w", one.ID, err)
		}
	}
	for _, t := range f.Tokens {
		err := a.db.PutInitialToken(ctx, client.InitialToken{
			ID: t.ID, Digest: client.TokenDigest(t.Token), Note: "fixture", Policy: t.Policy, MaxUses: t.MaxUses, CreatedAt: now(),
			ExpiresAt: now().AddDate(0, 0, t.Days),
		}, deed(audit.InitialMade, t.ID, fixtureDeed))
		if err != nil {
			return fmt.Errorf("fixture initial access token %s: %w", t.ID, err)
		}
	}
	for _, one := range f.Accounts {
		if err := a.fixAccount(ctx, one); err != nil {
			return fmt.Errorf("fixture account %s: %w", one.Login, err)
		}
	}
	return nil
}

// fixtureDeed is what the audit trail says of where such a deed came from.
const fixtureDeed = "fixture"

func (a *app) fixClient(ctx context.Context, f fixtureClient) error {
	guard := a.outside()
	for field, uri := range f.Fetched() {
		if guard.CheckURL(uri) != nil { // nothing is fetched: the suite may not run yet
			return fmt.Errorf("%s %q is no public https address on port 443; list its host:port in clients.outbound_allow", field, uri)
		}
	}
	want := &client.Client{ID: f.ID, Metadata: f.Metadata, State: client.Active, Reviewed: true, CreatedAt: now(), UpdatedAt: now()}
	kind := audit.ClientCreated
	switch old, err := a.db.Client(ctx, f.ID); {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return err
	default:
		kind = audit.ClientChanged
		same, err := sameMetadata(old.Metadata, f.Metadata)
		if err != nil {
			return err
		}
		secret := f.Secret == "" || old.Knows(a.ring.Snapshot(), f.Secret, now())
		if same && secret && old.State == client.Active && old.Reviewed {
			return nil
		}
	}
	if f.Secret != "" {
		if err := want.SetSecret(a.ring.Snapshot(), f.Secret); err != nil {
			return err
		}
	}
	return a.db.PutClient(ctx, want, clientDeed(kind, f.ID, fixtureDeed))
}

func sameMetadata(a, b client.Metadata) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b)
	return bytes.Equal(x, y), err
}

func (a *app) fixAccount(ctx context.Context, f fixtureAccount) error {
	key, err := account.NormaliseLogin(f.Login)
	if err != nil {
		return err
	}
	level := f.Level
	if level == "" {
		level = "L2"
	}
	at := now()
	want := account.Account{
		ID: account.NewID(), Kind: account.NaturalPerson, State: account.Active, LoginName: f.Login, LoginKey: key, Profile: f.Claims.profile(), CreatedAt: at, UpdatedAt: at,
		RealName: account.RealName{Status: account.StatusVerified, Level: level, Method: account.MethodManual, VerifiedAt: at},
	}
	kind := audit.AccountCreated
	switch old, err := a.db.AccountByLogin(ctx, key); {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return err
	default:
		kind = audit.AccountChanged
		same, err := a.sameAccount(ctx, old, want, f.Password)
		if err != nil || same {
			return err
		}
		want.ID, want.CreatedAt = old.ID, old.CreatedAt
	}
	phc, err := a.hasher.Hash(ctx, f.Password)
	if err != nil {
		return err
	}
	err = a.db.PutAccount(ctx, want, phc, deed(kind, string(want.ID), fixtureDeed))
	if fault.Is(err, fault.Conflict) { // another process was first
		return nil
	}
	return err
}

// sameAccount tells whether old is as the fixture wants it.
func (a *app) sameAccount(ctx context.Context, old, want account.Account, password string) (bool, error) {
	x, err := json.Marshal(old.Profile)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(want.Profile)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(x, y) || old.State != want.State || old.Kind != want.Kind || old.RealName.Status != want.RealName.Status || old.RealName.Level != want.RealName.Level {
		return false, nil
	}
	l, err := a.db.FindLogin(ctx, old.LoginKey)
	if err != nil {
		return false, err
	}
	ok, _, err := a.hasher.Verify(ctx, l.Password, password)
	return ok && !l.MustChange, err
}
