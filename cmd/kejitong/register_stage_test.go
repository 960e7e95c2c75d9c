package main

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// registrar is somebody with an initial access token.
type registrar struct {
	*rig
	token string
}

// onRegistrars runs fn with a token of the policy on each database. The provider
// may call the servers in near.
func onRegistrars(t *testing.T, p client.Policy, tweak func(*config.Config), fn func(t *testing.T, g registrar), near ...*httptest.Server) {
	t.Helper()
	more := func(c *config.Config) {
		if tweak != nil {
			tweak(c)
		}
		for _, s := range near {
			c.Clients.OutboundAllow = append(c.Clients.OutboundAllow, s.Listener.Addr().String())
		}
	}
	trust := func(a *app) {
		for _, s := range near {
			if a.roots == nil {
				a.roots = x509.NewCertPool()
			}
			a.roots.AddCert(s.Certificate())
		}
	}
	t.Run("sqlite", func(t *testing.T) { fn(t, newRig(t, storetest.SQLite(t), more, trust).registrar(p, 10000)) })
	t.Run("postgres", func(t *testing.T) { fn(t, newRig(t, storetest.Postgres(t), more, trust).registrar(p, 10000)) })
}

func (r *rig) registrar(p client.Policy, uses int64) registrar {
	r.t.Helper()
	text, digest, err := client.NewToken()
	if err == nil {
		err = r.app.db.PutInitialToken(r.t.Context(), client.InitialToken{
			ID: randomText(6), Digest: digest, Note: "test", Policy: p, MaxUses: uses, CreatedAt: r.clock.now(), ExpiresAt: r.clock.now().Add(24 * time.Hour),
		}, audit.Event{Kind: audit.InitialMade, Actor: "test"})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return registrar{r, text}
}

// as is the same registrar reporting to a subtest.
func (g registrar) as(t *testing.T) registrar { return registrar{g.rig.as(t), g.token} }

// metadata is the smallest registration; more are members in turn, of which
// "-" takes one away.
func metadata(more ...any) map[string]any {
	m := map[string]any{"client_name": "某某系统", "redirect_uris": []string{rpcb}}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "-" {
			delete(m, more[i].(string))
			continue
		}
		m[more[i].(string)] = more[i+1]
	}
	return m
}

// at sends a request to a registration endpoint; body is JSON text or what
// becomes of it.
func (r *rig) at(method, target, bearer string, body any) answer {
	r.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			r.t.Fatal(err)
		}
		reader = strings.NewReader(string(text))
	}
	if strings.HasPrefix(target, "/") {
		target = r.issuer + target
	}
	q, err := http.NewRequest(method, target, reader)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		q.Header.Set("Authorization", "Bearer "+bearer)
	}
	return r.sent(q)
}

// registers asks for a registration.
func (g registrar) registers(body any) answer {
	g.t.Helper()
	return g.at(http.MethodPost, "/oauth2/register", g.token, body)
}

// gets is registers for what must succeed; the rig knows the secret afterwards.
func (g registrar) gets(body any) map[string]any {
	g.t.Helper()
	a := g.registers(body)
	if a.status != http.StatusCreated {
		g.t.Fatalf("registration: %d %s", a.status, a.raw)
	}
	if s := text(a.body, "client_secret"); s != "" {
		g.cast.Secrets[text(a.body, "client_id")] = s
	}
	return a.body
}

// puts replaces a registration by the members that c was told, changed.
func (g registrar) puts(c map[string]any, more ...any) answer {
	g.t.Helper()
	m := maps.Clone(c)
	for _, told := range []string{"registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret", "client_secret_expires_at"} {
		delete(m, told)
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "-" {
			delete(m, more[i].(string))
			continue
		}
		m[more[i].(string)] = more[i+1]
	}
	return g.at(http.MethodPut, text(c, "registration_client_uri"), text(c, "registration_access_token"), m)
}

// unauthorized holds an answer to be the one that every bad token gets.
func unauthorized(t testing.TB, a answer, what string) {
	t.Helper()
	challenge := a.header.Get("WWW-Authenticate")
	if a.status != http.StatusUnauthorized || a.err() != "invalid_token" || !strings.HasPrefix(challenge, `Bearer realm="registration"`) {
		t.Errorf("%s: %d %s, challenge %q; want 401 invalid_token with a Bearer challenge", what, a.status, a.raw, challenge)
	}
	if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Errorf("%s: the answer may be kept", what)
	}
}
