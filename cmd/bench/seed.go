package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/entitlement"
	"kejitong/provider/keys"
	"kejitong/store"
)

// hightech is the business system of the clients whose flows are measured.
const hightech entitlement.SystemID = "hightech_enterprise"

const (
	sessionCookie = "kejitong_session"
	minAccounts   = 200 // what the rows need at least
	batch         = 250 // accounts that share a transaction; a multiple of five
)

// kindOf: of five accounts one is a unit's and one a handler's of that unit; the
// other three are persons without a unit, and it is they who sign in.
func kindOf(n int) (legal, handler bool) { return n%5 == 0, n%5 == 1 }

// loginOf is the login name of account n.
func loginOf(n int) string {
	if legal, _ := kindOf(n); legal {
		return usccOf(n)
	}
	return fmt.Sprintf("person%07d", n)
}

func windowOf(login string) string {
	if strings.HasPrefix(login, "person") {
		return string(account.NaturalPerson)
	}
	return string(account.LegalEntity)
}

// usccOf makes the valid code of an invented unit (GB 32100-2015 §4).
func usccOf(n int) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	first := fmt.Sprintf("91110108%08dX", n)
	sum, weight := 0, 1
	for _, r := range first {
		sum += strings.IndexRune(alphabet, r) * weight
		weight = weight * 3 % 31
	}
	return first + string(alphabet[(31-sum%31)%31])
}

// seeder fills an empty database through the store, as the product would.
type seeder struct {
	db   *store.DB
	ring *keys.Ring
	now  time.Time
	phc  string // one hash for all: 100,000 of them would take half an hour
	ev   audit.Event
}

// seed makes the keys, the clients, the accounts and the sessions and grants of
// accounts that the load never touches, and gives what the load must know.
func seed(ctx context.Context, p *place, o options) (s *site, err error) {
	db, err := store.Open(ctx, p.storeOptions())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	ring := &keys.Ring{Store: db, Root: p.config.Keys.RootKey.Bytes(), Now: db.Now}
	if err := ring.Open(ctx); err != nil {
		return nil, err
	}
	// Next keys too, or the server would look for RSA primes while it is measured.
	if err := ring.Prepare(ctx); err != nil {
		return nil, err
	}
	db.Seal = func() store.Sealer { return ring.Snapshot() }
	sd := &seeder{db: db, ring: ring, now: db.Now(), ev: audit.Event{Kind: audit.AccountCreated, Actor: "bench"}}
	s = &site{address: p.config.Listen.Address, issuer: p.config.Issuer, password: "Bench-" + randomText(9), accounts: o.accounts, code: map[string]relying{}}
	hasher := &credential.Hasher{}
	if sd.phc, err = hasher.Hash(ctx, s.password); err != nil {
		return nil, err
	}
	if err := sd.register(ctx, s); err != nil {
		return nil, err
	}
	if err := sd.populate(ctx, o.accounts); err != nil {
		return nil, err
	}
	return s, sd.remember(ctx, o.others, s)
}

// register makes the business system and the clients.
func (sd *seeder) register(ctx context.Context, s *site) error {
	if err := sd.db.PutSystem(ctx, entitlement.System{
		ID: hightech, NameZH: "高新技术企业认定", NameEN: "High-tech enterprise recognition", Owner: "火炬中心", EntryURL: "https://hightech.example/login",
		Level: "L2", Actions: []string{"apply", "report"},
	}, sd.ev); err != nil {
		return err
	}
	const scope = "openid profile phone org entitlements offline_access"
	put := func(id string, m client.Metadata) (relying, error) {
		secret, err := client.NewSecret()
		if err != nil {
			return relying{}, err
		}
		m.Name, m.TokenEndpointAuthMethod = id, "client_secret_basic"
		c := &client.Client{ID: id, Metadata: m, SecretDigest: client.Digest(sd.ring.Snapshot(), id, secret), State: client.Active, Reviewed: true, CreatedAt: sd.now, UpdatedAt: sd.now}
		r := relying{id: id, secret: secret, scope: scope, alg: m.IDTokenSignedResponseAlg}
		if len(m.RedirectURIs) > 0 {
			r.redirect = m.RedirectURIs[0]
		}
		return r, sd.db.PutClient(ctx, c, audit.Event{Kind: audit.ClientCreated, Actor: "bench", Object: id})
	}
	var err error
	for _, alg := range []string{"RS256", "ES256"} {
		name := "bench-" + strings.ToLower(alg)
		if s.code[alg], err = put(name, client.Metadata{
			Scope: scope, RedirectURIs: []string{"https://" + name + ".example/cb"}, GrantTypes: []string{"authorization_code", "refresh_token"},
			ResponseTypes: []string{"code"}, BusinessSystems: []entitlement.SystemID{hightech}, ClaimsProfile: client.Kejitong, FirstParty: true,
			IDTokenSignedResponseAlg: alg,
		}); err != nil {
			return err
		}
	}
	service := client.Metadata{Scope: "bench.read bench.write", GrantTypes: []string{"client_credentials"}, ClaimsProfile: client.Standard}
	if s.service, err = put("bench-service", service); err != nil {
		return err
	}
	service.AccessTokenFormat, service.AccessTokenAlg = "jwt", "ES256"
	s.machine, err = put("bench-machine", service)
	return err
}

