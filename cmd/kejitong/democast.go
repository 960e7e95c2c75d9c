package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kejitong/cmd/kejitong/relyingparty"
	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// demoAccount is one account of the demonstration. Case is the claims case that
// it shows: a verified person, b unit, c person with migrated grants of a unit,
// d unverified person; e acts for two units and has to choose.
type demoAccount struct {
	Case     string `json:"case"`
	Kind     string `json:"kind"`
	Username string `json:"username"`
	Password string `json:"password"`
	About    string `json:"-"`
}

type demoClient struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
	GrantTypes   []string `json:"grant_types"`
	metadata     client.Metadata
}

const (
	hightech entitlement.SystemID = "hightech_enterprise"
	techSME  entitlement.SystemID = "tech_sme"
	demoUSCC                      = "91110108MA01ET88XL" // the one of the users' manual; valid and fictitious
)

// loadSecrets reads or makes the folder's secrets and gives the root key.
func (s *performance) loadSecrets() ([]byte, error) {
	path := filepath.Join(s.folder, "secrets.json")
	kept := struct {
		Root    []byte            `json:"root"`
		Secrets map[string]string `json:"secrets"`
	}{}
	b, err := os.ReadFile(path) //nolint:gosec // the folder is the user's own choice
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(b, &kept); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s.Secrets = kept.Secrets
		if made, err := s.deskSecrets(); err != nil || !made {
			return kept.Root, err
		}
		return kept.Root, keepSecrets(path, kept)
	}
	kept.Root = make([]byte, 32)
	if _, err := rand.Read(kept.Root); err != nil {
		return nil, err
	}
	for _, login := range []string{"zhangsan", demoUSCC, "wangwu", "newcomer", "liuliu"} {
		s.Secrets[login] = "Torch-" + randomText(6) + "-9a"
	}
	for _, id := range []string{"hightech-enterprise", "tech-sme", "demo-code", "demo-service"} {
		s.Secrets[id] = randomText(32)
	}
	if _, err := s.deskSecrets(); err != nil {
		return nil, err
	}
	kept.Secrets = s.Secrets
	return kept.Root, keepSecrets(path, kept)
}

