package interact_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/challenge"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/entitlement"
	"kejitong/provider/factor"
	"kejitong/provider/keys"
	"kejitong/provider/notify"
	"kejitong/provider/parting"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/interact"
	"kejitong/provider/web/visitor"
	"kejitong/store"
	"kejitong/store/storetest"
	"kejitong/templates"
)

const (
	password = "correct-Horse-7-battery"
	uscc     = "91110108MA01ET88XL" // of the unit with an account of its own
	uscc2    = "91350100M000100Y43"
)

// house is the pages on a real database behind a real server. The
// authorization endpoint is a stand-in that says which interaction came back.
type house struct {
	t      *testing.T
	db     *store.DB
	url    string
	h      *interact.Handler
	hasher *credential.Hasher
	log    *bytes.Buffer
	mu     sync.Mutex
	at     time.Time
	woken  int
	asked  store.Counter // statements of all requests
	told   []notify.Message
}

// Queue takes what is promised to people.
func (h *house) Queue(_ context.Context, m notify.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, m)
	return nil
}

// Wake counts what is told to the outbox.
func (h *house) Wake() { h.mu.Lock(); defer h.mu.Unlock(); h.woken++ }

func (h *house) now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.at }

func (h *house) wait(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.at = h.at.Add(d) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs fn in a house on either database.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, build(t, db)) })
}

// lone runs fn in a house on SQLite: for what no database can change.
func lone(t *testing.T) *house {
	db, _ := storetest.Ready(t, storetest.SQLite(t))
	return build(t, db)
}

func build(t *testing.T, db *store.DB) *house {
	h := &house{t: t, db: db, at: time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC), log: new(bytes.Buffer)}
	db.Now = h.now
	snapshot := db.Seal().(*keys.Snapshot)
	server := httptest.NewUnstartedServer(nil)
	h.url = "http://" + server.Listener.Addr().String()
	issuer, err := url.Parse(h.url)
	must(t, err)
	render, err := templates.New(templates.Options{})
	must(t, err)
	kit := &web.Kit{Render: render, Issuer: issuer, FormKey: snapshot.Current(keys.Form).Bytes, Now: h.now}
	h.hasher = &credential.Hasher{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000}
	clients := &client.Registry{Store: db, Now: h.now}
	sessions := &session.Service{Store: db, Limits: session.Limits{Idle: time.Hour, Absolute: 8 * time.Hour}, Now: h.now}
	mac := func(parts ...string) []byte { return snapshot.MAC(keys.Challenge, parts...) }
	h.h = &interact.Handler{
		Web: kit, Issuer: h.url, Flow: db, Parting: &parting.Service{Flow: db, Clients: clients, Keys: func() *keys.Snapshot { return snapshot }, Now: h.now}, Sessions: sessions,
		Visitors: &visitor.Hall{Web: kit, Sessions: sessions, Principals: db, Now: h.now},
		Factors:  &factor.Service{Store: db, Issuer: "test", Key: make([]byte, 32), Now: h.now},
		Credentials: &credential.Service{
			Store: db, Hasher: h.hasher, Key: snapshot.Current(keys.Throttle).Bytes, Now: h.now, Limits: credential.Limits{FailureFloor: -1},
		},
		Principals: db, Clients: clients, Consents: db, Systems: db, Entries: db, Audit: db, Accounts: db,
		Captchas: &challenge.Easel{Store: db, MAC: mac, Now: h.now, Always: "always"},
		Codes:    &challenge.Desk{Store: db, Queue: h, MAC: mac, Now: h.now, Log: slog.New(slog.NewTextHandler(h.log, nil))},
		Keys:     func() *keys.Snapshot { return snapshot }, Outbox: h, Now: h.now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
	r := mux.NewRouter().SkipClean(true)
	h.h.Mount(r)
	r.HandleFunc("/oauth2/authorize", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.RawQuery)) })
	r.NotFoundHandler, r.MethodNotAllowedHandler = kit.NotFound(), kit.NotAllowed()
	pages := kit.Wrap(r)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.ServeHTTP(w, r.WithContext(store.WithCounter(r.Context(), &h.asked)))
	})
	server.Start()
	t.Cleanup(server.Close)
	h.seed()
	return h
}

