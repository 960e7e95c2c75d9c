package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/principal"
	"kejitong/provider/torch"
	"kejitong/store"
	"kejitong/store/storetest"
	"kejitong/templates"
)

// rig is a stage whose clock can be moved, that can be restarted and that can
// have replicas.
type rig struct {
	*stage
	options store.Options
	clock   *clock
	beside  *sql.DB // past the provider, as an operator with the password could
	alter   func(*app)
	stop    func()
	signers map[string]signer // of clients that prove themselves by assertions
}

// clock goes with the real one, or stands still; it can be moved ahead.
type clock struct {
	still atomic.Pointer[time.Time]
	ahead atomic.Int64
}

func (c *clock) now() time.Time {
	t := now()
	if s := c.still.Load(); s != nil {
		t = *s
	}
	return t.Add(time.Duration(c.ahead.Load()))
}

// stop makes time stand still but for the moves.
func (c *clock) stop() {
	t := now()
	c.still.Store(&t)
}

func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

// onRigs runs fn on a rig of each database.
func onRigs(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, newRig(t, storetest.SQLite(t), nil, nil)) })
	t.Run("postgres", func(t *testing.T) { fn(t, newRig(t, storetest.Postgres(t), nil, nil)) })
}

// newRig starts a provider. tweak sees the configuration, alter the app before
// it is assembled; both may be nil.
func newRig(t testing.TB, o store.Options, tweak func(*config.Config), alter func(*app)) *rig {
	t.Helper()
	cast, err := rehearse(t.TempDir(), 8080)
	if err != nil {
		t.Fatal(err)
	}
	c := &cast.config
	c.Database.Driver, c.Database.DSN, c.Database.Path, c.Database.MaxOpen = o.Driver, config.NewSecret([]byte(o.DSN)), o.Path, 24
	c.Keys.RootKey = config.NewSecret(storetest.Root)
	c.Passwords.FailureFloor = -1
	if tweak != nil {
		tweak(c)
	}
	if bytes.Equal(c.Keys.RootKey.Bytes(), storetest.Root) { // put the shared test keys in, then let go of the one-process lock
		db, _ := storetest.Prepared(t, o)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r := &rig{options: o, clock: &clock{}, beside: openBeside(t, o), alter: alter, signers: map[string]signer{}}
	r.start(t, cast)
	return r
}

// cheap hashes passwords at a cost that no configuration may have: most tests are
// about something else. TestRealCost of package credential has the real one.
func cheap(c config.Config) *credential.Hasher {
	return &credential.Hasher{MemoryKiB: 64, Time: 1, Concurrency: c.Passwords.Concurrency, Queue: c.Passwords.Queue, Foreign: torch.Passwords{}}
}

var renderers sync.Map // by config.Platform

// drawn is the pages, parsed once: that takes a second under the race detector.
func drawn(t testing.TB, c config.Platform) *templates.Renderer {
	t.Helper()
	if r, ok := renderers.Load(c); ok {
		return r.(*templates.Renderer)
	}
	r, err := newRenderer(c)
	if err != nil {
		t.Fatal(err)
	}
	renderers.Store(c, r)
	return r
}

func openBeside(t testing.TB, o store.Options) *sql.DB {
	t.Helper()
	name, dsn := "postgres", o.DSN
	if o.Driver == "sqlite" {
		name, dsn = "sqlite", "file:"+(&url.URL{Path: o.Path}).EscapedPath()+"?_txlock=immediate&_pragma=busy_timeout(20000)"
	}
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(4)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// start serves on a port of its own. The first start decides the issuer; what
// follows is the same provider at another address.
func (r *rig) start(t testing.TB, cast *performance) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	if cast.config.Issuer == "http://localhost:8080" {
		cast.config.Issuer = address
	}
	logs := &syncBuffer{}
	db, err := openDatabase(t.Context(), cast.config)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{cfg: cast.config, log: slog.New(slog.NewJSONHandler(logs, nil)), db: db, clock: r.clock.now}
	cast.equip(a)
	a.hasher, a.render = cheap(cast.config), drawn(t, cast.config.Platform)
	if r.alter != nil {
		r.alter(a)
	}
	if err := a.assemble(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cast.seed(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	tel, err := newTelemetry(t.Context(), cast.config, a)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.run(ctx, []net.Listener{l}, nil, tel) }()
	r.stop = sync.OnceFunc(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := a.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(r.stop)
	r.stage = &stage{t: t, app: a, cast: cast, issuer: address, logs: logs}
}

// replica is another process' worth of the provider on the same database, with
// a clock of its own.
func (r *rig) replica() *rig {
	r.t.Helper()
	other := &rig{options: r.options, clock: &clock{}, beside: r.beside, alter: r.alter}
	other.start(r.t, r.cast)
	return other
}

// restart ends the process' worth and starts it anew on the same database.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start(r.t, r.cast)
}

// as is the same rig reporting to a subtest.
func (r *rig) as(t *testing.T) *rig {
	s := *r.stage
	s.t = t
	o := *r
	o.stage = &s
	return &o
}

// name is the issuer as tokens say it, which is not a replica's address.
func (r *rig) name() string { return r.cast.config.Issuer }

// exec changes the database behind the provider's back; ? stands for a value.
func (r *rig) exec(statement string, args ...any) {
	r.t.Helper()
	if _, err := r.beside.ExecContext(r.t.Context(), r.bound(statement), args...); err != nil {
		r.t.Fatalf("%s: %v", statement, err)
	}
}

func (r *rig) bound(statement string) string {
	if r.options.Driver == "sqlite" {
		return statement
	}
	var b strings.Builder
	n := 0
	for _, c := range statement {
		if c == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// ask reads one number.
func (r *rig) ask(query string, args ...any) (n int64) {
	r.t.Helper()
	if err := r.beside.QueryRowContext(r.t.Context(), r.bound(query), args...).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// audited counts the records of a kind.
func (r *rig) audited(kind audit.Kind) int64 {
	r.t.Helper()
	return r.ask(`SELECT COUNT(*) FROM audit WHERE kind = ?`, string(kind))
}

// state says in one line where all grants stand; two equal lines mean that
// nothing happened to any of them in between. The next signing keys are made in
// the background and do not count.
func (r *rig) state() string {
	r.t.Helper()
	var n, state, gen, rotated, spent, trail, jti int64
	err := r.beside.QueryRowContext(r.t.Context(), `
SELECT COUNT(*), COALESCE(SUM(state), 0), COALESCE(SUM(rt_gen), 0), COALESCE(SUM(rt_rotated_at), 0),
    COALESCE(SUM(CASE WHEN code_spent THEN 1 ELSE 0 END), 0), (SELECT COUNT(*) FROM audit WHERE kind <> 'key.rotated'), (SELECT COUNT(*) FROM assertions)
FROM grants`).Scan(&n, &state, &gen, &rotated, &spent, &trail, &jti)
	if err != nil {
		r.t.Fatal(err)
	}
	return fmt.Sprintf("grants %d state %d generations %d rotated %d spent %d audit %d assertions %d", n, state, gen, rotated, spent, trail, jti)
}

// register adds a client. It is first-party unless its metadata have a purpose,
// so that no page asks for consent.
func (r *rig) register(id string, m client.Metadata) {
	r.t.Helper()
	if m.TokenEndpointAuthMethod == "" {
		m.TokenEndpointAuthMethod = "client_secret_basic"
	}
	withSecret := m.HasSecret()
	if _, known := r.cast.Secrets[id]; !known && withSecret {
		r.cast.Secrets[id] = randomText(32)
	}
	if m.GrantTypes == nil {
		m.GrantTypes = []string{"authorization_code", "refresh_token"}
	}
	if m.RedirectURIs == nil {
		m.RedirectURIs = []string{callbackOf(id)}
	}
	if m.Scope == "" {
		m.Scope = "openid profile phone offline_access"
	}
	if m.ResponseTypes == nil {
		m.ResponseTypes = []string{"code"}
	}
	m.ClaimsProfile, m.FirstParty = client.Standard, m.Purpose == ""
	c := &client.Client{ID: id, Metadata: m, State: client.Active, Reviewed: true, CreatedAt: now(), UpdatedAt: now()}
	if withSecret {
		if err := c.SetSecret(r.app.ring.Snapshot(), r.cast.Secrets[id]); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.app.db.PutClient(r.t.Context(), c, audit.Event{Kind: audit.ClientCreated, Actor: "test", Object: id}); err != nil {
		r.t.Fatal(err)
	}
}

// setClient disables a client, or enables it again.
func (r *rig) setClient(id string, s client.State) {
	r.t.Helper()
	c, err := r.app.db.Client(r.t.Context(), id)
	if err == nil {
		c.State = s
		err = r.app.db.PutClient(r.t.Context(), c, audit.Event{Kind: audit.ClientChanged, Actor: "test", Object: id})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func callbackOf(id string) string {
	if id == "demo-code" {
		return democb
	}
	return "https://" + id + ".example/cb"
}

// person gives the principal behind the account of a claims case.
func (r *rig) person(c string) principal.Principal {
	r.t.Helper()
	key, err := account.NormaliseLogin(r.account(c).Username)
	if err != nil {
		r.t.Fatal(err)
	}
	a, err := r.app.db.AccountByLogin(r.t.Context(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := r.app.db.ByAccount(r.t.Context(), a.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// request makes a complete authorization request of a registered client.
func request(id, scope string) attempt {
	a := newAttempt(scope)
	a.params.Set("client_id", id)
	a.params.Set("redirect_uri", callbackOf(id))
	return a
}

// code walks to the authorization response; b signs in as the account of case c
// if it has to.
func (r *rig) code(b *browser, c string, a attempt) string {
	r.t.Helper()
	p := b.get(r.authorizeURL(a))
	if p.StatusCode == http.StatusOK {
		p = b.signIn(r.stage, p, c)
	}
	q := callback(r.t, p)
	if q.Get("code") == "" {
		r.t.Fatalf("no code but %v", q)
	}
	return q.Get("code")
}

// granted walks the whole flow of a client and gives the token response.
func (r *rig) granted(b *browser, c, id, scope string) map[string]any {
	r.t.Helper()
	a := request(id, scope)
	return r.redeem(a, r.code(b, c, a))
}

// redeem is exchange for codes that ought to be good.
func (r *rig) redeem(a attempt, code string) map[string]any {
	r.t.Helper()
	got := r.token(a.params.Get("client_id"), codeForm(a, code))
	if got.status != http.StatusOK {
		r.t.Fatalf("code: %s", got)
	}
	return got.body
}

func codeForm(a attempt, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.params.Get("redirect_uri")}, "code_verifier": {a.verifier}}
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// grantOf is the id of the grant that an opaque token names.
func grantOf(t testing.TB, token string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < 18 {
		t.Fatalf("not an opaque token: %d bytes, %v", len(b), err)
	}
	return base64.RawURLEncoding.EncodeToString(b[2:18])
}

// generation is that of the refresh token that is valid now.
func (r *rig) generation(token string) int64 {
	r.t.Helper()
	return r.ask(`SELECT rt_gen FROM grants WHERE id = ?`, grantOf(r.t, token))
}

// as is the same browser reporting to a subtest.
func (b *browser) as(t testing.TB) *browser {
	o := *b
	o.t = t
	return &o
}