func keepSecrets(path string, kept any) error {
	b, err := json.MarshalIndent(kept, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// cast says who and what takes part.
func (s *performance) cast() {
	s.accounts = []demoAccount{
		{Case: "a", Kind: "natural_person", Username: "zhangsan", About: "已实名的自然人 verified person, no unit"},
		{Case: "b", Kind: "legal_entity", Username: demoUSCC, About: "已实名的单位 verified unit, both systems"},
		{Case: "c", Kind: "natural_person", Username: "wangwu", About: "火炬迁移的经办人 handler by Torch migration"},
		{Case: "d", Kind: "natural_person", Username: "newcomer", About: "未实名的自然人 unverified person"},
		{Case: "e", Kind: "natural_person", Username: "liuliu", About: "两个单位的经办人 handler of two units"},
	}
	for i := range s.accounts {
		s.accounts[i].Password = s.Secrets[s.accounts[i].Username]
	}
	scopes := "openid profile phone email org entitlements identity authority org.legal_rep org.contact groups offline_access"
	system := func(id, name, nameEN string, code entitlement.SystemID, port int) {
		url := base(port)
		s.systems = append(s.systems, relyingparty.System{
			Name: name, NameEN: nameEN, Code: string(code), Issuer: s.config.Issuer, ClientID: id, ClientSecret: s.Secrets[id], BaseURL: url,
			Scopes: []string{"openid", "profile", "phone", "org", "entitlements", "identity", "authority", "org.legal_rep", "org.contact"},
		})
		s.addClient(id, client.Metadata{
			Name: name, LegalName: "工业和信息化部火炬高技术产业开发中心", Purpose: "办理" + name + "业务", Scope: scopes,
			RedirectURIs: []string{url + "/cb"}, PostLogoutRedirectURIs: []string{url + "/signed-out"},
			BackchannelLogoutURI: url + "/backchannel-logout", BackchannelSessionNeeded: true, InitiateLoginURI: url + "/login",
			GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
			BusinessSystems: []entitlement.SystemID{code}, ClaimsProfile: client.Kejitong, AcceptMigrated: true, FirstParty: true,
			TokenEndpointAuthMethod: "client_secret_basic",
		})
	}
	system("hightech-enterprise", "高新技术企业认定", "High-tech enterprise recognition", hightech, s.port+1)
	system("tech-sme", "科技型中小企业评价", "Technology SME evaluation", techSME, s.port+2)
	s.addClient("demo-code", client.Metadata{
		Name: "示例接入系统", Scope: scopes, RedirectURIs: []string{"http://127.0.0.1:9999/cb"},
		PostLogoutRedirectURIs: []string{"http://127.0.0.1:9999/signed-out"},
		GrantTypes:             []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		BusinessSystems: []entitlement.SystemID{hightech}, ClaimsProfile: client.Kejitong, AcceptMigrated: true, AllowUnverified: true,
		FirstParty: true, TokenEndpointAuthMethod: "client_secret_basic",
	})
	s.addClient("demo-service", client.Metadata{
		Name: "示例后台服务", Scope: "demo.read demo.write", GrantTypes: []string{"client_credentials"},
		TokenEndpointAuthMethod: "client_secret_basic", ClaimsProfile: client.Standard, RedirectURIs: []string{}, ResponseTypes: []string{},
	})
}

func (s *performance) addClient(id string, m client.Metadata) {
	s.clients = append(s.clients, demoClient{ID: id, Secret: s.Secrets[id], RedirectURIs: m.RedirectURIs, GrantTypes: m.GrantTypes, metadata: m})
}

// seed fills an empty database; a kept folder is left as it is.
func (s *performance) seed(ctx context.Context, a *app) error {
	ev := audit.Event{Kind: audit.AccountCreated, Actor: "demo"}
	if _, err := a.db.AccountByLogin(ctx, "zhangsan"); err == nil || !fault.Is(err, fault.NotFound) {
		return err
	}
	if err := s.loadCatalogue(ctx, a); err != nil {
		return err
	}
	snap := a.ring.Snapshot()
	for _, c := range s.clients {
		row := &client.Client{
			ID: c.ID, Metadata: c.metadata, SecretDigest: client.Digest(snap, c.ID, c.Secret), State: client.Active, Reviewed: true, CreatedAt: now(), UpdatedAt: now(),
		}
		if err := a.db.PutClient(ctx, row, audit.Event{Kind: audit.ClientCreated, Actor: "demo", Object: c.ID}); err != nil {
			return err
		}
	}
	if err := s.loadRegisters(ctx, a); err != nil {
		return err
	}
	return s.seedPeople(ctx, a, ev)
}

// loadCatalogue loads the catalogue that ships, with the addresses of the two
// systems that run here; the others have none.
func (s *performance) loadCatalogue(ctx context.Context, a *app) error {
	systems, err := parseCatalogue(config.SystemsExample)
	if err != nil {
		return err
	}
	here := map[entitlement.SystemID]string{hightech: base(s.port+1) + "/login", techSME: base(s.port+2) + "/login"}
	for i := range systems {
		systems[i].EntryURL = here[systems[i].ID]
	}
	_, err = a.rights.Load(ctx, systems, "demo", false)
	return err
}

func (s *performance) seedPeople(ctx context.Context, a *app, ev audit.Event) error {
	t := now()
	verified := account.RealName{
		Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: t.Add(-72 * time.Hour), ProcessID: "rn-demo-0001",
		CheckID: "c-889", CheckOrganization: "国办统一身份认证核验接口",
	}
	units := []account.Unit{
		{ID: string(account.NewID()), USCC: demoUSCC, Name: "示例科技有限公司", Type: account.UnitEnterprise, Region: "110108", RegistrationAuthority: "9", Status: account.UnitRegistered, State: account.Active, VerifiedAt: t, RealName: verified},
		{ID: string(account.NewID()), USCC: "91110000MA00000077", Name: "样例智能装备有限公司", Type: account.UnitEnterprise, Region: "110000", RegistrationAuthority: "9", Status: account.UnitRegistered, State: account.Active, VerifiedAt: t, RealName: verified},
	}
	legal := account.Account{
		ID: account.NewID(), Kind: account.LegalEntity, LoginName: demoUSCC, UnitID: units[0].ID, RealName: verified,
		Profile: account.Profile{
			Name:  "示例科技有限公司",
			Email: "office@example.com", EmailVerified: true,
			LegalRep: &account.Person{Name: "李四", IDType: "cn_resident_id", IDNumber: "440000198512319997"},
			Contact:  &account.Person{Name: "王五", Phone: "+8613800000000", PhoneVerified: true},
		},
	}
	units[0].AccountID = legal.ID
	for _, u := range units {
		if err := a.db.PutUnit(ctx, u, ev); err != nil {
			return err
		}
	}
	person := func(login, name, id, phone string, n account.RealName) account.Account {
		p := account.Profile{Phone: phone, PhoneVerified: true}
		if n.Verified() {
			p.Name, p.Nationality, p.IDType, p.IDNumber = name, "CHN", "cn_resident_id", id
			p.Email, p.EmailVerified = login+"@example.com", true
		}
		return account.Account{ID: account.NewID(), Kind: account.NaturalPerson, LoginName: login, RealName: n, Profile: p}
	}
	unverified := account.RealName{Status: account.StatusUnverified, Level: "L1"}
	people := []account.Account{
		person("zhangsan", "张三", "11000019900101003X", "+8618711111111", verified), legal,
		person("wangwu", "王五", "110000199001010013", "+8613800000000", verified),
		person("newcomer", "", "", "+8613900000001", unverified),
		person("liuliu", "刘六", "110000199001010080", "+8613900000002", verified),
	}
	everyClaim(&people[0].Profile)
	for _, p := range people {
		if err := s.seedAccount(ctx, a, p, ev); err != nil {
			return err
		}
	}
	year := t.AddDate(1, 0, 0)
	handler := func(who account.Account, u account.Unit, src entitlement.Source, until time.Time) entitlement.Mandate {
		return entitlement.Mandate{ID: string(account.NewID()), Account: who.ID, Unit: u, Relation: entitlement.Handler, State: entitlement.Active, Source: src, From: t, Until: until}
	}
	grant := func(who account.Account, unit string, sys entitlement.SystemID, src entitlement.Source, until time.Time, actions ...string) entitlement.Grant {
		return entitlement.Grant{ID: string(account.NewID()), Account: who.ID, UnitID: unit, System: sys, Actions: actions, State: entitlement.Active, Source: src, From: t, Until: until}
	}
	wang, liu, none := people[2], people[4], time.Time{}
	for _, m := range []entitlement.Mandate{
		handler(wang, units[0], entitlement.TorchMigration, year), handler(liu, units[0], entitlement.Delegated, year), handler(liu, units[1], entitlement.Delegated, year),
	} {
		if err := a.db.PutMandate(ctx, m, ev); err != nil {
			return err
		}
	}
	for _, g := range []entitlement.Grant{
		grant(legal, units[0].ID, hightech, entitlement.Verification, none, "apply", "report"), grant(legal, units[0].ID, techSME, entitlement.Verification, none, "apply"),
		grant(wang, units[0].ID, hightech, entitlement.TorchMigration, year, "apply"), grant(wang, units[0].ID, techSME, entitlement.TorchMigration, year, "apply"),
		grant(liu, units[0].ID, hightech, entitlement.Delegated, year, "apply"), grant(liu, units[1].ID, hightech, entitlement.Delegated, year, "apply"),
		grant(liu, units[1].ID, techSME, entitlement.Delegated, year, "apply"),
	} {
		if err := a.db.PutGrant(ctx, g, ev); err != nil {
			return err
		}
	}
	// The unit and its migrated handler have been in both systems before; the handler
	// of two units sees the page that comes before a first entry.
	confirmed := []entitlement.Entry{}
	for _, y := range []entitlement.SystemID{hightech, techSME} {
		confirmed = append(confirmed, entitlement.Entry{UnitID: units[0].ID, System: y, Version: entitlement.DataVersion(units[0])})
	}
	for _, who := range []account.Account{legal, wang} {
		if err := a.db.ConfirmEntries(ctx, who.ID, confirmed, t, audit.Event{Kind: audit.EntryConfirmed, Actor: "demo", Object: units[0].ID}); err != nil {
			return err
		}
	}
	return nil
}

func (s *performance) seedAccount(ctx context.Context, a *app, p account.Account, ev audit.Event) error {
	key, err := account.NormaliseLogin(p.LoginName)
	if err != nil {
		return err
	}
	phc, err := a.hasher.Hash(ctx, s.Secrets[p.LoginName])
	if err != nil {
		return err
	}
	p.LoginKey, p.State, p.CreatedAt, p.UpdatedAt = key, account.Active, now(), now()
	ev.Object = string(p.ID)
	return a.db.PutAccount(ctx, p, phc, ev)
}

func window(kind string) string {
	if kind == string(account.LegalEntity) {
		return "法人"
	}
	return "自然人"
}

// script is the line that scripts read.
func (s *performance) script() any {
	type party struct {
		Name      string `json:"name"`
		URL       string `json:"url"`
		LoginURL  string `json:"login_url"`
		LogoutURL string `json:"logout_url"`
		ClientID  string `json:"client_id"`
	}
	parties := make([]party, 0, len(s.systems))
	for _, rp := range s.systems {
		parties = append(parties, party{rp.Code, rp.BaseURL, rp.BaseURL + "/login", rp.BaseURL + "/logout", rp.ClientID})
	}
	clients := slices.Clone(s.clients)
	return struct {
		Issuer   string        `json:"issuer"`
		Parties  []party       `json:"relying_parties"`
		Accounts []demoAccount `json:"accounts"`
		Clients  []demoClient  `json:"clients"`
		Outbox   string        `json:"outbox_url"`
		Captcha  string        `json:"captcha"`

		Operators []demoOperator `json:"operators"`
		Register  demoRegister   `json:"register"`

		Legacy []legacyAccount `json:"legacy"`

		Initial  string        `json:"initial_access_token"`
		Admin    demoAdmin     `json:"admin_client"`
		Mandates []demoMandate `json:"mandates"`
	}{
		Issuer: strings.TrimSuffix(s.config.Issuer, "/"), Parties: parties, Accounts: s.accounts, Clients: clients,
		Outbox: s.config.Issuer + outboxJSON, Captcha: demoCaptcha,
		Operators: s.operators(),
		Register:  demoRegister{demoPersons(), demoEntities()},
		Legacy:    s.legacyAccounts(),
		Initial:   s.Secrets[demoInitial],
		Admin:     demoAdmin{demoAdminID, s.Secrets[demoAdminID]},
		Mandates:  demoMandates(),
	}
}

// everyClaim gives a person what clients of the standard profile may ask for
// (OpenID Connect Core §5.1), so that each scope can be seen at work.
func everyClaim(p *account.Profile) {
	p.GivenName, p.FamilyName, p.MiddleName, p.Nickname, p.PreferredUsername = "三", "张", "小", "老张", "zhangsan"
	p.ProfileURL, p.Picture, p.Website = "https://zhangsan.example.com/", "https://zhangsan.example.com/me.png", "https://www.example.com/"
	p.Gender, p.Birthdate, p.Zoneinfo, p.Locale = "male", "1990-01-01", "Asia/Shanghai", "zh-CN"
	p.Address = &account.Address{Formatted: "北京市海淀区示例路 1 号", StreetAddress: "示例路 1 号", Locality: "北京市", Region: "北京市", PostalCode: "100080", Country: "CN"}
}
