package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"kejitong/config"
	"kejitong/provider"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/device"
	"kejitong/provider/diagnosis"
	"kejitong/provider/document"
	"kejitong/provider/entitlement"
	"kejitong/provider/factor"
	"kejitong/provider/holder"
	"kejitong/provider/integrator"
	"kejitong/provider/keys"
	"kejitong/provider/mandate"
	"kejitong/provider/notify"
	"kejitong/provider/oidc"
	"kejitong/provider/operator"
	"kejitong/provider/outbound"
	"kejitong/provider/outbox"
	"kejitong/provider/parting"
	"kejitong/provider/principal"
	"kejitong/provider/realname"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/provider/torch"
	"kejitong/provider/web"
	"kejitong/provider/web/console"
	"kejitong/provider/web/interact"
	"kejitong/provider/web/visitor"
	"kejitong/store"
	"kejitong/templates"
)

// app is everything that a configuration builds: the one place where the parts
// meet.
type app struct {
	cfg     config.Config
	log     *slog.Logger
	db      *store.DB
	ring    *keys.Ring
	hasher  *credential.Hasher
	render  *templates.Renderer
	clients *client.Registry
	runner  *outbox.Runner
	chain   *audit.Chain
	holders *holder.Service
	notices atomic.Pointer[[]operator.Notice]
	doubted sync.Map // ids of mandates and grants that were found altered, so that each is logged once
	papers  *document.Service
	handler http.Handler

	protocol *oidc.Provider // checks access tokens for others

	messages *notify.Service // tells people something
	names    *realname.Service
	rights   *entitlement.Service // mandates and grants
	handlers *mandate.Service     // who acts for units, by whose word
	captchas *challenge.Easel     // asks for a proof that somebody looks at the page
	factors  *factor.Service      // second factors of accounts and operators
	herald   *factor.Herald       // tells owners what was done around their sign-in
	codes    *challenge.Desk      // sends one-time codes and checks them
	console  *integrator.Service  // who connects systems
	watch    *credential.Watch
	reasons  *diagnosis.Recorder                                              // why requests of clients failed
	testers  func(context.Context, *client.Client) ([]account.Account, error) // the test accounts of a client
	team     console.Team                                                     // who works on which client
	mutual   net.Listener                                                     // for clients with certificates, nil if there is none

	// Only tests set these (and hasher and render), before assemble: a clock that can be moved, something
	// to stand between the protocol and the grants, and whose certificates our own
	// calls believe (nil: the system's).
	clock  func() time.Time
	grants grants
	roots  *x509.CertPool

	// Only the demonstration and tests set these, before assemble: an answer that
	// every captcha takes, how messages travel instead of by the configuration's
	// drivers, other caps on codes, and pages of the demonstration's own.
	captcha string
	senders map[notify.Channel]notify.Sender
	caps    challenge.Caps
	beside  func(*web.Kit) provider.Surface
}

// grants keeps grants and reads them with whoever holds them.
type grants interface {
	token.Store
	principal.Reader
}

func now() time.Time { return time.Now().UTC() }

// openDatabase connects and brings the schema up to date.
func openDatabase(ctx context.Context, c config.Config) (*store.DB, error) {
	db, err := store.Open(ctx, store.Options{
		Driver: c.Database.Driver, DSN: c.Database.DSN.Text(), Path: c.Database.Path, MaxOpen: c.Database.MaxOpen, MaxIdle: c.Database.MaxIdle,
		ConnMaxLifetime: c.Database.ConnMaxLifetime, StatementTimeout: c.Database.StatementTimeout,
	})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate: %w", err), db.Close())
	}
	return db, nil
}

