package main

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/entitlement"
	"kejitong/provider/outbox"
	"kejitong/provider/realname"
)

// realNames builds real-name verification.
func (a *app) realNames() *realname.Service {
	c := a.cfg.RealName
	reviewed := c.ReviewerName
	if reviewed == "" {
		reviewed = a.cfg.Platform.NameZH
	}
	s := &realname.Service{
		Store: a.db, Verifier: a.verifier(), Papers: folders{a.papers}, Messages: a.messages, Reviewed: reviewed, Limit: c.DailyLimit,
		Wake: a.runner.Wake, Now: a.clock, After: []func(context.Context, realname.Change) error{a.earn, a.awaken, a.succeed},
	}
	a.runner.Handlers[outbox.RealNameCheck] = s.Deliver
	return s
}

// folders are the documents of cases as real-name verification sees them.
type folders struct{ papers *document.Service }

// Count implements realname.Papers.
func (f folders) Count(ctx context.Context, folder string) (int, error) {
	list, err := f.papers.List(ctx, folder)
	return len(list), err
}

// Close implements realname.Papers.
func (f folders) Close(ctx context.Context, folder string) error {
	return f.papers.CloseCase(ctx, folder)
}

// verifier is what the configuration says, nil where reviewers alone decide.
func (a *app) verifier() realname.Verifier {
	c := a.cfg.RealName
	switch c.Verifier {
	case config.VerifierRegistry:
		return realname.Registry{Register: a.db, Checker: c.RegistryName}
	case config.VerifierHTTP:
		g := c.Gateway
		return &realname.Gateway{
			URL: g.URL, KeyID: g.KeyID, Key: g.Key.Bytes(), Documents: g.Documents, HTTP: a.gatewayClient(g), Retries: 1, Pause: 500 * time.Millisecond,
			Breaker: &realname.Breaker{Failures: 5, For: 30 * time.Second, Now: a.clock}, Now: a.clock,
		}
	}
	return nil
}

// gatewayClient asks the gateway that the operator named, and follows it nowhere.
func (a *app) gatewayClient(g config.Gateway) *http.Client {
	return &http.Client{
		Timeout: g.Timeout,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.roots}, ResponseHeaderTimeout: g.Timeout,
			MaxIdleConns: 8, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// earn gives a freshly verified unit what its type is entitled to.
func (a *app) earn(ctx context.Context, c realname.Change) error {
	systems, err := a.db.Systems(ctx)
	if err != nil {
		return err
	}
	who, err := a.db.ByAccount(ctx, c.After.Account.ID)
	if err != nil {
		return err
	}
	for _, g := range entitlement.Earned(c.After.Account, c.After.Unit, systems, who.Grants, a.clock()) {
		ev := audit.Event{Kind: audit.EntitlementMade, Actor: "verification", Object: g.ID, Detail: string(g.System)}
		if err := a.db.PutGrant(ctx, g, audit.From(ctx, ev)); err != nil {
			return err
		}
	}
	return nil
}

// awaken makes what the migration left for a person until they were verified
// valid.
func (a *app) awaken(ctx context.Context, c realname.Change) error {
	if c.Before.Account.RealName.Verified() {
		return nil
	}
	who, err := a.db.ByAccount(ctx, c.After.Account.ID)
	if err != nil {
		return err
	}
	mandates, grants := entitlement.Awakened(who.Mandates, who.Grants, a.clock())
	ev := audit.Event{Kind: audit.EntitlementMade, Actor: "verification", Detail: "migrated"}
	for _, m := range mandates {
		ev.Object = m.ID
		if err := a.db.PutMandate(ctx, m, audit.From(ctx, ev)); err != nil {
			return err
		}
	}
	for _, g := range grants {
		ev.Object = g.ID
		if err := a.db.PutGrant(ctx, g, audit.From(ctx, ev)); err != nil {
			return err
		}
	}
	return nil
}
