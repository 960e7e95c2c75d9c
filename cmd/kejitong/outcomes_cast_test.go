package main

import (
	"cmp"
	"encoding/csv"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/entitlement"
	"kejitong/provider/realname"
	"kejitong/provider/torch"
)

// seeker is somebody who looks up, what the card must say, and how they go on.
type seeker struct {
	name        string   // the code first
	key         string   // USCC or mobile number
	unit        bool     // a USCC
	card, after []string // of the card, now and once the password was changed; with ! what it must not say
	button      string   // where the one button leads
	filled      string   // the login name that the sign-in page has then
	login       string   // who signs in; empty: the story ends where the button leads
	window      string
	password    string
	weak        bool // today's policy refuses it
	verified    bool // already, so that no real name is owed
	refused     bool // the real name belongs to another account
	both        bool // enters the second system, too

	noScript, english bool

	unitName, person, document string // what the registers know
}

// claimed is what the system must be told, by dotted paths.
type claimed struct{ id, info map[string]any }

// told follows the rules of the claims: the account that signed in, the one unit it
// stands for, and what it may do there; how they signed in apart from who they are.
func (o seeker) told() claimed {
	c := claimed{
		id: map[string]any{
			"account_type": o.window, "realname.status": "verified", "realname.level": "L2", "realname.method": "auto", "acr": "urn:fuwu:aal:1", "amr": []string{"pwd"},
			"act": nil, "name": nil, "entitlements": []string{"torch_statistics:report"},
		},
		info: map[string]any{"account_type": o.window, "verified_claims.verification.assurance_level": "L2", "act": nil},
	}
	if o.window == string(account.NaturalPerson) {
		c.info["name"], c.info["verified_claims.claims.name"] = o.person, o.person
		c.info["verified_claims.claims.id_number_masked"] = account.MaskID(o.document)
	}
	if !o.unit {
		c.id["org"], c.info["org"], c.info["verified_claims.claims.authority"] = nil, nil, nil
		return c
	}
	may := []string{"hightech_enterprise:apply", "hightech_enterprise:report", "hightech_enterprise:annual_report", "hightech_enterprise:certificate_query"}
	for _, m := range []map[string]any{c.id, c.info} {
		m["org.uscc"], m["org.name"], m["org.type"], m["org.relation"], m["entitlements"] = o.key, o.unitName, account.UnitEnterprise, "self", may
	}
	if o.window == string(account.LegalEntity) {
		c.info["verified_claims.claims.organization_name"], c.info["verified_claims.claims.registration_number"] = o.unitName, o.key
		c.info["org.grant_source"] = nil
		return c
	}
	// E4 and E5: a person, by the unit's grants that came over, for a year, not to be
	// handed on (R8, G1).
	for _, m := range []map[string]any{c.id, c.info} {
		m["org.relation"] = "handler"
	}
	c.info["org.grant_source"] = "torch_migration"
	const by = "verified_claims.claims.authority."
	c.info[by+"applies_to.registration_number"] = o.key
	c.info[by+"permission.role"], c.info[by+"permission.function"], c.info[by+"permission.may_delegate"] = "handler", may, false
	c.info[by+"permission.validity.end"] = time.Now().In(time.FixedZone("", 8*60*60)).AddDate(1, 0, -1).Format(time.DateOnly)
	c.info[by+"granted_by.method"], c.info[by+"granted_by.granting_body"] = "migrated", "火炬中心业务办理平台"
	return c
}

// Rows of a second file, for what the demonstration has not.
const (
	weakUnit     = 2000
	suffixedUnit = 2001
	weakPerson   = 2003
	suffixed     = 2004
	otherHere    = 2010 // a unit with an account here, under another login name, and none there

	weakPassword = "12345678"
)