// build opens the database and the keys and puts the parts together, as
// alter has it. The caller closes it.
func build(ctx context.Context, c config.Config, log *slog.Logger, alter ...func(*app)) (*app, error) {
	db, err := openDatabase(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &app{cfg: c, log: log, db: db}
	for _, f := range alter {
		f(a)
	}
	if err := a.assemble(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// vault opens the keys, so that sealed data can be read and written.
func (a *app) vault(ctx context.Context) error {
	if a.clock == nil {
		a.clock = now
	}
	a.db.Now = a.clock
	a.ring = &keys.Ring{Store: a.db, Root: a.cfg.Keys.RootKey.Bytes(), RetireAfter: a.cfg.Keys.RetireAfter, Now: a.clock}
	if err := a.ring.Open(ctx); err != nil {
		return err
	}
	a.db.Seal = func() store.Sealer { return a.ring.Snapshot() }
	a.db.Altered = a.altered
	if err := a.adoptRights(ctx); err != nil {
		return err
	}
	a.messages = &notify.Service{Store: a.db, Fiction: account.TestNumber, Now: a.clock, Log: a.log} // who delivers them needs more
	a.herald = &factor.Herald{Queue: a.messages, Now: a.clock, Owner: func(ctx context.Context, id account.ID) (account.Account, error) {
		p, err := a.db.ByAccount(ctx, id)
		return p.Account, err
	}}
	a.chain = &audit.Chain{Store: a.db, Key: a.ring.Snapshot().Current(keys.Trail).Bytes, Now: a.clock}
	if a.hasher != nil {
		return nil
	}
	p := a.cfg.Passwords
	a.hasher = &credential.Hasher{
		MemoryKiB: uint32(p.Argon2MemoryKiB), Time: uint32(p.Argon2Time), Parallelism: uint8(p.Argon2Parallelism), //nolint:gosec // validated bounds
		Concurrency: p.Concurrency, Queue: p.Queue, Foreign: torch.Passwords{},
	}
	return a.hasher.Validate()
}

func (a *app) assemble(ctx context.Context) error {
	if err := a.vault(ctx); err != nil {
		return err
	}
	if a.grants == nil {
		a.grants = a.db
	}
	c := a.cfg
	kit, err := a.kit()
	if err != nil {
		return err
	}
	sessions := &session.Service{Store: a.db, Limits: session.Limits{Idle: c.Sessions.Idle, Absolute: c.Sessions.Absolute}, Now: a.clock}
	a.clients = &client.Registry{Store: a.db, Now: a.clock}
	a.runner = &outbox.Runner{Store: a.db, Now: a.clock, Log: a.log, Every: 5 * time.Second, Attempts: 12, Workers: 8}
	a.runner.Init()
	leave := &parting.Service{Flow: a.db, Clients: a.clients, Keys: a.ring.Snapshot, Now: a.clock}
	op, err := a.provider()
	if err != nil {
		return err
	}
	op.Grants, op.Principals, op.Flow, op.Sessions, op.Parting, op.Web, op.Outbox, op.Registrations = a.grants, a.grants, a.db, sessions, leave, kit, a.runner, a.db
	party, err := a.party()
	if err != nil {
		return err
	}
	var devices device.Store
	if c.Protocol.DeviceGrant {
		devices = a.db
	}
	op.Devices = devices
	if op.Publishers, err = publishers(c.Clients.StatementIssuersFile, op.Outbound); err != nil {
		return err
	}
	a.reasons = &diagnosis.Recorder{Store: a.db, Now: a.clock, Log: a.log}
	op.Notes = a.reasons
	op.Init()
	a.protocol = op
	a.runner.Handlers = map[outbox.Kind]outbox.Handler{outbox.BackchannelLogout: op.Backchannel}
	a.challenges(kit.Render)
	a.secondFactors(party)
	hall := &visitor.Hall{Web: kit, Sessions: sessions, Principals: a.db, Now: a.clock}
	pages := &interact.Handler{
		Web: kit, Issuer: c.Issuer, Flow: a.db, Parting: leave, Sessions: sessions, Visitors: hall, Credentials: a.credentials(), Principals: a.db, Clients: a.clients, Consents: a.db,
		Devices: devices, Systems: a.db, Entries: a.db, Captchas: a.captchas, Factors: a.factors, Codes: a.codes, Accounts: a.db, Audit: a.db, Chosen: a.db, Keys: a.ring.Snapshot, Outbox: a.runner, Now: a.clock, Log: a.log,
	}
	if a.papers, err = a.documents(ctx); err != nil {
		return err
	}
	a.rights = a.entitlements()
	pages.Rights = a.rights
	a.handlers = a.mandates()
	a.names = a.realNames()
	a.console = a.integrators(op)
	if a.team == nil {
		a.team = a.console
	}
	more, err := a.surfaces(kit, sessions, hall)
	if err != nil {
		return err
	}
	if a.beside != nil {
		more = append(more, a.beside(kit))
	}
	pages.Ways, pages.Tests = ways(more), a.console
	a.handler = provider.New(provider.Deps{Web: kit, OIDC: op, Interact: pages, More: more})
	return nil
}

// party is for whom passkeys are made; nil where the issuer has no host for them.
func (a *app) party() (*webauthn.WebAuthn, error) {
	party, err := factor.RelyingParty(a.cfg.Issuer, a.platformName())
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return party, nil
}

// provider is the protocol as the configuration has it, without what it serves
// pages and keeps grants with.
func (a *app) provider() (*oidc.Provider, error) {
	c := a.cfg
	mutual, err := mutualTLS(c.Listen.MTLS)
	if err != nil {
		return nil, err
	}
	party, err := a.party()
	if err != nil {
		return nil, err
	}
	return &oidc.Provider{
		MTLS:   mutual,
		Issuer: c.Issuer,
		Times: oidc.Times{
			Code: c.Tokens.CodeTTL, Access: c.Tokens.AccessTTL, IDToken: c.Tokens.IDTokenTTL, RefreshIdle: c.Tokens.RefreshIdle,
			RefreshAbsolute: c.Tokens.RefreshAbsolute, RefreshGrace: c.Tokens.RefreshGrace, Pushed: c.Tokens.PARTTL,
			Interaction: c.Sessions.InteractionTTL, Skew: c.Tokens.ClockSkew,
		},
		Features: oidc.Features{
			FrontChannelTokens: c.Protocol.FrontChannelTokens, Registration: c.Protocol.Registration, DeviceGrant: c.Protocol.DeviceGrant,
			TokenExchange: c.Protocol.TokenExchange, JWTBearerGrant: c.Protocol.JWTBearerGrant, SessionManagement: c.Protocol.SessionManagement,
			DPoPNonce:  c.Protocol.DPoPNonce,
			RequirePAR: c.Protocol.RequirePAR,
			Passkeys:   party != nil,
		},
		Emails: oidc.SubstituteEmails{Domain: c.Clients.SubstituteEmailDomain, Verified: c.Clients.SubstituteEmailVerified},
		Keys:   a.ring, Clients: a.clients, Outbound: a.outside(), Now: a.clock, Log: a.log,
	}, nil
}

// outside makes our own calls to addresses that others registered.
func (a *app) outside() *outbound.Client {
	c := &outbound.Client{Allow: a.cfg.Clients.OutboundAllow, Roots: a.roots, Timeout: 5 * time.Second, MaxBody: 64 << 10}
	c.Init()
	return c
}

func (a *app) credentials() *credential.Service {
	p := a.cfg.Passwords
	return &credential.Service{
		Store: a.db, Hasher: a.hasher, Policy: a.policy(), Key: a.ring.Snapshot().Current(keys.Throttle).Bytes, Now: a.clock,
		Watch:  a.watch,
		Limits: credential.Limits{PairLimit: p.PerPairLimit, LockFor: p.LockFor, AccountLimit: p.AccountLimit, FailureFloor: p.FailureFloor},
	}
}

func (a *app) kit() (*web.Kit, error) {
	c := a.cfg
	render := a.render
	if render == nil {
		var err error
		if render, err = newRenderer(c.Platform); err != nil {
			return nil, err
		}
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	kit := &web.Kit{
		Render: render, Issuer: issuer, FormKey: a.ring.Snapshot().Current(keys.Form).Bytes, TrustedProxies: c.Listen.TrustedProxies,
		Log: a.log, Now: a.clock, AccessLog: c.Log.Access, Debug: c.Debug, Watched: c.Protocol.SessionManagement, Version: shownVersion(),
	}
	return kit, kit.Check()
}

// close gives back what build opened.
func (a *app) close() error { return a.db.Close() }

// newLogger writes structured lines to standard error.
func newLogger(c config.Log) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, opts))
}

// shownVersion is what the footer of pages says; a build without a version says
// nothing.
func shownVersion() string {
	if version == "unknown" {
		return ""
	}
	return version
}

// encodeKey is the text form of a root key in its file.
func encodeKey(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// newRenderer parses the pages as the configuration names the platform.
func newRenderer(c config.Platform) (*templates.Renderer, error) {
	return templates.New(templates.Options{
		Platform: c.NameZH, PlatformEN: c.NameEN, SupportPhone: c.SupportPhone, SupportHours: c.SupportHours,
		ManualURL: cmp.Or(c.ManualURL, "/help"), PrivacyURL: "/help/privacy",
	})
}
