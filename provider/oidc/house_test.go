package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/outbound"
	"kejitong/provider/outbox"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/provider/web"
	"kejitong/store"
	"kejitong/store/storetest"
	"kejitong/templates"
)

const issuer = "https://fuwu.example.gov.cn"

// moment is when the stories happen, in Unix seconds.
const moment = 1795400000

// house is a provider on a real database whose clock the test moves.
type house struct {
	*Provider
	t       testing.TB
	db      *store.DB
	clock   *clock
	handler http.Handler
}

type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.nanos.Add(int64(d)) }
func (c *clock) set(unix int64)       { c.nanos.Store(unix * int64(time.Second)) }
func at(unix int64) time.Time         { return time.Unix(unix, 0).UTC() }
func did(kind audit.Kind) audit.Event { return audit.Event{Kind: kind, Actor: "test"} }
func newClock(unix int64) (c *clock)  { c = &clock{}; c.set(unix); return c }
func (h *house) find(id string) *client.Client {
	h.t.Helper()
	c, err := h.Clients.Find(h.t.Context(), id)
	if err != nil {
		h.t.Fatalf("find client %s: %v", id, err)
	}
	return c
}

// newHouse builds a provider on an SQLite file of t's own.
func newHouse(t testing.TB) *house {
	t.Helper()
	return houseOn(t, storetest.SQLite(t))
}

// onBoth runs fn with a house on each database.
func onBoth(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, houseOn(t, storetest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { fn(t, houseOn(t, storetest.Postgres(t))) })
}

func houseOn(t testing.TB, o store.Options) *house {
	t.Helper()
	db, ring := storetest.Ready(t, o)
	c := newClock(moment)
	db.Now, ring.Now = c.now, c.now
	render, err := templates.New(templates.Options{})
	if err != nil {
		t.Fatal(err)
	}
	home, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	kit := &web.Kit{Render: render, Issuer: home, FormKey: make([]byte, 32), Now: c.now}
	log := slog.New(slog.DiscardHandler)
	runner := &outbox.Runner{Store: db, Now: c.now, Log: log, Every: time.Hour, Attempts: 1, Workers: 1}
	runner.Init()
	out := &outbound.Client{Timeout: 5 * time.Second, MaxBody: 64 << 10}
	out.Init()
	p := &Provider{
		Issuer: issuer,
		Times: Times{
			Code: time.Minute, Access: 10 * time.Minute, IDToken: 10 * time.Minute, RefreshIdle: 7 * 24 * time.Hour, RefreshAbsolute: 30 * 24 * time.Hour,
			RefreshGrace: 10 * time.Second, Pushed: 90 * time.Second, Interaction: 30 * time.Minute, Skew: 10 * time.Second,
		},
		Keys: ring, Clients: &client.Registry{Store: db, Now: c.now}, Principals: db, Grants: db, Flow: db,
		Sessions: &session.Service{Store: db, Limits: session.Limits{Idle: time.Hour, Absolute: 12 * time.Hour}, Now: c.now},
		Web:      kit, Outbox: runner, Outbound: out, Now: c.now, Log: log,
	}
	p.Init()
	r := mux.NewRouter()
	p.Mount(r)
	return &house{Provider: p, t: t, db: db, clock: c, handler: kit.Wrap(r)}
}

// under is the same house for a subtest.
func (h *house) under(t testing.TB) *house {
	same := *h
	same.t = t
	return &same
}

// register stores a client and lets the registry's cache grow old enough to
// see it.
func (h *house) register(id, secret string, m client.Metadata) *client.Client {
	h.t.Helper()
	c := &client.Client{ID: id, Metadata: m, State: client.Active, Reviewed: true, CreatedAt: h.Now(), UpdatedAt: h.Now()}
	if secret != "" {
		c.SecretDigest = client.Digest(h.Keys.Snapshot(), id, secret)
	}
	if err := h.db.PutClient(h.t.Context(), c, did(audit.ClientCreated)); err != nil {
		h.t.Fatalf("put client: %v", err)
	}
	h.clock.pass(client.MaxAge)
	return h.find(id)
}

// web is the metadata of a confidential web client; change adapts it.
func webClient(change func(*client.Metadata)) client.Metadata {
	m := client.Metadata{
		Name: "A relying party", RedirectURIs: []string{"https://rp.example.cn/cb"}, GrantTypes: []string{"authorization_code", "refresh_token"},
		ResponseTypes: []string{"code"}, Scope: "openid profile email phone address org entitlements offline_access",
	}
	if change != nil {
		change(&m)
	}
	return m
}

// settle stores everything about who, and an active grant of theirs.
func (h *house) settle(held *principal.Held) {
	h.t.Helper()
	ctx, p := h.t.Context(), held.Principal
	units := map[string]bool{}
	put := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	if p.Unit != nil {
		units[p.Unit.ID] = true
		put(h.db.PutUnit(ctx, *p.Unit, did(audit.UnitChanged)))
	}
	for _, m := range p.Mandates {
		if !units[m.Unit.ID] {
			units[m.Unit.ID] = true
			put(h.db.PutUnit(ctx, m.Unit, did(audit.UnitChanged)))
		}
	}
	put(h.db.PutAccount(ctx, p.Account, "", did(audit.AccountCreated)))
	if held.Actor != nil {
		put(h.db.PutAccount(ctx, *held.Actor, "", did(audit.AccountCreated)))
	}
	for _, s := range []entitlement.SystemID{hightech, techSME} {
		put(h.db.PutSystem(ctx, entitlement.System{ID: s, NameZH: "系统", NameEN: "System", Level: "L2", Actions: []string{"apply", "report"}}, did(audit.ClientChanged)))
	}
	for _, m := range p.Mandates {
		put(h.db.PutMandate(ctx, m, did(audit.EntitlementMade)))
	}
	for _, g := range p.Grants {
		put(h.db.PutGrant(ctx, g, did(audit.EntitlementMade)))
	}
	h.open(&held.Grant)
}

func (h *house) open(g *token.Grant) {
	h.t.Helper()
	if ok, err := h.db.OpenGrant(h.t.Context(), g, token.Consume{}, did(audit.CodeIssued)); err != nil || !ok {
		h.t.Fatalf("open grant: %v %v", ok, err)
	}
}

// post sends a form to an endpoint and gives the answer.
func (h *house) post(path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

func (h *house) get(path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, issuer+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

// object reads a JSON object with its numbers as they are written.
func object(t testing.TB, body []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatalf("not a JSON object: %v: %s", err, body)
	}
	return m
}

// asObject is v as a relying party reads it.
func asObject(t testing.TB, v any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return object(t, b)
}

// pretty is v for messages.
func pretty(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// codeOfError is the protocol code of err; "local" for a refusal that stays
// here, "internal" for a failure of ours, "" for none.
func codeOfError(err error) string {
	if err == nil {
		return ""
	}
	if local := (localError{}); errors.As(err, &local) {
		return "local"
	}
	e, _, ok := asProtocol(err)
	if !ok {
		return "internal"
	}
	return e.code
}