// populate writes the accounts, many to a transaction and, where the database
// has several writers, many at once.
func (sd *seeder) populate(ctx context.Context, accounts int) error {
	writers := 1
	if sd.db.Postgres() {
		writers = 4
	}
	return sd.share(ctx, writers, accounts, func(ctx context.Context, n int) error { return sd.one(ctx, n) })
}

// share runs do for 0 to n-1 in transactions of batch, by several writers.
func (sd *seeder) share(ctx context.Context, writers, n int, do func(ctx context.Context, n int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var work sync.WaitGroup
	for range writers {
		work.Go(func() {
			for ctx.Err() == nil {
				from := int(next.Add(batch) - batch)
				if from >= n {
					return
				}
				err := sd.db.InTx(ctx, func(ctx context.Context) error {
					for i := from; i < min(from+batch, n); i++ {
						if err := do(ctx, i); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
}

func accountID(n int) account.ID { return account.ID(fmt.Sprintf("bench-account-%08d", n)) }
func unitID(n int) string        { return fmt.Sprintf("bench-unit-%08d", n-n%5) }

// one writes account n; the legal one of five brings the unit, which the
// handler after it, in the same transaction, needs.
func (sd *seeder) one(ctx context.Context, n int) error {
	legal, handler := kindOf(n)
	verified := account.RealName{Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: sd.now.Add(-time.Hour),
		ProcessID: "rn-bench", CheckID: "c-bench", CheckOrganization: "国办统一身份认证核验接口"}
	login := loginOf(n)
	key, err := account.NormaliseLogin(login)
	if err != nil {
		return err
	}
	a := account.Account{
		ID: accountID(n), Kind: account.NaturalPerson, State: account.Active, LoginName: login, LoginKey: key, RealName: verified,
		Profile: account.Profile{Name: fmt.Sprintf("测试%d", n), Nationality: "CHN", IDType: "cn_resident_id", IDNumber: residentNumber(n),
			Phone: fmt.Sprintf("+86138%08d", n), PhoneVerified: true},
		CreatedAt: sd.now, UpdatedAt: sd.now,
	}
	until := sd.now.AddDate(1, 0, 0)
	unit := account.Unit{ID: unitID(n), USCC: account.USCC(usccOf(n - n%5)), Name: fmt.Sprintf("示例科技%d有限公司", n-n%5), Type: account.UnitEnterprise, Region: "110108",
		RegistrationAuthority: "9", Status: account.UnitRegistered, State: account.Active, AccountID: a.ID, VerifiedAt: sd.now, RealName: verified}
	if legal {
		a.Kind, a.UnitID = account.LegalEntity, unit.ID
		a.Profile = account.Profile{Name: unit.Name, LegalRep: &account.Person{Name: "李四", IDType: "cn_resident_id", IDNumber: "440000198512319997"},
			Contact: &account.Person{Name: "王五", Phone: "+8613800000000", PhoneVerified: true}}
		if err := sd.db.PutUnit(ctx, unit, sd.ev); err != nil {
			return err
		}
	}
	if err := sd.db.PutAccount(ctx, a, sd.phc, sd.ev); err != nil {
		return err
	}
	if !legal && !handler {
		return nil
	}
	if handler {
		if err := sd.db.PutMandate(ctx, entitlement.Mandate{ID: fmt.Sprintf("bench-mandate-%08d", n), Account: a.ID, Unit: unit, Relation: entitlement.Handler,
			State: entitlement.Active, Source: entitlement.Delegated, From: sd.now, Until: until}, sd.ev); err != nil {
			return err
		}
	}
	if err := sd.db.PutGrant(ctx, entitlement.Grant{ID: fmt.Sprintf("bench-right-%08d", n), Account: a.ID, UnitID: unit.ID, System: hightech,
		Actions: []string{"apply"}, State: entitlement.Active, Source: entitlement.Delegated, From: sd.now, Until: until}, sd.ev); err != nil {
		return err
	}
	seen := entitlement.Entry{UnitID: unit.ID, System: hightech, Version: entitlement.DataVersion(unit)} // not what is measured
	return sd.db.ConfirmEntries(ctx, a.ID, []entitlement.Entry{seen}, sd.now, sd.ev)
}

// residentNumber is the n-th identity number (GB 11643-1999) of the region
// 110000, which was never issued: one document is proved on one account.
func residentNumber(n int) string {
	birth := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n/1000)
	body := fmt.Sprintf("110000%s%03d", birth.Format("20060102"), n%1000)
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(body[i]-'0') * weight
	}
	return body + string("10X98765432"[sum%11])
}