// seekers brings the demonstration's former platform over, and a second file, and
// says who looks up. What the cards must say is the manual's texts (1.8).
func (s *stage) seekers() []seeker {
	s.t.Helper()
	ctx, g := s.t.Context(), s.cast.legacy()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	must(s.cast.seedLegacy(ctx, s.app))
	own, err := s.app.hasher.Hash(ctx, s.cast.Secrets[legacyOwn])
	must(err)
	g.phc = own
	put := func(kind account.Kind, login, phone string) {
		_, err := g.put(ctx, s.app, kind, login, "", "", phone)
		must(err)
	}
	must(g.unitsWay(ctx, s.app, suffixedUnit, torch.E5))
	put(account.NaturalPerson, "HJ_"+g.uscc(suffixedUnit), "")
	put(account.NaturalPerson, g.mobile(suffixed), "+8619900000000")
	put(account.NaturalPerson, "HJ_"+g.mobile(suffixed), "+8619900000000")
	must(g.unitsWay(ctx, s.app, otherHere, torch.E4))
	s.bring("second", s.secondFile(g))

	e, p := demoEntities(), demoPersons()[0]
	put(account.NaturalPerson, e[1].USCC, "")
	const legal, natural = string(account.LegalEntity), string(account.NaturalPerson)
	kept, chosen := "与原火炬中心密码相同", "在政务服务平台自己设置的密码"
	all := []seeker{
		{name: "E0a", key: e[0].USCC, card: []string{"未在火炬中心业务办理平台注册过账号，也未在政务服务平台注册过法人账号", "注册法人单位账号并完成实名认证", "!登录窗口"},
			button: "/register/unit", login: e[0].USCC, window: legal, password: chosenPassword, unitName: e[0].Name, person: e[0].LegalRep.Name, document: e[0].LegalRep.IDNumber},
		{name: "E6", key: e[1].USCC, card: []string{"已被他人注册为自然人账号登录名", "用其他登录名注册法人账号", "登录名申诉", "!登录窗口"},
			button: "/register/unit", login: "office.of.e6", window: legal, password: chosenPassword, unitName: e[1].Name, person: e[1].LegalRep.Name, document: e[1].LegalRep.IDNumber},
		{name: "E1 of a weak password", key: g.uscc(weakUnit), window: legal, password: weakPassword, weak: true,
			card:  []string{"请继续使用原火炬中心用户名 " + g.uscc(weakUnit) + " 和密码", "法人登录窗口", kept, "尚未登录过", "!已修改过", "忘记密码"},
			after: []string{"说明您已经登录成功并修改过密码，请再进行密码找回", "已修改过，不再是原火炬中心密码", "!尚未登录过", "!" + kept}},
		{name: "E5·E7", key: g.uscc(suffixedUnit), filled: "HJ2_" + g.uscc(suffixedUnit), window: natural, password: g.password(g.uscc(suffixedUnit)),
			card: []string{"自然人账号登录名为 HJ2_" + g.uscc(suffixedUnit), "E5·E7"}},
		{name: "I1 of a weak password", key: g.mobile(weakPerson), window: natural, password: weakPassword, weak: true,
			card:  []string{"请在自然人登录窗口用原账号", kept, "尚未登录过", "!已修改过"},
			after: []string{"已修改过，不再是原火炬中心密码", "!尚未登录过", "!" + kept}},
		{name: "I3·E7", key: g.mobile(suffixed), filled: "HJ2_" + g.mobile(suffixed), window: natural, password: g.password(g.mobile(suffixed)),
			card: []string{"您的登录名为 HJ2_" + g.mobile(suffixed) + "，密码不变", "I3·E7"}},
		{name: "E0b under another login name", key: g.uscc(otherHere), filled: "-", login: "unit-" + strings.ToLower(g.uscc(otherHere)[8:17]), window: legal, password: s.cast.Secrets[legacyOwn],
			card: []string{"已在政务服务平台注册过法人账号", "u***", "登录名只显示一部分", chosen, "!unit-"}},
	}
	row := map[torch.Code]int{}
	for i := legacyCases - 1; i >= 0; i-- {
		row[g.outcome(i)] = i
	}
	for _, l := range s.cast.legacyAccounts() {
		o := seeker{name: l.Outcome, key: l.Key, filled: l.LoginName, window: l.Window, password: l.Password}
		switch l.Outcome {
		case "E0b":
			o.card = []string{"已在政务服务平台注册过法人账号", "请直接登录并进行实名认证", "法人", chosen, "忘记密码"}
		case "E1":
			o.card = []string{"请继续使用原火炬中心用户名 " + l.Key, "如提示登录名或密码错误", "找回密码", "法人登录窗口", kept, "尚未登录过", "!已修改过"}
		case "E2":
			o.card = []string{"政务服务平台已注册账号，登录名为统一社会信用代码 " + l.Key, "法人登录窗口", chosen, "忘记密码", "!" + kept}
		case "E3":
			o.card, o.noScript = []string{"法人账号登录名为 HJ_" + l.Key, "密码与原火炬中心密码相同", "已被他人注册为自然人账号登录名", kept, "登录名申诉"}, true
		case "E4":
			o.both = true
			o.card = []string{l.Key + " 现为自然人账号，密码不变", "自然人登录窗口", "自动获得本企业高企认定、科小企评价等业务系统授权", "企业已用其他登录名注册过法人账号", "获取相关联系人信息", "忘记密码", kept}
		case "E5":
			o.card = []string{"自然人账号登录名为 HJ_" + l.Key, "企业已用其他登录名注册过法人账号", "已被他人注册为自然人账号登录名", "自动获得本企业高企认定、科小企评价等业务系统授权", kept}
		case "E7":
			o.name, o.card = "E3·E7", []string{"法人账号登录名为 HJ2_" + l.Key, "E3·E7", kept}
		case "I1":
			o.card = []string{"请在自然人登录窗口用原账号 " + l.Key, "如提示登录名或密码错误，请找回密码", kept}
		case "I2":
			o.card, o.verified = []string{"政务服务平台已有以手机号 " + l.Key + " 为登录名的账号", chosen, "找回", "!" + kept}, true
		case "I3":
			o.card, o.english = []string{"Your login name is HJ_" + l.Key, "the password is unchanged", "somebody registered the number as login name", "Sign in", "Never so far"}, true
		case "I4":
			o.card = []string{"已用其他账号完成实名认证", "一个身份证只能实名认证一个账号", "自然人申诉", "!" + l.LoginName}
			o.button, o.login, o.password, o.verified = "/appeal/person", l.LoginName, freshPassword, true
		case "I5":
			o.card = []string{"已用其他账号完成实名认证", "该手机号已被他人注册为登录名", "自然人申诉", "!" + l.LoginName}
			o.button = "/appeal/person"
		case "I6":
			o.card, o.refused = []string{"政务服务平台已有以手机号 " + l.Key + " 为登录名的账号", "您的实名信息已用于另一账号", "自然人申诉", chosen}, true
		default: // those above
			continue
		}
		if o.verified || o.refused {
			o.person, o.document = "样例", g.resident(row[torch.Code(l.Outcome)])
		}
		all = append(all, o)
	}
	return s.known(append(all, seeker{name: "I0", key: p.Mobile, card: []string{"未在火炬中心注册个人账号，请注册自然人账号", "!登录窗口"},
		button: "/register/person", login: "morning.chen", window: natural, password: chosenPassword, person: p.Name, document: p.IDNumber}))
}

