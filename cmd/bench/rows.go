package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
)

// row is one measured operation. Its bound is what of the machine it cannot do
// without, as CPU seconds of all cores together; its goal is the figure aimed
// at on two cores and PostgreSQL, per second.
type row struct {
	name    string
	prepare func(ctx context.Context, w *worker) error // once per worker
	do      func(ctx context.Context, w *worker) error
	needs   string // the bound in words
	bound   func(m machineLimits) float64
	goal    float64
	mayShed bool
}

func rows(s *site) []row {
	holding := func(c relying) func(context.Context, *worker) error {
		return func(ctx context.Context, w *worker) (err error) {
			var q request
			if q, w.held, err = w.flow(ctx, c); err != nil {
				return err
			}
			return proveIDToken(w.held.id, q)
		}
	}
	code := func(alg string, goal float64) row {
		return row{
			name: "code flow, signed-in user, " + alg, prepare: holding(s.code[alg]), goal: goal,
			do: func(ctx context.Context, w *worker) error {
				_, _, err := w.flow(ctx, s.code[alg])
				return err
			},
			needs: "2 hello + 2 reads + 2 commits + signature", bound: func(m machineLimits) float64 { return 2*m.hello + 2*m.read + 2*m.commit + m.sign[alg] },
		}
	}
	refresh := func(alg string, goal float64) row {
		return row{
			name: "refresh with ID token, " + alg, prepare: holding(s.code[alg]), goal: goal,
			do:    func(ctx context.Context, w *worker) error { return w.refresh(ctx, s.code[alg]) },
			needs: "hello + read + commit + signature", bound: func(m machineLimits) float64 { return m.hello + m.read + m.commit + m.sign[alg] },
		}
	}
	hello := func(m machineLimits) float64 { return m.hello }
	reading := func(m machineLimits) float64 { return m.hello + m.read }
	return []row{
		{name: "client_credentials, opaque", goal: 5000, needs: "hello", bound: hello,
			do: func(ctx context.Context, w *worker) error { return w.clientCredentials(ctx, s.service, 0) }},
		{name: "client_credentials, ES256 JWT", goal: 6000, needs: "hello + signature", bound: func(m machineLimits) float64 { return m.hello + m.sign["ES256"] },
			do: func(ctx context.Context, w *worker) error { return w.clientCredentials(ctx, s.machine, 2) }},
		code("RS256", 700), code("ES256", 1300),
		refresh("RS256", 1000), refresh("ES256", 3000),
		{name: "introspection", goal: 9000, needs: "hello + read", bound: reading, prepare: holding(s.code["ES256"]),
			do: func(ctx context.Context, w *worker) error { return w.introspect(ctx, s.code["ES256"]) }},
		{name: "userinfo, with unit and entitlements", goal: 8000, needs: "hello + read", bound: reading, prepare: holding(s.code["ES256"]),
			do: func(ctx context.Context, w *worker) error { return w.userinfo(ctx) }},
		{name: "discovery", goal: 28000, needs: "hello", bound: hello,
			do: func(ctx context.Context, w *worker) error {
				return w.document(ctx, "/.well-known/openid-configuration", `"token_endpoint"`)
			}},
		{name: "jwks", goal: 28000, needs: "hello", bound: hello,
			do: func(ctx context.Context, w *worker) error { return w.document(ctx, "/oauth2/jwks", `"kid"`) }},
		signInRow(),
	}
}

// signInRow has no goal of its own: what is aimed at is a share of the bound.
func signInRow() row {
	return row{
		name: "password sign-in", needs: "argon2id", bound: func(m machineLimits) float64 { return m.argon2id },
		prepare: func(ctx context.Context, w *worker) error { return w.openDoor(ctx) },
		do:      func(ctx context.Context, w *worker) error { return w.signInOnce(ctx) },
	}
}

// proveIDToken looks into the first ID token of every worker: the algorithm that
// the row promises, the nonce, the unit and the entitlements.
func proveIDToken(token string, q request) error {
	var head struct{ Alg, Kid string }
	var body struct {
		Iss, Aud, Nonce string
		Org             *struct{ USCC string }
		Entitlements    []string
	}
	var part [3]string
	at := 0
	for i := range token {
		if token[i] == '.' {
			at++
			continue
		}
		part[at] += string(token[i])
	}
	for i, into := range []any{&head, &body} {
		b, err := base64.RawURLEncoding.DecodeString(part[i])
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			return fmt.Errorf("ID token: %w", err)
		}
	}
	switch {
	case head.Alg != q.c.alg || head.Kid == "":
		return fmt.Errorf("ID token signed with %q by key %q, want %s", head.Alg, head.Kid, q.c.alg)
	case body.Nonce != q.nonce || body.Aud != q.c.id || body.Iss == "":
		return fmt.Errorf("ID token of another request: audience %q", body.Aud)
	case body.Org == nil || !slices.Contains(body.Entitlements, string(hightech)+":apply"):
		return fmt.Errorf("ID token without unit or entitlements: %v", body.Entitlements)
	}
	return nil
}
