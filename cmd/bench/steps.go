package main

import (
	"context"
	"fmt"
)

// step is what one request costs the database, counted one request at a time.
type step struct {
	name       string
	statements float64 // BEGIN and COMMIT included
	wal        float64 // bytes
	goal       float64 // statements at most; 0: none set
}

// stepTimes is how often each step is run for its count; what the server does
// in the background in the meantime is a few statements and disappears in it.
const stepTimes = 200

// countSteps runs every step alone, in turn.
func countSteps(ctx context.Context, o options, s *site, c *cluster, fresh func() string) ([]step, error) {
	n := stepTimes
	if o.passes > 0 {
		n = 40
	}
	users, err := admit(ctx, s, 2) // fresh sessions: an old one is touched once a minute
	if err != nil {
		return nil, err
	}
	w := hire(s, 1, users, fresh)[0]
	defer w.peer.close()
	es := s.code["ES256"]
	type issued struct {
		q    request
		code string
	}
	var codes []issued
	if _, w.held, err = w.flow(ctx, es); err != nil {
		return nil, err
	}
	if err := w.openDoor(ctx); err != nil {
		return nil, err
	}
	var out []step
	for _, st := range []struct {
		name string
		goal float64
		do   func() error
	}{
		{"authorize", 2, func() error {
			q, code, err := w.authorize(ctx, es)
			codes = append(codes, issued{q, code})
			return err
		}},
		{"token, authorization_code", 2, func() error {
			next := codes[0]
			codes = codes[1:]
			_, err := w.redeem(ctx, next.q, next.code)
			return err
		}},
		{"token, refresh_token", 2, func() error { return w.refresh(ctx, es) }},
		{"token, client_credentials", 1, func() error { return w.clientCredentials(ctx, s.service, 0) }},
		{"introspect", 1, func() error { return w.introspect(ctx, es) }},
		{"userinfo", 1, func() error { return w.userinfo(ctx) }},
		{"POST /login", 0, func() error { return w.signInOnce(ctx) }},
	} {
		before, err := c.count(ctx)
		if err != nil {
			return nil, err
		}
		for range n {
			if err := st.do(); err != nil {
				return nil, fmt.Errorf("step %s: %w", st.name, err)
			}
		}
		after, err := c.count(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, step{st.name, (after.statements - before.statements) / float64(n), (after.wal - before.wal) / float64(n), st.goal})
	}
	return out, nil
}