// known completes the outcomes, and puts into the registers what they will say of
// themselves.
func (s *stage) known(all []seeker) []seeker {
	s.t.Helper()
	var lines []realname.Line
	for i := range all {
		o := &all[i]
		o.unit = len(o.key) == 18
		if o.button == "" {
			o.button = "/login"
			if o.login == "" {
				o.login = o.filled
			}
			if o.login == "" {
				o.login, o.filled = o.key, o.key
			}
			if o.filled == "-" {
				o.filled = ""
			}
		}
		if o.person == "" {
			o.person, o.document = legacyDocument(i)
		}
		lines = append(lines, realname.Line{Person: &realname.PersonRecord{Name: o.person, IDType: account.DocResident, IDNumber: o.document}})
		if !o.unit {
			continue
		}
		if u, err := s.app.db.UnitByUSCC(s.t.Context(), account.USCC(o.key)); err == nil {
			o.unitName = u.Name
			lines = append(lines, realname.Line{Unit: &realname.UnitRecord{USCC: u.USCC, Name: u.Name, RepName: o.person, RepIDType: account.DocResident, RepIDNumber: o.document}})
		}
	}
	if _, err := s.app.db.LoadRegister(s.t.Context(), lines, audit.Event{Kind: audit.RegisterLoaded, Actor: "test"}); err != nil {
		s.t.Fatal(err)
	}
	// Whoever needs a second code to the same number moves the clock, which only the
	// system for persons goes by.
	slices.SortStableFunc(all, func(a, b seeker) int { return cmp.Compare(a.waits(), b.waits()) })
	for _, o := range all {
		if !o.verified {
			continue
		}
		// Their verification of long ago earned the system; a number is known of them.
		a, err := s.app.db.AccountByID(s.t.Context(), s.accountOf(o.login))
		if err == nil {
			a.Profile.Phone, a.Profile.PhoneVerified = "+86"+appealMobile, o.button != "/login"
			err = s.app.db.PutAccount(s.t.Context(), a, "", audit.Event{Kind: audit.AccountChanged})
		}
		if err == nil {
			err = s.app.db.PutGrant(s.t.Context(), entitlement.Grant{ID: string(account.NewID()), Account: a.ID, System: "torch_statistics", Actions: []string{"report"}, State: entitlement.Active,
				Source: entitlement.Verification, From: now()}, audit.Event{Kind: audit.EntitlementMade, Actor: "test"})
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return all
}

// waits is the way on of those who get two codes within a minute.
func (o seeker) waits() string {
	if o.unit || o.button == "/login" {
		return ""
	}
	return o.button
}

const appealMobile = "13911112222"

// secondFile has a unit and a person whose passwords today's policy refuses, and two
// whose HJ_ names are taken.
func (s *stage) secondFile(g synthetic) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "second.csv")
	f, err := os.Create(path)
	if err != nil {
		s.t.Fatal(err)
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"类型", "用户名", "单位名称", "联系人", "手机号", "身份证号", "密码散列", "算法", "盐", "注册时间"}}
	for _, i := range []int{weakUnit, suffixedUnit, weakPerson, suffixed} {
		row, err := g.row(i)
		if err != nil {
			s.t.Fatal(err)
		}
		if i == weakUnit || i == weakPerson {
			digest, err := torch.Password{Scheme: "md5"}.Recompute(weakPassword)
			if err != nil {
				s.t.Fatal(err)
			}
			row[6], row[7], row[8] = hex.EncodeToString(digest), "md5", ""
		}
		rows = append(rows, row)
	}
	if err := w.WriteAll(rows); err != nil {
		s.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
	return path
}