func (h *house) seed() {
	t, ctx := h.t, context.WithoutCancel(h.t.Context())
	ev := audit.Event{Kind: audit.AccountCreated, Actor: "operator"}
	phc, err := h.hasher.Hash(ctx, password)
	must(t, err)
	verified := account.RealName{Status: account.StatusVerified, Level: "L2", VerifiedAt: h.at}
	firm := account.Unit{ID: "u-firm", USCC: uscc, Name: "北京示例科技有限公司", Type: account.UnitEnterprise, Status: account.UnitRegistered,
		State: account.Active, AccountID: "firm", RealName: verified}
	second := account.Unit{ID: "u-second", USCC: uscc2, Name: "福建示例研究院", Type: account.UnitPublicInstitution, Status: account.UnitRegistered, State: account.Active}
	foreign := account.Unit{ID: "u-foreign", USCC: "91110000100000000X", Name: "别人的单位", Type: account.UnitEnterprise, Status: account.UnitRegistered, State: account.Active}
	for _, u := range []account.Unit{firm, second, foreign} {
		must(t, h.db.PutUnit(ctx, u, ev))
	}
	profile := account.Profile{
		Name: "张三丰", IDType: "cn_resident_id", IDNumber: "110101199003070038", Phone: "+8618711111111", PhoneVerified: true, Email: "zhang@example.cn",
		Address: &account.Address{Region: "北京市", StreetAddress: "某路 1 号"},
	}
	legal := account.Profile{Name: firm.Name, LegalRep: &account.Person{Name: "李四光", IDNumber: "110101199003070038"}}
	for _, a := range []account.Account{
		{ID: "zhang", Kind: account.NaturalPerson, LoginName: "zhangsan", RealName: verified, Profile: profile},
		{ID: "wang", Kind: account.NaturalPerson, LoginName: "18722223333", RealName: account.RealName{Status: account.StatusUnverified, Level: "L1"}},
		{ID: "firm", Kind: account.LegalEntity, LoginName: uscc, UnitID: firm.ID, RealName: verified, Profile: legal},
		{ID: "ice", Kind: account.NaturalPerson, LoginName: "frozen_one", State: account.Frozen, RealName: verified},
	} {
		if a.State == "" {
			a.State = account.Active
		}
		a.LoginKey, err = account.NormaliseLogin(a.LoginName)
		must(t, err)
		a.CreatedAt, a.UpdatedAt = h.at, h.at
		must(t, h.db.PutAccount(ctx, a, phc, ev))
	}
	must(t, h.db.PutSystem(ctx, entitlement.System{ID: "hightech_enterprise", NameZH: "高企认定", NameEN: "High-tech", EntryURL: "https://gaoqi.example.gov.cn/", Actions: []string{"apply"}}, ev))
	must(t, h.db.PutSystem(ctx, entitlement.System{ID: "tech_sme", NameZH: "科小企评价", Actions: []string{"apply"}}, ev))
	for i, u := range []account.Unit{firm, second} {
		must(t, h.db.PutMandate(ctx, entitlement.Mandate{ID: "m" + u.ID, Account: "zhang", Unit: u, Relation: []entitlement.Relation{entitlement.Handler, entitlement.Admin}[i],
			State: entitlement.Active, Source: entitlement.Delegated, From: h.at}, ev))
		must(t, h.db.PutGrant(ctx, entitlement.Grant{ID: "g" + u.ID, Account: "zhang", UnitID: u.ID, System: "hightech_enterprise", Actions: []string{"apply"},
			State: entitlement.Active, Source: entitlement.Delegated, From: h.at}, ev))
	}
	must(t, h.db.PutGrant(ctx, entitlement.Grant{ID: "gfirm", Account: "firm", UnitID: "u-firm", System: "hightech_enterprise", Actions: []string{"apply", "report"},
		State: entitlement.Active, Source: entitlement.Direct, From: h.at}, ev))
	h.client("gaoqi", func(*client.Metadata) {})
}

// client registers (or changes) a client.
func (h *house) client(id string, change func(*client.Metadata)) {
	m := client.Metadata{
		Name: "高新技术企业认定", LegalName: "某某中心", Contacts: []string{"010-1234"}, Purpose: "办理认定",
		RedirectURIs: []string{"http://127.0.0.1:9999/cb"}, PostLogoutRedirectURIs: []string{"https://rp.example/bye?a=1"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		Scope:           "openid profile phone email org entitlements identity org.legal_rep offline_access",
		BusinessSystems: []entitlement.SystemID{"hightech_enterprise"}, ClaimsProfile: client.Kejitong,
	}
	change(&m)
	c := &client.Client{ID: id, Metadata: m, State: client.Active, Reviewed: id != "stranger", CreatedAt: h.at, UpdatedAt: h.at}
	must(h.t, h.db.PutClient(context.WithoutCancel(h.t.Context()), c, audit.Event{Kind: audit.ClientCreated, Actor: "operator"}))
	h.wait(time.Second) // the registry looks again
}

// trail is the audit kinds since the seed, oldest first, with their remarks.
func (h *house) trail(kinds ...audit.Kind) []audit.Row {
	h.t.Helper()
	rows, err := h.db.RecentAudit(h.t.Context(), 100)
	must(h.t, err)
	slices.Reverse(rows)
	return slices.DeleteFunc(rows, func(r audit.Row) bool { return !slices.Contains(kinds, r.Kind) })
}

// pending reads an interaction back.
func (h *house) pending(id string) authflow.Pending {
	h.t.Helper()
	pd, err := h.db.Pending(h.t.Context(), authflow.Key(id))
	must(h.t, err)
	return pd
}

// who gives the account of the session that the browser holds, "" if none
// lives.
func (h *house) who(b *browser) account.ID {
	h.t.Helper()
	cookie := b.cookie(web.SessionCookie)
	if cookie == "" {
		return ""
	}
	v, err := h.db.ByCookie(h.t.Context(), session.Key(cookie), "")
	if err != nil || !v.Session.EndedAt.IsZero() {
		return ""
	}
	return v.Principal.Account.ID
}

func (h *house) visit(b *browser) principal.Visit {
	h.t.Helper()
	v, err := h.db.ByCookie(h.t.Context(), session.Key(b.cookie(web.SessionCookie)), "gaoqi")
	must(h.t, err)
	return v
}

func request(clientID string, more ...string) url.Values {
	q := url.Values{
		"client_id": {clientID}, "response_type": {"code"}, "redirect_uri": {"http://127.0.0.1:9999/cb"}, "scope": {"openid profile org"}, "state": {"s"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}
