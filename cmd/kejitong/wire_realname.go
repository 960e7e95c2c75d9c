package main

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"kejitong/config"
	"kejitong/provider/document"
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
		Wake: a.runner.Wake, Now: a.clock, After: []func(context.Context, realname.Change) error{a.earn, a.awaken, a.succeed, a.appoint},
	}
	a.runner.Handlers[outbox.RealNameCheck] = s.Deliver
	return s
}

// folders are the documents of cases as real-name verification sees them.
type folders struct{ papers *document.Service }

// Count implements realname.Papers.
func (f folders) Count(ctx context.Context, folder string) (int, error) {
	list, err := f.papers.List(ctx, folder)
	n := 0
	for _, d := range list {
		if d.Scan != document.Quarantined {
			n++
		}
	}
	return n, err
}

// Scanned implements realname.Papers.
func (f folders) Scanned(ctx context.Context, folder string) (bool, error) {
	list, err := f.papers.List(ctx, folder)
	return !document.AnyWaits(list), err
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
